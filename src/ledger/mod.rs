//! What earlier runs of reports said.  In: the sections of a run. Out: two tables of the lake, and the runs in them.
//! Why: "what changed since the last run?" must have one answer, on any machine and however often it is asked.
//! Holds: a run is written with one commit, in the place of an earlier one of the same report and period; what it says
//! does not depend on when it ran.  Next: `views` shows the tables, `schedule` reads and writes them.

mod tables;

use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};

pub use tables::{LEDGER_SHAPES, REPORT_ROWS, REPORT_RUNS};

use crate::events::TableShape;
use crate::lake::{
    Draft, LakeError, LakeTable, Manifest, Operation, RowBuilder, Store, TableWriter, WriteGuard,
    copy_without, read_columns, text_at,
};

/// Rows that are put into one batch.
const BATCH_ROWS: usize = 8192;

/// What can go wrong with the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Arrow refused a batch.
    #[error("cannot build a batch of rows")]
    Arrow(#[from] arrow::error::ArrowError),
}

/// What one section said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSection {
    /// Its name.
    pub name: String,
    /// What was asked, as a hash.
    pub definition: String,
    /// How many rows it had.
    pub rows: u64,
    /// The end of the period of the run it was held against.
    pub compared_with: Option<DateTime<Utc>>,
    /// Rows that were shown.
    pub shown: u64,
    /// Of these, rows that only the earlier run had.
    pub gone: u64,
    /// More rows shown than this, without those that are gone, are a finding.
    pub alert_above: Option<u64>,
}

impl KeptSection {
    /// Whether more rows are there, or new, than were let pass.
    pub fn is_finding(&self) -> bool {
        let there = self.shown.saturating_sub(self.gone);
        self.alert_above.is_some_and(|above| there > above)
    }
}

/// One run of a report: what it was about, and what its sections said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRun {
    /// The report.
    pub report: String,
    /// The beginning of the period.
    pub from: DateTime<Utc>,
    /// Its end; with the report it names the run.
    pub until: DateTime<Utc>,
    /// Events that the lake held of the period; none where an earlier run, which this one was held against, said something else since.
    pub events: Option<u64>,
    /// Notifications that were not sent yet, by name.
    pub untold: Vec<String>,
    /// The sections, in their order.
    pub sections: Vec<KeptSection>,
}

impl KeptRun {
    /// Sections with more rows than were let pass.
    pub fn findings(&self) -> usize {
        self.sections.iter().filter(|s| s.is_finding()).count()
    }
}

/// The runs of `report` in the lake, by the ends of their periods.
pub fn runs_of(
    store: &Store,
    manifest: &Manifest,
    report: &str,
) -> Result<Vec<KeptRun>, LedgerError> {
    let mut found: Vec<(i64, KeptSection, KeptRun)> = Vec::new();
    for file in manifest.files(LakeTable::ReportRuns) {
        for batch in read_columns(store, file, None)? {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                if text(&batch, "report", row) != Some(report) {
                    continue;
                }
                let section = KeptSection {
                    name: text(&batch, "section", row).unwrap_or_default().to_owned(),
                    definition: text(&batch, "definition", row)
                        .unwrap_or_default()
                        .to_owned(),
                    rows: count(&batch, "row_count", row).unwrap_or_default(),
                    compared_with: time(&batch, "compared_with", row),
                    shown: count(&batch, "shown_count", row).unwrap_or_default(),
                    gone: count(&batch, "gone_count", row).unwrap_or_default(),
                    alert_above: count(&batch, "alert_above", row),
                };
                let run = KeptRun {
                    report: report.to_owned(),
                    from: time(&batch, "window_from", row).unwrap_or_default(),
                    until: time(&batch, "window_to", row).unwrap_or_default(),
                    events: count(&batch, "events_in_window", row),
                    untold: texts(&batch, "untold", row),
                    sections: Vec::new(),
                };
                let position = int(&batch, "section_position", row).unwrap_or_default();
                found.push((position, section, run));
            }
        }
    }
    found.sort_by_key(|(position, _, run)| (run.until, *position));
    let mut runs: Vec<KeptRun> = Vec::new();
    for (_, section, run) in found {
        match runs.last_mut().filter(|last| last.until == run.until) {
            Some(last) => last.sections.push(section),
            None => runs.push(KeptRun {
                sections: vec![section],
                ..run
            }),
        }
    }
    Ok(runs)
}

/// The rows of a section, each as JSON, in their order.
pub fn rows_of(
    store: &Store,
    manifest: &Manifest,
    run: &KeptRun,
    section: &str,
) -> Result<Vec<String>, LedgerError> {
    let Some(position) = run.sections.iter().position(|s| s.name == section) else {
        return Ok(Vec::new());
    };
    let position = i64::try_from(position).ok();
    let mut rows: Vec<(i64, String)> = Vec::new();
    for file in manifest.files(LakeTable::ReportRows) {
        if !may_hold(file.min_time, file.max_time, run.until) {
            continue;
        }
        for batch in read_columns(store, file, None)? {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                if is_of(&batch, row, &run.report, run.until)
                    && int(&batch, "section_position", row) == position
                    && let Some(json) = text(&batch, "row", row)
                {
                    let at = int(&batch, "row_position", row).unwrap_or_default();
                    rows.push((at, json.to_owned()));
                }
            }
        }
    }
    rows.sort_by_key(|(at, _)| *at);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// The run of the same report and period that the lake holds, and whether it said the same: the same sections with the same rows.
pub fn earlier_run(
    store: &Store,
    manifest: &Manifest,
    run: &KeptRun,
    rows: &[Vec<String>],
) -> Result<Option<(KeptRun, bool)>, LedgerError> {
    let known = runs_of(store, manifest, &run.report)?;
    let Some(earlier) = known.into_iter().find(|known| known.until == run.until) else {
        return Ok(None);
    };
    let says_the_same = is_the_same(store, manifest, &earlier, run, rows)?;
    Ok(Some((earlier, says_the_same)))
}

/// Writes down what a run said, in the place of an earlier one of the same report and period; `rows` are those of each section.
///
/// Where it says something new, runs of later periods of the report, which are held against it, lose their `events`: they are out of date,
/// and stay so until they are made again. Returns false, and leaves the lake as it is, where it says so already.
pub fn record(
    guard: &WriteGuard<'_>,
    run: &KeptRun,
    rows: &[Vec<String>],
) -> Result<bool, LedgerError> {
    let mut draft = Draft::new(guard, Operation::Report)?;
    let store = guard.store();
    let known = runs_of(store, draft.base(), &run.report)?;
    let earlier = known.iter().find(|known| known.until == run.until);
    if earlier == Some(run) && holds(store, draft.base(), run, rows)? {
        return Ok(false);
    }
    let says_the_same = match earlier {
        Some(earlier) => is_the_same(store, draft.base(), earlier, run, rows)?,
        None => false,
    };
    let [runs, all_rows] = LEDGER_SHAPES;
    let mut written = vec![run.clone()];
    if !says_the_same {
        let later = known.iter().filter(|known| known.until > run.until);
        written.extend(later.map(|later| KeptRun {
            events: None,
            ..later.clone()
        }));
        take_out(guard, &mut draft, all_rows, run.until, |batch, row| {
            is_of(batch, row, &run.report, run.until)
        })?;
    }
    let is_written = |batch: &RecordBatch, row: usize| {
        let until = time(batch, "window_to", row);
        text(batch, "report", row) == Some(&run.report)
            && written.iter().any(|known| Some(known.until) == until)
    };
    take_out(guard, &mut draft, runs, run.until, is_written)?;
    write(guard, &mut draft, runs, |builder| {
        for run in &written {
            put_run(builder, run);
        }
    })?;
    if !says_the_same {
        write(guard, &mut draft, all_rows, |builder| {
            put_rows(builder, run, rows);
        })?;
    }
    draft.commit()?;
    Ok(true)
}

/// Takes rows out of a table; none of them is of a period that ended before `from`.
fn take_out(
    guard: &WriteGuard<'_>,
    draft: &mut Draft<'_>,
    shape: TableShape,
    from: DateTime<Utc>,
    goes: impl Fn(&RecordBatch, usize) -> bool,
) -> Result<(), LedgerError> {
    for file in draft.base().files(shape.table).to_vec() {
        if file
            .max_time
            .is_some_and(|most| most < from.timestamp_micros())
        {
            continue;
        }
        let mut has_some = false;
        for batch in read_columns(guard.store(), &file, Some(&["window_to", "report"]))? {
            let batch = batch?;
            has_some |= (0..batch.num_rows()).any(|row| goes(&batch, row));
        }
        if has_some {
            let left = copy_without(guard, shape.table, &file, shape.layout, |_, batch, row| {
                !goes(batch, row)
            })?;
            draft.replace(shape.table, &file, left);
        }
    }
    Ok(())
}

/// Whether a run that the lake holds said the same: the same sections with the same rows.
fn is_the_same(
    store: &Store,
    manifest: &Manifest,
    earlier: &KeptRun,
    run: &KeptRun,
    rows: &[Vec<String>],
) -> Result<bool, LedgerError> {
    Ok(earlier.from == run.from
        && earlier.sections == run.sections
        && holds(store, manifest, earlier, rows)?)
}

/// Whether the lake holds these very rows of a run.
fn holds(
    store: &Store,
    manifest: &Manifest,
    run: &KeptRun,
    rows: &[Vec<String>],
) -> Result<bool, LedgerError> {
    for (section, rows) in run.sections.iter().zip(rows) {
        if rows_of(store, manifest, run, &section.name)? != *rows {
            return Ok(false);
        }
    }
    Ok(true)
}

fn put_run(builder: &mut RowBuilder, run: &KeptRun) {
    for (position, section) in run.sections.iter().enumerate() {
        builder
            .row()
            .time("window_to", Some(run.until.timestamp_micros()))
            .text("report", Some(&run.report))
            .count("section_position", position as u64)
            .text("section", Some(&section.name))
            .time("window_from", Some(run.from.timestamp_micros()))
            .text("definition", Some(&section.definition))
            .int(
                "events_in_window",
                run.events.and_then(|events| i64::try_from(events).ok()),
            )
            .count("row_count", section.rows)
            .time(
                "compared_with",
                section.compared_with.map(|time| time.timestamp_micros()),
            )
            .count("shown_count", section.shown)
            .count("gone_count", section.gone)
            .texts("untold", &run.untold)
            .int(
                "alert_above",
                section
                    .alert_above
                    .and_then(|above| i64::try_from(above).ok()),
            );
    }
}

fn put_rows(builder: &mut RowBuilder, run: &KeptRun, rows: &[Vec<String>]) {
    for (position, rows) in rows.iter().enumerate() {
        for (at, row) in rows.iter().enumerate() {
            builder
                .row()
                .time("window_to", Some(run.until.timestamp_micros()))
                .text("report", Some(&run.report))
                .count("section_position", position as u64)
                .count("row_position", at as u64)
                .text("row", Some(row));
        }
    }
}

/// Writes one file of what `fill` gives; none where it gives nothing.
fn write<'g>(
    guard: &'g WriteGuard<'g>,
    draft: &mut Draft<'g>,
    shape: TableShape,
    fill: impl FnOnce(&mut RowBuilder),
) -> Result<(), LedgerError> {
    let mut builder = RowBuilder::new(shape.columns);
    fill(&mut builder);
    if builder.is_empty() {
        return Ok(());
    }
    let batch = builder.take()?;
    let schema = Arc::clone(batch.schema_ref());
    let mut writer = TableWriter::create(guard, shape.table, None, schema, shape.layout)?;
    for start in (0..batch.num_rows()).step_by(BATCH_ROWS) {
        let rows = BATCH_ROWS.min(batch.num_rows() - start);
        writer.write(&batch.slice(start, rows))?;
    }
    draft.add(shape.table, writer.finish()?);
    Ok(())
}

/// Whether rows of that time can be in a file with these bounds.
fn may_hold(least: Option<i64>, most: Option<i64>, until: DateTime<Utc>) -> bool {
    let until = until.timestamp_micros();
    least.is_none_or(|least| least <= until) && most.is_none_or(|most| until <= most)
}

fn is_of(batch: &RecordBatch, row: usize, report: &str, until: DateTime<Utc>) -> bool {
    time(batch, "window_to", row) == Some(until) && text(batch, "report", row) == Some(report)
}

fn text<'b>(batch: &'b RecordBatch, name: &str, row: usize) -> Option<&'b str> {
    text_at(batch.column_by_name(name)?, row)
}

fn texts(batch: &RecordBatch, name: &str, row: usize) -> Vec<String> {
    let list = batch
        .column_by_name(name)
        .and_then(|column| column.as_list_opt::<i32>())
        .filter(|column| !column.is_null(row))
        .map(|column| column.value(row));
    let Some(list) = list else { return Vec::new() };
    let texts = list.as_string_opt::<i32>();
    let texts = texts.into_iter().flatten().flatten();
    texts.map(str::to_owned).collect()
}

fn int(batch: &RecordBatch, name: &str, row: usize) -> Option<i64> {
    let column = batch
        .column_by_name(name)?
        .as_primitive_opt::<Int64Type>()?;
    (!column.is_null(row)).then(|| column.value(row))
}

fn count(batch: &RecordBatch, name: &str, row: usize) -> Option<u64> {
    u64::try_from(int(batch, name, row)?).ok()
}

fn time(batch: &RecordBatch, name: &str, row: usize) -> Option<DateTime<Utc>> {
    let column = batch
        .column_by_name(name)?
        .as_primitive_opt::<TimestampMicrosecondType>()?;
    (!column.is_null(row))
        .then(|| DateTime::from_timestamp_micros(column.value(row)))
        .flatten()
}
