//! What is read of a repository: commits, bases, files, diffs.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuseboard_mission::git::{CommitId, FileDiff, FileStatus, Git, GitError};
use fuseboard_pipeline::process::{Deadline, Interrupt};
use fuseboard_pipeline::step::StepError;

mod repository;
use repository::{Repository, git_in};

fn cannot_tell<T: std::fmt::Debug>(result: Result<T, GitError>) -> String {
    match result {
        Err(GitError::CannotTell(why)) => why,
        other => panic!("{other:?} is an answer"),
    }
}

fn diff(repository: &Repository, base: &CommitId, head: &CommitId) -> Vec<FileDiff> {
    repository.ours().diff(base, head).unwrap().files
}

// --- Where we are -----------------------------------------------------------------------------------------

#[test]
fn head_and_branch_are_told_and_absent_where_there_is_none() {
    let repository = Repository::empty();
    let git = repository.ours();
    assert_eq!((git.head().unwrap(), git.branch().unwrap().as_deref()), (None, Some("main")));
    let first = repository.commit("Begin");
    assert_eq!(git.head().unwrap(), Some(first.clone()));
    repository.git(["checkout", "-q", "--detach"]);
    assert_eq!((git.head().unwrap(), git.branch().unwrap()), (Some(first), None));
}

#[test]
fn the_branch_is_told_though_another_reference_is_called_head() {
    let repository = Repository::new();
    let first = repository.id("HEAD");
    let git = repository.ours();
    for other in ["refs/heads/HEAD", "refs/tags/HEAD", "refs/remotes/HEAD"] {
        repository.git(["update-ref", other, first.as_str()]);
        assert_eq!(git.checked_out().unwrap(), (Some("main".to_owned()), Some(first.clone())), "{other}");
        repository.git(["update-ref", "-d", other]);
    }
    repository.git(["update-ref", "refs/heads/HEAD", first.as_str()]);
    repository.git(["checkout", "-q", "--detach"]);
    assert_eq!(git.checked_out().unwrap(), (None, Some(first)));
}

#[test]
fn outside_of_a_repository_each_question_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let git = Git::at(folder.path(), Deadline::NEVER, &Interrupt::never());
    assert_eq!(git.head(), Err(GitError::NotARepository));
    assert_eq!(git.branch(), Err(GitError::NotARepository));
    assert_eq!(git.base(None), Err(GitError::NotARepository));
    assert_eq!(git.changes(), Err(GitError::NotARepository));
    assert_eq!(git.refuse_programs(), Err(GitError::NotARepository));
}

#[test]
fn a_diff_of_more_lines_than_there_is_room_for_is_no_answer() {
    let repository = Repository::new();
    let base = repository.id("HEAD");
    repository.write("long", "\n".repeat(1_000_001));
    let head = repository.commit("Long");
    assert!(cannot_tell(repository.ours().diff(&base, &head)).contains("adds more than 1000000 lines"));
}

#[test]
fn a_deadline_that_has_passed_is_nobodys_fault() {
    let repository = Repository::new();
    let git = Git::at(&repository.root, Deadline::after(Duration::ZERO), &Interrupt::never());
    let error = git.head().unwrap_err();
    assert!(matches!(error, GitError::Cut(_)), "{error:?}");
    assert_eq!(StepError::from(error).kind, None);
}

#[test]
fn a_revision_is_never_an_option() {
    let repository = Repository::new();
    let git = repository.ours();
    for hostile in ["--git-dir", "--all", "-h", "--", "", "nothing", "a..b", "HEAD~9", "a\0b", &"0".repeat(40)] {
        assert_eq!(git.resolve(hostile), Ok(None), "{hostile:?}");
    }
    repository.git(["update-ref", "refs/heads/--all", "HEAD"]);
    assert_eq!(git.resolve("refs/heads/--all").unwrap(), Some(repository.id("HEAD")));
    assert_eq!(git.resolve("HEAD:file"), Ok(None), "a file is no commit");
}

#[test]
fn the_base_is_what_is_named_else_origins_head_else_main_else_master() {
    let repository = Repository::new();
    let git = repository.ours();
    let first = repository.id("HEAD");
    repository.git(["checkout", "-q", "-b", "work"]);
    let second = repository.commit("Go on");
    assert_eq!(git.base(None).unwrap(), first);
    assert_eq!(git.base(Some("work")).unwrap(), second);
    assert!(cannot_tell(git.base(Some("other"))).contains("other"));
    repository.git(["update-ref", "refs/remotes/origin/trunk", "work"]);
    repository.git(["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk"]);
    assert_eq!(git.base(None).unwrap(), second);
    repository.git(["symbolic-ref", "-d", "refs/remotes/origin/HEAD"]);
    repository.git(["branch", "-m", "main", "master"]);
    assert_eq!(git.base(None).unwrap(), first);
    repository.git(["branch", "-m", "master", "other"]);
    assert!(cannot_tell(git.base(None)).contains("there is no base"));
}

#[test]
fn a_usual_base_that_stands_at_a_tag_counts_and_a_damaged_one_hides_no_other() {
    let repository = Repository::new();
    let git = repository.ours();
    let first = repository.id("HEAD");
    repository.git(["tag", "--annotate", "-m", "One", "one"]);
    repository.commit("Two");
    repository.git(["update-ref", "refs/remotes/origin/main", "refs/tags/one"]);
    repository.git(["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
    assert_eq!(git.base(None).unwrap(), first);
    fs::write(repository.root.join(".git/refs/remotes/origin/main"), "12".repeat(20)).unwrap();
    assert_eq!(git.base(None).unwrap(), repository.id("main"));
    assert_eq!(git.base_branch(None).unwrap(), "main");
}

#[test]
fn a_tag_does_not_take_the_place_of_the_base_branch() {
    let repository = Repository::new();
    let first = repository.id("HEAD");
    repository.git(["checkout", "-q", "-b", "work"]);
    repository.commit("Go on");
    repository.git(["tag", "main"]);
    assert_eq!(repository.ours().base(Some("main")).unwrap(), first);
    assert_eq!(repository.ours().base(None).unwrap(), first);
}

#[test]
fn a_replaced_commit_is_seen_as_it_is() {
    let repository = Repository::new();
    let first = repository.id("HEAD");
    repository.write("file", "one\ntwo\nthree\nsecret\n");
    let second = repository.commit("Hide");
    repository.git(["replace", second.as_str(), first.as_str()]);
    fs::write(repository.root.join(".git/info/grafts"), format!("{second}\n")).unwrap();
    let files = diff(&repository, &first, &second);
    assert_eq!(files[0].added, [(4, b"secret".to_vec())]);
    assert_eq!(repository.ours().subject(&second).unwrap(), "Hide");
    assert_eq!(repository.ours().merge_base(&first, &second).unwrap(), first);
}

#[test]
fn distance_common_commit_subject_and_author_are_told() {
    let repository = Repository::new();
    let git = repository.ours();
    let first = repository.id("HEAD");
    repository.git(["checkout", "-q", "-b", "work"]);
    repository.commit("One\nmore\n\nand its reasons");
    repository.git(["-c", "user.name=Grace <x>", "commit", "-q", "--allow-empty", "-m", "Two \u{1b}[31mred\u{202e}"]);
    let head = repository.id("HEAD");
    assert_eq!(git.ahead(&first, &head).unwrap(), 2);
    assert_eq!(git.ahead(&head, &first).unwrap(), 0);
    assert_eq!(git.merge_base(&first, &head).unwrap(), first);
    let subjects: Vec<String> =
        git.commits(&first, &head, 9).unwrap().into_iter().map(|(_, subject)| subject).collect();
    assert_eq!(subjects, ["Two red", "One more"]);
    assert_eq!(git.commits(&first, &head, 1).unwrap().len(), 1);
    assert_eq!(git.subject(&head).unwrap(), "Two red");
    assert!(git.last_author(&head).unwrap().name.starts_with("Grace"));
    repository.git(["checkout", "-q", "--orphan", "alone"]);
    let alone = repository.commit("Alone");
    assert!(cannot_tell(git.merge_base(&first, &alone)).contains("no common commit"));
}

#[test]
fn a_shallow_clone_does_not_claim_to_know_what_was_cut_off() {
    let repository = Repository::new();
    let first = repository.id("HEAD");
    repository.git(["branch", "side"]);
    repository.commit("Two");
    repository.git(["checkout", "-q", "side"]);
    repository.commit("Beside");
    let clone = repository.beside("clone");
    let from = format!("file://{}", repository.root.display());
    git_in(
        &repository.beside(""),
        ["clone", "-q", "--depth", "1", "--no-single-branch", &from, clone.to_str().unwrap()],
    );
    let git = repository.ours().in_folder(&clone);
    assert!(git.is_shallow().unwrap() && !repository.ours().is_shallow().unwrap());
    let (main, side) = (repository.id("main"), repository.id("side"));
    assert!(cannot_tell(git.merge_base(&main, &side)).contains("shallow"));
    assert_eq!(git.resolve(first.as_str()), Ok(None));
}

// --- Files ------------------------------------------------------------------------------------------------

#[test]
fn a_file_is_read_from_the_commit_and_only_by_its_exact_name() {
    let repository = Repository::new();
    let odd = OsStr::from_bytes(b":(top)*\n\xff");
    repository.write(Path::new("folder").join(odd), b"\0odd\r\n");
    symlink("/etc/passwd", repository.root.join("link")).unwrap();
    let commit = repository.commit("Odd");
    repository.write("file", "changed");
    let git = repository.ours();
    let read = |path: &Path| git.file_at(&commit, path).unwrap();
    assert_eq!(read(Path::new("file")).as_deref(), Some(&b"one\ntwo\nthree\n"[..]));
    assert_eq!(read(&Path::new("folder").join(odd)).as_deref(), Some(&b"\0odd\r\n"[..]));
    for none in ["", "folder", "folder/", "link", "missing", "*", "--help", "./file", "/file", "../app/file"] {
        assert_eq!(read(Path::new(none)), None, "{none:?}");
    }
    let inner = git.in_folder(repository.root.join("folder"));
    assert!(inner.file_at(&commit, Path::new("file")).unwrap().is_some(), "paths count from the top");
}

// --- Diffs ------------------------------------------------------------------------------------------------

#[test]
fn the_files_that_hold_a_text_are_found_whatever_they_are_called_and_whatever_attributes_say() {
    let repository = Repository::new();
    let odd = OsStr::from_bytes(b"a\n\xff:b");
    repository.write(".gitattributes", "* -diff -text binary\n");
    repository.write("deep/er", "one\nx [needle] y\n");
    repository.write(odd, b"\0[needle]");
    repository.write("other", "needle");
    let commit = repository.commit("Hide it");
    repository.write("later", "[needle]");
    let found =
        |folder: &str| repository.ours().in_folder(repository.root.join(folder)).files_with(&commit, "[needle]");
    let expected = HashSet::from([PathBuf::from("deep/er"), PathBuf::from(odd)]);
    assert_eq!((found(".").unwrap(), found("deep").unwrap()), (expected.clone(), expected));
    assert_eq!(repository.ours().files_with(&commit, "-e nothing").unwrap(), HashSet::new());
    let gone = CommitId::new(&"0123456789".repeat(4)).unwrap();
    assert!(repository.ours().files_with(&gone, "x").is_err());
}

#[test]
fn a_diff_tells_new_lines_with_their_numbers() {
    let repository = Repository::new();
    let base = repository.id("HEAD");
    repository.write("file", "zero\none\nthree\nfour");
    repository.write("new", "a\r\n\nb\n");
    let head = repository.commit("Change");
    let files = diff(&repository, &base, &head);
    let line = |number: u32, text: &str| (number, text.as_bytes().to_vec());
    assert_eq!((files[0].name().as_str(), files[0].status, files[0].removed), ("file", FileStatus::Modified, 1));
    assert_eq!(files[0].added, [line(1, "zero"), line(4, "four")]);
    assert_eq!((files[1].status, files[1].removed, files[1].binary), (FileStatus::Added, 0, false));
    assert_eq!(files[1].added, [line(1, "a\r"), line(2, ""), line(3, "b")]);
    let back = diff(&repository, &head, &base);
    assert_eq!((back[1].status, back[1].removed, back[1].added.len()), (FileStatus::Deleted, 3, 0));
    assert_eq!(diff(&repository, &head, &head), []);
}

#[test]
fn lines_that_look_like_a_patch_stay_lines() {
    let repository = Repository::new();
    let base = repository.id("HEAD");
    let lines =
        ["diff --git a/x b/x", "@@ -1 +1 @@", "+++ b/x", "--- a/x", "\\ No newline at end of file", "-", "+", ""];
    repository.write("file", lines.join("\n"));
    repository.write("last", "x\n");
    let head = repository.commit("Change");
    let files = diff(&repository, &base, &head);
    let added: Vec<_> = files[0].added.iter().map(|(_, line)| String::from_utf8_lossy(line).into_owned()).collect();
    assert_eq!(added, lines[..lines.len() - 1]);
    assert_eq!(files[1].added, [(1, b"x".to_vec())]);
    assert_eq!(diff(&repository, &head, &base)[0].removed, 7);
}

#[test]
fn hostile_names_are_kept_byte_for_byte() {
    let repository = Repository::new();
    let base = repository.id("HEAD");
    let names: [&[u8]; 8] = [
        b"new\nline",
        b"a\ndiff --git a/x b/x\n@@ -0,0 +1 @@\n+hidden",
        b"\xff\xfe",
        b"\"quoted\"",
        b"tab\there",
        b"--option",
        b" blank ",
        b"a b/c d",
    ];
    for (number, name) in names.iter().enumerate() {
        repository.write(OsStr::from_bytes(name), format!("line {number}\n"));
    }
    let head = repository.commit("Odd");
    let files = diff(&repository, &base, &head);
    assert_eq!(files.len(), names.len());
    for (number, name) in names.iter().enumerate() {
        let file = files.iter().find(|file| file.path == *OsStr::from_bytes(name)).unwrap();
        assert_eq!(file.added, [(1, format!("line {number}").into_bytes())]);
        assert!(!file.name().contains(['\n', '\t']));
    }
}

#[test]
fn modes_kinds_and_empty_files_are_changes_without_lines_of_others() {
    let repository = Repository::new();
    repository.write("kind", "text\n");
    repository.write("gone", "");
    let base = repository.commit("Before");
    repository.git(["update-index", "--chmod=+x", "file"]);
    fs::remove_file(repository.root.join("kind")).unwrap();
    symlink("target", repository.root.join("kind")).unwrap();
    fs::remove_file(repository.root.join("gone")).unwrap();
    repository.write("empty", "");
    repository.write("zzz", "last\n");
    repository.git(["add", "kind", "gone", "empty", "zzz"]);
    repository.git(["commit", "-qm", "After"]);
    let files = diff(&repository, &base, &repository.id("HEAD"));
    let seen: Vec<_> = files.iter().map(|file| (file.name(), file.status, file.added.len(), file.removed)).collect();
    assert_eq!(
        seen,
        [
            ("empty".to_owned(), FileStatus::Added, 0, 0),
            ("file".to_owned(), FileStatus::Modified, 0, 0),
            ("gone".to_owned(), FileStatus::Deleted, 0, 0),
            ("kind".to_owned(), FileStatus::Modified, 1, 1),
            ("zzz".to_owned(), FileStatus::Added, 1, 0),
        ]
    );
}

#[test]
fn a_renamed_file_is_all_new_lines() {
    let repository = Repository::new();
    let base = repository.id("HEAD");
    repository.git(["config", "diff.renames", "copies"]);
    repository.git(["mv", "file", "moved"]);
    let head = repository.commit("Move");
    let files = diff(&repository, &base, &head);
    assert_eq!((files[0].status, files[1].status, files[1].added.len()), (FileStatus::Deleted, FileStatus::Added, 3));
}

#[test]
fn binary_files_are_flagged_and_still_compared() {
    let repository = Repository::new();
    let base = repository.id("HEAD");
    repository.write("data", b"\0\x01\nsecret\n\xff");
    let head = repository.commit("Data");
    let files = diff(&repository, &base, &head);
    assert!(files[0].binary);
    assert_eq!(files[0].added[1..], [(2, b"secret".to_vec()), (3, b"\xff".to_vec())]);
}

#[test]
fn settings_of_the_repository_change_nothing_in_a_diff() {
    let repository = Repository::new();
    let base = repository.id("HEAD");
    repository.write("folder/code.py", "key = 1\n");
    repository.write(".gitattributes", "*.py -diff\nfile binary\n");
    repository.write("file", "one\ntwo\nkey\nthree\n");
    let head = repository.commit("Hide");
    let plain = diff(&repository, &base, &head);
    assert_eq!(plain[1].added, [(3, b"key".to_vec())]);
    assert_eq!(plain[2].added, [(1, b"key = 1".to_vec())]);
    for (key, value) in [
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("diff.context", "9"),
        ("diff.interHunkContext", "9"),
        ("diff.relative", "true"),
        ("diff.ignoreSubmodules", "all"),
        ("diff.orderFile", "file"),
        ("color.ui", "always"),
        ("color.diff", "always"),
        ("core.quotePath", "false"),
        ("core.bigFileThreshold", "1"),
        ("diff.suppressBlankEmpty", "true"),
        ("diff.algorithm", "patience"),
        ("diff.submodule", "log"),
        ("diff.colorMoved", "zebra"),
    ] {
        repository.git(["config", key, value]);
        assert_eq!(diff(&repository, &base, &head), plain, "{key}");
    }
    let inner = repository.ours().in_folder(repository.root.join("folder"));
    assert_eq!(inner.diff(&base, &head).unwrap().files, plain, "from a folder inside");
}

#[test]
fn a_submodule_that_moves_cannot_be_told() {
    let repository = Repository::new();
    let base = repository.id("HEAD");
    let cacheinfo = format!("160000,{base},lib");
    repository.git(["update-index", "--add", "--cacheinfo", &cacheinfo]);
    repository.git(["commit", "-qm", "Bump"]);
    assert!(cannot_tell(repository.ours().diff(&base, &repository.id("HEAD"))).contains("submodule lib"));
}

#[test]
fn a_diff_that_is_too_large_cannot_be_told() {
    let repository = Repository::new();
    let base = repository.id("HEAD");
    repository
        .write("large", "x".repeat(1023).into_bytes().into_iter().chain([b'\n']).collect::<Vec<_>>().repeat(65 * 1024));
    let head = repository.commit("Large");
    assert!(cannot_tell(repository.ours().diff(&base, &head)).contains("more than can be held"));
}

#[test]
fn missing_objects_are_no_answer() {
    let repository = Repository::new();
    let base = repository.id("HEAD");
    assert!(matches!(
        repository.ours().diff(&base, &CommitId::new(&"1".repeat(40)).unwrap()),
        Err(GitError::CannotTell(_))
    ));
    assert!(repository.ours().subject(&CommitId::new(&"1".repeat(40)).unwrap()).is_err());
}
