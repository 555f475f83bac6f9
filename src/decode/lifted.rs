//! Values lifted out of `requestParameters`, `responseElements` and `additionalEventData`, with the reason
//! for each, so that no later room has to parse JSON to know who handed out which credential.
//!
//! Source: IAM User Guide, "Logging IAM and AWS STS API calls with AWS CloudTrail".

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json;
use super::time::parse_expiration;

/// What a call that hands out credentials was asked for and what it gave.
#[derive(Debug, Default)]
pub struct Lifted<'a> {
    /// `credentials.accessKeyId`: the key that was handed out.
    pub issued_access_key_id: Option<Cow<'a, str>>,
    /// `assumedRoleUser.arn` or `federatedUser.arn`: who the credentials make one.
    pub issued_session_arn: Option<Cow<'a, str>>,
    /// The `AROA…` part of `assumedRoleUser.assumedRoleId`.
    pub issued_role_id: Option<Cow<'a, str>>,
    /// `credentials.expiration`, microseconds since 1970.
    pub issued_expiration: Option<i64>,
    /// `roleArn`: needed where the response leaves out the role, as for EC2 and Lambda.
    pub requested_role_arn: Option<Cow<'a, str>>,
    /// `roleSessionName`, or `name` of a federation token.
    pub requested_session_name: Option<Cow<'a, str>>,
    /// `targetPrincipal` of `AssumeRoot`.
    pub requested_target_principal: Option<Cow<'a, str>>,
    /// `sourceIdentity` as asked for: whoever set it is the one it names, or lied here.
    pub requested_source_identity: Option<Cow<'a, str>>,
    /// `tags` or `principalTags`, as JSON.
    pub requested_session_tags: Option<&'a RawValue>,
    /// `principalArn`: the SAML provider.
    pub requested_provider_arn: Option<Cow<'a, str>>,
    /// `SwitchFrom` of a console role switch: the identity that switched.
    pub switch_from_arn: Option<Cow<'a, str>>,
    /// `accessKey.accessKeyId` of `CreateAccessKey`: the long-lived key that was made.
    pub created_access_key_id: Option<Cow<'a, str>>,
    /// `user.userId` of `CreateUser` or `role.roleId` of `CreateRole`: the unique id of what was made.
    pub created_principal_id: Option<Cow<'a, str>>,
    /// The ARN of the user or role that was made.
    pub created_principal_arn: Option<Cow<'a, str>>,
}

/// The STS calls that hand out credentials.
pub(crate) const ISSUING_CALLS: [&str; 6] = [
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "GetSessionToken",
    "GetFederationToken",
];

/// The IAM calls that make somebody, or a key for somebody.
const CREATING_CALLS: [&str; 3] = ["CreateAccessKey", "CreateUser", "CreateRole"];

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
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Response<'a> {
    #[serde(borrow)]
    credentials: Option<Credentials<'a>>,
    #[serde(borrow)]
    assumed_role_user: Option<AssumedRoleUser<'a>>,
    #[serde(borrow)]
    federated_user: Option<FederatedUser<'a>>,
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

/// What IAM answers when it has made a principal or a key.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Creation<'a> {
    #[serde(borrow)]
    access_key: Option<Created<'a>>,
    #[serde(borrow)]
    user: Option<Created<'a>>,
    #[serde(borrow)]
    role: Option<Created<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Created<'a> {
    #[serde(borrow)]
    access_key_id: Option<&'a RawValue>,
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    role_id: Option<&'a RawValue>,
    #[serde(borrow)]
    arn: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Additional<'a> {
    #[serde(borrow)]
    switch_from: Option<&'a RawValue>,
}

fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    json::text_of(raw?).filter(|text| !text.is_empty())
}

/// Parts of another shape than AWS documents give nothing; they stay in their JSON column.
fn parsed<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> T {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

/// The parts of a record from which values are lifted.
pub(super) struct Parts<'r, 'a> {
    pub(super) event_source: Option<&'r str>,
    pub(super) event_name: Option<&'r str>,
    pub(super) request_parameters: Option<&'a RawValue>,
    pub(super) response_elements: Option<&'a RawValue>,
    pub(super) additional_event_data: Option<&'a RawValue>,
}

impl<'a> Lifted<'a> {
    pub(super) fn of(record: &Parts<'_, 'a>) -> Self {
        let name = record.event_name.unwrap_or_default();
        match record.event_source {
            Some("sts.amazonaws.com") if ISSUING_CALLS.contains(&name) => {
                Self::of_issuing_call(record)
            }
            Some("signin.amazonaws.com") => {
                let additional: Additional<'a> = parsed(record.additional_event_data);
                Self {
                    switch_from_arn: text(additional.switch_from),
                    ..Self::default()
                }
            }
            Some("iam.amazonaws.com") if CREATING_CALLS.contains(&name) => {
                Self::of_creating_call(record)
            }
            _ => Self::default(),
        }
    }

    fn of_creating_call(record: &Parts<'_, 'a>) -> Self {
        let made: Creation<'a> = parsed(record.response_elements);
        let key = made.access_key.unwrap_or_default();
        let principal = made.user.or(made.role).unwrap_or_default();
        Self {
            created_access_key_id: text(key.access_key_id),
            created_principal_id: text(principal.user_id).or_else(|| text(principal.role_id)),
            created_principal_arn: text(principal.arn),
            ..Self::default()
        }
    }

    fn of_issuing_call(record: &Parts<'_, 'a>) -> Self {
        let request: Request<'a> = parsed(record.request_parameters);
        let response: Response<'a> = parsed(record.response_elements);
        let credentials = response.credentials.unwrap_or_default();
        let role_user = response.assumed_role_user.unwrap_or_default();
        let federated = response.federated_user.unwrap_or_default();
        Self {
            issued_access_key_id: text(credentials.access_key_id),
            issued_session_arn: text(role_user.arn).or_else(|| text(federated.arn)),
            issued_role_id: text(role_user.assumed_role_id).and_then(before_last_colon),
            issued_expiration: text(credentials.expiration)
                .as_deref()
                .and_then(parse_expiration),
            requested_role_arn: text(request.role_arn),
            requested_session_name: text(request.role_session_name).or_else(|| text(request.name)),
            requested_target_principal: text(request.target_principal),
            requested_source_identity: text(request.source_identity),
            requested_session_tags: request.tags.or(request.principal_tags),
            requested_provider_arn: text(request.principal_arn),
            ..Self::default()
        }
    }
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
