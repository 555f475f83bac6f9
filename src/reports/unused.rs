//! What nobody used: roles and users, entries of trust policies, access keys and passwords.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use chrono::{DateTime, Utc};

use super::rightsizing::{time, until_of};
use super::{ReportError, value_of};
use crate::engine::Engine;
use crate::lake::{Column, ColumnType, RowBuilder};
use crate::policies::{Grants, Principal};
use crate::queries::ask;
use crate::rightsize::{Comer, Comers, take_comers, trust_entries};

const PRINCIPALS: &[Column] = &[
    Column::required("principal_arn", ColumnType::Text, "the role or user"),
    Column::required("kind", ColumnType::Text, "`role` or `user`"),
    Column::new(
        "created_at",
        ColumnType::Text,
        "when it was made, as AWS writes it",
    ),
    Column::new(
        "last_used_at_by_aws",
        ColumnType::Text,
        "when AWS saw it used last, as the export has it: of a role, and of the password of a user in a credential report",
    ),
    Column::required("policies", ColumnType::Int, "how many policies it has"),
    Column::required(
        "is_service_linked",
        ColumnType::Bool,
        "whether AWS keeps it for a service; it goes when the service's resources go",
    ),
    Column::required(
        "is_account_in_logs",
        ColumnType::Bool,
        "whether any event of its account is in the lake; where none is, the silence says nothing",
    ),
];

const TRUST: &[Column] = &[
    Column::required("role_arn", ColumnType::Text, "the role"),
    Column::required(
        "statement",
        ColumnType::Int,
        "the number of the statement in its trust policy, from 1",
    ),
    Column::required(
        "principal_kind",
        ColumnType::Text,
        "`AWS`, `Service`, `Federated`, `CanonicalUser`",
    ),
    Column::required("principal", ColumnType::Text, "whom it lets in"),
    Column::required(
        "is_conditional",
        ColumnType::Bool,
        "whether it has conditions",
    ),
    Column::required(
        "sessions",
        ColumnType::Int,
        "how many sessions came through it",
    ),
    Column::new("last_came_at", ColumnType::Time, "the last of them"),
    Column::new(
        "longest_asked_seconds",
        ColumnType::Int,
        "for how long the longest was asked for",
    ),
    Column::new(
        "longest_used_seconds",
        ColumnType::Int,
        "for how long it was used",
    ),
];

const KEYS: &[Column] = &[
    Column::required("user_arn", ColumnType::Text, "the user"),
    Column::required(
        "key_number",
        ColumnType::Int,
        "1 or 2; the report does not tell the key's id",
    ),
    Column::required(
        "finding",
        ColumnType::Text,
        "`never_used`, `unused` (not since the age asked for), `not_rotated`, `root_key`",
    ),
    Column::new(
        "rotated_at",
        ColumnType::Text,
        "when it was made or rotated",
    ),
    Column::new(
        "last_used_at",
        ColumnType::Text,
        "when AWS saw it used last",
    ),
];

const PASSWORDS: &[Column] = &[
    Column::required("user_arn", ColumnType::Text, "the user"),
    Column::required(
        "finding",
        ColumnType::Text,
        "`no_mfa`, `never_used`, `unused`",
    ),
    Column::new(
        "last_used_at",
        ColumnType::Text,
        "when the password was used last",
    ),
];

/// What nobody used.
#[derive(Debug)]
pub struct Unused {
    /// Roles and users without a call.
    pub principals: RecordBatch,
    /// Entries of trust policies that nobody came through.
    pub trust: RecordBatch,
    /// Access keys that are unused or old.
    pub keys: RecordBatch,
    /// Passwords that are unused or stand alone.
    pub passwords: RecordBatch,
}

/// Holds what is granted against what the lake has.
///
/// Keys and passwords that were not used or rotated after `old` are told; `times` are `since` and `until` as they are bound.
pub async fn unused(
    engine: &Engine,
    grants: &Grants,
    times: &[(&'static str, String)],
    old: DateTime<Utc>,
) -> Result<Unused, ReportError> {
    let active = active(engine, times).await?;
    let accounts = accounts(engine, &until_of(times)).await?;
    let comers = comers(engine, None, times).await?;
    let mut principals = RowBuilder::new(PRINCIPALS);
    let mut trust = RowBuilder::new(TRUST);
    for principal in grants.principals.values() {
        if !was_active(principal, &active) {
            let password = grants
                .credentials
                .iter()
                .find(|row| row.arn == principal.arn);
            let by_aws = principal
                .last_used
                .as_deref()
                .or(password.and_then(|row| row.password_used()));
            principals
                .row()
                .text("principal_arn", Some(&principal.arn))
                .text("kind", Some(principal.kind.as_str()))
                .text("created_at", principal.created.as_ref())
                .text("last_used_at_by_aws", by_aws)
                .count("policies", principal.policies.len() as u64)
                .bool("is_service_linked", Some(principal.is_service_linked()))
                .bool(
                    "is_account_in_logs",
                    Some(accounts.contains_key(principal.account_id())),
                );
        }
        let is_told = |sessions| sessions == 0;
        trust_rows(
            &mut trust,
            principal,
            &comers_of(principal, &comers),
            is_told,
        );
    }
    Ok(Unused {
        principals: principals.take()?,
        trust: trust.take()?,
        keys: keys(grants, old)?,
        passwords: passwords(grants, old)?,
    })
}

/// Every entry of a role's trust policy, with who came through it.
pub async fn trust_of(
    engine: &Engine,
    roles: &[&Principal],
    times: &[(&'static str, String)],
) -> Result<RecordBatch, ReportError> {
    let mut rows = RowBuilder::new(TRUST);
    for role in roles {
        let comers = comers(engine, Some(&role.name), times).await?;
        trust_rows(&mut rows, role, &comers_of(role, &comers), |_| true);
    }
    Ok(rows.take()?)
}

fn trust_rows(
    rows: &mut RowBuilder,
    role: &Principal,
    comers: &[&Comer],
    is_told: impl Fn(u64) -> bool,
) {
    for entry in trust_entries(role) {
        let came: Vec<_> = comers.iter().filter(|comer| entry.lets_in(comer)).collect();
        let sessions = came.iter().map(|comer| comer.sessions).sum();
        if is_told(sessions) {
            rows.row()
                .text("role_arn", Some(&role.arn))
                .count("statement", entry.statement as u64)
                .text("principal_kind", Some(&entry.kind))
                .text("principal", Some(&entry.name))
                .bool("is_conditional", Some(entry.is_conditional))
                .count("sessions", sessions)
                .time(
                    "last_came_at",
                    came.iter().filter_map(|comer| comer.last).max(),
                )
                .int(
                    "longest_asked_seconds",
                    came.iter().filter_map(|comer| comer.longest_asked).max(),
                )
                .int(
                    "longest_used_seconds",
                    came.iter().filter_map(|comer| comer.longest_used).max(),
                );
        }
    }
}

/// The comers of a role; the logs may name it without its path.
fn comers_of<'c>(role: &Principal, comers: &'c Comers) -> Vec<&'c Comer> {
    let is_it = |arn: &str| {
        let same_account = arn.split(':').nth(4) == Some(role.account_id());
        arn == role.arn || same_account && arn.rsplit('/').next() == Some(&role.name)
    };
    let found = comers.iter().filter(|(arn, _)| is_it(arn));
    found.flat_map(|(_, comers)| comers).collect()
}

async fn comers(
    engine: &Engine,
    role: Option<&str>,
    times: &[(&'static str, String)],
) -> Result<Comers, ReportError> {
    let mut given = times.to_vec();
    given.extend(role.map(|role| ("role", role.to_owned())));
    let mut comers = Comers::new();
    for batch in ask(engine, "rightsize/comers", &given)
        .await?
        .collect()
        .await?
    {
        take_comers(&batch, &mut comers)?;
    }
    Ok(comers)
}

/// ARN without path → the ids of those who acted under it, each with its last call in microseconds since 1970.
type Active = BTreeMap<String, Vec<(String, i64)>>;

async fn active(engine: &Engine, times: &[(&'static str, String)]) -> Result<Active, ReportError> {
    let mut active = Active::new();
    for batch in ask(engine, "rightsize/active", times)
        .await?
        .collect()
        .await?
    {
        for row in 0..batch.num_rows() {
            let arn = value_of(&batch, "persona_arn", row).unwrap_or_default();
            let id = value_of(&batch, "persona_id", row).unwrap_or_default();
            let last = time(&batch, "last_used_at", row).unwrap_or(i64::MAX);
            active
                .entry(without_path(&arn))
                .or_default()
                .push((id, last));
        }
    }
    Ok(active)
}

/// A role's ARN without its path, which not every record shows.
fn without_path(arn: &str) -> String {
    match arn.split_once(":role/") {
        Some((account, path)) => {
            format!("{account}:role/{}", path.rsplit('/').next().unwrap_or(path))
        }
        None => arn.to_owned(),
    }
}

/// Whether today's principal acted. Calls under its name before it was made, and under another id, are those of an earlier one.
fn was_active(principal: &Principal, active: &Active) -> bool {
    let created = principal.created_at().unwrap_or(i64::MIN);
    active
        .get(&without_path(&principal.arn))
        .is_some_and(|ids| {
            ids.iter()
                .any(|(id, last)| *id == principal.id || *last >= created)
        })
}

async fn accounts(
    engine: &Engine,
    until: &[(&'static str, String)],
) -> Result<BTreeMap<String, i64>, ReportError> {
    let mut accounts = BTreeMap::new();
    for batch in ask(engine, "status/accounts", until)
        .await?
        .collect()
        .await?
    {
        for row in 0..batch.num_rows() {
            if let (Some(account), Some(last)) = (
                value_of(&batch, "account_id", row),
                time(&batch, "last_event_time", row),
            ) {
                accounts.insert(account, last);
            }
        }
    }
    Ok(accounts)
}

fn is_old(time: &str, old: DateTime<Utc>) -> bool {
    DateTime::parse_from_rfc3339(time).is_ok_and(|time| time < old)
}

fn keys(grants: &Grants, old: DateTime<Utc>) -> Result<RecordBatch, ArrowError> {
    let mut rows = RowBuilder::new(KEYS);
    for user in &grants.credentials {
        for key in user.active_keys() {
            let findings = [
                ("root_key", user.user == "<root_account>"),
                ("never_used", key.used.is_none()),
                ("unused", key.used.is_some_and(|used| is_old(used, old))),
                (
                    "not_rotated",
                    key.rotated.is_some_and(|rotated| is_old(rotated, old)),
                ),
            ];
            for (finding, _) in findings.iter().filter(|(_, is_so)| *is_so) {
                rows.row()
                    .text("user_arn", Some(&user.arn))
                    .count("key_number", u64::from(key.number))
                    .text("finding", Some(finding))
                    .text("rotated_at", key.rotated)
                    .text("last_used_at", key.used);
            }
        }
    }
    rows.take()
}

fn passwords(grants: &Grants, old: DateTime<Utc>) -> Result<RecordBatch, ArrowError> {
    let mut rows = RowBuilder::new(PASSWORDS);
    for user in &grants.credentials {
        // The report has no `password_enabled` of root, who always has one.
        let is_root = user.user == "<root_account>";
        if !user.has_password() && !is_root {
            continue;
        }
        let used = user.password_used();
        let findings = [
            ("no_mfa", !user.has_mfa()),
            ("never_used", used.is_none() && !is_root),
            (
                "unused",
                used.is_some_and(|used| is_old(used, old)) && !is_root,
            ),
        ];
        for (finding, _) in findings.iter().filter(|(_, is_so)| *is_so) {
            rows.row()
                .text("user_arn", Some(&user.arn))
                .text("finding", Some(finding))
                .text("last_used_at", used);
        }
    }
    rows.take()
}
