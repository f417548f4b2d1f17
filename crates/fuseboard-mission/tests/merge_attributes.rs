//! Lines merge as they stand in the commits: attributes and settings of the repository neither hide a conflict nor
//! change a byte.

mod mission;
mod repository;

use std::fs;

use mission::{LOCAL_MERGE, Mission, STRATEGIES};
use repository::{bytes_in, git_in};

/// Both sides change the same line; the base, or the work, brings these attributes.
fn at_odds(attributes: &str, in_base: bool) -> Mission {
    let mut mission = Mission::new();
    if !in_base {
        mission.repository.write(".gitattributes", attributes);
    }
    mission.repository.write("file", "one\nmine\nthree\n");
    mission.repository.commit("Change two");
    mission.ended();
    mission.main_moves("file", "one\ntheirs\nthree\n");
    if in_base {
        mission.main_moves(".gitattributes", attributes);
    }
    mission
}

/// That git by itself would join the lines without a word.
#[track_caller]
fn assert_git_would_join(mission: &Mission) {
    let side = mission.repository.beside("plain");
    mission.repository.git(["worktree", "add", "-q", "--detach", side.to_str().unwrap(), "main"]);
    git_in(&side, ["-c", "user.name=X", "-c", "user.email=x@y", "merge", "-q", "--no-edit", "agent/one"]);
    mission.repository.git(["worktree", "remove", "--force", side.to_str().unwrap()]);
}

#[test]
fn a_committed_attribute_does_not_join_lines_that_conflict() {
    for strategy in STRATEGIES {
        for (attributes, in_base) in [("* merge=union\n", true), ("* merge=union\n", false)] {
            let mission = Mission { options: strategy, ..at_odds(attributes, in_base) };
            if in_base {
                assert_git_would_join(&mission);
            }
            let error = mission.failed();
            assert!(error.message.ends_with("conflict in file"), "{strategy} {in_base}: {error}");
        }
    }
}

#[test]
fn a_setting_does_not_join_lines_that_conflict() {
    for strategy in STRATEGIES {
        let mission = Mission { options: strategy, ..at_odds("", false) };
        mission.repository.git(["config", "merge.default", "union"]);
        assert_git_would_join(&mission);
        assert!(mission.failed().message.ends_with("conflict in file"), "{strategy}");
    }
}

#[test]
fn attributes_beside_the_commits_that_could_decide_a_merge_are_refused() {
    let info = ".git/info/attributes";
    for text in ["* merge=union\n", "[attr]join merge=union\n* join\n"] {
        let mission = at_odds("", false);
        mission.repository.write(info, text);
        assert_git_would_join(&mission);
        assert!(mission.refused().contains("info/attributes can decide how files merge"), "{text}");
    }
    let mission = at_odds("", false);
    mission.repository.write(info, "#".repeat((1 << 20) + 1));
    assert!(mission.refused().contains("info/attributes can decide"), "too large to be read");
    let mission = at_odds("", false);
    fs::create_dir_all(mission.repository.root.join(info)).unwrap();
    assert!(mission.refused().contains("is no file"));
    let mission = Mission::new();
    mission.main_moves("other", "y\n");
    mission.repository.write(info, "# merge=union\n*.png -text\n");
    mission.merge(&LOCAL_MERGE);
}

#[test]
fn a_driver_that_nobody_configured_and_binary_files_conflict_as_they_should() {
    for attributes in ["* merge=ours\n", "* merge=binary\n", "* -merge\n"] {
        let mission = at_odds(attributes, true);
        assert!(mission.failed().message.ends_with("conflict in file"), "{attributes}");
    }
}

/// The base gets attributes under which nobody has ever checked out a file.
fn base_gets(mission: &Mission, attributes: &str) {
    let side = mission.repository.beside("side");
    mission.repository.git(["worktree", "add", "-q", "--no-checkout", side.to_str().unwrap(), "main"]);
    git_in(&side, ["reset", "-q"]);
    fs::write(side.join(".gitattributes"), attributes).unwrap();
    git_in(&side, ["add", ".gitattributes"]);
    git_in(&side, ["commit", "-qm", "Attributes"]);
    mission.repository.git(["worktree", "remove", "--force", side.to_str().unwrap()]);
}

#[test]
fn attributes_that_convert_files_on_checkout_change_no_byte_of_the_merge() {
    let attributes = "crlf text eol=crlf\nident ident\nutf16 text working-tree-encoding=UTF-16\nnonsense text \
                      working-tree-encoding=NONSENSE\nfiltered filter=nobody\n";
    let files: [(&str, &[u8]); 5] = [
        ("crlf", b"a\r\nb\nc\nd\ne\n"),
        ("ident", b"$Id$\na\nb\nc\nd\n"),
        ("utf16", b"a\nb\nc\nd\ne\n"),
        ("nonsense", b"a\nb\xff\xfe\nc\nd\ne\n"),
        ("filtered", b"a\r\nb\r\nc\nd\ne\n"),
    ];
    for strategy in STRATEGIES {
        let mut mission = Mission { options: strategy, ..Mission::new() };
        mission.repository.git(["checkout", "-q", "main"]);
        for (name, content) in files {
            mission.repository.write(name, content);
        }
        mission.repository.commit("All kinds");
        mission.job.project.base = Some(mission.repository.id("main").to_string());
        mission.repository.git(["checkout", "-q", "-b", "agent/two"]);
        for (name, content) in files {
            mission.repository.write(name, [content, b"mine\n"].concat());
        }
        mission.repository.commit("Add a line to each");
        mission.ended();
        for (name, content) in files {
            mission.main_moves(name, [b"theirs\n", content].concat());
        }
        base_gets(&mission, attributes);
        for setting in ["core.autocrlf", "merge.renormalize", "core.safecrlf"] {
            mission.repository.git(["config", setting, "true"]);
        }
        mission.merge(&LOCAL_MERGE);
        for (name, content) in files {
            let merged = bytes_in(&mission.repository.root, ["cat-file", "blob", &format!("main:{name}")]);
            assert_eq!(merged, [b"theirs\n", content, b"mine\n"].concat(), "{strategy} {name}");
        }
    }
}
