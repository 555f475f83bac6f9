//! Sessions brought up to date with the facts of some days: those that these can reach are worked out anew, the rest stands.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use chrono::NaiveDate;

use super::build::Sessions;
use super::columns::{Issues, Uses};
use super::facts::{Facts, frame, open_files};
use super::issuance::Issuances;
use super::kept::KeptRows;
use super::origin::OriginKind;
use super::reach::{Changed, Extent, OF_SESSION, Pairs, Reach};
use super::stored::{Stored, by_id, columns_of, without};
use super::told::Told;
use super::write::{SessionRow, batches};
use super::{SessionsError, uses};
use crate::engine::EngineLimits;
use crate::events::day_of;
use crate::lake::{Draft, LakeTable, Manifest, schema_of};

/// Sessions that take the place of others.
#[derive(Debug)]
pub(super) struct Anew {
    /// All that were looked at; of those which are not among the rows nothing is left.
    pub(super) sessions: HashSet<String>,
    /// The rows, by the day under which they are filed.
    pub(super) rows: BTreeMap<NaiveDate, Vec<SessionRow>>,
    /// Days under which they are or were filed.
    pub(super) days: BTreeSet<NaiveDate>,
}

/// More than this part of all sessions is no less work than all of them,
const MOST: u64 = 3;
/// where there are more than so many.
const MANY: u64 = 10_000;

/// Works out the sessions that the facts of these days can reach; `None` where that is everything.
///
/// `before` is the state whose facts its sessions were worked out from, and the draft has the facts as they are now.
pub(super) async fn work_out(
    draft: &Draft<'_>,
    before: &Manifest,
    days: &BTreeSet<NaiveDate>,
    limits: EngineLimits,
    threads: &rayon::ThreadPool,
) -> Result<Option<Anew>, SessionsError> {
    let store = draft.guard().store();
    let changed = Changed::of(draft, before, days)?;
    let told_before = open_files(store, limits, |table| before.files(table).to_vec())?;
    let told_before = Told::load(&told_before).await?;
    let engine = open_files(store, limits, |table| draft.files(table))?;
    let told = Arc::new(Told::load(&engine).await?);
    let issues = Arc::new(Issues::new(&frame(&engine, "all_issues").await?)?);
    let issuances = Issuances::new(&issues);
    let Some(mut reach) = Reach::new(draft, &issuances, &told, &changed)? else {
        return Ok(None);
    };
    let Some(deeds) = reach.hold_against(&changed, &told_before, &told) else {
        return Ok(None);
    };
    drop(told_before);
    let pairs = Pairs::new(&told);
    reach.pair(&pairs);
    let stored = Stored::new(store, before.files(LakeTable::Sessions));
    reach.add(&stored.beside(&deeds)?);
    reach.close()?;
    if reach.has_shared_roles() {
        return Ok(None);
    }
    let people = reach.changed_people();
    if !people.is_empty() {
        reach.add(&stored.of_origins(&people)?);
        reach.close()?;
    }
    let mut others = Others::default();
    let callers = reach.callers();
    others.find(&stored, &mut reach, callers)?;
    let mut read: Option<(Extent, Uses)> = None;
    loop {
        reach.close()?;
        let extent = reach.extent();
        let reached = reach.sessions().len() as u64;
        if reached > MANY && reached * MOST > before.rows(LakeTable::Sessions) {
            return Ok(None);
        }
        let uses = match read.take() {
            Some((of, uses)) if of.rows == extent.rows => uses,
            _ => uses::put_together(schema_of(OF_SESSION), reach.uses()?, limits).await?,
        };
        let facts = Facts {
            uses,
            issues: Arc::clone(&issues),
            told: Arc::clone(&told),
            kept: columns_of(others.that_stand(&reach)?)?,
            reached: Some(reach.reached()),
        };
        let mut rows: BTreeMap<NaiveDate, Vec<SessionRow>> = BTreeMap::new();
        threads.install(|| {
            Sessions::new(&facts).rows(|day, found| {
                rows.insert(day, found);
                Ok(())
            })
        })?;
        let met = facts.reached.as_ref();
        let met = met.map(|reached| reached.strangers.take());
        read = Some((extent, facts.uses));
        if others.find(&stored, &mut reach, met.unwrap_or_default())? {
            continue;
        }
        let is_reached = |id: &str| reach.sessions().contains_key(id);
        let was: KeptRows = by_id(stored.filed(&reach.days(), is_reached)?)?;
        // What is stored is compared with what would be.
        let now = rows.values().map(|rows| batches(rows));
        let now = now.collect::<Result<Vec<_>, _>>()?;
        let now = by_id(now.into_iter().flatten().collect())?;
        if !reach.spread(&was, &now, &told, &pairs) {
            return Ok(None);
        }
        reach.close()?;
        if reach.extent() == extent {
            return Ok(Some(Anew {
                sessions: reach.sessions().keys().cloned().collect(),
                days: reach.days(),
                rows,
            }));
        }
    }
}

/// Sessions that stand as they were stored, and are asked for.
#[derive(Debug, Default)]
struct Others {
    rows: Vec<RecordBatch>,
    asked: HashSet<String>,
}

impl Others {
    /// Reads those that were not asked for before, each of them in use at a time; returns whether there were any.
    fn find(
        &mut self,
        stored: &Stored<'_>,
        reach: &mut Reach<'_>,
        met: BTreeMap<String, i64>,
    ) -> Result<bool, SessionsError> {
        let is_new = |id: &String| !reach.sessions().contains_key(id) && !self.asked.contains(id);
        let met = met.into_iter().filter(|(id, _)| is_new(id));
        let (ids, times): (HashSet<String>, Vec<i64>) = met.unzip();
        if ids.is_empty() {
            return Ok(false);
        }
        let days = times.into_iter().map(day_of).collect();
        let mut found = stored.in_use(&days, |id| ids.contains(id))?;
        let known = by_id(found.clone())?;
        let known: HashSet<&str> = known.iter().map(|row| row.id.as_str()).collect();
        // The time may be that of another of the calls for which it is asked.
        if ids.iter().any(|id| !known.contains(id.as_str())) {
            found.extend(stored.all(|id| ids.contains(id) && !known.contains(id))?);
        }
        self.rows.extend(found.iter().cloned());
        self.asked.extend(ids);
        // What a sign-in shows of its subject is not all stored.
        for row in by_id(found)?.iter().filter(|row| is_subject(row)) {
            reach.add_session(&row.id);
        }
        Ok(true)
    }

    /// The rows of those that are not worked out anew.
    fn that_stand(&self, reach: &Reach<'_>) -> Result<Vec<RecordBatch>, SessionsError> {
        let is_reached = |id: &str| reach.sessions().contains_key(id);
        self.rows
            .iter()
            .map(|rows| without(rows, is_reached))
            .collect()
    }
}

/// Whether a session is that of a sign-in, which names its subject itself.
fn is_subject(row: &SessionRow) -> bool {
    row.role_arn.is_none()
        && matches!(
            row.verdict.origin.kind,
            OriginKind::SamlUser
                | OriginKind::IdentityCenterUser
                | OriginKind::WebIdentity
                | OriginKind::CognitoIdentity
        )
}
