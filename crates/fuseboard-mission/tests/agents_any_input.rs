//! No input makes the readers panic, and a damaged output is never read as more than was in it.

mod recorder_support;

use fuseboard_mission::agents::{Agent, AgentKind, read_text};
use proptest::prelude::*;
use recorder_support::sample;

const SAMPLES: [&str; 11] = [
    "object.json",
    "verbose_array.json",
    "stream.jsonl",
    "is_error_exit_0.json",
    "rate_limited.jsonl",
    "truncated.jsonl",
    "../codex/exec.jsonl",
    "../codex/session_log.jsonl",
    "../gemini/object.json",
    "../gemini/stream.jsonl",
    "../gemini/error.json",
];

const KINDS: [AgentKind; 5] = [
    AgentKind::Auto,
    AgentKind::Is(Agent::Claude),
    AgentKind::Is(Agent::Codex),
    AgentKind::Is(Agent::Gemini),
    AgentKind::None,
];

fn holds(bytes: &[u8]) {
    for kind in KINDS {
        let reading = read_text(kind, &String::from_utf8_lossy(bytes));
        assert_eq!(reading.usage.is_none(), reading.unmeasured.is_some(), "unmeasured has a reason");
        assert!(reading.usage.iter().flatten().all(|row| row.cost_usd.is_none_or(|cost| cost >= 0.0)));
        assert!(reading.failure.is_none() || reading.is_error == Some(true));
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        holds(&bytes);
    }

    #[test]
    fn text_made_of_json_is_read(text in "([\\[\\]{}:,\"\\\\ \n]|type|result|usage|subtype|null|-1e9){0,200}") {
        holds(text.as_bytes());
    }

    #[test]
    fn mutated_samples_are_read(
        which in 0..SAMPLES.len(),
        cut in 0.0..1.0_f64,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
    ) {
        let mut bytes = std::fs::read(sample(SAMPLES[which])).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a small file")]
        bytes.truncate((bytes.len() as f64 * cut) as usize + 1);
        holds(&bytes);
    }
}
