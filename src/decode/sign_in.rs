//! Who signed in, switched roles, or fetched credentials from Identity Center.
//!
//! Sources: CloudTrail User Guide, "AWS Management Console sign-in events"; IAM Identity Center User Guide,
//! "CloudTrail use cases for IAM Identity Center".

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lifted::{Lifted, Parts, parsed, text};

/// The services of sign-in, without `.amazonaws.com`.
pub(super) const SOURCES: [&str; 5] = [
    "signin",
    "sso",
    "sso-oauth",
    "sso-directory",
    "identitystore",
];

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Additional<'a> {
    #[serde(borrow)]
    switch_from: Option<&'a RawValue>,
    #[serde(borrow)]
    user_name: Option<&'a RawValue>,
    #[serde(borrow, rename = "MFAUsed")]
    mfa_used: Option<&'a RawValue>,
}

/// The role for which Identity Center gave credentials; both spellings are in use.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Grant<'a> {
    #[serde(borrow, alias = "accountId")]
    account_id: Option<&'a RawValue>,
    #[serde(borrow, alias = "roleName")]
    role_name: Option<&'a RawValue>,
}

/// The one field of a sign-in's response, named like the call.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Outcome<'a> {
    #[serde(borrow)]
    console_login: Option<&'a RawValue>,
    #[serde(borrow)]
    switch_role: Option<&'a RawValue>,
    #[serde(borrow)]
    renew_role: Option<&'a RawValue>,
    #[serde(borrow)]
    exit_role: Option<&'a RawValue>,
}

pub(super) fn lift<'a>(lifted: &mut Lifted<'a>, record: &Parts<'_, 'a>, source: &str, name: &str) {
    let additional: Additional<'a> = parsed(record.additional_event_data);
    lifted.switch_from_arn = text(additional.switch_from);
    lifted.sign_in_user_name = text(additional.user_name).filter(|name| !is_hidden(name));
    if matches!(name, "GetRoleCredentials" | "Federate") {
        let said: Grant<'a> = parsed(record.service_event_details);
        let asked: Grant<'a> = parsed(record.request_parameters);
        lifted.granted_account_id = text(said.account_id).or_else(|| text(asked.account_id));
        lifted.granted_role_name = text(said.role_name).or_else(|| text(asked.role_name));
    }
    if source != "signin" {
        return;
    }
    let outcome: Outcome<'a> = parsed(record.response_elements);
    let outcome = match name {
        "ConsoleLogin" => outcome.console_login,
        "SwitchRole" => outcome.switch_role,
        "RenewRole" => outcome.renew_role,
        "ExitRole" => outcome.exit_role,
        _ => None,
    };
    lifted.sign_in_succeeded = text(outcome).map(|outcome| outcome == "Success");
    lifted.sign_in_mfa_used = text(additional.mfa_used).and_then(|used| match used.as_ref() {
        "Yes" => Some(true),
        "No" => Some(false),
        _ => None,
    });
}

/// AWS writes this where a name was no user's, since it may be a password typed into the wrong field.
fn is_hidden(name: &str) -> bool {
    name == "HIDDEN_DUE_TO_SECURITY_REASONS" || name.starts_with("***")
}
