//! Arms: what was learned of them, and the draws.

use std::collections::BTreeMap;

use fuseboard_mission::arms::{Arm, ArmSets, Learned, Lesson, MOST_ARMS, SetName, arm_name, draw, new_seed};
use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::stamp::Stamp;

fn arm(alpha: f64, beta: f64) -> Arm {
    Arm { alpha, beta, updated_at: None }
}

fn arms(arms: &[(&str, Arm)]) -> BTreeMap<String, Arm> {
    arms.iter().map(|(name, arm)| ((*name).to_owned(), *arm)).collect()
}

fn set() -> SetName {
    "project".parse().unwrap()
}

fn lesson<'a>(run: &'a str, arm: &'a str, lesson: Lesson, discount: f64) -> Learned<'a> {
    Learned { run, arm, lesson, discount, at: Stamp::from_millis(0) }
}

#[test]
fn a_much_better_arm_is_picked_nearly_always() {
    let arms = arms(&[("bad", arm(10.0, 90.0)), ("good", arm(90.0, 10.0))]);
    let good = (0..1000).filter(|seed| draw(&arms, *seed).unwrap().picked == "good").count();
    assert!(good >= 999, "{good} of 1000");
}

#[test]
fn equal_arms_are_picked_equally_often() {
    let arms = arms(&[("a", Arm::NEW), ("b", Arm::NEW), ("c", Arm::NEW)]);
    for name in ["a", "b", "c"] {
        let picked = (0..3000).filter(|seed| draw(&arms, *seed).unwrap().picked == name).count();
        assert!((850..=1150).contains(&picked), "{name}: {picked} of 3000");
    }
}

#[test]
fn a_seed_gives_the_same_draw_each_time_and_another_seed_another() {
    let arms = arms(&[("a", arm(3.0, 2.0)), ("b", Arm::NEW)]);
    let drawn = draw(&arms, 7).unwrap();
    assert_eq!(draw(&arms, 7).unwrap(), drawn);
    assert_ne!(draw(&arms, 8).unwrap().arms, drawn.arms);
    assert!(drawn.arms.iter().all(|drawn| (0.0..=1.0).contains(&drawn.sample)));
    assert_ne!(new_seed().unwrap(), new_seed().unwrap(), "a chance of 1 in 4e9 to be wrong");
    assert!(draw(&BTreeMap::new(), 7).is_none());
}

#[test]
fn the_samples_have_the_mean_of_their_distribution() {
    let arms = arms(&[("a", arm(3.0, 7.0))]);
    let sum: f64 = (0..4000).map(|seed| draw(&arms, seed).unwrap().arms[0].sample).sum();
    assert!((sum / 4000.0 - 0.3).abs() < 0.01, "{}", sum / 4000.0);
}

#[test]
fn the_better_of_two_arms_is_picked_more_and_more() {
    let folder = tempfile::tempdir().unwrap();
    let sets = ArmSets::in_state_folder(folder.path());
    let rates = [("poor", 3), ("rich", 7)];
    let mut picks = Vec::new();
    for round in 0..300_u64 {
        let mut known = sets.load(&set()).unwrap();
        for (name, _) in rates {
            known.entry(name.to_owned()).or_insert(Arm::NEW);
        }
        let picked = draw(&known, round).unwrap().picked;
        let (name, rate) = rates.into_iter().find(|(name, _)| *name == picked).unwrap();
        // A fixed scatter in place of chance: of ten rounds as many succeed as the rate says.
        let outcome = if (round * 7 + 3) % 10 < rate { Lesson::Success } else { Lesson::Failure };
        sets.learn(&set(), &lesson(&round.to_string(), name, outcome, 1.0), Deadline::NEVER).unwrap();
        picks.push(picked == "rich");
    }
    let share = |picks: &[bool]| picks.iter().filter(|rich| **rich).count();
    let (first, last) = (share(&picks[..50]), share(&picks[250..]));
    assert!(last > first && last >= 45, "{first} of the first 50, {last} of the last 50");
}

#[test]
fn what_is_learned_is_there_afterwards_and_a_run_teaches_once() {
    let folder = tempfile::tempdir().unwrap();
    let sets = ArmSets::in_state_folder(folder.path());
    assert!(sets.load(&set()).unwrap().is_empty());
    let learn = |run, name, outcome| sets.learn(&set(), &lesson(run, name, outcome, 1.0), Deadline::NEVER).unwrap();
    learn("1", "a", Lesson::Success);
    learn("2", "b", Lesson::Failure);
    assert!(learn("1", "a", Lesson::Success).is_replay);
    assert!(learn("1", "b", Lesson::Failure).is_replay);
    let known = sets.load(&set()).unwrap();
    assert_eq!((known["a"].alpha, known["a"].beta), (2.0, 1.0));
    assert_eq!((known["b"].alpha, known["b"].beta), (1.0, 2.0));
    let text = std::fs::read_to_string(folder.path().join("bandit/project.json")).unwrap();
    assert!(text.contains("\"fuseboard.bandit/1\""), "{text}");
}

#[test]
fn a_discount_fades_what_was_learned_of_all_arms() {
    let folder = tempfile::tempdir().unwrap();
    let sets = ArmSets::in_state_folder(folder.path());
    for (run, name) in [("1", "a"), ("2", "b"), ("3", "b")] {
        sets.learn(&set(), &lesson(run, name, Lesson::Success, 0.5), Deadline::NEVER).unwrap();
    }
    let known = sets.load(&set()).unwrap();
    assert_eq!((known["a"].alpha, known["b"].alpha, known["b"].beta), (1.25, 2.5, 1.0));
}

#[test]
fn runs_that_learn_at_the_same_time_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sets = ArmSets::in_state_folder(folder.path());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let sets = &sets;
            scope.spawn(move || {
                for round in 0..25 {
                    let run = format!("{thread}-{round}");
                    sets.learn(&set(), &lesson(&run, "a", Lesson::Success, 1.0), Deadline::NEVER).unwrap();
                }
            });
        }
    });
    assert!((sets.load(&set()).unwrap()["a"].alpha - 101.0).abs() < 1e-9);
}

#[test]
fn a_set_holds_so_many_arms_and_goes_on_learning_of_those() {
    let folder = tempfile::tempdir().unwrap();
    let sets = ArmSets::in_state_folder(folder.path());
    sets.learn(&set(), &lesson("0", "a", Lesson::Success, 1.0), Deadline::NEVER).unwrap();
    let file = folder.path().join("bandit/project.json");
    let mut content: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for number in 1..MOST_ARMS {
        content["arms"][format!("arm {number}")] = content["arms"]["a"].clone();
    }
    std::fs::write(&file, content.to_string()).unwrap();
    let error = sets.learn(&set(), &lesson("1", "new", Lesson::Success, 1.0), Deadline::NEVER).unwrap_err();
    assert!(error.to_string().contains("1000 arms already"), "{error}");
    sets.learn(&set(), &lesson("1", "a", Lesson::Success, 1.0), Deadline::NEVER).unwrap();
}

#[test]
fn what_names_no_set_is_refused() {
    for good in ["project", "a", "models.2", "x_y-z"] {
        assert!(good.parse::<SetName>().is_ok(), "{good}");
    }
    for bad in ["", "A", "../a", "a/b", ".a", "-a", "ä", "a b", &"x".repeat(65)] {
        assert!(bad.parse::<SetName>().is_err(), "{bad:?}");
    }
}

#[test]
fn names_of_arms_are_plain_and_bounded() {
    assert_eq!(arm_name(" \u{1b}[31mred\u{1b}[0m\n").as_deref(), Some("red"));
    assert_eq!(arm_name("\u{1b}[31m \n"), None);
    assert_eq!(arm_name(&"ä".repeat(200)).unwrap().len(), 200);
}
