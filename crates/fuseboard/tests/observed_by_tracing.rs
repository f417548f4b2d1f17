//! Notices as `tracing` events, as a subscriber receives them.

#![cfg(feature = "tracing")]

mod stage;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use fuseboard::clock::FakeClock;
use fuseboard::event::Row;
use fuseboard::record::{Position, Record as CircuitRecord};
use fuseboard::store::{Listed, Loaded, Store, StoreError, StoreTrouble, Swap, Version};
use fuseboard::{Board, CircuitName, Mode, TracingObserver};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use stage::{COOL_DOWN, Stage, fail, policy, work};

/// A subscriber that keeps what it receives.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Line>>>);

#[derive(Default)]
struct Line {
    level: Option<Level>,
    fields: BTreeMap<&'static str, String>,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "fuseboard"
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line { level: Some(*event.metadata().level()), ..Line::default() };
        event.record(&mut line);
        self.0.lock().unwrap().push(line);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// What is written while `happens` happens on a stage: the level, then the fields.
fn written(stage: &Stage, happens: impl FnOnce(&Stage)) -> Vec<(Level, String)> {
    let kept = Kept::default();
    tracing::subscriber::with_default(kept.clone(), || happens(stage));
    let lines = std::mem::take(&mut *kept.0.lock().unwrap());
    let line = |line: Line| {
        let fields: Vec<String> = line.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (line.level.unwrap(), fields.join(" | "))
    };
    lines.into_iter().map(line).collect()
}

fn stage() -> Stage {
    Stage::built(Board::builder().observer(TracingObserver), FakeClock::new(), policy())
}

#[test]
fn an_outage_is_written_with_its_fields_and_work_as_usual_is_not() {
    let stage = stage();
    let outage = written(&stage, |stage| {
        assert!(work(&stage.circuit));
        assert!(fail(&stage.circuit) && fail(&stage.circuit));
        assert!(!work(&stage.circuit) && !work(&stage.circuit));
        stage.pass(COOL_DOWN);
        assert!(fail(&stage.circuit));
        stage.pass(COOL_DOWN * 2);
        assert!(work(&stage.circuit));
    });
    let open = "circuit open, next probe in 5m (last error: it broke)";
    let wanted = [
        (
            Level::WARN,
            "cause=it broke | circuit=work | event=failed | failures=1 | message=work failed (1 of 2): it broke".to_owned(),
        ),
        (
            Level::WARN,
            "cause=it broke | circuit=work | event=opened | failures=2 | message=work: circuit OPEN after 2 failures \
             (last: it broke); next probe in 5m | probe_in_ms=300000"
                .to_owned(),
        ),
        (
            Level::INFO,
            format!(
                "cause=it broke | circuit=work | event=skipped | message=work: skipped (1 since it opened), {open} | \
                 probe_in_ms=300000 | skips=1"
            ),
        ),
        (
            Level::DEBUG,
            format!(
                "cause=it broke | circuit=work | event=skipped | message=work: skipped (2 since it opened), {open} | \
                 probe_in_ms=300000 | skips=2"
            ),
        ),
        (Level::DEBUG, "circuit=work | event=probing | message=work: probing".to_owned()),
        (
            Level::WARN,
            "cause=it broke | circuit=work | event=reopened | failures=2 | message=work: circuit still OPEN, the probe \
             failed (it broke); next probe in 10m | probe_in_ms=600000"
                .to_owned(),
        ),
        (Level::DEBUG, "circuit=work | event=probing | message=work: probing".to_owned()),
        (
            Level::INFO,
            "circuit=work | event=closed | failures=2 | message=work: circuit CLOSED, it works again (after 2 failures)"
                .to_owned(),
        ),
    ];
    assert_eq!(outage, wanted);
}

#[test]
fn an_operators_acts_say_who_and_why() {
    let stage = stage();
    let acts = written(&stage, |stage| {
        let (operator, name) = (stage.board.operator("op"), stage.circuit.name());
        operator.switch(name, Position::Off, "maintenance", None).unwrap();
        assert!(!work(&stage.circuit));
        operator.reset(name).unwrap();
    });
    let fields: Vec<&str> = acts
        .iter()
        .map(|(level, fields)| {
            assert_eq!(*level, Level::INFO);
            fields.as_str()
        })
        .collect();
    assert!(fields[0].starts_with("by=op | cause=off: maintenance | circuit=work | event=switched | "));
    assert!(
        fields[1].starts_with("by=op | cause=maintenance | circuit=work | event=skipped | ")
            && fields[1].ends_with("skips=1")
    );
    assert!(fields[2].starts_with("by=op | circuit=work | event=reset | "));
}

#[test]
fn what_observing_would_have_skipped_is_written_as_such() {
    let observing = policy().mode(Mode::Observe);
    let stage = Stage::built(Board::builder().observer(TracingObserver), FakeClock::new(), observing).opened();
    let lines = written(&stage, |stage| assert!(work(&stage.circuit)));
    assert!(lines[0].1.contains("event=would-be-skipped"), "{lines:?}");
}

#[test]
fn trouble_with_the_store_is_written_without_a_circuit() {
    let told = written(&stage(), |_| {
        let board = Board::builder().store(Broken).observer(TracingObserver).build();
        assert!(work(&board.circuit("work").unwrap()));
    });
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, Level::WARN);
    assert!(told[0].1.contains("event=store-degraded") && !told[0].1.contains("circuit="), "{told:?}");
}

/// A store that cannot be used.
struct Broken;

fn broken<T>() -> Result<T, StoreError> {
    Err(StoreError::new(StoreTrouble::Unreachable, "no disk".to_owned()))
}

impl Store for Broken {
    fn load(&self, _: &CircuitName) -> Result<Loaded, StoreError> {
        broken()
    }

    fn swap(&self, _: &CircuitName, _: Option<Version>, _: &CircuitRecord, _: &[Row]) -> Result<Swap, StoreError> {
        broken()
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        broken()
    }
}
