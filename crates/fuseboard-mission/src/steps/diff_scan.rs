//! `diff-scan`: a gate that looks at every line which the work adds: for credentials, debug leftovers, marks of
//! unfinished work, and huge files.

use std::path::{Path, PathBuf};

use fuseboard_pipeline::config::{Help, Spanned, TableReader, Word};
use fuseboard_pipeline::step::{self, Answer, Step, StepContext, StepError, Told};
use fuseboard_pipeline::sys::replace_file;

use crate::git::Diff;
use crate::judged::{Judged, go_on};
use crate::sarif::{self, Reader, Roots, Written};
use crate::scan::{AddedFile, Baseline, Findings, Group, Scan, WAIVER_MARK};

/// The step.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `block_on` | the groups that block: `secret`, `debug`, `todo`, `large`; those can be neither waived nor exempted | `["secret"]` |
/// | `base` | what the work is compared with: a branch as it stood before the job, or a full commit id | the base that the job recorded |
/// | `sarif` | the file to which the findings are written, relative to the configuration's folder | none |
/// | `baseline` | a file in the base, from the top folder, with findings that are known; as `sarif` writes it | none |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiffScan {
    scan: Scan,
    base: Option<String>,
    sarif: Option<PathBuf>,
    baseline: Option<PathBuf>,
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
        Self {
            scan: scan.unwrap_or_default(),
            base: options.filled_text("base").map(Spanned::into_inner),
            sarif: options.path("sarif").map(Spanned::into_inner),
            baseline: options.path("baseline").map(Spanned::into_inner),
        }
    }

    /// What is known, and what is to be said of it.
    fn known(&self, judged: &Judged, diff: &Diff) -> Result<(Baseline, Option<String>), StepError> {
        let Some(path) = &self.baseline else { return Ok((Baseline::default(), None)) };
        let shown = path.display();
        let is_touched = diff.files.iter().any(|file| file.path == *path);
        let Some(bytes) = judged.before(path)? else {
            let brought = if is_touched { "; the one that the diff brings does not count" } else { "" };
            return Ok((Baseline::default(), Some(format!("no baseline {shown} in the base{brought}"))));
        };
        let mut fingerprints = Vec::new();
        let reader = Reader::new(Roots { top: judged.root()?, folder: PathBuf::new() });
        let read = reader.read(&bytes, |reported| fingerprints.extend(reported.fingerprint));
        read.map_err(|error| StepError::new(format!("the baseline {shown} of the base cannot be used: {error}")))?;
        let remark = is_touched.then(|| format!("the diff changes the baseline {shown}, which does not count"));
        Ok((fingerprints.into_iter().collect(), remark))
    }

    fn write(&self, context: &StepContext<'_>, judged: &Judged, findings: &Findings) -> Result<(), StepError> {
        let Some(path) = &self.sarif else { return Ok(()) };
        let written = Written { base: judged.base.as_str(), head: judged.head.as_str(), redactor: context.redactor };
        let text = format!("{:#}\n", sarif::write(findings, written));
        replace_file(&context.config_folder.join(path), text.as_bytes()).map_err(|error| {
            let (path, found) = (path.display(), findings.summary());
            StepError::new(format!("cannot write the findings to {path}: {error} ({found})"))
        })
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
    fn writes_files(&self) -> Vec<step::Written> {
        self.sarif.iter().cloned().map(step::Written::File).collect()
    }

    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let judged = Judged::of(context, self.base.as_deref())?;
        let diff = judged.diff()?;
        let (baseline, remark) = self.known(&judged, &diff)?;
        let known = baseline.len();
        // To read each file by itself would take two calls of git for each.
        let mut with_waivers = None;
        let before = |path: &Path| {
            let with_waivers = match &mut with_waivers {
                Some(files) => files,
                none => none.insert(judged.before_with(WAIVER_MARK)?),
            };
            if with_waivers.contains(path) { Ok(judged.before(path)?) } else { Ok::<_, StepError>(None) }
        };
        let findings = self.scan.clone().over(baseline).files(AddedFile::all_of(&diff), before, || go_on(context))?;
        self.write(context, &judged, &findings)?;

        let mut output = findings.to_json();
        output["base"] = judged.base.as_str().into();
        output["head"] = judged.head.as_str().into();
        output["files"] = diff.files.len().into();
        output["baseline"] = known.into();
        let detail = [Some(findings.summary()), remark].into_iter().flatten().collect::<Vec<_>>().join("; ");
        let told = Told::detail(detail).with(output);
        Ok(match findings.blocking_reason() {
            Some(why) => Answer::Block { why, told },
            None => Answer::Pass(told),
        })
    }
}
