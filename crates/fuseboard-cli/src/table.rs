//! Tables for people: aligned columns without rules, one style for a whole line.

use comfy_table::{ContentArrangement, Table as Drawn, presets};

use crate::console::{STRONG, Style, styled};

/// A table under its head.
pub(crate) struct Table {
    drawn: Drawn,
    styles: Vec<Style>,
}

impl Table {
    pub(crate) fn new(head: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut drawn = Drawn::new();
        drawn.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        drawn.set_header(head.into_iter().map(Into::into).collect::<Vec<String>>());
        Self { drawn, styles: vec![STRONG] }
    }

    /// Adds a line. No cell may hold a line feed.
    pub(crate) fn row(&mut self, style: Style, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.drawn.add_row(cells.into_iter().map(Into::into).collect::<Vec<String>>());
        self.styles.push(style);
    }

    pub(crate) fn shown(&self) -> String {
        let text = self.drawn.to_string();
        // Each cell has a space on either side.
        let lines = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
        lines.zip(&self.styles).map(|(line, style)| styled(*style, line)).collect::<Vec<_>>().join("\n")
    }
}
