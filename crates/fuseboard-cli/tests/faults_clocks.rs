//! Clocks that jumped. The program's own clock is the machine's; the tests play the earlier call instead, which stood on a
//! clock that showed another time, in an earlier boot. (Jumps in the middle of a call: `stores/tests/sqlite/time.rs`.)

mod world;

use std::sync::Arc;
use std::time::Duration;

use fuseboard::clock::{Clock, FakeClock, SystemClock};
use fuseboard::record::Position;
use fuseboard::{Board, CircuitName, Policy};
use fuseboard_stores::SqliteStore;
use serde_json::Value;
use world::{World, wait_for};

const YEAR: Duration = Duration::from_hours(8766);
// Longer than most machines have been up.
const COOL_DOWN: Duration = Duration::from_hours(20 * 24);
const SWITCHED_FOR: Duration = Duration::from_hours(25 * 24);

/// What the wall clock of an earlier call showed beside today's, and whether what it set in motion is certainly over by now.
/// Else it may be: at least the time since this boot has passed.
type Jump = (&'static str, fn(&FakeClock), bool);

const JUMPS: &[Jump] = &[
    ("ten years ahead", |clock| clock.set_wall(SystemClock.wall() + 10 * YEAR), false),
    ("ten years behind", |clock| clock.set_wall(SystemClock.wall() - 10 * YEAR), true),
    ("at the beginning of time", |clock| clock.set_wall(std::time::SystemTime::UNIX_EPOCH), true),
    ("right", |clock| clock.set_wall(SystemClock.wall()), false),
];

/// An open circuit, one whose probe is under way, and one that is switched off, all by a call on such a clock.
fn left_by_a_call(world: &World, set: fn(&FakeClock)) {
    let clock = FakeClock::new();
    set(&clock);
    let store = Arc::new(SqliteStore::new(world.store(), Arc::new(clock.clone())));
    let board = Board::builder().shared_store(store).clock(clock.clone()).build();
    let policy =
        Policy::builder().trip_after(1).cool_down(COOL_DOWN).cool_down_max(COOL_DOWN).jitter(0.0).build().unwrap();
    let circuit = |name: &str| board.circuit_with(&CircuitName::new(name).unwrap(), policy).unwrap();
    circuit("probed").permit().unwrap().failure(&"broken");
    clock.advance(COOL_DOWN);
    std::mem::forget(circuit("probed").permit().unwrap());
    circuit("open").permit().unwrap().failure(&"broken");
    let off = CircuitName::new("off").unwrap();
    board.operator("ana").switch(&off, Position::Off, "test", Some(SWITCHED_FOR)).unwrap();
}

/// How long it is from now until this moment of the machine's output.
fn until(moment: &Value) -> Duration {
    let moment: fuseboard_pipeline::stamp::Stamp = serde_json::from_value(moment.clone()).unwrap();
    moment.since(SystemClock.wall().into())
}

#[test]
fn after_a_jump_of_ten_years_nothing_lasts_longer_than_it_had_left() {
    for (what, set, is_over) in JUMPS {
        let world = World::new();
        left_by_a_call(&world, *set);

        let open = world.circuit("open");
        let is_due = open["probe_due"] == true;
        assert!(is_due || !is_over && until(&open["probe_at"]) <= COOL_DOWN, "{what}: {open}");
        assert_eq!(world.exec("open", &[], "true").code, if is_due { 0 } else { 75 }, "{what}");

        // The process of another boot is certainly dead: its probe is lost, which costs one cool-down and no more.
        let tried = world.exec("probed", &["--cool-down", "1s"], "true");
        let probed = world.circuit("probed");
        let is_bounded = probed["state"] == "closed" || until(&probed["probe_at"]) <= 2 * COOL_DOWN;
        assert!([0, 75].contains(&tried.code) && is_bounded, "{what}: {probed}");
        wait_for("the lost probe's cool-down", || world.exec("probed", &[], "true").code == 0);

        let switched = world.circuit("off")["switch"].clone();
        let is_off = !switched.is_null();
        assert!(!is_off || !is_over && until(&switched["until"]) <= SWITCHED_FOR, "{what}: {switched}");
        assert_eq!(world.exec("off", &[], "true").code, if is_off { 75 } else { 0 }, "{what}");
    }
}
