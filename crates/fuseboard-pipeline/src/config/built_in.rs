//! The built-in steps that `uses = "…"` can name: what a declaration must know of them. What they do stands
//! with the steps themselves.

use super::step::StepKind;

/// A built-in step, as far as its declaration is concerned.
#[derive(Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// What `uses` names.
    pub name: &'static str,
    /// What kind of step it is.
    pub kind: StepKind,
    /// Its place among the steps that start when all others have ended, if it is one of those by default.
    pub last: Option<u8>,
    /// Whether it must be gated.
    pub gated: bool,
    /// Whether `if_absent = "pass"` is possible. The gates that look for secrets and for risk are always
    /// applicable: there is a diff, or nothing can be told.
    pub may_be_absent: bool,
}

const fn recorder(name: &'static str) -> BuiltIn {
    BuiltIn { name, kind: StepKind::Recorder, last: None, gated: false, may_be_absent: false }
}

const fn gate(name: &'static str) -> BuiltIn {
    BuiltIn { name, kind: StepKind::Gate, last: None, gated: false, may_be_absent: true }
}

const fn action(name: &'static str) -> BuiltIn {
    BuiltIn { name, kind: StepKind::Action, last: None, gated: false, may_be_absent: false }
}

/// Every built-in step.
pub static BUILT_INS: [BuiltIn; 20] = [
    recorder("usage"),
    recorder("budget"),
    BuiltIn { last: Some(1), ..recorder("session") },
    BuiltIn { last: Some(2), ..recorder("export") },
    recorder("bandit"),
    recorder("archive"),
    recorder("quota"),
    BuiltIn { last: Some(3), ..recorder("alert") },
    BuiltIn { last: Some(5), ..recorder("notify") },
    BuiltIn { may_be_absent: false, ..gate("diff-scan") },
    gate("tests"),
    gate("lint"),
    gate("verify"),
    BuiltIn { may_be_absent: false, ..gate("security") },
    BuiltIn { gated: true, ..action("merge") },
    action("reflect"),
    BuiltIn { last: Some(4), ..action("comment") },
    action("hooks"),
    action("requeue"),
    action("commit"),
];

impl BuiltIn {
    /// The built-in step of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        BUILT_INS.iter().find(|built_in| built_in.name == name)
    }
}
