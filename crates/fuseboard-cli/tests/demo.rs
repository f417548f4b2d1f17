//! The demo is a test: it plays an outage and an agent's missions with the real program, and checks every step
//! itself. The README's transcript is what it prints.

mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use world::{World, finish, fuseboard};

/// Everything that the demo prints, scene after scene.
static TOLD: LazyLock<String> = LazyLock::new(|| ["exec.sh", "mission.sh"].map(play).concat());

#[test]
fn the_demo_plays_to_its_end() {
    for line in [
        "$ fuseboard exec notify --cool-down 2s -- ./notify.sh \"build 4 ok\"\n",
        "  exit code 75, ",
        "The service got 'build 1 ok' and 'build 5 ok'. Two attempts failed, one was spared, no build was hurt.\n",
        "$ fuseboard mission --title \"mend the sum\" -- ./agent.sh \"mend the sum\"\n",
        " mend the sum\n",
        "  exit code 77, ",
        "$ fuseboard explain stats\n",
        "Five missions: four merged, one held back, and nobody had to watch.\n",
    ] {
        assert!(TOLD.contains(line), "not told: {line}\n{}", *TOLD);
    }
    assert_eq!(TOLD.matches("demo: everything was as it should be\n").count(), 2, "{}", *TOLD);
}

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    let (_, rest) = readme.split_once("<!-- demo -->\n").expect("the transcript's begin");
    let (block, _) = rest.split_once("<!-- end of demo -->\n").expect("the transcript's end");
    for command in ["\n$ fuseboard exec ", "\n$ fuseboard mission ", "\n$ fuseboard explain "] {
        assert!(block.contains(command), "not shown: {command}");
    }
    assert_eq!(first_untrue_line(block, &TOLD), None, "{}", *TOLD);
}

#[test]
fn what_the_demo_does_not_print_is_untrue_and_what_varies_is_not() {
    let told = "$ git log\n  af77ad1 Sums\n  in 4m 40s (2026-11-23T18:41:41.365Z)\n  exit code 0, 7 ms\n";
    let same = "```\n$ git log\n\nffffff0 Sums\nin 5m (2027-01-01T00:00:00.000Z)\nexit code 0, 1234 ms\n```\n";
    assert_eq!(first_untrue_line(same, told), None);
    for untrue in ["exit code 1, 7 ms", "af77ad1 Sum", "$ git log --oneline"] {
        assert_eq!(first_untrue_line(&format!("$ git log\n{untrue}\n"), told), Some(untrue));
    }
    let told = format!("$ git log\n a\n b\n{told}");
    assert_eq!(first_untrue_line("$ git log\nb\na\n$ git log\nexit code 0, 7 ms\n", &told), None);
    assert_eq!(first_untrue_line("$ git log\nexit code 0, 7 ms\n$ git log\nb\n", &told), Some("$ git log"));
    assert_eq!(first_untrue_line("$ git log\na\nexit code 0, 7 ms\n", &told), Some("exit code 0, 7 ms"));
}

/// Plays a scene in a world of its own, where it leaves neither a file nor a process.
fn play(scene: &str) -> String {
    let world = World::new();
    let folder = world.path("tmp");
    fs::create_dir(&folder).expect("a folder");
    let script = root().join("demo").join(scene);
    let mut command = world.other("bash", &[script.to_str().expect("UTF-8")]);
    command.env("FUSEBOARD_BIN", fuseboard()).env("TMPDIR", &folder);
    let ran = finish(command);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out(), ran.err());
    assert_eq!(ran.err(), "", "{}", ran.out());
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 0, "{scene} left files behind");
    ran.out()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The first line of the block which is not in what was told. The commands stand in their order, and every other
/// line is of the command above it; there the order is free, since steps run side by side.
fn first_untrue_line<'a>(block: &'a str, told: &str) -> Option<&'a str> {
    let told: Vec<String> = told.lines().map(normal).collect();
    let mut told = by_command(&told);
    let lines: Vec<&str> = block.lines().filter(|line| !line.is_empty() && !line.starts_with("```")).collect();
    by_command(&lines).into_iter().find_map(|shown| {
        let untrue = |told: &[String]| shown.iter().copied().find(|line| !told.contains(&normal(line)));
        let calls = || told.iter().filter(|told| told[0] == normal(shown[0]));
        let Some(call) = told.iter().position(|told| untrue(told).is_none()) else {
            return calls().next().map_or(Some(shown[0]), |told| untrue(told));
        };
        told.drain(..=call);
        None
    })
}

/// The lines, a piece for each command.
fn by_command<L: AsRef<str>>(lines: &[L]) -> Vec<&[L]> {
    lines.chunk_by(|_, line| !line.as_ref().starts_with("$ ")).collect()
}

/// A line without what differs each time: space, durations, moments, ids, commits, and where temporary folders are.
fn normal(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let core = word.trim_matches(['(', ')', ',', ';', ':']);
        let holder = if core.is_empty() { None } else { placeholder(core) };
        let word = holder.map_or_else(|| word.to_owned(), |holder| word.replace(core, &holder));
        match words.last_mut() {
            Some(last) if word == "ms" && is_number(last) => TIME.clone_into(last),
            Some(last) if last == TIME && word.starts_with(TIME) => *last = word, // as in 4m 40s
            _ => words.push(word),
        }
    }
    words.join(" ")
}

const TIME: &str = "<time>";

fn placeholder(word: &str) -> Option<String> {
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let units = ["ms", "s", "m", "h", "d"];
    if (7..=40).contains(&word.len()) && is_hex(word) {
        Some("<commit>".to_owned()) // first, since one may end like 1234567d
    } else if units.iter().any(|unit| word.strip_suffix(unit).is_some_and(is_number)) {
        Some(TIME.to_owned())
    } else if word.len() == "2026-11-23T18:41:41.365Z".len() && word.contains('T') && word.ends_with('Z') {
        Some("<moment>".to_owned())
    } else if word.len() > 10 && word.find('-') == Some(8) && word.split('-').all(is_hex) {
        Some("<id>".to_owned())
    } else {
        let (folder, file) = word.strip_prefix('/')?.rsplit_once('/')?;
        Some(format!("<{}>/{file}", folder.rsplit_once('/').map_or("folder", |(_, last)| last)))
    }
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}
