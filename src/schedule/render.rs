//! A finished report as bytes in one form: a table of contents with counts, then its sections.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;

use super::definition::{Baseline, OutputForm};
use super::run::{Answered, Finished};
use crate::lake::{Column, ColumnType, RowBuilder};
use crate::output::{Format, OutputError, Pseudonyms, RowWriter, Sections, Words};

/// A report in one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The section that it is of, where each has a file of its own.
    pub section: Option<String>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The name of the section that every report begins with.
pub(super) const SUMMARY: &str = "summary";

const SUMMARY_COLUMNS: &[Column] = &[
    Column::required("report", ColumnType::Text, "the report"),
    Column::required(
        "window_from",
        ColumnType::Time,
        "the beginning of the period",
    ),
    Column::required("window_to", ColumnType::Time, "its end"),
    Column::required("title", ColumnType::Text, "the section's heading"),
    Column::required("section_name", ColumnType::Text, "the section"),
    Column::required("rows", ColumnType::Int, "rows it has"),
    Column::required("shown", ColumnType::Int, "rows that are shown"),
    Column::new(
        "new",
        ColumnType::Int,
        "rows that the run it was held against had not",
    ),
    Column::new("changed", ColumnType::Int, "rows that say something else"),
    Column::new(
        "gone",
        ColumnType::Int,
        "rows that only the earlier run had",
    ),
    Column::new(
        "compared_with",
        ColumnType::Time,
        "the end of that run's period",
    ),
    Column::new(
        "alert_above",
        ColumnType::Int,
        "more rows shown than this, without those that are gone, are a finding",
    ),
    Column::required(
        "is_cut",
        ColumnType::Bool,
        "whether there are more rows than `max_rows`",
    ),
    Column::required("is_finding", ColumnType::Bool, "whether they are"),
];

/// What people read of it.
const SUMMARY_FOR_PEOPLE: &[&str] = &["title", "rows", "new", "changed", "gone", "is_finding"];

impl Finished {
    /// One row for each section: how many rows it has, what changed, and whether that is a finding.
    pub fn summary(&self) -> Result<RecordBatch, ArrowError> {
        let mut rows = RowBuilder::new(SUMMARY_COLUMNS);
        let micros = |time: DateTime<Utc>| Some(time.timestamp_micros());
        let int = |count: u64| i64::try_from(count).ok();
        for answered in &self.sections {
            let Answered { section, kept, .. } = answered;
            let [new, changed, gone] = match answered.counts {
                Some(counts) => counts.map(int),
                None => [None; 3],
            };
            rows.row()
                .text("report", Some(&self.report.name))
                .time("window_from", micros(self.period.from))
                .time("window_to", micros(self.period.until))
                .text("title", Some(&section.title))
                .text("section_name", Some(&section.name))
                .count("rows", kept.rows)
                .count("shown", kept.shown)
                .int("new", new)
                .int("changed", changed)
                .int("gone", gone)
                .time("compared_with", kept.compared_with.and_then(micros))
                .int("alert_above", kept.alert_above.and_then(int))
                .bool("is_cut", Some(answered.is_cut))
                .bool("is_finding", Some(kept.is_finding()));
        }
        rows.take()
    }

    /// The report's heading and what it is about, in words.
    fn heading(&self) -> (String, Vec<String>) {
        let zone = self.report.zone;
        let about = format!(
            "From {} up to {} ({}).",
            local(self.period.from, zone),
            local(self.period.until, zone),
            zone.name()
        );
        let findings = match self.run.findings() {
            0 => "No section is above its threshold.".to_owned(),
            1 => "One section is above its threshold.".to_owned(),
            many => format!("{many} sections are above their thresholds."),
        };
        let title = format!("{}, {}", self.report.title, self.period.last_day(zone));
        let mut lines = vec![about];
        if self.sections.iter().any(|s| s.kept.alert_above.is_some()) {
            lines.push(findings);
        }
        (title, lines)
    }
}

fn local(time: DateTime<Utc>, zone: Tz) -> String {
    time.with_timezone(&zone)
        .to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The report in one form: as one, or each section by itself. `width` is that of a terminal, for tables; names become pseudonyms where
/// they are given.
pub fn render(
    finished: &Finished,
    form: OutputForm,
    by_section: bool,
    width: Option<u16>,
    pseudonyms: Option<&Pseudonyms>,
) -> Result<Vec<Rendered>, OutputError> {
    let summary = finished.summary()?;
    let said = |answered: &Answered, rows: &RecordBatch| match pseudonyms {
        Some(pseudonyms) => pseudonyms.rows(rows, answered.section.source.is_ours()),
        None => Ok(rows.clone()),
    };
    if by_section {
        let mut all = vec![alone(form, SUMMARY, &summary)?];
        for answered in &finished.sections {
            all.push(alone(
                form,
                &answered.section.name,
                &said(answered, &answered.rows)?,
            )?);
        }
        return Ok(all);
    }
    let for_people = form.0.is_for_people();
    let summary = if for_people {
        columns_of(&summary, SUMMARY_FOR_PEOPLE)?
    } else {
        summary
    };
    let mut parts: Vec<(&Answered, RecordBatch)> = Vec::new();
    for answered in &finished.sections {
        let rows = if for_people {
            shown_to_people(answered)?
        } else {
            answered.rows.clone()
        };
        parts.push((answered, said(answered, &rows)?));
    }
    let schemas: Vec<SchemaRef> = std::iter::once(&summary)
        .chain(parts.iter().map(|(_, rows)| rows))
        .map(|rows| Arc::clone(rows.schema_ref()))
        .collect();
    let mut bytes = Vec::new();
    let mut out = Sections::new(form.0, &schemas, &mut bytes, width)?;
    let (title, lines) = finished.heading();
    out.title(&title, &lines)?;
    let words = Words {
        name: SUMMARY,
        title: "Summary",
        about: "How many rows each section has, and what changed where it was held against an earlier run.",
        empty: "No section.",
        next: "",
    };
    out.section(words, summary.schema_ref(), std::slice::from_ref(&summary))?;
    for (answered, rows) in &parts {
        let (about, empty) = told(answered, finished.report.zone);
        let words = Words {
            name: &answered.section.name,
            title: &answered.section.title,
            about: &about,
            empty: &empty,
            next: &answered.section.next,
        };
        out.section(words, rows.schema_ref(), std::slice::from_ref(rows))?;
    }
    out.finish()?;
    Ok(vec![Rendered {
        section: None,
        bytes,
    }])
}

/// What is said of a section's rows, and where it has none.
fn told(answered: &Answered, zone: Tz) -> (String, String) {
    let Answered { section, kept, .. } = answered;
    if answered.is_cut {
        let note = format!(
            "There are more: these are the first {}, and they are held against no earlier run.",
            section.max_rows
        );
        return (joined(&section.about, &note), section.empty.clone());
    }
    match (section.compare, kept.compared_with) {
        (None, _) => (section.about.clone(), section.empty.clone()),
        (Some(baseline), None) => {
            let note = match baseline {
                Baseline::Previous => {
                    "There is no earlier run to compare with: all rows are shown.".to_owned()
                }
                Baseline::Run(run) => format!(
                    "There is no run of {run} before this one to compare with: all rows are shown."
                ),
            };
            (joined(&section.about, &note), joined(&section.empty, &note))
        }
        (Some(_), Some(earlier)) => {
            let earlier = local(earlier, zone);
            let note = format!("Shown is what changed since the run up to {earlier}.");
            let empty = match kept.rows {
                0 => joined(
                    &section.empty,
                    &format!("So it was in the run up to {earlier}."),
                ),
                1 => format!("Nothing changed since the run up to {earlier}: one row."),
                rows => format!("Nothing changed since the run up to {earlier}: {rows} rows."),
            };
            (joined(&section.about, &note), empty)
        }
    }
}

fn joined(one: &str, other: &str) -> String {
    if one.is_empty() {
        other.to_owned()
    } else if one.ends_with(['.', '!', '?', ':']) {
        format!("{one} {other}")
    } else {
        format!("{one}. {other}")
    }
}

/// One section in a file of its own.
fn alone(form: OutputForm, name: &str, rows: &RecordBatch) -> Result<Rendered, OutputError> {
    let mut bytes = Vec::new();
    if form.0 == Format::Html {
        let schemas = [Arc::clone(rows.schema_ref())];
        let mut out = Sections::new(form.0, &schemas, &mut bytes, None)?;
        out.title(name, &[])?;
        out.section(
            Words::named(name),
            rows.schema_ref(),
            std::slice::from_ref(rows),
        )?;
        out.finish()?;
    } else {
        let mut out = RowWriter::new(form.0, rows.schema_ref(), &mut bytes, None)?;
        out.write(rows)?;
        out.finish()?;
    }
    Ok(Rendered {
        section: Some(name.to_owned()),
        bytes,
    })
}

/// The main columns, and what tells of a change.
pub(super) fn shown_to_people(answered: &Answered) -> Result<RecordBatch, ArrowError> {
    let main = &answered.section.for_people;
    if main.is_empty() {
        return Ok(answered.rows.clone());
    }
    let has = |name: &str| answered.rows.column_by_name(name).is_some();
    let mut names: Vec<&str> = Vec::new();
    names.extend(has("change").then_some("change"));
    names.extend(main.iter().map(String::as_str));
    names.extend(has("was").then_some("was"));
    columns_of(&answered.rows, &names)
}

fn columns_of(rows: &RecordBatch, names: &[&str]) -> Result<RecordBatch, ArrowError> {
    let places: Result<Vec<usize>, ArrowError> = names
        .iter()
        .map(|name| rows.schema_ref().index_of(name))
        .collect();
    rows.project(&places?)
}
