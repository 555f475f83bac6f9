//! The columns of `daily_usage`, which a lake keeps and which the view of that name works out.

use crate::lake::ColumnType::{Int, IntList, Text, TextList, Time};
use crate::lake::{Column, FileLayout};

/// `daily_usage`: one row per permission, persona, origin and UTC day.
pub const DAILY_USAGE: &[Column] = &[
    Column::new(
        "persona_arn",
        Text,
        "what was acted as: a role, or the identity itself",
    ),
    Column::new("persona_id", Text, "the unique id of that"),
    Column::new(
        "origin_kind",
        Text,
        "what kind of person or workload was behind it",
    ),
    Column::new("origin_id", Text, "who that was"),
    Column::new("origin_name", Text, "the name of that"),
    Column::new("origin_account_id", Text, "the account of that"),
    Column::new(
        "origin_provider",
        Text,
        "the identity provider or service that vouches for it",
    ),
    Column::new(
        "iam_action",
        Text,
        "the action, as the Service Authorization Reference writes it; null where none is needed or known",
    ),
    Column::new(
        "mapping",
        Text,
        "how it was found, as in `call_permissions`",
    ),
    Column::new("event_source", Text, "the service that was called"),
    Column::new("event_name", Text, "the call"),
    Column::new(
        "via_service",
        Text,
        "the AWS service that made the calls in the principal's name; null where the principal called",
    ),
    Column::new("account_id", Text, "the account whose records these are"),
    Column::new("first_used_at", Time, "the first allowed call of the day"),
    Column::new("last_used_at", Time, "the last allowed call of the day"),
    Column::required("use_count", Int, "allowed calls"),
    Column::required("denied_count", Int, "calls that IAM refused"),
    Column::new("last_denied_at", Time, "the last call that IAM refused"),
    Column::required(
        "authorized_error_count",
        Int,
        "calls that failed after IAM had let them pass",
    ),
    Column::required("error_count", Int, "calls that failed otherwise"),
    Column::required(
        "last_event_at",
        Time,
        "when the last of all these calls was made",
    ),
    Column::required("last_event_id", Text, "the last of all these calls"),
    Column::new(
        "resource_arns",
        TextList,
        "the resources of the calls, at most 100",
    ),
    Column::new(
        "resource_hashes",
        IntList,
        "the XXH64 of each resource's ARN where there are more than 100, so that resources of several days are counted once",
    ),
];

/// How files of `daily_usage` are written.
pub const DAILY_USAGE_LAYOUT: FileLayout = FileLayout {
    bloom_filters: &[],
    distinct: &[],
    without_order: &["last_event_id", "resource_arns", "resource_hashes"],
    sorted: None,
};
