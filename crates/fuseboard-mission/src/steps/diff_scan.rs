//! `diff-scan`: a gate that looks at every line which the work adds: for credentials, debug leftovers, marks of
//! unfinished work, and huge files.

use fuseboard_pipeline::config::{Help, Spanned, TableReader, Word};
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};

use crate::git::FileStatus;
use crate::judged::{Judged, go_on};
use crate::scan::{AddedFile, Group, Scan};

/// The step.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `block_on` | the groups that block: `secret`, `debug`, `todo`, `large`; those can be neither waived nor exempted | `["secret"]` |
/// | `base` | what the work is compared with, if the job did not record it: a branch or commit | `origin/HEAD`, `main`, `master` |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiffScan {
    scan: Scan,
    base: Option<String>,
}

impl DiffScan {
    /// From its options.
    pub fn read(options: &mut TableReader<'_>) -> Self {
        let scan = options.texts("block_on").map(|words| {
            if words.is_empty() {
                let help = Help::advice("name a group, or write advisory = true for a gate that only tells");
                options.refuse(&words, "`block_on` is empty: nothing could ever block", help);
            }
            Scan::new(words.iter().filter_map(|word| group(options, word)))
        });
        Self { scan: scan.unwrap_or_default(), base: options.filled_text("base").map(Spanned::into_inner) }
    }
}

fn group(options: &TableReader<'_>, word: &Spanned<String>) -> Option<Group> {
    let group = Group::of_word(word);
    if group.is_none() {
        let words = || Group::WORDS.iter().map(|(word, _)| *word);
        let message = format!("`block_on` knows {}", words().collect::<Vec<_>>().join(", "));
        options.refuse(word, message, Help::nearest(word, words()));
    }
    group
}

impl Step for DiffScan {
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let judged = Judged::of(context, self.base.as_deref())?;
        let diff = judged.diff()?;
        let files = diff.files.iter().filter(|file| file.status != FileStatus::Deleted).map(|file| AddedFile {
            path: &file.path,
            lines: file.added.iter().map(|(number, line)| (u64::from(*number), line.as_slice())).collect(),
        });
        let before = |path: &std::path::Path| judged.before(path).map_err(StepError::from);
        let findings = self.scan.files(files, before, || go_on(context))?;

        let mut output = findings.to_json();
        output["base"] = judged.base.as_str().into();
        output["head"] = judged.head.as_str().into();
        output["files"] = diff.files.len().into();
        let told = Told::detail(findings.summary()).with(output);
        Ok(match findings.blocking_reason() {
            Some(why) => Answer::Block { why, told },
            None => Answer::Pass(told),
        })
    }
}
