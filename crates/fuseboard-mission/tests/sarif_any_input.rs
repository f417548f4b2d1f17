//! No input makes the reader of SARIF panic, and what it reads is bounded.

use fuseboard_mission::sarif::{Reader, Roots};
use proptest::prelude::*;

const SAMPLE: &str = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "lint", "rules": [{"id": "a",
    "properties": {"security-severity": "9.1"}}]}}, "originalUriBaseIds": {"%SRCROOT%": {"uri": "file:///repo/"}},
    "results": [{"ruleId": "a/b", "ruleIndex": 0, "level": "error", "locations": [{"physicalLocation":
    {"artifactLocation": {"uri": "a%20b/../c%2fd.py", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 3}}}]}]}]}"#;

fn holds(bytes: &[u8]) {
    let reader = Reader::new(Roots { top: "/repo".into(), folder: "sub".into() });
    let mut count = 0;
    let read = reader.read(bytes, |reported| {
        count += 1;
        assert!(reported.severity.is_none_or(|severity| (0.0..=10.0).contains(&severity)));
        for place in &reported.places {
            assert!(place.lines.as_ref().is_none_or(|lines| *lines.start() > 0 && lines.start() <= lines.end()));
            for file in place.files.iter().flatten() {
                assert!(
                    file.components().all(|part| matches!(part, std::path::Component::Normal(_))),
                    "{}",
                    file.display()
                );
            }
        }
    });
    if let Ok(summary) = read {
        assert_eq!(summary.results - summary.left_out, count);
    }
}

#[test]
fn the_sample_is_read() {
    let reader = Reader::new(Roots { top: "/repo".into(), folder: "".into() });
    assert_eq!(reader.read(SAMPLE.as_bytes(), |_| ()).unwrap().results, 1);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        holds(&bytes);
    }

    #[test]
    fn any_address_is_read(uri in ".{0,40}|(file:|/|\\.\\.|%2[fF]|%00|%|a|:|#){0,12}") {
        let uri = serde_json::Value::from(uri).to_string();
        holds(SAMPLE.replace(r#""a%20b/../c%2fd.py""#, &uri).as_bytes());
    }

    #[test]
    fn mutated_samples_are_read(
        cut in 0..SAMPLE.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..5),
    ) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        holds(&bytes);
        bytes.truncate(cut);
        holds(&bytes);
    }
}
