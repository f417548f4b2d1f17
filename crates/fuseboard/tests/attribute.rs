//! The attribute: on functions and methods, sync and async, with and without a default.

#![cfg(feature = "macros")]

use std::cell::Cell;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::sync::LazyLock;

use fuseboard::{Board, CircuitName, Failure, Outcome, Policy, Refusal, Shown, View, block_on, guard};

static BOARD: LazyLock<Board> = LazyLock::new(|| Board::builder().exact_totals(true).build());

fn view(board: &Board, name: &str) -> View {
    board.view(&name.parse().unwrap()).unwrap().expect("the store has seen the circuit")
}

/// Doubles what can be read.
#[guard(circuit = "double", default = 0)]
#[must_use]
fn double(text: &str) -> Result<u32, std::num::ParseIntError> {
    let number: u32 = text.parse()?;
    Ok(number * 2)
}

#[test]
fn a_guarded_function_returns_its_value_or_its_default_and_opens_its_circuit() {
    assert_eq!(double("21"), 42);
    assert_eq!([double("x"), double("y"), double("21")], [0, 0, 0]);
    let view = view(Board::global(), "double");
    assert_eq!((view.state, view.totals.failure, view.totals.skipped), (Shown::Open, 2, 1));
}

#[guard(circuit = "kept", board = BOARD)]
fn kept(circuit: &str) -> Result<u32, Box<dyn Error>> {
    Ok(circuit.parse()?) // the argument, though the attribute has a variable of this name
}

#[test]
fn without_a_default_the_result_is_kept_and_a_skip_is_an_error_too() {
    assert_eq!(kept("21").unwrap(), 21);
    assert!(kept("x").unwrap_err().is::<std::num::ParseIntError>());
    assert!(kept("x").unwrap_err().is::<std::num::ParseIntError>());
    let skipped = kept("21").unwrap_err();
    assert_eq!(skipped.downcast_ref::<Refusal>().map(|refusal| refusal.circuit.as_str()), Some("kept"));
}

#[test]
fn a_default_is_made_afresh_for_each_call_that_needs_one() {
    let (board, made) = (Board::builder().exact_totals(true).build(), Cell::new(0));
    #[guard(circuit = "lists", board = board, default = { made.set(made.get() + 1); vec![made.get()] })]
    fn list(board: &Board, made: &Cell<u8>, broken: bool) -> Result<Vec<u8>, String> {
        if broken { Err("no list".to_owned()) } else { Ok(vec![9]) }
    }
    assert_eq!([list(&board, &made, false), list(&board, &made, true), list(&board, &made, true)], [[9], [1], [2]]);
}

#[test]
fn a_panic_gives_the_default_or_goes_on() {
    let board = Board::builder().exact_totals(true).build();
    #[guard(circuit = "soft", board = board, default = 9)]
    fn soft(board: &Board) -> Result<u8, String> {
        panic!("boom")
    }
    #[guard(circuit = "hard", board = board)]
    fn hard(board: &Board) -> Result<u8, Box<dyn Error>> {
        panic!("boom")
    }
    assert_eq!(soft(&board), 9);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| hard(&board).is_ok())).is_err());
    assert_eq!((view(&board, "soft").failures, view(&board, "hard").failures), (1, 1));
}

struct Client<T> {
    board: Board,
    rows: Vec<T>,
}

impl<T> Client<T>
where
    T: Clone + Debug + PartialEq + Send + Sync,
{
    #[guard(circuit = "longest", board = self.board, default = &[])]
    fn first<'a>(&'a self, n: usize) -> Result<&'a [T], String> {
        self.rows.get(..n).ok_or_else(|| format!("fewer than {n}"))
    }

    #[guard(circuit = "push", board = self.board, default = ())]
    fn push(&mut self, mut row: Vec<T>, (low, high): (usize, usize)) -> Result<(), std::fmt::Error> {
        row.truncate(high - low);
        self.rows.append(&mut row);
        Ok(())
    }

    #[guard(circuit = "into", board = self.board, default = Vec::new())]
    fn into_rows(self) -> Result<Vec<T>, String> {
        Ok(self.rows)
    }

    #[guard(circuit = "fetch", board = &self.board, default = None)]
    async fn fetch<K>(&self, key: K, extra: impl Display + Send) -> Result<Option<&T>, String>
    where
        K: Into<usize> + Send,
    {
        let key = async { key.into() }.await;
        let row = self.rows.get(key).ok_or_else(|| format!("no row {extra}"))?;
        Ok(Some(row))
    }
}

#[test]
fn methods_keep_their_receivers_generics_lifetimes_patterns_and_bounds() {
    let mut client = Client { board: Board::builder().exact_totals(true).build(), rows: vec![1, 2] };
    client.push(vec![3, 4], (0, 1));
    assert_eq!(client.first(3), [1, 2, 3]);
    assert!(client.first(9).is_empty());
    assert_eq!(view(&client.board, "longest").failures, 1);
    assert_eq!(client.into_rows(), [1, 2, 3]);
}

#[test]
fn an_async_method_is_guarded_and_is_send() {
    fn send<F: Send>(future: F) -> F {
        future
    }
    let client = Client { board: Board::builder().exact_totals(true).build(), rows: vec!["a".to_owned()] };
    assert_eq!(block_on(send(client.fetch(0_u16, "zero"))).map(String::as_str), Some("a"));
    assert_eq!(block_on(client.fetch(7_u16, "seven")), None);
    assert_eq!(view(&client.board, "fetch").last_failure.unwrap().1, "no row seven");
}

#[guard(circuit = "boxed", board = BOARD)]
async fn boxed(broken: bool) -> Result<Box<dyn Display>, Box<dyn Error>> {
    if broken {
        return Err("broken".into());
    }
    Ok(Box::new(3))
}

#[test]
fn what_an_async_function_returns_is_coerced_as_without_the_attribute() {
    assert_eq!(block_on(boxed(false)).unwrap().to_string(), "3");
    assert_eq!(block_on(boxed(true)).err().unwrap().to_string(), "broken");
}

#[guard(circuit = "sum", board = BOARD, default = 0)]
fn sum(n: u32) -> Result<u32, String> {
    Ok(if n == 0 { 0 } else { n + sum(n - 1) })
}

#[test]
fn a_guarded_function_may_call_itself() {
    assert_eq!(sum(4), 10);
    assert_eq!(view(&BOARD, "sum").totals.success, 5);
}

struct NoWords;

fn nothing_is_an_answer(result: &Result<u8, NoWords>) -> Outcome {
    match result {
        Ok(0) => Outcome::Failure(Failure::error(&"zero")),
        Ok(_) | Err(NoWords) => Outcome::Success,
    }
}

#[guard(circuit = "classified", board = BOARD, classify = nothing_is_an_answer, default = 9)]
fn classified(answer: Option<u8>) -> Result<u8, NoWords> {
    answer.ok_or(NoWords)
}

#[test]
fn a_classifier_says_what_counts() {
    assert_eq!([classified(None), classified(None), classified(None), classified(Some(0))], [9, 9, 9, 0]);
    let view = view(&BOARD, "classified");
    assert_eq!((view.failures, view.totals.success), (1, 3));
}

#[test]
fn a_guarded_function_has_the_policy_under_which_its_circuit_is_in_use() {
    let board = Board::builder().exact_totals(true).build();
    let name: CircuitName = "patient".parse().unwrap();
    board.circuit_with(&name, Policy::builder().trip_after(9).build().unwrap()).unwrap();
    #[guard(circuit = "patient", board = board, default = false)]
    fn patient(board: &Board) -> Result<bool, String> {
        Err("not yet".to_owned())
    }
    for _ in 0..8 {
        assert!(!patient(&board));
    }
    assert_eq!(view(&board, "patient").state, Shown::Closed);
    assert!(!patient(&board));
    assert_eq!(view(&board, "patient").state, Shown::Open);
}
