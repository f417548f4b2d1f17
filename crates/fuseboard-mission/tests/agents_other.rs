//! What Codex and Gemini CLI print, in the same form as everything else.

use std::path::Path;

use fuseboard_mission::agents::{Agent, AgentKind, Reading, judge, read, read_text};
use fuseboard_pipeline::job::{JobFailure, ModelUsage};
use fuseboard_pipeline::process::How;

fn auto(name: &str) -> Reading {
    read(AgentKind::Auto, &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name))
}

fn counts(row: &ModelUsage) -> [Option<u64>; 4] {
    [row.input_uncached, row.cache_read, row.cache_write, row.output]
}

fn text(text: &str) -> Reading {
    read_text(AgentKind::Auto, text)
}

#[test]
fn of_codex_the_last_running_total_counts_and_turns_are_not_added_up() {
    let reading = auto("codex/exec.jsonl");
    assert_eq!((reading.agent, reading.is_error, reading.num_turns), (Some(Agent::Codex), Some(false), Some(2)));
    assert_eq!(reading.session_id.as_deref(), Some("0199a213-81c0-7800-8aa1-bbab2a035a53"));
    assert_eq!(reading.result_text.as_deref(), Some("The branch is pushed."));
    let usage = reading.usage.unwrap();
    assert_eq!(usage.len(), 1);
    // What was cached is a part of the input.
    assert_eq!(counts(&usage[0]), [Some(1_880), Some(48_000), Some(700), Some(310)]);
    assert_eq!((&usage[0].model, usage[0].cost_usd), (&None, None), "it names neither");
}

#[test]
fn the_session_log_of_an_older_codex_tells_its_totals_too() {
    let reading = auto("codex/session_log.jsonl");
    assert_eq!((reading.agent, reading.is_error), (Some(Agent::Codex), None));
    assert_eq!(reading.result_text.as_deref(), Some("Done."));
    assert_eq!(counts(&reading.usage.unwrap()[0]), [Some(1_984), Some(9_216), None, Some(95)]);
}

#[test]
fn a_turn_of_codex_that_failed_is_a_failure_by_its_own_words_whatever_the_exit_code() {
    let reading = auto("codex/failed.jsonl");
    assert_eq!(judge(&How::Exited(0), &reading), (false, Some(JobFailure::Quota)));
    assert_eq!(reading.error.as_deref(), Some("You've hit your usage limit. Try again in 2 hours."));
    assert!(reading.unmeasured.unwrap().starts_with("the output tells no usage"));
    for (message, failure) in [
        ("401 Unauthorized: please log in again", JobFailure::Login),
        ("exceeded retry limit, last status: 429 Too Many Requests", JobFailure::Quota),
        ("stream disconnected before completion", JobFailure::AgentError),
    ] {
        let failed = text(&format!(r#"{{"type":"turn.failed","error":{{"message":"{message}"}}}}"#));
        assert_eq!((failed.failure, failed.error.as_deref()), (Some(failure), Some(message)));
    }
}

#[test]
fn a_complaint_of_codex_before_a_good_turn_is_no_failure_and_a_new_thread_counts_from_zero() {
    let good = text("{\"type\":\"error\",\"message\":\"Reconnecting\"}\n{\"type\":\"turn.completed\"}");
    assert_eq!((good.is_error, good.error, good.failure), (Some(false), None, None));
    let lines = [
        r#"{"type":"thread.started","thread_id":"one"}"#,
        r#"{"type":"turn.completed","usage":{"input_tokens":9,"output_tokens":9}}"#,
        r#"{"type":"thread.started","thread_id":"two"}"#,
        r#"{"type":"turn.completed","usage":{"input_tokens":2,"cached_input_tokens":5,"output_tokens":"3"}}"#,
    ];
    let reading = text(&lines.join("\n"));
    assert_eq!(reading.session_id.as_deref(), Some("two"));
    assert_eq!(counts(&reading.usage.unwrap()[0]), [Some(0), Some(5), None, Some(3)]);
}

#[test]
fn gemini_tells_each_model_and_thoughts_are_output() {
    let reading = auto("gemini/object.json");
    assert_eq!((reading.agent, reading.is_error), (Some(Agent::Gemini), Some(false)));
    assert_eq!(reading.session_id.as_deref(), Some("d6f2c7a4-2f0e-4f3f-9b9e-6a1c0f7f2b10"));
    assert_eq!(reading.result_text.as_deref(), Some("The parser is mended."));
    let usage = reading.usage.unwrap();
    let of = |name: &str| counts(usage.iter().find(|row| row.model.as_deref() == Some(name)).unwrap());
    assert_eq!(of("gemini-2.5-pro"), [Some(9_300), Some(15_639), None, Some(174)]);
    // An older version: the prompt includes what was cached, and a count is a text.
    assert_eq!(of("gemini-2.5-flash"), [Some(8_965), Some(0), None, Some(40)]);
}

#[test]
fn a_stream_of_gemini_ends_with_its_result_and_a_warning_before_is_no_failure() {
    let reading = auto("gemini/stream.jsonl");
    assert_eq!((reading.agent, reading.is_error, reading.error), (Some(Agent::Gemini), Some(false), None));
    assert_eq!((reading.session_id.as_deref(), reading.model.as_deref()), (Some("abc123"), Some("gemini-2.5-flash")));
    assert_eq!(reading.result_text.as_deref(), Some("I look at it. It is mended."));
    assert_eq!(counts(&reading.usage.unwrap()[0]), [Some(50), Some(0), None, Some(200)]);
}

#[test]
fn an_error_of_gemini_is_told_by_its_code() {
    let reading = auto("gemini/error.json");
    assert_eq!(judge(&How::Exited(41), &reading), (false, Some(JobFailure::Login)));
    assert_eq!(reading.error.as_deref(), Some("Please set an Auth method"));
    let quota = text(r#"{"response":"","error":{"type":"ApiError","message":"slow down","code":429},"stats":{}}"#);
    assert_eq!((quota.failure, quota.error.as_deref()), (Some(JobFailure::Quota), Some("slow down")));
    let ended = text(r#"{"type":"result","status":"error","error":{"type":"x","message":"turn limit"},"stats":{}}"#);
    assert_eq!((ended.failure, ended.error.as_deref()), (Some(JobFailure::AgentError), Some("turn limit")));
}

#[test]
fn what_was_cut_is_unmeasured_and_never_another_agents() {
    for (name, why) in [
        ("codex/exec.jsonl", "the output tells no usage: no turn came to its end, or the output was cut"),
        ("gemini/stream.jsonl", "the output is no known agent's"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name);
        let whole = std::fs::read_to_string(path).unwrap();
        let cut: Vec<&str> = whole.lines().take(4).collect();
        assert_eq!(text(&cut.join("\n")).unmeasured.as_deref(), Some(why), "{name}");
    }
    let gemini = read_text(AgentKind::Is(Agent::Gemini), r#"{"type":"init","session_id":"x"}"#);
    assert!(gemini.unmeasured.unwrap().starts_with("the output holds no answer of Gemini CLI"));
    let codex = read_text(AgentKind::Is(Agent::Codex), r#"{"response":"x","stats":{}}"#);
    assert_eq!(
        (codex.agent, codex.unmeasured.as_deref()),
        (Some(Agent::Codex), Some("the output holds no event of Codex"))
    );
}

#[test]
fn agents_of_no_known_kind_are_read_where_they_tell_tokens_in_a_common_shape() {
    let all = [Some(5), Some(7), None, Some(9)];
    for (output, expected) in [
        (r#"{"usage":{"inputTokens":5,"outputTokens":9,"cacheReadTokens":7}}"#, all),
        (r#"{"stats":{"input_tokens":5,"output_tokens":9,"cache_read_input_tokens":7}}"#, all),
        (r#"{"metadata":{"promptTokens":"5","completionTokens":9,"cacheReadTokens":7}}"#, all),
        (r#"{"input_tokens":5,"output_tokens":9,"cache_read_tokens":7}"#, all),
        (
            "{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n{\"usage\":{\"inputTokens\":5,\"outputTokens\":9,\"cacheReadTokens\":7}}",
            all,
        ),
    ] {
        let reading = text(output);
        assert_eq!((reading.agent, reading.is_error), (None, None), "{output}");
        assert_eq!(counts(&reading.usage.unwrap_or_else(|| panic!("{output}"))[0]), expected, "{output}");
    }
    let priced = text(r#"{"model":"m-1","result":"done","usage":{"inputTokens":5,"outputTokens":9},"cost_usd":0.25}"#);
    let row = &priced.usage.unwrap()[0];
    assert_eq!(
        (row.model.as_deref(), row.cost_usd, priced.result_text.as_deref()),
        (Some("m-1"), Some(0.25), Some("done"))
    );
}

#[test]
fn what_tells_no_tokens_in_any_known_shape_is_unmeasured_and_not_zero() {
    for output in [
        "plain words",
        r#"{"usage":{"inputTokens":null,"outputTokens":-3}}"#,
        r#"{"usage":{"inputTokens":5}}"#,
        r#"{"usage":"lots"}"#,
        r#"{"metadata":[1,2]}"#,
    ] {
        let reading = text(output);
        assert!(reading.usage.is_none() && reading.unmeasured.is_some(), "{output}: {reading:?}");
    }
}
