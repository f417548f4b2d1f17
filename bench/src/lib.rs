//! Pieces that the benches share: samples, and the table they end in.

use std::fmt::Write as _;
use std::time::Duration;

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
