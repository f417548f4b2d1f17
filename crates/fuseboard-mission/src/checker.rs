//! A command that judges, a test program or a linter: how it is given, and what its end says.
//!
//! | it ends | that is |
//! |---|---|
//! | with 0 | a yes |
//! | with one of its codes for no | a no |
//! | in any other way: another code, a signal, not started, cut | no verdict |

use std::time::Duration;

use fuseboard_pipeline::config::{Help, Spanned, TableReader};
use fuseboard_pipeline::duration;
use fuseboard_pipeline::exit_codes::ExitCodes;
use fuseboard_pipeline::process::{Ended, How};
use fuseboard_pipeline::step::StepError;

mod said;

pub(crate) use said::Said;

/// The option `command`: a list of words, of which the first names a program.
pub(crate) fn command(options: &mut TableReader<'_>, example: &str) -> Option<Spanned<Vec<Spanned<String>>>> {
    let command = options.arguments("command");
    if let Some(words) = &command
        && words.first().is_none_or(|program| program.trim().is_empty())
    {
        options.refuse(words, "`command` names no program", Help::advice(format!("write {example}")));
    }
    command
}

/// The option `fail_codes`: the codes for no. `zero` says what the code 0 means.
pub(crate) fn fail_codes(options: &mut TableReader<'_>, zero: &str) -> Option<ExitCodes> {
    let codes = options.exit_codes("fail_codes")?;
    if codes.contains(0) {
        options.refuse(&codes, format!("`fail_codes` has 0, which means that {zero}"), None);
    }
    Some(codes.into_inner())
}

/// What a command said by its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    Yes,
    /// By this code.
    No(i32),
}

impl Ruling {
    /// `None` if that is [no verdict](no_verdict).
    pub(crate) fn of(ended: &Ended, said: &Said, fail_codes: &ExitCodes) -> Option<Self> {
        match ended.how {
            How::Exited(0) => Some(Self::Yes),
            How::Exited(code) if fail_codes.contains(code) && !said.program_is_missing() => Some(Self::No(code)),
            _ => None,
        }
    }
}

/// Why a command's end is no verdict. `late` is added if it was not given the time that it needs.
pub(crate) fn no_verdict(shown: &str, ended: &Ended, said: &Said, late: impl FnOnce() -> String) -> StepError {
    let how = &ended.how;
    let message = match said.summary() {
        Some(summary) if matches!(how, How::Exited(_)) => format!("{shown} {how}, which is no verdict: {summary}"),
        _ if matches!(how, How::Exited(_)) => format!("{shown} {how}, which is no verdict"),
        _ => format!("{shown} {how}"),
    };
    let is_late = matches!(how, How::TimedOut | How::Cut);
    let message = if is_late { format!("{message} after {}{}", whole(ended.duration), late()) } else { message };
    StepError::of_end(how, message)
}

/// For people: whole seconds from one second on.
pub(crate) fn whole(duration: Duration) -> String {
    let millis = millis(duration);
    duration::format(if millis < 1000 {
        Duration::from_millis(millis)
    } else {
        Duration::from_secs(duration.as_secs())
    })
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
