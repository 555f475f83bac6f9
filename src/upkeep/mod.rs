//! Housekeeping: the lake's files made fewer, days given up, usage added up.  In: a lake. Out: the same lake in better order.
//! Why: a trail delivers a file every few minutes, and a question opens every file of the days it asks for.
//! Holds: compaction changes no row; what is removed leaves with one commit; a killed process does no harm.
//! Next: `queries`.

mod compact;
mod plan;
mod prune;
mod questions;
mod usage;

pub use compact::{Compacted, compact};
pub use plan::{Merge, Policy, plan};
pub use prune::{Pruned, plan_prune, prune};
pub use questions::QUERIES;
pub use usage::{UpToDate, resolve_all, store_usage};

use crate::engine::EngineError;
use crate::lake::LakeError;
use crate::sessions::SessionsError;

/// What can go wrong while the lake is put in order.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Files could not be put together.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Sessions could not be worked out.
    #[error(transparent)]
    Sessions(#[from] SessionsError),
    /// Arrow refused a batch.
    #[error("cannot build a batch of rows")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The new files do not hold what the old ones held; they were thrown away.
    #[error("`{table}` would have {found} rows instead of {wanted}; nothing was changed")]
    RowsDiffer {
        /// The table.
        table: &'static str,
        /// Rows of the files that were to be put together.
        wanted: u64,
        /// Rows of what came of it.
        found: u64,
    },
}

impl UpkeepError {
    /// Whether another run may well succeed, or one with more memory.
    pub fn is_for_later(&self) -> bool {
        match self {
            Self::Engine(error) => error.is_out_of_memory(),
            Self::Lake(error) => matches!(error, LakeError::Overtaken { .. }),
            _ => false,
        }
    }
}
