//! What a call that opens a session makes of its caller, and what it hands out.

use std::borrow::Cow;

use super::columns::Issues;
use crate::iam::{Arn, AssumedRoleArn};

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
    pub(super) fn proves_a_session(self) -> bool {
        matches!(
            self,
            Self::Role | Self::Root | Self::SessionToken | Self::FederationToken
        )
    }
}

/// What one call handed out, as the session that uses it will show it.
#[derive(Debug, Clone)]
pub(super) struct Issued<'a> {
    pub(super) api: IssuingApi,
    /// The account in which the credentials work.
    pub(super) account_id: Option<&'a str>,
    /// `AROA…:name`, `AIDA…`, or the account id; unknown where the response leaves it out.
    pub(super) principal_id: Option<Cow<'a, str>>,
    /// The role's name and the session's; for Identity Center the permission set's, and no more.
    pub(super) role_session: Option<(&'a str, &'a str)>,
    /// The role, with its path where the request has it.
    pub(super) role_arn: Option<&'a str>,
    /// The ARN that its calls will show.
    pub(super) session_arn: Option<Cow<'a, str>>,
}

impl<'a> Issued<'a> {
    pub(super) fn of(issues: &'a Issues, row: usize) -> Self {
        let api = IssuingApi::of(
            issues.event_source.get(row).unwrap_or_default(),
            issues.event_name.get(row).unwrap_or_default(),
        );
        let session_arn = issues.issued_session_arn.get(row);
        match api {
            IssuingApi::Role => Self::role(issues, row, session_arn),
            IssuingApi::Root => {
                let target = issues.requested_target_principal.get(row);
                let target = target.map(|text| Arn::parse(text).map_or(text, |arn| arn.account_id));
                Self {
                    principal_id: target.map(Cow::Borrowed),
                    session_arn: target.map(|t| Cow::Owned(format!("arn:aws:iam::{t}:root"))),
                    account_id: target,
                    ..Self::nobody(api)
                }
            }
            IssuingApi::FederationToken => Self {
                account_id: issues.caller_account_id.get(row),
                principal_id: issues
                    .caller_account_id
                    .get(row)
                    .zip(issues.requested_session_name.get(row))
                    .map(|(account, name)| Cow::Owned(format!("{account}:{name}"))),
                session_arn: session_arn.map(Cow::Borrowed),
                ..Self::nobody(api)
            },
            IssuingApi::SessionToken
            | IssuingApi::SubCredential
            | IssuingApi::ConsoleLogin
            | IssuingApi::SwitchRole
            | IssuingApi::SigninToken
            | IssuingApi::OAuthToken => Self {
                account_id: issues.caller_account_id.get(row),
                principal_id: issues.caller_principal_id.get(row).map(Cow::Borrowed),
                ..Self::nobody(api)
            },
            IssuingApi::Grant => Self {
                account_id: issues.granted_account_id.get(row),
                role_session: issues.granted_role_name.get(row).map(|role| (role, "")),
                ..Self::nobody(api)
            },
            IssuingApi::CognitoIdentity => Self::nobody(api),
        }
    }

    /// Account, role and session by name.
    pub(super) fn names(&self) -> Option<(&'a str, &'a str, &'a str)> {
        let (role, session) = self.role_session?;
        Some((self.account_id?, role, session))
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

    fn role(issues: &'a Issues, row: usize, session_arn: Option<&'a str>) -> Self {
        let requested = issues.requested_role_arn.get(row);
        let parsed = session_arn.and_then(AssumedRoleArn::parse);
        let role = requested.and_then(Arn::parse);
        let session_name = parsed
            .map(|arn| arn.session_name)
            .or_else(|| issues.requested_session_name.get(row));
        let role_name = parsed
            .map(|arn| arn.role_name)
            .or_else(|| role?.resource.rsplit('/').next());
        let account_id = parsed
            .map(|arn| arn.account_id)
            .or_else(|| role.map(|arn| arn.account_id));
        let partition = parsed
            .map(|arn| arn.partition)
            .or_else(|| role.map(|arn| arn.partition));
        let built_arn = || {
            let (role, name) = (role_name?, session_name?);
            let (partition, account) = (partition?, account_id?);
            Some(format!(
                "arn:{partition}:sts::{account}:assumed-role/{role}/{name}"
            ))
        };
        Self {
            api: IssuingApi::Role,
            principal_id: issues
                .issued_role_id
                .get(row)
                .zip(session_name)
                .map(|(role, name)| Cow::Owned(format!("{role}:{name}"))),
            session_arn: session_arn
                .map(Cow::Borrowed)
                .or_else(|| built_arn().map(Cow::Owned)),
            role_arn: requested,
            role_session: role_name.zip(session_name),
            account_id,
        }
    }
}
