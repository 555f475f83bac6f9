//! `userIdentity` and what is nested in it, as AWS nests it.
//!
//! Source: CloudTrail User Guide, "CloudTrail userIdentity element".

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::json::{self, Key};
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
    /// The same in microseconds since 1970.
    pub created_at: Option<i64>,
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

/// `userIdentity`, or an object in it.
#[derive(Clone, Copy)]
enum Part {
    Identity,
    OnBehalfOf,
    InvokedByDelegate,
    InScopeOf,
    Context,
    Issuer,
    Attributes,
    WebIdentity,
}

impl Part {
    /// The objects from the record to this one.
    fn path(self) -> &'static [&'static str] {
        match self {
            Self::Identity => &["userIdentity"],
            Self::OnBehalfOf => &["userIdentity", "onBehalfOf"],
            Self::InvokedByDelegate => &["userIdentity", "invokedByDelegate"],
            Self::InScopeOf => &["userIdentity", "inScopeOf"],
            Self::Context => &["userIdentity", "sessionContext"],
            Self::Issuer => &["userIdentity", "sessionContext", "sessionIssuer"],
            Self::Attributes => &["userIdentity", "sessionContext", "attributes"],
            Self::WebIdentity => &["userIdentity", "sessionContext", "webIdFederationData"],
        }
    }

    /// The object that stands in this one under `key`, where one does.
    fn inner(self, key: &str) -> Option<Self> {
        match (self, key) {
            (Self::Identity, "onBehalfOf") => Some(Self::OnBehalfOf),
            (Self::Identity, "invokedByDelegate") => Some(Self::InvokedByDelegate),
            (Self::Identity, "inScopeOf") => Some(Self::InScopeOf),
            (Self::Identity, "sessionContext") => Some(Self::Context),
            (Self::Context, "sessionIssuer") => Some(Self::Issuer),
            (Self::Context, "attributes") => Some(Self::Attributes),
            (Self::Context, "webIdFederationData") => Some(Self::WebIdentity),
            _ => None,
        }
    }
}

impl<'a> UserIdentity<'a> {
    /// Reads the value of `userIdentity`; what has no place here goes to `left`.
    pub(super) fn read(value: &'a RawValue, left: &mut Leftovers<'_, 'a>) -> Self {
        let mut identity = Self::default();
        let key = Cow::Borrowed("userIdentity");
        left.object(&[], key, value, |left, key, value| {
            identity.read_field(Part::Identity, key, value, left);
        });
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

    /// Reads a field of one of the objects; an inner object is read field by field.
    fn read_field(
        &mut self,
        part: Part,
        key: Cow<'a, str>,
        value: &'a RawValue,
        left: &mut Leftovers<'_, 'a>,
    ) {
        match part.inner(&key) {
            Some(inner) => left.object(part.path(), key, value, |left, key, value| {
                self.read_field(inner, key, value, left);
            }),
            None => self.read_value(part, key, value, left),
        }
    }

    /// Reads a field that holds no object of ours.
    fn read_value(
        &mut self,
        part: Part,
        key: Cow<'a, str>,
        value: &'a RawValue,
        left: &mut Leftovers<'_, 'a>,
    ) {
        let path = part.path();
        let slot = match (part, key.as_ref()) {
            (Part::Identity, "type") => &mut self.identity_type,
            (Part::Identity, "principalId") => &mut self.principal_id,
            (Part::Identity, "arn") => &mut self.arn,
            (Part::Identity, "accountId") => &mut self.account_id,
            (Part::Identity, "accessKeyId") => &mut self.access_key_id,
            (Part::Identity, "userName") => &mut self.user_name,
            (Part::Identity, "invokedBy") => &mut self.invoked_by,
            (Part::Identity, "identityProvider") => &mut self.identity_provider,
            (Part::Identity, "credentialId") => &mut self.credential_id,
            (Part::OnBehalfOf, "userId") => &mut self.on_behalf_of_user_id,
            (Part::OnBehalfOf, "identityStoreArn") => &mut self.on_behalf_of_identity_store_arn,
            (Part::InvokedByDelegate, "accountId") => &mut self.invoked_by_delegate_account_id,
            (Part::InScopeOf, "sourceArn") => &mut self.in_scope_of_source_arn,
            (Part::InScopeOf, "sourceAccount") => &mut self.in_scope_of_source_account,
            (Part::InScopeOf, "issuerType") => &mut self.in_scope_of_issuer_type,
            (Part::InScopeOf, "credentialsIssuedTo") => &mut self.in_scope_of_credentials_issued_to,
            (Part::Context, "sourceIdentity") => &mut self.source_identity,
            (Part::Context, "ec2RoleDelivery") => &mut self.ec2_role_delivery,
            (Part::Context, "signInSessionArn") => &mut self.sign_in_session_arn,
            (Part::Context, "assumedRoot") => {
                return left.flag(&mut self.assumed_root, path, key, value);
            }
            (Part::Issuer, "type") => &mut self.issuer_type,
            (Part::Issuer, "principalId") => &mut self.issuer_principal_id,
            (Part::Issuer, "arn") => &mut self.issuer_arn,
            (Part::Issuer, "accountId") => &mut self.issuer_account_id,
            (Part::Issuer, "userName") => &mut self.issuer_user_name,
            (Part::Attributes, "creationDate") => {
                // A date that cannot be read has no column and is kept as it stands.
                let text = json::text_of(value);
                let time = text.as_deref().and_then(parse_event_time);
                if text.is_some() && time.is_none() {
                    return left.keep(path, key, value);
                }
                self.created_at = self.created_at.or(time);
                &mut self.creation_date
            }
            (Part::Attributes, "mfaAuthenticated") => {
                return left.flag(&mut self.mfa_authenticated, path, key, value);
            }
            (Part::Attributes, "sessionCredentialFromConsole") => {
                self.credential_from_console = json::bool_of(value);
                return left.keep(path, key, value);
            }
            (Part::WebIdentity, "federatedProvider") => &mut self.federated_provider,
            (Part::WebIdentity, "attributes")
                if value.get().starts_with('{') && !json::is_nothing(value) =>
            {
                return left.json(&mut self.federated_attributes, key, value);
            }
            _ => return left.keep(path, key, value),
        };
        left.text(slot, path, key, value);
    }
}

/// Reads `userIdentity` where it stands in the record's text, which is passed over once and not once for each object in it.
///
/// Fails where one of the objects is none: [`UserIdentity::read`] is for those.
pub(super) struct InPlace<'s, 'r, 'a> {
    part: Part,
    identity: &'s mut UserIdentity<'a>,
    left: Leftovers<'r, 'a>,
}

impl<'s, 'r, 'a> InPlace<'s, 'r, 'a> {
    pub(super) fn new(identity: &'s mut UserIdentity<'a>, left: Leftovers<'r, 'a>) -> Self {
        Self {
            part: Part::Identity,
            identity,
            left,
        }
    }
}

impl<'de> DeserializeSeed<'de> for InPlace<'_, '_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for InPlace<'_, '_, 'de> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    /// `null` says nothing.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            if let Some(part) = self.part.inner(&key) {
                map.next_value_seed(InPlace {
                    part,
                    identity: self.identity,
                    left: self.left.again(),
                })?;
            } else {
                let value = map.next_value()?;
                let left = &mut self.left;
                self.identity.read_value(self.part, key, value, left);
            }
        }
        Ok(())
    }
}
