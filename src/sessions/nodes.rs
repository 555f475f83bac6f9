//! The nodes of the walk: each session with what it acts as, and the calls that may have issued it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::columns::Uses;
use super::deeds::Maker;
use super::evidence::Evidence;
use super::facts::Facts;
use super::identity::{Names, identity_center_user, of_arn, of_identity, of_reserved_session};
use super::identity_center::{permission_set_of, user_of};
use super::issuance::{Issuances, IssuingApi};
use super::link::{Link, Linker, SECOND};
use super::origin::{Origin, OriginKind};
use super::persona::{Persona, persona, role_arn};
use super::reason;
use super::service_issue::{of_cognito_issue, of_service_issue};
use super::told::Pair;
use super::verdict::{Confidence, Contradiction, Method, UnresolvedReason};
use super::walk::{Candidate, Start};
use super::workload::{self, Named, WebSubjects};
use super::write::SessionRow;
use crate::iam::{AssumedRoleArn, SessionId, role_session_of};

/// One session before the walk.
pub(super) struct Node<'a> {
    pub(super) id: Cow<'a, str>,
    /// Its row among the uses, unless it was never used.
    pub(super) used: Option<usize>,
    pub(super) start: Start,
    pub(super) method: Method,
    /// Rows of the calls that may have issued it.
    pub(super) issues: Vec<usize>,
    pub(super) evidence: Vec<Cow<'a, str>>,
    pub(super) confirmed_by: BTreeSet<Method>,
    pub(super) contradicted_by: BTreeSet<Contradiction>,
    pub(super) persona: Persona<'a>,
    pub(super) role_arn: Option<Arc<str>>,
    /// The session of which this is another account's view.
    pub(super) twin: Option<usize>,
    /// Who made what it belongs to, of a session that was settled before.
    pub(super) settled_maker: Option<Maker>,
    /// Only its principal is known: it may be a session of that principal which was alive then.
    pub(super) is_any_of_principal: bool,
}

impl<'a> Node<'a> {
    /// A session of which nothing is known but its id, its use and its role.
    fn new(id: Cow<'a, str>, used: Option<usize>, role_arn: Option<Arc<str>>) -> Self {
        Self {
            id,
            used,
            start: Start::Unknown {
                reason: UnresolvedReason::Lost,
                hops: 0,
                role: None,
            },
            method: Method::None,
            issues: Vec::new(),
            evidence: Vec::new(),
            confirmed_by: BTreeSet::new(),
            contradicted_by: BTreeSet::new(),
            persona: Persona::default(),
            role_arn,
            twin: None,
            settled_maker: None,
            is_any_of_principal: false,
        }
    }

    /// A session of which no event is left, and whose row was kept when they went.
    pub(super) fn kept(row: &SessionRow) -> Self {
        Self {
            method: row.method,
            evidence: row.evidence.iter().cloned().map(Cow::Owned).collect(),
            persona: row.persona.clone(),
            settled_maker: Some(row.maker.clone()),
            start: Start::Kept(Box::new(row.verdict.clone())),
            ..Self::new(Cow::Owned(row.id.clone()), None, row.role_arn.clone())
        }
    }
}

/// Makes the nodes of the walk.
pub(super) struct NodeBuilder<'f, 'a> {
    pub(super) facts: &'f Facts,
    pub(super) issuances: &'a Issuances<'f>,
    pub(super) names: Names<'a>,
    pub(super) linker: &'a Linker<'a>,
    /// Session id → place among the nodes: that of its row of the uses, or behind them that of a kept row.
    pub(super) places: &'a HashMap<&'a str, usize>,
    /// The weighed links of the uses.
    pub(super) evidence: &'a [Option<Evidence>],
    pub(super) web_subjects: &'a WebSubjects,
    /// ARN of a role session → rows of the uses, by creation.
    pub(super) by_arn: &'a HashMap<&'a str, Vec<usize>>,
    /// Sign-in session, and key with principal → a row of the uses whose link is known.
    pub(super) siblings: &'a HashMap<String, usize>,
}

impl<'f> NodeBuilder<'f, '_> {
    /// Where a session is that was in use at this time.
    fn place(&self, session_id: &str, time: Option<i64>) -> Option<usize> {
        let place = self.places.get(session_id).copied();
        if let (None, Some(reached)) = (place, &self.facts.reached) {
            reached.strangers.add(session_id, time.unwrap_or_default());
        }
        place
    }

    /// A session that made calls.
    pub(super) fn used(&self, row: usize) -> Node<'f> {
        let uses = &self.facts.uses;
        let mut node = Node::new(
            Cow::Borrowed(uses.session_id.get(row).unwrap_or_default()),
            Some(row),
            role_arn(self.facts, row),
        );
        node.persona = persona(self.facts, row, node.role_arn.as_ref());
        if let Some(evidence) = self.evidence.get(row).and_then(Option::as_ref)
            && self.tie(&mut node, Some(row), evidence.link.clone())
        {
            if evidence.is_contested
                && let Start::Tied { candidates, .. } = &mut node.start
            {
                candidates.push(nobody());
            }
            node.confirmed_by.clone_from(&evidence.confirmed_by);
            node.contradicted_by.clone_from(&evidence.contradicted_by);
            return node;
        }
        if uses.identity_type.get(row) == Some("Root") && self.may_be_assumed_root(row) {
            node.start = Start::Unknown {
                reason: UnresolvedReason::CrossAccountNotCollected,
                hops: 1,
                role: None,
            };
            return node;
        }
        if let Some(origin) = of_identity(uses, row, self.names) {
            self.own_origin(&mut node, row, origin);
            return node;
        }
        match uses.identity_type.get(row) {
            Some("AWSAccount") => self.other_accounts_caller(&mut node, row),
            Some("Root") => {
                let reason = UnresolvedReason::CrossAccountNotCollected;
                node.start = Start::Unknown {
                    reason,
                    hops: 1,
                    role: None,
                };
            }
            Some("AssumedRole" | "Role") => self.role_without_issue(&mut node, row),
            _ => {}
        }
        node
    }

    /// A root session that may as well be one of `AssumeRoot`: short, with a key of its own, and without any sign
    /// of the console. IAM User Guide, "Perform a privileged task": such a session lives 900 seconds at most.
    fn may_be_assumed_root(&self, row: usize) -> bool {
        const LONGEST: i64 = 900 * SECOND;
        let uses = &self.facts.uses;
        let is_short = uses
            .creation_date
            .get(row)
            .zip(uses.last_used_at.get(row))
            .is_some_and(|(created, last)| last - created <= LONGEST);
        is_short
            && uses.has_creation_date.get(row) == Some(true)
            && self.linker.own_key(row).is_some()
            && !self.linker.is_of_console(row)
    }

    /// A session whose own identity has nobody behind it.
    fn own_origin(&self, node: &mut Node<'f>, row: usize, origin: Origin) {
        let uses = &self.facts.uses;
        node.method = Method::Direct;
        // Whoever asked for the federation token is behind it; a record without a session context does not say.
        node.is_any_of_principal = origin.kind == OriginKind::FederatedUser;
        let is_center = origin.kind == OriginKind::IdentityCenterUser;
        if is_center && uses.identity_type.get(row) == Some("SAMLUser") {
            if let Some((parent, evidence)) = self.grants_of(node) {
                node.method = Method::IdentityCenter;
                node.evidence = evidence;
                let itself = Candidate {
                    origin: Some(Arc::new(origin)),
                    ..parent
                };
                node.start = tied(vec![itself], Confidence::Strong);
                return;
            }
        } else if is_center {
            node.method = Method::IdentityCenter;
            let is_known =
                uses.on_behalf_of_user_id.get(row).is_some() || uses.user_name.get(row).is_some();
            if !is_known {
                // The name that somebody gave at a sign-in, whoever that was.
                node.start = tied(vec![named(origin)], Confidence::Asserted);
                return;
            }
        }
        node.start = Start::Origin(Arc::new(origin));
    }

    /// The user's own session in Identity Center, where each of these sign-ins met one credential that it gave.
    fn grants_of(&self, node: &Node<'f>) -> Option<(Candidate, Vec<Cow<'f, str>>)> {
        let mut parents = BTreeSet::new();
        let mut evidence = Vec::new();
        for issue in self.issuances.by_session(&node.id) {
            let made = self.issuances.issued.get(issue)?;
            let (role, subject) = made.role_session?;
            let creation = self.facts.issues.event_time.get(issue)?;
            let (account, set) = (made.account_id?, permission_set_of(role)?);
            let users = self.names.users;
            let is_alone = users.is_alone(account, set, creation.div_euclid(SECOND));
            let grants = self.issuances.of_permission_set(account, set, creation, 0);
            for grant in grants {
                let user = user_of(&self.facts.issues, grant);
                let is_his = user.is_some_and(|(store, user)| {
                    users.name_of(&store, &user) == Some(subject)
                        || (is_alone && users.may_be(&store, &user, subject))
                });
                if !is_his {
                    continue;
                }
                let caller = self.facts.issues.caller_session_id.get(grant)?;
                parents.insert(self.place(caller, Some(creation))?);
                evidence.extend(self.facts.issues.event_id.get(grant).map(Cow::Borrowed));
            }
        }
        evidence.sort();
        let parent = parents.first().filter(|_| parents.len() == 1)?;
        Some((from_session(*parent), evidence))
    }

    /// Ties a node to the calls that may have issued it; false where they lead nowhere.
    fn tie(&self, node: &mut Node<'f>, row: Option<usize>, link: Link) -> bool {
        let issues = &link.issues;
        let hops = issues
            .first()
            .and_then(|issue| self.issuances.issued.get(*issue))
            .map_or(0, |made| made.api.hops());
        let candidates: Vec<Candidate> = match issues.as_slice() {
            &[issue] => self.candidates(issue, row),
            issues => issues
                .iter()
                .flat_map(|issue| self.candidates(*issue, row))
                .collect(),
        };
        if candidates.is_empty() {
            return false;
        }
        node.evidence = self.ids_of(issues);
        node.start = Start::Tied {
            candidates,
            confidence: link.confidence,
            hops,
            role: node.role_arn.clone(),
            missing: None,
        };
        node.method = link.method;
        node.issues = link.issues;
        true
    }

    fn ids_of(&self, issues: &[usize]) -> Vec<Cow<'f, str>> {
        let ids = issues
            .iter()
            .filter_map(|issue| self.facts.issues.event_id.get(*issue));
        let mut ids: Vec<Cow<'f, str>> = ids.map(Cow::Borrowed).collect();
        ids.sort();
        ids
    }

    /// Who may have made a call that opened the session in `row`.
    fn candidates(&self, issue: usize, row: Option<usize>) -> Vec<Candidate> {
        let issues = &self.facts.issues;
        let uses = &self.facts.uses;
        let api = self.issuances.issued.get(issue).map(|made| made.api);
        let caller = issues
            .caller_session_id
            .get(issue)
            .and_then(|caller| self.place(caller, issues.event_time.get(issue)));
        let itself = || row.and_then(|row| of_identity(uses, row, self.names));
        let from_caller = |origin: Option<Origin>| {
            let parent = caller.filter(|caller| Some(*caller) != row);
            (parent.is_some() || origin.is_some()).then(|| Candidate {
                parent,
                origin: origin.map(Arc::new),
                taken: None,
            })
        };
        match api {
            Some(IssuingApi::ConsoleLogin) => itself().map(named).into_iter().collect(),
            Some(IssuingApi::SwitchRole) => self.switched_from(issue),
            Some(IssuingApi::SigninToken | IssuingApi::OAuthToken) => {
                from_caller(itself()).into_iter().collect()
            }
            Some(IssuingApi::Grant) => {
                // The session's name is the user's; only Identity Center sets it.
                let user = user_of(issues, issue);
                let named = row
                    .and_then(|row| AssumedRoleArn::parse(uses.arn.get(row)?))
                    .zip(user)
                    .and_then(|(arn, (store, user))| {
                        let store = Some(store.as_str()).filter(|store| !store.is_empty());
                        let name = Some(arn.session_name);
                        identity_center_user(name, Some(&user), store, self.names.users)
                    });
                from_caller(named).into_iter().collect()
            }
            Some(IssuingApi::CognitoIdentity) => {
                let pool = row.and_then(|row| workload::cognito_pool(uses, row));
                from_caller(of_cognito_issue(issues, issue, pool.as_deref()))
                    .into_iter()
                    .collect()
            }
            _ => {
                let subject = || {
                    let caller = caller?;
                    matches!(
                        uses.identity_type.get(caller),
                        Some("SAMLUser" | "WebIdentityUser")
                    )
                    .then(|| of_identity(uses, caller, self.names))
                    .flatten()
                };
                let origin = of_service_issue(issues, issue).or_else(subject);
                from_caller(origin).into_iter().collect()
            }
        }
    }

    /// Who switched to a role in the console, as the console says.
    pub(super) fn switched_from(&self, issue: usize) -> Vec<Candidate> {
        let Some(from) = self.facts.issues.switch_from_arn.get(issue) else {
            return Vec::new();
        };
        if let Some(origin) = of_arn(from) {
            return vec![named(origin)];
        }
        let time = self.facts.issues.event_time.get(issue).unwrap_or_default();
        let uses = &self.facts.uses;
        let sessions = self.by_arn.get(from).map_or(&[][..], Vec::as_slice);
        let until = sessions.partition_point(|row| uses.creation_date.get(*row) <= Some(time));
        let sessions = sessions.iter().take(until).rev().take_while(|row| {
            let created = uses.creation_date.get(**row);
            created.is_some_and(|created| time <= created + LONGEST_CONSOLE)
        });
        let mut candidates: Vec<Candidate> = sessions.map(|row| from_session(*row)).collect();
        if candidates.is_empty() {
            // That session is not in the logs; the role it was taken in is a hop all the same.
            let taken = AssumedRoleArn::parse(from).map(|arn| Arc::from(arn.role_arn()));
            let origin = of_reserved_session(from, self.names.users);
            candidates.extend(origin.map(|origin| Candidate {
                taken,
                ..named(origin)
            }));
        }
        candidates
    }

    /// A role session that no call in the logs can have issued.
    fn role_without_issue(&self, node: &mut Node<'f>, row: usize) {
        let uses = &self.facts.uses;
        if let Some((sibling, method, confidence)) = self.sibling_of(row) {
            node.method = method;
            node.start = tied(vec![from_session(sibling)], confidence);
            return;
        }
        if let Some(pairs) = self.facts.told.forwarded.get(node.id.as_ref()) {
            let candidates = self.parents_of(node, pairs);
            if !candidates.is_empty() {
                node.method = Method::RequestId;
                node.start = tied(candidates, Confidence::Strong);
                return;
            }
        }
        if let Some(found) =
            workload::of_own_records(uses, row, self.names, self.issuances, self.web_subjects)
        {
            self.tie_to_named(node, found);
            return;
        }
        node.start = Start::Unknown {
            reason: reason::of_missing_issuer(self.facts, row),
            hops: 1,
            role: node.role_arn.clone(),
        };
        node.is_any_of_principal = uses.has_creation_date.get(row) != Some(true);
    }

    fn tie_to_named(&self, node: &mut Node<'f>, found: Named) {
        node.method = found.method;
        node.evidence = self.ids_of(&found.issues);
        node.issues = if found.origins.len() > 1 {
            found.issues
        } else {
            Vec::new()
        };
        node.start = Start::Tied {
            candidates: found.origins.into_iter().map(named).collect(),
            confidence: found.confidence,
            hops: 1,
            role: node.role_arn.clone(),
            missing: None,
        };
    }

    /// Another session of the same sign-in, or the session that this key belongs to, where its issue is known.
    fn sibling_of(&self, row: usize) -> Option<(usize, Method, Confidence)> {
        if !asks_siblings(&self.facts.uses, row) {
            return None;
        }
        let keys = sibling_keys(self.facts, row, |_| false);
        let sibling = keys
            .iter()
            .find_map(|key| self.siblings.get(key))
            .filter(|sibling| **sibling != row)?;
        Some((*sibling, Method::SignIn, Confidence::Exact))
    }

    pub(super) fn parents_of(&self, node: &mut Node<'f>, pairs: &'f [Pair]) -> Vec<Candidate> {
        let time = node
            .used
            .and_then(|row| self.facts.uses.first_used_at.get(row));
        let parents: Vec<usize> = pairs
            .iter()
            .filter_map(|pair| self.place(&pair.session_id, time))
            .collect();
        let evidence = pairs.iter().flat_map(|pair| &pair.event_ids);
        node.evidence = evidence.map(|id| Cow::Borrowed(id.as_str())).collect();
        node.evidence.sort();
        node.evidence.dedup();
        parents.into_iter().map(from_session).collect()
    }

    /// Sessions that were opened and are not seen in use; of some of them a row was kept.
    pub(super) fn unused(&self, consumed: &HashSet<usize>) -> Vec<Node<'f>> {
        let rows = (0..self.facts.issues.len).into_par_iter();
        let ids: Vec<Option<SessionId>> = rows
            .map(|row| {
                let is_asked = self.facts.is_reached(row);
                is_asked.then(|| self.issuances.session_id(row)).flatten()
            })
            .collect();
        let taken: HashSet<&str> = consumed
            .iter()
            .filter_map(|row| Some(ids.get(*row)?.as_ref()?.as_str()))
            .collect();
        let mut opened: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (row, id) in ids.iter().enumerate() {
            let Some(id) = id.as_ref().map(SessionId::as_str) else {
                continue;
            };
            // Whatever a call of a pruned day opened and can still be in use has a row that was kept.
            let is_new = self.facts.issues.is_of_pruned_day.get(row) != Some(true);
            let is_used = self
                .places
                .get(id)
                .is_some_and(|place| *place < self.facts.uses.len);
            if is_new && !is_used && !taken.contains(id) {
                opened.entry(id).or_default().push(row);
            }
        }
        let nodes = opened.into_iter().map(|(id, rows)| {
            let mut issues = self.issuances.distinct(rows);
            issues.truncate(1);
            let made = issues
                .first()
                .and_then(|row| self.issuances.issued.get(*row));
            let role_arn: Option<Arc<str>> = made
                .filter(|made| made.api == IssuingApi::Role)
                .and_then(|made| made.role_arn)
                .map(Arc::from);
            let persona = match (&role_arn, made) {
                (Some(role), Some(made)) => Persona {
                    arn: Some(Arc::clone(role)),
                    id: made
                        .principal_id
                        .as_deref()
                        .and_then(role_session_of)
                        .map(|(role, _)| Cow::Owned(role.to_owned())),
                },
                (None, Some(made)) => Persona {
                    arn: made.session_arn.as_deref().map(Arc::from),
                    id: made
                        .principal_id
                        .as_deref()
                        .map(|id| Cow::Owned(id.to_owned())),
                },
                (_, None) => Persona::default(),
            };
            let mut node = Node::new(Cow::Owned(id.to_owned()), None, role_arn);
            node.persona = persona;
            let link = Link {
                method: Method::IssuedKey,
                confidence: Confidence::Exact,
                issues,
            };
            self.tie(&mut node, None, link);
            node
        });
        nodes.collect()
    }
}

/// A longest life of a console session; IAM User Guide, "Switch to a role (console)".
pub(super) const LONGEST_CONSOLE: i64 = 12 * 3600 * SECOND;

/// Somebody whom the logs do not show.
fn nobody() -> Candidate {
    Candidate {
        parent: None,
        origin: None,
        taken: None,
    }
}

pub(super) fn named(origin: Origin) -> Candidate {
    Candidate {
        parent: None,
        origin: Some(Arc::new(origin)),
        taken: None,
    }
}

fn from_session(parent: usize) -> Candidate {
    Candidate {
        parent: Some(parent),
        origin: None,
        taken: None,
    }
}

/// Another view of the same session: no credentials were taken.
pub(super) fn tied(candidates: Vec<Candidate>, confidence: Confidence) -> Start {
    Start::Tied {
        candidates,
        confidence,
        hops: 0,
        role: None,
        missing: None,
    }
}

/// Whether a session may be another view of one that shows more: a record that shows when its session was created belongs to that
/// session and to no other.
pub(super) fn asks_siblings(uses: &Uses, row: usize) -> bool {
    let is_role = matches!(uses.identity_type.get(row), Some("AssumedRole" | "Role"));
    is_role && uses.has_creation_date.get(row) != Some(true)
}

/// What two sessions of one sign-in, or two views of one key, have in common.
pub(super) fn sibling_keys(
    facts: &Facts,
    row: usize,
    is_degenerate: impl Fn(&str) -> bool,
) -> Vec<String> {
    let uses = &facts.uses;
    let Some(principal) = uses.principal_id.get(row) else {
        return Vec::new();
    };
    let mut keys = Vec::new();
    keys.extend(
        uses.sign_in_session_arn
            .get(row)
            .map(|arn| format!("{principal} {arn}")),
    );
    if let Some(key) = uses.access_key_ids.only(row)
        && !is_degenerate(key)
    {
        keys.push(format!("{principal} {key}"));
    }
    keys
}
