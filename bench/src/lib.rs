//! Pieces that the benches share: their options, samples, targets, and the tables they end in.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

/// A result with any error.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Runs a bench, and says on the error stream why it could not be.
pub fn main(name: &str, run: impl FnOnce() -> Result<()>) -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The program that is measured: `$FUSEBOARD_BIN`, else `target/release/fuseboard`.
///
/// # Errors
/// If there is none.
pub fn program() -> Result<PathBuf> {
    let program = std::env::var_os("FUSEBOARD_BIN").map_or("target/release/fuseboard".into(), PathBuf::from);
    Ok(program.canonicalize().map_err(|error| format!("no program at {}: {error}", program.display()))?)
}

/// Reads the command line: these numbers, at least 1, by their options' names, and `--out`, a folder. `None` if it
/// asked for help, which is printed.
///
/// # Errors
/// If it cannot be read.
pub fn options<const N: usize>(help: &str, mut numbers: [(&str, usize); N]) -> Result<Option<([usize; N], PathBuf)>> {
    let mut out = PathBuf::from("target/bench");
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if ["--help", "-h"].contains(&word.as_str()) {
            print!("{help}");
            return Ok(None);
        }
        let number = numbers.iter_mut().find(|(name, _)| *name == word);
        if number.is_none() && word != "--out" {
            return Err(format!("no option {word}\n\n{help}").into());
        }
        let value = words.next().ok_or(format!("{word} needs a value"))?;
        match number {
            Some((_, number)) => *number = value.parse()?,
            None => out = value.into(),
        }
    }
    if numbers.iter().any(|(_, number)| *number == 0) {
        return Err("every number must be at least 1".into());
    }
    Ok(Some((numbers.map(|(_, number)| number), out)))
}

/// Prints the tables of a bench, and writes its results for scripts into the folder.
///
/// # Errors
/// If they cannot be written.
pub fn tell(text: &str, json: &Value, folder: &Path, file: &str) -> Result<()> {
    print!("{text}");
    std::fs::create_dir_all(folder)?;
    Ok(std::fs::write(folder.join(file), serde_json::to_string_pretty(json)? + "\n")?)
}

/// What was measured, and how much it may be.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is.
    pub what: &'static str,
    /// How much it is.
    pub measured: f64,
    /// How much it may be.
    pub at_most: f64,
    /// The unit of both.
    pub unit: &'static str,
}

impl Target {
    /// A target.
    pub fn new(what: &'static str, measured: f64, at_most: f64, unit: &'static str) -> Self {
        Self { what, measured, at_most, unit }
    }

    /// The table of some targets.
    pub fn table(targets: &[Self]) -> String {
        let row = |Self { what, measured, at_most, unit }: &Self| {
            let ratio = format!("{:.2}", measured / at_most);
            vec![(*what).into(), format!("{measured:.2} {unit}"), format!("{at_most} {unit}"), ratio]
        };
        table(&["target", "measured", "at most", "ratio"], &targets.iter().map(row).collect::<Vec<_>>())
    }

    /// The same for scripts.
    pub fn json(targets: &[Self]) -> Value {
        let one = |Self { what, measured, at_most, unit }: &Self| {
            json!({
                "what": what, "measured": measured, "target": at_most, "unit": unit, "ratio": measured / at_most,
            })
        };
        targets.iter().map(one).collect()
    }
}

/// Durations of one thing, measured many times.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// Adds one.
    pub fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// The least, in milliseconds: what the thing costs when nothing disturbs it.
    ///
    /// # Panics
    /// If there is no sample.
    pub fn minimum(&self) -> f64 {
        milliseconds(*self.0.iter().min().expect("a sample"))
    }

    /// The middle one, in milliseconds.
    ///
    /// # Panics
    /// If there is no sample.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        milliseconds(sorted[sorted.len() / 2])
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// A Markdown table with aligned columns; the first column is text, the others are numbers.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].chars().count(), 3]).max().unwrap_or(3)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    let mut line = |cells: Vec<String>| {
        for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width - cell.chars().count());
            let _ = if column == 0 { write!(text, "| {cell}{padding} ") } else { write!(text, "| {padding}{cell} ") };
        }
        text.push_str("|\n");
    };
    line(head.iter().map(ToString::to_string).collect());
    line(widths.iter().enumerate().map(|(column, width)| rule(column, *width)).collect());
    rows.iter().for_each(|row| line(row.clone()));
    text
}

fn rule(column: usize, width: usize) -> String {
    if column == 0 { "-".repeat(width) } else { "-".repeat(width - 1) + ":" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_know_their_minimum_and_their_median() {
        let mut samples = Samples::default();
        for ms in [5, 1, 9, 3, 4] {
            samples.push(Duration::from_millis(ms));
        }
        assert_eq!((samples.minimum(), samples.median()), (1.0, 4.0));
    }

    #[test]
    fn a_table_is_aligned() {
        let text = table(&["what", "ms"], &[vec!["a".into(), "1.00".into()]]);
        assert_eq!(text, "| what |   ms |\n| ---- | ---: |\n| a    | 1.00 |\n");
    }
}
