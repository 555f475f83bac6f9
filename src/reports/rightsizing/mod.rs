//! Right-sizing of one principal, or of all the roles of one permission set: what is used of what is granted, and what is enough.

mod summary;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use futures::TryStreamExt as _;

use super::{ReportError, value_of};
use crate::engine::{Engine, EngineError};
use crate::iam::Arn;
use crate::policies::{Grants, Policy, Principal};
use crate::queries::ask;
use crate::rightsize::{
    Breadth, Comparison, Home, Open, Person, Proposal, ProposalRules, Proposer, Replay, Seen,
    State, TooLarge, Use, fit, granted_actions, open_actions, uses_of,
};

pub use summary::rightsizing_summary;
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
    let is_known = is_known(subjects, grants);
    let principal = subjects.first().and_then(|subject| subject.principal);
    let proposer = || Proposer::new(principal, &policies, is_known, grants, question.rules);
    let mut whole = proposer();
    let mut people: BTreeMap<Person, Proposer<'_>> = BTreeMap::new();
    let mut seen = Comparison::default();
    let mut other_ids = BTreeSet::new();
    for subject in subjects {
        let kept = kept_ids(engine, subject, &mut other_ids).await?;
        each_use(engine, subject, question, kept.as_ref(), grants, |used| {
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
    let until = until_of(&question.times);
    let anybody = seen_by_anybody(engine, &until).await?;
    let open = open_actions(&granted, &seen.used(), &seen.accounts, &anybody);
    let states = seen.states(&granted, is_known, &open);
    whole.keep_open(&open);
    let people = people.into_iter().map(|(person, mut own)| {
        own.keep_open(&open);
        (person, Proposed::of(own.finish(), question.home))
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
    let is_known = is_known(subjects, grants);
    let principal = subjects.first().and_then(|subject| subject.principal);
    let mut granting = Proposer::new(principal, &policies, is_known, grants, question.rules);
    let mut replay = Replay::new(proposal);
    for subject in subjects {
        let kept = kept_ids(engine, subject, &mut BTreeSet::new()).await?;
        each_use(engine, subject, question, kept.as_ref(), grants, |used| {
            if let Some(action) = used.action {
                let is_granted = granting.observe(action, used);
                replay.take(action, used, is_granted);
            } else if !used.needs_none {
                replay.take_unmapped(used);
            }
        })
        .await?;
    }
    Ok(replay)
}

/// Whether the texts of all their policies are there.
fn is_known(subjects: &[Subject<'_>], grants: &Grants) -> bool {
    subjects.iter().all(|subject| match subject.principal {
        Some(principal) => principal.unknown.is_empty(),
        None => !grants.loose.is_empty(),
    })
}

/// The id whose calls alone count: that of today's principal, where the logs have it. Where they have not, those count that were
/// used after it was made, and nobody can tell more.
async fn kept_ids(
    engine: &Engine,
    subject: &Subject<'_>,
    others: &mut BTreeSet<String>,
) -> Result<Option<BTreeSet<String>>, ReportError> {
    let Some(principal) = subject.principal else {
        return Ok(None);
    };
    let created = principal.created_at().unwrap_or(i64::MIN);
    let given = [("persona", subject.persona.clone())];
    let answer = ask(engine, "rightsize/personas", &given).await?;
    let mut ids = BTreeMap::new();
    for batch in answer.collect().await? {
        for row in 0..batch.num_rows() {
            let arn = value_of(&batch, "persona_arn", row).unwrap_or_default();
            if let Some(id) = value_of(&batch, "persona_id", row)
                && subject.is_in_account_of(&arn)
            {
                ids.insert(id, time(&batch, "last_used_at", row).unwrap_or(i64::MAX));
            }
        }
    }
    let has_own = ids.contains_key(&principal.id);
    let is_kept = |id: &String, last: i64| {
        if has_own {
            *id == principal.id
        } else {
            last >= created
        }
    };
    let (kept, left): (Vec<_>, Vec<_>) = ids.into_iter().partition(|(id, last)| is_kept(id, *last));
    others.extend(left.into_iter().map(|(id, _)| id));
    Ok(Some(kept.into_iter().map(|(id, _)| id).collect()))
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
    kept: Option<&BTreeSet<String>>,
    grants: &Grants,
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
        for mut used in uses_of(&batch)? {
            let is_own = match (kept, &used.persona_id) {
                (Some(kept), Some(id)) => kept.contains(id),
                _ => true,
            };
            if is_own && subject.is_in_account_of(&used.persona_arn) {
                for arn in &mut used.resources {
                    with_path(arn, grants);
                }
                take(&used);
            }
        }
    }
    Ok(())
}

/// Puts the path into the ARN of a role or user that a call named without it, where the files know one of that name.
fn with_path(arn: &mut String, grants: &Grants) {
    let Some((name, account)) = Arn::parse(arn)
        .filter(|it| it.service == "iam")
        .and_then(|it| {
            let role = it.resource.strip_prefix("role/");
            Some((role.or(it.resource.strip_prefix("user/"))?, it.account_id))
        })
    else {
        return;
    };
    if name.contains('/') || grants.principals.contains_key(arn.as_str()) {
        return;
    }
    let mut found = grants.named(name);
    found.retain(|it| {
        it.account_id() == account && arn.contains(&format!(":{}/", it.kind.as_str()))
    });
    if let [one] = found.as_slice() {
        arn.clone_from(&one.arn);
    }
}

/// The end of a period alone: what came later is not known by then, what came before is.
pub(super) fn until_of(times: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
    let ends = times.iter().filter(|(name, _)| *name == "until");
    ends.cloned().collect()
}

async fn seen_by_anybody(
    engine: &Engine,
    until: &[(&'static str, String)],
) -> Result<Seen, ReportError> {
    let mut seen = Seen::default();
    for batch in ask(engine, "rightsize/seen", until)
        .await?
        .collect()
        .await?
    {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_role_gets_its_path_and_a_name_that_looks_like_one_does_not() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples");
        let grants = Grants::read(&[examples.join("grants-111122223333.json")]).unwrap();
        let pathed = "arn:aws:iam::111122223333:role/aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport";
        for (arn, becomes) in [
            (
                "arn:aws:iam::111122223333:role/AWSServiceRoleForSupport",
                pathed,
            ),
            (pathed, pathed),
            (
                "arn:aws:iam::999999999999:role/AWSServiceRoleForSupport",
                "arn:aws:iam::999999999999:role/AWSServiceRoleForSupport",
            ),
            (
                "arn:aws:logs:r:111122223333:log-group:x:role/AWSServiceRoleForSupport",
                "arn:aws:logs:r:111122223333:log-group:x:role/AWSServiceRoleForSupport",
            ),
        ] {
            let mut arn = arn.to_owned();
            with_path(&mut arn, &grants);
            assert_eq!(arn, becomes);
        }
    }
}
