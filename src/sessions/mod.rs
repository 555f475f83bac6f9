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
mod partly;
mod persona;
mod reach;
mod reason;
mod row_index;
mod schema;
mod service_issue;
mod stored;
mod told;
mod uses;
mod verdict;
mod walk;
mod workload;
mod write;

pub use daily::{
    COVERAGE, DAILY_COVERAGE, DAILY_FACTS, DAILY_ISSUES, DAILY_SESSIONS, FACT_RULES, FACT_TABLES,
    FactTable, STORED_COVERAGE, forget_facts,
};
pub use facts::QUERIES;
pub use kept_facts::{CREDENTIAL_ISSUES, FACT_VIEWS, KEPT_FACTS, KEPT_ISSUES, KEPT_USERS};
pub use origin::ORIGIN_KINDS;
pub use schema::{SESSIONS, SESSIONS_LAYOUT};

use crate::engine::{EngineError, EngineLimits};
use crate::lake::{Derived, Draft, LakeError, LakeTable, Manifest, Operation, WriteGuard};

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
    /// How many of them were worked out anew; the others stand, since no new event can reach them.
    pub anew: u64,
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
            anew: 0,
            worked: false,
        });
    }
    let before = manifest.clone();
    let days = Box::pin(daily::store_facts(&mut draft, limits, may_stand(&before))).await?;
    let threads = rayon::ThreadPoolBuilder::new().num_threads(limits.threads);
    let threads = threads.build().map_err(SessionsError::Threads)?;
    let anew = if draft.base().version == before.version && may_stand(&before) {
        let work = partly::work_out(&draft, &before, &days, limits, &threads);
        Box::pin(work).await?
    } else {
        None
    };
    let (sessions, anew) = if let Some(anew) = anew {
        let reached = anew.rows.values().map(Vec::len).sum::<usize>() as u64;
        (write::Writer::new(&mut draft).merge(anew)?, reached)
    } else {
        let facts = Box::pin(facts::Facts::load(&draft, limits)).await?;
        let mut writer = write::Writer::new(&mut draft);
        let sessions = threads
            .install(|| build::Sessions::new(&facts).rows(|day, rows| writer.write(day, &rows)))?;
        writer.finish()?;
        (sessions, sessions)
    };
    draft.resolved(SESSION_RULES);
    draft.commit()?;
    Ok(Resolved {
        sessions,
        anew,
        worked: true,
    })
}

/// Names all that sessions are worked out by besides the facts.
const SESSION_RULES: &str = env!("ROLECALL_SESSION_RULES");

/// Whether sessions that no new fact can reach may stand as they were stored. What pruned days told of them is weighed each time.
fn may_stand(before: &Manifest) -> bool {
    before.session_rules == SESSION_RULES
        && before.is_by(Derived::Facts, FACT_RULES)
        && before.pruned_before.is_none()
}
