//! What stands in the attribute's parentheses.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Result, Token};

/// Every key.
const KEYS: [&str; 4] = ["circuit", "default", "classify", "board"];

/// What stands in the attribute's parentheses.
pub(crate) struct Arguments {
    pub(crate) circuit: LitStr,
    pub(crate) default: Option<Expr>,
    pub(crate) classify: Option<Expr>,
    pub(crate) board: Option<Expr>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut circuit, mut default, mut classify, mut board) = (None, None, None, None);
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            let slot = match key.to_string().as_str() {
                "circuit" => &mut circuit,
                "default" => &mut default,
                "classify" => &mut classify,
                "board" => &mut board,
                other => return Err(unknown(&key, other)),
            };
            if slot.is_some() {
                return Err(Error::new(key.span(), format!("`{key}` is said twice")));
            }
            input.parse::<Token![=]>().map_err(|error| Error::new(error.span(), format!("write `{key} = …`")))?;
            *slot = Some(input.parse()?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(Self { circuit: name(circuit)?, default, classify, board })
    }
}

fn name(circuit: Option<Expr>) -> Result<LitStr> {
    match circuit {
        Some(Expr::Lit(ExprLit { lit: Lit::Str(name), .. })) => Ok(name),
        Some(other) => Err(Error::new(other.span(), "a circuit's name is a text in quotes, checked by the compiler")),
        None => Err(Error::new(Span::call_site(), "no circuit is named; write `circuit = \"…\"`")),
    }
}

fn unknown(key: &Ident, word: &str) -> Error {
    let in_common = |name: &&str| name.chars().zip(word.chars()).take_while(|(a, b)| a == b).count();
    let nearest = KEYS.iter().copied().filter(|name| in_common(name) > 0).max_by_key(in_common);
    let advice = nearest.map_or_else(|| ".".to_owned(), |name| format!("; did you mean `{name}`?"));
    Error::new(key.span(), format!("`{word}` is no key of this attribute{advice} There are: {}", KEYS.join(", ")))
}
