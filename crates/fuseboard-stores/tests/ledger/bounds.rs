//! How much is kept of what is told, however much that is.

use fuseboard_pipeline::ledger::Ledger;
use fuseboard_pipeline::report::StepRow;
use serde_json::{Value, json};

use crate::home::{Home, job, recorder, report};

const KEPT: usize = 64 * 1024;

fn kept(home: &Home, row: &StepRow) -> StepRow {
    let store = home.store();
    store.begin(&home.head("r")).unwrap();
    store.step("r", row).unwrap();
    store.run("r").unwrap().unwrap().steps.remove(0)
}

#[test]
fn an_output_of_64_kib_is_kept_whole() {
    let whole = StepRow { output: Some(Value::String("x".repeat(KEPT - 2))), ..recorder("cost") };
    assert_eq!(kept(&Home::new(), &whole), whole);
}

#[test]
fn longer_output_and_words_are_cut_in_the_middle_and_say_so() {
    let words = |text: &str| format!("first {} last", text.repeat(1_000_000));
    let long = StepRow {
        detail: Some(words("ä")),
        output: Some(json!({"code": 7, "stdout": words("o"), "stderr": words("\u{1b}")})),
        ..recorder("cost")
    };
    let home = Home::new();
    let kept = kept(&home, &long);
    let output = kept.output.unwrap();
    assert_eq!(output["code"], 7);
    for text in [kept.detail.as_deref(), output["stdout"].as_str(), output["stderr"].as_str()] {
        let text = text.unwrap();
        assert!(text.starts_with("first ") && text.ends_with(" last") && text.contains(" bytes left out …]"));
    }
    assert!(home.number("SELECT max(octet_length(row), octet_length(output)) FROM steps") <= 64 * 1024);
}

#[test]
fn an_output_without_texts_to_cut_is_left_out_and_that_is_said() {
    let long = StepRow { output: Some(json!(vec![0; KEPT])), ..recorder("cost") };
    let said = kept(&Home::new(), &long).output.unwrap();
    assert!(said.as_str().unwrap().contains("left out: longer than 65536 bytes"), "{said}");
}

#[test]
fn a_job_with_endless_last_words_is_kept_with_their_ends() {
    let home = Home::new();
    let store = home.store();
    let mut report = report("r", home.now(), &[]);
    report.job.result_text = Some("\u{1}word ".repeat(1_000_000));
    store.end("r", &report).unwrap();
    let kept = store.run("r").unwrap().unwrap().report.unwrap();
    let words = kept.job.result_text.unwrap();
    assert!(words.contains("bytes left out") && words.len() > 50_000, "{}", words.len());
    assert_eq!(kept.job.project, job("r").project);
}

#[test]
fn what_no_cutting_helps_is_refused_and_leaves_nothing_behind() {
    let home = Home::new();
    let store = home.store();
    store.begin(&home.head("r")).unwrap();
    let step = StepRow { name: "n".repeat(300), ..recorder("cost") };
    assert!(store.step("r", &step).unwrap_err().to_string().contains("its name is too long"));
    let steps: Vec<_> = (0..257).map(|number| recorder(&format!("s{number}"))).collect();
    let error = store.end("r", &report("r", home.now(), &steps)).unwrap_err().to_string();
    assert!(error.contains("step s256 of run r") && error.contains("256 others"), "{error}");
    let run = store.run("r").unwrap().unwrap();
    assert_eq!((run.steps, run.ended_at), (Vec::new(), None));
    store.end("r", &report("r", home.now(), &steps[..256])).unwrap();
}

#[test]
fn what_is_no_id_is_refused() {
    let home = Home::new();
    let store = home.store();
    for id in ["", "a b", "ä", "\u{1b}[2J", &"x".repeat(129)] {
        let error = store.begin(&home.head(id)).unwrap_err().to_string();
        assert!(error.contains("no id of a run") && !error.contains('\u{1b}'), "{error}");
        assert!(store.step(id, &recorder("cost")).is_err());
        assert!(store.record_usage(id, &[]).is_err());
    }
    store.begin(&home.head(&"x".repeat(128))).unwrap();
}
