//! A merge that is killed at any moment, or that meets another one: the base is where it was or has the whole merge,
//! nothing else has changed, and the next run succeeds and leaves nothing behind.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

mod mission_stage;
mod world;

use mission_stage::{Flown, Stage};
use world::{end_of, finish, signal, sleep, start, wait_for};

/// How many runs each test kills, unless a tenth of `FUSEBOARD_KILLS` is more: a merge takes its time.
const KILLS: u32 = 15;

/// What each strategy adds to the base's own line.
const STRATEGIES: [(&str, &str); 3] = [("squash", "1"), ("merge", "1"), ("rebase", "2")];

/// What of the repository a merge may change: the base and what is known of it, objects, and its own work tree while
/// it is there.
const MAY_CHANGE: [&str; 8] = [
    ".git/objects",
    ".git/worktrees",
    ".git/refs/heads/main",
    ".git/logs/refs/heads/main",
    ".git/refs/heads/main.lock",
    ".git/refs/remotes/origin",
    ".git/logs/refs/remotes/origin",
    ".git/packed-refs.lock",
];

/// A repository in which `agent/work` can be merged into a base that has moved on, and where that base lies.
struct Merging {
    stage: Stage,
    base: PathBuf,
    old: String,
    tree: String,
}

impl Merging {
    fn new(has_remote: bool) -> Self {
        let stage = Stage::new("");
        stage.git(
            "mkdir ../tmp; for n in 1 2 3 4 5 6 7 8 9; do mkdir dir$n; echo $n >dir$n/file; done; git add -A; \
             git commit -qm files; git switch -qc agent/work; echo mine >>tracked; git commit -qam one; \
             echo new >new; git add new; git commit -qm two; git switch -q main; echo theirs >dir1/file; \
             git commit -qam theirs; git switch -q agent/work",
        );
        let base = if has_remote {
            stage.git(
                "git init -q --bare -b main ../remote.git; git remote add origin ../remote.git; \
                 git push -q origin main agent/work; git update-ref refs/heads/main main~1",
            );
            stage.beside("remote.git")
        } else {
            stage.world.path("")
        };
        let mut merging = Self { stage, base, old: String::new(), tree: String::new() };
        merging.old = merging.said(&merging.base, &["rev-parse", "main"]);
        merging.configure("squash");
        let whole = merging.flown(finish(merging.after("report.json")));
        assert_eq!(whole.end_of("merge"), ("success", ""), "{}", whole.told());
        merging.tree = merging.said(&merging.base, &["rev-parse", "main^{tree}"]);
        merging.begin("squash");
        merging
    }

    fn configure(&self, strategy: &str) {
        self.stage.configure(&format!(
            "[[step]]\nname = 'check'\nkind = 'gate'\nrun = ['true']\n\n[[step]]\nname = 'merge'\nuses = 'merge'\n\
             gated_by = ['check']\nwith = {{ strategy = '{strategy}' }}\n"
        ));
    }

    /// The base is where it was, and is to be merged into by this strategy.
    fn begin(&self, strategy: &str) {
        self.said(&self.base, &["update-ref", "refs/heads/main", &self.old]);
        self.configure(strategy);
    }

    /// `after`, with a folder of its own for temporary files.
    fn after(&self, report: &str) -> Command {
        let report = self.stage.beside(report);
        drop(fs::remove_file(&report));
        let words = ["after", "--report", report.to_str().unwrap()];
        let mut command = self.stage.surrounded(self.stage.world.command(&words));
        command.env("TMPDIR", self.stage.beside("tmp"));
        command
    }

    fn flown(&self, ran: world::Ran) -> Flown {
        self.stage.flown(ran)
    }

    /// What git says in a folder. It must end well.
    #[track_caller]
    fn said(&self, folder: &Path, words: &[&str]) -> String {
        let mut command = self.stage.surrounded(self.stage.world.other("git", words));
        command.current_dir(folder);
        let ran = finish(command);
        assert_eq!(ran.code, 0, "git {words:?}: {}", ran.err());
        ran.out().trim().to_owned()
    }

    /// Everything of the user's, which no merge may touch.
    fn users(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let root = self.stage.world.path("").canonicalize().unwrap();
        let mut files = BTreeMap::new();
        collect(&root, &mut files);
        files.retain(|file, _| !MAY_CHANGE.iter().any(|path| file.starts_with(root.join(path))));
        files
    }

    /// The base is where it was, or has the whole merge and no more; which of the two.
    #[track_caller]
    fn is_merged(&self, commits: &str) -> bool {
        let now = self.said(&self.base, &["rev-parse", "main"]);
        if now == self.old {
            return false;
        }
        assert_eq!(self.said(&self.base, &["rev-parse", "main^{tree}"]), self.tree);
        let range = format!("{}..main", self.old);
        assert_eq!(self.said(&self.base, &["rev-list", "--first-parent", "--count", &range]), commits);
        true
    }

    /// Nothing is left of any merge.
    #[track_caller]
    fn assert_clean(&self, why: &str) {
        assert_eq!(self.stage.world.census(), Vec::<String>::new(), "{why}");
        assert_eq!(self.said(&self.stage.world.path(""), &["worktree", "list"]).lines().count(), 1, "{why}");
        assert!(!self.stage.world.path(".git/worktrees").exists(), "{why}");
        for entry in fs::read_dir(self.stage.beside("state/fuseboard/merges")).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(path.extension(), Some("lock".as_ref()), "{why}: {}", path.display());
            fs::File::open(&path).unwrap().try_lock().unwrap();
        }
        assert_eq!(fs::read_dir(self.stage.beside("tmp")).unwrap().count(), 0, "{why}");
        for folder in [&self.stage.world.path(""), &self.base] {
            let complaints = self.said(folder, &["fsck", "--no-progress", "--no-dangling"]);
            assert_eq!(complaints, "", "{why}");
        }
    }
}

/// What is there. A git that was killed a moment ago may still be at its last act: what goes meanwhile is gone.
fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let entries = match fs::read_dir(folder) {
        Err(error) if is_gone(&error) => return,
        entries => entries.unwrap(),
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, files);
            continue;
        }
        match fs::read(&path) {
            Err(error) if is_gone(&error) => {}
            content => drop(files.insert(path, content.unwrap())),
        }
    }
}

fn kills() -> u32 {
    let wanted = std::env::var("FUSEBOARD_KILLS").ok().and_then(|kills| kills.parse::<u32>().ok());
    wanted.map_or(KILLS, |kills| KILLS.max(kills / 10))
}

/// Kills all that was started in this world.
fn kill_family(stage: &Stage) {
    wait_for("the family's end", || {
        let family = stage.world.census();
        for process in &family {
            let pid = process.split(' ').next().unwrap_or_default();
            drop(Command::new("kill").args(["-s", "KILL", pid]).stderr(Stdio::null()).status());
        }
        family.is_empty()
    });
}

/// A lock of git's own that was cut down between its making and its end. Git leaves that to a person.
fn locks_of_git(merging: &Merging) -> Vec<PathBuf> {
    let mut files = BTreeMap::new();
    collect(&merging.base, &mut files);
    collect(&merging.stage.world.path(".git"), &mut files);
    let is_lock = |path: &PathBuf| path.extension() == Some("lock".as_ref());
    files
        .into_keys()
        .filter(|path| is_lock(path) && !path.components().any(|part| part.as_os_str() == "worktrees"))
        .collect()
}

fn survives_kills(has_remote: bool) {
    let merging = Merging::new(has_remote);
    let stage = &merging.stage;
    let took = finish(merging.after("report.json")).took;
    let (mut cut, mut whole) = (0, 0);
    for n in 0..kills() {
        let (strategy, commits) = STRATEGIES[n as usize % STRATEGIES.len()];
        merging.begin(strategy);
        let before = merging.users();
        let mut child = start(merging.after("report.json"));
        // Spread evenly over the time that a run takes, by the golden ratio.
        let moment = took.mul_f64((f64::from(n) * 0.618_034).fract() * 1.1);
        sleep(u64::try_from(moment.as_millis()).unwrap());
        signal(&child, "KILL");
        child.wait().unwrap();
        let alone = n % 4 == 3;
        if !alone {
            kill_family(stage);
        }
        let why = format!("kill {n}, {strategy}, after {moment:?}, alone: {alone}");
        assert_eq!(merging.users(), before, "{why}");
        let merged = merging.is_merged(commits);
        for lock in locks_of_git(&merging).into_iter().filter(|_| !alone) {
            fs::remove_file(lock).unwrap();
        }

        let next = merging.flown(finish(merging.after("report.json")));
        drop(end_of(child));
        // What was left of a family may have merged meanwhile.
        let expected = if merged || alone { ["success", "not-applicable"] } else { ["success", "success"] };
        let status = next.word("merge", "status");
        assert!(expected.contains(&status) && !(merged && status == "success"), "{why}: {}", next.told());
        assert!(merging.is_merged(commits), "{why}: {}", next.told());
        assert_eq!(merging.users(), before, "{why}");
        merging.assert_clean(&why);
        if merged { whole += 1 } else { cut += 1 }
    }
    assert!(cut > 0, "no run was killed before it had merged, {whole} afterwards");
}

#[test]
fn a_merge_here_is_done_or_not_whenever_it_is_killed() {
    survives_kills(false);
}

#[test]
fn a_merge_that_is_pushed_is_done_or_not_whenever_it_is_killed() {
    survives_kills(true);
}

#[test]
fn two_runs_at_once_merge_once_and_both_tell_the_truth() {
    for has_remote in [false, true] {
        let merging = Merging::new(has_remote);
        for (strategy, commits) in STRATEGIES {
            merging.begin(strategy);
            let before = merging.users();
            let runs = ["one.json", "two.json"].map(|report| (report, start(merging.after(report))));
            let flown = runs.map(|(report, child)| {
                let ran = end_of(child);
                let report = fs::read(merging.stage.beside(report)).unwrap();
                Flown { ran, report: serde_json::from_slice(&report).unwrap() }
            });
            let mut ends = flown.each_ref().map(|flown| flown.word("merge", "status"));
            ends.sort_unstable();
            let told = || flown.iter().map(Flown::told).collect::<String>();
            assert_eq!(ends, ["not-applicable", "success"], "{strategy}: {}", told());
            assert!(flown.iter().all(|flown| flown.ran.code == 0), "{}", told());
            assert!(merging.is_merged(commits), "{}", told());
            assert_eq!(merging.users(), before);
            merging.assert_clean(strategy);
        }
    }
}
