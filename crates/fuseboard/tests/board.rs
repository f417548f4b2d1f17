//! A board's circuits by their names: policies that are inherited, handles, and circuits that nobody uses.

use std::sync::Arc;
use std::time::Duration;
use std::{mem, thread};

use fuseboard::clock::FakeClock;
use fuseboard::record::Position;
use fuseboard::store::MemoryStore;
use fuseboard::{Board, BoardBuilder, Circuit, CircuitError, CircuitName, FailureRate, Policy, PolicyBuilder, Shown};

const HOUR: Duration = Duration::from_secs(3600);

fn policy(change: impl FnOnce(PolicyBuilder) -> PolicyBuilder) -> Policy {
    change(Policy::builder().jitter(0.0)).build().unwrap()
}

fn name(name: &str) -> CircuitName {
    name.parse().unwrap()
}

fn ok(circuit: &Circuit) -> bool {
    circuit.run(|| Ok::<_, String>(())).is_done()
}

fn fail(circuit: &Circuit) {
    drop(circuit.run(|| Err::<(), _>("no")));
}

/// A board in memory on a fake clock.
fn on_a_clock(builder: BoardBuilder) -> (Board, FakeClock) {
    let clock = FakeClock::new();
    let store = MemoryStore::with_clock(Arc::new(clock.clone()));
    (builder.store(store).clock(clock.clone()).build(), clock)
}

// Policies

#[test]
fn a_circuit_has_its_own_policy_else_its_groups_else_the_boards() {
    let [of_board, of_group, own] = [3, 4, 5].map(|failures| policy(|builder| builder.trip_after(failures)));
    let board = Board::builder().policy(of_board).build();
    let group = board.group("mail", of_group).unwrap();
    assert_eq!((group.name(), *group.policy(), *board.policy()), ("mail", of_group, of_board));
    assert_eq!(*group.circuit("smtp").unwrap().policy(), of_group);
    assert_eq!(*board.circuit("mail/imap").unwrap().policy(), of_group);
    assert_eq!(*group.circuit_with("pop", own).unwrap().policy(), own);
    assert_eq!(*board.circuit("mail").unwrap().policy(), of_board, "a circuit may be called as a group is");
    assert_eq!(*board.circuit("mailer/smtp").unwrap().policy(), of_board);
    let gate = group.gate("review").unwrap();
    assert_eq!(gate.name().as_str(), "mail/review");
}

#[test]
fn by_its_group_or_its_whole_name_it_is_the_same_circuit() {
    let board = Board::new();
    let group = board.group("mail", policy(|builder| builder.trip_after(1))).unwrap();
    fail(&group.circuit("smtp").unwrap());
    assert!(!ok(&board.circuit("mail/smtp").unwrap()));
}

#[test]
fn a_group_has_one_policy_and_a_name_of_one_part() {
    let board = Board::new();
    let [one, other] = [3, 4].map(|failures| policy(|builder| builder.trip_after(failures)));
    board.group("mail", one).unwrap();
    assert!(board.group("mail", one).is_ok());
    assert_eq!(board.group("mail", other).unwrap_err(), CircuitError::AnotherGroupPolicy(name("mail")));
    assert!(matches!(board.group("mail/smtp", one), Err(CircuitError::GroupInGroup(_))));
    assert!(matches!(board.group("Mail", one), Err(CircuitError::Name(_))));
    assert!(matches!(board.group("mail", one).unwrap().circuit("a/b"), Err(CircuitError::Name(_))));
}

#[test]
fn a_circuit_that_was_in_use_before_its_group_had_a_policy_keeps_its_own() {
    let board = Board::new();
    let early = board.circuit("mail/smtp").unwrap();
    let group = board.group("mail", policy(|builder| builder.trip_after(7))).unwrap();
    assert_eq!(group.circuit("smtp").unwrap_err(), CircuitError::AnotherPolicy(name("mail/smtp")));
    assert_eq!(*early.policy(), Policy::default());
    assert_eq!(group.circuit_with("smtp", Policy::default()).unwrap().name(), early.name());
}

// Handles

#[test]
fn a_handle_is_two_words_and_clones_of_it_are_one_circuit() {
    assert!(mem::size_of::<Circuit>() <= 2 * mem::size_of::<usize>());
    let circuit = Board::new().circuit("work").unwrap();
    let clone = circuit.clone();
    fail(&circuit);
    fail(&clone);
    assert!(!ok(&circuit) && !ok(&clone), "though the board itself is gone");
}

// Idle circuits

#[test]
fn what_is_idle_is_forgotten_and_begins_anew() {
    let (board, clock) = on_a_clock(Board::builder().exact_totals(true));
    let other = policy(|builder| builder.trip_after(9));
    ok(&board.circuit("idle").unwrap());
    let nearly = Duration::from_millis(3_599_999);
    clock.advance(nearly);
    assert_eq!(board.evict_idle(), 0, "an hour has not passed");
    assert_eq!(board.view(&name("idle")).unwrap().unwrap().totals.success, 1);
    clock.advance(HOUR.saturating_sub(nearly));
    assert_eq!(board.evict_idle(), 1);
    assert!(board.view(&name("idle")).unwrap().is_none(), "its totals went with it");
    assert!(board.circuit_with(&name("idle"), other).is_ok(), "and its policy");
}

#[test]
fn asking_for_a_circuit_keeps_it_for_another_while() {
    let (board, clock) = on_a_clock(Board::builder());
    for _ in 0..3 {
        board.circuit("asked").unwrap();
        clock.advance(HOUR / 2);
    }
    assert_eq!(board.evict_idle(), 0);
    clock.advance(HOUR / 2);
    assert_eq!(board.evict_idle(), 1);
}

#[test]
fn a_circuit_that_is_held_or_is_not_well_is_never_forgotten() {
    let rate = FailureRate { of: 2, within: 24 * HOUR, ..FailureRate::default() };
    let (board, clock) = on_a_clock(Board::builder());
    let held = board.circuit("held").unwrap();
    let gate = board.gate("gate").unwrap();
    fail(&board.circuit("failed-once").unwrap());
    for _ in 0..2 {
        fail(&board.circuit("open").unwrap());
    }
    let busy = board.circuit_with(&name("busy"), policy(|builder| builder.rate(rate))).unwrap();
    fail(&busy);
    assert!(ok(&busy));
    drop(busy);
    board.circuit("switched").unwrap();
    board.operator("ada").switch(&name("switched"), Position::Off, "moving", Some(30 * 24 * HOUR)).unwrap();
    clock.advance(2 * HOUR);
    assert_eq!(board.evict_idle(), 0);
    assert_eq!(board.view(&name("failed-once")).unwrap().unwrap().failures, 1);
    assert_eq!(board.view(&name("open")).unwrap().unwrap().state, Shown::Open);
    assert!(!ok(&board.circuit("switched").unwrap()));

    clock.advance(24 * HOUR);
    assert_eq!(board.evict_idle(), 1, "what the window held is over");
    drop((held, gate));
    assert_eq!(board.evict_idle(), 2);
}

#[test]
fn successes_that_are_not_written_yet_keep_a_window_from_being_forgotten() {
    let rate = FailureRate { failures: 0.5, of: 20, within: Duration::from_secs(10) };
    let busy = policy(|builder| builder.rate(rate));
    let (board, clock) = on_a_clock(Board::builder().policy(busy).evict_idle_after(Duration::ZERO));
    let circuit = board.circuit("busy").unwrap();
    assert!(ok(&circuit));
    clock.advance(Duration::from_millis(9_900));
    assert!((0..100).all(|_| ok(&circuit)));
    drop(circuit);
    clock.advance(Duration::from_millis(200));
    assert_eq!(board.evict_idle(), 0, "a hundred calls of the last seconds still count");
    clock.advance(Duration::from_secs(10));
    assert_eq!(board.evict_idle(), 1);
}

#[test]
fn names_that_come_and_go_do_not_pile_up() {
    let (board, _clock) = on_a_clock(Board::builder().evict_idle_after(Duration::ZERO));
    for host in 0..100_000 {
        assert!(ok(&board.circuit(&format!("hosts/{host}")).unwrap()));
    }
    assert!((1..=2048).contains(&board.evict_idle()));
    assert_eq!(board.evict_idle(), 0);
}

#[test]
fn a_hundred_thousand_circuits_each_go_their_own_way() {
    let (board, clock) = on_a_clock(Board::builder().policy(policy(|builder| builder.trip_after(1))));
    let circuits: Vec<Circuit> = (0..100_000).map(|number| board.circuit(&format!("c{number}")).unwrap()).collect();
    circuits.iter().step_by(1_000).for_each(fail);
    let open = circuits.iter().filter(|circuit| !ok(circuit)).count();
    assert_eq!(open, 100);
    assert_eq!(board.views().unwrap().len(), 100, "of the others nothing had to be written");
    drop(circuits);
    clock.advance(HOUR);
    assert_eq!(board.evict_idle(), 99_900);
}

#[test]
fn while_idle_ones_are_forgotten_no_failure_is_lost() {
    let patient = policy(|builder| builder.trip_after(1_000_000));
    let board = Board::builder().policy(patient).evict_idle_after(Duration::ZERO).build();
    thread::scope(|scope| {
        for thread in 0..4 {
            let board = &board;
            scope.spawn(move || {
                for call in 0..500 {
                    fail(&board.circuit("shared").unwrap());
                    assert!(ok(&board.circuit(&format!("idle-{thread}-{call}")).unwrap()));
                    board.evict_idle();
                }
            });
        }
    });
    let view = board.view(&name("shared")).unwrap().unwrap();
    assert_eq!((view.failures, view.totals.failure), (2_000, 2_000));
}
