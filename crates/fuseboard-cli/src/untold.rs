//! What happens outside of a pipeline and is left for the next `notify` to tell, if one is configured.

use fuseboard::record::{Record, State};
use fuseboard::{CircuitName, Outcome};
use fuseboard_mission::steps::notify::spool::{SinkKey, Spool};
use fuseboard_mission::steps::notify::{Message, Notice, Severity};
use fuseboard_pipeline::day::Day;
use uuid::Uuid;

use crate::home;
use crate::prepared::now;
use crate::settings::Settings;

/// Whether a counted report opened its circuit; one that was open before is known already.
pub(crate) fn is_news(outcome: &Outcome, record: &Record) -> bool {
    matches!(outcome, Outcome::Failure(_))
        && matches!(&record.state, State::Open { outage, .. } if outage.trips == 1 && outage.skips == 0)
}

/// Keeps the notice that a circuit opened.
pub(crate) fn opened(settings: &Settings, circuit: &CircuitName, error: Option<&str>) {
    let last = error.map(|error| format!("Last error: {error}\n")).unwrap_or_default();
    let notice = Notice {
        severity: Severity::Warning,
        subject: format!("{circuit} is out: its circuit opened"),
        text: format!("{last}fuseboard explain {circuit}"),
    };
    keep(settings, &notice, &Uuid::now_v7().to_string(), circuit.project().unwrap_or("-"));
}

/// Keeps the notice that a project's missions do not start any more today, once a day.
pub(crate) fn spent(settings: &Settings, project: &str, why: &str) {
    let notice = Notice {
        severity: Severity::Action,
        subject: format!("{project} has spent the money of the day"),
        text: format!("{why}\nfuseboard usage --by project --days 1"),
    };
    keep(settings, &notice, &format!("money-{}-{project}", Day::of(now())), project);
}

fn keep(settings: &Settings, notice: &Notice, run: &str, project: &str) {
    if !settings.has_notify() {
        return;
    }
    let message = Message::new(notice, now(), run, project, settings.redactor());
    if let Err(error) = Spool::in_state_folder(&home::state_folder()).keep(&SinkKey::Any, &[message], 0) {
        settings.console.error(format_args!("nobody will be notified of this: {error}"));
    }
}
