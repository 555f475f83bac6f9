//! One CloudTrail record, its fields in the order of AWS's page, borrowed from the file's text.
//!
//! A field of an unexpected type is never an error: it keeps its place in `unmapped`, as does every
//! field this build does not know. So a record of tomorrow's version loses nothing.
//! Source: CloudTrail User Guide, "CloudTrail record contents".

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::event_version;
use super::identity::{InPlace, UserIdentity};
use super::json::{self, Key};
use super::lifted::{Lifted, Parts};
use super::time::parse_event_time;
use super::unmapped::{Leftovers, Unmapped};
use crate::iam::{SessionId, is_long_lived, user_principal};

/// One entry of `resources`.
#[derive(Debug, Default)]
pub struct Resource<'a> {
    /// `ARN`, in some sources `arn`.
    pub arn: Option<Cow<'a, str>>,
    /// The account that owns it.
    pub account_id: Option<Cow<'a, str>>,
    /// `AWS::S3::Bucket`, …
    pub resource_type: Option<Cow<'a, str>>,
}

/// One record. Absent fields are `None`; free-form parts are JSON as it stands.
#[derive(Debug, Default)]
pub struct Record<'a> {
    /// `eventVersion`, as text: `1.10` comes after `1.9`.
    pub event_version: Option<Cow<'a, str>>,
    /// `userIdentity`.
    pub user_identity: UserIdentity<'a>,
    /// `eventTime` as it is written.
    pub event_time_text: Option<Cow<'a, str>>,
    /// `eventTime`, microseconds since 1970.
    pub event_time: i64,
    /// `eventSource`: `sts.amazonaws.com`.
    pub event_source: Option<Cow<'a, str>>,
    /// `eventName`: `AssumeRole`.
    pub event_name: Option<Cow<'a, str>>,
    /// `awsRegion`.
    pub aws_region: Option<Cow<'a, str>>,
    /// `sourceIPAddress`: an address, or the name of an AWS service.
    pub source_ip_address: Option<Cow<'a, str>>,
    /// `userAgent`.
    pub user_agent: Option<Cow<'a, str>>,
    /// `errorCode`.
    pub error_code: Option<Cow<'a, str>>,
    /// `errorMessage`.
    pub error_message: Option<Cow<'a, str>>,
    /// `requestParameters`.
    pub request_parameters: Option<&'a RawValue>,
    /// `responseElements`.
    pub response_elements: Option<&'a RawValue>,
    /// `additionalEventData`.
    pub additional_event_data: Option<&'a RawValue>,
    /// `requestID`.
    pub request_id: Option<Cow<'a, str>>,
    /// `eventID`, or `sha256:` and the hash of the record's text where it has none.
    pub event_id: Cow<'a, str>,
    /// `eventType`.
    pub event_type: Option<Cow<'a, str>>,
    /// `apiVersion`.
    pub api_version: Option<Cow<'a, str>>,
    /// `managementEvent`.
    pub management_event: Option<bool>,
    /// `readOnly`.
    pub read_only: Option<bool>,
    /// `resources`.
    pub resources: Vec<Resource<'a>>,
    /// `recipientAccountId`.
    pub recipient_account_id: Option<Cow<'a, str>>,
    /// `serviceEventDetails`.
    pub service_event_details: Option<&'a RawValue>,
    /// `sharedEventID`: the same on all copies of one call, in every account.
    pub shared_event_id: Option<Cow<'a, str>>,
    /// `vpcEndpointId`.
    pub vpc_endpoint_id: Option<Cow<'a, str>>,
    /// `vpcEndpointAccountId`.
    pub vpc_endpoint_account_id: Option<Cow<'a, str>>,
    /// `eventCategory`: `Management`, `Data`, `NetworkActivity`, `Insight`.
    pub event_category: Option<Cow<'a, str>>,
    /// `addendum`.
    pub addendum: Option<&'a RawValue>,
    /// `sessionCredentialFromConsole`.
    pub session_credential_from_console: Option<bool>,
    /// `eventContext`.
    pub event_context: Option<&'a RawValue>,
    /// `tlsDetails`.
    pub tls_details: Option<&'a RawValue>,
    /// `insightDetails`.
    pub insight_details: Option<&'a RawValue>,
    /// Values lifted out of the free-form parts.
    pub lifted: Lifted<'a>,
    /// Fields of later versions that this record did not have and that its version implies, by AWS's names.
    pub filled_fields: Vec<&'static str>,
    /// Everything else.
    pub unmapped: Vec<Unmapped<'a>>,
    /// The first key that stood twice.
    pub(super) duplicate_key: Option<String>,
    has_user_identity: bool,
    has_resources: bool,
}

/// What stands where a record is expected.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// A record, or an object around one; larger than its text, so that it is not moved from hand to hand.
    Object(Box<Record<'a>>),
    /// A list: a row of a query, or a list of records.
    List(Vec<&'a RawValue>),
}

/// Values of a list within a list, at most; each costs more memory than its text may have.
const MOST_VALUES: usize = 1_000_000;

/// Bytes of a list of resources that are looked into.
const MOST_RESOURCES: usize = 1 << 20;

impl<'de: 'a, 'a> Deserialize<'de> for Item<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor { in_place: false })
    }
}

/// An item whose `userIdentity` is made of the objects that AWS documents: nearly every one, and read faster. Any other fails,
/// and is read as an [`Item`].
pub(super) struct UsualItem<'a>(pub(super) Item<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for UsualItem<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let item = deserializer.deserialize_any(ItemVisitor { in_place: true });
        item.map(Self)
    }
}

struct ItemVisitor {
    in_place: bool,
}

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record, which is an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut record = Box::<Record<'_>>::default();
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            if self.in_place && key == "userIdentity" && !record.has_user_identity {
                record.has_user_identity = true;
                let left = Leftovers {
                    unmapped: &mut record.unmapped,
                    duplicate: &mut record.duplicate_key,
                };
                map.next_value_seed(InPlace::new(&mut record.user_identity, left))?;
            } else {
                record.read_field(key, map.next_value()?);
            }
            if record.duplicate_key.is_some() {
                // The rest only has to be well formed.
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                break;
            }
        }
        Ok(Item::Object(record))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            if values.len() == MOST_VALUES {
                return Err(serde::de::Error::custom("a list of too many values"));
            }
            values.push(value);
        }
        Ok(Item::List(values))
    }
}

impl<'a> Record<'a> {
    fn read_field(&mut self, key: Cow<'a, str>, value: &'a RawValue) {
        let text = match key.as_ref() {
            "eventVersion" => &mut self.event_version,
            "eventTime" => &mut self.event_time_text,
            "eventSource" => &mut self.event_source,
            "eventName" => &mut self.event_name,
            "awsRegion" => &mut self.aws_region,
            "sourceIPAddress" => &mut self.source_ip_address,
            "userAgent" => &mut self.user_agent,
            "errorCode" => &mut self.error_code,
            "errorMessage" => &mut self.error_message,
            "requestID" => &mut self.request_id,
            "eventType" => &mut self.event_type,
            "apiVersion" => &mut self.api_version,
            "recipientAccountId" => &mut self.recipient_account_id,
            "sharedEventID" => &mut self.shared_event_id,
            "vpcEndpointId" => &mut self.vpc_endpoint_id,
            "vpcEndpointAccountId" => &mut self.vpc_endpoint_account_id,
            "eventCategory" => &mut self.event_category,
            _ => return self.read_other_field(key, value),
        };
        if text.is_some() {
            self.duplicate_key = Some(key.into_owned());
            return;
        }
        *text = json::text_of(value);
        if text.is_none() {
            self.keep(key, value);
        }
    }

    fn read_other_field(&mut self, key: Cow<'a, str>, value: &'a RawValue) {
        let json_part = match key.as_ref() {
            "requestParameters" => &mut self.request_parameters,
            "responseElements" => &mut self.response_elements,
            "additionalEventData" => &mut self.additional_event_data,
            "serviceEventDetails" => &mut self.service_event_details,
            "addendum" => &mut self.addendum,
            "eventContext" => &mut self.event_context,
            "tlsDetails" => &mut self.tls_details,
            "insightDetails" => &mut self.insight_details,
            "eventID" => {
                if !self.event_id.is_empty() {
                    self.duplicate_key = Some(key.into_owned());
                    return;
                }
                match json::text_of(value) {
                    Some(id) => self.event_id = id,
                    None => self.keep(key, value),
                }
                return;
            }
            "userIdentity" => {
                if std::mem::replace(&mut self.has_user_identity, true) {
                    self.duplicate_key = Some(key.into_owned());
                    return;
                }
                let mut left = Leftovers {
                    unmapped: &mut self.unmapped,
                    duplicate: &mut self.duplicate_key,
                };
                self.user_identity = UserIdentity::read(value, &mut left);
                return;
            }
            "readOnly" | "managementEvent" | "sessionCredentialFromConsole" => {
                return self.read_flag(key, value);
            }
            "resources" => {
                if std::mem::replace(&mut self.has_resources, true) {
                    self.duplicate_key = Some(key.into_owned());
                    return;
                }
                let (resources, complete) = resources_of(value);
                self.resources = resources;
                if !complete {
                    self.keep(key, value);
                }
                return;
            }
            _ => return self.keep(key, value),
        };
        if json_part.is_some() {
            self.duplicate_key = Some(key.into_owned());
        } else if value.get() != "null" {
            *json_part = Some(value);
        }
    }

    /// Reads a flag; one that is not written in its usual form is kept as it stands as well.
    fn read_flag(&mut self, key: Cow<'a, str>, value: &'a RawValue) {
        let (slot, usual) = match key.as_ref() {
            "readOnly" => (&mut self.read_only, ["true", "false"]),
            "managementEvent" => (&mut self.management_event, ["true", "false"]),
            _ => (
                &mut self.session_credential_from_console,
                ["\"true\"", "\"false\""],
            ),
        };
        if slot.is_some() {
            self.duplicate_key = Some(key.into_owned());
            return;
        }
        *slot = json::bool_of(value);
        if !usual.contains(&value.get()) {
            self.keep(key, value);
        }
    }

    fn keep(&mut self, key: Cow<'a, str>, value: &'a RawValue) {
        if !json::is_nothing(value) {
            self.unmapped.push(Unmapped {
                path: Vec::new(),
                key,
                value,
            });
        }
    }

    /// Works out what the fields say together; returns false without a readable `eventTime`.
    pub(super) fn finish(&mut self) -> bool {
        let Some(time) = self.event_time_text.as_deref().and_then(parse_event_time) else {
            return false;
        };
        self.event_time = time;
        event_version::fill(self);
        self.lifted = Lifted::of(&Parts {
            event_source: self.event_source.as_deref(),
            event_name: self.event_name.as_deref(),
            request_parameters: self.request_parameters,
            response_elements: self.response_elements,
            additional_event_data: self.additional_event_data,
            service_event_details: self.service_event_details,
        });
        true
    }

    /// When the session's credentials were made, microseconds since 1970.
    pub fn session_creation_date(&self) -> Option<i64> {
        self.user_identity.created_at
    }

    /// A sign-in to the console, or a role switch there: its record shows no creation date, and opens the session of
    /// that second.
    ///
    /// Source: measured; the sign-in (or the switch, and the `AssumeRole` beside it) and the creation date agree to
    /// the second.
    fn opens_session(&self) -> bool {
        let identity_type = self.user_identity.identity_type.as_deref();
        let opens = match self.event_name.as_deref() {
            Some("ConsoleLogin") => true,
            Some("SwitchRole" | "RenewRole") => identity_type == Some("AssumedRole"),
            _ => false,
        };
        opens
            && self.event_source.as_deref() == Some("signin.amazonaws.com")
            && self.error_message.is_none()
            && self.lifted.sign_in_succeeded != Some(false)
    }

    /// The session this record belongs to, from the record alone.
    ///
    /// One credential gives one id, except where AWS shows many keys or none for one session (the
    /// console, calls a service makes in somebody's name, service-linked roles): there the
    /// principal and the creation date stand for it.
    pub fn session_id(&self) -> SessionId {
        let identity = &self.user_identity;
        let some = |field: &Option<Cow<'a, str>>| field.clone().filter(|text| !text.is_empty());
        let account = some(&identity.account_id)
            .or_else(|| some(&self.recipient_account_id))
            .unwrap_or_default();
        let kind = identity.identity_type.as_deref().unwrap_or_default();
        if kind == "AWSAccount"
            && let Some(shared) = some(&self.shared_event_id)
        {
            return SessionId::of_shared_event(&shared);
        }
        let principal = some(&identity.principal_id).or_else(|| some(&identity.arn));
        let Some(principal) = principal else {
            if let Some(service) = some(&identity.invoked_by) {
                return SessionId::of_service(&account, &service);
            }
            let named = some(&identity.on_behalf_of_user_id)
                .or_else(|| some(&identity.user_name))
                .or_else(|| some(&self.lifted.sign_in_user_name));
            return SessionId::of_principal(&account, named.as_deref().unwrap_or(kind), None);
        };
        let principal = match (kind, some(&identity.arn)) {
            ("IAMUser", Some(arn)) => Cow::Owned(user_principal(&principal, &arn)),
            _ => principal,
        };
        // Cognito gives all its sessions one name; several begin in one second.
        let principal = match identity.cognito_identity() {
            Some(identity) => Cow::Owned(format!("{principal} {identity}")),
            None => principal,
        };
        let creation = self
            .session_creation_date()
            .or_else(|| self.opens_session().then_some(self.event_time));
        let Some(key) = some(&identity.access_key_id) else {
            return SessionId::of_principal(&account, &principal, creation);
        };
        // Masked data may show a user's key on a role session.
        if is_long_lived(&key) && !matches!(kind, "AssumedRole" | "FederatedUser") {
            return SessionId::of_key(&account, &principal, None, &key);
        }
        let from_console = self.session_credential_from_console == Some(true)
            || identity.credential_from_console == Some(true);
        if creation.is_some() && (from_console || identity.invoked_by.is_some()) {
            return SessionId::of_principal(&account, &principal, creation);
        }
        SessionId::of_key(&account, &principal, creation, &key)
    }
}

/// Reads `resources`; the flag tells whether our columns hold all of it.
///
/// `ARN` is the usual spelling, `arn` is seen in some sources, and `ARNPrefix` stands for many objects.
fn resources_of(value: &RawValue) -> (Vec<Resource<'_>>, bool) {
    // A whole record of CloudTrail is shorter; a longer list is made to take memory, and stays as it is.
    if value.get().len() > MOST_RESOURCES {
        return (Vec::new(), false);
    }
    let mut complete = true;
    let mut json = serde_json::Deserializer::from_str(value.get());
    match json.deserialize_seq(Resources(&mut complete)) {
        Ok(resources) => (resources, complete),
        Err(_) => (Vec::new(), false),
    }
}

/// Reads the entries of `resources`; its flag is taken down where one holds more than our columns.
struct Resources<'c>(&'c mut bool);

impl<'de> Visitor<'de> for Resources<'_> {
    type Value = Vec<Resource<'de>>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of resources")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut resources = Vec::new();
        while let Some(resource) = list.next_element_seed(Entry(self.0))? {
            resources.push(resource);
        }
        Ok(resources)
    }
}

/// Reads one entry of `resources`.
struct Entry<'c>(&'c mut bool);

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = Resource<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_> {
    type Value = Resource<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a resource, which is an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut resource = Resource::default();
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            let value: &RawValue = map.next_value()?;
            let slot = match key.as_ref() {
                "ARN" => &mut resource.arn,
                "arn" => {
                    *self.0 = false;
                    &mut resource.arn
                }
                "accountId" => &mut resource.account_id,
                "type" => &mut resource.resource_type,
                _ => {
                    *self.0 = false;
                    continue;
                }
            };
            let text = json::text_of(value);
            *self.0 &= text.is_some() && slot.is_none();
            if slot.is_none() {
                *slot = text;
            }
        }
        Ok(resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_read_in_place_says_what_it_says_otherwise() {
        let whole = r#"{"eventTime":"2026-03-02T09:00:00Z","eventID":"e","userIdentity":{"type":"AssumedRole","arn":"a\u0062c",
            "accountId":7,"extra":{"x":1},"sessionContext":{"sessionIssuer":{"arn":"r","more":[1]},"attributes":{"creationDate":"2026-03-02T08:00:00Z",
            "mfaAuthenticated":"true","sessionCredentialFromConsole":"true"},"webIdFederationData":{"attributes":{"sub":"s"}},"assumedRoot":true},
            "inScopeOf":{},"onBehalfOf":{"userId":"u"},"invokedByDelegate":null},"resources":[{"ARN":"x"}],"requestParameters":{"a":"b"}}"#;
        let usual = [
            whole.to_owned(),
            r#"{"userIdentity":null}"#.to_owned(),
            r#"{"userIdentity":{"sessionContext":null,"type":null}}"#.to_owned(),
            r#"{"userIdentity":{"type":"a","type":"b"},"eventID":"rest"}"#.to_owned(),
            r#"{"userIdentity":{"sessionContext":{"attributes":{"creationDate":"soon"}}}}"#
                .to_owned(),
            r#"{"userIdentity":{"type":"a"},"userIdentity":{"type":"b"}}"#.to_owned(),
            r#"[{"a":1},2]"#.to_owned(),
        ];
        for text in &usual {
            let UsualItem(usual) = serde_json::from_str(text).unwrap();
            let any: Item<'_> = serde_json::from_str(text).unwrap();
            assert_eq!(format!("{usual:?}"), format!("{any:?}"));
        }
        for text in [
            r#"{"userIdentity":"root"}"#,
            r#"{"userIdentity":{"sessionContext":[]}}"#,
            r#"{"userIdentity":{"inScopeOf":7}}"#,
            r#"{"userIdentity":{"type":"X","sessionContext":"\ud800"}}"#,
            r#"{"userIdentity":1e999}"#,
        ] {
            let error = serde_json::from_str::<UsualItem<'_>>(text).err();
            assert!(error.is_some_and(|error| !error.is_eof()), "{text}");
            assert!(serde_json::from_str::<Item<'_>>(text).is_ok(), "{text}");
        }
    }
}
