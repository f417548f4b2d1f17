use fuseboard::clock::FakeClock;
use fuseboard::record::{State, Switch};
use fuseboard::store::contract::records;
use fuseboard::{FailureKind, Fingerprint};
use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;

/// The oldest records of format 1 look like this.
const CLOSED: &str = r#"{"format":1,"record":{"state":{"Closed":{"failures":1}},"epoch":"00000000000000000000000000000000","switch":null,"last_failure":null,"totals":{"success":0,"failure":0,"timeout":0,"skipped":0,"ignored":0,"late":0,"saved_ms":0}}}"#;

/// What stands in a closed state whose callers go by a rate.
const WINDOW: &str = r#""failures":1,"window":{"since":1000,"within":{"secs":10,"nanos":0},"buckets":[{"successes":2,"failures":3},{"successes":0,"failures":0},{"successes":0,"failures":0},{"successes":0,"failures":0},{"successes":0,"failures":0},{"successes":0,"failures":0},{"successes":0,"failures":0},{"successes":0,"failures":0},{"successes":0,"failures":0},{"successes":3,"failures":4}]}"#;

#[test]
fn every_record_comes_back_as_it_was_written() {
    for record in records() {
        assert_eq!(decode(&encode(&record)).unwrap(), record);
    }
}

#[test]
fn the_stored_form_of_format_1_never_changes() {
    let stored = r#"{"format":1,"record":{"state":{"Open":{"outage":{"since":1000,"failures":2,"trips":1,"ignored":0,"skips":5,"cost":{"secs":1,"nanos":500}},"until":2000}},"epoch":"000000000000000000000000000000ff","switch":{"position":"off","by":"ana","reason":"night","since":1,"until":null,"skips":0},"last_failure":{"failure":{"kind":"exit","message":"code 1","fingerprint":{"subject":"/bin/x","stamp":"s","startable":true}},"at":999},"totals":{"success":1,"failure":2,"timeout":3,"skipped":4,"ignored":5,"late":6,"saved_ms":7}}}"#;
    assert_eq!(encode(&decode(stored).unwrap()), stored);
}

#[test]
fn the_stored_form_of_a_window_never_changes() {
    let stored = CLOSED.replace("\"failures\":1", WINDOW);
    assert_eq!(encode(&decode(&stored).unwrap()), stored);
    let State::Closed { failures: 1, window: Some(window) } = decode(&stored).unwrap().state else {
        panic!("{stored}")
    };
    let sample = window.sample();
    assert_eq!((sample.failures, sample.calls, sample.within), (7, 12, Duration::from_secs(10)));
}

#[test]
fn a_record_without_a_window_is_written_as_it_was_before_there_were_any() {
    assert_eq!(encode(&decode(CLOSED).unwrap()), CLOSED);
}

#[test]
fn a_version_that_knows_no_window_reads_the_failures_in_a_row() {
    /// A closed circuit as that version knows it.
    #[derive(Deserialize)]
    enum Known {
        Closed { failures: u32 },
    }
    let Known::Closed { failures } = serde_json::from_str(&format!("{{\"Closed\":{{{WINDOW}}}}}")).unwrap();
    assert_eq!(failures, 1);
}

#[test]
fn a_window_of_another_number_of_buckets_is_no_record_of_this_format() {
    let other = CLOSED.replace("\"failures\":1", &WINDOW.replacen("{\"successes\":0,\"failures\":0},", "", 1));
    assert!(matches!(decode(&other), Err(FormatError::Garbage(_))));
}

#[test]
fn a_newer_format_is_told_from_garbage() {
    assert!(matches!(decode(r#"{"format":2,"anything":[]}"#), Err(FormatError::Newer(2))));
    for garbage in ["", "null", "{}", "[1]", r#"{"format":0}"#, r#"{"format":1}"#, r#"{"format":-1}"#, "\u{0}"] {
        assert!(matches!(decode(garbage), Err(FormatError::Garbage(_))), "{garbage:?}");
    }
}

#[test]
fn fields_that_a_later_version_added_are_ignored() {
    let later = encode(&Record::default()).replacen("{\"state\"", "{\"colour\":\"red\",\"state\"", 1);
    assert_eq!(decode(&later).unwrap(), Record::default());
}

#[test]
fn a_record_that_would_be_too_long_keeps_its_state_and_loses_texts() {
    let text: Arc<str> = "\u{1}".repeat(20_000).into();
    let fingerprint = Fingerprint { subject: text.clone(), stamp: text.clone(), startable: false };
    for record in records() {
        let switch = |moment| Switch {
            position: fuseboard::record::Position::Off,
            by: text.clone(),
            reason: text.clone(),
            since: moment,
            until: None,
            skips: 0,
        };
        let failure = Failure::new(FailureKind::Exit, &text).of(Some(fingerprint.clone()));
        let long = Record {
            switch: Some(switch(Moment(7))),
            last_failure: Some(fuseboard::record::LastFailure { failure, at: Moment(8) }),
            ..record.clone()
        };
        let stored = encode(&long);
        assert!(stored.len() <= MAX_BYTES, "{}", stored.len());
        let back = decode(&stored).unwrap();
        let mut state = record.state;
        if let State::HalfOpen { lease: Some(lease), .. } = &mut state {
            lease.fingerprint = None;
        }
        assert_eq!((back.state, back.epoch, back.totals), (state, record.epoch, record.totals));
        assert_eq!(back.switch.unwrap().since, Moment(7));
        assert_eq!(back.last_failure.unwrap().failure.message.len(), fuseboard::MAX_MESSAGE);
    }
}

#[test]
fn a_message_longer_than_any_of_ours_is_cut() {
    let record = r#"{"format":1,"record":{"state":{"Closed":{"failures":1}},"epoch":"0","switch":null,"last_failure":{"failure":{"kind":"exit","message":"LONG","fingerprint":null},"at":0},"totals":{"success":0,"failure":0,"timeout":0,"skipped":0,"ignored":0,"late":0,"saved_ms":0}}}"#;
    let back = decode(&record.replace("LONG", &"ä".repeat(3000))).unwrap();
    assert_eq!(back.last_failure.unwrap().failure.message.len(), fuseboard::MAX_MESSAGE);
}

fn stamp(boot: &str, now: i64, wall_ms: i64) -> Stamp {
    Stamp { boot: boot.into(), now: Moment(now), wall_ms }
}

#[test]
fn within_a_boot_moments_stay_whatever_the_wall_clock_does() {
    let written = stamp("b", 1000, 0);
    for wall in [i64::MIN, -1, 0, 1, i64::MAX] {
        assert_eq!(stamp("b", 2000, wall).shift_from(&written), 0);
    }
    assert_eq!(stamp("b", 1000 - SKEW_MS, 0).shift_from(&written), 0);
}

#[test]
fn after_a_reboot_what_remains_is_less_by_the_time_that_passed() {
    // Ten minutes were left; three passed by the wall clock, one of them in the new boot.
    let written = stamp("a", 100 * MINUTE, 0);
    let now = stamp("b", MINUTE, 3 * MINUTE);
    let until = Moment(110 * MINUTE).shifted(now.shift_from(&written));
    assert_eq!(until, Moment(8 * MINUTE));
}

#[test]
fn after_a_reboot_with_the_wall_clock_put_back_the_time_since_the_boot_has_passed_at_least() {
    let written = stamp("a", 100 * MINUTE, 50 * MINUTE);
    let now = stamp("b", 4 * MINUTE, -1_000_000 * MINUTE);
    let until = Moment(110 * MINUTE).shifted(now.shift_from(&written));
    assert_eq!(until, Moment(10 * MINUTE), "6 of the 10 minutes are left");
}

#[test]
fn a_machine_put_back_to_a_snapshot_is_treated_like_another_boot() {
    let written = stamp("a", 100 * MINUTE, 100 * MINUTE);
    let now = stamp("a", 10 * MINUTE, 10 * MINUTE);
    let until = Moment(105 * MINUTE).shifted(now.shift_from(&written));
    assert!(until <= Moment(15 * MINUTE), "{until:?}");
}

#[test]
fn a_stamp_tells_the_wall_time_of_a_moment() {
    let clock = FakeClock::new();
    let stamp = Stamp::of(&clock);
    assert_eq!(stamp.wall_of(clock.now().after(Duration::from_secs(5))), stamp.wall_ms + 5000);
    assert_eq!(stamp.wall_of(Moment(i64::MAX)), i64::MAX);
    clock.set_wall(SystemTime::UNIX_EPOCH - Duration::from_secs(1));
    assert_eq!(Stamp::of(&clock).wall_ms, -1000);
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = decode(&text);
    }

    #[test]
    fn no_damaged_record_panics(which in 0..12_usize, at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = encode(&records()[which]).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(record) = decode(&String::from_utf8_lossy(&bytes)) {
            prop_assert!(encode(&record).len() <= MAX_BYTES);
        }
    }

    #[test]
    fn what_lies_ahead_never_comes_to_lie_further_ahead(
        uptime in 0..i64::MAX / 4, now in 0..i64::MAX / 4, ahead in 0..i64::MAX / 4,
        wall in any::<i64>(), later_wall in any::<i64>(),
    ) {
        let (written, later) = (stamp("a", uptime, wall), stamp("b", now, later_wall));
        let until = Moment(uptime + ahead).shifted(later.shift_from(&written));
        prop_assert!(until.0.saturating_sub(now) <= ahead, "{until:?}");
    }

    #[test]
    fn a_shift_moves_every_moment_alike(which in 0..12_usize, by in -1000_i64..1000) {
        let record = records().swap_remove(which);
        let there = shifted(record.clone(), by);
        let inside = |moment: Moment| moment.0 > i64::MIN + 1000 && moment.0 < i64::MAX - 1000;
        if moments(&record).into_iter().all(inside) {
            for (before, after) in moments(&record).into_iter().zip(moments(&there)) {
                prop_assert_eq!(after.0 - before.0, by);
            }
            prop_assert_eq!(shifted(there, -by), record);
        }
    }
}

/// Every moment of a record, found in its stored form and not by the code under test.
fn moments(record: &Record) -> Vec<Moment> {
    fn collect(value: &serde_json::Value, found: &mut Vec<Moment>) {
        if let serde_json::Value::Object(fields) = value {
            for (key, value) in fields {
                match value.as_i64() {
                    Some(number) if ["since", "until", "at"].contains(&key.as_str()) => found.push(Moment(number)),
                    _ => collect(value, found),
                }
            }
        }
    }
    let mut found = Vec::new();
    collect(&serde_json::from_str(&encode(record)).unwrap(), &mut found);
    found
}
