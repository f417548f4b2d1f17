//! Keeps the house in order: which crate may know which, where a foreign library enters, how long a file gets,
//! and that `ARCHITECTURE.md` shows the tree as it is. Each rule stands in one table or one sentence below.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/tree.rs"]
mod tree;

/// Which crate may depend on which others of the workspace. Development dependencies are free: tests may
/// look at anything.
const ARROWS: &[(&str, &[&str])] = &[
    ("fuseboard", &["fuseboard-macros"]),
    ("fuseboard-macros", &[]),
    ("fuseboard-pipeline", &["fuseboard"]),
    ("fuseboard-stores", &["fuseboard", "fuseboard-pipeline"]),
    ("fuseboard-mission", &["fuseboard", "fuseboard-pipeline"]),
    ("fuseboard-cli", &["fuseboard", "fuseboard-pipeline", "fuseboard-stores", "fuseboard-mission"]),
    ("fuseboard-python", &["fuseboard", "fuseboard-stores"]),
];

/// Where a foreign library enters: the files, or folders, that may name it.
const DOORS: &[(&[&str], &[&str])] = &[
    (
        &["rusqlite", "libsqlite3_sys"],
        &["crates/fuseboard-stores/src/sqlite.rs", "crates/fuseboard-stores/src/sqlite/"],
    ),
    (&["pyo3"], &["crates/fuseboard-python/src/"]),
    (&["redis"], &["crates/fuseboard-stores/src/redis.rs"]),
    (&["syn", "quote", "proc_macro2"], &["crates/fuseboard/macros/src/"]),
    (&["tracing"], &["crates/fuseboard/src/tracing_observer.rs"]),
    (&["metrics"], &["crates/fuseboard/src/metrics_observer.rs"]),
    (&["tower_layer", "tower_service"], &["crates/fuseboard/src/tower.rs"]),
    (&["ureq"], &["crates/fuseboard-mission/src/web.rs"]),
    (&["rand", "rand_distr"], &["crates/fuseboard-mission/src/arms/draw.rs"]),
    (&["comfy_table"], &["crates/fuseboard-cli/src/table.rs"]),
    (&["owo_colors", "anstream", "anstyle"], &["crates/fuseboard-cli/src/console.rs"]),
    (
        &["nix", "libc", "rustix", "signal_hook"],
        &[
            "crates/fuseboard/src/sys.rs",
            "crates/fuseboard-pipeline/src/sys.rs",
            "crates/fuseboard-pipeline/src/process.rs",
            "crates/fuseboard-pipeline/src/process/",
            "crates/fuseboard-stores/src/sys.rs",
        ],
    ),
];

/// What the state machine may name of its own crate, and of the standard library.
const STATE_KNOWS: &[&str] = &["policy", "outcome", "record", "decision", "event", "clock"];
const STATE_USES_OF_STD: &[&str] = &["time", "sync", "fmt", "num", "cmp", "mem", "ops", "iter", "borrow"];
/// What it must not do, by the words that would do it: clock, lock, randomness, input and output, log.
const STATE_NEVER_SAYS: &[&str] = &[
    "SystemClock",
    "SystemTime",
    "Instant",
    "Mutex",
    "RwLock",
    "Condvar",
    "getrandom",
    "println",
    "eprintln",
    "tracing",
    "log",
];

/// Files that may contain the keyword `unsafe`; each says why at its head.
const UNSAFE: &[&str] = &["crates/fuseboard/src/guarded.rs", "crates/fuseboard-stores/tests/power/disk.rs"];

const LINES: usize = 400;

// --- The house as it is -----------------------------------------------------------------------------------

struct House {
    root: PathBuf,
    crates: Vec<Crate>,
}

struct Crate {
    name: String,
    /// Relative to the root, as every path here.
    folder: String,
    /// Of the workspace, development dependencies left out; true if optional.
    dependencies: BTreeMap<String, bool>,
    features: BTreeMap<String, Vec<String>>,
    sources: Vec<Source>,
}

struct Source {
    path: String,
    text: String,
    /// Without comments and texts.
    code: String,
    /// Without tests, too.
    product: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let code = source::code(text);
        let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
        let product = if is_test { String::new() } else { source::without_tests(&code) };
        Self { path: path.to_owned(), text: text.to_owned(), code, product }
    }
}

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(&root)
            .output()
            .expect("cargo can be started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON from cargo metadata");
        let packages = metadata["packages"].as_array().expect("packages");
        let ours: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
        let crates = packages.iter().map(|package| read_crate(&root, package, &ours)).collect();
        House { root, crates }
    })
}

fn read_crate(root: &Path, package: &serde_json::Value, ours: &BTreeSet<&str>) -> Crate {
    let manifest = Path::new(package["manifest_path"].as_str().expect("a manifest"));
    let folder = manifest.parent().expect("a folder").canonicalize().expect("a folder that exists");
    let dependencies = package["dependencies"]
        .as_array()
        .expect("dependencies")
        .iter()
        .filter(|dependency| dependency["kind"] != "dev")
        .map(|dependency| (dependency["name"].as_str().expect("a name"), dependency["optional"] == true))
        .filter(|(name, _)| ours.contains(name))
        .map(|(name, optional)| (name.to_owned(), optional))
        .collect();
    let mut sources: Vec<Source> = tree::rust_files(&folder.join("src"))
        .iter()
        .map(|file| Source::new(&tree::relative(root, file), &std::fs::read_to_string(file).expect("a source")))
        .collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Crate {
        name: package["name"].as_str().expect("a name").to_owned(),
        folder: tree::relative(root, &folder),
        dependencies,
        features: serde_json::from_value(package["features"].clone()).expect("features"),
        sources,
    }
}

fn sources() -> impl Iterator<Item = &'static Source> {
    house().crates.iter().flat_map(|each| &each.sources)
}

#[track_caller]
fn assert_none(faults: impl IntoIterator<Item = String>) {
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "\n\n{}\n", faults.join("\n"));
}

// --- The rules --------------------------------------------------------------------------------------------

fn wrong_arrows(each: &Crate) -> Vec<String> {
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == each.name) else {
        return vec![format!("{} is a new crate: say in ARROWS what it may depend on", each.name)];
    };
    let wrong = each.dependencies.keys().filter(|name| !allowed.contains(&name.as_str()));
    wrong.map(|name| format!("{} must not depend on {name}", each.name)).collect()
}

fn pipeline_beyond_the_ledger(stores: &Crate) -> Vec<String> {
    const PIPELINE: &str = "fuseboard-pipeline";
    let mut faults = Vec::new();
    if stores.dependencies.get(PIPELINE) == Some(&false) {
        faults.push(format!("{}: {PIPELINE} must be optional", stores.name));
    }
    for (feature, brings) in &stores.features {
        let brings_it = brings.iter().any(|what| what.trim_start_matches("dep:").starts_with(PIPELINE));
        if feature != "ledger" && brings_it {
            faults.push(format!("{}: the feature {feature} brings {PIPELINE}; only `ledger` may", stores.name));
        }
    }
    faults
}

fn library_through_the_window(source: &Source) -> Vec<String> {
    let tokens = source::tokens(&source.product);
    let is_door = |door: &str| source.path == door || (door.ends_with('/') && source.path.starts_with(door));
    DOORS
        .iter()
        .filter(|(_, doors)| !doors.iter().any(|door| is_door(door)))
        .flat_map(|(libraries, doors)| libraries.iter().map(move |library| (library, doors)))
        .filter(|(library, _)| source::uses(&tokens, library))
        .map(|(library, doors)| format!("{} names {library}; it enters through {}", source.path, doors.join(", ")))
        .collect()
}

fn impure_state(source: &Source) -> Vec<String> {
    let tokens = source::tokens(&source.product);
    let mut faults = Vec::new();
    for (root, allowed) in [("crate", STATE_KNOWS), ("std", STATE_USES_OF_STD), ("core", STATE_USES_OF_STD)] {
        let unknown = source::members(&tokens, root).into_iter().filter(|member| !allowed.contains(member));
        faults.extend(unknown.map(|member| format!("{}: {root}::{member}", source.path)));
    }
    let foreign = tokens.windows(2).filter(|pair| pair[0] == "use").map(|pair| pair[1]);
    let foreign = foreign.filter(|name| !["crate", "std", "core", "self", "super"].contains(name));
    faults.extend(foreign.map(|name| format!("{}: use {name}", source.path)));
    let forbidden = STATE_NEVER_SAYS.iter().filter(|word| tokens.contains(word));
    faults.extend(forbidden.map(|word| format!("{}: {word}", source.path)));
    faults
}

fn too_long(source: &Source) -> Option<String> {
    let lines = source.product.lines().count();
    (lines > LINES).then(|| format!("{}: {lines} lines without its tests; is it two things?", source.path))
}

fn unfinished(source: &Source) -> Vec<String> {
    let tokens = source::tokens(&source.code);
    let left = ["todo", "unimplemented", "dbg"].into_iter();
    left.filter(|name| tokens.windows(3).any(|w| w[0] == *name && w[1] == "!" && matches!(w[2], "(" | "[" | "{")))
        .map(|name| format!("{}: {name}!", source.path))
        .collect()
}

fn undeclared_unsafe(source: &Source) -> Option<String> {
    let found = source::tokens(&source.code).contains(&"unsafe") && !UNSAFE.contains(&source.path.as_str());
    found.then(|| format!("{}: unsafe", source.path))
}

/// The step whose file, or folder, this is.
fn step_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("crates/fuseboard-mission/src/steps/")?;
    rest.split('/').next().map(|name| name.trim_end_matches(".rs"))
}

fn step_knows_another(source: &Source, steps: &BTreeSet<&str>) -> Vec<String> {
    let Some(own) = step_of(&source.path) else { return Vec::new() };
    let tokens = source::tokens(&source.product);
    let named = ["super", "steps"].into_iter().flat_map(|root| source::members(&tokens, root));
    named
        .filter(|name| *name != own && steps.contains(name))
        .map(|name| format!("{} imports the step {name}", source.path))
        .collect()
}

fn git_by_the_back_door(source: &Source) -> Option<String> {
    let product = source.text.split("#[cfg(test)]").next().unwrap_or_default();
    let runs_git = !source.product.is_empty() && product.contains("Command::new(\"git\"");
    let is_home = source.path.ends_with("/git.rs") || source.path.contains("/git/");
    (runs_git && !is_home).then(|| format!("{} runs git; git.rs alone does", source.path))
}

// --- The house keeps them ---------------------------------------------------------------------------------

#[test]
fn the_arrows_between_the_crates_point_one_way() {
    assert_none(house().crates.iter().flat_map(wrong_arrows));
}

#[test]
fn the_stores_know_the_pipeline_for_the_ledger_only() {
    assert_none(
        house().crates.iter().filter(|each| each.name == "fuseboard-stores").flat_map(pipeline_beyond_the_ledger),
    );
}

#[test]
fn a_foreign_library_enters_through_one_file() {
    assert_none(sources().flat_map(library_through_the_window));
}

#[test]
fn the_state_machine_knows_policy_outcome_record_event_and_time_and_nothing_else() {
    let is_state =
        |path: &str| path == "crates/fuseboard/src/state.rs" || path.starts_with("crates/fuseboard/src/state/");
    assert_none(sources().filter(|source| is_state(&source.path)).flat_map(impure_state));
}

#[test]
fn no_source_file_is_longer_than_400_lines() {
    assert_none(sources().filter_map(too_long));
}

#[test]
fn nothing_is_left_for_later() {
    assert_none(sources().flat_map(unfinished));
}

#[test]
fn no_code_is_unsafe_but_what_the_list_names() {
    assert_none(sources().filter_map(undeclared_unsafe));
}

#[test]
fn one_step_never_imports_another() {
    let steps = sources().filter_map(|source| step_of(&source.path)).collect();
    assert_none(sources().flat_map(|source| step_knows_another(source, &steps)));
}

#[test]
fn git_is_run_from_one_file() {
    assert_none(sources().filter_map(git_by_the_back_door));
}

#[test]
fn architecture_md_lists_the_tree_as_it_is() {
    let house = house();
    let text = std::fs::read_to_string(house.root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let mut wanted = BTreeMap::new();
    for each in &house.crates {
        wanted.insert(format!("{}/", each.folder), String::new());
        wanted.extend(each.sources.iter().map(|source| (source.path.clone(), tree::headline(&source.text))));
    }
    let exists = |path: &str| house.root.join(path).exists();
    assert_none(tree::differences(&text, &wanted, exists));
}

// --- And each rule can be broken --------------------------------------------------------------------------

fn planted(path: &str, text: &str) -> Source {
    Source::new(path, text)
}

#[test]
fn a_wrong_arrow_is_found() {
    let mut planted = Crate {
        name: "fuseboard-stores".into(),
        folder: "crates/fuseboard-stores".into(),
        dependencies: [("fuseboard-cli".to_owned(), false), ("fuseboard-pipeline".to_owned(), false)].into(),
        features: [("sqlite".to_owned(), vec!["dep:fuseboard-pipeline".to_owned()])].into(),
        sources: Vec::new(),
    };
    assert_eq!(wrong_arrows(&planted), ["fuseboard-stores must not depend on fuseboard-cli"]);
    assert_eq!(pipeline_beyond_the_ledger(&planted).len(), 2);
    planted.dependencies = [("fuseboard-pipeline".to_owned(), true)].into();
    planted.features = [("ledger".to_owned(), vec!["dep:fuseboard-pipeline".to_owned()])].into();
    assert_none(wrong_arrows(&planted).into_iter().chain(pipeline_beyond_the_ledger(&planted)));
    planted.name = "fuseboard-attic".into();
    assert_eq!(wrong_arrows(&planted).len(), 1);
}

#[test]
fn a_library_is_found_in_code_but_not_in_comments_texts_tests_and_modules_of_its_name() {
    let found = |text: &str| library_through_the_window(&planted("crates/fuseboard-cli/src/main.rs", text)).len();
    assert_eq!(found("use rusqlite::Connection;"), 1);
    assert_eq!(found("use {std::fmt, rusqlite::Connection};"), 1);
    assert_eq!(found("fn f() -> ::redis::Value { nix::unistd::getpid() }"), 2);
    assert_eq!(found("extern crate libc;"), 1);
    assert_eq!(found("// use rusqlite::Connection;\n/* redis::x /* nested */ nix::y */"), 0);
    assert_eq!(found(r##"const A: &str = "nix::x \" redis::y"; const B: &str = r#"libc::"z "#;"##), 0);
    assert_eq!(found("fn f<'a>(c: char) -> bool { c == '\"' } fn g() { libc::x() } const C: char = '\"';"), 1);
    assert_eq!(found("#[cfg(test)]\nmod tests { use rusqlite::Connection; }"), 0);
    assert_eq!(found("use crate::redis::Store; use self::redis::Other;"), 0);
    let sqlite = planted("crates/fuseboard-stores/src/sqlite/schema.rs", "use rusqlite::Connection;");
    assert_none(library_through_the_window(&sqlite));
}

#[test]
fn an_impure_state_machine_is_found() {
    let faults = |text: &str| impure_state(&planted("crates/fuseboard/src/state.rs", text)).len();
    assert_eq!(
        faults("use std::time::Duration; use crate::policy::Policy; use crate::{event::Event, outcome::{A, B}};"),
        0
    );
    assert_eq!(faults("use crate::store::Store; use crate::{policy::Policy, circuit::Circuit};"), 2);
    assert_eq!(faults("use std::fs::File; use serde::Serialize;"), 2);
    assert_eq!(faults("use crate::clock::SystemClock; fn f() { println!(); }"), 2);
}

#[test]
fn a_long_file_is_found_and_its_tests_do_not_count() {
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(50));
    let file = |lines: usize| planted("crates/fuseboard/src/long.rs", &("fn f() {}\n".repeat(lines) + &tests));
    assert_eq!(too_long(&file(LINES - 1)), None);
    assert!(too_long(&file(LINES + 1)).is_some());
}

#[test]
fn unfinished_and_unsafe_code_steps_that_meet_and_a_hidden_git_are_found() {
    let path = "crates/fuseboard-mission/src/steps/lint.rs";
    assert_eq!(unfinished(&planted(path, "fn f() { todo!() } fn g() { dbg!(1); } // unimplemented!()")).len(), 2);
    assert!(undeclared_unsafe(&planted(path, "fn f() { unsafe { g() } }")).is_some());
    assert!(undeclared_unsafe(&planted(path, "#![deny(unsafe_code)] // unsafe")).is_none());
    let steps = BTreeSet::from(["lint", "merge", "usage"]);
    let meets = planted(path, "use super::merge::Merge; use crate::steps::{lint::Own, usage}; use super::Step;");
    assert_eq!(step_knows_another(&meets, &steps).len(), 2);
    assert!(git_by_the_back_door(&planted(path, "fn f() { Command::new(\"git\").output(); }")).is_some());
}

#[test]
fn a_missing_and_a_surplus_line_of_the_tree_are_found() {
    let text = "# A\n\n```text\nx            the door\ncrates/\n  a/         first\n    src/\n      old.rs gone\n```\n";
    let wanted = [("crates/a/", ""), ("crates/a/src/lib.rs", "The index."), ("crates/a/src/store/memory.rs", "")]
        .map(|(path, headline)| (path.to_owned(), headline.to_owned()))
        .into();
    let faults = tree::differences(text, &wanted, |path| !path.ends_with("old.rs"));
    let lines: Vec<&str> = faults.iter().flat_map(|fault| fault.lines()).collect();
    assert_eq!(lines[0], "ARCHITECTURE.md, below crates/a/src/, add:");
    assert!(lines[1].starts_with("      lib.rs ") && lines[1].ends_with("The index."), "{}", lines[1]);
    assert!(lines.contains(&"      store/"), "{lines:#?}");
    assert!(lines.contains(&"        memory.rs"), "{lines:#?}");
    assert_eq!(*lines.last().unwrap(), "ARCHITECTURE.md, line 8, remove:       old.rs gone");
}
