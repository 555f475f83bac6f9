//! Markdown tables in which log content is text: no link, no markup, no HTML.
//!
//! Source: GitHub Flavored Markdown Spec, "Tables", "Code spans" and "Autolinks".

use std::borrow::Cow;
use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::OutputError;
use super::cell::cell;
use super::safe::safe_text;

/// Writes rows as a Markdown table.
#[derive(Debug)]
pub struct MarkdownRows<W: Write> {
    out: W,
}

impl<W: Write> MarkdownRows<W> {
    pub(super) fn new(schema: &Schema, mut out: W) -> Result<Self, OutputError> {
        let names = schema.fields().iter().map(|field| field.name().as_str());
        line(&mut out, names.map(|name| markdown_text(name).into_owned()))?;
        let rules = schema.fields().iter().map(|field| {
            if field.data_type().is_numeric() {
                "---:".to_owned()
            } else {
                "---".to_owned()
            }
        });
        line(&mut out, rules)?;
        Ok(Self { out })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        for row in 0..batch.num_rows() {
            let cells: Result<Vec<String>, _> = batch
                .columns()
                .iter()
                .map(|column| cell(column, row))
                .collect();
            let cells = cells?;
            line(
                &mut self.out,
                cells.iter().map(|text| markdown_text(text).into_owned()),
            )?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), OutputError> {
        self.out.flush().map_err(OutputError::Write)
    }
}

fn line(out: &mut impl Write, cells: impl Iterator<Item = String>) -> Result<(), OutputError> {
    let cells: Vec<String> = cells.collect();
    writeln!(out, "| {} |", cells.join(" | ")).map_err(OutputError::Write)
}

/// The text as Markdown shows it literally, on one line, also in a table.
///
/// Text with any sign that could be markup becomes a code span; a `|` is written `\u{7c}`, since a backslash
/// before it would open the cell.
pub fn markdown_text(text: &str) -> Cow<'_, str> {
    let text = safe_text(text);
    if is_plain(&text) {
        return text;
    }
    let text = text.replace('|', "\\u{7c}");
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    // One space at both ends is taken off again; needed beside a backtick, and to keep outer spaces.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    Cow::Owned(format!("{fence}{pad}{text}{pad}{fence}"))
}

/// How often `sign` stands behind itself, at most.
pub fn longest_run(text: &str, sign: char) -> usize {
    let runs = text.split(|c| c != sign).map(str::len);
    runs.max().unwrap_or(0) / sign.len_utf8()
}

/// Whether nothing in the text could be markup, a link, or the beginning of a list.
fn is_plain(text: &str) -> bool {
    const SIGNS: &str = " :/.,-=+;()%_";
    const LINKS: [&str; 3] = ["://", "www.", "mailto:"];
    let lower = text.to_ascii_lowercase();
    let is_inside_word = |at: usize| {
        let (before, after) = (text.get(..at), text.get(at + 1..));
        before.is_some_and(|text| text.ends_with(char::is_alphanumeric))
            && after.is_some_and(|text| text.starts_with(char::is_alphanumeric))
    };
    text.chars()
        .all(|c| c.is_alphanumeric() || SIGNS.contains(c))
        && !LINKS.iter().any(|link| lower.contains(link))
        && !text.starts_with(['-', '+', '=', ' '])
        && (!text.starts_with(|c: char| c.is_ascii_digit()) || !text.contains(')'))
        && text.match_indices('_').all(|(at, _)| is_inside_word(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_markup_is_shown_as_code() {
        assert_eq!(
            markdown_text("arn:aws:iam::111122223333:user/alice"),
            "arn:aws:iam::111122223333:user/alice"
        );
        assert_eq!(markdown_text("<img src=x>"), "`<img src=x>`");
        assert_eq!(markdown_text("[a](http://b)"), "`[a](http://b)`");
        assert_eq!(
            markdown_text("see https://b.example"),
            "`see https://b.example`"
        );
        assert_eq!(markdown_text("a\\|b"), "`a\\\\u{7c}b`");
        assert_eq!(markdown_text("a``b`"), "``` a``b` ```");
        assert_eq!(markdown_text("a\nb"), "`a\\nb`");
        assert_eq!(markdown_text("- item"), "`- item`");
        assert_eq!(markdown_text("alice@example.com"), "`alice@example.com`");
        assert_eq!(markdown_text("a_b"), "a_b");
        assert_eq!(markdown_text("_b_"), "`_b_`");
        assert_eq!(markdown_text("1) x"), "`1) x`");
    }
}
