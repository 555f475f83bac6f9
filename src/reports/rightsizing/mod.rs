//! Right-sizing of one principal, or of all the roles of one permission set: what is used of what is granted, and what is enough.

mod tables;

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use futures::TryStreamExt as _;

use super::{ReportError, value_of};
use crate::engine::{Engine, EngineError};
use crate::policies::{Grants, Policy, Principal};
use crate::queries::ask;
use crate::rightsize::{
    Breadth, Comparison, Home, Open, Person, Proposal, ProposalRules, Proposer, Replay, Seen,
    State, TooLarge, Use, fit, granted_actions, open_actions, uses_of,
};

pub use tables::replay_rows;

/// Whose permissions are looked at.
#[derive(Debug, Clone)]
pub struct Subject<'g> {
    /// A name for it.
    pub name: String,
    /// What `rightsize/uses` is asked for: the name of a role, or the ARN of a user.
    pub persona: String,
    /// The account, where it is known.
    pub account_id: Option<String>,
    /// What the files say of it.
    pub principal: Option<&'g Principal>,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct RightsizeQuestion {
    /// `since` and `until`, as they are bound to queries.
    pub times: Vec<(&'static str, String)>,
    /// What to do with what the logs leave open.
    pub rules: ProposalRules,
    /// Where the policy will stand.
    pub home: Home,
}

/// What came of it.
#[derive(Debug)]
pub struct Rightsized {
    /// What was seen.
    pub seen: Comparison,
    /// The granted actions, each with how narrowly it is named.
    pub granted: BTreeMap<String, Breadth>,
    /// Those of which nothing tells.
    pub open: BTreeMap<String, Open>,
    /// Every action that is granted or was asked for.
    pub states: BTreeMap<String, State>,
    /// The proposal; for each person, where it was asked for.
    pub proposal: Proposed,
    /// The same for each person who was behind the principal.
    pub people: Vec<(Person, Proposed)>,
    /// The ids of earlier principals of the same name, whose calls are left out.
    pub other_ids: BTreeSet<String>,
    /// Whether everything that is granted is known.
    pub is_known: bool,
}

/// A proposal in policies.
#[derive(Debug)]
pub struct Proposed {
    /// The policies, or why they would be too large.
    pub policies: Result<Vec<Policy>, TooLarge>,
    /// Where resources were too many to name.
    pub widened: Vec<(String, usize)>,
}

impl Proposed {
    fn of(proposal: Proposal, home: Home) -> Self {
        Self {
            policies: fit(proposal.statements, home),
            widened: proposal.widened,
        }
    }

    /// The policies; none where they would be too large.
    pub fn policies(&self) -> &[Policy] {
        self.policies.as_deref().unwrap_or_default()
    }
}

/// The policies of all subjects, each once.
pub fn policies_of<'g>(subjects: &[Subject<'g>], grants: &'g Grants) -> Vec<&'g Policy> {
    let own = subjects
        .iter()
        .filter_map(|subject| subject.principal)
        .flat_map(|principal| &principal.policies);
    let mut policies: Vec<&Policy> = Vec::new();
    for granted in own.chain(&grants.loose) {
        if !policies.contains(&granted.policy.as_ref()) {
            policies.push(&granted.policy);
        }
    }
    policies
}

/// Looks at the subjects as one.
pub async fn rightsize(
    engine: &Engine,
    subjects: &[Subject<'_>],
    grants: &Grants,
    question: &RightsizeQuestion,
) -> Result<Rightsized, ReportError> {
    let policies = policies_of(subjects, grants);
    let has_all = |subject: &Subject<'_>| match subject.principal {
        Some(principal) => principal.unknown.is_empty(),
        None => !grants.loose.is_empty(),
    };
    let is_known = !policies.is_empty() && subjects.iter().all(has_all);
    // What is granted by a policy that nobody can read may be anything: what was used counts as granted by it.
    let anything = anything();
    let mut cut_from = policies.clone();
    if !is_known {
        cut_from.push(&anything);
    }
    let principal = subjects.first().and_then(|subject| subject.principal);
    let proposer = || Proposer::new(principal, &cut_from, grants, question.rules);
    let mut whole = proposer();
    let mut people: BTreeMap<Person, Proposer<'_>> = BTreeMap::new();
    let mut seen = Comparison::default();
    let mut other_ids = BTreeSet::new();
    for subject in subjects {
        let kept = kept_ids(engine, subject, &mut other_ids).await?;
        each_use(engine, subject, question, kept.as_deref(), |used| {
            let is_granted = used.action.is_some_and(|action| {
                let own = people.entry(used.person.clone()).or_insert_with(proposer);
                own.observe(action, used);
                whole.observe(action, used)
            });
            seen.take(used, is_granted);
        })
        .await?;
    }
    let granted = granted_actions(&policies);
    let anybody = seen_by_anybody(engine).await?;
    let open = open_actions(&granted, &seen.used(), &seen.accounts, &anybody);
    let states = seen.states(&granted, is_known, &open);
    whole.keep_open(&open);
    let people = people.into_iter().map(|(person, own)| {
        let proposed = Proposed::of(own.finish(), question.home);
        (person, proposed)
    });
    Ok(Rightsized {
        people: people.collect(),
        proposal: Proposed::of(whole.finish(), question.home),
        seen,
        granted,
        open,
        states,
        other_ids,
        is_known,
    })
}

/// Asks the proposal about every call that was seen.
pub async fn replay<'p>(
    engine: &Engine,
    subjects: &[Subject<'_>],
    grants: &Grants,
    question: &RightsizeQuestion,
    proposal: &'p [Policy],
) -> Result<Replay<'p>, ReportError> {
    let policies = policies_of(subjects, grants);
    let anything = anything();
    let is_known = subjects.iter().all(|subject| {
        subject
            .principal
            .map_or(!grants.loose.is_empty(), |principal| {
                principal.unknown.is_empty()
            })
    });
    let mut today = policies;
    if today.is_empty() || !is_known {
        today.push(&anything);
    }
    let principal = subjects.first().and_then(|subject| subject.principal);
    let mut granting = Proposer::new(principal, &today, grants, question.rules);
    let mut replay = Replay::new(proposal);
    for subject in subjects {
        let kept = kept_ids(engine, subject, &mut BTreeSet::new()).await?;
        each_use(engine, subject, question, kept.as_deref(), |used| {
            if let Some(action) = used.action {
                let is_granted = granting.observe(action, used);
                replay.take(action, used, is_granted);
            }
        })
        .await?;
    }
    Ok(replay)
}

/// A policy that allows everything, in the place of one that is not known.
fn anything() -> Policy {
    Policy::parse(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    )
    .unwrap_or_default()
}

/// The ids whose calls count: that of today's role, where the logs have it, else all.
async fn kept_ids(
    engine: &Engine,
    subject: &Subject<'_>,
    others: &mut BTreeSet<String>,
) -> Result<Option<String>, ReportError> {
    let given = [("persona", subject.persona.clone())];
    let answer = ask(engine, "rightsize/personas", &given).await?;
    let mut ids = BTreeSet::new();
    for batch in answer.collect().await? {
        for row in 0..batch.num_rows() {
            let arn = value_of(&batch, "persona_arn", row).unwrap_or_default();
            if subject.is_in_account_of(&arn) {
                ids.extend(value_of(&batch, "persona_id", row));
            }
        }
    }
    let own = subject
        .principal
        .map(|principal| principal.id.clone())
        .filter(|id| ids.contains(id));
    if own.is_some() {
        others.extend(ids.into_iter().filter(|id| Some(id) != own.as_ref()));
    }
    Ok(own)
}

impl Subject<'_> {
    fn is_in_account_of(&self, arn: &str) -> bool {
        let account = arn.split(':').nth(4).unwrap_or_default();
        self.account_id.as_deref().is_none_or(|own| own == account)
    }
}

async fn each_use(
    engine: &Engine,
    subject: &Subject<'_>,
    question: &RightsizeQuestion,
    kept_id: Option<&str>,
    mut take: impl FnMut(&Use),
) -> Result<(), ReportError> {
    let mut given = vec![("persona", subject.persona.clone())];
    given.extend(question.times.iter().cloned());
    let answer = ask(engine, "rightsize/uses", &given).await?;
    let mut batches = answer.stream().await?;
    while let Some(batch) = batches
        .try_next()
        .await
        .map_err(EngineError::query("rightsize/uses"))?
    {
        for used in uses_of(&batch)? {
            let is_own = kept_id.is_none()
                || used.persona_id.is_none()
                || used.persona_id.as_deref() == kept_id;
            if is_own && subject.is_in_account_of(&used.persona_arn) {
                take(&used);
            }
        }
    }
    Ok(())
}

async fn seen_by_anybody(engine: &Engine) -> Result<Seen, ReportError> {
    let mut seen = Seen::default();
    for batch in ask(engine, "rightsize/seen", &[]).await?.collect().await? {
        seen.take(&batch)?;
    }
    Ok(seen)
}

/// Of which time the logs of some accounts speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first event, in microseconds since 1970.
    pub first: i64,
    /// The last.
    pub last: i64,
    /// How many data events there are.
    pub data_events: u64,
}

/// Of which time the logs of these accounts speak, or those of all where none is named.
pub async fn window(
    engine: &Engine,
    accounts: &BTreeSet<String>,
) -> Result<Option<Window>, ReportError> {
    let mut window: Option<Window> = None;
    for batch in ask(engine, "status/accounts", &[]).await?.collect().await? {
        for row in 0..batch.num_rows() {
            let account = value_of(&batch, "account_id", row).unwrap_or_default();
            if !accounts.is_empty() && !accounts.contains(&account) {
                continue;
            }
            let (Some(first), Some(last)) = (
                time(&batch, "first_event_time", row),
                time(&batch, "last_event_time", row),
            ) else {
                continue;
            };
            let data = value_of(&batch, "data_events", row).and_then(|count| count.parse().ok());
            let so_far = window.get_or_insert(Window {
                first,
                last,
                data_events: 0,
            });
            so_far.first = so_far.first.min(first);
            so_far.last = so_far.last.max(last);
            so_far.data_events += data.unwrap_or(0);
        }
    }
    Ok(window)
}

pub(super) fn time(batch: &RecordBatch, name: &str, row: usize) -> Option<i64> {
    let column = batch.column_by_name(name)?;
    let times = column.as_primitive_opt::<TimestampMicrosecondType>()?;
    times.is_valid(row).then(|| times.value(row))
}
