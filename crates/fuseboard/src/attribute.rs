//! The attribute, and what the functions it makes call: not for anybody else.

use crate::board::Board;
use crate::circuit::Circuit;
use crate::error::Refusal;
use crate::guard::TryError;
use crate::name;

/// Guards a function, or a method, sync or async, by a circuit. Its body returns a `Result`, as work does.
///
/// | key | what | if it is left out |
/// |---|---|---|
/// | `circuit = "…"` | the circuit's name, checked by the compiler | – |
/// | `default = …` | an expression, evaluated afresh for each call without a value | the `Result` is kept |
/// | `classify = …` | what a result means: a [`Classify`](crate::Classify), evaluated at each call | [`ByText`](crate::ByText) |
/// | `board = …` | a [`Board`], or what dereferences to one, evaluated at each call | [`Board::global`] |
///
/// With a default the function returns the `T` of its `Result<T, E>`, and contains errors and panics, as
/// [`Circuit::run_or_else`] does:
///
/// ```
/// #[fuseboard::guard(circuit = "count", default = 0)]
/// fn count(path: &str) -> Result<u64, std::io::Error> {
///     Ok(std::fs::metadata(path)?.len())
/// }
///
/// let n: u64 = count("/nowhere/at/all");
/// assert_eq!(n, 0);
/// ```
///
/// Without one the `Result` is kept and a panic goes on, as from [`Circuit::try_run`]. The error type then takes a
/// skip as well, by `From<Refusal>`: boxed errors do, and an error of your own by `#[from]`.
///
/// ```
/// use fuseboard::{Board, Refusal, block_on};
///
/// #[derive(Debug)]
/// enum Error { Down, Skipped(Refusal) }
///
/// impl std::fmt::Display for Error {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         write!(f, "{self:?}")
///     }
/// }
///
/// impl From<Refusal> for Error {
///     fn from(refusal: Refusal) -> Self {
///         Self::Skipped(refusal)
///     }
/// }
///
/// struct Client { board: Board }
///
/// impl Client {
///     #[fuseboard::guard(circuit = "client", board = self.board)]
///     async fn fetch(&self, up: bool) -> Result<u8, Error> {
///         if up { Ok(3) } else { Err(Error::Down) }
///     }
/// }
///
/// let client = Client { board: Board::new() };
/// assert!(matches!(block_on(client.fetch(true)), Ok(3)));
/// assert!(matches!(block_on(client.fetch(false)), Err(Error::Down)));
/// assert!(matches!(block_on(client.fetch(false)), Err(Error::Down)));
/// assert!(matches!(block_on(client.fetch(true)), Err(Error::Skipped(_))));
/// ```
///
/// The circuit has the policy under which its name is in use already ([`Board::circuit_with`]), else the one that it
/// inherits.
/// A default may use arguments that the body borrows or copies. A function that calls itself asks its circuit each
/// time; inside a probe the inner call is skipped. What cannot be guarded is said by the compiler: a `const fn`, a
/// return type with `impl`, with a default also an alias that hides the `T`, and a bad name:
///
/// ```compile_fail
/// #[fuseboard::guard(circuit = "Count!", default = 0)]
/// fn count() -> Result<u64, String> {
///     Ok(3)
/// }
/// ```
///
/// Without a default, an error type that cannot take a skip:
///
/// ```compile_fail
/// #[fuseboard::guard(circuit = "count")]
/// fn count() -> Result<u64, String> {
///     Ok(3)
/// }
/// ```
pub use fuseboard_macros::guard;

/// The circuit of this name, under the policy that it is used with.
pub fn circuit(board: &Board, name: &'static str) -> Circuit {
    let Ok(circuit) = board.circuit_in_use(name) else { unreachable!("`check_name` was asked by the compiler") };
    circuit
}

/// Does not compile with a name that breaks the rules.
pub const fn check_name(name: &str) {
    if let Some(rule) = name::broken_rule(name) {
        panic!("{}", rule.as_str());
    }
}

/// A result that also tells of a skip.
///
/// # Errors
/// The work's error, or what became of the refusal.
pub fn kept<T, E: From<Refusal>>(result: Result<T, TryError<E>>) -> Result<T, E> {
    result.map_err(|error| match error {
        TryError::Failed(error) => error,
        TryError::Skipped(refusal) => refusal.into(),
    })
}

/// Tells the compiler a type; never called.
pub fn of_type<T>() -> T {
    unreachable!("it stands behind `if false`")
}
