//! The guarded function: the same signature, its body behind the circuit.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, GenericArgument, Ident, ItemFn, PathArguments, Result, ReturnType, Type, parse_quote};

use crate::arguments::Arguments;

/// The function with its body behind the circuit.
pub(crate) fn expand(arguments: TokenStream, function: TokenStream) -> Result<TokenStream> {
    let arguments: Arguments = syn::parse2(arguments)?;
    let advise = |error: Error| Error::new(error.span(), format!("{error}; a function with a body can be guarded"));
    let mut function: ItemFn = syn::parse2(function).map_err(advise)?;
    let returns = returned(&function)?.clone();
    // A name that neither the body nor the default sees.
    let circuit = Ident::new("circuit", Span::mixed_site());
    let handle = handle(&arguments);
    let body = &function.block;
    let is_async = function.sig.asyncness.is_some();
    let work = if is_async {
        // The type of an async block cannot be written down; a `return` that never happens tells it.
        quote!(async move { if false { return ::fuseboard::attribute::of_type::<#returns>(); } #body })
    } else {
        quote!(move || -> #returns #body)
    };
    let (suffix, wait) = if is_async { ("_async", Some(quote!(.await))) } else { ("", None) };
    let guard = |name: &str| Ident::new(&format!("{name}{suffix}"), Span::call_site());
    let guarded = if let Some(default) = &arguments.default {
        let value = value_of(&returns)?;
        function.sig.output = parse_quote!(-> #value);
        let run = guard("run_or_else");
        quote!(#circuit.#run(|| -> #value { #default }, #work) #wait)
    } else {
        let run = guard("try_run");
        // An error type that does not take a refusal is told where it stands in the signature.
        let kept = quote_spanned!(returns.span()=> ::fuseboard::attribute::kept);
        quote!(#kept(#circuit.#run(#work) #wait))
    };
    function.block = parse_quote!({ let #circuit = #handle; #guarded });
    // Of a body on one line the compiler says that its braces are not needed.
    function.attrs.push(parse_quote!(#[allow(unused_braces)]));
    Ok(function.into_token_stream())
}

/// The circuit's handle: of the process's board it is made once, of any other at each call.
fn handle(arguments: &Arguments) -> TokenStream {
    let name = &arguments.circuit;
    let checked = quote_spanned!(name.span()=> const _: () = ::fuseboard::attribute::check_name(#name););
    let handle = if let Some(board) = &arguments.board {
        quote!(::fuseboard::attribute::circuit(&#board, #name))
    } else {
        quote! {{
            static CIRCUIT: ::std::sync::OnceLock<::fuseboard::Circuit> = ::std::sync::OnceLock::new();
            CIRCUIT.get_or_init(|| ::fuseboard::attribute::circuit(::fuseboard::Board::global(), #name))
        }}
    };
    let classified = arguments.classify.as_ref().map(|classify| quote!(.classify(#classify)));
    quote!({ #checked (#handle) #classified })
}

/// The function's return type, if the function can be guarded.
fn returned(function: &ItemFn) -> Result<&Type> {
    let signature = &function.sig;
    if let Some(constant) = &signature.constness {
        return Err(Error::new(constant.span(), "a `const fn` cannot ask a circuit; leave `const` out"));
    }
    let ReturnType::Type(_, returns) = &signature.output else {
        let advice = "a guarded function returns a `Result`, by which the circuit learns what came of it; write `-> Result<(), E>`";
        return Err(Error::new(signature.ident.span(), advice));
    };
    match &**returns {
        Type::ImplTrait(opaque) => {
            Err(Error::new(opaque.span(), "a guarded function returns a `Result`; of a future, write `async fn`"))
        }
        named if mentions_impl(named.to_token_stream()) => {
            Err(Error::new(named.span(), "write out the type that is returned: `impl` cannot be said of guarded work"))
        }
        named => Ok(named),
    }
}

/// Whether `impl` stands anywhere in a type.
fn mentions_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        proc_macro2::TokenTree::Group(group) => mentions_impl(group.stream()),
        proc_macro2::TokenTree::Ident(word) => word == "impl",
        proc_macro2::TokenTree::Punct(_) | proc_macro2::TokenTree::Literal(_) => false,
    })
}

/// The `T` of a `Result<T, …>`, whatever path leads to it.
fn value_of(returns: &Type) -> Result<&Type> {
    let last = match returns {
        Type::Path(path) => path.path.segments.last().filter(|last| last.ident == "Result"),
        _ => None,
    };
    let value = last.and_then(|last| match &last.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::Type(value) => Some(value),
            _ => None,
        }),
        _ => None,
    });
    let advice = "with a `default` the function returns the `T` of its `Result<T, E>`; write that type out here";
    value.ok_or_else(|| Error::new(returns.span(), advice))
}

#[cfg(test)]
mod tests;
