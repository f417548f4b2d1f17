//! `usage` writes down what the agent used, and what it cost as far as that is known.

mod recorder_support;

use fuseboard_mission::steps::usage::Usage;
use fuseboard_pipeline::job::{Job, ModelUsage};
use recorder_support::{Stage, options, past, sample};

const PRICES: &str = "[[price]]\nmodel = 'gpt-x'\nfrom = 2026-01-01\ninput = 1.0\noutput = 10.0\n";

fn row(model: &str, input: u64, output: u64, cost_usd: Option<f64>) -> ModelUsage {
    ModelUsage {
        model: Some(model.into()),
        input_uncached: Some(input),
        output: Some(output),
        cost_usd,
        ..ModelUsage::default()
    }
}

fn priced() -> Usage {
    Usage::of(&options("prices = 'prices.toml'")).unwrap()
}

fn recorded(stage: &Stage) -> Vec<ModelUsage> {
    let usage = stage.book.usage.lock().unwrap();
    assert_eq!(usage.len(), 1, "one set of rows for the run");
    usage[0].1.clone()
}

#[test]
fn the_output_of_the_job_is_read_and_written_down_once() {
    let stage = Stage::with_output("object.json");
    let told = stage.play(&Usage::default()).unwrap();
    assert_eq!(stage.play(&Usage::default()).unwrap(), told, "a replay says the same");
    assert_eq!(recorded(&stage).len(), 2);
    let output = told.output.unwrap();
    assert_eq!((output["agent"].as_str(), output["usage"].as_array().unwrap().len()), (Some("claude"), 2));
    assert_eq!(
        told.detail.as_deref(),
        Some("9988 input, 912334 cache read, 48211 cache write, 9375 output tokens; $0.8413")
    );
}

#[test]
fn unmeasured_is_a_success_that_says_why_and_no_zero() {
    for (stage, why) in [
        (Stage::new(), "unmeasured: the job's output was not captured"),
        (
            Stage::with_output("truncated.jsonl"),
            "unmeasured: the output ends before the result: the agent was ended, or the output was cut",
        ),
    ] {
        let told = stage.play(&Usage::default()).unwrap();
        assert_eq!((told.detail.as_deref(), told.output), (Some(why), None));
        assert!(stage.book.usage.lock().unwrap().is_empty());
    }
}

#[test]
fn the_agents_own_price_comes_before_the_files_and_an_unknown_model_has_none() {
    let mut stage = Stage::new();
    std::fs::write(stage.folder.path().join("prices.toml"), PRICES).unwrap();
    stage.job.ended_at = Some("2026-03-01T00:00:00Z".parse().unwrap());
    stage.job.usage = Some(vec![
        row("gpt-x", 1_000_000, 100_000, None),
        row("gpt-x-own", 1, 1, Some(7.0)),
        row("gpt-\u{1b}[31my", 1, 1, None),
    ]);
    let told = stage.play(&priced()).unwrap();
    let costs: Vec<_> = recorded(&stage).iter().map(|row| row.cost_usd).collect();
    assert_eq!(costs, [Some(2.0), Some(7.0), None]);
    assert!(told.detail.unwrap().ends_with("; no price for gpt-y"), "made safe to show");
    assert!(told.output.unwrap()["cost_usd"].is_null(), "a sum with something missing is none");
}

#[test]
fn of_a_resumed_session_only_the_rest_is_written_down() {
    let job = |usage: ModelUsage| Job { session_id: Some("s".into()), usage: Some(vec![usage]), ..Job::default() };
    let mut stage = Stage::new();
    stage.book.runs = vec![
        past("0198-1", "parser", Some(job(row("m", 10, 10, Some(0.5)))), Vec::new()),
        past("0198-2", "parser", Some(job(row("m", 100, 50, Some(1.5)))), Vec::new()),
        past("0198-5", "parser", Some(job(row("m", 130, 70, Some(2.0)))), Vec::new()),
        past("0198-6", "parser", Some(job(row("m", 131, 71, Some(2.1)))), Vec::new()),
    ];
    stage.job = job(row("m", 130, 70, Some(2.0)));
    let told = stage.play(&Usage::default()).unwrap();
    assert_eq!(recorded(&stage), [row("m", 30, 20, Some(0.5))]);
    assert!(told.detail.unwrap().ends_with("without what the session had used before"));

    stage.job = job(row("m", 20, 70, Some(2.0)));
    stage.play(&Usage::default()).unwrap();
    assert_eq!(recorded(&stage), [row("m", 20, 70, Some(2.0))], "smaller totals began anew");
}

#[test]
fn what_gemini_tells_is_of_one_call_and_nothing_is_taken_off() {
    let job = |usage: ModelUsage| Job {
        agent: Some("gemini".into()),
        session_id: Some("s".into()),
        usage: Some(vec![usage]),
        ..Job::default()
    };
    let mut stage = Stage::new();
    stage.book.runs = vec![past("0198-1", "parser", Some(job(row("m", 10, 10, None))), Vec::new())];
    stage.job = job(row("m", 30, 20, None));
    stage.play(&Usage::default()).unwrap();
    assert_eq!(recorded(&stage), [row("m", 30, 20, None)]);
}

#[test]
fn the_outputs_of_codex_and_gemini_are_priced_by_the_file() {
    for (output, told) in [
        (
            "../codex/exec.jsonl",
            "1880 input, 48000 cache read, 700 cache write, 310 output tokens; no price for an unnamed model",
        ),
        (
            "../gemini/stream.jsonl",
            "50 input, 0 cache read, ? cache write, 200 output tokens; no price for gemini-2.5-flash",
        ),
    ] {
        let stage = Stage::with_output(output);
        assert_eq!(stage.play(&Usage::default()).unwrap().detail.as_deref(), Some(told));
    }
}

#[test]
fn trouble_with_files_is_a_failure() {
    let mut stage = Stage::with_output("object.json");
    let error = stage.play(&priced()).unwrap_err().to_string();
    assert!(error.contains("prices.toml"), "{error}");
    assert_eq!(recorded(&stage).len(), 2, "the tokens are written down all the same");
    stage.book.broken = true;
    assert!(stage.play(&Usage::default()).unwrap_err().to_string().ends_with("the disk is full"));
    stage.job.stdout_path = Some(sample("nowhere"));
    assert!(stage.play(&Usage::default()).unwrap_err().to_string().starts_with("cannot read the job's output"));
}

#[test]
fn unknown_options_are_refused() {
    let error = Usage::of(&options("price = 'x'")).unwrap_err().to_string();
    assert_eq!(error, "options:1:1: unknown key `price` (did you mean `prices`?)");
}
