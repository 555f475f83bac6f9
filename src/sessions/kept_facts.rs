//! What pruned days told that sessions which come later rest on: who was handed which credentials, and who has which name.

use crate::lake::ColumnType::{Json, Text, Time};
use crate::lake::{Column, LakeTable};

/// The columns of `kept_issues`: those of `credential_issues`, and of `daily_issues`.
pub const KEPT_ISSUES: &[Column] = &[
    Column::required("event_id", Text, "the call"),
    Column::required("event_time", Time, "when it was made"),
    Column::new("event_source", Text, "the service"),
    Column::new("event_name", Text, "the action"),
    Column::new(
        "caller_session_id",
        Text,
        "the session that made it, as in `events`",
    ),
    Column::new(
        "recipient_account_id",
        Text,
        "the account whose log it was in",
    ),
    Column::new("caller_type", Text, "`userIdentity.type`"),
    Column::new("caller_principal_id", Text, "`userIdentity.principalId`"),
    Column::new("caller_arn", Text, "`userIdentity.arn`"),
    Column::new("caller_account_id", Text, "`userIdentity.accountId`"),
    Column::new("caller_invoked_by", Text, "`userIdentity.invokedBy`"),
    Column::new(
        "caller_on_behalf_of_user_id",
        Text,
        "the user of Identity Center on whose behalf",
    ),
    Column::new(
        "caller_on_behalf_of_identity_store_arn",
        Text,
        "and the identity store",
    ),
    Column::new(
        "caller_creation_date",
        Time,
        "when the caller's session was created",
    ),
    Column::new("issued_access_key_id", Text, "the key that was handed out"),
    Column::new("issued_session_arn", Text, "the session that was opened"),
    Column::new("issued_role_id", Text, "the role's unique id"),
    Column::new("issued_expiration", Time, "when the credentials end"),
    Column::new(
        "issued_identity_id",
        Text,
        "the identity of Amazon Cognito that they are for",
    ),
    Column::new("requested_role_arn", Text, "the role that was asked for"),
    Column::new(
        "requested_session_name",
        Text,
        "the name that was asked for",
    ),
    Column::new(
        "requested_target_principal",
        Text,
        "the account of `AssumeRoot`",
    ),
    Column::new(
        "requested_source_identity",
        Text,
        "the source identity that was set",
    ),
    Column::new(
        "requested_session_tags",
        Json,
        "the tags that were set, as JSON",
    ),
    Column::new("requested_provider_arn", Text, "the identity provider"),
    Column::new(
        "granted_account_id",
        Text,
        "the account that Identity Center gave credentials for",
    ),
    Column::new("granted_role_name", Text, "and the permission set"),
    Column::new(
        "switch_from_arn",
        Text,
        "who switched to the role in the console",
    ),
    Column::new("shared_event_id", Text, "`sharedEventID`"),
    Column::new("request_id", Text, "`requestID`"),
    Column::new("source_ip_address", Text, "from where"),
    Column::new("user_agent", Text, "with which program"),
];

/// The columns of `kept_users`: those of `identity_center_users`.
pub const KEPT_USERS: &[Column] = &[
    Column::new("identity_store_arn", Text, "the identity store"),
    Column::required("user_id", Text, "the user's id in it"),
    Column::required("user_name", Text, "the user's name"),
];

/// The tables that hold them; what each keeps of the days that go is the question of its name in `sql/upkeep`.
pub const KEPT_FACTS: [(LakeTable, &[Column]); 2] = [
    (LakeTable::KeptIssues, KEPT_ISSUES),
    (LakeTable::KeptUsers, KEPT_USERS),
];

/// The question of a day's events that `daily_issues` holds the answers of.
pub const CREDENTIAL_ISSUES: &str = include_str!("../../sql/sessions/credential_issues.sql");

/// What sessions are worked out from and is kept of pruned days, as queries of all of it, by name.
pub const FACT_VIEWS: [(&str, &str); 2] = [
    (
        "all_issues",
        include_str!("../../sql/sessions/all_issues.sql"),
    ),
    (
        "known_users",
        include_str!("../../sql/sessions/known_users.sql"),
    ),
];
