//! The calls that open sessions, found again by what a session shows of them: the key, the principal and second
//! of creation, or the role's permission set and second.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use hashbrown::Equivalent;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::columns::Issues;
use crate::iam::{Arn, AssumedRoleArn, SessionId, user_principal};

/// The calls, by what they make of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IssuingApi {
    /// `AssumeRole`, `AssumeRoleWithSAML`, `AssumeRoleWithWebIdentity`, `CreateSession` of Roles Anywhere: a role.
    Role,
    /// `AssumeRoot`: root of another account.
    Root,
    /// `GetSessionToken`: the same user.
    SessionToken,
    /// `GetFederationToken`: a federated user of the same user.
    FederationToken,
    /// `GetCredentialsForIdentity` of Amazon Cognito: a role that the call does not name.
    CognitoIdentity,
    /// `CreateSession` of S3 Express, `GetDelegatedAccessToken`: the same identity under another key.
    SubCredential,
    /// `ConsoleLogin`: the same identity in the console.
    ConsoleLogin,
    /// `SwitchRole`, `RenewRole`: a role in the console.
    SwitchRole,
    /// `GetSigninToken`: the same session in the console.
    SigninToken,
    /// `CreateOAuth2Token`: the console session on the command line.
    OAuthToken,
    /// `GetRoleCredentials`, `Federate` of Identity Center: a role, by its permission set.
    Grant,
}

impl IssuingApi {
    fn of(event_source: &str, event_name: &str) -> Self {
        match (event_source, event_name) {
            (_, "AssumeRoot") => Self::Root,
            (_, "GetSessionToken") => Self::SessionToken,
            (_, "GetFederationToken") => Self::FederationToken,
            (_, "GetCredentialsForIdentity") => Self::CognitoIdentity,
            ("s3express.amazonaws.com", _) | (_, "GetDelegatedAccessToken") => Self::SubCredential,
            (_, "ConsoleLogin") => Self::ConsoleLogin,
            (_, "SwitchRole" | "RenewRole") => Self::SwitchRole,
            (_, "GetSigninToken") => Self::SigninToken,
            (_, "CreateOAuth2Token") => Self::OAuthToken,
            (_, "GetRoleCredentials" | "Federate") => Self::Grant,
            _ => Self::Role,
        }
    }

    /// How many credentials this adds to a chain: a role and an assumed root are taken, a token is not.
    pub(super) fn hops(self) -> u32 {
        match self {
            Self::Role | Self::Root | Self::CognitoIdentity | Self::SwitchRole | Self::Grant => 1,
            Self::SessionToken
            | Self::FederationToken
            | Self::SubCredential
            | Self::ConsoleLogin
            | Self::SigninToken
            | Self::OAuthToken => 0,
        }
    }

    /// Whether the credentials are the caller's own identity under another key.
    pub(super) fn is_of_caller(self) -> bool {
        matches!(
            self,
            Self::SessionToken
                | Self::SubCredential
                | Self::ConsoleLogin
                | Self::SigninToken
                | Self::OAuthToken
        )
    }

    /// Whether the call alone proves that there is a session, also when nobody used it.
    fn proves_a_session(self) -> bool {
        matches!(
            self,
            Self::Role | Self::Root | Self::SessionToken | Self::FederationToken
        )
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
    /// The role's name and the session's; for Identity Center the permission set's, and no more.
    pub(super) role_session: Option<(String, String)>,
    /// The role, with its path where the request has it.
    pub(super) role_arn: Option<String>,
    /// The ARN that its calls will show.
    pub(super) session_arn: Option<String>,
}

impl Issued {
    fn of(issues: &Issues, row: usize) -> Self {
        let api = IssuingApi::of(
            issues.event_source.get(row).unwrap_or_default(),
            issues.event_name.get(row).unwrap_or_default(),
        );
        let session_arn = issues.issued_session_arn.get(row);
        let owned = |text: Option<&str>| text.map(str::to_owned);
        match api {
            IssuingApi::Role => Self::role(issues, row, session_arn),
            IssuingApi::Root => {
                let target = issues.requested_target_principal.get(row).map(|target| {
                    Arn::parse(target)
                        .map_or(target, |arn| arn.account_id)
                        .to_owned()
                });
                Self {
                    principal_id: target.clone(),
                    session_arn: target.as_ref().map(|t| format!("arn:aws:iam::{t}:root")),
                    account_id: target,
                    ..Self::nobody(api)
                }
            }
            IssuingApi::FederationToken => Self {
                account_id: owned(issues.caller_account_id.get(row)),
                principal_id: issues
                    .caller_account_id
                    .get(row)
                    .zip(issues.requested_session_name.get(row))
                    .map(|(account, name)| format!("{account}:{name}")),
                session_arn: owned(session_arn),
                ..Self::nobody(api)
            },
            IssuingApi::SessionToken
            | IssuingApi::SubCredential
            | IssuingApi::ConsoleLogin
            | IssuingApi::SwitchRole
            | IssuingApi::SigninToken
            | IssuingApi::OAuthToken => Self {
                account_id: owned(issues.caller_account_id.get(row)),
                principal_id: owned(issues.caller_principal_id.get(row)),
                ..Self::nobody(api)
            },
            IssuingApi::Grant => Self {
                account_id: owned(issues.granted_account_id.get(row)),
                role_session: owned(issues.granted_role_name.get(row))
                    .map(|role| (role, String::new())),
                ..Self::nobody(api)
            },
            IssuingApi::CognitoIdentity => Self::nobody(api),
        }
    }

    fn nobody(api: IssuingApi) -> Self {
        Self {
            api,
            account_id: None,
            principal_id: None,
            role_session: None,
            role_arn: None,
            session_arn: None,
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

/// What the copies of one call have in common.
#[derive(PartialEq, Eq, Hash)]
enum Call<'a> {
    /// `sharedEventID`, event name and time: the id alone may be a mask.
    Shared(&'a str, &'a str, i64),
    /// Request id, event name and time.
    Request(&'a str, &'a str, i64),
}

/// A principal and a second, to look calls up by without a copy of the text.
#[derive(Hash)]
struct PrincipalAt<'k>(&'k str, i64);

impl Equivalent<(String, i64)> for PrincipalAt<'_> {
    fn equivalent(&self, (principal, second): &(String, i64)) -> bool {
        self.0 == principal && self.1 == *second
    }
}

/// Account, role and session by name, and a second, likewise.
#[derive(Hash)]
struct RoleSessionAt<'k>(&'k str, &'k str, &'k str, i64);

impl Equivalent<(String, String, String, i64)> for RoleSessionAt<'_> {
    fn equivalent(&self, key: &(String, String, String, i64)) -> bool {
        let (account, role, session, second) = key;
        self.0 == account && self.1 == role && self.2 == session && self.3 == *second
    }
}

/// All issues, with indexes over what they handed out.
#[derive(Debug)]
pub(super) struct Issuances<'a> {
    pub(super) issues: &'a Issues,
    pub(super) issued: Vec<Issued>,
    by_key: HashMap<&'a str, Vec<usize>>,
    by_principal: hashbrown::HashMap<(String, i64), Vec<usize>>,
    by_role_session: hashbrown::HashMap<(String, String, String, i64), Vec<usize>>,
    by_caller: HashMap<&'a str, Vec<usize>>,
    by_source_identity: HashMap<&'a str, Vec<usize>>,
    /// Roles that certificates took.
    certified: HashSet<(String, String)>,
}

const SECOND: i64 = 1_000_000;
/// The service that takes roles for certificates.
pub(super) const ROLES_ANYWHERE: &str = "rolesanywhere.amazonaws.com";

/// When the sessions of a call were created: at the call, but a token of a console session keeps that session's date.
fn second_of(issues: &Issues, row: usize, api: IssuingApi) -> Option<i64> {
    let time = match api {
        IssuingApi::OAuthToken => issues.caller_creation_date.get(row),
        _ => issues.event_time.get(row),
    };
    Some(time?.div_euclid(SECOND))
}

impl<'a> Issuances<'a> {
    pub(super) fn new(issues: &'a Issues) -> Self {
        let rows = (0..issues.len).into_par_iter();
        let issued: Vec<Issued> = rows.map(|row| Issued::of(issues, row)).collect();
        let mut by_key: HashMap<&'a str, Vec<usize>> = HashMap::new();
        let mut by_principal: hashbrown::HashMap<_, Vec<usize>> = hashbrown::HashMap::new();
        let mut by_role_session: hashbrown::HashMap<_, Vec<usize>> = hashbrown::HashMap::new();
        let mut by_caller: HashMap<&'a str, Vec<usize>> = HashMap::new();
        let mut by_source_identity: HashMap<&'a str, Vec<usize>> = HashMap::new();
        let mut certified = HashSet::new();
        for (row, made) in issued.iter().enumerate() {
            if let Some(key) = issues.issued_access_key_id.get(row) {
                by_key.entry(key).or_default().push(row);
            }
            if let Some(caller) = issues.caller_session_id.get(row) {
                by_caller.entry(caller).or_default().push(row);
            }
            let is_certified = issues.event_source.get(row) == Some(ROLES_ANYWHERE)
                || issues.caller_invoked_by.get(row) == Some(ROLES_ANYWHERE);
            if let (true, Some(account), Some((role, _))) =
                (is_certified, &made.account_id, &made.role_session)
            {
                certified.insert((account.clone(), role.clone()));
            }
            if let Some(value) = issues.requested_source_identity.get(row) {
                by_source_identity.entry(value).or_default().push(row);
            }
            let Some(second) = second_of(issues, row, made.api) else {
                continue;
            };
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
            by_caller,
            by_source_identity,
            certified,
        }
    }

    /// The calls that set this source identity, in the order of their times.
    pub(super) fn by_source_identity(&self, value: &str) -> &[usize] {
        self.by_source_identity
            .get(value)
            .map_or(&[], Vec::as_slice)
    }

    /// Whether a certificate was seen to take this role, by account and name.
    pub(super) fn is_taken_by_certificate(&self, role: (&str, &str)) -> bool {
        self.certified
            .contains(&(role.0.to_owned(), role.1.to_owned()))
    }

    /// The one trust anchor under which a certificate's name was seen.
    pub(super) fn trust_anchor_of(&self, common_name: &str) -> Option<&str> {
        let mut anchors = self
            .by_source_identity(common_name)
            .iter()
            .filter_map(|row| self.issues.requested_provider_arn.get(*row))
            .filter(|arn| arn.contains(":trust-anchor/"));
        let first = anchors.next()?;
        anchors.all(|other| other == first).then_some(first)
    }

    /// The second in which the sessions of this call were created.
    pub(super) fn second_of(&self, row: usize) -> Option<i64> {
        second_of(self.issues, row, self.issued.get(row)?.api)
    }

    /// The calls that a session made.
    pub(super) fn by_session(&self, session_id: &str) -> &[usize] {
        self.by_caller.get(session_id).map_or(&[], Vec::as_slice)
    }

    /// What Identity Center gave for this role in this second plus `offset`.
    pub(super) fn of_permission_set(
        &self,
        account: &str,
        set: &str,
        creation: i64,
        offset: i64,
    ) -> Vec<usize> {
        let second = creation.div_euclid(SECOND) + offset;
        let name = RoleSessionAt(account, set, "", second);
        self.distinct(self.by_role_session.get(&name).map_or(&[], Vec::as_slice))
    }

    /// The calls that issued this key, one for each credential.
    pub(super) fn of_key(&self, key: &str) -> Vec<usize> {
        self.distinct(self.by_key.get(key).map_or(&[], Vec::as_slice))
    }

    /// The calls that gave this principal credentials in the second of `creation` plus `offset`.
    pub(super) fn of_principal(&self, principal: &str, creation: i64, offset: i64) -> Vec<usize> {
        let second = creation.div_euclid(SECOND) + offset;
        let rows = self.by_principal.get(&PrincipalAt(principal, second));
        self.distinct(rows.map_or(&[], Vec::as_slice))
    }

    /// The same for calls that do not show the role's unique id, by names.
    pub(super) fn of_role_session(
        &self,
        arn: &AssumedRoleArn<'_>,
        creation: i64,
        offset: i64,
    ) -> Vec<usize> {
        let second = creation.div_euclid(SECOND) + offset;
        let name = RoleSessionAt(arn.account_id, arn.role_name, arn.session_name, second);
        self.distinct(self.by_role_session.get(&name).map_or(&[], Vec::as_slice))
    }

    /// One row for each call: of both accounts' copies, the one of the account that owns the role.
    pub(super) fn distinct(&self, rows: &[usize]) -> Vec<usize> {
        if rows.len() < 2 {
            return rows.to_vec();
        }
        let mut kept: Vec<usize> = Vec::with_capacity(rows.len());
        let mut known: HashMap<Call<'_>, usize> = HashMap::new();
        for &row in rows {
            let names = self.names_of_call(row);
            let twin = names.iter().flatten().find_map(|name| {
                let place = known.get(name)?;
                let other = kept.get(*place)?;
                self.recipients_differ(*other, row).then_some(*place)
            });
            let place = twin.unwrap_or(kept.len());
            match kept.get_mut(place) {
                Some(other) if !self.is_owners_copy(*other) && self.is_owners_copy(row) => {
                    *other = row;
                }
                Some(_) => {}
                None => kept.push(row),
            }
            for name in names.into_iter().flatten() {
                known.entry(name).or_insert(place);
            }
        }
        kept
    }

    /// What two accounts' copies of one call have in common: AWS's own id for them, else the request and its time.
    fn names_of_call(&self, row: usize) -> [Option<Call<'a>>; 2] {
        let issues = self.issues;
        let named = |id: Option<&'a str>| Some((id?, issues.event_name.get(row)?));
        let time = issues.event_time.get(row);
        [
            named(issues.shared_event_id.get(row))
                .zip(time)
                .map(|((id, name), time)| Call::Shared(id, name, time)),
            named(issues.request_id.get(row))
                .zip(time)
                .map(|((id, name), time)| Call::Request(id, name, time)),
        ]
    }

    /// Two records of one account are two calls.
    fn recipients_differ(&self, a: usize, b: usize) -> bool {
        let recipients = &self.issues.recipient_account_id;
        recipients.get(a) != recipients.get(b)
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
        if !made.api.proves_a_session() {
            return None;
        }
        let account = made.account_id.as_deref().unwrap_or_default();
        let principal = made
            .principal_id
            .as_deref()
            .or(made.session_arn.as_deref())?;
        let user = self
            .issues
            .caller_arn
            .get(row)
            .filter(|_| self.issues.caller_type.get(row) == Some("IAMUser"))
            .filter(|_| made.api == IssuingApi::SessionToken);
        let principal = match user {
            Some(arn) => Cow::Owned(user_principal(principal, arn)),
            None => Cow::Borrowed(principal),
        };
        let time = self.issues.event_time.get(row);
        let key = self
            .issues
            .issued_access_key_id
            .get(row)
            .unwrap_or_default();
        Some(SessionId::of_key(account, &principal, time, key))
    }
}
