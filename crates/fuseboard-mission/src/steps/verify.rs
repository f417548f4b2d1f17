//! `verify`: a gate that asks whether the work matches the claim.
//!
//! | check | it is wrong if | there is nothing to look at |
//! |---|---|---|
//! | `diff` | the work changes nothing | of a mission that is to write no code |
//! | `tests` | product code is changed, and no test | without product code |
//! | `pull-request` | the branch has none | unless asked for |
//! | `ahead` | there is no commit that the base has not | of a mission that is to write no code |
//! | `pushed` | the branch does not stand on its remote as it does here | without a commit or a remote |
//! | `fixup` | a subject begins with `fixup!`, `squash!`, `amend!` or `wip` | without a commit |
//! | `subjects` | one does not follow the convention of the base | without a commit, or a convention |
//! | `paths` | neither a changed path nor a subject has to do with the title | without a title |
//!
//! What is wrong is a warning, or blocks if `block_on` has it. A check that cannot tell has crashed, and then there is
//! no verdict.

use std::collections::BTreeSet;

use fuseboard::FailureKind;
use fuseboard_pipeline::config::{Help, Spanned, TableReader};
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};
use serde_json::json;

use crate::judged::go_on;

mod check;
mod published;
mod rerun;
mod subjects;
mod title;
mod work;

use check::{Check, Checked, Look, Outcome, summary, those};
use rerun::Rerun;
use work::Work;

/// A look at the work. Its error is that nothing can be told.
type Looks = fn(&Work<'_>) -> Result<Look, StepError>;

/// Every check, in this order.
const CHECKS: [(Check, Looks); 8] = [
    (Check::Diff, |work| Ok(work::diff(work))),
    (Check::Tests, |work| Ok(work::tests(work))),
    (Check::PullRequest, published::pull_request),
    (Check::Ahead, |work| Ok(work::ahead(work))),
    (Check::Pushed, published::pushed),
    (Check::Fixup, |work| Ok(subjects::fixup(work))),
    (Check::Subjects, subjects::subjects),
    (Check::Paths, |work| Ok(title::paths(work))),
];

/// Modes of missions that are to write no code, unless told otherwise.
const NOT_CODE: [&str; 4] = ["research", "review", "plan", "report"];

/// Most re-runs that can be asked for.
const MOST_RERUNS: u32 = 2;

/// The step.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `block_on` | the checks that block if they find something wrong | `["diff"]` |
/// | `not_code` | modes of missions that are to write no code | `["research", "review", "plan", "report"]` |
/// | `pull_request` | whether a pull request is asked for, by the GitHub CLI | no |
/// | `base` | what the work is compared with, as for `diff-scan` | the base that the job recorded |
/// | `reruns` | how many re-runs of a mission of the same title are asked for, 0 to 2 | 0 |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verify {
    block_on: BTreeSet<Check>,
    not_code: Vec<String>,
    pull_request: bool,
    base: Option<String>,
    reruns: usize,
}

impl Default for Verify {
    fn default() -> Self {
        Self {
            block_on: BTreeSet::from([Check::Diff]),
            not_code: NOT_CODE.map(str::to_owned).to_vec(),
            pull_request: false,
            base: None,
            reruns: 0,
        }
    }
}

impl Verify {
    /// From its options.
    pub fn read(options: &mut TableReader<'_>) -> Self {
        let usual = Self::default();
        let pull_request = options.flag("pull_request").is_some_and(|flag| *flag);
        let block_on = options.words::<Check>("block_on").map(|checks| {
            if checks.is_empty() {
                let help = Help::advice("name a check, or write advisory = true for a gate that only tells");
                options.refuse(&checks, "`block_on` is empty: nothing could ever block", help);
            }
            for check in checks.iter().filter(|check| ***check == Check::PullRequest && !pull_request) {
                let help = Help::advice("write pull_request = true, too");
                options.refuse(check, "`block_on` has pull-request, which is not asked for", help);
            }
            checks.into_inner().into_iter().map(Spanned::into_inner).collect()
        });
        let not_code = options.texts("not_code");
        let not_code = not_code.map(|modes| modes.into_inner().into_iter().map(Spanned::into_inner).collect());
        Self {
            block_on: block_on.unwrap_or(usual.block_on),
            not_code: not_code.unwrap_or(usual.not_code),
            pull_request,
            base: options.filled_text("base").map(Spanned::into_inner),
            reruns: options.integer("reruns", 0, MOST_RERUNS).map_or(usual.reruns, |reruns| *reruns as usize),
        }
    }

    /// All checks, each made; the kind of failure of the first that crashed. A cut is none of theirs.
    fn check(&self, work: &Work<'_>) -> Result<(Vec<Checked>, Option<FailureKind>), StepError> {
        let redactor = work.context.redactor;
        let (mut checks, mut crash) = (Vec::new(), None);
        for (check, look) in CHECKS {
            go_on(work.context)?;
            let (outcome, why) = match look(work) {
                Ok(Look::Right(why)) => (Outcome::Pass, why),
                Ok(Look::Wrong(why)) if self.block_on.contains(&check) => (Outcome::Fail, why),
                Ok(Look::Wrong(why)) => (Outcome::Warn, why),
                Ok(Look::Nothing(why)) => (Outcome::Skip, why),
                Err(StepError { kind: Some(kind), message }) => {
                    crash = crash.or(Some(kind));
                    (Outcome::Crashed, message)
                }
                Err(cut) => return Err(cut),
            };
            checks.push(Checked { check, outcome, why: redactor.redact(&plain_text(&why)).into_owned() });
        }
        Ok((checks, crash))
    }
}

impl Step for Verify {
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let work = Work::of(context, self)?;
        let (checks, crash) = self.check(&work)?;
        if let Some(kind) = crash {
            let crashed = those(&checks, Outcome::Crashed).join("; ");
            return Err(StepError::of(kind, format!("{crashed} ({})", summary(&checks))));
        }
        let mut output = json!({
            "base": work.judged.base.as_str(),
            "head": work.judged.head.as_str(),
            "checks": checks.iter().map(Checked::to_json).collect::<Vec<_>>(),
        });
        let failed = those(&checks, Outcome::Fail);
        if failed.is_empty() {
            return Ok(Answer::Pass(Told::detail(summary(&checks)).with(output)));
        }
        let (mut detail, why) = (summary(&checks), failed.join("; "));
        if self.reruns > 0 {
            let rerun = Rerun::ask(context, self.reruns);
            detail = format!("{detail}; {}", rerun.in_words(self.reruns));
            output["rerun"] = rerun.to_json(&why);
        }
        Ok(Answer::Block { why, told: Told::detail(detail).with(output) })
    }
}
