//! Every exit code of the program, in one place: `--help` shows this table and a test pins it.

use std::process::ExitCode as ProcessExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitCode {
    /// Done.
    Done,
    /// Something was found: `status --fail-if-open`, `validate`.
    Found,
    /// The call's words are wrong.
    Usage,
    /// The store cannot be used, and the command needs it.
    NoStore,
    /// A bug in Fuseboard.
    Bug,
    /// Skipped, or `allowed`: no.
    Skipped,
    /// A gate blocked or gave no verdict; an operator's act was refused inside a mission.
    Blocked,
    /// Bad or untrusted configuration.
    Config,
    /// The work's own timeout ran out.
    TimedOut,
    /// The work's own code, passed through; 128 + n for a signal.
    Child(u8),
}

/// The table shown by `--help`. Coding agents read a hook's exit code 2 as "block", so 2 is never ours.
pub(crate) const TABLE: &str = "\
Exit codes:
  0        done
  N        exec and mission pass the command's own code through; 128+N for a signal
  1        a required step failed; mission: the agent was judged failed; something was found
           (validate, status --fail-if-open)
  64       usage
  69       the store cannot be used and the command needs it
  70       a bug in Fuseboard
  75       skipped: circuit open or switched off; allowed: no
  77       a gate blocked or gave no verdict; an operator's act inside a mission
  78       bad or untrusted configuration
  124      exec's --timeout ran out; mission, after: the deadline ended or prevented a step
  126 127  the command is not executable, not found
  130 143  interrupted, terminated";

impl ExitCode {
    /// A command's own code.
    pub(crate) fn passed_on(code: i32) -> Self {
        match u8::try_from(code) {
            Ok(0) => Self::Done,
            Ok(code) => Self::Child(code),
            Err(_) => Self::Child(u8::MAX),
        }
    }

    /// The code of a process that ended by this signal.
    pub(crate) fn signal(signal: i32) -> Self {
        Self::Child(u8::try_from(128 + signal).unwrap_or(u8::MAX))
    }

    /// The number that the shell sees.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Found => 1,
            Self::Usage => 64,
            Self::NoStore => 69,
            Self::Bug => 70,
            Self::Skipped => 75,
            Self::Blocked => 77,
            Self::Config => 78,
            Self::TimedOut => 124,
            Self::Child(code) => code,
        }
    }
}

impl From<ExitCode> for ProcessExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_ours_stands_in_the_table_and_none_is_2() {
        let ours = [
            (ExitCode::Done, 0),
            (ExitCode::Found, 1),
            (ExitCode::Usage, 64),
            (ExitCode::NoStore, 69),
            (ExitCode::Bug, 70),
            (ExitCode::Skipped, 75),
            (ExitCode::Blocked, 77),
            (ExitCode::Config, 78),
            (ExitCode::TimedOut, 124),
            (ExitCode::signal(2), 130),
            (ExitCode::signal(15), 143),
        ];
        for (code, number) in ours {
            assert_eq!(code.number(), number);
            let listed = TABLE.lines().any(|line| line.split_whitespace().any(|word| word == number.to_string()));
            assert!(listed, "{number} is missing in --help");
        }
    }
}
