//! Who is behind it: the chain from a session back to its origin, hop by hop, with the proof.

use std::collections::HashSet;

use arrow::array::RecordBatch;

use super::{ReportError, value_of};
use crate::engine::Engine;
use crate::queries::ask;
use crate::views::OpenLake;

/// How many sessions are shown when the words fit many.
const MOST_SESSIONS: usize = 20;

/// What was found for one question.
#[derive(Debug)]
pub struct Proof {
    /// One chain per session that the words fit.
    pub chains: Vec<Chain>,
    /// Sessions that the words fit and that are not shown.
    pub not_shown: usize,
    /// The ids of all sessions that the words fit.
    pub session_ids: Vec<String>,
}

/// One session's way back to its origin.
#[derive(Debug)]
pub struct Chain {
    /// What the words are: an event id, an access key, …
    pub matched: String,
    /// One row per session, from the origin's side to the session asked for.
    pub hops: Vec<RecordBatch>,
    /// Where several calls may have issued a session: each of them, with who made it.
    pub candidates: Vec<RecordBatch>,
    /// Who made the user, key or workload of the session or of the chain's beginning, where that is in the logs.
    pub makers: Vec<RecordBatch>,
    /// Every address and program that the session asked for was used from.
    pub addresses: Vec<RecordBatch>,
}

/// All sessions that grew out of these, over any number of steps; these are among them.
pub async fn descendants(
    engine: &Engine,
    session_ids: &[String],
) -> Result<Vec<RecordBatch>, ReportError> {
    let given = [("sessions", session_ids.join(","))];
    let rows = ask(engine, "who/descendants", &given).await?;
    Ok(rows.collect().await?)
}

/// Finds the sessions that `what` speaks of, and walks each back.
pub async fn prove(lake: &OpenLake, what: &str) -> Result<Proof, ReportError> {
    let engine = &lake.engine;
    let mut found = of_what(engine, "who/find", what).await?;
    if count(&found) == 0 {
        found = of_what(engine, "who/find", &usual_case(what)).await?;
    }
    let mut sessions: Vec<(String, String)> = Vec::new();
    for batch in &found {
        for row in 0..batch.num_rows() {
            let (Some(session), Some(matched)) = (
                value_of(batch, "session_id", row),
                value_of(batch, "matched", row),
            ) else {
                continue;
            };
            sessions.push((session, matched));
        }
    }
    let session_ids = sessions.iter().map(|(id, _)| id.clone()).collect();
    let not_shown = sessions.len().saturating_sub(MOST_SESSIONS);
    sessions.truncate(MOST_SESSIONS);
    let mut chains = Vec::with_capacity(sessions.len());
    for (session, matched) in sessions {
        chains.push(walk_back(lake, session, matched).await?);
    }
    Ok(Proof {
        chains,
        not_shown,
        session_ids,
    })
}

async fn walk_back(
    lake: &OpenLake,
    session: String,
    matched: String,
) -> Result<Chain, ReportError> {
    let engine = &lake.engine;
    let asked_for = session.clone();
    let mut hops = Vec::new();
    let mut candidates = Vec::new();
    let mut seen = HashSet::new();
    let mut first = None;
    let mut next = Some(session);
    while let Some(session) = next.take() {
        if !seen.insert(session.clone()) {
            break;
        }
        let rows = of_session(engine, "who/session", &session).await?;
        let Some(hop) = rows.into_iter().find(|batch| batch.num_rows() > 0) else {
            break;
        };
        if value_of(&hop, "issuing_event_id", 0).is_none()
            && value_of(&hop, "issuing_api", 0).is_some()
        {
            for event_id in texts_of(&hop, "evidence_event_ids") {
                let rows = ask(engine, "who/candidates", &[("event_id", event_id)]).await?;
                candidates.extend(rows.collect().await?);
            }
        }
        next = value_of(&hop, "parent_session_id", 0);
        if next.is_none() && !hops.is_empty() {
            first = Some(session);
        }
        hops.push(hop);
    }
    let mut given = vec![("session_id", asked_for.clone())];
    given.extend(first.map(|first| ("first_session_id", first)));
    let makers = ask(engine, "who/makers", &given).await?.collect().await?;
    let known = hops.first().filter(|_| lake.manifest.is_resolved());
    let addresses = addresses(engine, asked_for, known).await?;
    hops.reverse();
    Ok(Chain {
        matched,
        hops,
        candidates,
        makers,
        addresses,
    })
}

/// The addresses of a session; where its row tells of all its calls, of the days of these alone.
async fn addresses(
    engine: &Engine,
    session: String,
    known: Option<&RecordBatch>,
) -> Result<Vec<RecordBatch>, ReportError> {
    let mut given = vec![("session_id", session)];
    for (name, column) in [("since", "first_used_at"), ("last", "last_used_at")] {
        let time = known.and_then(|row| value_of(row, column, 0));
        given.extend(time.map(|time| (name, time)));
    }
    Ok(ask(engine, "who/addresses", &given)
        .await?
        .collect()
        .await?)
}

/// The calls that made, or named, something that was never seen in use.
pub async fn named(engine: &Engine, what: &str) -> Result<Vec<RecordBatch>, ReportError> {
    of_what(engine, "who/named", what).await
}

async fn of_what(
    engine: &Engine,
    query: &str,
    what: &str,
) -> Result<Vec<RecordBatch>, ReportError> {
    let rows = ask(engine, query, &[("what", what.to_owned())]).await?;
    Ok(rows.collect().await?)
}

fn count(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// The case in which AWS writes keys, event ids and instance ids.
fn usual_case(what: &str) -> String {
    let upper = what.to_ascii_uppercase();
    if upper.starts_with("AKIA") || upper.starts_with("ASIA") {
        upper
    } else {
        what.to_ascii_lowercase()
    }
}

async fn of_session(
    engine: &Engine,
    query: &str,
    session: &str,
) -> Result<Vec<RecordBatch>, ReportError> {
    let rows = ask(engine, query, &[("session_id", session.to_owned())]).await?;
    Ok(rows.collect().await?)
}

fn texts_of(batch: &RecordBatch, name: &str) -> Vec<String> {
    use arrow::array::{Array as _, AsArray as _};
    let Some(list) = batch
        .column_by_name(name)
        .and_then(|column| column.as_list_opt::<i32>())
    else {
        return Vec::new();
    };
    if list.is_empty() || list.is_null(0) {
        return Vec::new();
    }
    let items = list.value(0);
    match (items.as_string_view_opt(), items.as_string_opt::<i32>()) {
        (Some(texts), _) => texts.iter().flatten().map(str::to_owned).collect(),
        (_, Some(texts)) => texts.iter().flatten().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
