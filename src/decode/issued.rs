//! What a call that hands out credentials was asked for and what it gave.
//!
//! Sources: IAM User Guide, "Logging IAM and AWS STS API calls with AWS CloudTrail"; CloudTrail User Guide,
//! "Logging data events" (Amazon Cognito, S3 Express); IAM Roles Anywhere API, `CreateSession`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lifted::{Lifted, Parts, parsed, text};
use super::time::parse_expiration;

/// The calls that hand out credentials, by service.
const ISSUING_CALLS: [(&str, &[&str]); 4] = [
    (
        "sts",
        &[
            "AssumeRole",
            "AssumeRoleWithSAML",
            "AssumeRoleWithWebIdentity",
            "AssumeRoot",
            "GetSessionToken",
            "GetFederationToken",
            "GetDelegatedAccessToken",
        ],
    ),
    ("rolesanywhere", &["CreateSession", "AssumeRole"]),
    ("cognito-identity", &["GetCredentialsForIdentity"]),
    ("s3express", &["CreateSession"]),
];

/// Whether this call hands out credentials; `source` is without `.amazonaws.com`.
pub(super) fn is_issuing_call(source: &str, name: &str) -> bool {
    ISSUING_CALLS
        .iter()
        .any(|(service, names)| *service == source && names.contains(&name))
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Request<'a> {
    #[serde(borrow)]
    role_arn: Option<&'a RawValue>,
    #[serde(borrow)]
    role_session_name: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    target_principal: Option<&'a RawValue>,
    #[serde(borrow)]
    source_identity: Option<&'a RawValue>,
    #[serde(borrow)]
    tags: Option<&'a RawValue>,
    #[serde(borrow)]
    principal_tags: Option<&'a RawValue>,
    #[serde(borrow)]
    principal_arn: Option<&'a RawValue>,
    #[serde(borrow)]
    incoming_transitive_tags: Option<&'a RawValue>,
    #[serde(borrow)]
    trust_anchor_arn: Option<&'a RawValue>,
    #[serde(borrow)]
    identity_id: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Handed<'a> {
    #[serde(borrow)]
    credentials: Option<Credentials<'a>>,
    #[serde(borrow)]
    assumed_role_user: Option<AssumedRoleUser<'a>>,
    #[serde(borrow)]
    federated_user: Option<FederatedUser<'a>>,
    #[serde(borrow)]
    source_identity: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Credentials<'a> {
    #[serde(borrow)]
    access_key_id: Option<&'a RawValue>,
    #[serde(borrow)]
    expiration: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct AssumedRoleUser<'a> {
    #[serde(borrow)]
    assumed_role_id: Option<&'a RawValue>,
    #[serde(borrow)]
    arn: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FederatedUser<'a> {
    #[serde(borrow)]
    arn: Option<&'a RawValue>,
}

pub(super) fn lift<'a>(lifted: &mut Lifted<'a>, record: &Parts<'_, 'a>) {
    let request: Request<'a> = parsed(record.request_parameters);
    let (response, identity_id) = response(record.response_elements);
    let credentials = response.credentials.unwrap_or_default();
    let role_user = response.assumed_role_user.unwrap_or_default();
    let federated = response.federated_user.unwrap_or_default();
    lifted.issued_access_key_id = text(credentials.access_key_id);
    lifted.issued_session_arn = text(role_user.arn).or_else(|| text(federated.arn));
    lifted.issued_role_id = text(role_user.assumed_role_id).and_then(before_last_colon);
    lifted.issued_expiration = text(credentials.expiration)
        .as_deref()
        .and_then(parse_expiration);
    lifted.requested_role_arn = text(request.role_arn);
    lifted.requested_session_name = text(request.role_session_name).or_else(|| text(request.name));
    lifted.requested_target_principal = text(request.target_principal);
    lifted.requested_source_identity =
        text(request.source_identity).or_else(|| text(response.source_identity));
    lifted.requested_session_tags = request.tags.or(request.principal_tags);
    lifted.carried_session_tags = request.incoming_transitive_tags;
    lifted.requested_provider_arn =
        text(request.principal_arn).or_else(|| text(request.trust_anchor_arn));
    lifted.issued_identity_id = text(identity_id).or_else(|| text(request.identity_id));
}

/// What was handed out, and to which Cognito identity. Roles Anywhere wraps it in a list of one.
fn response(raw: Option<&RawValue>) -> (Handed<'_>, Option<&RawValue>) {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Around<'a> {
        #[serde(borrow)]
        credential_set: Option<Vec<Handed<'a>>>,
        #[serde(borrow)]
        identity_id: Option<&'a RawValue>,
    }
    let around: Around<'_> = parsed(raw);
    let handed = around
        .credential_set
        .and_then(|set| set.into_iter().next())
        .unwrap_or_else(|| parsed(raw));
    (handed, around.identity_id)
}

/// The role's unique id out of `AROA…:session`.
fn before_last_colon(id: Cow<'_, str>) -> Option<Cow<'_, str>> {
    match id {
        Cow::Borrowed(id) => id.rsplit_once(':').map(|(role, _)| Cow::Borrowed(role)),
        Cow::Owned(id) => id
            .rsplit_once(':')
            .map(|(role, _)| Cow::Owned(role.to_owned())),
    }
}
