//! `after`: the pipeline for a job that has already ended, and how its options say what that job was.

mod mission_stage;
mod world;

use std::fs;

use mission_stage::Stage;
use serde_json::{Value, json};
use world::{feed, finish, wait_for};

const STEPS: &str = "[[step]]\nname = 'note'\nkind = 'recorder'\nrun = ['sh', '-c', 'cat >../job.json; touch ../noted']\n\
                     [[step]]\nname = 'check'\nkind = 'gate'\nrun = ['sh', '-c', 'test ! -e ../broken']\n\
                     [[step]]\nname = 'publish'\nkind = 'action'\ngated_by = ['check']\nrun = ['touch', '../published']\n";

fn job(stage: &Stage) -> Value {
    serde_json::from_str(&stage.read("job.json")).expect("the job on a step's standard input")
}

#[test]
fn the_code_is_the_pipelines_and_never_the_jobs() {
    for (options, broken, code, publish) in [
        (&[][..], false, 0, ("success", "")),
        (&["--exit-code", "0"], false, 0, ("success", "")),
        (&["--exit-code", "3"], false, 0, ("skipped", "job-failed")),
        (&["--exit-code", "137"], false, 0, ("skipped", "job-failed")),
        (&[], true, 77, ("skipped", "gate-blocked")),
        (&["--best-effort"], true, 0, ("skipped", "gate-blocked")),
        (&["--exit-code", "3"], true, 0, ("skipped", "job-failed")),
    ] {
        let stage = Stage::new(STEPS);
        if broken {
            fs::write(stage.beside("broken"), "").unwrap();
        }
        let flown = stage.after(options);
        assert_eq!(flown.code(), code, "{options:?}: {}", flown.told());
        assert_eq!(flown.end_of("publish"), publish, "{options:?}: {}", flown.told());
        assert!(stage.has("noted"));
    }
}

#[test]
fn best_effort_softens_a_block_after_a_failed_job_too() {
    let stage = Stage::new("[[step]]\nname = 'check'\nkind = 'gate'\non = 'always'\nrun = ['sh', '-c', 'exit 1']\n");
    assert_eq!(stage.after(&["--exit-code", "3"]).code(), 77);
    assert_eq!(stage.after(&["--exit-code", "3", "--best-effort"]).code(), 0);
}

#[test]
fn the_options_say_what_the_job_was() {
    let stage = Stage::new(STEPS);
    let output = r#"{"type":"result","subtype":"success","is_error":true,"result":"no","session_id":"s-9"}"#;
    fs::write(stage.beside("out"), output).unwrap();
    fs::write(stage.beside("err"), "oh").unwrap();
    let out = stage.beside("out").canonicalize().unwrap().display().to_string();
    let err = stage.beside("err").canonicalize().unwrap().display().to_string();
    let started = "2026-03-04T05:06:07.000Z";
    let flown = stage.after(&[
        "--exit-code",
        "0",
        "--stdout",
        &out,
        "--stderr",
        &err,
        "--started-at",
        started,
        "--title",
        "t",
        "--mode",
        "m",
        "--run-number",
        "4",
        "--project",
        "named",
        "--agent",
        "claude",
    ]);
    let job = job(&stage);
    assert_eq!(job, flown.report["job"]);
    for (key, value) in [
        ("schema", json!("fuseboard.job/1")),
        ("title", json!("t")),
        ("mode", json!("m")),
        ("run_number", json!(4)),
        ("exit_code", json!(0)),
        ("succeeded", json!(false)),
        ("failure_kind", json!("agent-error")),
        ("agent", json!("claude")),
        ("session_id", json!("s-9")),
        ("result_text", json!("no")),
        ("started_at", json!(started)),
        ("stdout_path", json!(out)),
        ("stderr_path", json!(err)),
    ] {
        assert_eq!(job[key], value, "{key}: {job}");
    }
    assert_eq!((&job["project"]["name"], &job["project"]["branch"]), (&"named".into(), &"main".into()));
    assert_eq!((flown.code(), flown.word("check", "circuit")), (0, "named/check"));
}

#[test]
fn a_job_comes_as_json_from_a_file_or_from_standard_input() {
    let given = |stage: &Stage, text: &str, through_stdin: bool| {
        if through_stdin {
            return stage.flown(feed(stage.words(&["after", "--job", "-"]), text.as_bytes()));
        }
        fs::write(stage.beside("given"), text).unwrap();
        stage.after(&["--job", "../given"])
    };
    for through_stdin in [false, true] {
        for (text, succeeded, publish) in [
            (r#"{"title": "x", "succeeded": true}"#, true, "success"),
            (r#"{"title": "x", "succeeded": false, "exit_code": 0}"#, false, "skipped"),
            (r#"{"title": "x", "exit_code": 0}"#, true, "success"),
            (r#"{"title": "x", "exit_code": 0, "succeeded": null}"#, true, "success"),
            (r#"{"title": "x", "exit_code": 5}"#, false, "skipped"),
        ] {
            let stage = Stage::new(STEPS);
            let flown = given(&stage, text, through_stdin);
            assert_eq!(flown.report["job"]["succeeded"], succeeded, "{text}: {}", flown.told());
            assert_eq!(flown.word("publish", "status"), publish, "{text}: {}", flown.told());
            assert_eq!((flown.code(), &flown.report["job"]["title"]), (0, &"x".into()));
        }
        for text in ["", "[]", "{\"schema\": \"other/1\"}", "{\"exit_code\": \"no\"}"] {
            let stage = Stage::new(STEPS);
            let flown = given(&stage, text, through_stdin);
            assert!(flown.ran.code == 64 && flown.ran.err().contains("--job"), "{text:?}: {}", flown.ran.err());
            assert!(!stage.has("noted"));
        }
    }
}

#[test]
fn format_json_prints_the_report_and_nothing_else() {
    let stage = Stage::new(STEPS);
    let flown = stage.after(&["--format", "json"]);
    assert_eq!(flown.ran.json(), flown.report);
    assert_eq!(flown.report["schema"], "fuseboard.run/1");
    assert_eq!(stage.after(&[]).ran.out(), "", "the lines for people go to standard error");
}

#[test]
fn an_unknown_step_is_a_usage_error_and_nothing_runs() {
    for option in ["--only", "--skip"] {
        let stage = Stage::new(STEPS);
        let flown = stage.after(&[option, "publsih"]);
        assert_eq!(flown.ran.code, 64, "{}", flown.ran.err());
        assert!(flown.ran.err().contains("publsih") && flown.ran.err().contains("publish"), "{}", flown.ran.err());
        assert!(!stage.has("noted"));
    }
}

#[test]
fn a_dry_run_says_what_would_run_and_runs_nothing() {
    let stage = Stage::new(STEPS);
    for words in [&["after", "--dry-run"][..], &["mission", "--dry-run", "--", "touch", "../agent"]] {
        let ran = stage.run(words);
        assert_eq!(ran.code, 0, "{}", ran.err());
        for name in ["note", "check", "publish", "gated by check"] {
            assert!(ran.out().contains(name), "{}", ran.out());
        }
    }
    let failed = stage.run(&["after", "--dry-run", "--exit-code", "1", "--skip", "note"]).out();
    let line = |name: &str| failed.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or("").to_owned();
    assert!(line("note").ends_with("left out: not selected"), "{failed}");
    assert!(line("check").ends_with("after jobs that succeed; left out: the job failed"), "{failed}");
    assert!(!stage.has("noted") && !stage.has("agent") && !stage.world.store().exists());
}

#[test]
fn a_report_that_cannot_be_written_changes_no_exit_code() {
    let stage = Stage::new(STEPS);
    let ran = stage.run(&["mission", "--report", "../no/such/folder", "--", "sh", "-c", "exit 5"]);
    assert!(ran.code == 5 && ran.err().contains("no/such/folder"), "{} {}", ran.code, ran.err());
}

#[test]
fn a_report_is_written_through_no_link_and_waits_for_no_reader() {
    let stage = Stage::new("");
    let report = stage.beside("report.json");
    for (made, why) in [("ln -s precious", "it is a link"), ("mkfifo", "it is neither a file nor a device")] {
        let command = stage.words(&["after"]);
        stage.git(&format!("echo kept >../precious; {made} ../report.json"));
        let ran = finish(command);
        assert_eq!(ran.code, 0, "{}", ran.err());
        assert!(ran.err().contains(why), "{made}: {}", ran.err());
        std::fs::remove_file(&report).unwrap();
    }
    assert_eq!(stage.read("precious"), "kept\n");
}

#[test]
fn detached_it_prints_its_id_returns_at_once_and_reports_later() {
    let slow = STEPS.replace("cat >../job.json", "while ! test -e ../go; do sleep 0.05; done; cat >../job.json");
    let stage = Stage::new(&slow);
    let mut command = stage.words(&["after", "--detach", "--title", "later", "-C", "work"]);
    command.current_dir(stage.beside(""));
    let ran = finish(command);
    assert_eq!(ran.code, 0, "{}", ran.err());
    let id = ran.out().trim().to_owned();
    assert!(id.len() == 36 && !stage.has("noted"), "{id}");
    stage.git("touch ../go");
    wait_for("the report", || fs::read(stage.beside("report.json")).is_ok_and(|text| text.ends_with(b"\n")));
    let report: Value = serde_json::from_slice(&fs::read(stage.beside("report.json")).unwrap()).unwrap();
    assert_eq!((&report["id"], &report["job"]["title"]), (&id.into(), &"later".into()));
    wait_for("its end", || stage.world.census().is_empty());
}

#[test]
fn detached_it_reads_the_job_from_standard_input() {
    let stage = Stage::new(STEPS);
    let ran = feed(stage.words(&["after", "--detach", "--job", "-"]), br#"{"title": "piped", "succeeded": true}"#);
    assert_eq!(ran.code, 0, "{}", ran.err());
    wait_for("the report", || fs::read(stage.beside("report.json")).is_ok_and(|text| text.ends_with(b"\n")));
    assert_eq!(job(&stage)["title"], "piped");
    wait_for("its end", || stage.world.census().is_empty());
}

#[test]
fn a_detached_run_outlives_the_agent_that_started_it() {
    let stage = Stage::new(&STEPS.replace("cat >../job.json", "sleep 0.7; cat >../job.json"));
    let flown = stage.fly(&["--skip", "note"], "\"$BIN\" after --detach --only note >../id");
    assert_eq!(flown.ran.code, 0, "{}", flown.told());
    wait_for("the detached run", || stage.has("noted"));
    wait_for("its end", || stage.world.census().is_empty());
}

#[test]
fn switched_off_gates_run_and_count_and_no_store_is_touched() {
    for (broken, code) in [(false, 0), (true, 77)] {
        let stage = Stage::new(STEPS);
        if broken {
            fs::write(stage.beside("broken"), "").unwrap();
        }
        for words in [&["after"][..], &["mission", "--", "true"]] {
            let mut command = stage.words(words);
            command.env("FUSEBOARD", "off");
            let flown = stage.flown(finish(command));
            assert_eq!(flown.code(), code, "{}", flown.told());
            assert_eq!(stage.has("published"), !broken, "{}", flown.told());
            assert!(flown.row("check")["circuit"].is_null() && flown.row("note")["circuit"].is_null());
            assert!(!stage.world.store().exists(), "a store was made");
        }
    }
}
