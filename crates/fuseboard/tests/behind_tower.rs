//! The circuit as a `tower` layer, around a service written by hand.

#![cfg(feature = "tower")]

mod stage;

use std::cell::Cell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use fuseboard::event::EventKind;
use fuseboard::{CircuitService, Failure, FailureKind, Outcome, Refusal, Shown, TryError, block_on};
use tower_layer::Layer;
use tower_service::Service;

use stage::{COOL_DOWN, Stage, fail, work};

/// A service that answers as it is asked to, and counts.
#[derive(Clone, Default)]
struct Echo {
    asked_ready: Rc<Cell<u32>>,
    never_ready: bool,
    called: Rc<Cell<u32>>,
}

#[derive(Clone, Copy)]
enum Ask {
    Answer(u16),
    Fail,
    PanicInCall,
    PanicInPoll,
    /// Never answer.
    Hang,
}

type Answer = Pin<Box<dyn Future<Output = Result<u16, String>> + Send>>;

impl Service<Ask> for Echo {
    type Response = u16;
    type Error = String;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), String>> {
        self.asked_ready.set(self.asked_ready.get() + 1);
        Poll::Ready(if self.never_ready { Err("shut down".to_owned()) } else { Ok(()) })
    }

    fn call(&mut self, ask: Ask) -> Answer {
        self.called.set(self.called.get() + 1);
        match ask {
            Ask::PanicInCall => panic!("in call"),
            Ask::Answer(status) => Box::pin(async move { Ok(status) }),
            Ask::Fail => Box::pin(async { Err("connection refused".to_owned()) }),
            Ask::PanicInPoll => Box::pin(poll_fn(|_| panic!("in poll"))),
            Ask::Hang => Box::pin(std::future::pending()),
        }
    }
}

fn ask<C>(service: &mut CircuitService<Echo, C>, ask: Ask) -> Result<u16, TryError<String>>
where
    CircuitService<Echo, C>: Service<Ask, Response = u16, Error = TryError<String>>,
{
    block_on(async {
        poll_fn(|context| service.poll_ready(context)).await?;
        service.call(ask).await
    })
}

#[test]
fn answers_and_errors_pass_through_and_an_open_circuit_never_calls_the_service() {
    let (stage, echo) = (Stage::new(), Echo::default());
    let mut service = stage.circuit.layer().layer(echo.clone());
    assert!(matches!(ask(&mut service, Ask::Answer(200)), Ok(200)));
    for _ in 0..2 {
        assert!(matches!(ask(&mut service, Ask::Fail), Err(TryError::Failed(error)) if error == "connection refused"));
    }
    let skipped = ask(&mut service, Ask::Answer(200));
    assert!(matches!(skipped, Err(TryError::Skipped(Refusal { circuit, .. })) if &circuit == stage.circuit.name()));
    assert_eq!((echo.asked_ready.get(), echo.called.get()), (4, 3));
    stage.pass(COOL_DOWN);
    assert!(matches!(ask(&mut service, Ask::Answer(200)), Ok(200)));
    assert_eq!(stage.view().state, Shown::Closed);
}

#[test]
fn asking_whether_the_service_is_ready_takes_no_probe() {
    let stage = Stage::open();
    stage.pass(COOL_DOWN);
    let mut service = stage.circuit.layer().layer(Echo::default());
    for _ in 0..3 {
        assert!(service.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready());
    }
    assert!(stage.events().is_empty());
    let response = service.call(Ask::Answer(200));
    assert_eq!(stage.events(), [EventKind::Probing], "admission is asked in `call`, before any poll");
    assert!(matches!(block_on(response), Ok(200)));
}

#[test]
fn a_service_that_is_never_ready_says_so_and_counts_as_nothing() {
    let stage = Stage::new();
    assert!(work(&stage.circuit) && fail(&stage.circuit));
    let mut service = stage.circuit.layer().layer(Echo { never_ready: true, ..Echo::default() });
    for _ in 0..3 {
        assert!(matches!(ask(&mut service, Ask::Fail), Err(TryError::Failed(error)) if error == "shut down"));
    }
    assert_eq!((stage.view().state, stage.view().failures), (Shown::Closed, 1));
}

#[test]
fn a_response_that_is_dropped_polled_or_not_gives_the_probe_back() {
    for polled in [false, true] {
        let stage = Stage::open();
        stage.pass(COOL_DOWN);
        let mut response = stage.circuit.layer().layer(Echo::default()).call(Ask::Hang);
        if polled {
            assert!(response.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        drop(response);
        let view = stage.view();
        assert_eq!((view.totals.ignored, view.probe_due), (1, true));
        assert!(work(&stage.circuit));
    }
}

#[test]
fn a_panic_in_call_or_in_a_poll_is_a_failure_and_goes_on() {
    for panics in [Ask::PanicInCall, Ask::PanicInPoll] {
        let stage = Stage::new();
        let mut service = stage.circuit.layer().layer(Echo::default());
        let thrown = catch_unwind(AssertUnwindSafe(|| ask(&mut service, panics).is_ok()));
        assert!(thrown.is_err());
        let view = stage.view();
        assert_eq!((view.failures, view.totals.ignored), (1, 0));
        assert_eq!(view.last_failure.unwrap().0, FailureKind::Panic);
    }
}

#[test]
fn a_classifier_says_which_responses_are_failures() {
    let stage = Stage::new();
    let by_status = |result: &Result<u16, String>| match result {
        Ok(500..) => Outcome::Failure(Failure::error(&"the server's fault")),
        Ok(_) => Outcome::Success,
        Err(_) => Outcome::Ignored,
    };
    let mut service = stage.circuit.classify(by_status).layer().layer(Echo::default());
    assert!(matches!(ask(&mut service, Ask::Answer(404)), Ok(404)));
    assert!(matches!(ask(&mut service, Ask::Fail), Err(TryError::Failed(_))));
    assert!(matches!(ask(&mut service, Ask::Answer(503)), Ok(503)), "the response is handed on");
    assert!(matches!(ask(&mut service.clone(), Ask::Answer(503)), Ok(503)), "a clone stands behind the same circuit");
    assert!(matches!(ask(&mut service, Ask::Answer(200)), Err(TryError::Skipped(_))));
    let totals = stage.view().totals;
    assert_eq!((totals.success, totals.failure, totals.ignored), (1, 2, 1));
}

#[test]
fn two_services_of_one_layer_share_its_circuit() {
    let stage = Stage::new();
    let layer = stage.circuit.layer();
    let (mut left, mut right) = (layer.layer(Echo::default()), layer.layer(Echo::default()));
    assert!(ask(&mut left, Ask::Fail).is_err() && ask(&mut right, Ask::Fail).is_err());
    assert!(matches!(ask(&mut left, Ask::Answer(200)), Err(TryError::Skipped(_))));
}
