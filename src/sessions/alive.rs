//! K9: of a caller known by its unique id alone, the sessions of that id that were alive.
//!
//! Only for records that do not show when their session was created: the other account's copy of a call, and
//! console events without a session context. A record that shows it belongs to that session and to no other.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::facts::Facts;
use super::issuance::{Issuances, IssuingApi};
use super::kept::KeptRows;
use super::link::{EXPIRY_SLACK, LONGEST_LIFE, SECOND};
use super::nodes::Node;
use super::verdict::{Confidence, Method, UnresolvedReason};
use super::walk::{Candidate, Start};
use crate::iam::Arn;

/// The longest that a role session lives; IAM User Guide, "Methods to assume a role".
const LONGEST_ROLE: i64 = 12 * 3600 * SECOND;
/// So many sessions of one principal are looked at; each may have another caller.
const MOST_ALIVE: usize = 64;

/// When a session could be used, and its place among the nodes.
struct Life<'a> {
    account: &'a str,
    created: i64,
    end: i64,
    node: usize,
}

/// Ties every session of which only the principal is known to the sessions of that principal.
pub(super) fn tie_by_window(
    nodes: &mut [Node<'_>],
    facts: &Facts,
    issuances: &Issuances<'_>,
    kept: &KeptRows,
) {
    let open: Vec<usize> = (0..nodes.len())
        .filter(|at| nodes.get(*at).is_some_and(|node| node.is_any_of_principal))
        .collect();
    if open.is_empty() {
        return;
    }
    let wanted = open.iter().filter_map(|at| nodes.get(*at)?.used);
    let wanted: HashSet<&str> = wanted
        .filter_map(|row| facts.uses.principal_id.get(row))
        .collect();
    let mut lives = lives(nodes, facts, issuances, &wanted);
    // Of what stands as it was stored, all that may count is worked out anew with the session that asks.
    if facts.reached.is_none() {
        add_kept(&mut lives, nodes, kept);
    }
    for sessions in lives.values_mut() {
        sessions.sort_by_key(|life| (life.created, life.node));
    }
    for at in open {
        let Some(row) = nodes.get(at).and_then(|node| node.used) else {
            continue;
        };
        let uses = &facts.uses;
        let (Some(principal), Some(first), Some(last)) = (
            uses.principal_id.get(row),
            uses.first_used_at.get(row),
            uses.last_used_at.get(row),
        ) else {
            continue;
        };
        let lives = lives.get(principal).map_or(&[][..], Vec::as_slice);
        let from = lives.partition_point(|life| life.created < first - LONGEST_LIFE);
        // A session that was made after the call did not make it.
        let until = lives.partition_point(|life| life.created <= last);
        let found: Vec<&Life<'_>> = lives
            .get(from..until)
            .unwrap_or_default()
            .iter()
            .rev()
            .filter(|life| life.node != at && first <= life.end + EXPIRY_SLACK)
            .filter(|life| {
                uses.account_id
                    .get(row)
                    .is_none_or(|account| life.account == account)
            })
            .take(MOST_ALIVE + 1)
            .collect();
        let candidates: Vec<Candidate> = found
            .iter()
            .map(|life| Candidate {
                parent: Some(life.node),
                origin: None,
                taken: None,
            })
            .collect();
        // Of more than anybody can look through, nothing is known.
        if candidates.is_empty() || candidates.len() > MOST_ALIVE {
            continue;
        }
        // One unique id is one role, whichever of its sessions it was.
        let twin = found.first().map(|life| life.node);
        if let Some(node) = nodes.get_mut(at) {
            node.method = Method::OnlySessionAlive;
            node.twin = twin;
            node.start = Start::Tied {
                candidates,
                confidence: Confidence::Probable,
                hops: 0,
                role: None,
                missing: matches!(node.start, Start::External(_))
                    .then_some(UnresolvedReason::CrossAccountNotCollected),
            };
        }
    }
}

/// The role sessions of these principals.
fn lives<'a>(
    nodes: &[Node<'_>],
    facts: &'a Facts,
    issuances: &'a Issuances<'_>,
    wanted: &HashSet<&str>,
) -> HashMap<Cow<'a, str>, Vec<Life<'a>>> {
    let mut lives: HashMap<Cow<'_, str>, Vec<Life<'_>>> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        let is_federated = node.issues.iter().any(|issue| {
            let made = issuances.issued.get(*issue);
            made.is_some_and(|made| made.api == IssuingApi::FederationToken)
        });
        if node.is_any_of_principal || !(is_federated || node.role_arn.is_some()) {
            continue;
        }
        let issue = node.issues.first().copied();
        let principal = match node.used {
            Some(row) => facts.uses.principal_id.get(row),
            None => issue.and_then(|issue| issuances.issued.get(issue)?.principal_id.as_deref()),
        };
        let created = node
            .used
            .and_then(|row| facts.uses.creation_date.get(row))
            .or_else(|| facts.issues.event_time.get(issue?));
        let (Some(principal), Some(created)) = (principal, created) else {
            continue;
        };
        if !wanted.contains(principal) {
            continue;
        }
        let last = node.used.and_then(|row| facts.uses.last_used_at.get(row));
        let expires = issue.and_then(|issue| facts.issues.issued_expiration.get(issue));
        // Masked ids are the same in every account.
        let account = match node.used {
            Some(row) => facts.uses.account_id.get(row),
            None => issue.and_then(|issue| issuances.issued.get(issue)?.account_id),
        };
        lives
            .entry(Cow::Borrowed(principal))
            .or_default()
            .push(Life {
                account: account.unwrap_or_default(),
                created,
                end: expires
                    .unwrap_or(created + LONGEST_ROLE)
                    .max(last.unwrap_or(created)),
                node: at,
            });
    }
    lives
}

/// Adds the role sessions of which no event is left, and which could still be used.
fn add_kept<'a>(
    lives: &mut HashMap<Cow<'a, str>, Vec<Life<'a>>>,
    nodes: &[Node<'_>],
    kept: &'a KeptRows,
) {
    let at: HashMap<&str, usize> = (0..)
        .zip(nodes)
        .filter(|(_, node)| matches!(node.start, Start::Kept(_)))
        .map(|(at, node)| (node.id.as_ref(), at))
        .collect();
    for row in kept.iter() {
        let principal = match (&row.role_id, &row.session_name) {
            (Some(role), Some(name)) => Some(Cow::Owned(format!("{role}:{name}"))),
            // A federated user has no role.
            _ => row.persona.id.as_deref().map(Cow::Borrowed),
        };
        let (Some(node), Some(principal), Some(created)) =
            (at.get(row.id.as_str()), principal, row.created_at)
        else {
            continue;
        };
        let of_persona = || Some(Arn::parse(row.persona.arn.as_deref()?)?.account_id);
        let account = row.role_account_id.as_deref().or_else(of_persona);
        lives.entry(principal).or_default().push(Life {
            account: account.unwrap_or_default(),
            created,
            end: row
                .expires_at
                .unwrap_or(created + LONGEST_ROLE)
                .max(row.last_used_at.unwrap_or(created)),
            node: *node,
        });
    }
}
