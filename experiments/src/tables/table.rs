//! Tables, and the one writer of each of their formats.

use anyhow::{Context, Result};

/// An entry of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    text: String,
    bold: bool,
}

impl Entry {
    /// What it says.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it stands out.
    pub(crate) fn is_bold(&self) -> bool {
        self.bold
    }

    /// An entry that stands out.
    pub(crate) fn bold_if(bold: bool, text: String) -> Self {
        Self { text, bold }
    }
}

impl<T: Into<String>> From<T> for Entry {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            bold: false,
        }
    }
}

/// How bold entries stand out as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emphasis {
    /// By the terminal's bold type.
    Bold,
    /// Not at all.
    None,
}

/// Rows of text under named columns. A rule can stand above a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Entry>>,
    rules: Vec<usize>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
            rules: Vec::new(),
        }
    }

    /// Appends a row, one cell per column.
    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = impl Into<Entry>>) {
        let row: Vec<Entry> = row.into_iter().map(Into::into).collect();
        debug_assert_eq!(row.len(), self.columns.len(), "{row:?}");
        self.rows.push(row);
    }

    /// The names of the columns.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows between rules, without empty groups.
    pub(crate) fn groups(&self) -> Vec<&[Vec<Entry>]> {
        let ends = self.rules.iter().copied().chain([self.rows.len()]);
        let mut start = 0;
        ends.map(|end| {
            let group = &self.rows[start..end];
            start = end;
            group
        })
        .filter(|group| !group.is_empty())
        .collect()
    }

    /// Puts a rule between the last row and the next (LaTeX and HTML).
    pub(crate) fn rule(&mut self) {
        self.rules.push(self.rows.len());
    }

    /// Comma-separated values with a header (RFC 4180, lines end in LF).
    ///
    /// # Errors
    /// A row without a cell for each column.
    pub(crate) fn csv(&self) -> Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.columns)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(|cell| &cell.text))?;
        }
        writer.into_inner().context("cannot write CSV")
    }

    /// A Markdown table, its columns aligned for reading as text; numbers to the right.
    pub(crate) fn markdown(&self) -> String {
        let rendered: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(markdown_cell).collect())
            .collect();
        let width = |column: usize| {
            let cells = rendered.iter().map(|row| row[column].chars().count());
            cells.fold(self.columns[column].chars().count().max(3), usize::max)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |cells: &[String]| {
            let mut line = String::from("|");
            for (column, (cell, &width)) in cells.iter().zip(&widths).enumerate() {
                let padding = " ".repeat(width - cell.chars().count());
                line += &match column {
                    0 => format!(" {cell}{padding} |"),
                    _ => format!(" {padding}{cell} |"),
                };
            }
            line + "\n"
        };
        let dashes: Vec<String> = widths
            .iter()
            .enumerate()
            .map(|(column, &width)| match column {
                0 => "-".repeat(width),
                _ => "-".repeat(width - 1) + ":",
            })
            .collect();
        let mut text = line(&self.columns) + &line(&dashes);
        for row in &rendered {
            text += &line(row);
        }
        text
    }

    /// Plain text in columns, numbers to the right. Headings are broken at spaces and hyphens where
    /// the entries below are narrower.
    pub(crate) fn text(&self, emphasis: Emphasis) -> String {
        let count = |text: &str| text.chars().count();
        let entries = |column: usize| self.rows.iter().map(move |row| count(&row[column].text));
        let longest_word = |column: &String| pieces(column).map(|piece| count(piece.trim())).max();
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, heading)| {
                let least = match index {
                    0 => count(heading),
                    _ => longest_word(heading).unwrap_or(0),
                };
                entries(index).fold(least, usize::max)
            })
            .collect();
        let headings = self.columns.iter().zip(&widths);
        let headings: Vec<Vec<String>> =
            headings.map(|(text, &width)| broken(text, width)).collect();
        let height = headings.iter().map(Vec::len).max().unwrap_or(0);
        let mut lines: Vec<String> = Vec::new();
        let mut push = |cells: Vec<(String, bool)>| {
            let mut line = String::new();
            for (column, ((text, is_bold), &width)) in cells.into_iter().zip(&widths).enumerate() {
                let padding = " ".repeat(width.saturating_sub(count(&text)));
                let text = match is_bold && emphasis == Emphasis::Bold {
                    true => format!("\u{1b}[1m{text}\u{1b}[0m"),
                    false => text,
                };
                line += &match column {
                    0 => text + &padding,
                    _ => format!("  {padding}{text}"),
                };
            }
            lines.push(line.trim_end().to_owned());
        };
        for level in 0..height {
            // Headings stand on the entries.
            let piece = |heading: &Vec<String>| {
                let from_below = height - level;
                let at = heading.len().checked_sub(from_below);
                (at.map(|at| heading[at].clone()).unwrap_or_default(), false)
            };
            push(headings.iter().map(piece).collect());
        }
        for row in &self.rows {
            push(
                row.iter()
                    .map(|entry| (entry.text.clone(), entry.bold))
                    .collect(),
            );
        }
        lines.join("\n") + "\n"
    }

    /// A LaTeX `tabular` for the booktabs package. Cells are LaTeX already.
    pub(crate) fn latex(&self) -> String {
        let alignment = format!("l{}", "r".repeat(self.columns.len().saturating_sub(1)));
        let mut text = format!("\\begin{{tabular}}{{{alignment}}}\n\\toprule\n");
        text += &format!("{} \\\\\n\\midrule\n", self.columns.join(" & "));
        for (index, row) in self.rows.iter().enumerate() {
            if self.rules.contains(&index) {
                text += "\\midrule\n";
            }
            let cells: Vec<String> = row.iter().map(latex_cell).collect();
            text += &format!("{} \\\\\n", cells.join(" & "));
        }
        text + "\\bottomrule\n\\end{tabular}\n"
    }
}

/// The pieces of a heading that may stand on lines of their own, each with its end.
fn pieces(heading: &str) -> impl Iterator<Item = &str> {
    heading.split_inclusive([' ', '-'])
}

/// A heading in lines no wider than a width, as far as its pieces allow.
fn broken(heading: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces(heading) {
        match lines.last_mut() {
            Some(line) if (line.clone() + piece).trim_end().chars().count() <= width => {
                *line += piece;
            }
            _ => lines.push(piece.to_owned()),
        }
    }
    lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

fn markdown_cell(cell: &Entry) -> String {
    let text = cell.text.replace('|', "\\|");
    if cell.bold {
        format!("**{text}**")
    } else {
        text
    }
}

fn latex_cell(cell: &Entry) -> String {
    if cell.bold {
        format!("\\textbf{{{}}}", cell.text)
    } else {
        cell.text.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["method", "0 dB"]);
        table.push([Entry::from("a, b"), Entry::bold_if(true, "1.25".to_owned())]);
        table.rule();
        table.push(["c", "-10.00"]);
        table
    }

    #[test]
    fn groups_are_between_rules() {
        let mut table = table();
        table.rule();
        let sizes: Vec<usize> = table.groups().iter().map(|group| group.len()).collect();
        assert_eq!(sizes, [1, 1]);
    }

    #[test]
    fn csv_quotes_what_it_must() {
        assert_eq!(
            table().csv().unwrap(),
            b"method,0 dB\n\"a, b\",1.25\nc,-10.00\n"
        );
    }

    #[test]
    fn markdown_is_aligned() {
        let expected = "\
| method |     0 dB |
| ------ | -------: |
| a, b   | **1.25** |
| c      |   -10.00 |
";
        assert_eq!(table().markdown(), expected);
    }

    #[test]
    fn text_is_aligned_under_headings_of_several_lines() {
        let mut table = Table::new(["model.beta", "Evidence-weighted mean"]);
        table.push([Entry::from("1"), Entry::bold_if(true, "1.25".to_owned())]);
        let expected = "            Evidence-
             weighted
model.beta       mean
1                1.25
";
        assert_eq!(table.text(Emphasis::None), expected);
        assert!(
            table
                .text(Emphasis::Bold)
                .ends_with("     \u{1b}[1m1.25\u{1b}[0m\n")
        );
    }

    #[test]
    fn latex_has_rules_and_bold() {
        let expected = "\
\\begin{tabular}{lr}
\\toprule
method & 0 dB \\\\
\\midrule
a, b & \\textbf{1.25} \\\\
\\midrule
c & -10.00 \\\\
\\bottomrule
\\end{tabular}
";
        assert_eq!(table().latex(), expected);
    }
}
