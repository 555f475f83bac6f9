//! The nodes of the walk: each session with what it acts as, and the calls that may have issued it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::facts::Facts;
use super::issuance::{Issuances, IssuingApi};
use super::link::Linker;
use super::origin::{self, Origin};
use super::reason;
use super::verdict::{Confidence, Method, UnresolvedReason};
use super::walk::{Candidate, Start};
use crate::iam::{AssumedRoleArn, role_session_of};

/// What a session acts as.
#[derive(Debug, Clone, Default)]
pub(super) struct Persona {
    pub(super) arn: Option<String>,
    pub(super) id: Option<String>,
}

/// One session before the walk.
pub(super) struct Node {
    pub(super) id: String,
    /// Its row among the uses, unless it was never used.
    pub(super) used: Option<usize>,
    pub(super) start: Start,
    pub(super) method: Method,
    /// Rows of the calls that may have issued it.
    pub(super) issues: Vec<usize>,
    pub(super) evidence: Vec<String>,
    pub(super) persona: Persona,
    pub(super) role_arn: Option<Arc<str>>,
    /// The session of which this is another account's view.
    pub(super) twin: Option<usize>,
}

impl Node {
    /// A session of which nothing is known but its id, its use and its role.
    fn new(id: String, used: Option<usize>, role_arn: Option<Arc<str>>) -> Self {
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
            persona: Persona::default(),
            role_arn,
            twin: None,
        }
    }
}

/// Makes the nodes of the walk.
pub(super) struct NodeBuilder<'a> {
    pub(super) facts: &'a Facts,
    pub(super) issuances: &'a Issuances<'a>,
    pub(super) index: &'a HashMap<&'a str, usize>,
}

impl NodeBuilder<'_> {
    /// A session that made calls.
    pub(super) fn used(&self, row: usize, linker: &Linker<'_>) -> Node {
        let uses = &self.facts.uses;
        let mut node = Node::new(
            uses.session_id.get(row).unwrap_or_default().to_owned(),
            Some(row),
            self.role_arn(row),
        );
        node.persona = self.persona(row, node.role_arn.as_ref());
        if let Some(link) = linker.link(row) {
            self.tie(&mut node, link.issues, link.method, link.confidence);
            return node;
        }
        if let Some(origin) = origin::of_identity(uses, row, &self.facts.principals) {
            node.start = Start::Origin(origin);
            node.method = Method::Direct;
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
            Some("AssumedRole" | "Role") => {
                let reason = reason::of_missing_issuer(self.facts, row);
                node.start = Start::Unknown {
                    reason,
                    hops: 1,
                    role: node.role_arn.clone(),
                };
            }
            _ => {}
        }
        node
    }

    /// Ties a node to the calls that may have issued it.
    fn tie(&self, node: &mut Node, issues: Vec<usize>, method: Method, confidence: Confidence) {
        let hops = issues
            .first()
            .and_then(|issue| self.issuances.issued.get(*issue))
            .map_or(0, |made| made.api.hops());
        let candidates: Vec<Candidate> = issues
            .iter()
            .filter_map(|issue| self.candidate(*issue))
            .collect();
        node.evidence = issues
            .iter()
            .filter_map(|issue| self.facts.issues.event_id.get(*issue))
            .map(str::to_owned)
            .collect();
        node.evidence.sort();
        node.start = Start::Tied {
            candidates,
            confidence,
            hops,
            role: node.role_arn.clone(),
        };
        node.method = method;
        node.issues = issues;
    }

    fn candidate(&self, issue: usize) -> Option<Candidate> {
        let caller = self.facts.issues.caller_session_id.get(issue)?;
        Some(Candidate {
            parent: *self.index.get(caller)?,
            origin: origin::of_service_issue(&self.facts.issues, issue),
        })
    }

    /// A caller that the recording account knows by account and unique id alone.
    fn other_accounts_caller(&self, node: &mut Node, row: usize) {
        let uses = &self.facts.uses;
        if let Some(twins) = self.facts.twins.get(&node.id) {
            let candidates: Vec<Candidate> = twins
                .iter()
                .filter_map(|twin| {
                    let parent = *self.index.get(twin.session_id.as_str())?;
                    Some(Candidate {
                        parent,
                        origin: None,
                    })
                })
                .collect();
            node.twin = candidates
                .first()
                .filter(|_| candidates.len() == 1)
                .map(|c| c.parent);
            node.evidence = twins
                .iter()
                .flat_map(|twin| twin.event_ids.clone())
                .collect();
            node.evidence.sort();
            node.evidence.dedup();
            node.method = Method::SharedEvent;
            node.start = Start::Tied {
                candidates,
                confidence: Confidence::Exact,
                hops: 0,
                role: None,
            };
            return;
        }
        let reason = UnresolvedReason::CrossAccountNotCollected;
        match uses.account_id.get(row) {
            Some(account) if !self.facts.accounts.contains_key(account) => {
                let origin = Origin::external(account, uses.principal_id.get(row));
                node.start = Start::External(origin);
                node.method = Method::AccountOnly;
            }
            _ => {
                node.start = Start::Unknown {
                    reason,
                    hops: 0,
                    role: None,
                }
            }
        }
    }

    /// Sessions that were opened and never seen in use.
    pub(super) fn unused(&self, consumed: &HashSet<usize>) -> Vec<Node> {
        let taken: HashSet<String> = consumed
            .iter()
            .filter_map(|row| Some(self.issuances.session_id(*row)?.as_str().to_owned()))
            .collect();
        let mut opened: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for row in 0..self.facts.issues.len {
            let Some(id) = self.issuances.session_id(row) else {
                continue;
            };
            if !taken.contains(id.as_str()) && !self.index.contains_key(id.as_str()) {
                opened.entry(id.as_str().to_owned()).or_default().push(row);
            }
        }
        let nodes = opened.into_iter().map(|(id, rows)| {
            let mut issues = self.issuances.distinct(&rows);
            issues.truncate(1);
            let made = issues
                .first()
                .and_then(|row| self.issuances.issued.get(*row));
            let role_arn: Option<Arc<str>> = made
                .filter(|made| made.api == IssuingApi::Role)
                .and_then(|made| made.role_arn.as_deref())
                .map(Arc::from);
            let persona = match (&role_arn, made) {
                (Some(role), Some(made)) => Persona {
                    arn: Some(role.as_ref().to_owned()),
                    id: made
                        .principal_id
                        .as_deref()
                        .and_then(role_session_of)
                        .map(|(role, _)| role.to_owned()),
                },
                (None, Some(made)) => Persona {
                    arn: made.session_arn.clone(),
                    id: made.principal_id.clone(),
                },
                (_, None) => Persona::default(),
            };
            let mut node = Node::new(id, None, role_arn);
            node.persona = persona;
            self.tie(&mut node, issues, Method::IssuedKey, Confidence::Exact);
            node
        });
        nodes.collect()
    }

    /// The role in use, with its path where any record of its unique id shows it.
    fn role_arn(&self, row: usize) -> Option<Arc<str>> {
        let uses = &self.facts.uses;
        if !matches!(uses.identity_type.get(row), Some("AssumedRole" | "Role")) {
            return None;
        }
        let role_id = uses
            .issuer_principal_id
            .get(row)
            .or_else(|| Some(role_session_of(uses.principal_id.get(row)?)?.0));
        let of_session = || {
            let arn = uses.arn.get(row)?;
            let session = AssumedRoleArn::parse(arn)?;
            let AssumedRoleArn {
                partition,
                account_id,
                role_name,
                ..
            } = session;
            Some(format!(
                "arn:{partition}:iam::{account_id}:role/{role_name}"
            ))
        };
        let known = role_id
            .and_then(|id| self.facts.principals.get(id))
            .map(String::as_str);
        // An ARN found by a masked or sample id may be another role's.
        let fits = |arn: &&str| {
            uses.arn
                .get(row)
                .and_then(AssumedRoleArn::parse)
                .is_none_or(|session| session.is_session_of(arn))
        };
        known
            .filter(fits)
            .or_else(|| uses.issuer_arn.get(row))
            .map(str::to_owned)
            .or_else(of_session)
            .map(Arc::from)
    }

    fn persona(&self, row: usize, role_arn: Option<&Arc<str>>) -> Persona {
        let uses = &self.facts.uses;
        let owned = |text: Option<&str>| text.map(str::to_owned);
        match uses.identity_type.get(row) {
            Some("AssumedRole" | "Role") => Persona {
                arn: role_arn.map(|role| role.as_ref().to_owned()),
                id: owned(
                    uses.issuer_principal_id
                        .get(row)
                        .or_else(|| Some(role_session_of(uses.principal_id.get(row)?)?.0)),
                ),
            },
            Some("IAMUser" | "FederatedUser") => Persona {
                arn: owned(uses.arn.get(row).or_else(|| {
                    let id = uses.principal_id.get(row)?;
                    self.facts.principals.get(id).map(String::as_str)
                })),
                id: owned(uses.principal_id.get(row)),
            },
            Some("Root") => {
                let account = uses.account_id.get(row);
                let built = || Some(format!("arn:aws:iam::{}:root", account?));
                Persona {
                    arn: owned(uses.arn.get(row)).or_else(built),
                    id: owned(account),
                }
            }
            _ => Persona::default(),
        }
    }
}
