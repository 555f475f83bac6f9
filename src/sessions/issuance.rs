//! The events that hand out credentials, found again by what a session shows of them.
//!
//! K1: the issued key. K2: the principal and the second of creation, which is the second of the issue.

use std::collections::HashMap;

use super::facts::Issues;
use crate::iam::{Arn, AssumedRoleArn, SessionId};

/// The calls, by what they make of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IssuingApi {
    /// `AssumeRole`, `AssumeRoleWithSAML`, `AssumeRoleWithWebIdentity`: a role.
    Role,
    /// `AssumeRoot`: root of another account.
    Root,
    /// `GetSessionToken`: the same user.
    SessionToken,
    /// `GetFederationToken`: a federated user of the same user.
    FederationToken,
}

impl IssuingApi {
    fn of(event_name: &str) -> Self {
        match event_name {
            "AssumeRoot" => Self::Root,
            "GetSessionToken" => Self::SessionToken,
            "GetFederationToken" => Self::FederationToken,
            _ => Self::Role,
        }
    }

    /// How many credentials this adds to a chain: a role and an assumed root are taken, a token is not.
    pub(super) fn hops(self) -> u32 {
        match self {
            Self::Role | Self::Root => 1,
            Self::SessionToken | Self::FederationToken => 0,
        }
    }
}

/// What one call handed out, as the session that uses it will show it.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) api: IssuingApi,
    /// The account in which the credentials work.
    pub(super) account_id: Option<String>,
    /// `AROA…:name`, `AIDA…`, or the account id; unknown where the response leaves it out.
    pub(super) principal_id: Option<String>,
    /// The role's name and the session's.
    pub(super) role_session: Option<(String, String)>,
    /// The role, with its path where the request has it.
    pub(super) role_arn: Option<String>,
    /// The ARN that its calls will show.
    pub(super) session_arn: Option<String>,
}

impl Issued {
    fn of(issues: &Issues, row: usize) -> Self {
        let api = IssuingApi::of(issues.event_name.get(row).unwrap_or_default());
        let session_arn = issues.issued_session_arn.get(row);
        match api {
            IssuingApi::Role => Self::role(issues, row, session_arn),
            IssuingApi::Root => {
                let target = issues.requested_target_principal.get(row).map(|target| {
                    Arn::parse(target)
                        .map_or(target, |arn| arn.account_id)
                        .to_owned()
                });
                Self {
                    api,
                    principal_id: target.clone(),
                    role_session: None,
                    role_arn: None,
                    session_arn: target.as_ref().map(|t| format!("arn:aws:iam::{t}:root")),
                    account_id: target,
                }
            }
            IssuingApi::SessionToken | IssuingApi::FederationToken => Self {
                api,
                account_id: issues.caller_account_id.get(row).map(str::to_owned),
                principal_id: match api {
                    IssuingApi::SessionToken => {
                        issues.caller_principal_id.get(row).map(str::to_owned)
                    }
                    _ => None,
                },
                role_session: None,
                role_arn: None,
                session_arn: session_arn.map(str::to_owned),
            },
        }
    }

    fn role(issues: &Issues, row: usize, session_arn: Option<&str>) -> Self {
        let requested = issues.requested_role_arn.get(row);
        let parsed = session_arn.and_then(AssumedRoleArn::parse);
        let role = requested.and_then(Arn::parse);
        let session_name = parsed
            .map(|arn| arn.session_name)
            .or_else(|| issues.requested_session_name.get(row))
            .map(str::to_owned);
        let role_name = parsed
            .map(|arn| arn.role_name)
            .or_else(|| role?.resource.rsplit('/').next())
            .map(str::to_owned);
        let account_id = parsed
            .map(|arn| arn.account_id)
            .or_else(|| role.map(|arn| arn.account_id))
            .map(str::to_owned);
        let partition = parsed
            .map(|arn| arn.partition)
            .or_else(|| role.map(|arn| arn.partition));
        let built_arn = || {
            let (role, name) = (role_name.as_deref()?, session_name.as_deref()?);
            let (partition, account) = (partition?, account_id.as_deref()?);
            Some(format!(
                "arn:{partition}:sts::{account}:assumed-role/{role}/{name}"
            ))
        };
        Self {
            api: IssuingApi::Role,
            principal_id: issues
                .issued_role_id
                .get(row)
                .zip(session_name.as_deref())
                .map(|(role, name)| format!("{role}:{name}")),
            session_arn: session_arn.map(str::to_owned).or_else(built_arn),
            role_arn: requested.map(str::to_owned),
            role_session: role_name.clone().zip(session_name.clone()),
            account_id,
        }
    }
}

/// All issues, with indexes over what they handed out.
#[derive(Debug)]
pub(super) struct Issuances<'a> {
    pub(super) issues: &'a Issues,
    pub(super) issued: Vec<Issued>,
    by_key: HashMap<&'a str, Vec<usize>>,
    by_principal: HashMap<(String, i64), Vec<usize>>,
    by_role_session: HashMap<(String, String, String, i64), Vec<usize>>,
}

const SECOND: i64 = 1_000_000;

impl<'a> Issuances<'a> {
    pub(super) fn new(issues: &'a Issues) -> Self {
        let issued: Vec<Issued> = (0..issues.len).map(|row| Issued::of(issues, row)).collect();
        let mut by_key: HashMap<&'a str, Vec<usize>> = HashMap::new();
        let mut by_principal: HashMap<(String, i64), Vec<usize>> = HashMap::new();
        let mut by_role_session: HashMap<_, Vec<usize>> = HashMap::new();
        for (row, made) in issued.iter().enumerate() {
            if let Some(key) = issues.issued_access_key_id.get(row) {
                by_key.entry(key).or_default().push(row);
            }
            let Some(time) = issues.event_time.get(row) else {
                continue;
            };
            let second = time.div_euclid(SECOND);
            if let Some(principal) = &made.principal_id {
                by_principal
                    .entry((principal.clone(), second))
                    .or_default()
                    .push(row);
            } else if let (Some(account), Some((role, session))) =
                (&made.account_id, &made.role_session)
            {
                let name = (account.clone(), role.clone(), session.clone(), second);
                by_role_session.entry(name).or_default().push(row);
            }
        }
        Self {
            issues,
            issued,
            by_key,
            by_principal,
            by_role_session,
        }
    }

    /// The calls that issued this key, one for each credential.
    pub(super) fn of_key(&self, key: &str) -> Vec<usize> {
        self.distinct(self.by_key.get(key).map_or(&[], Vec::as_slice))
    }

    /// The calls that gave this principal credentials in the second of `creation` plus `offset`.
    pub(super) fn of_principal(&self, principal: &str, creation: i64, offset: i64) -> Vec<usize> {
        let second = creation.div_euclid(SECOND) + offset;
        let rows = self.by_principal.get(&(principal.to_owned(), second));
        self.distinct(rows.map_or(&[], Vec::as_slice))
    }

    /// The same for calls that do not show the role's unique id, by names.
    pub(super) fn of_role_session(
        &self,
        arn: &AssumedRoleArn<'_>,
        creation: i64,
        offset: i64,
    ) -> Vec<usize> {
        let name = (
            arn.account_id.to_owned(),
            arn.role_name.to_owned(),
            arn.session_name.to_owned(),
            creation.div_euclid(SECOND) + offset,
        );
        self.distinct(self.by_role_session.get(&name).map_or(&[], Vec::as_slice))
    }

    /// One row for each call: of both accounts' copies, the one of the account that owns the role.
    pub(super) fn distinct(&self, rows: &[usize]) -> Vec<usize> {
        let mut kept: Vec<usize> = Vec::with_capacity(rows.len());
        for &row in rows {
            let shared = self.issues.shared_event_id.get(row);
            let twin = kept.iter_mut().find(|other| {
                shared.is_some() && self.issues.shared_event_id.get(**other) == shared
            });
            match twin {
                Some(other) if !self.is_owners_copy(*other) && self.is_owners_copy(row) => {
                    *other = row;
                }
                Some(_) => {}
                None => kept.push(row),
            }
        }
        kept
    }

    fn is_owners_copy(&self, row: usize) -> bool {
        let owner = self
            .issued
            .get(row)
            .and_then(|made| made.account_id.as_deref());
        owner.is_some() && self.issues.recipient_account_id.get(row) == owner
    }

    /// The id of the session that this call opened.
    pub(super) fn session_id(&self, row: usize) -> Option<SessionId> {
        let made = self.issued.get(row)?;
        let account = made.account_id.as_deref().unwrap_or_default();
        let principal = made
            .principal_id
            .as_deref()
            .or(made.session_arn.as_deref())?;
        let time = self.issues.event_time.get(row);
        let key = self
            .issues
            .issued_access_key_id
            .get(row)
            .unwrap_or_default();
        Some(SessionId::of_key(account, principal, time, key))
    }
}
