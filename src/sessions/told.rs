//! What the events of all days tell of identities, besides who used a session and who opened it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::error::ArrowError;
use datafusion::scalar::ScalarValue;

use super::SessionsError;
use super::columns::Deeds;
use super::facts::{ask, frame};
use super::frame::{Bools, Frame, Ints, Texts};
use crate::engine::Engine;

/// What one of the questions that fill `daily_facts` found on all days.
async fn of_kind(engine: &Engine, fact: &str) -> Result<Frame, SessionsError> {
    let params = [("fact", ScalarValue::from(fact))];
    let (schema, batches) = ask(engine, "facts_of_kind", &params).await?;
    Ok(Frame::new(schema, batches))
}

/// What is known of an account, or of one of its regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coverage {
    pub(super) first_event_time: i64,
    pub(super) has_read_events: bool,
    pub(super) has_sts_events: bool,
}

/// A call that handed out credentials without saying which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HiddenKind {
    /// AWS hides the answer.
    Redacted,
    /// Request and answer were left out for their size.
    Omitted,
}

/// Another session that made the same call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) session_id: String,
    pub(super) event_ids: [String; 2],
    /// AWS says that it is the same call; else the request and its time say so.
    pub(super) is_shared: bool,
}

impl Pair {
    /// The same two sessions, seen together another time.
    fn merge(&mut self, other: Self) {
        for (id, other) in self.event_ids.iter_mut().zip(other.event_ids) {
            if other < *id {
                *id = other;
            }
        }
        self.is_shared |= other.is_shared;
    }
}

/// A name and the identity store's user it goes with.
#[derive(Debug)]
pub(super) struct NamedUser {
    pub(super) identity_store_arn: String,
    pub(super) user_id: String,
    pub(super) user_name: String,
}

/// What is told of identities on any day.
#[derive(Debug)]
pub(super) struct Told {
    /// A session that another account recorded → the caller's own sessions, with the pair of events.
    pub(super) twins: HashMap<String, Vec<Pair>>,
    /// A session of forwarded calls → the session of the call that caused them.
    pub(super) forwarded: HashMap<String, Vec<Pair>>,
    /// Unique id → ARN.
    pub(super) principals: HashMap<String, Arc<str>>,
    /// Users of identity stores under the names they were seen with.
    pub(super) named_users: Vec<NamedUser>,
    /// (Account, second) → what was handed out there without a word.
    pub(super) hidden: HashMap<(String, i64), HiddenKind>,
    pub(super) deployments: Deeds,
    pub(super) operations: Deeds,
    /// Account → what its logs hold.
    pub(super) accounts: HashMap<String, Coverage>,
    /// Regions with STS events, by account.
    pub(super) sts_regions: HashSet<(String, String)>,
}

impl Told {
    pub(super) async fn load(engine: &Engine) -> Result<Self, SessionsError> {
        let (accounts, sts_regions) = coverage(&frame(engine, "known_coverage").await?)?;
        Ok(Self {
            twins: twins(&of_kind(engine, "twins").await?)?,
            forwarded: pairs(&of_kind(engine, "forwarded").await?)?,
            principals: principals(&frame(engine, "known_principals").await?)?,
            named_users: named_users(&frame(engine, "known_users").await?)?,
            hidden: hidden(&of_kind(engine, "hidden_issues").await?)?,
            deployments: Deeds::new(&of_kind(engine, "deployments").await?)?,
            operations: Deeds::new(&of_kind(engine, "operations").await?)?,
            accounts,
            sts_regions,
        })
    }
}

fn owned(texts: &Texts, row: usize) -> String {
    texts.get(row).unwrap_or_default().to_owned()
}

/// A `sharedEventID` that joins another account's call to more sessions than these is a mask; on a single day, the question tells it.
const MOST_TWINS: usize = 8;

/// The pairs of sessions that made one call, but those that a mask joined.
fn twins(frame: &Frame) -> Result<HashMap<String, Vec<Pair>>, ArrowError> {
    let mut twins = pairs(frame)?;
    for pairs in twins.values_mut() {
        if pairs.iter().filter(|pair| pair.is_shared).count() > MOST_TWINS {
            pairs.retain(|pair| !pair.is_shared);
        }
    }
    twins.retain(|_, pairs| !pairs.is_empty());
    Ok(twins)
}

/// Each session with those that go with it, in the order of their ids.
fn pairs(frame: &Frame) -> Result<HashMap<String, Vec<Pair>>, ArrowError> {
    let session: Texts = frame.get("session_id")?;
    let event: Texts = frame.get("event_id")?;
    let other_session: Texts = frame.get("other_session_id")?;
    let other_event: Texts = frame.get("other_event_id")?;
    let is_shared: Bools = frame.get("is_shared")?;
    let mut found: BTreeMap<(String, String), Pair> = BTreeMap::new();
    for row in 0..frame.len() {
        let pair = Pair {
            session_id: owned(&other_session, row),
            event_ids: [owned(&event, row), owned(&other_event, row)],
            is_shared: is_shared.get(row) == Some(true),
        };
        let sessions = (owned(&session, row), pair.session_id.clone());
        match found.entry(sessions) {
            Entry::Vacant(entry) => {
                entry.insert(pair);
            }
            // On another day too.
            Entry::Occupied(mut entry) => entry.get_mut().merge(pair),
        }
    }
    let mut pairs: HashMap<String, Vec<Pair>> = HashMap::new();
    for ((session, _), pair) in found {
        pairs.entry(session).or_default().push(pair);
    }
    Ok(pairs)
}

/// Of several ARNs of a role's id the smallest is taken, always the same one. An id under the ARNs of several users names none of
/// them: masked logs look so.
fn principals(frame: &Frame) -> Result<HashMap<String, Arc<str>>, ArrowError> {
    let (ids, arns): (Texts, Texts) = (frame.get("principal_id")?, frame.get("arn")?);
    let mut named: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for row in 0..frame.len() {
        if let (Some(id), Some(arn)) = (ids.get(row), arns.get(row)) {
            named.entry(id).or_default().insert(arn);
        }
    }
    let named = named.into_iter().filter_map(|(id, arns)| {
        let users = arns.iter().filter(|arn| arn.contains(":user/"));
        let arn = arns.first().filter(|_| users.count() < 2)?;
        Some((id.to_owned(), Arc::from(*arn)))
    });
    Ok(named.collect())
}

fn named_users(frame: &Frame) -> Result<Vec<NamedUser>, ArrowError> {
    let store: Texts = frame.get("identity_store_arn")?;
    let (id, name): (Texts, Texts) = (frame.get("user_id")?, frame.get("user_name")?);
    let users = (0..frame.len()).map(|row| NamedUser {
        identity_store_arn: owned(&store, row),
        user_id: owned(&id, row),
        user_name: owned(&name, row),
    });
    Ok(users.filter(|user| !user.user_name.is_empty()).collect())
}

fn hidden(frame: &Frame) -> Result<HashMap<(String, i64), HiddenKind>, ArrowError> {
    let (account, kind): (Texts, Texts) = (frame.get("account_id")?, frame.get("kind")?);
    let time: Ints = frame.get("event_time")?;
    let mut hidden = HashMap::new();
    for row in 0..frame.len() {
        let Some(time) = time.get(row) else { continue };
        let kind = match kind.get(row) {
            Some("omitted") => HiddenKind::Omitted,
            _ => HiddenKind::Redacted,
        };
        // Of both kinds in one second always the same one, so that the order of files cannot matter.
        let second = (owned(&account, row), time.div_euclid(1_000_000));
        let known = hidden.entry(second).or_insert(kind);
        if kind == HiddenKind::Omitted {
            *known = kind;
        }
    }
    Ok(hidden)
}

type CoverageByAccount = (HashMap<String, Coverage>, HashSet<(String, String)>);

fn coverage(frame: &Frame) -> Result<CoverageByAccount, ArrowError> {
    let (accounts, regions): (Texts, Texts) = (frame.get("account_id")?, frame.get("aws_region")?);
    let first: Ints = frame.get("event_time")?;
    let (reads, sts): (Bools, Bools) =
        (frame.get("has_read_events")?, frame.get("has_sts_events")?);
    let mut by_account: HashMap<String, Coverage> = HashMap::new();
    let mut sts_regions = HashSet::new();
    for row in 0..frame.len() {
        let (Some(account), Some(first_event_time)) = (accounts.get(row), first.get(row)) else {
            continue;
        };
        let found = Coverage {
            first_event_time,
            has_read_events: reads.get(row).unwrap_or(false),
            has_sts_events: sts.get(row).unwrap_or(false),
        };
        if found.has_sts_events {
            sts_regions.insert((account.to_owned(), owned(&regions, row)));
        }
        by_account
            .entry(account.to_owned())
            .and_modify(|known| {
                known.first_event_time = known.first_event_time.min(first_event_time);
                known.has_read_events |= found.has_read_events;
                known.has_sts_events |= found.has_sts_events;
            })
            .or_insert(found);
    }
    Ok((by_account, sts_regions))
}
