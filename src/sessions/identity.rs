//! The origin that a session's own records name: an identity that has nobody behind it.

use std::collections::HashMap;
use std::sync::Arc;

use super::columns::Uses;
use super::identity_center::{Users, is_reserved_role};
use super::origin::{Origin, OriginKind};
use crate::iam::{Arn, AssumedRoleArn};

/// What names are looked up in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    /// Unique id → ARN.
    pub(super) principals: &'a HashMap<String, Arc<str>>,
    pub(super) users: &'a Users,
}

/// The origin that a session's own records name: its identity has nobody behind it.
pub(super) fn of_identity(uses: &Uses, row: usize, names: Names<'_>) -> Option<Origin> {
    let account = uses.account_id.get(row);
    let principal = uses.principal_id.get(row);
    let arn = uses.arn.get(row);
    match uses.identity_type.get(row) {
        Some("IAMUser") => {
            // The unique id names a user only where no event shows the user's ARN.
            let known = || names.principals.get(principal?).map(AsRef::as_ref);
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
            let role = uses.requested_role_arn.get(row).unwrap_or_default();
            if is_reserved_role(role) {
                return identity_center_user(Some(subject), None, None, names.users);
            }
            let provider = uses
                .provider_arn
                .get(row)
                .or_else(|| uses.identity_provider.get(row));
            let of_account = provider.and_then(|arn| Some(Arn::parse(arn)?.account_id));
            let origin = Origin::new(OriginKind::SamlUser, subject)
                .named(Some(subject))
                .in_account(of_account);
            Some(origin.vouched_by(provider))
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
            let name = uses.sign_in_user_name.get(row).or(uses.user_name.get(row));
            let user_id = uses.on_behalf_of_user_id.get(row);
            let store = uses.on_behalf_of_identity_store_arn.get(row);
            identity_center_user(name, user_id, store, names.users)
        }
        Some("Directory") => {
            let id = uses.user_name.get(row).or(arn).or(principal)?;
            let origin = Origin::new(OriginKind::SamlUser, id).named(uses.user_name.get(row));
            Some(origin.in_account(account).vouched_by(Some("directory")))
        }
        _ => None,
    }
}

/// A user of Identity Center: by name where one is known, else by id; the identity store tells the account.
pub(super) fn identity_center_user(
    name: Option<&str>,
    user_id: Option<&str>,
    store: Option<&str>,
    users: &Users,
) -> Option<Origin> {
    let name = name.or_else(|| users.name_of(store.unwrap_or_default(), user_id?));
    let store = store.or_else(|| users.store_of(name?));
    let account = store.and_then(|arn| Some(Arn::parse(arn)?.account_id));
    let origin = Origin::new(OriginKind::IdentityCenterUser, name.or(user_id)?);
    Some(origin.named(name).in_account(account).vouched_by(store))
}

/// The identity that the console says switched roles, where its ARN alone names it.
pub(super) fn of_arn(text: &str) -> Option<Origin> {
    let arn = Arn::parse(text)?;
    let account = Some(arn.account_id);
    if arn.resource.starts_with("user/") {
        let origin = Origin::new(OriginKind::IamUser, text);
        return Some(origin.named(user_name_of(text)).in_account(account));
    }
    if arn.resource.starts_with("federated-user/") {
        return Some(Origin::new(OriginKind::FederatedUser, text).in_account(account));
    }
    if arn.resource == "root" {
        return Some(
            Origin::new(OriginKind::Root, text)
                .named(account)
                .in_account(account),
        );
    }
    None
}

/// A user of Identity Center out of the ARN of a session of one of its roles.
pub(super) fn of_reserved_session(text: &str, users: &Users) -> Option<Origin> {
    let arn = AssumedRoleArn::parse(text)?;
    super::identity_center::permission_set_of(arn.role_name)?;
    identity_center_user(Some(arn.session_name), None, None, users)
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

fn user_name_of(arn: &str) -> Option<&str> {
    Arn::parse(arn)?
        .resource
        .strip_prefix("user/")?
        .rsplit('/')
        .next()
}
