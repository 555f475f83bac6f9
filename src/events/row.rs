//! Writes one record as one row of `events`.

use std::fmt::Write as _;

use crate::decode::{Record, Unmapped, json_text};
use crate::lake::RowBuilder;

/// Appends `record`, read from `log_file_key` at `index`.
#[expect(
    clippy::too_many_lines,
    reason = "one line per column, in the order of the schema"
)]
pub fn append_event(
    rows: &mut RowBuilder,
    record: &Record<'_>,
    log_file_key: &str,
    index: u64,
    mask: bool,
) {
    let identity = &record.user_identity;
    let lifted = &record.lifted;
    let json = |raw: Option<_>| raw.map(|raw| json_text(raw, mask));
    let resources = record.resources.iter();
    let unmapped = unmapped_json(&record.unmapped, mask);
    rows.row()
        .text("event_id", Some(&record.event_id))
        .time("event_time", Some(record.event_time))
        .text("event_version", record.event_version.as_ref())
        .text("event_source", record.event_source.as_ref())
        .text("event_name", record.event_name.as_ref())
        .text("event_type", record.event_type.as_ref())
        .text("event_category", record.event_category.as_ref())
        .text("aws_region", record.aws_region.as_ref())
        .text("recipient_account_id", record.recipient_account_id.as_ref())
        .text("source_ip_address", record.source_ip_address.as_ref())
        .text("user_agent", record.user_agent.as_ref())
        .text("error_code", record.error_code.as_ref())
        .text("error_message", record.error_message.as_ref())
        .text("request_id", record.request_id.as_ref())
        .text("api_version", record.api_version.as_ref())
        .bool("read_only", record.read_only)
        .bool("management_event", record.management_event)
        .text("shared_event_id", record.shared_event_id.as_ref())
        .text("vpc_endpoint_id", record.vpc_endpoint_id.as_ref())
        .text(
            "vpc_endpoint_account_id",
            record.vpc_endpoint_account_id.as_ref(),
        )
        .bool(
            "session_credential_from_console",
            record
                .session_credential_from_console
                .or(identity.credential_from_console),
        )
        .text("user_identity_type", identity.identity_type.as_ref())
        .text("user_identity_principal_id", identity.principal_id.as_ref())
        .text("user_identity_arn", identity.arn.as_ref())
        .text("user_identity_account_id", identity.account_id.as_ref())
        .text(
            "user_identity_access_key_id",
            identity.access_key_id.as_ref(),
        )
        .text("user_identity_user_name", identity.user_name.as_ref())
        .text("user_identity_invoked_by", identity.invoked_by.as_ref())
        .text(
            "user_identity_identity_provider",
            identity.identity_provider.as_ref(),
        )
        .text(
            "user_identity_credential_id",
            identity.credential_id.as_ref(),
        )
        .text(
            "user_identity_on_behalf_of_user_id",
            identity.on_behalf_of_user_id.as_ref(),
        )
        .text(
            "user_identity_on_behalf_of_identity_store_arn",
            identity.on_behalf_of_identity_store_arn.as_ref(),
        )
        .text(
            "user_identity_invoked_by_delegate_account_id",
            identity.invoked_by_delegate_account_id.as_ref(),
        )
        .text(
            "user_identity_in_scope_of_source_arn",
            identity.in_scope_of_source_arn.as_ref(),
        )
        .text(
            "user_identity_in_scope_of_source_account",
            identity.in_scope_of_source_account.as_ref(),
        )
        .text(
            "user_identity_in_scope_of_issuer_type",
            identity.in_scope_of_issuer_type.as_ref(),
        )
        .text(
            "user_identity_in_scope_of_credentials_issued_to",
            identity.in_scope_of_credentials_issued_to.as_ref(),
        )
        .text("session_issuer_type", identity.issuer_type.as_ref())
        .text(
            "session_issuer_principal_id",
            identity.issuer_principal_id.as_ref(),
        )
        .text("session_issuer_arn", identity.issuer_arn.as_ref())
        .text(
            "session_issuer_account_id",
            identity.issuer_account_id.as_ref(),
        )
        .text(
            "session_issuer_user_name",
            identity.issuer_user_name.as_ref(),
        )
        .time("session_creation_date", record.session_creation_date())
        .bool("session_mfa_authenticated", identity.mfa_authenticated)
        .text("session_source_identity", identity.source_identity.as_ref())
        .text(
            "session_ec2_role_delivery",
            identity.ec2_role_delivery.as_ref(),
        )
        .text(
            "session_federated_provider",
            identity.federated_provider.as_ref(),
        )
        .text(
            "session_federated_attributes",
            json(identity.federated_attributes),
        )
        .text(
            "session_sign_in_session_arn",
            identity.sign_in_session_arn.as_ref(),
        )
        .bool("session_assumed_root", identity.assumed_root)
        .text("issued_access_key_id", lifted.issued_access_key_id.as_ref())
        .text("issued_session_arn", lifted.issued_session_arn.as_ref())
        .text("issued_role_id", lifted.issued_role_id.as_ref())
        .time("issued_expiration", lifted.issued_expiration)
        .text("requested_role_arn", lifted.requested_role_arn.as_ref())
        .text(
            "requested_session_name",
            lifted.requested_session_name.as_ref(),
        )
        .text(
            "requested_target_principal",
            lifted.requested_target_principal.as_ref(),
        )
        .text(
            "requested_source_identity",
            lifted.requested_source_identity.as_ref(),
        )
        .text(
            "requested_session_tags",
            json(lifted.requested_session_tags),
        )
        .text("carried_session_tags", json(lifted.carried_session_tags))
        .text(
            "requested_provider_arn",
            lifted.requested_provider_arn.as_ref(),
        )
        .text("issued_identity_id", lifted.issued_identity_id.as_ref())
        .text("granted_account_id", lifted.granted_account_id.as_ref())
        .text("granted_role_name", lifted.granted_role_name.as_ref())
        .text("switch_from_arn", lifted.switch_from_arn.as_ref())
        .text("sign_in_user_name", lifted.sign_in_user_name.as_ref())
        .bool("sign_in_succeeded", lifted.sign_in_succeeded)
        .bool("sign_in_mfa_used", lifted.sign_in_mfa_used)
        .text(
            "created_access_key_id",
            lifted.created_access_key_id.as_ref(),
        )
        .text("created_principal_id", lifted.created_principal_id.as_ref())
        .text(
            "created_principal_arn",
            lifted.created_principal_arn.as_ref(),
        )
        .texts("deployed_ids", &lifted.deployed_ids)
        .texts("operated_ids", &lifted.operated_ids)
        .resources(
            "resources",
            resources.clone().map(|resource| {
                [&resource.arn, &resource.account_id, &resource.resource_type]
                    .map(|part| part.as_deref())
            }),
        )
        .texts(
            "resource_arns",
            resources.filter_map(|resource| resource.arn.as_deref()),
        )
        .text("session_id", Some(record.session_id().as_str()))
        .text("request_parameters", json(record.request_parameters))
        .text("response_elements", json(record.response_elements))
        .text("additional_event_data", json(record.additional_event_data))
        .text("service_event_details", json(record.service_event_details))
        .text("tls_details", json(record.tls_details))
        .text("insight_details", json(record.insight_details))
        .text("addendum", json(record.addendum))
        .text("event_context", json(record.event_context))
        .texts("filled_fields", &record.filled_fields)
        .text("unmapped", unmapped)
        .text("log_file_key", Some(log_file_key))
        .count("log_record_index", index);
}

/// The fields without a column as one JSON object, nested as they were in the record.
fn unmapped_json(fields: &[Unmapped<'_>], mask: bool) -> Option<String> {
    if fields.is_empty() {
        return None;
    }
    let mut out = String::from("{");
    nested_json(&mut out, fields.iter().collect(), 0);
    out.push('}');
    Some(if mask {
        crate::decode::mask(&out).into_owned()
    } else {
        out
    })
}

/// Writes the fields that lie `depth` objects deep, and an inner object for each that lies deeper.
fn nested_json(out: &mut String, fields: Vec<&Unmapped<'_>>, depth: usize) {
    let mut first = true;
    let mut comma = |out: &mut String| {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
    };
    let mut inner: Vec<(&'static str, Vec<&Unmapped<'_>>)> = Vec::new();
    for field in fields {
        match field.path.get(depth) {
            None => {
                comma(out);
                let key = serde_json::Value::String(field.key.clone().into_owned());
                // Writing to a String cannot fail.
                let _ = write!(out, "{key}:{}", json_text(field.value, false));
            }
            Some(name) => match inner.iter_mut().find(|(known, _)| known == name) {
                Some((_, group)) => group.push(field),
                None => inner.push((name, vec![field])),
            },
        }
    }
    for (name, group) in inner {
        comma(out);
        let _ = write!(out, "\"{name}\":{{");
        nested_json(out, group, depth + 1);
        out.push('}');
    }
}
