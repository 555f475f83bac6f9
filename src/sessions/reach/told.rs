//! What is asked of all days at once, before and after: only who asks for something that is another now is reached.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;

use super::super::identity_center::{Users, user_of};
use super::super::issuance::IssuingApi;
use super::super::told::{Pair, Told};
use super::super::workload::OFTEN;
use super::keys::{Key, chain_hours};
use super::{Changed, Reach};
use crate::iam::AssumedRoleArn;
use crate::lake::text_at;

/// Something that was made, or reached into, and when.
#[derive(Debug)]
pub(in super::super) struct Deed {
    pub(in super::super) target: String,
    pub(in super::super) time: i64,
    region: String,
    request_id: Option<String>,
}

/// What is new of deployments and operations.
#[derive(Debug, Default)]
pub(in super::super) struct Deeds {
    pub(in super::super) made: Vec<Deed>,
    pub(in super::super) reached: Vec<Deed>,
}

/// The keys of both whose values differ.
fn differing<'m, K: Eq + Hash, V: PartialEq>(
    before: &'m HashMap<K, V>,
    after: &'m HashMap<K, V>,
) -> Vec<&'m K> {
    let changed = after
        .iter()
        .filter(|(key, value)| before.get(key) != Some(value));
    let gone = before.keys().filter(|key| !after.contains_key(key));
    changed.map(|(key, _)| key).chain(gone).collect()
}

impl Reach<'_> {
    /// Reaches whoever asks for what is told otherwise now; `None` where everything is to be worked out anew.
    pub(in super::super) fn hold_against(
        &mut self,
        changed: &Changed,
        before: &Told,
        after: &Told,
    ) -> Option<Deeds> {
        for id in differing(&before.principals, &after.principals) {
            self.keys.meet(&Key::Principal(id));
        }
        for account in differing(&before.accounts, &after.accounts) {
            self.keys.meet(&Key::Account(account));
        }
        for (account, _) in before.sts_regions.symmetric_difference(&after.sts_regions) {
            self.keys.meet(&Key::Account(account));
        }
        for (account, second) in differing(&before.hidden, &after.hidden) {
            self.keys.meet(&Key::Hidden(account, *second));
        }
        let pairs: [(&HashMap<String, Vec<Pair>>, _); 2] = [
            (&before.twins, &after.twins),
            (&before.forwarded, &after.forwarded),
        ];
        for (before, after) in pairs {
            for session in differing(before, after) {
                self.keys.meet(&Key::Session(session));
                self.calls_of(session);
            }
        }
        let new_calls = changed.new_calls()?;
        let issuances = self.calls.issuances;
        let is_new = |row: usize| {
            issuances
                .issues
                .event_id
                .get(row)
                .is_some_and(|id| new_calls.contains(id))
        };
        self.users(before, after, is_new);
        self.declared(is_new);
        self.web_roles(is_new);
        self.deeds(changed, before)
    }

    /// The calls that a session made.
    pub(in super::super) fn calls_of(&mut self, session: &str) {
        let calls: Vec<usize> = self.calls.issuances.by_session(session).collect();
        for call in calls {
            self.call(call);
        }
    }

    fn users(&mut self, before: &Told, after: &Told, is_new: impl Fn(usize) -> bool) {
        let issuances = self.calls.issuances;
        let before = Users::of_calls(&before.named_users, issuances, |row| !is_new(row));
        let after = Users::new(&after.named_users, issuances);
        let (ids, names) = before.differences(&after);
        if ids.is_empty() && names.is_empty() {
            return;
        }
        for id in &ids {
            self.keys.meet(&Key::User(id));
        }
        for name in &names {
            self.keys.meet(&Key::UserName(name));
        }
        let is_of_name = |from: &str| {
            AssumedRoleArn::parse(from).is_some_and(|arn| names.contains(arn.session_name))
        };
        let switches = self.calls.switches().filter(|(from, _)| is_of_name(from));
        let mut calls: Vec<usize> = switches.map(|(_, row)| row).collect();
        calls.extend((0..issuances.issues.len).filter(|row| {
            self.calls.is_of(*row, IssuingApi::Grant)
                && user_of(issuances.issues, *row).is_some_and(|(_, id)| ids.contains(id.as_str()))
        }));
        for call in calls {
            self.call(call);
        }
    }

    /// What calls say of source identities and certificates.
    fn declared(&mut self, is_new: impl Fn(usize) -> bool) {
        let issuances = self.calls.issuances;
        let issues = issuances.issues;
        let mut anchored: BTreeMap<&str, BTreeSet<(&str, bool)>> = BTreeMap::new();
        let mut certified: BTreeMap<(&str, &str), BTreeSet<bool>> = BTreeMap::new();
        for (row, made) in issuances.issued.iter().enumerate() {
            if let (Some(account), Some((role, _))) = (made.account_id, made.role_session)
                && issuances.is_certified(row)
            {
                certified
                    .entry((account, role))
                    .or_default()
                    .insert(is_new(row));
            }
            let Some(value) = issues.requested_source_identity.get(row) else {
                continue;
            };
            if let Some(arn) = issues.requested_provider_arn.get(row) {
                anchored
                    .entry(value)
                    .or_default()
                    .insert((arn, is_new(row)));
            }
            if let Some(time) = issues.event_time.get(row).filter(|_| is_new(row)) {
                self.keys.meet(&Key::Declared(value, chain_hours(time)));
            }
        }
        for ((account, role), calls) in certified {
            if !calls.contains(&false) {
                self.keys.meet(&Key::Certified(account, role));
            }
        }
        for (name, anchors) in anchored {
            let is_known = |arn: &str| anchors.contains(&(arn, false));
            if anchors.iter().any(|(arn, _)| !is_known(arn)) {
                self.keys.meet(&Key::Anchored(name));
            }
        }
    }

    /// What calls say of the subjects that take a role by a web identity.
    fn web_roles(&mut self, is_new: impl Fn(usize) -> bool) {
        let issuances = self.calls.issuances;
        let issues = issuances.issues;
        let mut roles: HashMap<(&str, &str), (Vec<usize>, bool)> = HashMap::new();
        for (row, made) in issuances.issued.iter().enumerate() {
            let role = made.account_id.zip(made.role_session);
            if let Some((account, (role, _))) = role
                && issues.event_name.get(row) == Some("AssumeRoleWithWebIdentity")
            {
                let (rows, has_new) = roles.entry((account, role)).or_default();
                rows.push(row);
                *has_new |= is_new(row);
            }
        }
        for ((account, role), (rows, _)) in roles.into_iter().filter(|(_, (_, has_new))| *has_new) {
            // Of each subject its first call, and how often it called as far as that matters.
            let told = |counts: &dyn Fn(usize) -> bool| {
                let mut subjects: BTreeMap<Option<&str>, (usize, usize)> = BTreeMap::new();
                for row in rows.iter().copied().filter(|row| counts(*row)) {
                    let (_, calls) = subjects
                        .entry(issues.caller_session_id.get(row))
                        .or_insert((row, 0));
                    *calls = OFTEN.min(*calls + 1);
                }
                subjects
            };
            if told(&|row| !is_new(row)) != told(&|_| true) {
                self.keys.meet(&Key::WebRole(account, role));
            }
        }
    }

    /// What was made and reached into by new calls; `None` where some are gone.
    fn deeds(&mut self, changed: &Changed, before: &Told) -> Option<Deeds> {
        let gone = [MADE, REACHED].map(|fact| deeds_of(&changed.facts.gone, fact));
        if gone.iter().any(|gone| !gone.is_empty()) {
            return None;
        }
        let made = deeds_of(&changed.facts.new, MADE);
        // A name in one more region stands for something else from then on, and for what was before.
        let known = &before.deployments;
        let mut regions: HashMap<&str, HashSet<&str>> = HashMap::new();
        for row in 0..known.len {
            if let Some(target) = known.target_id.get(row) {
                let region = known.aws_region.get(row).unwrap_or_default();
                regions.entry(target).or_default().insert(region);
            }
        }
        let is_moved = |deed: &Deed| {
            let known = regions.get(deed.target.as_str());
            known.is_some_and(|known| !known.contains(deed.region.as_str()))
        };
        if made.iter().any(is_moved) {
            return None;
        }
        let requests = made.iter().filter_map(|deed| deed.request_id.as_deref());
        let requests: HashSet<&str> = requests.collect();
        let issues = self.calls.issuances.issues;
        let is_asked = |row: &usize| {
            issues
                .request_id
                .get(*row)
                .is_some_and(|id| requests.contains(id))
        };
        for call in (0..issues.len).filter(is_asked) {
            self.call(call);
        }
        Some(Deeds {
            reached: deeds_of(&changed.facts.new, REACHED),
            made,
        })
    }
}

/// The questions that find what was made, and what was reached into.
const MADE: &str = "deployments";
const REACHED: &str = "operations";

/// What rows of `daily_facts` tell of deeds of one kind.
fn deeds_of(batches: &[RecordBatch], fact: &str) -> Vec<Deed> {
    let mut deeds = Vec::new();
    for batch in batches {
        let text = |name: &str, row| {
            let text = text_at(batch.column_by_name(name)?, row);
            text.map(str::to_owned)
        };
        let times = batch.column_by_name("event_time");
        let times = times.and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
        for row in 0..batch.num_rows() {
            if let (true, Some(times)) = (text("fact", row).as_deref() == Some(fact), times) {
                deeds.push(Deed {
                    // A launch that lost its answer is known by its request alone.
                    target: text("target_id", row).unwrap_or_default(),
                    time: times.value(row),
                    region: text("aws_region", row).unwrap_or_default(),
                    request_id: text("request_id", row),
                });
            }
        }
    }
    deeds
}
