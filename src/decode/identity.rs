//! `userIdentity` and what is nested in it, as AWS nests it.
//!
//! Source: CloudTrail User Guide, "CloudTrail userIdentity element".

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::json;
use super::time::parse_event_time;
use super::unmapped::Leftovers;

/// Who made the request, as the record says it. Absent fields are `None`.
#[derive(Debug, Default)]
pub struct UserIdentity<'a> {
    /// `IAMUser`, `AssumedRole`, `AWSService`, …
    pub identity_type: Option<Cow<'a, str>>,
    /// `AIDA…`, `AROA…:session`, an account id, …
    pub principal_id: Option<Cow<'a, str>>,
    /// The ARN of the principal.
    pub arn: Option<Cow<'a, str>>,
    /// The account that owns the principal.
    pub account_id: Option<Cow<'a, str>>,
    /// The key the request was signed with.
    pub access_key_id: Option<Cow<'a, str>>,
    /// The user's name, or the subject of a SAML or OIDC caller.
    pub user_name: Option<Cow<'a, str>>,
    /// The AWS service that made the request.
    pub invoked_by: Option<Cow<'a, str>>,
    /// The identity provider of a SAML or OIDC caller.
    pub identity_provider: Option<Cow<'a, str>>,
    /// The credential of an Identity Center user.
    pub credential_id: Option<Cow<'a, str>>,
    /// `onBehalfOf.userId`: the Identity Center user.
    pub on_behalf_of_user_id: Option<Cow<'a, str>>,
    /// `onBehalfOf.identityStoreArn`.
    pub on_behalf_of_identity_store_arn: Option<Cow<'a, str>>,
    /// `invokedByDelegate.accountId`: the partner that acts through a temporary delegation.
    pub invoked_by_delegate_account_id: Option<Cow<'a, str>>,
    /// `inScopeOf.sourceArn`.
    pub in_scope_of_source_arn: Option<Cow<'a, str>>,
    /// `inScopeOf.sourceAccount`.
    pub in_scope_of_source_account: Option<Cow<'a, str>>,
    /// `inScopeOf.issuerType`: the kind of resource that got the credentials, `AWS::EC2::Instance`.
    pub in_scope_of_issuer_type: Option<Cow<'a, str>>,
    /// `inScopeOf.credentialsIssuedTo`: the ARN of that resource. Only AWS can set it.
    pub in_scope_of_credentials_issued_to: Option<Cow<'a, str>>,
    /// `sessionContext.sessionIssuer.type`.
    pub issuer_type: Option<Cow<'a, str>>,
    /// `sessionContext.sessionIssuer.principalId`: the role's or user's unique id.
    pub issuer_principal_id: Option<Cow<'a, str>>,
    /// `sessionContext.sessionIssuer.arn`, with the role's path.
    pub issuer_arn: Option<Cow<'a, str>>,
    /// `sessionContext.sessionIssuer.accountId`.
    pub issuer_account_id: Option<Cow<'a, str>>,
    /// `sessionContext.sessionIssuer.userName`: the role's or user's name.
    pub issuer_user_name: Option<Cow<'a, str>>,
    /// `sessionContext.attributes.creationDate` as it is written.
    pub creation_date: Option<Cow<'a, str>>,
    /// `sessionContext.attributes.mfaAuthenticated`.
    pub mfa_authenticated: Option<bool>,
    /// `sessionCredentialFromConsole` where it stands among the attributes.
    pub credential_from_console: Option<bool>,
    /// `sessionContext.sourceIdentity`.
    pub source_identity: Option<Cow<'a, str>>,
    /// `sessionContext.ec2RoleDelivery`: `1.0` or `2.0`, the version of the metadata service.
    pub ec2_role_delivery: Option<Cow<'a, str>>,
    /// `sessionContext.assumedRoot`.
    pub assumed_root: Option<bool>,
    /// `sessionContext.webIdFederationData.federatedProvider`.
    pub federated_provider: Option<Cow<'a, str>>,
    /// `sessionContext.webIdFederationData.attributes`: filled for Amazon Cognito, empty for plain OIDC.
    pub federated_attributes: Option<&'a RawValue>,
    /// `sessionContext.signInSessionArn`.
    pub sign_in_session_arn: Option<Cow<'a, str>>,
}

const USER_IDENTITY: &str = "userIdentity";
const SESSION_CONTEXT: &str = "sessionContext";

impl<'a> UserIdentity<'a> {
    /// Reads the value of `userIdentity`; what has no place here goes to `left`.
    pub(super) fn read(value: &'a RawValue, left: &mut Leftovers<'_, 'a>) -> Self {
        let mut identity = Self::default();
        left.object(
            &[],
            Cow::Borrowed(USER_IDENTITY),
            value,
            |left, key, value| {
                identity.read_field(key, value, left);
            },
        );
        identity
    }

    /// The Amazon Cognito identity of a session, where its provider says it.
    pub(super) fn cognito_identity(&self) -> Option<Cow<'a, str>> {
        const PROVIDER: &str = "cognito-identity.amazonaws.com";
        if self.federated_provider.as_deref() != Some(PROVIDER) {
            return None;
        }
        let attributes: json::JsonObject<'a> =
            serde_json::from_str(self.federated_attributes?.get()).ok()?;
        let mut fields = attributes.fields.into_iter();
        let (_, identity) = fields.find(|(name, _)| name.strip_prefix(PROVIDER) == Some(":sub"))?;
        json::text_of(identity)
    }

    fn read_field(&mut self, key: Cow<'a, str>, value: &'a RawValue, left: &mut Leftovers<'_, 'a>) {
        const PATH: &[&str] = &[USER_IDENTITY];
        let slot = match key.as_ref() {
            "type" => &mut self.identity_type,
            "principalId" => &mut self.principal_id,
            "arn" => &mut self.arn,
            "accountId" => &mut self.account_id,
            "accessKeyId" => &mut self.access_key_id,
            "userName" => &mut self.user_name,
            "invokedBy" => &mut self.invoked_by,
            "identityProvider" => &mut self.identity_provider,
            "credentialId" => &mut self.credential_id,
            "sessionContext" => {
                return left.object(PATH, key, value, |left, key, value| {
                    self.read_context(key, value, left);
                });
            }
            "onBehalfOf" => {
                return left.object(PATH, key, value, |left, key, value| {
                    let slot = match key.as_ref() {
                        "userId" => &mut self.on_behalf_of_user_id,
                        "identityStoreArn" => &mut self.on_behalf_of_identity_store_arn,
                        _ => return left.keep(&[USER_IDENTITY, "onBehalfOf"], key, value),
                    };
                    left.text(slot, &[USER_IDENTITY, "onBehalfOf"], key, value);
                });
            }
            "invokedByDelegate" => {
                return left.object(PATH, key, value, |left, key, value| {
                    const PATH: &[&str] = &[USER_IDENTITY, "invokedByDelegate"];
                    match key.as_ref() {
                        "accountId" => {
                            left.text(&mut self.invoked_by_delegate_account_id, PATH, key, value);
                        }
                        _ => left.keep(PATH, key, value),
                    }
                });
            }
            "inScopeOf" => {
                return left.object(PATH, key, value, |left, key, value| {
                    const PATH: &[&str] = &[USER_IDENTITY, "inScopeOf"];
                    let slot = match key.as_ref() {
                        "sourceArn" => &mut self.in_scope_of_source_arn,
                        "sourceAccount" => &mut self.in_scope_of_source_account,
                        "issuerType" => &mut self.in_scope_of_issuer_type,
                        "credentialsIssuedTo" => &mut self.in_scope_of_credentials_issued_to,
                        _ => return left.keep(PATH, key, value),
                    };
                    left.text(slot, PATH, key, value);
                });
            }
            _ => return left.keep(PATH, key, value),
        };
        left.text(slot, PATH, key, value);
    }

    fn read_context(
        &mut self,
        key: Cow<'a, str>,
        value: &'a RawValue,
        left: &mut Leftovers<'_, 'a>,
    ) {
        const PATH: &[&str] = &[USER_IDENTITY, SESSION_CONTEXT];
        match key.as_ref() {
            "sessionIssuer" => left.object(PATH, key, value, |left, key, value| {
                const PATH: &[&str] = &[USER_IDENTITY, SESSION_CONTEXT, "sessionIssuer"];
                let slot = match key.as_ref() {
                    "type" => &mut self.issuer_type,
                    "principalId" => &mut self.issuer_principal_id,
                    "arn" => &mut self.issuer_arn,
                    "accountId" => &mut self.issuer_account_id,
                    "userName" => &mut self.issuer_user_name,
                    _ => return left.keep(PATH, key, value),
                };
                left.text(slot, PATH, key, value);
            }),
            "attributes" => left.object(PATH, key, value, |left, key, value| {
                const PATH: &[&str] = &[USER_IDENTITY, SESSION_CONTEXT, "attributes"];
                match key.as_ref() {
                    "creationDate" => {
                        // A date that cannot be read has no column and is kept as it stands.
                        if json::text_of(value).is_some_and(|t| parse_event_time(&t).is_none()) {
                            left.keep(PATH, key, value);
                        } else {
                            left.text(&mut self.creation_date, PATH, key, value);
                        }
                    }
                    "mfaAuthenticated" => left.flag(&mut self.mfa_authenticated, PATH, key, value),
                    "sessionCredentialFromConsole" => {
                        self.credential_from_console = json::bool_of(value);
                        left.keep(PATH, key, value);
                    }
                    _ => left.keep(PATH, key, value),
                }
            }),
            "webIdFederationData" => left.object(PATH, key, value, |left, key, value| {
                const PATH: &[&str] = &[USER_IDENTITY, SESSION_CONTEXT, "webIdFederationData"];
                match key.as_ref() {
                    "federatedProvider" => {
                        left.text(&mut self.federated_provider, PATH, key, value);
                    }
                    "attributes" if value.get().starts_with('{') && !json::is_nothing(value) => {
                        left.json(&mut self.federated_attributes, key, value);
                    }
                    _ => left.keep(PATH, key, value),
                }
            }),
            "sourceIdentity" => left.text(&mut self.source_identity, PATH, key, value),
            "ec2RoleDelivery" => left.text(&mut self.ec2_role_delivery, PATH, key, value),
            "signInSessionArn" => left.text(&mut self.sign_in_session_arn, PATH, key, value),
            "assumedRoot" => left.flag(&mut self.assumed_root, PATH, key, value),
            _ => left.keep(PATH, key, value),
        }
    }
}
