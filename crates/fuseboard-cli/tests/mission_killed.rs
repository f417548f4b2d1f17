//! After a kill -9 of Fuseboard the next run tells what was interrupted, ends what was left, and goes on.

mod mission_stage;
mod world;

use mission_stage::Stage;
use world::{end_of, signal, start};

const SLOW: &str = "[[step]]\nname = 'slow'\nkind = 'recorder'\n\
                    run = ['sh', '-c', 'test -e ../up && exit; (setsid sleep 61 &); touch ../up; sleep 62']\n";

/// Kills a mission when it is up, and looks at the next one.
fn killed_at(stage: &Stage, agent: &str, next: &[&str], said: &str) {
    let child = start(stage.command(&["--title", "the killed one"], agent));
    stage.world.await_file("../up");
    signal(&child, "KILL");
    // What it started holds our pipes: the end of the program itself is waited for by its next run.
    let mut child = child;
    child.wait().unwrap();
    assert!(!stage.world.census().is_empty(), "something is left to be ended");
    let flown = stage.flown(world::finish(stage.words(next)));
    assert_eq!(stage.world.census(), Vec::<String>::new(), "{}", flown.told());
    drop(end_of(child));
    assert_eq!(flown.code(), 0, "{}", flown.told());
    assert_eq!(flown.end_of("slow"), ("success", ""), "{}", flown.told());
    let told: Vec<_> = flown.ran.lines().into_iter().filter(|line| line.contains("was killed")).collect();
    assert!(told.len() == 1 && told[0].contains(said), "{}", flown.ran.err());
    let again = stage.fly(&[], "true");
    assert!(!again.ran.err().contains("was killed"), "told twice: {}", again.ran.err());
}

#[test]
fn killed_while_the_agent_works() {
    let stage = Stage::new(SLOW);
    let agent = "(setsid sleep 61 &); touch ../up; sleep 62";
    killed_at(&stage, agent, &["mission", "--", "true"], "was killed; see");
    assert_eq!(stage.world.circuit("slow")["totals"]["success"], 2);
}

#[test]
fn killed_while_a_step_works() {
    let stage = Stage::new(SLOW);
    killed_at(&stage, "true", &["mission", "--", "true"], "was killed, at: slow");
}

#[test]
fn what_a_killed_mission_left_is_ended_by_after_too() {
    let stage = Stage::new(SLOW);
    killed_at(&stage, "true", &["after"], "was killed, at: slow");
}

#[test]
fn a_mission_under_way_is_left_alone() {
    let stage = Stage::new(SLOW);
    let child = start(stage.command(&[], "touch ../agent; while ! test -e ../go; do sleep 0.05; done"));
    stage.world.await_file("../agent");
    let other = stage.run(&["after", "--skip", "slow"]);
    assert!(other.code == 0 && !other.err().contains("killed"), "{}", other.err());
    stage.git("touch ../up ../go");
    let ran = end_of(child);
    assert_eq!(ran.code, 0, "{}", ran.err());
}
