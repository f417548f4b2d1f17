//! `archive` moves the agent's work log into the day's journal, and never loses it.

mod recorder_support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use fuseboard::clock::{Clock as _, SystemClock};
use fuseboard_mission::steps::archive::Archive;
use fuseboard_pipeline::day::Day;
use fuseboard_pipeline::step::{Step as _, Told};
use recorder_support::{Stage, fill, on_a_full_disk, options};

/// A project with this work log, and the folder of a journal.
fn stage(log: &[u8]) -> Stage {
    let mut stage = Stage::new();
    stage.job.project.path = stage.folder.path().join("app");
    stage.job.ended_at = Some(SystemClock.wall().into());
    fs::create_dir(&stage.job.project.path).unwrap();
    fs::create_dir(stage.folder.path().join("journal")).unwrap();
    fs::write(log_of(&stage), log).unwrap();
    stage
}

fn log_of(stage: &Stage) -> PathBuf {
    stage.job.project.path.join("pending.md")
}

fn archive() -> Archive {
    Archive::of(&options("folder = 'journal'")).unwrap()
}

fn play(stage: &Stage) -> Told {
    stage.play(&archive()).unwrap()
}

fn journal(stage: &Stage) -> String {
    let day = Day::of(stage.job.ended_at.unwrap());
    fs::read_to_string(stage.folder.path().join(format!("journal/{day}.md"))).unwrap()
}

/// That it fails with this word and leaves the log alone.
#[track_caller]
fn fails(stage: &Stage, archive: &Archive, word: &str) {
    let error = stage.play(archive).unwrap_err().to_string();
    assert!(error.contains(word), "{error}");
    assert!(log_of(stage).symlink_metadata().is_ok(), "the log is gone");
}

#[test]
fn the_log_goes_into_the_journal_and_away() {
    let stage = stage(b"# Done\n\n- mended \x1b[31mit\n");
    let told = play(&stage);
    assert!(told.detail.unwrap().contains(" bytes of pending.md to "));
    assert!(!log_of(&stage).exists());
    let journal = journal(&stage);
    assert!(
        journal.contains(" parser: work log\n\n> # Done\n>\n> - mended it\n\n<!-- fuseboard archive "),
        "{journal}"
    );
}

#[test]
fn nothing_to_archive_is_no_fault_and_makes_no_journal() {
    let stage = stage(b" \n");
    assert_eq!(play(&stage).detail.as_deref(), Some("nothing to archive"));
    fs::remove_file(log_of(&stage)).unwrap();
    assert_eq!(play(&stage).detail.as_deref(), Some("nothing to archive"));
    fs::remove_dir(&stage.job.project.path).unwrap();
    assert_eq!(play(&stage).detail.as_deref(), Some("nothing to archive"));
    assert_eq!(fs::read_dir(stage.folder.path().join("journal")).unwrap().count(), 0);
}

#[test]
fn a_log_that_a_crash_kept_from_being_removed_is_not_archived_again() {
    let mut stage = stage(b"once\n");
    // Kept under another name, it comes back as the very file that it was.
    let kept = stage.folder.path().join("kept");
    fs::hard_link(log_of(&stage), &kept).unwrap();
    play(&stage);
    fs::rename(&kept, log_of(&stage)).unwrap();
    let (before, first_day) = (journal(&stage), stage.job.ended_at.unwrap());
    stage.run = "0198-6".into();
    stage.job.ended_at = Some(first_day.after(Duration::from_hours(72)));
    let told = play(&stage);
    assert!(told.detail.unwrap().contains("had been archived already"));
    assert!(!log_of(&stage).exists());
    stage.job.ended_at = Some(first_day);
    assert_eq!(journal(&stage), before);
}

#[test]
fn the_next_mission_may_have_the_same_to_say() {
    let mut stage = stage(b"nothing to do\n");
    play(&stage);
    stage.run = "0198-6".into();
    // A file of its own, even if the file system gives it the same number.
    fs::write(log_of(&stage), b"nothing to do\n").unwrap();
    let later = SystemClock.wall() + Duration::from_millis(5);
    fs::File::options().write(true).open(log_of(&stage)).unwrap().set_modified(later).unwrap();
    play(&stage);
    assert_eq!(journal(&stage).matches("> nothing to do\n").count(), 2);
}

#[test]
fn bytes_that_are_no_text_stay_readable_and_a_mark_is_not_forged() {
    let stage = stage(b"caf\xe9\n<!-- fuseboard run 0198-6 -->\n```\n");
    play(&stage);
    let journal = journal(&stage);
    assert!(journal.contains("> caf\u{fffd}\n> <!-- fuseboard run 0198-6 -->\n> ```\n"), "{journal}");
}

#[test]
fn links_are_not_followed() {
    let stage = stage(b"");
    let secret = stage.folder.path().join("secret.md");
    fs::write(&secret, "private").unwrap();
    fs::remove_file(log_of(&stage)).unwrap();
    symlink(&secret, log_of(&stage)).unwrap();
    fails(&stage, &archive(), "it is a link");
    symlink(stage.folder.path(), stage.job.project.path.join("way")).unwrap();
    let through = Archive::of(&options("file = 'way/secret.md'\nfolder = 'journal'")).unwrap();
    fails(&stage, &through, "a folder on the way is a link");
    assert_eq!(fs::read_to_string(secret).unwrap(), "private");
}

#[test]
fn what_is_no_file_or_too_long_stays() {
    let stage = stage(&vec![b'x'; 1024 * 1024 + 1]);
    fails(&stage, &archive(), "it is longer than 1048576 bytes");
    fs::remove_file(log_of(&stage)).unwrap();
    fs::create_dir(log_of(&stage)).unwrap();
    fails(&stage, &archive(), "it is no regular file");
}

#[test]
fn a_journal_that_cannot_be_written_leaves_the_log() {
    let stage = stage(b"keep me\n");
    let day = Day::of(stage.job.ended_at.unwrap());
    let journal = stage.folder.path().join("journal");
    symlink("/dev/full", journal.join(format!("{day}.md"))).unwrap();
    fails(&stage, &archive(), "links are not followed");
    fs::remove_dir_all(&journal).unwrap();
    fails(&stage, &archive(), "journal is no folder; make it");
    fs::write(&journal, "").unwrap();
    fails(&stage, &archive(), "journal is no folder; make it");
    assert_eq!(fs::read(log_of(&stage)).unwrap(), b"keep me\n");
}

#[test]
fn a_full_disk_leaves_the_log_and_the_journal_as_they_were() {
    if !on_a_full_disk("a_full_disk_leaves_the_log_and_the_journal_as_they_were") {
        return;
    }
    let stage = stage(b"keep me\n");
    let day = Day::of(stage.job.ended_at.unwrap());
    let file = stage.folder.path().join(format!("journal/{day}.md"));
    let before = fill(&file);
    fails(&stage, &archive(), "cannot be written: ");
    assert_eq!(fs::read(file).unwrap(), before);
    assert_eq!(fs::read(log_of(&stage)).unwrap(), b"keep me\n");
}

#[test]
fn options_that_cannot_be_meant_are_errors_of_the_configuration() {
    let errors = |text: &str| Archive::of(&options(text)).unwrap_err().to_string();
    assert!(errors("fiel = 'x'").contains("did you mean `file`?"));
    assert!(errors("file = '..'").contains("a name of its own"));
    let usual = Archive::of(&options("")).unwrap();
    assert_eq!(
        usual.writes_files(),
        [fuseboard_pipeline::step::Written::InProject("pending.md".into())],
        "it may lie about, although git does not know it"
    );
}
