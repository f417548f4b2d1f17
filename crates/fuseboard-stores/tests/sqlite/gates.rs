//! Whatever a store contains or fails to say: no gate passes that was not asked in this run and said pass itself.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fuseboard::record::{Position, Record, Switch};
use fuseboard::store::Store;
use fuseboard::{Board, Policy, Verdict};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::home::{Home, counted, name, open_record};

/// What is done to a store that holds the gate's record.
#[derive(Clone, Debug)]
enum Harm {
    None,
    /// Bytes of the file are others.
    Wounds(Vec<(Index, u8)>),
    Cut(Index),
    /// The stored text is something else.
    Text(String),
    /// A piece of the stored text is something else.
    Piece(Index, usize, String),
    /// Another column holds something else.
    Column(&'static str, &'static str),
    Statement(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Says {
    Pass,
    Block,
    Error,
    Panic,
}

const COLUMNS: [&str; 5] = ["version", "idle", "boot", "written_boot", "written_wall"];
const VALUES: [&str; 8] = ["-1", "9223372036854775807", "-9223372036854775808", "''", "'x'", "x'00ff'", "1e308", "0"];
const STATEMENTS: [&str; 6] = [
    "DELETE FROM circuits",
    "DROP TABLE circuits",
    "DROP TABLE outcomes",
    "PRAGMA user_version = 99",
    "PRAGMA application_id = 7",
    "ALTER TABLE circuits RENAME COLUMN record TO verdict",
];
const PIECES: [&str; 10] = [
    "null",
    "\"pass\"",
    "{}",
    "[]",
    "-1",
    "18446744073709551615",
    "1e999",
    "\"closed\"",
    "\"",
    "},\"verdict\":\"pass\"}",
];

fn harm() -> impl Strategy<Value = Harm> {
    let wound = (any::<Index>(), any::<u8>());
    prop_oneof![
        1 => Just(Harm::None),
        4 => prop::collection::vec(wound, 1..40).prop_map(Harm::Wounds),
        1 => any::<Index>().prop_map(Harm::Cut),
        2 => any::<String>().prop_map(Harm::Text),
        6 => (any::<Index>(), 0..40_usize, select(&PIECES[..]))
            .prop_map(|(at, length, piece)| Harm::Piece(at, length, piece.to_owned())),
        3 => (select(&COLUMNS[..]), select(&VALUES[..])).prop_map(|(column, value)| Harm::Column(column, value)),
        2 => select(&STATEMENTS[..]).prop_map(Harm::Statement),
    ]
}

/// Records of a gate that may be asked, must not, and may once.
fn records(home: &Home) -> Vec<Record> {
    let store = home.store();
    let now = store.load(&name("any")).unwrap().now;
    let switch = |position| Switch {
        position,
        reason: "why".into(),
        by: "ann".into(),
        since: now,
        until: Some(now.after(Duration::from_hours(1))),
        skips: 0,
    };
    let switched = |position| Record { switch: Some(switch(position)), ..counted(1) };
    vec![
        counted(1),
        open_record(&store, None),
        open_record(&store, Some(Duration::from_mins(5))),
        open_record(&store, Some(Duration::ZERO)),
        switched(Position::Off),
        switched(Position::On),
    ]
}

fn inflict(home: &Home, harm: &Harm) {
    let file = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(home.path()).unwrap();
        change(&mut bytes);
        fs::write(home.path(), bytes).unwrap();
    };
    let set = |text: &str| {
        home.raw().execute("UPDATE circuits SET record = ?1 WHERE name = 'gate'", [text]).unwrap();
        home.settle();
    };
    match harm {
        Harm::None => {}
        Harm::Wounds(wounds) => file(&|bytes| {
            for (at, byte) in wounds {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
        }),
        Harm::Cut(at) => file(&|bytes| bytes.truncate(at.index(bytes.len()))),
        Harm::Text(text) => set(text),
        Harm::Piece(at, length, piece) => {
            let text: String =
                home.raw().query_row("SELECT record FROM circuits WHERE name = 'gate'", [], |row| row.get(0)).unwrap();
            let from = at.index(text.len());
            let to = text.len().min(from + length);
            set(&format!("{}{piece}{}", &text[..from], &text[to..]));
        }
        Harm::Column(column, value) => home.sql(&format!("UPDATE circuits SET {column} = {value}")),
        Harm::Statement(statement) => home.sql(statement),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_gate_passes_only_if_it_was_asked_and_said_so(
        record in any::<Index>(),
        harms in prop::collection::vec(harm(), 1..3),
        says in select(&[Says::Pass, Says::Block, Says::Error, Says::Panic][..]),
        asked_before in any::<bool>(),
    ) {
        let home = Home::new();
        let records = records(&home);
        let record = &records[record.index(records.len())];
        home.store().swap(&name("gate"), None, record, &[]).unwrap();
        home.settle();
        let store = Arc::new(home.store());
        let board = Board::builder().shared_store(store.clone()).build();
        let gate = board.gate_with(&name("gate"), Policy::default()).unwrap();
        if asked_before {
            // The handle knows the sound store already.
            let _ = gate.judge(|| Ok::<_, String>(Verdict::block("not yet")));
        }
        let is_whole = harms.iter().all(|harm| matches!(harm, Harm::None));
        for harm in &harms {
            // What one harm leaves may not be there for the next.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| inflict(&home, harm)));
        }
        let asked = AtomicBool::new(false);
        let verdict = gate.judge(|| {
            asked.store(true, Ordering::Relaxed);
            match says {
                Says::Pass => Ok(Verdict::Pass),
                Says::Block => Ok(Verdict::block("no")),
                Says::Error => Err("it crashed"),
                Says::Panic => panic!("it panicked"),
            }
        });
        let was_asked = asked.load(Ordering::Relaxed);
        if verdict == Verdict::Pass {
            prop_assert!(was_asked && says == Says::Pass, "{:?}", harms);
            prop_assert_eq!(store.damage(), None, "it passed on a store that was found damaged: {:?}", harms);
        } else if is_whole && was_asked {
            prop_assert!(says != Says::Pass, "a sound store kept a gate from passing: {:?}", verdict);
        }
    }
}
