//! What plays a step's part in a drill.

use std::io;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fuseboard::event::Row;
use fuseboard::record::Record;
use fuseboard::store::{Listed, Loaded, Store, StoreError, StoreTrouble, Swap, Version};
use fuseboard::{CircuitName, FailureKind};

use crate::report::Kind;
use crate::step::{Answer, Step, StepContext, StepError, Told};
use crate::tree::{Exempt, Tree, TreeState};

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Play {
    /// A gate's part, well done.
    Pass,
    /// Any other step's.
    Done,
    Crash,
    Hang,
    FindNoTool,
}

/// A step that is played.
pub(super) struct StandIn {
    play: Play,
    ran: Arc<AtomicBool>,
}

impl StandIn {
    /// One that works; `ran` is set when it is run.
    pub(super) fn of(kind: Kind, ran: Arc<AtomicBool>) -> Self {
        let play = if kind == Kind::Gate { Play::Pass } else { Play::Done };
        Self { play, ran }
    }

    /// One that plays this, whoever wants to know.
    pub(super) fn playing(play: Play) -> Self {
        Self { play, ran: Arc::default() }
    }
}

impl Step for StandIn {
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        self.ran.store(true, Ordering::SeqCst);
        match self.play {
            Play::Pass => Ok(Answer::Pass(Told::default())),
            Play::Done => Ok(Answer::Done(Told::default())),
            // Unlike a panic it is told to nobody but the one who catches it.
            Play::Crash => resume_unwind(Box::new("planted by the drill")),
            Play::Hang => {
                if let Some(rest) = context.deadline.remaining() {
                    context.interrupt.sleep(rest);
                }
                Err(StepError::cut("planted by the drill"))
            }
            Play::FindNoTool => Err(StepError::of(FailureKind::Spawn, "planted by the drill: no such program")),
        }
    }
}

/// Makes a folder in which there are shells and nothing else.
pub(super) fn shells_alone(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    for shell in ["sh", "bash", "dash", "zsh"] {
        let found = std::env::split_paths(&path).map(|place| place.join(shell)).find(|program| program.is_file());
        if let Some(program) = found {
            std::os::unix::fs::symlink(program, folder.join(shell))?;
        }
    }
    Ok(())
}

/// The command that plays this in place of another one; `shells` is the `PATH` of who finds no tool.
pub(super) fn command(play: Play, kind: Kind, words: &[String], shells: &Path) -> Vec<String> {
    let fixed = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    match play {
        Play::Pass | Play::Done => words.to_vec(),
        Play::Crash => fixed(&["sh", "-c", "kill -SEGV $$"]),
        Play::Hang => fixed(&["sleep", "600"]),
        // A recorder writes or tells something, if only that its tool is missing.
        Play::FindNoTool if kind != Kind::Gate => vec![shells.join("no-such-tool").display().to_string()],
        // A script that hides that its tool is missing (`sh -c "lint || true"`) passes now, as it would then.
        Play::FindNoTool => {
            let start = ["env".to_owned(), format!("PATH={}", shells.display())];
            start.into_iter().chain(words.iter().cloned()).collect()
        }
    }
}

/// A clean work tree that stays as it is.
pub(super) struct StillTree;

impl Tree for StillTree {
    fn judge(&self, _: &[Exempt], _: bool) -> TreeState {
        TreeState { commit: Some("drill".to_owned()), problem: None }
    }

    fn check_unchanged(&self, _: &TreeState) -> Result<(), String> {
        Ok(())
    }
}

/// A store of which no call succeeds.
pub(super) struct Unreadable;

impl Unreadable {
    fn refuse<T>() -> Result<T, StoreError> {
        Err(StoreError::new(StoreTrouble::Unreachable, "planted by the drill: the store cannot be read"))
    }
}

impl Store for Unreadable {
    fn load(&self, _: &CircuitName) -> Result<Loaded, StoreError> {
        Self::refuse()
    }

    fn swap(&self, _: &CircuitName, _: Option<Version>, _: &Record, _: &[Row]) -> Result<Swap, StoreError> {
        Self::refuse()
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        Self::refuse()
    }
}
