//! Who stands at the start of a chain, named from what AWS wrote and from nothing else.

use std::collections::HashMap;

use super::facts::{Issues, Uses};
use crate::iam::{Arn, AssumedRoleArn};

/// The kinds of origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum OriginKind {
    IamUser,
    Root,
    IdentityCenterUser,
    SamlUser,
    WebIdentity,
    CognitoIdentity,
    Ec2Instance,
    LambdaFunction,
    EcsTask,
    AwsService,
    FederatedUser,
    ExternalAccount,
    Anonymous,
    Unresolved,
}

/// Every `origin_kind`, as the contract names them; some come with kinds of sessions that are not told apart yet.
pub const ORIGIN_KINDS: [&str; 17] = [
    "iam_user",
    "root",
    "identity_center_user",
    "saml_user",
    "web_identity",
    "cognito_identity",
    "roles_anywhere",
    "ec2_instance",
    "lambda_function",
    "ecs_task",
    "eks_pod",
    "aws_service",
    "federated_user",
    "source_identity",
    "external_account",
    "anonymous",
    "unresolved",
];

impl OriginKind {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::IamUser => "iam_user",
            Self::Root => "root",
            Self::IdentityCenterUser => "identity_center_user",
            Self::SamlUser => "saml_user",
            Self::WebIdentity => "web_identity",
            Self::CognitoIdentity => "cognito_identity",
            Self::Ec2Instance => "ec2_instance",
            Self::LambdaFunction => "lambda_function",
            Self::EcsTask => "ecs_task",
            Self::AwsService => "aws_service",
            Self::FederatedUser => "federated_user",
            Self::ExternalAccount => "external_account",
            Self::Anonymous => "anonymous",
            Self::Unresolved => "unresolved",
        }
    }

    /// Who vouches for the identity.
    pub(super) fn assurance(self) -> &'static str {
        match self {
            Self::IamUser | Self::Root | Self::FederatedUser => "aws_authenticated",
            Self::IdentityCenterUser => "identity_center",
            Self::SamlUser | Self::WebIdentity | Self::CognitoIdentity => "idp_asserted",
            Self::Ec2Instance | Self::LambdaFunction | Self::EcsTask | Self::AwsService => {
                "service"
            }
            Self::Anonymous => "anonymous",
            Self::ExternalAccount | Self::Unresolved => "none",
        }
    }

    /// Whether a person stands behind it; `None` where that takes evidence of its own.
    pub(super) fn is_human(self) -> Option<bool> {
        match self {
            Self::Root | Self::IdentityCenterUser | Self::SamlUser => Some(true),
            Self::IamUser
            | Self::WebIdentity
            | Self::CognitoIdentity
            | Self::FederatedUser
            | Self::ExternalAccount
            | Self::Anonymous
            | Self::Unresolved => None,
            Self::Ec2Instance | Self::LambdaFunction | Self::EcsTask | Self::AwsService => {
                Some(false)
            }
        }
    }
}

/// An origin. Kind, id, account and provider together are its identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) kind: OriginKind,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) account_id: Option<String>,
    pub(super) provider: Option<String>,
}

impl Origin {
    fn new(kind: OriginKind, id: &str) -> Self {
        Self {
            kind,
            id: Some(id.to_owned()),
            name: None,
            account_id: None,
            provider: None,
        }
    }

    fn named(mut self, name: Option<&str>) -> Self {
        self.name = name.map(str::to_owned);
        self
    }

    fn in_account(mut self, account_id: Option<&str>) -> Self {
        self.account_id = account_id.map(str::to_owned);
        self
    }

    fn vouched_by(mut self, provider: Option<&str>) -> Self {
        self.provider = provider.map(str::to_owned);
        self
    }

    pub(super) fn unresolved() -> Self {
        Self {
            kind: OriginKind::Unresolved,
            id: None,
            name: None,
            account_id: None,
            provider: None,
        }
    }

    /// An account whose logs we do not have, and the principal in it that called.
    pub(super) fn external(account_id: &str, principal_id: Option<&str>) -> Self {
        Self::new(OriginKind::ExternalAccount, account_id)
            .named(principal_id)
            .in_account(Some(account_id))
    }

    /// Two origins are one when kind, id, account and provider are.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.id == other.id
            && self.account_id == other.account_id
            && self.provider == other.provider
    }
}

/// The origin that a session's own records name: its identity has nobody behind it.
pub(super) fn of_identity(
    uses: &Uses,
    row: usize,
    principals: &HashMap<String, String>,
) -> Option<Origin> {
    let account = uses.account_id.get(row);
    let principal = uses.principal_id.get(row);
    let arn = uses.arn.get(row);
    match uses.identity_type.get(row) {
        Some("IAMUser") => {
            // The unique id names a user only where no event shows the user's ARN.
            let known = || principals.get(principal?).map(String::as_str);
            let arn = arn.or_else(known);
            let name = uses.user_name.get(row).or_else(|| user_name_of(arn?));
            let origin = Origin::new(OriginKind::IamUser, arn.or(principal)?);
            Some(origin.named(name).in_account(account))
        }
        Some("Root") if uses.assumed_root.get(row) != Some(true) => {
            let account = account.or(principal)?;
            let id = arn.map_or_else(|| format!("arn:aws:iam::{account}:root"), str::to_owned);
            let origin = Origin::new(OriginKind::Root, &id);
            Some(origin.named(Some(account)).in_account(Some(account)))
        }
        Some("FederatedUser") => federated_user(uses, row),
        Some("SAMLUser") => {
            let subject = uses.user_name.get(row)?;
            let provider = uses
                .provider_arn
                .get(row)
                .or_else(|| uses.identity_provider.get(row));
            let of_account = provider.and_then(|arn| Some(Arn::parse(arn)?.account_id));
            let role = uses.requested_role_arn.get(row).unwrap_or_default();
            let kind = if is_identity_center_role(role) {
                OriginKind::IdentityCenterUser
            } else {
                OriginKind::SamlUser
            };
            let origin = Origin::new(kind, subject)
                .named(Some(subject))
                .in_account(of_account);
            Some(if kind == OriginKind::SamlUser {
                origin.vouched_by(provider)
            } else {
                origin
            })
        }
        Some("WebIdentityUser") => web_identity(uses, row),
        Some("AWSService") => Some(Origin::new(
            OriginKind::AwsService,
            uses.invoked_by.get(row)?,
        )),
        Some("AWSAccount") if is_anonymous(account, principal) => Some(anonymous()),
        Some("Unknown") if principal == Some("Anonymous") => Some(anonymous()),
        None if principal.is_none() && arn.is_none() => Some(Origin::new(
            OriginKind::AwsService,
            uses.invoked_by.get(row)?,
        )),
        Some("IdentityCenterUser" | "Unknown") => {
            let user = uses.on_behalf_of_user_id.get(row)?;
            let store = uses.on_behalf_of_identity_store_arn.get(row);
            let of_account = store.and_then(|arn| Some(Arn::parse(arn)?.account_id));
            let origin = Origin::new(OriginKind::IdentityCenterUser, user);
            Some(origin.in_account(of_account.or(account)).vouched_by(store))
        }
        _ => None,
    }
}

/// The IAM user that asked for a federation token, whom AWS names as the session's issuer.
fn federated_user(uses: &Uses, row: usize) -> Option<Origin> {
    let account = uses.account_id.get(row);
    let issuer = uses.issuer_arn.get(row);
    match uses.issuer_type.get(row) {
        Some("IAMUser") => {
            let issuer = issuer?;
            let origin = Origin::new(OriginKind::IamUser, issuer);
            Some(origin.named(user_name_of(issuer)).in_account(account))
        }
        Some("Root") => {
            let id = format!("arn:aws:iam::{}:root", account?);
            Some(
                Origin::new(OriginKind::Root, &id)
                    .named(account)
                    .in_account(account),
            )
        }
        _ => {
            let arn = uses.arn.get(row)?;
            Some(Origin::new(OriginKind::FederatedUser, arn).in_account(account))
        }
    }
}

fn web_identity(uses: &Uses, row: usize) -> Option<Origin> {
    const COGNITO: &str = "cognito-identity.amazonaws.com";
    let subject = uses.user_name.get(row)?;
    let provider = uses.identity_provider.get(row);
    if provider == Some(COGNITO) {
        // `cognito-identity.amazonaws.com:POOL:IDENTITY`, where both parts hold a colon after the region.
        let pool = uses.principal_id.get(row).and_then(|id| {
            id.strip_prefix(COGNITO)?
                .strip_prefix(':')?
                .strip_suffix(subject)?
                .strip_suffix(':')
        });
        return Some(Origin::new(OriginKind::CognitoIdentity, subject).vouched_by(pool));
    }
    let of_account = provider.and_then(|arn| Some(Arn::parse(arn)?.account_id));
    let origin = Origin::new(OriginKind::WebIdentity, subject);
    Some(
        origin
            .named(Some(subject))
            .in_account(of_account)
            .vouched_by(provider),
    )
}

fn is_anonymous(account: Option<&str>, principal: Option<&str>) -> bool {
    account == Some("anonymous") || principal == Some("ANONYMOUS_PRINCIPAL")
}

fn anonymous() -> Origin {
    Origin::new(OriginKind::Anonymous, "anonymous")
}

/// Roles that only Identity Center can hand out; their session name is the user's name.
fn is_identity_center_role(role_arn: &str) -> bool {
    Arn::parse(role_arn)
        .and_then(|arn| arn.resource.rsplit('/').next())
        .is_some_and(|name| name.starts_with("AWSReservedSSO_"))
}

fn user_name_of(arn: &str) -> Option<&str> {
    Arn::parse(arn)?
        .resource
        .strip_prefix("user/")?
        .rsplit('/')
        .next()
}

/// The workload for which a service took a role, named by a session name that only the service sets.
pub(super) fn of_service_issue(issues: &Issues, row: usize) -> Option<Origin> {
    if issues.caller_type.get(row) != Some("AWSService") {
        return None;
    }
    let service = issues.caller_invoked_by.get(row)?;
    let session_name = issues
        .issued_session_arn
        .get(row)
        .and_then(|arn| Some(AssumedRoleArn::parse(arn)?.session_name))
        .or_else(|| issues.requested_session_name.get(row));
    let role = issues
        .requested_role_arn
        .get(row)
        .or_else(|| issues.issued_session_arn.get(row));
    let account = role
        .and_then(|arn| Some(Arn::parse(arn)?.account_id))
        .or_else(|| issues.recipient_account_id.get(row));
    let workload = match (service, session_name) {
        ("ec2.amazonaws.com", Some(name)) if name.starts_with("i-") => {
            Some((OriginKind::Ec2Instance, name))
        }
        // The check at a function's creation runs under a name of its own.
        ("lambda.amazonaws.com", Some(name)) if !name.starts_with("awslambda_") => {
            Some((OriginKind::LambdaFunction, name))
        }
        ("ecs-tasks.amazonaws.com", Some(name)) => Some((OriginKind::EcsTask, name)),
        _ => None,
    };
    Some(match workload {
        Some((kind, id)) => Origin::new(kind, id).in_account(account),
        // A service belongs to no account, whichever it works in.
        None => Origin::new(OriginKind::AwsService, service),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_can_be_asked_for_by_its_code() {
        for kind in [
            OriginKind::IamUser,
            OriginKind::Root,
            OriginKind::IdentityCenterUser,
            OriginKind::SamlUser,
            OriginKind::WebIdentity,
            OriginKind::CognitoIdentity,
            OriginKind::Ec2Instance,
            OriginKind::LambdaFunction,
            OriginKind::EcsTask,
            OriginKind::AwsService,
            OriginKind::FederatedUser,
            OriginKind::ExternalAccount,
            OriginKind::Anonymous,
            OriginKind::Unresolved,
        ] {
            assert!(ORIGIN_KINDS.contains(&kind.code()), "{}", kind.code());
        }
    }
}
