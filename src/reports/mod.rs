//! Several queries told as one story.  In: an open lake. Out: sections and proofs, still as batches.
//! Why: a person asks "who was it?" or "what went on?", and that takes more than one question.
//! Holds: what is told here is in the answers of `sql/queries`, nothing is worked out anew.  Next: `output`.

mod account_review;
mod athena;
mod built_in;
mod catalog;
mod rightsizing;
mod unused;
mod who;

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};

pub use account_review::{SECTIONS, SMALL_FILES, Section};
pub use athena::athena;
pub use built_in::{BUILT_INS, BuiltIn, BuiltInSource, GROUPS, UnusedPart, built_ins};
pub use catalog::catalog;
pub use rightsizing::{
    Proposed, RightsizeQuestion, Rightsized, Subject, Window, policies_of, replay, replay_rows,
    rightsize, rightsizing_summary, window,
};
pub use unused::{Unused, trust_of, unused};
pub use who::{Chain, Proof, descendants, named, prove};

use crate::engine::EngineError;
use crate::queries::QueryError;
use crate::views::ViewsError;

/// What can go wrong while a report is put together.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The tables and views could not be set up.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// A question could not be asked.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A question could not be answered.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The answers could not be put together.
    #[error("cannot put the answers together")]
    Arrow(#[from] arrow::error::ArrowError),
}

/// RFC 3339 in UTC; the fraction shows only where there is one.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

/// The text of one value, `None` where it is null or not there.
pub fn value_of(batch: &RecordBatch, name: &str, row: usize) -> Option<String> {
    let column = batch.column_by_name(name)?;
    if column.is_null(row) {
        return None;
    }
    let options = FormatOptions::new().with_timestamp_tz_format(Some(TIME));
    let formatter = ArrayFormatter::try_new(column.as_ref(), &options).ok()?;
    formatter.value(row).try_to_string().ok()
}
