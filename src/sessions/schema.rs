//! Every column of `sessions`: name, type, meaning.

use crate::lake::{Column, ColumnType, FileLayout};

use ColumnType::{Bool, Int, Json, Text, TextList, Time};

/// `sessions`: one row per session, also when its issuing event or its use is missing.
pub const SESSIONS: &[Column] = &[
    Column::required("session_id", Text, "the session, as in `events`"),
    Column::new(
        "issuing_api",
        Text,
        "the call that handed out its credentials",
    ),
    Column::new(
        "issuing_event_id",
        Text,
        "the event of that call, where it is one",
    ),
    Column::new("issued_at", Time, "when that call was made"),
    Column::new(
        "issued_access_key_id",
        Text,
        "the key that the call handed out; the console and Identity Center use others",
    ),
    Column::required("access_key_ids", TextList, "the keys it was seen with"),
    Column::new("session_arn", Text, "the ARN its calls show"),
    Column::new("session_name", Text, "the name the caller chose for it"),
    Column::new(
        "role_arn",
        Text,
        "the role, with its path where any record shows it",
    ),
    Column::new("role_id", Text, "the role's unique id, `AROA…`"),
    Column::new("role_account_id", Text, "the account that owns the role"),
    Column::new(
        "persona_arn",
        Text,
        "what it acts as: a role, or the identity itself",
    ),
    Column::new(
        "persona_id",
        Text,
        "the unique id of that: `AROA…`, `AIDA…` or an account id",
    ),
    Column::new(
        "created_at",
        Time,
        "when its credentials were made; null for long-lived keys",
    ),
    Column::new(
        "chain_started_at",
        Time,
        "when the first credentials of its chain were taken; null for the identity itself",
    ),
    Column::new(
        "expires_at",
        Time,
        "when the credentials that were handed out end",
    ),
    Column::new("parent_session_id", Text, "the session that called for it"),
    Column::required(
        "hop_count",
        Int,
        "roles, and assumed roots, taken on the way from the origin; tokens and sign-ins count nothing",
    ),
    Column::required(
        "chain",
        TextList,
        "role ARNs from the first hop to the role in use",
    ),
    Column::required(
        "chain_truncated",
        Bool,
        "true when `chain` leaves out its middle",
    ),
    Column::required("origin_kind", Text, "what stands at the start of the chain"),
    Column::new(
        "origin_id",
        Text,
        "the person or workload; null where it is not known",
    ),
    Column::new("origin_name", Text, "its name, where that is another"),
    Column::new("origin_account_id", Text, "the account it belongs to"),
    Column::new("origin_provider", Text, "who vouched for it"),
    Column::required("origin_assurance", Text, "how it is known to be who it is"),
    Column::new(
        "is_human",
        Bool,
        "true for a person, false for a workload, null where nothing tells",
    ),
    Column::new(
        "created_by_origin_id",
        Text,
        "who launched or deployed the workload, or made the user or key; never the origin",
    ),
    Column::new("created_by_event_id", Text, "the event by which they did"),
    Column::new(
        "possible_operators",
        TextList,
        "who opened a shell on the machine before or while the session was used; evidence, never the origin",
    ),
    Column::new("source_identity", Text, "the source identity it carries"),
    Column::new("session_tags", Json, "the session tags that were asked for"),
    Column::new(
        "has_mfa",
        Bool,
        "true when MFA stood behind the credentials",
    ),
    Column::new(
        "source_ip_address",
        Text,
        "the address that called for it, or first used it",
    ),
    Column::new(
        "user_agent",
        Text,
        "the program that called for it, or first used it",
    ),
    Column::new(
        "first_used_at",
        Time,
        "its first call; null when none was seen",
    ),
    Column::new("last_used_at", Time, "its last call"),
    Column::required("event_count", Int, "its calls"),
    Column::required("denied_count", Int, "its calls that were refused"),
    Column::required(
        "attribution",
        Text,
        "the join that ties it to its issuing event",
    ),
    Column::required(
        "confidence",
        Text,
        "how sure the whole chain is: its weakest hop",
    ),
    Column::required(
        "evidence_event_ids",
        TextList,
        "the events that prove its own link",
    ),
    Column::new(
        "confirmed_by",
        TextList,
        "further joins that lead to the same issuing event",
    ),
    Column::new(
        "contradicted_by",
        TextList,
        "what speaks against the link; it lowers the confidence by a step",
    ),
    Column::new("unresolved_reason", Text, "why the origin is not known"),
    Column::new(
        "events_pruned_before",
        Time,
        "events before this day were pruned, and more was known with them: the row says what was known then; null where nothing depends on them",
    ),
];

/// How `sessions` files are written.
pub const SESSIONS_LAYOUT: FileLayout = FileLayout {
    bloom_filters: &["session_id", "origin_id"],
    distinct: &["session_id"],
    without_order: &[],
    sorted: None,
};
