//! Moments within a boot, over reboots and with wall clocks that jump.

use std::time::{Duration, SystemTime};

use fuseboard::clock::{Clock, Moment};
use fuseboard::record::{LastFailure, Lease, Position, Record, State, Switch};
use fuseboard::store::Store;
use fuseboard::{Board, Circuit, Failure, FailureKind, Policy};

use crate::home::{Home, counted, name, open_record, put};

const MINUTE: Duration = Duration::from_mins(1);
const YEAR: Duration = Duration::from_hours(8766);

/// A circuit `a` that was opened for ten minutes.
fn opened() -> Home {
    let home = Home::new();
    let store = home.store();
    put(&store, "a", None, &open_record(&store, Some(10 * MINUTE)));
    home
}

/// What is left of the cool-down.
fn left(home: &Home) -> Duration {
    let loaded = home.store().load(&name("a")).unwrap();
    let State::Open { until: Some(until), .. } = loaded.record.state else { panic!("{loaded:?}") };
    until.since(loaded.now)
}

#[test]
fn within_a_boot_a_jump_of_the_wall_clock_moves_nothing() {
    let home = opened();
    home.clock.advance(3 * MINUTE);
    for wall in [SystemTime::UNIX_EPOCH, home.clock.wall() + 10 * YEAR] {
        home.clock.set_wall(wall);
        assert_eq!(left(&home), 7 * MINUTE);
    }
}

#[test]
fn over_a_reboot_a_cool_down_goes_on() {
    let home = opened();
    home.clock.reboot(3 * MINUTE);
    home.clock.advance(MINUTE);
    assert_eq!(left(&home), 6 * MINUTE);
}

#[test]
fn after_a_reboot_with_the_wall_clock_fifty_years_back_a_cool_down_lasts_no_longer_than_it_had_left() {
    let home = opened();
    home.clock.reboot(Duration::ZERO);
    home.clock.set_wall(home.clock.wall() - 50 * YEAR);
    assert_eq!(left(&home), 10 * MINUTE);
    home.clock.advance(4 * MINUTE);
    assert_eq!(left(&home), 6 * MINUTE);
    home.clock.advance(6 * MINUTE);
    assert_eq!(left(&home), Duration::ZERO);
}

#[test]
fn after_a_reboot_with_the_wall_clock_ten_years_ahead_a_cool_down_is_over() {
    let home = opened();
    home.clock.reboot(10 * YEAR);
    assert_eq!(left(&home), Duration::ZERO);
}

#[test]
fn many_reboots_of_a_machine_without_a_clock_still_end_a_cool_down() {
    let home = opened();
    let wall = home.clock.wall();
    for _ in 0..3 {
        home.clock.reboot(Duration::ZERO);
        home.clock.set_wall(wall - 50 * YEAR);
        home.clock.advance(4 * MINUTE);
        let store = home.store();
        let loaded = store.load(&name("a")).unwrap();
        put(&store, "a", loaded.version, &loaded.record);
    }
    assert_eq!(left(&home), Duration::ZERO);
}

#[test]
fn over_a_reboot_every_moment_of_a_record_moves_alike() {
    let home = Home::new();
    let store = home.store();
    let now = store.load(&name("a")).unwrap().now;
    let State::Open { outage, .. } = open_record(&store, None).state else { panic!("it is open") };
    let holder = fuseboard::record::Holder::this_process();
    let at = |minutes: u32| now.after(minutes * MINUTE);
    let record = Record {
        state: State::HalfOpen { outage, successes: 0, lease: Some(Lease { until: at(1), holder, fingerprint: None }) },
        switch: Some(Switch {
            position: Position::Off,
            by: "ana".into(),
            reason: "test".into(),
            since: at(2),
            until: Some(at(3)),
            skips: 0,
        }),
        last_failure: Some(LastFailure { failure: Failure::new(FailureKind::Exit, "1"), at: at(4) }),
        ..Record::default()
    };
    put(&store, "a", None, &record);
    home.clock.reboot(5 * MINUTE);
    let loaded = home.store().load(&name("a")).unwrap();
    let before = |moment: Moment| Duration::from_millis(u64::try_from(loaded.now.0 - moment.0).unwrap());
    let State::HalfOpen { outage, lease: Some(lease), .. } = &loaded.record.state else { panic!("{loaded:?}") };
    let switch = loaded.record.switch.as_ref().unwrap();
    assert_eq!(before(outage.since), 5 * MINUTE);
    assert_eq!(before(lease.until), 4 * MINUTE);
    assert_eq!(before(switch.since), 3 * MINUTE);
    assert_eq!(before(switch.until.unwrap()), 2 * MINUTE);
    assert_eq!(before(loaded.record.last_failure.as_ref().unwrap().at), MINUTE);
}

#[test]
fn the_list_tells_moments_as_a_load_does() {
    let home = opened();
    put(&home.store(), "b", None, &counted(1));
    home.clock.reboot(3 * MINUTE);
    let store = home.store();
    for (circuit, loaded) in store.list().unwrap() {
        assert_eq!(loaded.unwrap(), store.load(&circuit).unwrap());
    }
}

/// What happens to the clocks while a call is under way: whether the machine slept meanwhile, and how.
type Meanwhile = (&'static str, fn(&Home), bool);

const MEANWHILE: &[Meanwhile] = &[
    ("nothing", |_| (), false),
    ("the wall clock jumps ten years ahead", |home| home.clock.set_wall(home.clock.wall() + 10 * YEAR), false),
    ("the wall clock jumps ten years back", |home| home.clock.set_wall(home.clock.wall() - 10 * YEAR), false),
    ("the machine is suspended for a night", |home| home.clock.advance(480 * MINUTE), true),
    ("the machine is suspended for ten years", |home| home.clock.advance(10 * YEAR), true),
];

#[test]
fn whatever_the_clocks_do_while_a_call_is_under_way_its_failure_opens_the_circuit_for_one_cool_down() {
    for (what, happens, _) in MEANWHILE {
        let home = Home::new();
        let circuit = circuit(&home);
        let permit = circuit.permit().unwrap();
        happens(&home);
        permit.failure(&"broken");
        assert_eq!(left(&home), 10 * MINUTE, "{what}");
        happens(&home);
        assert!(left(&home) <= 10 * MINUTE, "{what}");
        home.clock.advance(10 * MINUTE);
        assert!(circuit.would_run().unwrap(), "{what}");
    }
}

#[test]
fn whatever_the_clocks_do_while_a_probe_is_under_way_no_lease_is_endless() {
    for (what, happens, sleeps) in MEANWHILE {
        for reports in [true, false] {
            let home = Home::new();
            let circuit = circuit(&home);
            circuit.permit().unwrap().failure(&"broken");
            home.clock.advance(10 * MINUTE);
            let probe = circuit.permit().unwrap();
            assert!(probe.is_probe(), "{what}");
            happens(&home);
            if reports {
                probe.success();
            } else {
                std::mem::forget(probe);
                home.clock.advance(circuit.policy().lease());
            }
            // One that slept longer than its lease is as good as lost: that costs a cool-down from the lease's end.
            let may_run = circuit.permit().is_ok();
            assert!(may_run || *sleeps || !reports, "{what}, {reports}");
            home.clock.advance(20 * MINUTE);
            circuit.permit().unwrap().success();
            assert_eq!(counted(0).state, home.store().load(&name("a")).unwrap().record.state, "{what}, {reports}");
        }
    }
}

fn circuit(home: &Home) -> Circuit {
    let store = std::sync::Arc::new(home.store());
    let board = Board::builder().shared_store(store).clock(home.clock.clone()).build();
    let policy = Policy::builder().trip_after(1).cool_down(10 * MINUTE).jitter(0.0).build().unwrap();
    board.circuit_with(&name("a"), policy).unwrap()
}
