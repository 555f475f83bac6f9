//! What was known of sessions before some of their days were pruned, and what that means now.
//!
//! A session needs the call that issued it, which may lie days before its last use, in another session that lies
//! before that. Pruning takes the days, not the knowledge: what was known stays, and what was in doubt stays in doubt,
//! since the events that spoke against it may be among those that went. Only an event that was not there before says more.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;

use super::columns::Kept;
use super::deeds::Maker;
use super::frame::{TextLists, Texts};
use super::nodes::Node;
use super::origin::{Origin, OriginKind};
use super::persona::Persona;
use super::verdict::{Confidence, Contradiction, Method, UnresolvedReason};
use super::walk::{Chain, Start, Verdict};
use super::write::SessionRow;
use crate::events::day_of;

/// The kept rows, by session.
pub(super) struct KeptRows {
    rows: BTreeMap<String, SessionRow>,
}

impl KeptRows {
    pub(super) fn new(kept: &Kept) -> Self {
        let rows = (0..kept.len).map(|row| row_of(kept, row));
        Self {
            rows: rows.map(|row| (row.id.clone(), row)).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows.
    pub(super) fn iter(&self) -> impl Iterator<Item = &SessionRow> {
        self.rows.values()
    }

    /// The verdict on a session, unless an event that was not there before gives another one.
    ///
    /// `at` finds a session among those of the walk.
    pub(super) fn start(
        &self,
        node: &Node<'_>,
        fresh: &Verdict,
        at: &HashMap<&str, usize>,
    ) -> Option<Start> {
        let kept = self.rows.get(node.id.as_ref())?;
        if is_outdone(kept, node, fresh) {
            return None;
        }
        let parent = kept.parent.as_deref().and_then(|id| at.get(id).copied());
        Some(Start::Kept(Box::new(Verdict {
            parent,
            ..kept.verdict.clone()
        })))
    }

    /// The day under which a session was filed.
    pub(super) fn date_of(&self, id: &str) -> Option<NaiveDate> {
        Some(self.rows.get(id)?.date)
    }

    /// When the first credentials of a session's chain were taken.
    pub(super) fn chain_started_at(&self, id: &str) -> Option<i64> {
        self.rows.get(id)?.chain_started_at
    }

    /// The row of a session that was settled as it was kept: what is counted is counted now, the rest stands.
    ///
    /// `fresh` is what the events that are left say. Where that is the same, the row depends on no pruned event any more.
    pub(super) fn merge(&mut self, fresh: SessionRow, is_kept: bool) -> SessionRow {
        let Some(kept) = self.rows.remove(&fresh.id) else {
            return fresh;
        };
        if !is_kept {
            // Surer than what was kept; it is kept in its turn.
            return SessionRow {
                events_pruned_before: kept.events_pruned_before,
                ..fresh
            };
        }
        let mut keys: BTreeSet<String> = kept.access_key_ids.iter().cloned().collect();
        keys.extend(fresh.access_key_ids.iter().cloned());
        let merged = SessionRow {
            access_key_ids: keys.into_iter().collect(),
            possible_operators: &kept.possible_operators | &fresh.possible_operators,
            confirmed_by: &kept.confirmed_by | &fresh.confirmed_by,
            contradicted_by: &kept.contradicted_by | &fresh.contradicted_by,
            maker: if fresh.maker.origin_id.is_some() {
                fresh.maker.clone()
            } else {
                kept.maker.clone()
            },
            is_human: kept.is_human.or(fresh.is_human),
            has_mfa: kept.has_mfa.max(fresh.has_mfa),
            first_used_at: least(kept.first_used_at, fresh.first_used_at),
            last_used_at: kept.last_used_at.max(fresh.last_used_at),
            event_count: fresh.event_count,
            denied_count: fresh.denied_count,
            ..kept
        };
        // Which place a parent has in a walk is no knowledge.
        let without_place = |row: &SessionRow| SessionRow {
            verdict: Verdict {
                parent: None,
                ..row.verdict.clone()
            },
            events_pruned_before: None,
            ..row.clone()
        };
        if without_place(&merged) == without_place(&fresh) {
            fresh
        } else {
            merged
        }
    }
}

/// Whether what the events say now takes the place of what was kept.
///
/// That a candidate or a contradiction went makes nobody surer.
fn is_outdone(kept: &SessionRow, node: &Node<'_>, fresh: &Verdict) -> bool {
    let was = &kept.verdict;
    let is_new = || {
        node.evidence
            .iter()
            .any(|id| kept.evidence.iter().all(|kept| kept != id))
    };
    match was.confidence {
        Confidence::Unresolved => fresh.confidence > Confidence::Unresolved,
        // Only AWS's own evidence decides between several.
        Confidence::Ambiguous => fresh.confidence >= Confidence::Strong && is_new(),
        _ if was.reason == Some(UnresolvedReason::CrossAccountNotCollected) => {
            fresh.reason != was.reason && fresh.confidence > Confidence::Ambiguous && is_new()
        }
        // What speaks against a weaker one may be gone.
        _ => fresh.confidence == Confidence::Exact && is_new() && fresh.origin.id.is_some(),
    }
}

fn least(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn row_of(kept: &Kept, row: usize) -> SessionRow {
    let text = |texts: &Texts| texts.get(row).map(str::to_owned);
    let created_at = kept.created_at.get(row);
    SessionRow {
        date: created_at.map_or_else(NaiveDate::default, day_of),
        id: text(&kept.session_id).unwrap_or_default(),
        issuing_api: text(&kept.issuing_api),
        issuing_event_id: text(&kept.issuing_event_id),
        issued_at: kept.issued_at.get(row),
        issued_access_key_id: text(&kept.issued_access_key_id),
        access_key_ids: kept.access_key_ids.get(row),
        session_arn: text(&kept.session_arn),
        session_name: text(&kept.session_name),
        role_arn: kept.role_arn.get(row).map(Arc::from),
        role_id: text(&kept.role_id),
        role_account_id: text(&kept.role_account_id),
        persona: Persona {
            arn: kept.persona_arn.get(row).map(Arc::from),
            id: text(&kept.persona_id).map(Cow::Owned),
        },
        created_at,
        chain_started_at: kept.chain_started_at.get(row),
        expires_at: kept.expires_at.get(row),
        parent: text(&kept.parent_session_id),
        verdict: verdict_of(kept, row),
        is_human: kept.is_human.get(row),
        source_identity: text(&kept.source_identity),
        session_tags: text(&kept.session_tags),
        has_mfa: kept.has_mfa.get(row),
        source_ip_address: text(&kept.source_ip_address),
        user_agent: text(&kept.user_agent),
        first_used_at: kept.first_used_at.get(row),
        last_used_at: kept.last_used_at.get(row),
        event_count: 0,
        denied_count: 0,
        method: word(&kept.attribution, row, Method::of_code).unwrap_or(Method::None),
        maker: Maker {
            origin_id: text(&kept.created_by_origin_id),
            event_id: text(&kept.created_by_event_id),
        },
        possible_operators: kept.possible_operators.get(row).into_iter().collect(),
        confirmed_by: words(&kept.confirmed_by, row, Method::of_code),
        contradicted_by: words(&kept.contradicted_by, row, Contradiction::of_code),
        evidence: kept.evidence_event_ids.get(row),
        events_pruned_before: kept.events_pruned_before.get(row),
    }
}

fn verdict_of(kept: &Kept, row: usize) -> Verdict {
    let text = |texts: &Texts| texts.get(row).map(str::to_owned);
    let origin = Origin {
        kind: word(&kept.origin_kind, row, OriginKind::of_code).unwrap_or(OriginKind::Unresolved),
        id: text(&kept.origin_id),
        name: text(&kept.origin_name),
        account_id: text(&kept.origin_account_id),
        provider: text(&kept.origin_provider),
    };
    let hops = kept.hop_count.get(row).unwrap_or_default();
    Verdict {
        origin: Arc::new(origin),
        confidence: word(&kept.confidence, row, Confidence::of_code)
            .unwrap_or(Confidence::Unresolved),
        parent: None,
        hop_count: u32::try_from(hops).unwrap_or_default(),
        chain: Chain::of(
            kept.chain.get(row),
            kept.chain_truncated.get(row) == Some(true),
        ),
        reason: word(&kept.unresolved_reason, row, UnresolvedReason::of_code),
    }
}

fn word<T>(texts: &Texts, row: usize, of_code: fn(&str) -> Option<T>) -> Option<T> {
    of_code(texts.get(row)?)
}

fn words<T: Ord>(lists: &TextLists, row: usize, of_code: fn(&str) -> Option<T>) -> BTreeSet<T> {
    let codes = lists.get(row);
    codes.iter().filter_map(|code| of_code(code)).collect()
}
