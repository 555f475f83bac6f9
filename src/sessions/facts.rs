//! What the events say, as answers of SQL: sessions in use, credentials issued, and what else speaks of identity.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::scalar::ScalarValue;

use super::columns::{Issues, Kept, Uses};
use super::daily::FACT_TABLES;
use super::frame::Frame;
use super::kept_facts::KEPT_FACTS;
use super::schema::SESSIONS;
use super::told::Told;
use super::{SessionsError, uses};
use crate::engine::{Engine, EngineLimits, TableSpec};
use crate::lake::{DataFile, Draft, LakeTable, Store};

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../sql/sessions/", $name, ".sql")))),*]
    };
}

/// The queries of this room.
pub const QUERIES: [(&str, &str); 18] = embedded![
    "session_uses",
    "merged_uses",
    "credential_issues",
    "all_issues",
    "known_users",
    "known_principals",
    "known_coverage",
    "stored_coverage",
    "facts_of_kind",
    "twins",
    "principals",
    "coverage",
    "identity_center_users",
    "forwarded",
    "hidden_issues",
    "deployments",
    "operations",
    "kept_sessions",
];

/// Asks one of the queries of this room.
pub(super) async fn ask(
    engine: &Engine,
    name: &'static str,
    params: &[(&str, ScalarValue)],
) -> Result<(SchemaRef, Vec<RecordBatch>), SessionsError> {
    let known = QUERIES.iter().find(|(known, _)| *known == name);
    let sql = known.map_or("", |(_, sql)| *sql);
    let answer = engine.query(name, sql, params).await?;
    Ok(answer.collect_all().await?)
}

pub(super) async fn frame(engine: &Engine, name: &'static str) -> Result<Frame, SessionsError> {
    let (schema, batches) = ask(engine, name, &[]).await?;
    Ok(Frame::new(schema, batches))
}

/// An engine that sees what sessions are worked out from, as a draft has it.
fn open(draft: &Draft<'_>, limits: EngineLimits) -> Result<Engine, SessionsError> {
    let is_pruned = draft.base().pruned_before.is_some();
    let files = |table| match table {
        // Before anything is pruned no session is kept, and there are as many files as days.
        LakeTable::Sessions if !is_pruned => Vec::new(),
        table => draft.files(table),
    };
    open_files(draft.guard().store(), limits, files)
}

/// An engine that sees these files of what sessions are worked out from.
pub(super) fn open_files(
    store: &Store,
    limits: EngineLimits,
    files: impl Fn(LakeTable) -> Vec<DataFile>,
) -> Result<Engine, SessionsError> {
    let engine = Engine::open(limits)?;
    let facts = FACT_TABLES.map(|facts| (facts.shape.table, facts.shape.columns));
    let tables = [(LakeTable::Sessions, SESSIONS)]
        .into_iter()
        .chain(KEPT_FACTS)
        .chain(facts);
    for (table, columns) in tables {
        engine.register_table(TableSpec::of_files(table, columns, store, &files(table)))?;
    }
    Ok(engine)
}

/// Everything the verdicts rest on.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) uses: Uses,
    pub(super) issues: Arc<Issues>,
    pub(super) told: Arc<Told>,
    /// Sessions of which more was known before some days were pruned; or, where `reached` is told, those that stand as they are.
    pub(super) kept: Kept,
    /// What is worked out anew, where that is not everything.
    pub(super) reached: Option<Reached>,
}

/// What holds besides the facts of the sessions that are worked out anew.
#[derive(Debug)]
pub(super) struct Reached {
    /// For each row of the issues whether a session that it opened may be another than before.
    pub(super) issues: Vec<bool>,
    /// IAM users behind whom a person is.
    pub(super) humans: HashSet<String>,
    /// Sessions that were asked for and are not among those that were read.
    pub(super) strangers: Strangers,
}

/// Sessions that are asked for, each with a time at which it was in use.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<BTreeMap<String, i64>>);

impl Strangers {
    pub(super) fn add(&self, session_id: &str, time: i64) {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !met.contains_key(session_id) {
            met.insert(session_id.to_owned(), time);
        }
    }

    pub(super) fn take(&self) -> BTreeMap<String, i64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Facts {
    /// Whether the sessions that this call opened are worked out anew.
    pub(super) fn is_reached(&self, issue: usize) -> bool {
        let reached = self.reached.as_ref();
        reached.is_none_or(|reached| reached.issues.get(issue) == Some(&true))
    }

    /// Reads the facts of all days; they must be up to date.
    pub(super) async fn load(
        draft: &Draft<'_>,
        limits: EngineLimits,
    ) -> Result<Self, SessionsError> {
        let engine = &open(draft, limits)?;
        let kept = Kept::new(&frame(engine, "kept_sessions").await?)?;
        let mut told = Told::load(engine).await?;
        for row in 0..kept.len {
            for (id, arn) in [
                (&kept.role_id, &kept.role_arn),
                (&kept.persona_id, &kept.persona_arn),
            ] {
                if let (Some(id), Some(arn)) = (id.get(row), arn.get(row)) {
                    let known = told.principals.entry(id.to_owned());
                    known.or_insert_with(|| Arc::from(arn));
                }
            }
        }
        Ok(Self {
            kept,
            told: Arc::new(told),
            uses: Box::pin(uses::load(engine, limits)).await?,
            issues: Arc::new(Issues::new(&frame(engine, "all_issues").await?)?),
            reached: None,
        })
    }
}
