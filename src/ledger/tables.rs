//! The tables of the ledger.

use crate::events::TableShape;
use crate::lake::ColumnType::{Int, Json, Text, TextList, Time};
use crate::lake::{Column, FileLayout, LakeTable};

/// The columns of `report_runs`: one row per section of a run.
pub const REPORT_RUNS: &[Column] = &[
    Column::required(
        "window_to",
        Time,
        "the end of the period that the run was about; with `report` it names the run",
    ),
    Column::required("report", Text, "the report, by its name"),
    Column::required("section_position", Int, "the section's place, from 0"),
    Column::required("section", Text, "the section, by its name"),
    Column::required("window_from", Time, "the beginning of the period"),
    Column::required(
        "definition",
        Text,
        "what was asked, as a hash: rows of two runs are held against each other where it is the same",
    ),
    Column::new(
        "events_in_window",
        Int,
        "events that the lake held of the period; null where an earlier run, which this one was held against, said something else since",
    ),
    Column::required("row_count", Int, "rows that the section had"),
    Column::new(
        "compared_with",
        Time,
        "the `window_to` of the run that this one was held against",
    ),
    Column::required(
        "shown_count",
        Int,
        "rows that were shown: all, or what changed",
    ),
    Column::required(
        "gone_count",
        Int,
        "of these, rows that only the earlier run had",
    ),
    Column::required(
        "untold",
        TextList,
        "notifications of the run that were not sent yet, by name",
    ),
    Column::new(
        "alert_above",
        Int,
        "more rows shown than this, without those that are gone, are a finding; null where none was asked for",
    ),
];

/// The columns of `report_rows`: what each section said, before anything was held against it.
pub const REPORT_ROWS: &[Column] = &[
    Column::required(
        "window_to",
        Time,
        "the end of the period, which names the run",
    ),
    Column::required("report", Text, "the report"),
    Column::required("section_position", Int, "the section's place, from 0"),
    Column::required(
        "row_position",
        Int,
        "the row's place in the section, from 0",
    ),
    Column::required("row", Json, "the row, as JSON"),
];

/// How the files of both are written: sorted by the periods' ends, so that one run is found by the bounds of a file.
pub const LEDGER_SHAPES: [TableShape; 2] = [
    TableShape {
        table: LakeTable::ReportRuns,
        columns: REPORT_RUNS,
        layout: LAYOUT,
        order: &["window_to", "report", "section_position"],
    },
    TableShape {
        table: LakeTable::ReportRows,
        columns: REPORT_ROWS,
        layout: LAYOUT,
        order: &["window_to", "report", "section_position", "row_position"],
    },
];

const LAYOUT: FileLayout = FileLayout {
    bloom_filters: &[],
    distinct: &[],
    without_order: &["row", "definition"],
    sorted: Some("window_to"),
};
