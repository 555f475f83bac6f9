//! Records to the `events` table.  In: records from `decode`. Out: sorted Parquet files, one row per event.
//! Why: here a record becomes a row, two copies of one event become one row, and the books are kept.
//! Holds: records read = events + duplicates + rejected, for every log file; the copy with the smallest
//! (`log_file_key`, `log_record_index`) is the one that is kept, whatever the order of arrival.
//! Next: `ingest` drives this room, `sessions` reads what it wrote.

mod copies;
mod rebuild;
mod row;
mod schema;
mod settle;
mod shape;
mod write;

pub use copies::{Copies, Place, RowRef, Rows, by_event};
pub use rebuild::{canonical_json, rebuild_record};
pub use row::append_event;
pub use schema::{
    DUPLICATES, EVENT_IDS, EVENTS, EVENTS_LAYOUT, LOG_FILES, LOG_FILES_LAYOUT, PROVENANCE,
    REJECTED, event_id_hash,
};
pub use settle::{Conflict, Duplicate, Settled, settle};
pub use shape::{SHAPES, TableShape, shape_of};
pub use write::{day_of, write_events};

use crate::lake::LakeError;

/// What can go wrong while rows are built and settled.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Arrow refused a batch.
    #[error("cannot build a batch of events")]
    Arrow(#[from] arrow::error::ArrowError),
}
