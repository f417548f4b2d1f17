//! The table at the head of `state.rs`, executed; and what no table can say.

use super::*;
use crate::decision::Chance;
use crate::record::{Holder, Sample, Totals};

const AT: Moment = Moment(1_000_000);
const EPOCH: Epoch = Epoch(7);
const COOL_DOWN: Duration = Duration::from_secs(300);

fn now() -> Now {
    Now { at: AT, chance: Chance::Given(Epoch(8), 0.5), holder_dead: false }
}

fn holder() -> Holder {
    Holder { pid: 1, started: 1, boot: "boot".into(), namespace: 1 }
}

fn fingerprint(stamp: &str) -> Fingerprint {
    Fingerprint { subject: "/bin/work".into(), stamp: stamp.into(), startable: true }
}

fn ask(stamp: &str) -> Ask {
    Ask { holder, lease: Duration::from_secs(60), fingerprint: Some(fingerprint(stamp)) }
}

fn failure(kind: FailureKind) -> Outcome {
    Outcome::Failure(Failure::new(kind, "it broke").of(Some(fingerprint("broken"))))
}

fn outage() -> Outage {
    let (since, cost) = (Moment(AT.0 - 900_000), Duration::from_secs(3));
    Outage { since, failures: 2, sample: None, trips: 1, ignored: 0, skips: 0, cost }
}

/// The record that a column of the table starts from.
fn column(name: &str) -> Record {
    let outage = outage();
    let lease = |until: i64| {
        Some(Lease { until: Moment(AT.0 + until), holder: holder(), fingerprint: Some(fingerprint("broken")) })
    };
    let state = match name {
        "closed 0" => State::Closed { failures: 0, window: None },
        "closed 1" => State::Closed { failures: 1, window: None },
        "closed 9 of 18" => State::Closed { failures: 0, window: Some(calls(9, 9)) },
        "closed 9 of 19" => State::Closed { failures: 0, window: Some(calls(10, 9)) },
        "open 1 waiting" => State::Open { outage, until: Some(Moment(AT.0 + 1)) },
        "open 1 due" => State::Open { outage, until: Some(AT) },
        "half-open 1 free" => State::HalfOpen { outage, successes: 0, lease: None },
        "half-open 1 out" => State::HalfOpen { outage, successes: 0, lease: lease(1) },
        "half-open 1 lost" => State::HalfOpen { outage, successes: 0, lease: lease(0) },
        other => panic!("no such state in the test: {other}"),
    };
    let last = Failure::new(FailureKind::Exit, "exit code 1").of(Some(fingerprint("broken")));
    Record {
        state,
        epoch: EPOCH,
        switch: None,
        last_failure: Some(LastFailure { failure: last, at: AT }),
        totals: Totals::default(),
    }
}

/// Calls under the rate of [`Policy::for_requests`].
fn calls(good: usize, bad: usize) -> Window {
    let outcomes = vec![Outcome::Success; good].into_iter().chain(vec![failure(FailureKind::Exit); bad]);
    let within = Policy::for_requests().rate().map(|rate| rate.within);
    outcomes.fold(None, |window, outcome| Window::after(window.as_ref(), within, &outcome, AT)).unwrap()
}

fn switched(position: Position) -> impl FnOnce(Record) -> Record {
    move |record| {
        let switch = Switch { position, by: "op".into(), reason: "why".into(), since: AT, until: None, skips: 0 };
        super::switch(&record, Some(switch), "why").next.unwrap()
    }
}

/// Does what a row of the table names; gives the answer's word and the record after it.
fn row(name: &str, before: Record) -> (&'static str, Record) {
    let policy = match before.state {
        State::Closed { window: Some(_), .. } => Policy::for_requests(),
        State::Closed { .. } | State::Open { .. } | State::HalfOpen { .. } => Policy::default(),
    };
    let admission = |record: Record, stamp| {
        let step = admit(&record, &policy, &ask(stamp), &now());
        let word = match step.answer {
            Admission::Skip(_) => "skip",
            Admission::Run(Ticket::Probe { .. }) => "probe",
            Admission::Run(_) => "run",
        };
        (word, step.next.unwrap_or(record))
    };
    let counted = |record: Record, step: Step<Counted>| {
        let word = match step.answer {
            Counted::Counted => "counted",
            Counted::Late => "late",
            Counted::Aside => "aside",
        };
        (word, step.next.unwrap_or(record))
    };
    let reported = |record: Record, epoch, outcome| {
        let step = report(&record, &policy, Some(epoch), &outcome, Duration::ZERO, &now());
        counted(record, step)
    };
    let recorded = |before: Record, outcome| {
        let step = record(&before, &policy, &outcome, Duration::ZERO, &now());
        counted(before, step)
    };
    match name {
        "admit" => admission(before, "broken"),
        "admit mended" => admission(before, "mended"),
        "admit, off" => admission(switched(Position::Off)(before), "broken"),
        "admit, on" => admission(switched(Position::On)(before), "broken"),
        "success" => reported(before, EPOCH, Outcome::Success),
        "failure" => reported(before, EPOCH, failure(FailureKind::Exit)),
        "failure, off" => reported(switched(Position::Off)(before), EPOCH, failure(FailureKind::Exit)),
        "spawn failure" => reported(before, EPOCH, failure(FailureKind::Spawn)),
        "ignored" => reported(before, EPOCH, Outcome::Ignored),
        "late success" => reported(before, Epoch(6), Outcome::Success),
        "late failure" => reported(before, Epoch(6), failure(FailureKind::Exit)),
        "recorded success" => recorded(before, Outcome::Success),
        "recorded failure" => recorded(before, failure(FailureKind::Exit)),
        "recorded ignored" => recorded(before, Outcome::Ignored),
        "probe now" => {
            let step = probe_now(&before, &policy, &now());
            (if step.answer { "done" } else { "kept" }, step.next.unwrap_or(before))
        }
        "reset" => ("done", reset(&before, &now()).next.unwrap()),
        other => panic!("no such event in the test: {other}"),
    }
}

/// A state in the table's words.
fn describe(record: &Record) -> String {
    match &record.state {
        State::Closed { failures, window: None } => format!("closed {failures}"),
        State::Closed { window: Some(window), .. } => {
            let sample = window.sample();
            format!("closed {} of {}", sample.failures, sample.calls)
        }
        State::Open { outage, until } => {
            format!("open {} {}", outage.trips, if until.is_some_and(|until| until <= AT) { "due" } else { "waiting" })
        }
        State::HalfOpen { outage, lease, .. } => {
            let lease = match lease {
                None => "free",
                Some(lease) if lease.until > AT => "out",
                Some(_) => "lost",
            };
            format!("half-open {} {lease}", outage.trips)
        }
    }
}

#[test]
fn the_table_at_the_head_of_the_file_is_what_happens() {
    let source = include_str!("../state.rs");
    let table = source.split("<!-- table -->").nth(1).unwrap().split("<!-- end of table -->").next().unwrap();
    let mut rows = table.lines().filter(|line| line.contains('|')).map(|line| {
        line.trim_start_matches("//!").trim().trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>()
    });
    let columns = rows.next().unwrap();
    let mut cells = 0;
    for cells_of_row in rows.skip(1) {
        let event = cells_of_row[0];
        assert_eq!(cells_of_row.len(), columns.len(), "a cell of {event:?} is missing");
        for (state, cell) in columns.iter().zip(&cells_of_row).skip(1) {
            let (word, after) = row(event, column(state));
            assert_eq!(format!("{word}; {}", describe(&after)), *cell, "{event} in {state}");
            cells += 1;
        }
    }
    assert_eq!(cells, 16 * 9);
}

#[test]
fn every_change_of_state_and_every_probe_has_a_new_epoch_and_nothing_else_has() {
    for state in [
        "closed 0",
        "closed 1",
        "closed 9 of 18",
        "closed 9 of 19",
        "open 1 waiting",
        "open 1 due",
        "half-open 1 free",
        "half-open 1 out",
        "half-open 1 lost",
    ] {
        for event in [
            "admit",
            "success",
            "failure",
            "ignored",
            "late failure",
            "recorded success",
            "recorded failure",
            "probe now",
        ] {
            let before = column(state);
            let (word, after) = row(event, before.clone());
            let period = |record: &Record| match &record.state {
                State::Closed { .. } => (0, 0),
                State::Open { outage, .. } => (1, outage.trips),
                State::HalfOpen { outage, .. } => (2, outage.trips),
            };
            let new_period = period(&before) != period(&after) || word == "probe";
            assert_eq!(before.epoch != after.epoch, new_period, "{event} in {state}");
        }
    }
}

#[test]
fn a_probe_ignored_three_times_in_a_row_counts_as_failed() {
    let policy = Policy::default();
    let mut record = column("open 1 due");
    for round in 1..=3 {
        let granted = admit(&record, &policy, &ask("broken"), &now());
        assert!(matches!(granted.answer, Admission::Run(Ticket::Probe { .. })), "round {round}");
        let step = report(&granted.next.unwrap(), &policy, Some(Epoch(8)), &Outcome::Ignored, Duration::ZERO, &now());
        assert_eq!(step.changes.len(), usize::from(round == 3), "an ignored probe is not announced");
        record = step.next.unwrap();
    }
    assert_eq!(describe(&record), "open 2 waiting");
}

#[test]
fn a_lost_probe_backs_off_from_the_moment_it_was_lost() {
    let policy = Policy::builder().jitter(0.0).build().unwrap();
    let record = column("half-open 1 lost");
    for (late, admitted) in [(COOL_DOWN, false), (COOL_DOWN * 2, true)] {
        let step = admit(&record, &policy, &ask("broken"), &Now { at: AT.after(late), ..now() });
        assert_eq!(matches!(step.answer, Admission::Run(Ticket::Probe { .. })), admitted);
        assert_eq!(step.changes[0].kind, EventKind::ProbeLost);
    }
}

#[test]
fn a_dead_holder_ends_its_lease_early() {
    let step =
        admit(&column("half-open 1 out"), &Policy::default(), &ask("broken"), &Now { holder_dead: true, ..now() });
    assert!(matches!(step.answer, Admission::Skip(_)));
    assert_eq!(step.changes[0].kind, EventKind::ProbeLost);
    assert_eq!(step.next.unwrap().last_failure.unwrap().failure.kind, FailureKind::Lost);
}

#[test]
fn other_arguments_or_another_program_under_the_same_name_change_nothing() {
    let record = column("open 1 waiting");
    let other = Fingerprint { subject: "/bin/other".into(), ..fingerprint("mended") };
    assert!(!may_run(&record, Some(&other), &now()));
    assert!(!may_run(&record, None, &now()));
    assert!(may_run(&record, Some(&fingerprint("mended")), &now()));
}

#[test]
fn that_it_was_mended_is_told_only_where_it_is_tried_before_its_time() {
    let told = |before: &str| match admit(&column(before), &Policy::default(), &ask("mended"), &now()).answer {
        Admission::Run(Ticket::Probe { mended, .. }) => mended,
        other => panic!("{other:?}"),
    };
    assert_eq!(["open 1 waiting", "open 1 due"].map(told), [true, false]);
}

#[test]
fn who_asks_for_a_probe_is_told_that_it_is_due_now() {
    let step = probe_now(&column("open 1 waiting"), &Policy::default(), &now());
    assert_eq!((step.changes[0].kind, step.changes[0].probe_at), (EventKind::ProbeRequested, Some(AT)));
}

#[test]
fn what_could_not_be_started_is_tried_as_soon_as_it_can_be() {
    let mut record = column("open 1 waiting");
    let missing = Fingerprint { subject: "wrok".into(), stamp: "missing".into(), startable: false };
    let failure = Failure::new(FailureKind::Spawn, "not found").of(Some(missing.clone()));
    record.last_failure = Some(LastFailure { failure, at: AT });
    assert!(!may_run(&record, Some(&missing), &now()));
    assert!(may_run(&record, Some(&fingerprint("any")), &now()));
}

#[test]
fn several_probes_close_only_all_together() {
    let policy = Policy::builder().probes(2).build().unwrap();
    let step = report(&column("half-open 1 out"), &policy, Some(EPOCH), &Outcome::Success, Duration::ZERO, &now());
    let free = step.next.unwrap();
    assert!(matches!(free.state, State::HalfOpen { successes: 1, lease: None, .. }));
    assert!(step.changes.is_empty());
    let granted = admit(&free, &policy, &ask("broken"), &now()).next.unwrap();
    let closed = report(&granted, &policy, Some(Epoch(8)), &Outcome::Success, Duration::ZERO, &now());
    assert_eq!(closed.changes[0].kind, EventKind::Closed);
}

#[test]
fn a_slow_success_counts_as_a_failure_by_time() {
    let policy = Policy::builder().slow_after(Duration::from_secs(1)).build().unwrap();
    let step = report(&column("closed 0"), &policy, Some(EPOCH), &Outcome::Success, Duration::from_secs(2), &now());
    let next = step.next.unwrap();
    assert_eq!((next.totals.timeout, describe(&next).as_str()), (1, "closed 1"));
}

#[test]
fn only_a_success_that_took_longer_than_it_may_is_slow() {
    let limit = Duration::from_secs(1);
    let policy = Policy::builder().slow_after(limit).build().unwrap();
    let totals = |outcome: &Outcome, took| {
        let step = report(&column("closed 0"), &policy, Some(EPOCH), outcome, took, &now());
        let totals = step.next.unwrap().totals;
        (totals.success, totals.failure, totals.ignored, totals.timeout)
    };
    assert_eq!(totals(&Outcome::Success, limit), (1, 0, 0, 0));
    assert_eq!(totals(&Outcome::Success, limit * 2), (0, 0, 0, 1));
    assert_eq!(totals(&failure(FailureKind::Exit), limit * 2), (0, 1, 0, 0));
    assert_eq!(totals(&Outcome::Ignored, limit * 2), (0, 0, 1, 0));
}

#[test]
fn a_skip_saves_what_the_failure_cost_unless_the_call_runs_nevertheless() {
    let saved = |mode| {
        let policy = Policy::builder().mode(mode).build().unwrap();
        admit(&column("open 1 waiting"), &policy, &ask("broken"), &now()).next.unwrap().totals.saved_ms
    };
    assert_eq!([Mode::Enforce, Mode::Observe].map(saved), [3_000, 0]);
}

#[test]
fn under_a_rate_a_slow_success_counts_as_a_failure_too() {
    let policy = Policy::for_requests().to_builder().slow_after(Duration::from_secs(1)).build().unwrap();
    let before = column("closed 9 of 19");
    let step = report(&before, &policy, Some(EPOCH), &Outcome::Success, Duration::from_secs(2), &now());
    let sample = Some(Sample { failures: 10, calls: 20, within: Duration::from_secs(10) });
    assert_eq!(
        (step.changes[0].kind, step.changes[0].failures, step.changes[0].sample),
        (EventKind::Opened, Some(10), sample)
    );
}

#[test]
fn a_failure_to_start_that_meets_no_rate_is_told_without_one() {
    let step = report(
        &column("closed 9 of 18"),
        &Policy::for_requests(),
        Some(EPOCH),
        &failure(FailureKind::Spawn),
        Duration::ZERO,
        &now(),
    );
    assert_eq!((step.changes[0].failures, step.changes[0].sample), (Some(1), None));
}

#[test]
fn never_is_never_due_by_itself_but_by_an_operator_and_by_mended_work() {
    let policy = Policy::builder().cool_down_never().trip_after(1).build().unwrap();
    let open = report(&column("closed 0"), &policy, Some(EPOCH), &failure(FailureKind::Exit), Duration::ZERO, &now())
        .next
        .unwrap();
    let much_later = Now { at: Moment(i64::MAX), ..now() };
    assert!(!may_run(&open, Some(&fingerprint("broken")), &much_later));
    assert!(may_run(&open, Some(&fingerprint("mended")), &now()));
    assert!(may_run(&probe_now(&open, &policy, &now()).next.unwrap(), None, &now()));
}

#[test]
fn observing_runs_everything_and_counts_what_it_would_have_skipped() {
    let policy = Policy::builder().mode(Mode::Observe).build().unwrap();
    let step = admit(&column("open 1 waiting"), &policy, &ask("broken"), &now());
    let Admission::Run(Ticket::Observed(skip)) = step.answer else { panic!("{:?}", step.answer) };
    let next = step.next.unwrap();
    assert_eq!((skip.count, next.totals.skipped, describe(&next).as_str()), (1, 0, "open 1 waiting"));
}

#[test]
fn only_the_living_holder_of_the_probe_renews_its_lease_and_never_shortens_it() {
    let lease = Duration::from_secs(60);
    assert!(renew(&column("half-open 1 out"), EPOCH, lease, &now()).answer);
    assert!(!renew(&column("half-open 1 out"), Epoch(6), lease, &now()).answer);
    assert!(!renew(&column("half-open 1 lost"), EPOCH, lease, &now()).answer);
    let long = renew(&column("half-open 1 out"), EPOCH, lease, &now()).next.unwrap();
    let again = renew(&long, EPOCH, Duration::from_millis(1), &now()).next.unwrap();
    assert_eq!(again.lease().unwrap().until, AT.after(lease));
}

#[test]
fn a_switch_ends_by_itself_and_the_frozen_state_goes_on() {
    let mut record = column("open 1 due");
    let until = Some(Moment(AT.0 + 10));
    record.switch =
        Some(Switch { position: Position::Off, by: "op".into(), reason: "why".into(), since: AT, until, skips: 0 });
    assert!(!may_run(&record, None, &now()));
    assert!(may_run(&record, None, &Now { at: Moment(AT.0 + 10), ..now() }));
}
