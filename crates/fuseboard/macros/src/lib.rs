//! The attribute `#[fuseboard::guard]`. It is documented, and used, through the crate `fuseboard` with the feature
//! `macros`.

mod arguments;
mod expand;

use proc_macro::TokenStream;

/// Guards a function by a circuit.
#[proc_macro_attribute]
pub fn guard(arguments: TokenStream, function: TokenStream) -> TokenStream {
    // With an error the function stays as it is, so that the error is not followed by others that it caused.
    expand::expand(arguments.into(), function.clone().into())
        .map_or_else(|error| TokenStream::from_iter([error.into_compile_error().into(), function]), Into::into)
}
