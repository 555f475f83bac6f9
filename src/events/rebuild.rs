//! A row of `events` back to the record it was read from, and records compared by what they say.
//!
//! What is not given back: `null` fields, empty objects where AWS had nothing to say, masked secrets,
//! white space, and the order of fields.

use std::borrow::Cow;

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use chrono::{DateTime, SecondsFormat};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::decode::JsonObject;
use crate::lake::text_at;

/// How a column's value is written in the record.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Json,
    Bool,
    /// A boolean that CloudTrail writes as text.
    BoolText,
    Time,
    Resources,
}

/// The place of each recorded column in the record.
const FIELDS: &[(&str, Form, &str)] = &[
    ("eventVersion", Form::Text, "event_version"),
    ("userIdentity/type", Form::Text, "user_identity_type"),
    (
        "userIdentity/principalId",
        Form::Text,
        "user_identity_principal_id",
    ),
    ("userIdentity/arn", Form::Text, "user_identity_arn"),
    (
        "userIdentity/accountId",
        Form::Text,
        "user_identity_account_id",
    ),
    (
        "userIdentity/accessKeyId",
        Form::Text,
        "user_identity_access_key_id",
    ),
    (
        "userIdentity/userName",
        Form::Text,
        "user_identity_user_name",
    ),
    (
        "userIdentity/invokedBy",
        Form::Text,
        "user_identity_invoked_by",
    ),
    (
        "userIdentity/identityProvider",
        Form::Text,
        "user_identity_identity_provider",
    ),
    (
        "userIdentity/credentialId",
        Form::Text,
        "user_identity_credential_id",
    ),
    (
        "userIdentity/onBehalfOf/userId",
        Form::Text,
        "user_identity_on_behalf_of_user_id",
    ),
    (
        "userIdentity/onBehalfOf/identityStoreArn",
        Form::Text,
        "user_identity_on_behalf_of_identity_store_arn",
    ),
    (
        "userIdentity/invokedByDelegate/accountId",
        Form::Text,
        "user_identity_invoked_by_delegate_account_id",
    ),
    (
        "userIdentity/inScopeOf/sourceArn",
        Form::Text,
        "user_identity_in_scope_of_source_arn",
    ),
    (
        "userIdentity/inScopeOf/sourceAccount",
        Form::Text,
        "user_identity_in_scope_of_source_account",
    ),
    (
        "userIdentity/inScopeOf/issuerType",
        Form::Text,
        "user_identity_in_scope_of_issuer_type",
    ),
    (
        "userIdentity/inScopeOf/credentialsIssuedTo",
        Form::Text,
        "user_identity_in_scope_of_credentials_issued_to",
    ),
    (
        "userIdentity/sessionContext/sessionIssuer/type",
        Form::Text,
        "session_issuer_type",
    ),
    (
        "userIdentity/sessionContext/sessionIssuer/principalId",
        Form::Text,
        "session_issuer_principal_id",
    ),
    (
        "userIdentity/sessionContext/sessionIssuer/arn",
        Form::Text,
        "session_issuer_arn",
    ),
    (
        "userIdentity/sessionContext/sessionIssuer/accountId",
        Form::Text,
        "session_issuer_account_id",
    ),
    (
        "userIdentity/sessionContext/sessionIssuer/userName",
        Form::Text,
        "session_issuer_user_name",
    ),
    (
        "userIdentity/sessionContext/attributes/creationDate",
        Form::Time,
        "session_creation_date",
    ),
    (
        "userIdentity/sessionContext/attributes/mfaAuthenticated",
        Form::BoolText,
        "session_mfa_authenticated",
    ),
    (
        "userIdentity/sessionContext/sourceIdentity",
        Form::Text,
        "session_source_identity",
    ),
    (
        "userIdentity/sessionContext/ec2RoleDelivery",
        Form::Text,
        "session_ec2_role_delivery",
    ),
    (
        "userIdentity/sessionContext/webIdFederationData/federatedProvider",
        Form::Text,
        "session_federated_provider",
    ),
    (
        "userIdentity/sessionContext/webIdFederationData/attributes",
        Form::Json,
        "session_federated_attributes",
    ),
    (
        "userIdentity/sessionContext/signInSessionArn",
        Form::Text,
        "session_sign_in_session_arn",
    ),
    (
        "userIdentity/sessionContext/assumedRoot",
        Form::BoolText,
        "session_assumed_root",
    ),
    ("eventTime", Form::Time, "event_time"),
    ("eventSource", Form::Text, "event_source"),
    ("eventName", Form::Text, "event_name"),
    ("awsRegion", Form::Text, "aws_region"),
    ("sourceIPAddress", Form::Text, "source_ip_address"),
    ("userAgent", Form::Text, "user_agent"),
    ("errorCode", Form::Text, "error_code"),
    ("errorMessage", Form::Text, "error_message"),
    ("requestParameters", Form::Json, "request_parameters"),
    ("responseElements", Form::Json, "response_elements"),
    ("additionalEventData", Form::Json, "additional_event_data"),
    ("requestID", Form::Text, "request_id"),
    ("eventID", Form::Text, "event_id"),
    ("readOnly", Form::Bool, "read_only"),
    ("resources", Form::Resources, "resources"),
    ("eventType", Form::Text, "event_type"),
    ("apiVersion", Form::Text, "api_version"),
    ("managementEvent", Form::Bool, "management_event"),
    ("recipientAccountId", Form::Text, "recipient_account_id"),
    ("serviceEventDetails", Form::Json, "service_event_details"),
    ("sharedEventID", Form::Text, "shared_event_id"),
    ("vpcEndpointId", Form::Text, "vpc_endpoint_id"),
    (
        "vpcEndpointAccountId",
        Form::Text,
        "vpc_endpoint_account_id",
    ),
    ("eventCategory", Form::Text, "event_category"),
    ("addendum", Form::Json, "addendum"),
    (
        "sessionCredentialFromConsole",
        Form::BoolText,
        "session_credential_from_console",
    ),
    ("eventContext", Form::Json, "event_context"),
    ("tlsDetails", Form::Json, "tls_details"),
    ("insightDetails", Form::Json, "insight_details"),
];

/// A record under construction: an object's fields, or finished JSON.
enum Node {
    Json(String),
    Object(Vec<(String, Node)>),
}

impl Node {
    /// Sets the value at a path, replacing what is there: `unmapped` has the original spelling.
    fn set(&mut self, path: &[&str], json: String) {
        let Self::Object(fields) = self else { return };
        let [name, rest @ ..] = path else { return };
        let at = fields.iter().position(|(known, _)| known == name);
        if rest.is_empty() {
            match at.and_then(|at| fields.get_mut(at)) {
                Some((_, node)) => *node = Self::Json(json),
                None => fields.push(((*name).to_owned(), Self::Json(json))),
            }
            return;
        }
        let at = at.unwrap_or_else(|| {
            fields.push(((*name).to_owned(), Self::Object(Vec::new())));
            fields.len() - 1
        });
        if let Some((_, node)) = fields.get_mut(at) {
            node.set(rest, json);
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Json(json) => out.push_str(json),
            Self::Object(fields) => {
                out.push('{');
                for (at, (name, node)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    out.push_str(&Value::from(name.as_str()).to_string());
                    out.push(':');
                    node.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// The record of one row, as compact JSON.
pub fn rebuild_record(batch: &RecordBatch, row: usize) -> String {
    let mut record = Node::Object(Vec::with_capacity(32));
    let filled = texts_at(batch, "filled_fields", row);
    for (path, form, column) in FIELDS {
        let Some(array) = batch.column_by_name(column) else {
            continue;
        };
        // The id we made for a record without one was never in it.
        let is_made = *column == "event_id"
            && text_at(array, row).is_some_and(|id| id.starts_with("sha256:"));
        if is_made || filled.iter().any(|field| field == path) {
            continue;
        }
        if let Some(json) = json_at(array, row, *form) {
            record.set(&path.split('/').collect::<Vec<_>>(), json);
        }
    }
    if let Some(unmapped) = batch
        .column_by_name("unmapped")
        .and_then(|array| text_at(array, row))
    {
        add_unmapped(&mut record, &mut Vec::new(), unmapped);
    }
    let mut out = String::new();
    record.write(&mut out);
    out
}

/// The texts of a list, none where it is null.
fn texts_at(batch: &RecordBatch, name: &str, row: usize) -> Vec<String> {
    let list = batch
        .column_by_name(name)
        .and_then(|column| column.as_list_opt::<i32>());
    let Some(list) = list.filter(|list| list.is_valid(row)) else {
        return Vec::new();
    };
    let texts = list.value(row);
    (0..texts.len())
        .filter_map(|at| text_at(&texts, at).map(str::to_owned))
        .collect()
}

/// Objects on the way to a recorded column are merged; everything else is set whole.
fn add_unmapped(record: &mut Node, path: &mut Vec<String>, unmapped: &str) {
    let Ok(object) = serde_json::from_str::<JsonObject<'_>>(unmapped) else {
        return;
    };
    for (name, value) in object.fields {
        path.push(name.into_owned());
        let prefix = format!("{}/", path.join("/"));
        if value.get().starts_with('{')
            && FIELDS.iter().any(|(known, ..)| known.starts_with(&prefix))
        {
            add_unmapped(record, path, value.get());
        } else {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            record.set(&path, value.get().to_owned());
        }
        path.pop();
    }
}

fn json_at(array: &dyn Array, row: usize, form: Form) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    Some(match form {
        Form::Text => {
            let text = text_at(array, row)?;
            Value::from(text).to_string()
        }
        Form::Json => text_at(array, row)?.to_owned(),
        Form::Bool => array.as_boolean_opt()?.value(row).to_string(),
        Form::BoolText => format!("\"{}\"", array.as_boolean_opt()?.value(row)),
        Form::Time => {
            let micros = array
                .as_primitive_opt::<TimestampMicrosecondType>()?
                .value(row);
            let time = DateTime::from_timestamp_micros(micros)?;
            format!("\"{}\"", time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
        }
        Form::Resources => resources_json(array, row)?,
    })
}

fn resources_json(array: &dyn Array, row: usize) -> Option<String> {
    let list = array.as_list_opt::<i32>()?.value(row);
    let entries = list.as_struct_opt()?;
    if entries.is_empty() {
        return None;
    }
    let names = [
        ("ARN", "arn"),
        ("accountId", "account_id"),
        ("type", "type"),
    ];
    let entries = (0..entries.len()).map(|at| {
        let fields = names.iter().filter_map(|(name, column)| {
            let text = text_at(entries.column_by_name(column)?, at)?;
            Some(format!("\"{name}\":{}", Value::from(text)))
        });
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    });
    Some(format!("[{}]", entries.collect::<Vec<_>>().join(",")))
}

/// How deep JSON is put in order; below this it is compared as it is written.
const MAX_DEPTH: usize = 64;

/// JSON with its objects' keys in order, so that equal content is equal text.
///
/// Numbers keep their digits; text that is no JSON is returned as it is.
pub fn canonical_json(text: &str) -> Cow<'_, str> {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(value) => {
            let mut out = String::with_capacity(text.len());
            write_canonical(&mut out, value, 0);
            Cow::Owned(out)
        }
        Err(_) => Cow::Borrowed(text),
    }
}

fn write_canonical(out: &mut String, value: &RawValue, depth: usize) {
    let text = value.get();
    if depth >= MAX_DEPTH {
        out.push_str(text);
    } else if text.starts_with('{') {
        let object = serde_json::from_str::<JsonObject<'_>>(text).unwrap_or_default();
        let mut fields = object.fields;
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        out.push('{');
        for (at, (name, value)) in fields.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            out.push_str(&Value::from(name.as_ref()).to_string());
            out.push(':');
            write_canonical(out, value, depth + 1);
        }
        out.push('}');
    } else if text.starts_with('[') {
        let values = serde_json::from_str::<Vec<&RawValue>>(text).unwrap_or_default();
        out.push('[');
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            write_canonical(out, value, depth + 1);
        }
        out.push(']');
    } else {
        // The same text can be written with other escapes.
        match serde_json::from_str::<String>(text) {
            Ok(string) => out.push_str(&Value::from(string).to_string()),
            Err(_) => out.push_str(text),
        }
    }
}
