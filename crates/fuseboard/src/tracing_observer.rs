//! Notices as `tracing` events.

use tracing::Level;

use crate::clock::Moment;
use crate::decision::SkipReason;
use crate::event::{Event, EventKind, Notice, Observer, Progress};

/// An [`Observer`] that writes each notice as one `tracing` event with the target `fuseboard`. The message is the
/// notice in words; the fields, each left out where it says nothing, are
///
/// | field | what |
/// |---|---|
/// | `circuit` | the circuit's name |
/// | `event` | [`EventKind::as_str`], or `failed`, `skipped`, `would-be-skipped`, `mended`, `late`, `aside` |
/// | `cause` | the error's text, the operator's reason |
/// | `failures` | failures in a row |
/// | `skips` | calls skipped since the circuit opened or was switched off |
/// | `probe_in_ms` | the time until a probe is due |
/// | `by`, `run` | the operator; the pipeline's run |
///
/// | level | events |
/// |---|---|
/// | `WARN` | `opened`, `reopened`, `probe-lost`, `store-degraded`, `failed` |
/// | `INFO` | `closed`, `switched`, `reset`, `probe-requested`, `store-restored`, `mended`, `late`, `aside`, the [loud](Notice::is_loud) ones of the skips |
/// | `DEBUG` | `probing`, all other skips |
///
/// ```
/// use fuseboard::{Board, TracingObserver};
///
/// let board = Board::builder().observer(TracingObserver).build();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingObserver;

/// Writes at a level, which `tracing` needs to know when it is compiled.
macro_rules! write_at {
    ($level:ident, $fields:ident, $notice:ident) => {
        tracing::event!(
            target: "fuseboard",
            Level::$level,
            circuit = $notice.circuit().map(tracing::field::display),
            event = $fields.event,
            cause = $fields.cause,
            failures = $fields.failures,
            skips = $fields.skips,
            probe_in_ms = $fields.probe_in_ms,
            by = $fields.by,
            run = $fields.run,
            "{}",
            $notice
        )
    };
}

impl Observer for TracingObserver {
    fn notice(&self, notice: &Notice) {
        let fields = Fields::of(notice);
        match Weight::of(notice) {
            Weight::Trouble => write_at!(WARN, fields, notice),
            Weight::News => write_at!(INFO, fields, notice),
            Weight::Detail => write_at!(DEBUG, fields, notice),
        }
    }
}

enum Weight {
    Trouble,
    News,
    Detail,
}

impl Weight {
    fn of(notice: &Notice) -> Self {
        match notice {
            Notice::Failed { .. } => Self::Trouble,
            Notice::Event(event) => match event.kind {
                EventKind::Opened | EventKind::Reopened | EventKind::ProbeLost | EventKind::StoreDegraded => {
                    Self::Trouble
                }
                EventKind::Closed
                | EventKind::Switched
                | EventKind::Reset
                | EventKind::ProbeRequested
                | EventKind::StoreRestored => Self::News,
                EventKind::Probing => Self::Detail,
            },
            Notice::Skipped { .. } if !notice.is_loud() => Self::Detail,
            Notice::Skipped { .. } | Notice::Mended { .. } | Notice::NotCounted { .. } => Self::News,
        }
    }
}

#[derive(Default)]
struct Fields<'a> {
    event: &'static str,
    cause: Option<&'a str>,
    failures: Option<u32>,
    skips: Option<u64>,
    probe_in_ms: Option<u64>,
    by: Option<&'a str>,
    run: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn of(notice: &'a Notice) -> Self {
        match notice {
            Notice::Event(Event { at, circuit: _, kind, cause, failures, probe_at, by, run, sample: _ }) => Self {
                event: kind.as_str(),
                cause: cause.as_deref(),
                failures: *failures,
                skips: None,
                probe_in_ms: until(*probe_at, *at),
                by: by.as_deref(),
                run: run.as_deref(),
            },
            Notice::Failed { failure, progress, .. } => {
                let failures = match progress {
                    Progress::InARow { failures, .. } => *failures,
                    Progress::OfCalls(sample) => sample.failures,
                };
                Self { event: "failed", cause: Some(&failure.message), failures: Some(failures), ..Self::default() }
            }
            Notice::Skipped { skip, at, last_error, observed, .. } => {
                let event = if *observed { "would-be-skipped" } else { "skipped" };
                let skipped = Self { event, skips: Some(skip.count), ..Self::default() };
                match &skip.reason {
                    SkipReason::Open { probe_at, .. } => {
                        Self { cause: last_error.as_deref(), probe_in_ms: until(*probe_at, *at), ..skipped }
                    }
                    SkipReason::ProbeOut { .. } => Self { cause: last_error.as_deref(), ..skipped },
                    SkipReason::SwitchedOff(switch) => {
                        Self { cause: Some(&switch.reason), by: Some(&switch.by), ..skipped }
                    }
                }
            }
            Notice::Mended { .. } => Self { event: "mended", ..Self::default() },
            Notice::NotCounted { late, .. } => Self { event: if *late { "late" } else { "aside" }, ..Self::default() },
        }
    }
}

fn until(probe_at: Option<Moment>, at: Moment) -> Option<u64> {
    probe_at.and_then(|due| u64::try_from(due.since(at).as_millis()).ok())
}
