//! Values lifted out of the free-form parts of a record, with the reason for each, so that no later room
//! has to parse JSON to know who handed out which credential, who signed in, and who made what.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{deployed, issued, json, sign_in};

/// What a record says beyond its fixed fields. Absent values are `None`.
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
    /// `sourceIdentity` as asked for, or as the service set it: whoever set it is the one it names, or lied here.
    pub requested_source_identity: Option<Cow<'a, str>>,
    /// `tags` or `principalTags`, as JSON.
    pub requested_session_tags: Option<&'a RawValue>,
    /// `incomingTransitiveTags`: the session tags that the caller carries from earlier hops, as JSON.
    pub carried_session_tags: Option<&'a RawValue>,
    /// `principalArn`, the SAML provider, or `trustAnchorArn`.
    pub requested_provider_arn: Option<Cow<'a, str>>,
    /// `identityId` of Amazon Cognito.
    pub issued_identity_id: Option<Cow<'a, str>>,
    /// `account_id` of an Identity Center credential.
    pub granted_account_id: Option<Cow<'a, str>>,
    /// `role_name` of an Identity Center credential: the permission set.
    pub granted_role_name: Option<Cow<'a, str>>,
    /// `SwitchFrom` of a console role switch: the identity that switched.
    pub switch_from_arn: Option<Cow<'a, str>>,
    /// `UserName` of an Identity Center sign-in.
    pub sign_in_user_name: Option<Cow<'a, str>>,
    /// Whether a console sign-in or role switch succeeded.
    pub sign_in_succeeded: Option<bool>,
    /// `MFAUsed` of a console sign-in.
    pub sign_in_mfa_used: Option<bool>,
    /// `accessKey.accessKeyId` of `CreateAccessKey`: the long-lived key that was made.
    pub created_access_key_id: Option<Cow<'a, str>>,
    /// `user.userId` of `CreateUser` or `role.roleId` of `CreateRole`: the unique id of what was made.
    pub created_principal_id: Option<Cow<'a, str>>,
    /// The ARN of the user or role that was made.
    pub created_principal_arn: Option<Cow<'a, str>>,
    /// What the call made or changed, and the role it gave a service.
    pub deployed_ids: Vec<Cow<'a, str>>,
    /// The instances and tasks on which the call opened a shell or ran a command.
    pub operated_ids: Vec<Cow<'a, str>>,
}

/// The parts of a record from which values are lifted.
pub(super) struct Parts<'r, 'a> {
    pub(super) event_source: Option<&'r str>,
    pub(super) event_name: Option<&'r str>,
    pub(super) request_parameters: Option<&'a RawValue>,
    pub(super) response_elements: Option<&'a RawValue>,
    pub(super) additional_event_data: Option<&'a RawValue>,
    pub(super) service_event_details: Option<&'a RawValue>,
}

impl<'a> Lifted<'a> {
    pub(super) fn of(record: &Parts<'_, 'a>) -> Self {
        let mut lifted = Self::default();
        let name = record.event_name.unwrap_or_default();
        let Some(source) = record
            .event_source
            .and_then(|source| source.strip_suffix(".amazonaws.com"))
        else {
            return lifted;
        };
        if issued::is_issuing_call(source, name) {
            issued::lift(&mut lifted, record);
        }
        if sign_in::SOURCES.contains(&source) {
            sign_in::lift(&mut lifted, record, source, name);
        }
        deployed::lift(&mut lifted, record, source, name);
        lifted
    }
}

pub(super) fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    json::text_of(raw?).filter(|text| !text.is_empty())
}

/// Parts of another shape than AWS documents give nothing; they stay in their JSON column.
pub(super) fn parsed<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> T {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}
