//! Several answers in one output: headed tables for people; for programs every row with its section's name.
//!
//! JSON gives one object with a list for each section. CSV and Parquet have one header, so that their rows
//! have the columns of all sections, empty where a section has none.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::html;
use super::json::{JsonLines, JsonList};
use super::markdown::markdown_text;
use super::safe::safe_text;
use super::{Format, OutputError, RowWriter};
use crate::engine::align;

/// What is said around one section.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// A short name for programs.
    pub name: &'a str,
    /// The heading.
    pub title: &'a str,
    /// What the rows mean, and how they can mislead.
    pub about: &'a str,
    /// What it means that there are none.
    pub empty: &'a str,
    /// What there is to do about the rows.
    pub next: &'a str,
}

impl<'a> Words<'a> {
    /// A section that programs read: its name is all there is to say.
    pub fn named(name: &'a str) -> Self {
        Self {
            name,
            title: name,
            about: "",
            empty: "",
            next: "",
        }
    }
}

/// Writes sections one after the other.
#[derive(Debug)]
pub struct Sections<W: Write + Send> {
    form: Form<W>,
    width: Option<u16>,
    has_begun: bool,
}

/// How headings and paragraphs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Markup {
    None,
    Markdown,
    Html,
}

impl Markup {
    fn heading(self, title: &str) -> String {
        match self {
            Self::None => format!("\n{title}\n{}\n", "=".repeat(title.chars().count())),
            Self::Markdown => format!("\n## {title}\n\n"),
            Self::Html => format!("<h2>{}</h2>\n", html::html_text(title)),
        }
    }

    fn paragraph(self, text: &str) -> String {
        match self {
            Self::None | Self::Markdown => format!("{text}\n"),
            Self::Html => format!("<p>{}</p>\n", html::html_text(text)),
        }
    }

    fn next(self, text: &str) -> String {
        match self {
            Self::None => format!("What to do: {text}\n"),
            Self::Markdown => format!("\nWhat to do: {text}\n"),
            Self::Html => format!(
                "<p class=\"next\">What to do: {}</p>\n",
                html::html_text(text)
            ),
        }
    }

    fn format(self) -> Format {
        match self {
            Self::None => Format::Table,
            Self::Markdown => Format::Markdown,
            Self::Html => Format::Html,
        }
    }
}

#[derive(Debug)]
enum Form<W: Write + Send> {
    Words {
        out: W,
        markup: Markup,
    },
    Object {
        out: W,
        is_first: bool,
    },
    Lines(JsonLines<W>),
    Rows {
        rows: Box<RowWriter<W>>,
        all: SchemaRef,
    },
}

impl<W: Write + Send> Sections<W> {
    /// A writer to `out` of sections with these schemas; tables are fitted to `width` characters.
    pub fn new(
        format: Format,
        schemas: &[SchemaRef],
        out: W,
        width: Option<u16>,
    ) -> Result<Self, OutputError> {
        let form = match format {
            Format::Table => Form::Words {
                out,
                markup: Markup::None,
            },
            Format::Markdown => Form::Words {
                out,
                markup: Markup::Markdown,
            },
            Format::Html => Form::Words {
                out,
                markup: Markup::Html,
            },
            Format::Json => Form::Object {
                out,
                is_first: true,
            },
            Format::Jsonl => Form::Lines(JsonLines::new(out)),
            Format::Csv | Format::Parquet => {
                let all = named_schema(&union(schemas));
                let rows = Box::new(RowWriter::new(format, &all, out, None)?);
                Form::Rows { rows, all }
            }
        };
        Ok(Self {
            form,
            width,
            has_begun: false,
        })
    }

    /// Writes the title of it all, and a paragraph for each of `lines`; before any section. Programs get neither.
    pub fn title(&mut self, title: &str, lines: &[String]) -> Result<(), OutputError> {
        self.has_begun = true;
        let Form::Words { out, markup } = &mut self.form else {
            return Ok(());
        };
        match markup {
            Markup::None => writeln!(out, "{title}\n{}", "=".repeat(title.chars().count()))
                .map_err(OutputError::Write)?,
            Markup::Markdown => {
                writeln!(out, "# {}", markdown_text(title)).map_err(OutputError::Write)?;
            }
            Markup::Html => html::begin(out, title)?,
        }
        for line in lines {
            if *markup == Markup::Html {
                html::paragraph(out, line)?;
            } else {
                writeln!(out, "\n{}", safe_text(line)).map_err(OutputError::Write)?;
            }
        }
        Ok(())
    }

    /// Writes one section.
    pub fn section(
        &mut self,
        words: Words<'_>,
        schema: &Schema,
        batches: &[RecordBatch],
    ) -> Result<(), OutputError> {
        let is_empty = batches.iter().all(|batch| batch.num_rows() == 0);
        let has_begun = std::mem::replace(&mut self.has_begun, true);
        match &mut self.form {
            Form::Words { out, markup } => {
                if *markup == Markup::Html && !has_begun {
                    html::begin(out, "rolecall")?;
                }
                let mut text = markup.heading(words.title);
                if is_empty {
                    text += &markup.paragraph(words.empty);
                    return out.write_all(text.as_bytes()).map_err(OutputError::Write);
                }
                text += &markup.paragraph(words.about);
                if !words.next.is_empty() {
                    text += &markup.next(words.next);
                }
                if *markup != Markup::Html {
                    text.push('\n');
                }
                out.write_all(text.as_bytes()).map_err(OutputError::Write)?;
                let mut rows = RowWriter::new(markup.format(), schema, out, self.width)?;
                for batch in batches {
                    rows.write(batch)?;
                }
                rows.finish()
            }
            Form::Object { out, is_first } => {
                let before = if std::mem::take(is_first) { "{" } else { "," };
                let name = serde_json::Value::from(words.name);
                write!(out, "{before}\n{name}: ").map_err(OutputError::Write)?;
                let mut list = JsonList::new(out);
                for batch in batches {
                    list.write(batch)?;
                }
                list.close().map(drop)
            }
            Form::Lines(lines) => {
                for batch in batches {
                    lines.write(&named(words.name, batch)?)?;
                }
                Ok(())
            }
            Form::Rows { rows, all } => {
                for batch in batches {
                    rows.write(&align(&named(words.name, batch)?, all)?)?;
                }
                Ok(())
            }
        }
    }

    /// Writes what is left.
    pub fn finish(self) -> Result<(), OutputError> {
        match self.form {
            Form::Words { mut out, markup } => {
                if markup == Markup::Html {
                    html::end(&mut out)?;
                }
                out.flush().map_err(OutputError::Write)
            }
            Form::Object { mut out, is_first } => {
                let end = if is_first { "{}" } else { "\n}" };
                writeln!(out, "{end}")
                    .and_then(|()| out.flush())
                    .map_err(OutputError::Write)
            }
            Form::Lines(lines) => lines.finish(),
            Form::Rows { rows, .. } => rows.finish(),
        }
    }
}

/// The columns of all schemas, each name once; text where types differ.
fn union(schemas: &[SchemaRef]) -> Schema {
    let mut fields: Vec<Arc<Field>> = Vec::new();
    for field in schemas.iter().flat_map(|schema| schema.fields()) {
        match fields.iter_mut().find(|known| known.name() == field.name()) {
            None => fields.push(Arc::new(field.as_ref().clone().with_nullable(true))),
            Some(known) if known.data_type() != field.data_type() => {
                *known = Arc::new(Field::new(field.name(), DataType::Utf8, true));
            }
            Some(_) => {}
        }
    }
    Schema::new(fields)
}

fn named_schema(schema: &Schema) -> SchemaRef {
    let mut fields = vec![Arc::new(Field::new("section", DataType::Utf8, false))];
    fields.extend(schema.fields().iter().cloned());
    Arc::new(Schema::new(fields))
}

/// The rows with the section's name in front.
fn named(name: &str, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let names: ArrayRef = Arc::new(StringArray::from(vec![name; batch.num_rows()]));
    let mut columns = vec![names];
    columns.extend(batch.columns().iter().cloned());
    RecordBatch::try_new(named_schema(batch.schema_ref()), columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int64Array;

    fn written(format: Format) -> String {
        let one =
            RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef)])
                .unwrap();
        let two = RecordBatch::try_from_iter([
            ("n", Arc::new(StringArray::from(vec!["x"])) as ArrayRef),
            ("who", Arc::new(StringArray::from(vec!["|bob"])) as ArrayRef),
        ])
        .unwrap();
        let mut bytes = Vec::new();
        let schemas = [one.schema(), two.schema()];
        let mut sections = Sections::new(format, &schemas, &mut bytes, None).unwrap();
        for (name, batch) in [("one", one), ("two", two)] {
            let words = Words {
                name,
                title: name,
                about: "About.",
                empty: "None.",
                next: "",
            };
            sections
                .section(words, batch.schema_ref(), std::slice::from_ref(&batch))
                .unwrap();
            sections.section(words, batch.schema_ref(), &[]).unwrap();
        }
        sections.finish().unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[test]
    fn programs_get_one_header_and_people_get_headings() {
        assert_eq!(
            written(Format::Csv),
            "section,n,who\none,1,\none,2,\ntwo,x,|bob\n"
        );
        assert_eq!(
            written(Format::Jsonl),
            "{\"section\":\"one\",\"n\":1}\n{\"section\":\"one\",\"n\":2}\n{\"section\":\"two\",\"n\":\"x\",\"who\":\"|bob\"}\n"
        );
        let markdown = written(Format::Markdown);
        assert!(
            markdown.contains(
                "\n## two\n\nAbout.\n\n| n | who |\n| --- | --- |\n| x | `\\u{7c}bob` |\n"
            ),
            "{markdown}"
        );
        assert!(written(Format::Table).contains("one\n===\nAbout.\n"));
    }

    #[test]
    fn json_has_a_list_for_each_section() {
        let json: serde_json::Value = serde_json::from_str(&written(Format::Json)).unwrap();
        assert_eq!(json["two"].as_array().map(Vec::len), Some(0));
    }
}
