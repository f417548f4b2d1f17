//! What agents print is read into one form, whatever it is.

mod recorder_support;

use std::io::{Seek as _, SeekFrom, Write as _};

use fuseboard_mission::agents::{Agent, AgentKind, MOST_READ, Reading, judge, read, read_text};
use fuseboard_pipeline::job::JobFailure;
use fuseboard_pipeline::process::How;
use recorder_support::sample;

fn auto(name: &str) -> Reading {
    read(AgentKind::Auto, &sample(name))
}

fn unmeasured(text: &str) -> String {
    let reading = read_text(AgentKind::Auto, text);
    assert_eq!(reading.usage, None);
    reading.unmeasured.unwrap()
}

#[test]
fn one_object_tells_every_model_with_its_own_price() {
    let reading = auto("object.json");
    assert_eq!((reading.agent, reading.is_error, reading.failure), (Some(Agent::Claude), Some(false), None));
    assert_eq!(reading.session_id.as_deref(), Some("7c9d1f0a-3b52-4f0e-9a55-0d3f5a3c1e11"));
    assert_eq!((reading.num_turns, reading.duration_ms), (Some(23), Some(184_267)));
    assert!(reading.result_text.unwrap().ends_with("/pull/42"));
    let usage = reading.usage.unwrap();
    let sonnet = usage.iter().find(|row| row.model.as_deref() == Some("claude-sonnet-4-5-20250929")).unwrap();
    assert_eq!((sonnet.input_uncached, sonnet.output), (Some(112), Some(9120)));
    assert_eq!(
        (sonnet.cache_read, sonnet.cache_write, sonnet.cost_usd),
        (Some(912_334), Some(48_211), Some(0.830_124_5))
    );
    assert_eq!(usage.len(), 2);
}

#[test]
fn an_array_of_events_is_read_and_what_tools_print_is_no_result() {
    let reading = auto("verbose_array.json");
    assert_eq!(reading.session_id.as_deref(), Some("b1f0c2d3-0000-4a4a-9b9b-1234567890ab"));
    assert_eq!(reading.version.as_deref(), Some("2.0.76"));
    assert_eq!(reading.result_text.as_deref(), Some("Nothing to do."));
    let usage = reading.usage.unwrap();
    assert_eq!(usage.len(), 1, "without `modelUsage` the main loop's usage counts");
    assert_eq!(usage[0].model.as_deref(), Some("claude-sonnet-4-5-20250929"));
    assert_eq!((usage[0].input_uncached, usage[0].cost_usd), (Some(2), Some(0.050_406)));
}

#[test]
fn of_json_lines_the_last_result_counts_and_results_are_not_added_up() {
    let reading = auto("stream.jsonl");
    assert_eq!(reading.result_text.as_deref(), Some("All tests pass."));
    assert_eq!(reading.denied, ["WebFetch"]);
    assert_eq!(reading.limit_resets_at, None, "a warning is no limit");
    let row = &reading.usage.unwrap()[0];
    assert_eq!((row.input_uncached, row.output), (Some(12), Some(93)), "a number may be written as a text");
    assert_eq!((row.cache_read, row.cache_write), (None, Some(2000)), "null is unmeasured");
    assert_eq!(row.cost_usd, Some(0.03));
}

#[test]
fn an_agent_that_says_it_failed_has_failed_whatever_its_exit_code() {
    for (name, failure) in [
        ("is_error_exit_0.json", JobFailure::Login),
        ("max_turns.json", JobFailure::AgentError),
        ("rate_limited.jsonl", JobFailure::Quota),
    ] {
        assert_eq!(judge(&How::Exited(0), &auto(name)), (false, Some(failure)), "{name}");
        assert_eq!(judge(&How::Exited(1), &auto(name)), (false, Some(failure)), "{name}");
    }
    assert_eq!(auto("max_turns.json").error.as_deref(), Some("Reached maximum number of turns (30)"));
    assert_eq!(auto("rate_limited.jsonl").limit_resets_at.unwrap().to_string(), "2026-12-23T04:26:40.000Z");
}

#[test]
fn a_status_of_the_service_beats_the_word_success() {
    let result = |status: &str, subtype: &str| {
        let text = format!(r#"{{"type":"result","subtype":{subtype},"is_error":false,"api_error_status":{status}}}"#);
        judge(&How::Exited(0), &read_text(AgentKind::Auto, &text)).1
    };
    assert_eq!(result("null", r#""success""#), None);
    assert_eq!(result("200", r#""success""#), None);
    assert_eq!(result("529", r#""success""#), Some(JobFailure::AgentError));
    assert_eq!(result(r#""429""#, r#""success""#), Some(JobFailure::Quota));
    assert_eq!(result("null", r#""error_during_execution""#), Some(JobFailure::AgentError));
}

#[test]
fn an_agents_word_never_turns_a_failed_exit_into_success() {
    let good = auto("object.json");
    assert_eq!(judge(&How::Exited(0), &good), (true, None));
    assert_eq!(judge(&How::Exited(1), &good), (false, Some(JobFailure::Exit)));
    assert_eq!(judge(&How::Signalled(9), &good), (false, Some(JobFailure::Signal)));
    assert_eq!(judge(&How::TimedOut, &good), (false, Some(JobFailure::Timeout)));
    assert_eq!(judge(&How::Interrupted(2), &good), (false, Some(JobFailure::Interrupted)));
    assert_eq!(judge(&How::Exited(0), &auto("truncated.jsonl")), (true, None), "it said nothing");
}

#[test]
fn a_cut_output_is_unmeasured_and_nothing_inside_its_last_line_is_taken_for_a_result() {
    let reading = auto("truncated.jsonl");
    assert_eq!((reading.usage, reading.is_error), (None, None));
    assert!(reading.unmeasured.unwrap().starts_with("the output ends before the result"));
    assert_eq!(reading.session_id.as_deref(), Some("e2a1"), "what came before is known");
}

#[test]
fn text_around_the_json_and_objects_over_several_lines_are_no_hindrance() {
    let object = std::fs::read_to_string(sample("object.json")).unwrap();
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&object).unwrap()).unwrap();
    for text in [
        format!("Warning: {{odd}} [text]\n\u{1b}[?25l{object}done {{\n"),
        format!("one\n{pretty}\ntwo"),
        format!("[\n{pretty}\n]"),
        format!("{}{}", object.trim(), object.trim()),
        format!("\u{feff}{object}"),
    ] {
        assert_eq!(read_text(AgentKind::Auto, &text).usage.map(|usage| usage.len()), Some(2), "{text}");
    }
}

#[test]
fn what_is_no_result_is_unmeasured_with_the_reason() {
    assert_eq!(unmeasured(" \n"), "the output is empty");
    assert_eq!(unmeasured("All done.\n"), "the output holds no JSON, and plain text tells no usage");
    assert_eq!(unmeasured(r#"{"type":"other"}"#), "the output is no known agent's");
    assert_eq!(unmeasured(r#"{"type":"result","subtype":"success"}"#), "the result tells no usage");
    assert_eq!(
        unmeasured(r#"{"type":"result","subtype":"success","usage":{"input_tokens":-1,"output_tokens":1e99}}"#),
        "the usage in the result holds no counts"
    );
    assert_eq!(
        unmeasured(r#"{"type":"thread.started","thread_id":"x"}"#),
        "the output tells no usage: no turn came to its end, or the output was cut"
    );
    assert_eq!(unmeasured(r#"{"response":"x","stats":{}}"#), "the statistics name no model");
    assert_eq!(unmeasured(r#"{"response":"x","stats":{"models":{"a":{}}}}"#), "the statistics hold no counts");
    let missing = read(AgentKind::Is(Agent::Claude), "/nonexistent/out".as_ref());
    assert!(missing.unmeasured.unwrap().starts_with("/nonexistent/out cannot be read"));
}

#[test]
fn half_a_surrogate_pair_and_bytes_that_are_no_text_spoil_nothing() {
    let text = r#"{"type":"result","subtype":"success","result":"cut \ud83d","usage":{"input_tokens":1}}"#;
    let reading = read_text(AgentKind::Auto, text);
    assert!(reading.result_text.unwrap().starts_with("cut "));
    assert!(reading.usage.is_some());
    let mut bytes = b"\xff\xfe warning\n".to_vec();
    bytes.extend(std::fs::read(sample("object.json")).unwrap());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    assert!(read(AgentKind::Auto, file.path()).usage.is_some());
}

#[test]
fn of_a_huge_output_the_end_is_read() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(MOST_READ + 1_000_000).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(b"\n").unwrap();
    file.write_all(&std::fs::read(sample("object.json")).unwrap()).unwrap();
    assert_eq!(read(AgentKind::Auto, file.path()).num_turns, Some(23));
}

#[test]
fn deep_and_endless_nesting_ends() {
    for text in ["{\"a\":".repeat(200_000), "[\n".repeat(200_000), "{\"a\":\n".repeat(20_000), "{".repeat(500_000)] {
        assert_eq!(read_text(AgentKind::Auto, &text).usage, None);
    }
    let nested =
        format!(r#"{{"type":"result","subtype":"success","usage":{}1{}}}"#, "[".repeat(9000), "]".repeat(9000));
    assert_eq!(unmeasured(&nested), "the result tells no usage");
}

#[test]
fn an_agents_name_is_one_of_five_words() {
    assert_eq!("claude".parse(), Ok(AgentKind::Is(Agent::Claude)));
    assert_eq!("auto".parse(), Ok(AgentKind::Auto));
    assert!("clod".parse::<AgentKind>().unwrap_err().to_string().contains("write auto, claude"));
}
