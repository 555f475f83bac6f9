//! Puts facts, links and verdicts together into rows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use rayon::iter::{IntoParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use super::SessionsError;
use super::alive::tie_by_window;
use super::columns::Uses;
use super::deeds::{Doers, Maker};
use super::evidence::Evidence;
use super::facts::Facts;
use super::frame::Texts;
use super::identity::Names;
use super::identity_center::Users;
use super::issuance::Issuances;
use super::kept::KeptRows;
use super::link::Linker;
use super::nodes::{Node, NodeBuilder, asks_siblings, sibling_keys};
use super::origin::OriginKind;
use super::walk::{Start, Verdict, root_first, walk, walk_one};
use super::workload::web_subjects;
use super::write::SessionRow;
use crate::events::day_of;
use crate::iam::{Arn, AssumedRoleArn, role_session_of};

/// All sessions, linked and ready for the walk.
pub(super) struct Sessions<'a> {
    facts: &'a Facts,
    issuances: Issuances<'a>,
    nodes: Vec<Node<'a>>,
}

impl<'a> Sessions<'a> {
    pub(super) fn new(facts: &'a Facts) -> Self {
        let issuances = Issuances::new(&facts.issues);
        let uses = &facts.uses;
        let index: HashMap<&str, usize> = (0..uses.len)
            .filter_map(|row| Some((uses.session_id.get(row)?, row)))
            .collect();
        let users = Users::new(&facts.told.named_users, &issuances);
        let linker = Linker::new(uses, &issuances, &users);
        let evidence = linker.weigh_all(facts);
        let siblings = siblings(facts, &linker, &evidence);
        let by_arn = switched_from(facts);
        let names = Names {
            principals: &facts.told.principals,
            users: &users,
        };
        let web_subjects = web_subjects(uses, names, &issuances, &index);
        // Behind the sessions in use those of which no event is left.
        let kept = KeptRows::new(&facts.kept);
        let without_events: Vec<&SessionRow> = kept
            .iter()
            .filter(|row| !index.contains_key(row.id.as_str()))
            .collect();
        let mut places = index.clone();
        places.extend(
            without_events
                .iter()
                .map(|row| row.id.as_str())
                .zip(uses.len..),
        );
        let builder = NodeBuilder {
            facts,
            issuances: &issuances,
            names,
            linker: &linker,
            web_subjects: &web_subjects,
            places: &places,
            evidence: &evidence,
            by_arn: &by_arn,
            siblings: &siblings,
        };
        let rows = (0..uses.len).into_par_iter();
        let mut nodes: Vec<Node<'a>> = rows.map(|row| builder.used(row)).collect();
        let consumed: HashSet<usize> = nodes
            .iter()
            .flat_map(|node| node.issues.iter().copied())
            .collect();
        let unused = builder.unused(&consumed);
        nodes.reserve_exact(without_events.len() + unused.len());
        nodes.extend(without_events.into_iter().map(Node::kept));
        for node in unused {
            // What is told of it now is weighed against what was kept.
            match places
                .get(node.id.as_ref())
                .and_then(|at| nodes.get_mut(*at))
            {
                Some(kept) => *kept = node,
                None => nodes.push(node),
            }
        }
        tie_by_window(&mut nodes, facts, &issuances, &kept);
        Self {
            facts,
            issuances,
            nodes,
        }
    }

    /// Walks, and hands on the rows of each day in the order in which they are written; one day at a time is in memory.
    pub(super) fn rows(
        self,
        mut take: impl FnMut(NaiveDate, Vec<SessionRow>) -> Result<(), SessionsError>,
    ) -> Result<u64, SessionsError> {
        let mut kept = KeptRows::new(&self.facts.kept);
        let (verdicts, is_kept) = self.verdicts(&kept);
        let is_kept = |at: usize| is_kept.get(at) == Some(&true);
        let mut humans = human_users(&self.facts.uses);
        let people: Vec<String> = kept
            .iter()
            .filter(|row| row.is_human == Some(true))
            .filter_map(|row| row.verdict.origin.id.clone())
            .collect();
        humans.extend(people.iter().map(String::as_str));
        if let Some(reached) = &self.facts.reached {
            humans.extend(reached.humans.iter().map(String::as_str));
        }
        let doers = Doers::new(self.facts, &self.nodes, &verdicts);
        let makers = doers.makers();
        let starts = self.chain_starts(&verdicts, &kept);
        let mut days: BTreeMap<NaiveDate, Vec<usize>> = BTreeMap::new();
        let nodes = self.nodes.iter().enumerate();
        for (at, node) in nodes.filter(|(_, node)| !self.is_stranger(node)) {
            let was = is_kept(at).then(|| kept.date_of(&node.id)).flatten();
            days.entry(was.unwrap_or_else(|| self.date_of(node)))
                .or_default()
                .push(at);
        }
        for (day, places) in days {
            let row = |at: &usize| {
                let (node, verdict) = self.nodes.get(*at).zip(verdicts.get(*at))?;
                let verdict = if is_kept(*at) {
                    walk_one(&node.start, &verdicts)
                } else {
                    verdict.clone()
                };
                Some(SessionRow {
                    maker: makers.get(*at).cloned().unwrap_or_default(),
                    chain_started_at: starts.get(*at).copied().flatten(),
                    possible_operators: doers.operators(*at),
                    ..self.row(node, verdict, &humans)
                })
            };
            let rows: Vec<Option<SessionRow>> = places.par_iter().map(row).collect();
            let rows = places.iter().zip(rows);
            let rows = rows.filter_map(|(at, row)| Some(kept.merge(row?, is_kept(*at))));
            let mut rows: Vec<SessionRow> = rows.collect();
            rows.sort_by(|a, b| {
                let origins = (&a.verdict.origin.id, &b.verdict.origin.id);
                origins.0.cmp(origins.1).then_with(|| a.id.cmp(&b.id))
            });
            take(day, rows)?;
        }
        Ok(self.nodes.len() as u64)
    }

    /// Whether a session is there only since others ask for it.
    fn is_stranger(&self, node: &Node<'_>) -> bool {
        self.facts.reached.is_some() && node.settled_maker.is_some()
    }

    /// The day under which a session is filed: that of its creation, and the first of all where none is known.
    fn date_of(&self, node: &Node<'_>) -> NaiveDate {
        self.created_at(node)
            .map_or_else(NaiveDate::default, day_of)
    }

    /// The verdict on each session, and whether it is the one that was kept when days were pruned.
    fn verdicts(&self, kept: &KeptRows) -> (Vec<Verdict>, Vec<bool>) {
        let mut starts: Vec<Cow<'_, Start>> = Vec::with_capacity(self.nodes.len());
        starts.extend(self.nodes.iter().map(|node| Cow::Borrowed(&node.start)));
        let fresh = walk(&starts);
        let mut is_kept = vec![false; starts.len()];
        // What is not worked out anew stands as it is.
        if kept.is_empty() || self.facts.reached.is_some() {
            return (fresh, is_kept);
        }
        let nodes = self.nodes.iter().enumerate();
        let at: HashMap<&str, usize> = nodes.map(|(at, node)| (node.id.as_ref(), at)).collect();
        let sessions = starts.iter_mut().zip(&mut is_kept).zip(&fresh);
        for (((start, is_kept), fresh), node) in sessions.zip(&self.nodes) {
            if let Some(was) = kept.start(node, fresh, &at) {
                *start = Cow::Owned(was);
                *is_kept = true;
            }
        }
        (walk(&starts), is_kept)
    }

    /// When the first credentials of each session's chain were taken.
    fn chain_starts(&self, verdicts: &[Verdict], kept: &KeptRows) -> Vec<Option<i64>> {
        let mut starts: Vec<Option<i64>> = vec![None; self.nodes.len()];
        for at in root_first(verdicts) {
            let (Some(node), Some(verdict)) = (self.nodes.get(at), verdicts.get(at)) else {
                continue;
            };
            let of_parent = verdict
                .parent
                .and_then(|parent| starts.get(parent).copied().flatten());
            let own = || self.created_at(node).filter(|_| verdict.hop_count > 0);
            let start = kept.chain_started_at(&node.id).or(of_parent).or_else(own);
            if let Some(slot) = starts.get_mut(at) {
                *slot = start;
            }
        }
        starts
    }

    fn created_at(&self, node: &Node<'_>) -> Option<i64> {
        let used = node
            .used
            .and_then(|row| self.facts.uses.creation_date.get(row));
        used.or_else(|| match node.issues.as_slice() {
            &[issue] => self.facts.issues.event_time.get(issue),
            _ => None,
        })
    }

    fn row(&self, node: &Node<'_>, verdict: Verdict, humans: &HashSet<&str>) -> SessionRow {
        let uses = &self.facts.uses;
        let issues = &self.facts.issues;
        let used = |texts: &Texts| node.used.and_then(|row| texts.get(row)).map(str::to_owned);
        let issue = node.issues.first().copied();
        let only_issue = issue.filter(|_| node.issues.len() == 1);
        let issued = |texts: &Texts| only_issue.and_then(|row| texts.get(row)).map(str::to_owned);
        let made = issue.and_then(|row| self.issuances.issued.get(row));
        let session_arn =
            used(&uses.arn).or_else(|| made?.session_arn.as_deref().map(str::to_owned));
        let created_at = self.created_at(node);
        let role_arn = node.role_arn.clone();
        let principal = used(&uses.principal_id)
            .or_else(|| made?.principal_id.as_deref().map(str::to_owned))
            .unwrap_or_default();
        let role_id = role_arn.as_ref().and_then(|_| {
            used(&uses.issuer_principal_id)
                .or_else(|| role_session_of(&principal).map(|(role, _)| role.to_owned()))
        });
        let session_name = session_arn
            .as_deref()
            .and_then(AssumedRoleArn::parse)
            .map(|arn| arn.session_name.to_owned())
            .or_else(|| made?.role_session.map(|(_, name)| name.to_owned()));
        let twin = node.twin.and_then(|twin| self.nodes.get(twin));
        let keys = match node.used {
            Some(row) => uses.access_key_ids.get(row),
            None => issued(&issues.issued_access_key_id).into_iter().collect(),
        };
        let is_human = verdict.origin.kind.is_human().or_else(|| {
            let id = verdict.origin.id.as_deref()?;
            (verdict.origin.kind == OriginKind::IamUser && humans.contains(id)).then_some(true)
        });
        SessionRow {
            date: self.date_of(node),
            id: node.id.clone().into_owned(),
            issuing_api: issue
                .and_then(|row| issues.event_name.get(row))
                .map(str::to_owned),
            issuing_event_id: issued(&issues.event_id),
            issued_at: only_issue.and_then(|row| issues.event_time.get(row)),
            issued_access_key_id: issued(&issues.issued_access_key_id),
            access_key_ids: keys,
            session_name,
            role_account_id: role_arn
                .as_deref()
                .and_then(|arn| Some(Arn::parse(arn)?.account_id.to_owned())),
            session_arn,
            role_arn,
            role_id,
            persona: twin.unwrap_or(node).persona.to_owned(),
            created_at,
            chain_started_at: None,
            expires_at: only_issue.and_then(|row| issues.issued_expiration.get(row)),
            parent: verdict
                .parent
                .and_then(|parent| self.nodes.get(parent))
                .map(|parent| parent.id.clone().into_owned()),
            is_human,
            verdict,
            source_identity: used(&uses.source_identity)
                .or_else(|| issued(&issues.requested_source_identity)),
            session_tags: issued(&issues.requested_session_tags),
            has_mfa: node.used.and_then(|row| uses.has_mfa.get(row)),
            source_ip_address: issued(&issues.source_ip_address)
                .or_else(|| used(&uses.source_ip_address)),
            user_agent: issued(&issues.user_agent).or_else(|| used(&uses.user_agent)),
            first_used_at: node.used.and_then(|row| uses.first_used_at.get(row)),
            last_used_at: node.used.and_then(|row| uses.last_used_at.get(row)),
            event_count: node
                .used
                .and_then(|row| uses.event_count.get(row))
                .unwrap_or(0),
            denied_count: node
                .used
                .and_then(|row| uses.denied_count.get(row))
                .unwrap_or(0),
            method: node.method,
            maker: Maker::default(),
            possible_operators: BTreeSet::new(),
            confirmed_by: node.confirmed_by.clone(),
            contradicted_by: node.contradicted_by.clone(),
            evidence: node
                .evidence
                .iter()
                .map(|id| id.clone().into_owned())
                .collect(),
            events_pruned_before: None,
        }
    }
}

/// Of the keys by which sessions may be found that no call in the logs issued, the first session whose call is known.
fn siblings(
    facts: &Facts,
    linker: &Linker<'_>,
    evidence: &[Option<Evidence>],
) -> HashMap<String, usize> {
    let uses = &facts.uses;
    let is_linked = |row: usize| evidence.get(row).is_some_and(Option::is_some);
    // A session asks also where its call is known and leads to nobody.
    let asked: HashSet<String> = (0..uses.len)
        .filter(|row| asks_siblings(uses, *row))
        .flat_map(|row| sibling_keys(facts, row, |_| false))
        .collect();
    let mut siblings = HashMap::new();
    if asked.is_empty() {
        return siblings;
    }
    for row in (0..uses.len).filter(|row| is_linked(*row)) {
        for key in sibling_keys(facts, row, |key| linker.is_degenerate(key)) {
            if asked.contains(&key) {
                siblings.entry(key).or_insert(row);
            }
        }
    }
    siblings
}

/// The sessions under each ARN from which somebody switched in the console, in the order of their creation.
fn switched_from(facts: &Facts) -> HashMap<&str, Vec<usize>> {
    let (uses, issues) = (&facts.uses, &facts.issues);
    let asked = (0..issues.len).filter_map(|row| issues.switch_from_arn.get(row));
    let mut by_arn: HashMap<&str, Vec<usize>> = asked
        .filter(|arn| arn.contains(":assumed-role/"))
        .map(|arn| (arn, Vec::new()))
        .collect();
    if by_arn.is_empty() {
        return by_arn;
    }
    for row in 0..uses.len {
        if let Some(rows) = uses.arn.get(row).and_then(|arn| by_arn.get_mut(arn)) {
            rows.push(row);
        }
    }
    for rows in by_arn.values_mut() {
        rows.sort_by_key(|row| uses.creation_date.get(*row));
    }
    by_arn
}

/// IAM users of whom a sign-in, a console call or MFA shows that a person is behind them.
fn human_users(uses: &Uses) -> HashSet<&str> {
    (0..uses.len)
        .filter(|&row| uses.identity_type.get(row) == Some("IAMUser"))
        .filter(|&row| {
            uses.has_mfa.get(row) == Some(true) || uses.is_from_console.get(row) == Some(true)
        })
        .filter_map(|row| uses.arn.get(row).or_else(|| uses.principal_id.get(row)))
        .collect()
}
