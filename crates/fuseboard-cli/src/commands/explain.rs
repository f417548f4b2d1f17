//! `explain`: in sentences, why a circuit is in its state, what happens next, what to type.

use std::time::SystemTime;

use fuseboard::clock::{Clock, Human, SystemClock};
use fuseboard::record::Position;
use fuseboard::{Policy, Shown, TripRule, View};
use fuseboard_pipeline::process::plain_text;
use serde_json::json;

use crate::Failed;
use crate::args::Format;
use crate::exit_code::ExitCode;
use crate::settings::Settings;
use crate::show;

pub(crate) fn explain(settings: &Settings, name: &str) -> Result<ExitCode, Failed> {
    let name = settings.known(name)?;
    let view = settings.view(&name)?;
    let sentences = sentences(&view, &settings.policy(&name), SystemClock.wall());
    match settings.format {
        Format::Json => {
            let circuit = show::circuit_json(&view, &settings.policy(&name));
            let answer = json!({"schema": "fuseboard.explain/1", "circuit": circuit, "sentences": sentences});
            settings.console.data(&show::json_line(&answer));
        }
        Format::Text => settings.console.data(&sentences.join("\n")),
    }
    Ok(ExitCode::Done)
}

/// Why, what next, what to type; one sentence a line, plain text.
fn sentences(view: &View, policy: &Policy, now: SystemTime) -> Vec<String> {
    let name = &view.name;
    let mut lines = Vec::new();
    if let Some(switch) = &view.switch {
        let does = match switch.position {
            Position::Off => "never runs",
            Position::On => "always runs, whatever happens (but passes no gate by that)",
        };
        let until = switch.until.map_or_else(
            || "until somebody switches it back".to_owned(),
            |until| format!("until {} ({})", show::rfc3339(until), show::relative(until, now)),
        );
        lines.push(format!(
            "{name} {does}: {} switched it {} {until}, because: {}.",
            switch.by,
            switch.position.as_str(),
            switch.reason
        ));
        lines.push(format!(
            "Below is what the circuit would do by itself. To give the decision back: fuseboard switch {name} auto"
        ));
    }
    let error = view
        .last_failure
        .as_ref()
        .map(|(kind, text, at)| format!("Last error ({kind}, {}): {text}", show::relative(*at, now)));
    let opened = view.since.map(|since| {
        let failures = match &view.sample {
            Some(sample) => sample.to_string(),
            None => counted(view.failures, "failure") + if view.failures == 1 { "" } else { " in a row" },
        };
        format!(
            "{name} has been open since {} ({}), after {failures}.",
            show::rfc3339(since),
            show::relative(since, now)
        )
    });
    match view.state {
        Shown::Closed => {
            let (runs, is_failing) = closed(view, policy);
            lines.push(format!("{name} is closed: its work runs{runs}"));
            lines.extend(error.filter(|_| is_failing));
        }
        Shown::Open => {
            lines.extend(opened);
            lines.extend(error);
            if view.trips > 1 {
                let probes = counted(view.trips - 1, "probe");
                lines.push(format!("{probes} since then failed too, so the waiting time grows."));
            }
            if view.skips > 0 {
                let (calls, were) = (counted(view.skips, "call"), if view.skips == 1 { "was" } else { "were" });
                lines.push(format!("{calls} {were} skipped; each would have cost what the failure did."));
            }
            lines.push(match view.probe_at {
                _ if view.probe_due => "A probe is due: the next call runs. If it succeeds the circuit closes, else it waits again.".to_owned(),
                Some(at) => format!(
                    "Next: the first call {} ({}) is a probe. If it succeeds the circuit closes, else it waits longer, at most {}.",
                    show::relative(at, now),
                    show::rfc3339(at),
                    Human(policy.cool_down_max())
                ),
                None => "No probe will be made by itself: its cool-down is \"never\".".to_owned(),
            });
            lines.push(format!("To try it with the next call: fuseboard probe {name}"));
            lines.push(format!("If it is mended and should start afresh: fuseboard reset {name}"));
        }
        Shown::HalfOpen => {
            lines.extend(opened);
            lines.extend(error);
            lines.push(if view.probe_due {
                "Its last probe succeeded; one more is needed, and the next call will be it.".to_owned()
            } else {
                "A probe is out right now; other calls are skipped until it reports, or its lease runs out.".to_owned()
            });
        }
    }
    lines.push(format!("Its history: fuseboard history {name}"));
    lines.iter().map(|line| plain_text(line)).collect()
}

/// How the work of a closed circuit goes and what would open it, as the end of a sentence; and whether it fails.
fn closed(view: &View, policy: &Policy) -> (String, bool) {
    match (policy.trip(), view.failures, view.sample) {
        (TripRule::TripAfter(most), 0, _) => {
            (format!(". It would open after {} in a row.", counted(most, "failure")), false)
        }
        (TripRule::TripAfter(most), failures, _) => {
            let last = if failures == 1 { "last time".to_owned() } else { format!("last {failures} times") };
            let left = most.saturating_sub(failures).max(1);
            (format!(", but failed the {last}. {left} more and it opens."), true)
        }
        (TripRule::Rate(rate), _, Some(sample)) if sample.failures > 0 => {
            (format!(", but {sample}. It opens when {rate} fail."), true)
        }
        (TripRule::Rate(rate), ..) => (format!(". It would open when {rate} fail."), false),
    }
}

/// So many of them, as one says it.
fn counted(count: impl Into<u64>, noun: &str) -> String {
    match count.into() {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fuseboard::clock::FakeClock;
    use fuseboard::{Board, Failure, FailureKind, Outcome};

    use super::*;

    fn explained(act: impl Fn(&Board, &FakeClock)) -> String {
        explained_by(Policy::default(), act)
    }

    fn explained_by(policy: Policy, act: impl Fn(&Board, &FakeClock)) -> String {
        let clock = FakeClock::new();
        let policy = policy.to_builder().jitter(0.0).build().unwrap();
        let board = Board::builder().clock(clock.clone()).policy(policy).build();
        act(&board, &clock);
        let view = board.view(&"notify".parse().unwrap()).unwrap().unwrap();
        sentences(&view, &policy, fuseboard::clock::Clock::wall(&clock)).join("\n")
    }

    fn fail(board: &Board) {
        let failure = Failure::new(FailureKind::Exit, "exited with code 7: connection \u{1b}[31mrefused");
        board.circuit("notify").unwrap().record(&Outcome::Failure(failure)).unwrap();
    }

    #[test]
    fn an_open_circuit_says_why_what_next_and_what_to_type() {
        let text = explained(|board, clock| {
            fail(board);
            fail(board);
            clock.advance(Duration::from_secs(60));
        });
        for part in
            ["after 2 failures in a row", "connection", "in 4m", "fuseboard probe notify", "fuseboard reset notify"]
        {
            assert!(text.contains(part), "{part:?} is missing in:\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "raw escape in {text:?}");
    }

    #[test]
    fn a_failing_closed_circuit_says_how_many_failures_are_left() {
        let text = explained(|board, _| fail(board));
        assert!(text.contains("1 more and it opens"), "{text}");
    }

    #[test]
    fn under_a_rate_it_says_of_how_many_calls_how_many_failed() {
        let rate = Policy::for_requests();
        let work = |board: &Board| assert!(board.circuit("notify").unwrap().record(&Outcome::Success).is_ok());
        let healthy = explained_by(rate, |board, _| work(board));
        assert!(
            healthy.starts_with(
                "notify is closed: its work runs. It would open when 50% of at least 20 calls within 10s fail.\n"
            ),
            "{healthy}"
        );
        let failing = explained_by(rate, |board, _| {
            work(board);
            fail(board);
        });
        assert!(
            failing.contains("its work runs, but 1 of 2 calls failed within 10s. It opens when 50% of"),
            "{failing}"
        );
        assert!(failing.contains("Last error (exit"), "{failing}");
        let open = explained_by(rate, |board, _| (0..20).for_each(|_| fail(board)));
        assert!(open.contains(", after 20 of 20 calls failed within 10s.\n"), "{open}");
    }

    #[test]
    fn a_switch_stands_first_with_who_and_why() {
        let text = explained(|board, _| {
            board.operator("op").switch(&"notify".parse().unwrap(), Position::Off, "moving", None).unwrap();
        });
        assert!(text.starts_with("notify never runs: op switched it off until"), "{text}");
    }
}
