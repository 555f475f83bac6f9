//! Tables in a page in which log content is text: it cannot be markup, a link, a script, or load anything.
//!
//! Source: OWASP, "Cross Site Scripting Prevention Cheat Sheet" (element content); W3C, "Content Security Policy Level 3".

use std::io::Write;

use arrow::array::{Array as _, RecordBatch};
use arrow::datatypes::Schema;

use super::OutputError;
use super::cell::cell;
use super::safe::safe_text;

/// What stands before everything else; the policy forbids whatever escaping might have let through.
const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
<meta name=\"viewport\" content=\"width=device-width\">\n";

const STYLE: &str = "<style>\n\
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; color: #1b1f24; }\n\
h2 { margin-top: 2.2rem; }\n\
table { border-collapse: collapse; display: block; overflow-x: auto; }\n\
th, td { border-bottom: 1px solid #d8dee4; padding: .3rem .7rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }\n\
th { background: #f6f8fa; white-space: nowrap; }\n\
td.n { text-align: right; font-variant-numeric: tabular-nums; }\n\
.next { color: #57606a; }\n\
</style>\n";

/// The text as a page shows it literally.
pub(super) fn html_text(text: &str) -> String {
    html_escape::encode_safe(&safe_text(text)).into_owned()
}

/// Writes the beginning of a page, up to its heading.
pub(super) fn begin(out: &mut impl Write, title: &str) -> Result<(), OutputError> {
    let title = html_text(title);
    write!(
        out,
        "{HEAD}<title>{title}</title>\n{STYLE}</head>\n<body>\n<h1>{title}</h1>\n"
    )
    .map_err(OutputError::Write)
}

/// Writes what ends a page.
pub(super) fn end(out: &mut impl Write) -> Result<(), OutputError> {
    writeln!(out, "</body>\n</html>").map_err(OutputError::Write)
}

/// Writes a paragraph.
pub(super) fn paragraph(out: &mut impl Write, text: &str) -> Result<(), OutputError> {
    writeln!(out, "<p>{}</p>", html_text(text)).map_err(OutputError::Write)
}

/// Writes rows as an HTML table.
#[derive(Debug)]
pub struct HtmlRows<W: Write> {
    out: W,
}

impl<W: Write> HtmlRows<W> {
    pub(super) fn new(schema: &Schema, mut out: W) -> Result<Self, OutputError> {
        write!(out, "<table>\n<thead><tr>").map_err(OutputError::Write)?;
        for field in schema.fields() {
            write!(out, "<th>{}</th>", html_text(field.name())).map_err(OutputError::Write)?;
        }
        writeln!(out, "</tr></thead>\n<tbody>").map_err(OutputError::Write)?;
        Ok(Self { out })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        for row in 0..batch.num_rows() {
            write!(self.out, "<tr>").map_err(OutputError::Write)?;
            for column in batch.columns() {
                let class = if column.data_type().is_numeric() {
                    " class=\"n\""
                } else {
                    ""
                };
                let text = html_text(&cell(column, row)?);
                write!(self.out, "<td{class}>{text}</td>").map_err(OutputError::Write)?;
            }
            writeln!(self.out, "</tr>").map_err(OutputError::Write)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), OutputError> {
        writeln!(self.out, "</tbody>\n</table>")
            .and_then(|()| self.out.flush())
            .map_err(OutputError::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, StringArray};
    use std::sync::Arc;

    #[test]
    fn log_content_is_text_in_a_page() {
        let hostile = StringArray::from(vec![
            "</td><script>alert(1)</script>",
            "\"onmouseover=x'&\u{202e}",
        ]);
        let batch = RecordBatch::try_from_iter([("<b>", Arc::new(hostile) as ArrayRef)]).unwrap();
        let mut bytes = Vec::new();
        begin(&mut bytes, "<title>").unwrap();
        let mut rows = HtmlRows::new(batch.schema_ref(), &mut bytes).unwrap();
        rows.write(&batch).unwrap();
        rows.finish().unwrap();
        end(&mut bytes).unwrap();
        let page = String::from_utf8(bytes).unwrap();
        assert!(
            page.contains("<td>&lt;&#x2F;td&gt;&lt;script&gt;alert(1)&lt;&#x2F;script&gt;</td>"),
            "{page}"
        );
        assert!(
            page.contains("&quot;onmouseover=x&#x27;&amp;\\u{202e}"),
            "{page}"
        );
        assert!(page.contains("<title>&lt;title&gt;</title>"), "{page}");
        assert!(!page.contains("<script"), "{page}");
    }
}
