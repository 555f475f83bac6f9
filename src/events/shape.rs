//! What the files of this room's tables look like, whoever writes them.

use super::schema::{
    DUPLICATES, EVENT_IDS, EVENT_IDS_LAYOUT, EVENTS, EVENTS_LAYOUT, LOG_FILES, LOG_FILES_LAYOUT,
    REJECTED,
};
use crate::lake::{Column, FileLayout, LakeTable};

/// The columns of a table, how its files are written, and in which order.
#[derive(Debug, Clone, Copy)]
pub struct TableShape {
    /// The table.
    pub table: LakeTable,
    /// Its columns.
    pub columns: &'static [Column],
    /// How its files are written.
    pub layout: FileLayout,
    /// The columns by which the rows of a file are sorted; together they tell any two rows apart.
    pub order: &'static [&'static str],
}

/// Nothing beyond the common settings.
const PLAIN: FileLayout = FileLayout {
    bloom_filters: &[],
    distinct: &[],
    without_order: &[],
    sorted: None,
};

/// The tables whose rows come from log files; `sessions` is worked out from them.
pub const SHAPES: [TableShape; 5] = [
    TableShape {
        table: LakeTable::Events,
        columns: EVENTS,
        layout: EVENTS_LAYOUT,
        order: &["event_time", "event_id"],
    },
    TableShape {
        table: LakeTable::Rejected,
        columns: REJECTED,
        layout: PLAIN,
        order: &[
            "log_file_key",
            "log_record_index",
            "byte_offset",
            "reason",
            "detail",
        ],
    },
    TableShape {
        table: LakeTable::LogFiles,
        columns: LOG_FILES,
        layout: LOG_FILES_LAYOUT,
        order: &["log_file_key"],
    },
    TableShape {
        table: LakeTable::Duplicates,
        columns: DUPLICATES,
        layout: PLAIN,
        order: &["event_id", "log_file_key", "log_record_index"],
    },
    TableShape {
        table: LakeTable::EventIds,
        columns: EVENT_IDS,
        layout: EVENT_IDS_LAYOUT,
        order: &["event_id_hash", "event_day"],
    },
];

/// The shape of a table whose rows come from log files; `None` for `sessions`.
pub fn shape_of(table: LakeTable) -> Option<&'static TableShape> {
    SHAPES.iter().find(|shape| shape.table == table)
}
