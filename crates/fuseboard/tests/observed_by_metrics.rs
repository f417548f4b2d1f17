//! Circuits as metrics, as a recorder receives them.

#![cfg(feature = "metrics")]

mod stage;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fuseboard::clock::FakeClock;
use fuseboard::record::Position;
use fuseboard::{Board, MetricsObserver};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use stage::{COOL_DOWN, LEASE, Stage, fail, policy, work};

/// A recorder that keeps every value under the text of its key.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Kept {
    fn slot(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<String> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let text = format!("{}{{{}}}", key.name(), labels.join(","));
        self.0.lock().unwrap().entry(text).or_default().clone()
    }
}

impl Recorder for Kept {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.slot(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.slot(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// The counters and gauges whose name begins so, after `happens` happened.
fn kept(name: &str, happens: impl FnOnce()) -> BTreeMap<String, u64> {
    let recorder = Kept::default();
    metrics::with_local_recorder(&recorder, happens);
    let kept = recorder.0.into_inner().unwrap().into_iter();
    kept.filter_map(|(key, value)| Some((key.strip_prefix(name)?.to_owned(), value.load(Ordering::Relaxed)))).collect()
}

fn stage() -> Stage {
    Stage::built(Board::builder().observer(MetricsObserver), FakeClock::new(), policy())
}

#[test]
fn every_transition_is_counted_from_where_to_where() {
    let stage = stage();
    let counted = kept("fuseboard_transitions_total", || {
        assert!(fail(&stage.circuit) && fail(&stage.circuit));
        stage.pass(COOL_DOWN);
        assert!(fail(&stage.circuit));
        stage.pass(COOL_DOWN * 2);
        let lost = stage.circuit.permit().unwrap();
        stage.pass(LEASE);
        assert!(!work(&stage.circuit), "the probe was lost");
        drop(lost);
        stage.pass(COOL_DOWN * 4);
        assert!(work(&stage.circuit));
        let operator = stage.board.operator("op");
        operator.switch(stage.circuit.name(), Position::Off, "", None).unwrap();
        operator.reset(stage.circuit.name()).unwrap();
    });
    let wanted = [
        ("{circuit=work,from=any,to=closed}", 1),
        ("{circuit=work,from=closed,to=open}", 1),
        ("{circuit=work,from=half-open,to=closed}", 1),
        ("{circuit=work,from=half-open,to=open}", 2),
        ("{circuit=work,from=open,to=half-open}", 3),
    ];
    assert_eq!(counted, wanted.map(|(key, count)| (key.to_owned(), count)).into());
}

#[test]
fn published_calls_are_the_stores_counts_however_often_they_are_published() {
    let stage = stage();
    let publish = || MetricsObserver::publish(&stage.board).unwrap();
    let counted = kept("fuseboard_calls_total", || {
        for _ in 0..3 {
            assert!(work(&stage.circuit));
        }
        stage.circuit.permit().unwrap().ignored();
        publish();
        publish();
        assert!(fail(&stage.circuit) && fail(&stage.circuit) && !work(&stage.circuit));
        publish();
    });
    let wanted = [("failure", 2), ("ignored", 1), ("late", 0), ("skipped", 1), ("success", 3), ("timeout", 0)];
    let key = |(outcome, count): (&str, u64)| (format!("{{circuit=work,outcome={outcome}}}"), count);
    assert_eq!(counted, wanted.map(key).into());
}

#[test]
fn the_published_state_is_one_of_five_values() {
    let stage = stage();
    let gauge = || {
        let gauges = kept("fuseboard_circuit_state", || MetricsObserver::publish(&stage.board).unwrap());
        gauges.get("{circuit=work}").copied().map(f64::from_bits)
    };
    assert_eq!(gauge(), None, "the store has not seen the circuit");
    assert!(work(&stage.circuit));
    assert_eq!(gauge(), Some(0.0));
    assert!(fail(&stage.circuit) && fail(&stage.circuit));
    assert_eq!(gauge(), Some(1.0));
    stage.pass(COOL_DOWN);
    let probe = stage.circuit.permit().unwrap();
    assert_eq!(gauge(), Some(2.0));
    stage.pass(LEASE);
    assert_eq!(gauge(), Some(1.0), "a lost probe is an open circuit, though nobody has told it yet");
    drop(probe);
    let (operator, name) = (stage.board.operator("op"), stage.circuit.name());
    operator.switch(name, Position::Off, "", None).unwrap();
    assert_eq!(gauge(), Some(3.0));
    operator.switch(name, Position::On, "", None).unwrap();
    assert_eq!(gauge(), Some(4.0));
}
