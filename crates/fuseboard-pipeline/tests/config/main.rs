//! What `fuseboard.toml` can say, and what is said about a file that is wrong.

mod layers;
mod options;
mod steps;
mod waiting;
mod what_a_file_says;
mod what_is_wrong;

use std::path::Path;
use std::time::Duration;

use fuseboard::CircuitName;
use fuseboard_pipeline::config::{Config, ConfigErrors};

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(Path::new("fuseboard.toml"), text.as_bytes())
}

fn parsed(text: &str) -> Config {
    parse(text).unwrap_or_else(|errors| panic!("refused:\n{errors}"))
}

/// Every complaint about a text, one a line, without the file's name.
fn complaints(text: &str) -> Vec<String> {
    let Err(errors) = parse(text) else { panic!("accepted:\n{text}") };
    errors.to_string().lines().map(|line| line.trim_start_matches("fuseboard.toml:").to_owned()).collect()
}

/// The only complaint about a text.
#[track_caller]
fn complaint(text: &str) -> String {
    let mut all = complaints(text);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// A step that is in order, with further keys.
fn gate(keys: &str) -> String {
    format!("[[step]]\nname = \"lint\"\nkind = \"gate\"\nrun = [\"true\"]\n{keys}\n")
}

fn name(text: &str) -> CircuitName {
    text.parse().unwrap()
}

fn minutes(n: u64) -> Duration {
    Duration::from_mins(n)
}
