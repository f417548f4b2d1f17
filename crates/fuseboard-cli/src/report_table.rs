//! The steps of a run as people see them: a line each, with the symbols of the contract's table. What failed or
//! blocks is never green.

use std::time::Duration;

use fuseboard::clock::Human;
use fuseboard_pipeline::report::{Kind, Reason, Status, StepRow, VerdictWord};

use crate::console::{BAD, FAINT, GOOD, MIDDLING, Style, styled};
use crate::show::symbol;
use crate::table::Table;

/// The symbols, in the order in which a summary counts them.
const SYMBOLS: [&str; 8] = ["✓", "✋", "✗", "⏱", "!", "–", "·", "…"];

/// The table of a run's steps, with styles.
pub(crate) fn lines(steps: &[StepRow]) -> String {
    if steps.is_empty() {
        return styled(FAINT, "no steps");
    }
    let mut table = Table::new(["", "STEP", "KIND", "STATUS", "TOOK", "WHY"]);
    for row in steps {
        let cells = [
            symbol(row).to_owned(),
            row.name.clone(),
            kind(row.kind).to_owned(),
            status(row),
            row.duration_ms.map_or("-".to_owned(), |millis| Human(Duration::from_millis(millis)).to_string()),
            // A line is a step, so none may be broken.
            why(row).replace(['\n', '\r'], " "),
        ];
        table.row(style(row), cells);
    }
    table.shown()
}

/// How many steps came to what: `✓3 ✗1 –2`.
pub(crate) fn summary(steps: &[StepRow]) -> String {
    let counts = SYMBOLS.iter().map(|shown| (shown, steps.iter().filter(|row| symbol(row) == *shown).count()));
    let counts: Vec<String> =
        counts.filter(|(_, count)| *count > 0).map(|(shown, count)| format!("{shown}{count}")).collect();
    if counts.is_empty() { "-".to_owned() } else { counts.join(" ") }
}

fn style(row: &StepRow) -> Style {
    match row.status {
        Status::Success if row.verdict == Some(VerdictWord::Block) => BAD,
        Status::Success => GOOD,
        Status::Failed | Status::TimedOut | Status::Interrupted => BAD,
        Status::Running => MIDDLING,
        Status::Skipped | Status::NotApplicable => match row.reason {
            Some(Reason::Disabled | Reason::NotSelected | Reason::JobFailed | Reason::JobSucceeded) | None => FAINT,
            Some(
                Reason::Untrusted
                | Reason::Paused
                | Reason::GateBlocked
                | Reason::SwitchedOff
                | Reason::CircuitOpen
                | Reason::Deadline
                | Reason::Refused,
            ) => MIDDLING,
        },
    }
}

/// The word for a kind of step.
pub(crate) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Recorder => "recorder",
        Kind::Gate => "gate",
        Kind::Action => "action",
    }
}

/// A gate that answered is known by its verdict, everything else by its status and the reason of it.
fn status(row: &StepRow) -> String {
    match (row.status, row.verdict, row.reason) {
        (Status::Success, Some(verdict), _) => verdict.to_string(),
        (status, _, Some(reason)) => format!("{status}: {reason}"),
        (status, ..) => status.to_string(),
    }
}

/// The reasons, each said once; without one, what the step tells of its work.
pub(crate) fn why(row: &StepRow) -> String {
    let labelled = |label: &str, text: Option<String>| text.map(|text| (label.to_owned(), text));
    let blocked_by = row.blocked_by.iter().flatten().map(|by| (String::new(), format!("{}: {}", by.gate, by.why)));
    let texts = labelled("", row.why.clone().or_else(|| row.detail.clone()))
        .into_iter()
        .chain(blocked_by)
        .chain(labelled("last error: ", row.last_error.clone()))
        .chain(labelled("next probe at ", row.probe_at.map(|at| at.to_string())));
    let mut parts: Vec<String> = Vec::new();
    for (label, text) in texts {
        if !text.is_empty() && !parts.iter().any(|said| said.contains(&text)) {
            parts.push(label + &text);
        }
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use fuseboard_pipeline::report::BlockedBy;

    use super::*;

    fn row(status: Status) -> StepRow {
        StepRow::new("step", Kind::Gate, status)
    }

    fn judged(verdict: VerdictWord) -> StepRow {
        StepRow { verdict: Some(verdict), ..row(Status::Success) }
    }

    fn plain(text: &str) -> String {
        text.lines().map(fuseboard_pipeline::process::plain_text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_status_has_the_symbol_of_the_contract() {
        let expected = [
            (row(Status::Success), "✓"),
            (judged(VerdictWord::Pass), "✓"),
            (judged(VerdictWord::Block), "✋"),
            (row(Status::Failed), "✗"),
            (row(Status::TimedOut), "⏱"),
            (row(Status::Interrupted), "!"),
            (row(Status::NotApplicable), "·"),
            (row(Status::Skipped), "–"),
            (row(Status::Running), "…"),
        ];
        for (row, expected) in expected {
            assert_eq!(symbol(&row), expected, "{row:?}");
        }
    }

    #[test]
    fn green_is_what_was_done_and_nothing_else() {
        let statuses = [
            Status::Failed,
            Status::TimedOut,
            Status::Skipped,
            Status::NotApplicable,
            Status::Interrupted,
            Status::Running,
        ];
        for row in statuses.map(row).into_iter().chain([judged(VerdictWord::Block)]) {
            assert_ne!(style(&row), GOOD, "{row:?}");
        }
        assert_eq!((style(&row(Status::Success)), style(&judged(VerdictWord::Pass))), (GOOD, GOOD));
    }

    #[test]
    fn a_summary_counts_what_there_is() {
        let steps = [row(Status::Skipped), row(Status::Success), judged(VerdictWord::Block), row(Status::Success)];
        assert_eq!(summary(&steps), "✓2 ✋1 –1");
        assert_eq!(summary(&[]), "-");
    }

    #[test]
    fn a_line_says_why_and_says_it_once() {
        let tests = StepRow {
            why: Some("no verdict: timed out after 2m".to_owned()),
            detail: Some("timed out after 2m".to_owned()),
            duration_ms: Some(120_000),
            ..row(Status::TimedOut)
        };
        let blocked_by = BlockedBy { gate: "tests".to_owned(), why: "3 failed".to_owned(), evaluated: true };
        let merge = StepRow {
            reason: Some(Reason::GateBlocked),
            blocked_by: Some(vec![blocked_by]),
            ..StepRow::new("merge", Kind::Action, Status::Skipped)
        };
        let stats = StepRow {
            detail: Some("exited with code 5: no share".to_owned()),
            last_error: Some("exited with code 5: no share".to_owned()),
            ..StepRow::new("stats", Kind::Recorder, Status::Failed)
        };
        let skipped = StepRow {
            reason: Some(Reason::CircuitOpen),
            last_error: stats.last_error.clone(),
            ..StepRow::new("stats", Kind::Recorder, Status::Skipped)
        };
        let text = plain(&lines(&[tests, merge, stats, skipped]));
        let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[1].join(" "), "⏱ step gate timed-out 2m no verdict: timed out after 2m", "{text}");
        assert_eq!(words[2].join(" "), "– merge action skipped: gate-blocked - tests: 3 failed", "{text}");
        assert_eq!(words[3].join(" "), "✗ stats recorder failed - exited with code 5: no share", "{text}");
        let expected = "– stats recorder skipped: circuit-open - last error: exited with code 5: no share";
        assert_eq!(words[4].join(" "), expected, "{text}");
    }

    #[test]
    fn text_from_outside_neither_breaks_a_line_nor_acts_on_a_terminal() {
        let detail = Some("one\ntwo\u{1b}]0;evil\u{7}\u{202e}".to_owned());
        let text = lines(&[StepRow { detail, ..row(Status::Failed) }]);
        assert_eq!(text.lines().count(), 2, "{text:?}");
        assert!(text.contains("one two") && !text.contains("evil") && !text.contains('\u{202e}'), "{text:?}");
    }
}
