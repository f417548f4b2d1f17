//! A repository cannot have programs run, nor hide changes of its work tree.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use fuseboard_mission::git::{GitError, GitTree};
use fuseboard_pipeline::tree::{Exempt, Tree as _, TreeState};

mod repository;
use repository::Repository;

/// Everything that only looks.
fn look_at_all(repository: &Repository) {
    let git = repository.ours();
    let (base, head) = (repository.id("main~1"), repository.id("main"));
    git.diff(&base, &head).unwrap();
    git.file_at(&head, "file".as_ref()).unwrap();
    git.commit(&head).unwrap();
    git.commits(&base, &head, 9).unwrap();
    let _ = git.changes();
    let _ = git.remotes();
}

fn refused(repository: &Repository) -> String {
    let why = match repository.ours().refuse_programs() {
        Err(GitError::CannotTell(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(repository.ours().changes(), Err(GitError::CannotTell(why.clone())));
    why
}

#[test]
fn programs_for_diffs_monitors_and_hooks_do_not_run() {
    let repository = Repository::new();
    let canary = repository.canary();
    repository.write(".gitattributes", "* diff=trap\n");
    repository.write("file", "one\nsecret\n");
    repository.commit("Set the trap");
    repository.git(["config", "diff.trap.textconv", &canary.script]);
    repository.git(["log", "-p"]);
    canary.assert_ran("textconv");
    for key in ["diff.external", "diff.trap.command", "core.pager", "core.editor", "log.showSignature"] {
        repository.git(["config", key, &canary.script]);
    }
    repository.git(["config", "log.showSignature", "true"]);
    repository.git(["config", "core.fsmonitor", &canary.script]);
    repository.git(["config", "core.hooksPath", "hooks"]);
    for hook in ["post-index-change", "reference-transaction", "fsmonitor-watchman"] {
        for folder in ["hooks", ".git/hooks"] {
            repository.write(format!("{folder}/{hook}"), "");
            fs::remove_file(repository.root.join(folder).join(hook)).unwrap();
            std::os::unix::fs::symlink(&canary.script, repository.root.join(folder).join(hook)).unwrap();
        }
    }
    repository.git(["status"]);
    canary.assert_ran("the monitor");
    look_at_all(&repository);
    canary.assert_silent("diff.*, core.fsmonitor, hooks");
    assert!(!repository.ours().changes().unwrap().untracked.is_empty());
}

#[test]
fn each_setting_that_could_run_a_program_is_named_and_nothing_is_looked_at() {
    for key in [
        "filter.trap.clean",
        "filter.trap.smudge",
        "filter.trap.process",
        "merge.trap.driver",
        "core.sshCommand",
        "core.gitProxy",
        "gpg.program",
        "gpg.ssh.program",
        "credential.helper",
        "credential.https://example.org.helper",
        "remote.origin.receivepack",
        "remote.origin.uploadpack",
        "remote.origin.vcs",
        "protocol.ext.allow",
        "url.ext::x.insteadOf",
        "include.path",
        "includeIf.gitdir:/.path",
    ] {
        let repository = Repository::new();
        let canary = repository.canary();
        repository.write(".gitattributes", "* filter=trap merge=trap\n");
        repository.commit("Set the trap");
        // A script is no configuration that could be included.
        let value = if key.starts_with("include") { "/dev/null" } else { &canary.script };
        repository.git(["config", key, value]);
        repository.write("file", "touched\n");
        let name = key.to_lowercase();
        assert!(refused(&repository).to_lowercase().contains(&name), "{key}");
        look_at_all(&repository);
        canary.assert_silent(key);
    }
}

#[test]
fn a_filter_would_run_if_it_were_not_refused() {
    let repository = Repository::new();
    let canary = repository.canary();
    repository.write(".gitattributes", "* filter=trap\n");
    repository.commit("Set the trap");
    repository.git(["config", "filter.trap.clean", &canary.script]);
    repository.write("file", "other\ntwo\nthree\n");
    repository.git(["status"]);
    canary.assert_ran("a filter");
}

#[test]
fn settings_of_a_worktree_and_of_included_files_count() {
    let repository = Repository::new();
    repository.git(["config", "extensions.worktreeConfig", "true"]);
    assert_eq!(repository.ours().refuse_programs(), Ok(()), "there need be no file");
    repository.git(["config", "--worktree", "core.sshCommand", "x"]);
    assert!(refused(&repository).contains("core.sshcommand"));

    let repository = Repository::new();
    fs::write(repository.beside("more"), "[core]\n\tsshCommand = x\n").unwrap();
    repository.git(["config", "include.path", "../../more"]);
    assert!(refused(&repository).contains("include.path"));
}

#[test]
fn a_remote_is_a_path_or_ssh_or_https() {
    for (address, good) in [
        ("git@example.org:a/b.git", true),
        ("https://example.org/a", true),
        ("../remote", true),
        ("ext::sh -c x", false),
        ("http://example.org/a", false),
        ("git://example.org/a", false),
    ] {
        let repository = Repository::new();
        repository.git(["remote", "add", "origin", address]);
        assert_eq!(repository.ours().refuse_programs().is_ok(), good, "{address}");
        assert_eq!(repository.ours().remotes().unwrap()[0].urls, [address]);
    }
    let repository = Repository::new();
    repository.git(["remote", "add", "origin", "../remote"]);
    repository.git(["config", "remote.origin.pushUrl", "ext::sh -c x"]);
    assert!(refused(&repository).contains("remote.origin.pushurl"));
}

#[test]
fn a_remote_that_leads_into_the_repository_is_refused() {
    for inside in [".", ".git", "./deep/../.git", "deep", "link"] {
        let repository = Repository::new();
        fs::create_dir(repository.root.join("deep")).unwrap();
        std::os::unix::fs::symlink("../app/.git", repository.root.join("link")).unwrap();
        repository.git(["remote", "add", "origin", inside]);
        assert!(refused(&repository).contains("leads into this repository"), "{inside}");
    }
}

#[test]
fn where_a_base_is_published_is_known_though_there_is_no_base() {
    let repository = Repository::empty();
    assert!(repository.ours().publishing().is_some());
}

#[test]
fn another_work_tree_is_not_looked_at() {
    let repository = Repository::new();
    let elsewhere = repository.beside("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::copy(repository.root.join("file"), elsewhere.join("file")).unwrap();
    repository.git(["config", "core.worktree", elsewhere.to_str().unwrap()]);
    repository.write("file", "changed");
    assert!(repository.ours().changes().is_err());
}

// --- The work tree ----------------------------------------------------------------------------------------

#[test]
fn changes_are_told_with_their_names() {
    let repository = Repository::new();
    assert_eq!(repository.ours().changes().unwrap(), fuseboard_mission::git::Changes::default());
    repository.write(".gitignore", "*.log\n");
    repository.write("a b", "x");
    repository.commit("More");
    let odd = OsStr::from_bytes(b"odd\n\xff");
    repository.write("deep/er.log", "ignored");
    repository.write(odd, "x");
    repository.write("deep/new", "x");
    repository.write("file", "changed");
    repository.write("staged", "x");
    repository.git(["add", "staged"]);
    repository.git(["mv", "a b", "c d"]);
    repository.git(["config", "status.showUntrackedFiles", "no"]);
    let changes = repository.ours().changes().unwrap();
    let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
    assert_eq!(changes.tracked, paths(&["a b", "c d", "file", "staged"]));
    assert_eq!(changes.untracked, [PathBuf::from("deep/new"), PathBuf::from(odd)]);
}

#[test]
fn changes_of_hidden_files_cannot_be_told() {
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        let repository = Repository::new();
        repository.git(["update-index", flag, "file"]);
        repository.write("file", "changed");
        match repository.ours().changes() {
            Err(GitError::CannotTell(why)) => assert!(why.contains("file"), "{why}"),
            other => panic!("{flag}: {other:?}"),
        }
    }
}

#[test]
fn the_index_is_not_written() {
    let repository = Repository::new();
    repository.write("file", "one\ntwo\nthree\n");
    let before = repository.everything();
    repository.ours().changes().unwrap();
    assert_eq!(repository.everything(), before);
}

#[test]
fn a_locked_index_does_not_hold_us_up() {
    let repository = Repository::new();
    repository.write(".git/index.lock", "");
    assert!(repository.ours().changes().is_ok());
}

#[test]
fn a_submodules_changes_count_and_its_settings_run_nothing() {
    let repository = Repository::new();
    let (inner, canary) = (Repository::new(), repository.canary());
    let from = inner.root.to_str().unwrap();
    repository.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", from, "lib"]);
    repository.commit("Add a library");
    assert_eq!(repository.ours().changes().unwrap(), fuseboard_mission::git::Changes::default());
    repository.write("lib/file", "changed");
    repository.write("lib/new", "x");
    let changes = repository.ours().changes().unwrap();
    assert_eq!((changes.tracked, changes.untracked), (vec!["lib/file".into()], vec!["lib/new".into()]));
    repository.write("lib/.gitattributes", "* filter=trap\n");
    repository.git(["-C", "lib", "config", "filter.trap.clean", &canary.script]);
    assert!(matches!(repository.ours().changes(), Err(GitError::CannotTell(why)) if why.contains("filter.trap.clean")));
    canary.assert_silent("a submodule's filter");
}

#[test]
fn a_submodule_without_its_repository_hides_nothing() {
    let (repository, inner) = (Repository::new(), Repository::new());
    let from = inner.root.to_str().unwrap();
    repository.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", from, "lib"]);
    repository.commit("Add a library");
    repository.git(["submodule", "--quiet", "deinit", "--force", "lib"]);
    assert_eq!(repository.ours().changes().unwrap(), fuseboard_mission::git::Changes::default());
    repository.write("lib/hidden", "x");
    assert!(matches!(repository.ours().changes(), Err(GitError::CannotTell(why)) if why.contains("lib")));
}

#[test]
fn settings_that_have_changes_overlooked_do_not() {
    let repository = Repository::new();
    std::os::unix::fs::symlink("file", repository.root.join("link")).unwrap();
    repository.commit("Link");
    for setting in ["core.fileMode", "core.symlinks"] {
        repository.git(["config", setting, "false"]);
    }
    fs::set_permissions(repository.root.join("file"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(repository.root.join("link")).unwrap();
    repository.write("link", "file");
    assert_eq!(repository.git(["status", "--porcelain"]), "", "git itself overlooks them");
    assert_eq!(repository.ours().changes().unwrap().tracked, [PathBuf::from("file"), PathBuf::from("link")]);
}

/// The index is written by whoever works in the repository. It may call a file of the work tree the same as a blob.
#[test]
fn an_index_that_lies_is_not_believed() {
    let repository = Repository::new();
    let base = repository.id("HEAD");
    repository.write("file", "what is committed\n");
    let head = repository.commit("Change");
    repository.write("file", "what lies here\n");
    // Long ago: git looks again at what is as young as its index.
    let file = fs::File::options().write(true).open(repository.root.join("file")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000)).unwrap();
    let lies = repository.git(["hash-object", "-w", "file"]);
    repository.git(["add", "file"]);
    let (told, real) = (lies.trim(), repository.git(["rev-parse", "HEAD:file"]));
    let index = repository.root.join(".git/index");
    let bytes = |id: &str| -> Vec<u8> {
        (0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()).collect()
    };
    let (mut content, old) = (fs::read(&index).unwrap(), bytes(told));
    let at = content.windows(old.len()).position(|window| window == old).unwrap();
    content[at..at + old.len()].copy_from_slice(&bytes(real.trim()));
    let end = content.len() - 20;
    content[end..].fill(0); // no checksum: none is checked
    fs::write(&index, content).unwrap();
    assert_eq!(repository.git(["diff", "--name-only"]), "", "git itself is deceived");
    assert!(repository.git(["diff-tree", "-p", base.as_str(), head.as_str()]).contains("what lies here"));
    assert_eq!(repository.ours().diff(&base, &head).unwrap().files[0].added, [(1, b"what is committed".to_vec())]);
    assert_eq!(repository.ours().changes().unwrap().tracked, [PathBuf::from("file")]);
    let git = repository.ours().with_state_in(&repository.beside("state"));
    for look in ["the first", "a second"] {
        assert_eq!(git.changes().unwrap().tracked, [PathBuf::from("file")], "{look}");
    }
    repository.write("file", "what is committed\n");
    repository.git(["add", "file"]);
    assert_eq!(git.changes().unwrap().tracked, [] as [PathBuf; 0]);
    repository.write("file", "What is committed\n");
    assert_eq!(git.changes().unwrap().tracked, [PathBuf::from("file")]);
}

// --- The tree as the pipeline judges it -------------------------------------------------------------------

#[test]
fn a_clean_tree_binds_verdicts_to_its_commit_until_something_changes() {
    let repository = Repository::new();
    let tree = GitTree::new(repository.ours(), true);
    let state = tree.judge(&[], false);
    assert_eq!(state, TreeState { commit: Some(repository.id("HEAD").to_string()), problem: None });
    repository.write("made by a gate", "x");
    assert_eq!(tree.check_unchanged(&state), Ok(()));
    repository.write("file", "changed");
    assert!(tree.check_unchanged(&state).unwrap_err().contains("file"));
    repository.commit("Move");
    assert!(tree.check_unchanged(&state).unwrap_err().contains("the commit changed from"));
    assert!(tree.check_unchanged(&tree.judge(&[], false)).is_ok());
}

#[test]
fn strangers_are_named_unless_they_are_exempt_or_allowed() {
    let repository = Repository::new();
    repository.write("fuseboard.toml", "");
    repository.write("out/report.json", "");
    let tree = GitTree::new(repository.ours(), true);
    let problem = tree.judge(&[], false).problem.unwrap();
    assert!(problem.contains("fuseboard.toml, out/report.json"), "{problem}");
    let exempt = ["fuseboard.toml", "out/report.json"].map(|name| Exempt::File(repository.root.join(name)));
    assert_eq!(tree.judge(&exempt, false).problem, None);
    assert!(tree.judge(&exempt[..1], false).problem.is_some());
    assert_eq!(tree.judge(&[], true).problem, None);
    std::os::unix::fs::symlink(".", repository.root.join("report")).unwrap();
    for (name, why) in [("report", "it is a link"), ("out", "it is a folder, which may hold anything")] {
        let other = [Exempt::File(repository.root.join("fuseboard.toml")), Exempt::File(repository.root.join(name))];
        assert!(tree.judge(&other, false).problem.is_some(), "{why}");
    }
    std::fs::remove_file(repository.root.join("report")).unwrap();
    let days = [exempt[0].clone(), exempt[1].clone(), Exempt::DaysIn(repository.root.join("days"))];
    for (name, is_exempt) in [
        ("2026-11-23.md", true),
        ("2026-11-23.json", true),
        ("conftest.py", false),
        ("2026-11-23.py", false),
        ("2026-11-23.md/x", false),
    ] {
        repository.write(format!("days/{name}"), "");
        assert_eq!(tree.judge(&days, false).problem.is_none(), is_exempt, "{name}");
        std::fs::remove_dir_all(repository.root.join("days")).unwrap();
    }
    repository.write("file", "changed");
    assert!(tree.judge(&exempt, true).problem.unwrap().contains("not committed: file"));
}

#[test]
fn outside_of_a_repository_verdicts_are_bound_to_nothing_and_without_a_commit_there_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::empty();
    let outside = GitTree::new(repository.ours().in_folder(folder.path()), false);
    assert_eq!(outside.judge(&[], false), TreeState::default());
    assert_eq!(outside.check_unchanged(&TreeState::default()), Ok(()));
    let unborn = GitTree::new(repository.ours(), true).judge(&[], false);
    assert!(unborn.commit.is_none() && unborn.problem.is_some());
    let gone = GitTree::new(repository.ours().in_folder(folder.path().join("gone")), false).judge(&[], false);
    assert!(gone.problem.is_some(), "a folder that is not there is no answer");
}
