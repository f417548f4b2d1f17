//! What the attribute says about what it cannot guard, and where.

use super::*;

fn complaint(arguments: &str, function: &str) -> String {
    let parse = |text: &str| text.parse::<TokenStream>().unwrap();
    expand(parse(arguments), parse(function)).unwrap_err().to_string()
}

/// The complaint about arguments; there is nothing wrong with the function.
fn about_arguments(arguments: &str) -> String {
    complaint(arguments, "fn f() -> Result<u8, String> { Ok(3) }")
}

/// The complaint about a function that is to return a default.
fn about_function(function: &str) -> String {
    complaint("circuit = \"cost\", default = 0", function)
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_and_all_keys() {
    let told = about_arguments("circuit = \"cost\", defualt = 0");
    assert_eq!(
        told,
        "`defualt` is no key of this attribute; did you mean `default`? There are: circuit, default, classify, board"
    );
    assert!(about_arguments("clasify = x").contains("did you mean `classify`?"));
    assert_eq!(
        about_arguments("name = \"cost\""),
        "`name` is no key of this attribute. There are: circuit, default, classify, board"
    );
}

#[test]
fn a_circuit_must_be_named_once_and_in_quotes() {
    assert_eq!(about_arguments("default = 0"), "no circuit is named; write `circuit = \"…\"`");
    assert_eq!(about_arguments(""), "no circuit is named; write `circuit = \"…\"`");
    assert_eq!(about_arguments("circuit = \"a\", circuit = \"b\""), "`circuit` is said twice");
    assert_eq!(about_arguments("circuit"), "write `circuit = …`");
    assert_eq!(about_arguments("circuit = COST"), "a circuit's name is a text in quotes, checked by the compiler");
}

#[test]
fn what_cannot_be_guarded_is_told_with_what_to_write() {
    assert!(about_function("const fn f() -> Result<u8, String> { Ok(3) }").ends_with("leave `const` out"));
    assert!(about_function("fn f() { }").ends_with("write `-> Result<(), E>`"));
    assert!(about_function("fn f() -> impl Future<Output = Result<u8, String>> { g() }").ends_with("write `async fn`"));
    assert!(about_function("fn f() -> Result<impl Iterator, String> { g() }").starts_with("write out the type"));
    assert!(about_function("fn f() -> u8 { 3 }").ends_with("write that type out here"));
    assert!(about_function("fn f() -> Answer { g() }").ends_with("write that type out here"));
    assert!(about_function("fn f() -> Result<u8, String>;").ends_with("a function with a body can be guarded"));
    assert!(about_function("struct S;").ends_with("a function with a body can be guarded"));
}

#[test]
fn a_complaint_points_at_the_words_that_it_is_about() {
    let text = "circuit = \"cost\", defualt = 0";
    let error = syn::parse_str::<Arguments>(text).err().unwrap();
    assert_eq!(error.span().source_text().as_deref(), Some("defualt"));
    let function = "fn f(x: u8) -> Answer { g(x) }".parse().unwrap();
    let error = expand("circuit = \"cost\", default = 0".parse().unwrap(), function).unwrap_err();
    assert_eq!(error.span().source_text().as_deref(), Some("Answer"));
}

#[test]
fn attributes_visibility_generics_and_bounds_stay_and_with_a_default_the_value_is_returned() {
    let function =
        "#[inline] pub(crate) fn f<'a, T: Copy>(&'a self, mut x: T) -> io::Result<&'a T> where T: Ord { g() }";
    let expanded = expand("circuit = \"cost\", default = x".parse().unwrap(), function.parse().unwrap()).unwrap();
    let expanded: ItemFn = syn::parse2(expanded).unwrap();
    let wanted = "fn f<'a, T: Copy>(&'a self, mut x: T) -> &'a T where T: Ord";
    let wanted: syn::Signature = syn::parse_str(wanted).unwrap();
    assert_eq!(expanded.sig.to_token_stream().to_string(), wanted.to_token_stream().to_string());
    assert!(expanded.attrs[0].path().is_ident("inline"));
    assert_eq!(expanded.vis.to_token_stream().to_string(), "pub (crate)");
}
