//! Which files are worth putting together.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::events::{SHAPES, TableShape};
use crate::lake::{DataFile, LakeTable, Manifest};
use crate::ledger::LEDGER_SHAPES;
use crate::sessions::FACT_TABLES;

/// The size at which a new file is begun, in bytes.
const TARGET_BYTES: u64 = 256 << 20;

/// When files are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Files of this size and above stay as they are, in bytes.
    pub large: u64,
    /// Fewer files than this in one folder stay as they are.
    pub least: usize,
    /// The size at which a new file is begun, in bytes.
    pub target: u64,
}

impl Policy {
    /// What `rolecall compact` does: one file a day, as far as the target size allows.
    pub const ALL: Self = Self {
        // One that was cut at the target ends a little below it.
        large: TARGET_BYTES / 4 * 3,
        least: 2,
        target: TARGET_BYTES,
    };

    /// What follows an ingest: rare and cheap, so that each row is written some few times in all.
    pub const AFTER_INGEST: Self = Self {
        large: 32 << 20,
        least: 8,
        target: TARGET_BYTES,
    };
}

/// Files of one folder that become fewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The table.
    pub table: LakeTable,
    /// The UTC day, in tables that have days.
    pub date: Option<NaiveDate>,
    /// The files, by time where they have one, else by path.
    pub files: Vec<DataFile>,
}

impl Merge {
    /// Rows of all its files.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// The tables whose files are put together, in the order of the data's journey.
pub(super) fn shapes() -> impl Iterator<Item = TableShape> {
    let facts = FACT_TABLES.map(|facts| facts.shape);
    SHAPES.into_iter().chain(facts).chain(LEDGER_SHAPES)
}

/// What there is to do in `manifest`, by table and day. `sessions` has one file a day and needs nothing.
pub fn plan(manifest: &Manifest, policy: Policy) -> Vec<Merge> {
    let mut merges = Vec::new();
    for shape in shapes() {
        let mut folders: BTreeMap<Option<NaiveDate>, Vec<DataFile>> = BTreeMap::new();
        for file in manifest.files(shape.table) {
            if file.size < policy.large {
                folders.entry(file.date).or_default().push(file.clone());
            }
        }
        merges.extend(
            folders
                .into_iter()
                .filter(|(_, files)| files.len() >= policy.least)
                .map(|(date, mut files)| {
                    files.sort_by(|a, b| (a.min_time, &a.path).cmp(&(b.min_time, &b.path)));
                    Merge {
                        table: shape.table,
                        date,
                        files,
                    }
                }),
        );
    }
    merges
}
