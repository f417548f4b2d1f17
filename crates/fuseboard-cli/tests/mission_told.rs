//! What agents and steps are told of the run and the job, and what they may not do.

mod mission_stage;
mod world;

use std::collections::BTreeMap;

use mission_stage::{Stage, gated};
use serde_json::Value;
use world::finish;

const DUMP: &str = "[[step]]\nname = 'dump'\nkind = 'recorder'\n\
                    run = ['sh', '-c', 'cat >../job.json; env | grep ^FUSEBOARD_ >../env']\n";

fn variables(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once('=')).collect()
}

#[test]
fn a_step_gets_the_job_on_standard_input_and_as_variables() {
    let stage = Stage::new(DUMP);
    let flown = stage.fly(
        &["--title", "mend it", "--run-number", "2"],
        "git checkout -q -b work; echo two >tracked; git commit -qam w",
    );
    let job: Value = serde_json::from_str(&stage.read("job.json")).unwrap();
    assert_eq!(job, flown.report["job"]);
    let text = stage.read("env");
    let variables = variables(&text);
    let run = flown.report["id"].as_str().unwrap();
    assert_eq!((variables["FUSEBOARD_RUN"], variables["FUSEBOARD_STEP"]), (run, format!("{run}/dump").as_str()));
    let project = &job["project"];
    for (name, value) in [
        ("ID", &job["id"]),
        ("TITLE", &job["title"]),
        ("PROJECT", &project["name"]),
        ("PROJECT_PATH", &project["path"]),
        ("BRANCH", &project["branch"]),
        ("COMMIT", &project["commit"]),
        ("BASE", &project["base"]),
        ("STARTED_AT", &job["started_at"]),
        ("ENDED_AT", &job["ended_at"]),
        ("STDOUT", &job["stdout_path"]),
        ("STDERR", &job["stderr_path"]),
    ] {
        assert_eq!(Some(variables[format!("FUSEBOARD_JOB_{name}").as_str()]), value.as_str(), "{name}");
    }
    assert_eq!(variables["FUSEBOARD_JOB_RUN_NUMBER"], "2");
    assert_eq!((variables["FUSEBOARD_JOB_EXIT_CODE"], variables["FUSEBOARD_JOB_SUCCEEDED"]), ("0", "true"));
    for absent in ["MODE", "AGENT", "SESSION_ID", "FAILURE_KIND"] {
        assert!(!variables.contains_key(format!("FUSEBOARD_JOB_{absent}").as_str()), "{absent}");
    }
    assert_eq!((project["branch"].as_str(), project["name"].as_str()), (Some("work"), Some("work")));
    assert_ne!(project["base"], project["commit"], "the base is what was there before");
}

#[test]
fn a_job_inside_of_another_gets_none_of_its_variables() {
    let stage = Stage::new(DUMP);
    let mut command = stage.command(&[], "true");
    command.env("FUSEBOARD_JOB_TITLE", "the outer one").env("FUSEBOARD_JOB_MODE", "outer");
    assert_eq!(stage.flown(finish(command)).code(), 0);
    assert!(!stage.read("env").contains("outer"), "{}", stage.read("env"));
}

#[test]
fn a_long_title_is_cut_in_the_variable_and_whole_in_the_json() {
    let stage = Stage::new(DUMP);
    let title = "ä".repeat(5000);
    assert_eq!(stage.fly(&["--title", &title], "true").code(), 0);
    let text = stage.read("env");
    assert_eq!(variables(&text)["FUSEBOARD_JOB_TITLE"].len(), 4096);
    let job: Value = serde_json::from_str(&stage.read("job.json")).unwrap();
    assert_eq!(job["title"].as_str(), Some(title.as_str()));
}

#[test]
fn the_agent_knows_its_run() {
    let stage = Stage::new(DUMP);
    let flown = stage.fly(&[], "echo $FUSEBOARD_RUN >../run");
    assert_eq!(Some(stage.read("run").trim()), flown.report["id"].as_str());
}

#[test]
fn operators_acts_refuse_inside_of_a_mission_by_agent_or_step() {
    let acts = "\"$BIN\" switch work/check off --reason x; echo $? >>../codes; \"$BIN\" probe work/check; echo $? >>../codes; \
                \"$BIN\" reset --all; echo $? >>../codes; \"$BIN\" trust; echo $? >>../codes";
    let step = format!("[[step]]\nname = 'acts'\nkind = 'recorder'\nrun = ['sh', '-c', '''{acts}''']\n");
    let stage = Stage::new(&step);
    stage.git("echo '[circuit]' >fuseboard.toml; git add -A; git commit -qm config");
    assert_eq!(stage.run(&["record", "work/check", "failure"]).code, 0);
    let config = stage.beside("config/fuseboard/fuseboard.toml").display().to_string();
    let mut words = vec!["mission", "--", "sh", "-c", acts];
    words.splice(0..0, ["--config", &config]);
    let ran = stage.run(&words);
    assert_eq!(stage.read("codes"), "77\n".repeat(8), "{}", ran.err());
    let circuit = stage.world.circuit("work/check");
    assert!(circuit["switch"].is_null() && circuit["failures"] == 1, "{circuit}");
}

#[test]
fn a_steps_name_is_its_circuits_for_operators_from_the_first_run_on() {
    let stage = Stage::new(&gated("run = ['true']\npolicy = { trip_after = 5, cool_down_max = '20m' }"));
    let ran = stage.run(&["switch", "publish", "off", "--reason", "freeze"]);
    assert_eq!(ran.code, 0, "{}", ran.err());
    assert!(ran.err().contains("work/publish was never seen before"), "{}", ran.err());
    let flown = stage.fly(&[], "true");
    assert_eq!(flown.end_of("publish"), ("skipped", "switched-off"), "{}", flown.told());
    assert!(!stage.has("published"));
    // And it is told by the step's own policy.
    let ran = stage.run(&["status", "check", "--format", "json"]);
    assert_eq!(ran.json()["circuits"][0]["policy"]["trip_after"], 5, "{}", ran.out());
}

#[test]
fn a_failed_job_is_told_as_failed_though_its_steps_went_well() {
    let stage = Stage::new("[[step]]\nname = 'note'\nkind = 'recorder'\nrun = ['true']\n");
    let flown = stage.fly(&[], "exit 3");
    assert!(flown.ran.err().contains("the job failed; the steps after it: success after"), "{}", flown.ran.err());
    assert_eq!((flown.code(), &flown.report["result"]), (3, &"success".into()));
    let runs = stage.run(&["runs"]).out();
    assert!(runs.lines().nth(1).is_some_and(|line| line.contains("job failed")), "{runs}");
}
