//! Who really acted: the `sessions` table.  In: events. Out: one row per session, with its origin and the proof.
//! Why: in `alice → AssumeRole analyst → AssumeRole break-glass` the log of the last call names a role; the
//! response of each `AssumeRole` names the key the next call uses. Following the keys back gives alice.
//! Holds: every `session_id` in `events` has exactly one row; what cannot be known is unresolved, with a reason.
//! Next: `views` joins this to the events.

mod alive;
mod build;
mod changes;
mod codes;
mod columns;
mod daily;
mod deeds;
mod evidence;
mod facts;
mod frame;
mod identity;
mod identity_center;
mod issuance;
mod issued;
mod kept;
mod kept_facts;
mod link;
mod nodes;
mod origin;
mod outside;
mod persona;
mod reason;
mod row_index;
mod schema;
mod service_issue;
mod uses;
mod verdict;
mod walk;
mod workload;
mod write;

pub use daily::{
    DAILY_FACTS, DAILY_ISSUES, DAILY_SESSIONS, FACT_RULES, FACT_TABLES, FactTable, forget_facts,
};
pub use facts::QUERIES;
pub use kept_facts::{CREDENTIAL_ISSUES, FACT_VIEWS, KEPT_FACTS, KEPT_ISSUES, KEPT_USERS};
pub use origin::ORIGIN_KINDS;
pub use schema::{SESSIONS, SESSIONS_LAYOUT};

use crate::engine::{EngineError, EngineLimits};
use crate::lake::{Derived, Draft, LakeError, LakeTable, Operation, WriteGuard};

/// What can go wrong while sessions are resolved.
#[derive(Debug, thiserror::Error)]
pub enum SessionsError {
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A query over the events failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system gave no threads.
    #[error("cannot start the threads that work out sessions")]
    Threads(#[source] rayon::ThreadPoolBuildError),
    /// Arrow refused a batch.
    #[error("cannot build the sessions table")]
    Arrow(#[from] arrow::error::ArrowError),
}

/// What a run of resolve did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// Rows of `sessions`.
    pub sessions: u64,
    /// False when the sessions were up to date already.
    pub worked: bool,
}

/// Brings `sessions` up to date with the events; does nothing where it is.
pub async fn resolve(
    guard: &WriteGuard<'_>,
    limits: EngineLimits,
) -> Result<Resolved, SessionsError> {
    let mut draft = Draft::new(guard, Operation::Resolve)?;
    let manifest = draft.base();
    if manifest.is_resolved() && manifest.is_stored(Derived::Facts, FACT_RULES) {
        return Ok(Resolved {
            sessions: manifest.rows(LakeTable::Sessions),
            worked: false,
        });
    }
    Box::pin(daily::store_facts(&mut draft, limits)).await?;
    let facts = Box::pin(facts::Facts::load(&draft, limits)).await?;
    let mut writer = write::Writer::new(&mut draft);
    let threads = rayon::ThreadPoolBuilder::new().num_threads(limits.threads);
    let threads = threads.build().map_err(SessionsError::Threads)?;
    let sessions = threads
        .install(|| build::Sessions::new(&facts).rows(|day, rows| writer.write(day, &rows)))?;
    writer.finish()?;
    draft.resolved();
    draft.commit()?;
    Ok(Resolved {
        sessions,
        worked: true,
    })
}
