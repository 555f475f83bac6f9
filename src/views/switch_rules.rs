//! What counts as one persona, and as a change of it: the two numbers behind `persona_switches`.

use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::lake::{Column, ColumnType, RowBuilder};

/// The columns of the table `switch_rules`, which has one row.
pub const SWITCH_RULES: &[Column] = &[
    Column::required(
        "merge_gap_seconds",
        ColumnType::Int,
        "a persona that is used again within this time was not left, and credentials taken again within it are renewed",
    ),
    Column::required(
        "debounce_seconds",
        ColumnType::Int,
        "two personas whose calls alternate within this time are used at once",
    ),
];

/// The two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwitchRules {
    /// A persona that is used again within this time was not left.
    pub merge_gap: Duration,
    /// Two personas whose calls alternate within this time are used at once.
    pub debounce: Duration,
}

impl Default for SwitchRules {
    /// Fifteen minutes and five.
    fn default() -> Self {
        Self {
            merge_gap: Duration::from_mins(15),
            debounce: Duration::from_mins(5),
        }
    }
}

impl SwitchRules {
    pub(super) fn rows(self) -> Result<RecordBatch, ArrowError> {
        let mut rows = RowBuilder::new(SWITCH_RULES);
        rows.row()
            .count("merge_gap_seconds", self.merge_gap.as_secs())
            .count("debounce_seconds", self.debounce.as_secs());
        rows.take()
    }
}
