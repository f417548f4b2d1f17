//! What callers may rely on whatever they do: rules 11, 12, 14.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use fuseboard::event::Notice;
use fuseboard::record::Position;
use fuseboard::{Board, CircuitError, Outcome, Policy};

use crate::stage::{COOL_DOWN, NAME, Stage, fail, policy, work};

// Rule 11

#[test]
fn a_fallback_is_made_per_call_and_shared_by_nobody() {
    let stage = Stage::open();
    let ask = || {
        stage.circuit.run_or_else(
            || HashMap::from([("rows", vec![1])]),
            || -> Result<HashMap<&str, Vec<i32>>, String> { unreachable!("the circuit is open") },
        )
    };
    let mut first = ask();
    first.get_mut("rows").unwrap().push(2);
    assert_eq!(ask(), HashMap::from([("rows", vec![1])]));
}

#[test]
fn a_fallback_that_is_not_needed_is_not_made() {
    let stage = Stage::new();
    assert_eq!(stage.circuit.run_or_else(|| unreachable!("nothing failed"), || Ok::<_, String>(3)), 3);
}

// Rule 12

#[test]
fn a_name_in_use_with_another_policy_is_refused_in_one_process() {
    let board = Board::new();
    let name = NAME.parse().unwrap();
    let patient = Policy::builder().trip_after(9).build().unwrap();
    board.circuit_with(&name, patient).unwrap();
    assert!(board.circuit_with(&name, patient).is_ok());
    let refused = board.circuit(NAME).unwrap_err();
    assert_eq!(refused, CircuitError::AnotherPolicy(name.clone()));
    assert!(board.gate_with(&name, Policy::default()).is_err());
}

#[test]
fn between_processes_the_callers_policy_decides_for_the_caller() {
    let clock = fuseboard::clock::FakeClock::new();
    let store = Arc::new(fuseboard::store::MemoryStore::with_clock(Arc::new(clock.clone())));
    let patient = Stage::over(store.clone(), clock.clone(), policy().trip_after(9));
    let strict = Stage::over(store, clock, policy().trip_after(2));
    assert!(fail(&patient.circuit) && fail(&patient.circuit) && fail(&patient.circuit));
    assert!(fail(&strict.circuit), "three failures are in the store, but nobody has opened the circuit");
    assert!(!work(&patient.circuit), "the other's policy opened it");
}

// Rule 14

#[test]
fn work_may_use_its_own_circuit_board_and_operator() {
    let stage = Stage::new();
    let inner = stage.circuit.run(|| {
        assert!(work(&stage.circuit));
        stage.circuit.record(&Outcome::Success).map_err(|error| error.to_string())?;
        stage.board.views().map_err(|error| error.to_string())?;
        let operator = stage.board.operator("op");
        operator.switch(stage.circuit.name(), Position::Off, "from inside", None).map_err(|e| e.to_string())?;
        assert!(!work(&stage.circuit));
        operator.auto(stage.circuit.name(), "").map_err(|error| error.to_string())
    });
    assert!(inner.is_done());
}

#[test]
fn a_probe_may_ask_for_its_own_circuit_and_is_skipped_there() {
    let stage = Stage::open();
    stage.pass(COOL_DOWN);
    let probed = stage.circuit.run(|| if work(&stage.circuit) { Err("it ran within itself") } else { Ok(()) });
    assert!(probed.is_done());
}

#[test]
fn observers_errors_and_fallbacks_may_use_the_board_that_calls_them() {
    let board: Arc<Mutex<Option<Board>>> = Arc::default();
    let (seen, from_inside) = (Arc::new(Mutex::new(0)), board.clone());
    let count = seen.clone();
    let observer = move |_: &Notice| {
        let board = from_inside.lock().unwrap().clone();
        if let Some(board) = board {
            *count.lock().unwrap() += board.views().unwrap().len();
            assert!(board.circuit("another").unwrap().would_run().unwrap());
        }
    };
    let built = Board::builder().observer(observer).build();
    *board.lock().unwrap() = Some(built.clone());
    let circuit = built.circuit(NAME).unwrap();
    let fallback = || u32::from(work(&built.circuit("another").unwrap()));
    assert_eq!(circuit.run_or_else(fallback, || Err(Curious(built.clone()))), 1);
    assert!(*seen.lock().unwrap() > 0);
    board.lock().unwrap().take();
}

/// An error that looks around when it is shown.
struct Curious(Board);

impl std::fmt::Display for Curious {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} circuits", self.0.views().unwrap().len())
    }
}
