//! The report of a run (`fuseboard.run/1`): what ran, failed, timed out or was skipped. Nothing that failed is
//! ever shown green.

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use crate::config::StepKind as Kind;
use crate::job::Job;
use crate::stamp::Stamp;

/// A run of the pipeline, with one row for each declared step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Always `fuseboard.run/1`.
    pub schema: String,
    /// The run's id.
    pub id: String,
    /// The job that it followed.
    pub job: Job,
    /// When the pipeline started.
    pub started_at: Stamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// How long it might have taken, in milliseconds.
    pub deadline_ms: u64,
    /// The run in one word.
    pub result: RunResult,
    /// The code that the program ends with.
    pub exit_code: u8,
    /// The steps, in the order of the configuration.
    pub steps: Vec<StepRow>,
    /// What became of circuits.
    pub circuits: CircuitChanges,
    /// How many notices this run had to give.
    pub notices: u32,
}

/// Which circuits of this run opened, closed, or are still open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitChanges {
    /// Opened in this run.
    pub opened: Vec<String>,
    /// Closed in this run.
    pub closed: Vec<String>,
    /// Open at its end.
    pub open: Vec<String>,
}

/// One step of a run. What does not apply is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// The step's name.
    pub name: String,
    /// What kind of step it is.
    pub kind: Kind,
    /// The circuit that it stands behind.
    pub circuit: Option<String>,
    /// What became of it.
    pub status: Status,
    /// Why it was skipped or cut.
    pub reason: Option<Reason>,
    /// How it failed.
    pub failure: Option<String>,
    /// How long it took; null if it did not start.
    pub duration_ms: Option<u64>,
    /// What it has to say.
    pub detail: Option<String>,
    /// Its result as data.
    pub output: Option<Value>,
    /// Of a gate: whether it gave a verdict itself.
    pub evaluated: Option<bool>,
    /// Of a gate: its verdict; without one it blocks.
    pub verdict: Option<VerdictWord>,
    /// Of a gate: why.
    pub why: Option<String>,
    /// Of a gate: the commit that its verdict is bound to.
    pub commit: Option<String>,
    /// Of a step behind gates: those that did not pass.
    pub blocked_by: Option<Vec<BlockedBy>>,
    /// When a probe of its circuit is due.
    pub probe_at: Option<Stamp>,
    /// The last error of its circuit.
    pub last_error: Option<String>,
}

impl StepRow {
    /// How an action that nothing held back did not come about all the same; nothing of other steps and fates. That a
    /// circuit is open is told elsewhere.
    pub fn not_done(&self) -> Option<&'static str> {
        let how = match (self.status, self.reason) {
            (Status::Failed | Status::TimedOut, _) => "failed",
            (Status::Skipped, Some(Reason::Refused)) => "refused",
            (Status::Skipped, Some(Reason::Untrusted | Reason::Deadline)) => "was not tried",
            _ => return None,
        };
        (self.kind == Kind::Action).then_some(how)
    }

    /// A row that says nothing yet but who it is about.
    pub fn new(name: &str, kind: Kind, status: Status) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            circuit: None,
            status,
            reason: None,
            failure: None,
            duration_ms: None,
            detail: None,
            output: None,
            evaluated: None,
            verdict: None,
            why: None,
            commit: None,
            blocked_by: None,
            probe_at: None,
            last_error: None,
        }
    }
}

/// A gate that holds back an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockedBy {
    /// The gate.
    pub gate: String,
    /// Why.
    pub why: String,
    /// Whether it said so itself.
    pub evaluated: bool,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// The word used in JSON and tables.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// What became of a step.
    Status {
        /// Done; of a gate: it answered, whatever it said.
        Success = "success",
        /// Not done.
        Failed = "failed",
        /// Its own timeout, or the deadline, ended it.
        TimedOut = "timed-out",
        /// It did not start.
        Skipped = "skipped",
        /// There was nothing to do for it here.
        NotApplicable = "not-applicable",
        /// A signal cut it, or Fuseboard was killed.
        Interrupted = "interrupted",
        /// It is at it. Never in a report, only in the ledger of a run under way.
        Running = "running",
    }
}

words! {
    /// Why a step was skipped or cut; in this order the first that applies.
    Reason {
        /// `enabled = false`.
        Disabled = "disabled",
        /// Left out by `--only` or `--skip`.
        NotSelected = "not-selected",
        /// A file that it runs is not what it was when the mission began.
        Untrusted = "untrusted",
        /// The agent is paused.
        Paused = "paused",
        /// It runs after successful jobs only.
        JobFailed = "job-failed",
        /// It runs after failed jobs only.
        JobSucceeded = "job-succeeded",
        /// A gate that it waits for did not pass.
        GateBlocked = "gate-blocked",
        /// An operator switched its circuit off.
        SwitchedOff = "switched-off",
        /// Its circuit is open.
        CircuitOpen = "circuit-open",
        /// The pipeline's deadline.
        Deadline = "deadline",
        /// The action itself refused.
        Refused = "refused",
    }
}

words! {
    /// A gate's verdict, as reports show it.
    VerdictWord {
        /// What was judged may pass.
        Pass = "pass",
        /// It may not.
        Block = "block",
    }
}

words! {
    /// A run in one word.
    RunResult {
        /// All that was due was done.
        Success = "success",
        /// A required step failed.
        Failed = "failed",
        /// A gate blocked.
        Blocked = "blocked",
        /// The deadline ended or prevented a step.
        TimedOut = "timed-out",
        /// Nothing was due.
        Skipped = "skipped",
        /// A signal ended it, or Fuseboard was killed.
        Interrupted = "interrupted",
    }
}
