//! Puts facts, links and verdicts together into rows, and writes them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;

use super::SessionsError;
use super::facts::{Facts, Uses};
use super::issuance::{Issuances, IssuingApi};
use super::link::Linker;
use super::origin::{self, Origin, OriginKind};
use super::reason;
use super::schema::{SESSIONS, SESSIONS_LAYOUT};
use super::verdict::{Confidence, Method, UnresolvedReason};
use super::walk::{Candidate, Start, Verdict, walk};
use crate::events::day_of;
use crate::iam::{Arn, AssumedRoleArn, role_session_of};
use crate::lake::{Draft, LakeTable, RowBuilder, TableWriter, schema_of};

/// What a session acts as.
#[derive(Debug, Clone, Default)]
struct Persona {
    arn: Option<String>,
    id: Option<String>,
}

/// One session before the walk.
struct Node {
    id: String,
    /// Its row among the uses, unless it was never used.
    used: Option<usize>,
    start: Start,
    method: Method,
    /// Rows of the calls that may have issued it.
    issues: Vec<usize>,
    evidence: Vec<String>,
    persona: Persona,
    role_arn: Option<Arc<str>>,
    /// The session of which this is another account's view.
    twin: Option<usize>,
}

/// One session as it will be written.
pub(super) struct SessionRow {
    date: NaiveDate,
    id: String,
    issuing_api: Option<String>,
    issuing_event_id: Option<String>,
    access_key_ids: Vec<String>,
    session_arn: Option<String>,
    session_name: Option<String>,
    role_arn: Option<Arc<str>>,
    role_id: Option<String>,
    role_account_id: Option<String>,
    persona: Persona,
    created_at: Option<i64>,
    expires_at: Option<i64>,
    parent: Option<String>,
    verdict: Verdict,
    is_human: Option<bool>,
    source_identity: Option<String>,
    session_tags: Option<String>,
    has_mfa: Option<bool>,
    source_ip_address: Option<String>,
    user_agent: Option<String>,
    first_used_at: Option<i64>,
    last_used_at: Option<i64>,
    event_count: i64,
    denied_count: i64,
    method: Method,
    evidence: Vec<String>,
}

/// All sessions, linked and ready for the walk.
pub(super) struct Sessions<'a> {
    facts: &'a Facts,
    issuances: Issuances<'a>,
    nodes: Vec<Node>,
}

impl<'a> Sessions<'a> {
    pub(super) fn new(facts: &'a Facts) -> Self {
        let issuances = Issuances::new(&facts.issues);
        let uses = &facts.uses;
        let index: HashMap<&str, usize> = (0..uses.len)
            .filter_map(|row| Some((uses.session_id.get(row)?, row)))
            .collect();
        let linker = Linker::new(uses, &issuances);
        let builder = NodeBuilder {
            facts,
            issuances: &issuances,
            index: &index,
        };
        let mut nodes: Vec<Node> = (0..uses.len)
            .map(|row| builder.used(row, &linker))
            .collect();
        let consumed: HashSet<usize> = nodes
            .iter()
            .flat_map(|node| node.issues.iter().copied())
            .collect();
        nodes.extend(builder.unused(&consumed));
        Self {
            facts,
            issuances,
            nodes,
        }
    }

    /// Walks, and makes the rows in the order in which they are written.
    pub(super) fn rows(self) -> Vec<SessionRow> {
        let starts: Vec<Start> = self.nodes.iter().map(|node| node.start.clone()).collect();
        let verdicts = walk(&starts);
        let humans = human_users(&self.facts.uses);
        let mut rows: Vec<SessionRow> = self
            .nodes
            .iter()
            .zip(verdicts)
            .map(|(node, verdict)| self.row(node, verdict, &humans))
            .collect();
        rows.sort_by(|a, b| {
            let key = |row: &SessionRow| (row.date, row.verdict.origin.id.clone());
            key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
        });
        rows
    }

    fn row(&self, node: &Node, verdict: Verdict, humans: &HashSet<&str>) -> SessionRow {
        let uses = &self.facts.uses;
        let issues = &self.facts.issues;
        let used = |texts: &super::frame::Texts| {
            node.used.and_then(|row| texts.get(row)).map(str::to_owned)
        };
        let issue = node.issues.first().copied();
        let only_issue = issue.filter(|_| node.issues.len() == 1);
        let issued = |texts: &super::frame::Texts| {
            only_issue.and_then(|row| texts.get(row)).map(str::to_owned)
        };
        let made = issue.and_then(|row| self.issuances.issued.get(row));
        let session_arn = used(&uses.arn).or_else(|| made?.session_arn.clone());
        let created_at = node
            .used
            .and_then(|row| uses.creation_date.get(row))
            .or_else(|| only_issue.and_then(|row| issues.event_time.get(row)));
        let role_arn = node.role_arn.clone();
        let principal = used(&uses.principal_id)
            .or_else(|| made?.principal_id.clone())
            .unwrap_or_default();
        let role_id = role_arn.as_ref().and_then(|_| {
            used(&uses.issuer_principal_id)
                .or_else(|| role_session_of(&principal).map(|(role, _)| role.to_owned()))
        });
        let session_name = session_arn
            .as_deref()
            .and_then(AssumedRoleArn::parse)
            .map(|arn| arn.session_name.to_owned())
            .or_else(|| made?.role_session.as_ref().map(|(_, name)| name.clone()));
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
            date: created_at.map_or_else(NaiveDate::default, day_of),
            id: node.id.clone(),
            issuing_api: issue
                .and_then(|row| issues.event_name.get(row))
                .map(str::to_owned),
            issuing_event_id: issued(&issues.event_id),
            access_key_ids: keys,
            session_name,
            role_account_id: role_arn
                .as_deref()
                .and_then(|arn| Some(Arn::parse(arn)?.account_id.to_owned())),
            session_arn,
            role_arn,
            role_id,
            persona: twin.map_or_else(|| node.persona.clone(), |twin| twin.persona.clone()),
            created_at,
            expires_at: only_issue.and_then(|row| issues.issued_expiration.get(row)),
            parent: verdict
                .parent
                .and_then(|parent| self.nodes.get(parent))
                .map(|parent| parent.id.clone()),
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
            evidence: node.evidence.clone(),
        }
    }
}

/// Makes the nodes of the walk.
struct NodeBuilder<'a> {
    facts: &'a Facts,
    issuances: &'a Issuances<'a>,
    index: &'a HashMap<&'a str, usize>,
}

impl NodeBuilder<'_> {
    /// A session that made calls.
    fn used(&self, row: usize, linker: &Linker<'_>) -> Node {
        let uses = &self.facts.uses;
        let mut node = Node {
            id: uses.session_id.get(row).unwrap_or_default().to_owned(),
            used: Some(row),
            start: Start::Unknown {
                reason: UnresolvedReason::Lost,
                hops: 0,
                role: None,
            },
            method: Method::None,
            issues: Vec::new(),
            evidence: Vec::new(),
            persona: Persona::default(),
            role_arn: self.role_arn(row),
            twin: None,
        };
        node.persona = self.persona(row, node.role_arn.as_ref());
        if let Some(link) = linker.link(row) {
            self.tie(&mut node, link.issues, link.method, link.confidence);
            return node;
        }
        if let Some(origin) = origin::of_identity(uses, row) {
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
    fn unused(&self, consumed: &HashSet<usize>) -> Vec<Node> {
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
            let mut node = Node {
                id,
                used: None,
                start: Start::Unknown {
                    reason: UnresolvedReason::Lost,
                    hops: 0,
                    role: None,
                },
                method: Method::None,
                issues: Vec::new(),
                evidence: Vec::new(),
                persona,
                role_arn,
                twin: None,
            };
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
                arn: owned(uses.arn.get(row)),
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

/// Writes the rows, each day to a file of its own.
pub(super) fn write(draft: &mut Draft<'_>, rows: &[SessionRow]) -> Result<(), SessionsError> {
    for day in rows.chunk_by(|a, b| a.date == b.date) {
        let Some(first) = day.first() else { continue };
        let mut builder = RowBuilder::new(SESSIONS);
        let mut writer = TableWriter::create(
            draft.guard(),
            LakeTable::Sessions,
            Some(first.date),
            schema_of(SESSIONS),
            SESSIONS_LAYOUT,
        )?;
        for slice in day.chunks(8192) {
            for row in slice {
                append(&mut builder, row);
            }
            writer.write(&builder.take()?)?;
        }
        draft.add(LakeTable::Sessions, writer.finish()?);
    }
    Ok(())
}

fn append(rows: &mut RowBuilder, row: &SessionRow) {
    let verdict = &row.verdict;
    let origin = &verdict.origin;
    rows.row()
        .text("session_id", Some(&row.id))
        .text("issuing_api", row.issuing_api.as_ref())
        .text("issuing_event_id", row.issuing_event_id.as_ref())
        .texts("access_key_ids", &row.access_key_ids)
        .text("session_arn", row.session_arn.as_ref())
        .text("session_name", row.session_name.as_ref())
        .text("role_arn", row.role_arn.as_ref())
        .text("role_id", row.role_id.as_ref())
        .text("role_account_id", row.role_account_id.as_ref())
        .text("persona_arn", row.persona.arn.as_ref())
        .text("persona_id", row.persona.id.as_ref())
        .time("created_at", row.created_at)
        .time("expires_at", row.expires_at)
        .text("parent_session_id", row.parent.as_ref())
        .int("hop_count", Some(i64::from(verdict.hop_count)))
        .texts("chain", verdict.chain.iter())
        .bool("chain_truncated", Some(verdict.chain.truncated))
        .text("origin_kind", Some(origin.kind.code()))
        .text("origin_id", origin.id.as_ref())
        .text("origin_name", origin.name.as_ref())
        .text("origin_account_id", origin.account_id.as_ref())
        .text("origin_provider", origin.provider.as_ref())
        .text("origin_assurance", Some(origin.kind.assurance()))
        .bool("is_human", row.is_human)
        .text("created_by_origin_id", None::<&str>)
        .text("source_identity", row.source_identity.as_ref())
        .text("session_tags", row.session_tags.as_ref())
        .bool("has_mfa", row.has_mfa)
        .text("source_ip_address", row.source_ip_address.as_ref())
        .text("user_agent", row.user_agent.as_ref())
        .time("first_used_at", row.first_used_at)
        .time("last_used_at", row.last_used_at)
        .int("event_count", Some(row.event_count))
        .int("denied_count", Some(row.denied_count))
        .text("attribution", Some(row.method.code()))
        .text("confidence", Some(verdict.confidence.code()))
        .texts("evidence_event_ids", &row.evidence)
        .text(
            "unresolved_reason",
            verdict.reason.map(UnresolvedReason::code),
        );
}
