//! `security`: a gate that scores the risk of the work, and asks other scanners.
//!
//! | case | verdict |
//! |---|---|
//! | a score below `threshold` | pass |
//! | a score at or above it | block, with the heaviest reasons |
//! | a scanner or its report that tells nothing, more results than are counted | none |

use std::path::PathBuf;

use fuseboard_pipeline::config::{Help, Spanned, TableReader, Word};
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};

use crate::judged::{Judged, go_on};
use crate::risk::{RiskLevel, assess};

mod reports;

use reports::Reports;

/// The step.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `threshold` | the level from which on it blocks: `medium`, `high`, `critical` | `high` |
/// | `base` | what the work is compared with, as for `diff-scan` | the base that the job recorded |
/// | `sarif` | reports that earlier steps of this run wrote, relative to the configuration's folder | none |
/// | `scanners` | commands, as lists of words, that print a report (SARIF) | none |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    threshold: RiskLevel,
    base: Option<String>,
    sarif: Vec<PathBuf>,
    scanners: Vec<Vec<String>>,
}

impl Default for Security {
    fn default() -> Self {
        Self { threshold: RiskLevel::High, base: None, sarif: Vec::new(), scanners: Vec::new() }
    }
}

impl Security {
    /// From its options.
    pub fn read(options: &mut TableReader<'_>) -> Self {
        let threshold = options.word::<RiskLevel>("threshold").map_or(RiskLevel::High, |level| {
            if *level == RiskLevel::Low {
                let help = Help::advice("write \"medium\", the strictest that lets anything pass");
                options.refuse(&level, "`threshold` is \"low\": everything would block", help);
            }
            level.into_inner()
        });
        let base = options.filled_text("base").map(Spanned::into_inner);
        let sarif = options.texts("sarif").map(Spanned::into_inner).unwrap_or_default();
        let scanners = options.commands("scanners").map(Spanned::into_inner).unwrap_or_default();
        Self {
            threshold,
            base,
            sarif: sarif.into_iter().map(|path| PathBuf::from(path.into_inner())).collect(),
            scanners: scanners.into_iter().map(Spanned::into_inner).collect(),
        }
    }
}

impl Step for Security {
    fn names_files(&self) -> Vec<String> {
        self.scanners.concat()
    }

    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let judged = Judged::of(context, self.base.as_deref())?;
        let diff = judged.diff()?;
        let tally = assess(&diff, || go_on(context))?;
        let mut reports = Reports::new(context, &judged, &diff, tally)?;
        for file in &self.sarif {
            go_on(context)?;
            reports.add_file(file)?;
        }
        for scanner in &self.scanners {
            go_on(context)?;
            reports.add_scanner(scanner)?;
        }

        let why = reports.summary();
        let blocks = reports.tally().level() >= self.threshold;
        if let Some(problem) = reports.not_counted().filter(|_| !blocks) {
            return Err(StepError::new(format!("{why}, but {problem}")));
        }
        let mut output = reports.to_json();
        output["threshold"] = self.threshold.as_str().into();
        output["base"] = judged.base.as_str().into();
        output["head"] = judged.head.as_str().into();
        output["files"] = diff.files.len().into();
        let told = Told::detail(why.clone()).with(output);
        Ok(if blocks { Answer::Block { why, told } } else { Answer::Pass(told) })
    }
}
