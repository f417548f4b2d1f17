//! `comment`: an action that keeps one comment of ours on the branch's pull request up to date: what blocks, what was
//! found, which waivers were used.
//!
//! | case | answer |
//! |---|---|
//! | there is something to say | done: the comment is posted, or ours is updated |
//! | there is nothing to say | done: a comment of ours says so now; without one nothing is posted |
//! | no branch, no remote, no pull request, or one that is closed | not applicable |
//! | the repository's configuration could run programs, or says since the mission that remotes are elsewhere | refused |
//! | `gh` is missing, not logged in, or fails | failed |

use fuseboard_pipeline::PrivateFolder;
use fuseboard_pipeline::config::TableReader;
use fuseboard_pipeline::digest::sha256_hex;
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};
use serde_json::json;

use crate::git::Git;
use crate::github::{GitHub, Sought, pull_request_of_job};

mod markdown;
mod said;

use said::Said;

/// The step.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `findings` | how many findings are listed, 0 to 200; the others are counted | 50 |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment {
    findings: usize,
}

/// Most findings that can be listed.
const MOST_FINDINGS: u32 = 200;

impl Default for Comment {
    fn default() -> Self {
        Self { findings: 50 }
    }
}

impl Comment {
    /// From its options.
    pub fn read(options: &mut TableReader<'_>) -> Self {
        let findings = options.integer("findings", 0, MOST_FINDINGS).map(|findings| *findings as usize);
        Self { findings: findings.unwrap_or(Self::default().findings) }
    }
}

impl Step for Comment {
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let shown = |text: &str| context.redactor.redact(&plain_text(text)).into_owned();
        let git = Git::of(context);
        let request = match pull_request_of_job(&git, context)? {
            Sought::Found(request) => request,
            Sought::None(why) => return Ok(Answer::NotApplicable(shown(&why))),
            Sought::Refused(why) => return Ok(Answer::Refused(shown(&why))),
        };
        // Of two runs at once the second one finds the first one's comment.
        let turns = PrivateFolder::new(context.state_folder.join("comments"));
        let turn = turns.lock(&sha256_hex(request.url.as_bytes()), context.deadline);
        let _turn = turn.map_err(|error| StepError::new(format!("it cannot be this run's turn: {error}")))?;
        let (github, mark) = (GitHub::of(&git, context.redactor), markdown::mark(context));
        let ours = github.comment_marked(&request, &mark)?;
        let said = Said::of(context.ended);
        let output = |did: &str, comment: Option<&str>| json!({ "did": did, "said": said.count(), "pr_url": request.url, "comment": comment });
        let body = match &ours {
            None if said.is_nothing() => {
                return Ok(Answer::Done(Told::detail("nothing to say").with(output("nothing", None))));
            }
            _ => markdown::body(&mark, &said, context, self.findings),
        };
        if let Some(ours) = ours.as_ref().filter(|ours| markdown::is_same(&ours.body, &body)) {
            let told = Told::detail(format!("{} says so already", shown(&ours.url)));
            return Ok(Answer::Done(told.with(output("nothing", Some(&shown(&ours.url))))));
        }
        let written = github.write_comment(&request, ours.as_ref(), &body)?;
        let (url, did) = (shown(&written.url), if ours.is_some() { "updated" } else { "posted" });
        Ok(Answer::Done(Told::detail(format!("{did} {url}")).with(output(did, Some(&url)))))
    }
}
