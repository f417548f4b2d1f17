//! `format = "journal"`: a section for each mission in the day's Markdown.

use std::path::{Path, PathBuf};

use fuseboard_pipeline::day::{Day, local_time};
use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::step::StepError;

use super::mission::Mission;
use crate::journal::{Journal, Mark, escaped};

/// Appends the mission's section, unless it is there: the file, and whether it did.
pub(super) fn append(folder: &Path, mission: &Mission, deadline: Deadline) -> Result<(PathBuf, bool), StepError> {
    let (journal, day) = (Journal::new(folder), Day::of(mission.ended_at));
    let mark = Mark::new(&format!("run {}", mission.run));
    let is_new = journal.append(day, &section(mission), &mark, deadline)?;
    Ok((journal.file(day), is_new))
}

fn section(mission: &Mission) -> String {
    let title = mission.title.as_deref().unwrap_or("a mission without a title");
    let head = format!("## {} {}: {}\n", local_time(mission.ended_at), escaped(&mission.project), escaped(title));
    let came_to = match &mission.evidence {
        Some(evidence) => format!("{}: {evidence}", mission.came_to()),
        None => mission.came_to(),
    };
    let branch = mission.branch.as_ref().map(|branch| format!("on {branch}"));
    let lines = [Some(came_to), Some(mission.took()), Some(mission.used()), mission.checked(), branch];
    let lines = lines.into_iter().flatten().chain(mission.pr_url.clone());
    std::iter::once(head).chain(lines.map(|line| format!("\n- {}", escaped(&line)))).collect()
}
