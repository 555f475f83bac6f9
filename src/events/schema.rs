//! Every column of the tables that ingest writes: name, type, meaning. The single source for docs.
//!
//! Recorded values keep AWS's names in snake case; meanings are from the CloudTrail User Guide,
//! "CloudTrail record contents" and "CloudTrail userIdentity element".

use twox_hash::XxHash64;

use crate::lake::{Column, ColumnType, FileLayout};

use ColumnType::{Bool, Int, Json, Resources, Text, TextList, Time};

/// `events`: one row per distinct record.
pub const EVENTS: &[Column] = &[
    Column::required(
        "event_id",
        Text,
        "the event's id; `sha256:` and the hash of the record's text where it has none",
    ),
    Column::required("event_time", Time, "when the request was made"),
    Column::new("event_version", Text, "the version of the record's format"),
    Column::new(
        "event_source",
        Text,
        "the service that got the request, `sts.amazonaws.com`",
    ),
    Column::new(
        "event_name",
        Text,
        "the action that was asked for, `AssumeRole`",
    ),
    Column::new(
        "event_type",
        Text,
        "`AwsApiCall`, `AwsServiceEvent`, `AwsConsoleSignIn`, …",
    ),
    Column::new(
        "event_category",
        Text,
        "`Management`, `Data`, `NetworkActivity`",
    ),
    Column::new("aws_region", Text, "the region the request was made to"),
    Column::new(
        "recipient_account_id",
        Text,
        "the account that got this record",
    ),
    Column::new(
        "source_ip_address",
        Text,
        "the caller's address, or an AWS service's name",
    ),
    Column::new("user_agent", Text, "the caller's program, in its own words"),
    Column::new(
        "error_code",
        Text,
        "the service's error, where the request failed",
    ),
    Column::new("error_message", Text, "the error in words"),
    Column::new("request_id", Text, "the service's id of the request"),
    Column::new("api_version", Text, "the version of the service's API"),
    Column::new("read_only", Bool, "true for a call that changes nothing"),
    Column::new("management_event", Bool, "true for a management event"),
    Column::new(
        "shared_event_id",
        Text,
        "the same on all copies of one call that several accounts recorded",
    ),
    Column::new(
        "vpc_endpoint_id",
        Text,
        "the VPC endpoint the request came through",
    ),
    Column::new(
        "vpc_endpoint_account_id",
        Text,
        "the account that owns the endpoint",
    ),
    Column::new(
        "session_credential_from_console",
        Bool,
        "true for calls made by the console",
    ),
    Column::new(
        "user_identity_type",
        Text,
        "`IAMUser`, `AssumedRole`, `AWSService`, …",
    ),
    Column::new(
        "user_identity_principal_id",
        Text,
        "`AIDA…`, `AROA…:session`, an account id, …",
    ),
    Column::new("user_identity_arn", Text, "the ARN of the principal"),
    Column::new(
        "user_identity_account_id",
        Text,
        "the account that owns the principal",
    ),
    Column::new(
        "user_identity_access_key_id",
        Text,
        "the key the request was signed with",
    ),
    Column::new(
        "user_identity_user_name",
        Text,
        "the user's name, or a token's subject",
    ),
    Column::new(
        "user_identity_invoked_by",
        Text,
        "the AWS service that made the call for it",
    ),
    Column::new(
        "user_identity_identity_provider",
        Text,
        "who vouched for a federated caller",
    ),
    Column::new(
        "user_identity_credential_id",
        Text,
        "an Identity Center credential",
    ),
    Column::new(
        "user_identity_on_behalf_of_user_id",
        Text,
        "the Identity Center user behind it",
    ),
    Column::new(
        "user_identity_on_behalf_of_identity_store_arn",
        Text,
        "the identity store of that user",
    ),
    Column::new(
        "user_identity_invoked_by_delegate_account_id",
        Text,
        "the partner that acts through a temporary delegation",
    ),
    Column::new(
        "user_identity_in_scope_of_source_arn",
        Text,
        "the resource for which the call was made",
    ),
    Column::new(
        "user_identity_in_scope_of_source_account",
        Text,
        "the account of that resource",
    ),
    Column::new(
        "user_identity_in_scope_of_issuer_type",
        Text,
        "the kind of resource that AWS gave the credentials to, `AWS::EC2::Instance`",
    ),
    Column::new(
        "user_identity_in_scope_of_credentials_issued_to",
        Text,
        "the ARN of that resource; only AWS can set it",
    ),
    Column::new("session_issuer_type", Text, "`Role`, `IAMUser`, `Root`"),
    Column::new(
        "session_issuer_principal_id",
        Text,
        "the unique id of the role or user",
    ),
    Column::new(
        "session_issuer_arn",
        Text,
        "the ARN of the role or user, with its path",
    ),
    Column::new(
        "session_issuer_account_id",
        Text,
        "the account that owns the role or user",
    ),
    Column::new(
        "session_issuer_user_name",
        Text,
        "the name of the role or user",
    ),
    Column::new(
        "session_creation_date",
        Time,
        "when the temporary credentials were made",
    ),
    Column::new(
        "session_mfa_authenticated",
        Bool,
        "true when MFA stood behind the credentials",
    ),
    Column::new(
        "session_source_identity",
        Text,
        "the source identity set at the first hop",
    ),
    Column::new(
        "session_ec2_role_delivery",
        Text,
        "`1.0` or `2.0`: the instance metadata service",
    ),
    Column::new(
        "session_federated_provider",
        Text,
        "the web identity provider of the session",
    ),
    Column::new(
        "session_federated_attributes",
        Json,
        "what the web identity provider said of the session; filled for Amazon Cognito",
    ),
    Column::new(
        "session_sign_in_session_arn",
        Text,
        "the sign-in session behind it",
    ),
    Column::new(
        "session_assumed_root",
        Bool,
        "true for a session of `AssumeRoot`",
    ),
    Column::new("issued_access_key_id", Text, "the key this call handed out"),
    Column::new("issued_session_arn", Text, "the session this call opened"),
    Column::new(
        "issued_role_id",
        Text,
        "the unique id of the role it handed out",
    ),
    Column::new(
        "issued_expiration",
        Time,
        "when the credentials it handed out end",
    ),
    Column::new("requested_role_arn", Text, "the role that was asked for"),
    Column::new(
        "requested_session_name",
        Text,
        "the session name, chosen by the caller",
    ),
    Column::new(
        "requested_target_principal",
        Text,
        "the account asked for by `AssumeRoot`",
    ),
    Column::new(
        "requested_source_identity",
        Text,
        "the source identity the caller wanted set",
    ),
    Column::new(
        "requested_session_tags",
        Json,
        "the session tags the caller wanted set",
    ),
    Column::new(
        "carried_session_tags",
        Json,
        "the session tags that the caller carried from earlier hops",
    ),
    Column::new(
        "requested_provider_arn",
        Text,
        "the SAML provider, or the trust anchor, of the request",
    ),
    Column::new(
        "issued_identity_id",
        Text,
        "the Amazon Cognito identity that this call gave credentials to",
    ),
    Column::new(
        "granted_account_id",
        Text,
        "the account that Identity Center gave credentials for",
    ),
    Column::new(
        "granted_role_name",
        Text,
        "the permission set that Identity Center gave credentials for",
    ),
    Column::new("switch_from_arn", Text, "who switched roles in the console"),
    Column::new(
        "sign_in_user_name",
        Text,
        "the name that was given at an Identity Center sign-in",
    ),
    Column::new(
        "sign_in_succeeded",
        Bool,
        "whether a console sign-in or role switch succeeded",
    ),
    Column::new(
        "sign_in_mfa_used",
        Bool,
        "whether MFA was used at a console sign-in",
    ),
    Column::new(
        "created_access_key_id",
        Text,
        "the long-lived key that this `CreateAccessKey` made",
    ),
    Column::new(
        "created_principal_id",
        Text,
        "the unique id of the user or role that this call made",
    ),
    Column::new(
        "created_principal_arn",
        Text,
        "the ARN of the user or role that this call made",
    ),
    Column::new(
        "deployed_ids",
        TextList,
        "the principals, keys, instances, functions and tasks that this call made or changed, and the roles it gave a service",
    ),
    Column::new(
        "operated_ids",
        TextList,
        "the instances and tasks on which this call opened a shell or ran a command",
    ),
    Column::new("resources", Resources, "what was acted on"),
    Column::new(
        "resource_arns",
        TextList,
        "the ARNs in `resources`, for `array_has`",
    ),
    Column::required(
        "session_id",
        Text,
        "the session this event belongs to, see `sessions`",
    ),
    Column::new("request_parameters", Json, "what was asked"),
    Column::new(
        "response_elements",
        Json,
        "what was answered, secrets masked",
    ),
    Column::new("additional_event_data", Json, "what else the service says"),
    Column::new(
        "service_event_details",
        Json,
        "what a service says of its own event",
    ),
    Column::new("tls_details", Json, "how the connection was encrypted"),
    Column::new("insight_details", Json, "the statistics of an Insight"),
    Column::new(
        "addendum",
        Json,
        "why a record came late or was written again",
    ),
    Column::new(
        "event_context",
        Json,
        "condition keys and tags, in event data stores",
    ),
    Column::new(
        "filled_fields",
        TextList,
        "fields, by AWS's names, that a record of an older version did not have and its version implies",
    ),
    Column::new(
        "unmapped",
        Json,
        "every field that has no column, nested as it was",
    ),
    Column::required("log_file_key", Text, "the log file this row was read from"),
    Column::required(
        "log_record_index",
        Int,
        "the record's place in that file, from 0",
    ),
];

/// The columns that tell where a row came from, not what happened.
pub const PROVENANCE: [&str; 2] = ["log_file_key", "log_record_index"];

/// How `events` files are written.
pub const EVENTS_LAYOUT: FileLayout = FileLayout {
    bloom_filters: &["event_id", "user_identity_access_key_id", "session_id"],
    distinct: &[
        "event_id",
        "request_id",
        "request_parameters",
        "response_elements",
    ],
    without_order: &[
        "event_id",
        "request_id",
        "request_parameters",
        "response_elements",
        "additional_event_data",
        "service_event_details",
        "tls_details",
        "insight_details",
        "addendum",
        "event_context",
        "unmapped",
    ],
    sorted: Some("event_time"),
};

/// `rejected`: one row per record or file that was not taken.
pub const REJECTED: &[Column] = &[
    Column::required("log_file_key", Text, "the log file"),
    Column::new(
        "log_record_index",
        Int,
        "the record's place in that file, from 0; null for a whole file",
    ),
    Column::new(
        "byte_offset",
        Int,
        "where it starts in the file's uncompressed text",
    ),
    Column::required("reason", Text, "why, as a code"),
    Column::required("detail", Text, "why, in words"),
    Column::new("raw", Text, "the first 64 KiB of its text, secrets masked"),
    Column::new(
        "event_id",
        Text,
        "the event's id, where the reason is `conflicting_duplicate`",
    ),
    Column::new(
        "record",
        Json,
        "the whole record, where the reason is `conflicting_duplicate`: it is needed should that change",
    ),
    Column::required("ingested_at", Time, "when it was read"),
];

/// `log_files`: one row per log file.
pub const LOG_FILES: &[Column] = &[
    Column::required(
        "log_file_key",
        Text,
        "the path from `AWSLogs/` on, else below the source",
    ),
    Column::required("source_uri", Text, "where it was read from"),
    Column::required("kind", Text, "the form that was found in it"),
    Column::new("size", Int, "its size in bytes, as stored"),
    Column::new(
        "content_hash",
        Text,
        "`sha256:` and the hash of its bytes, as stored; null when it could not be read and is to be tried again",
    ),
    Column::new("etag", Text, "the ETag of an object in S3"),
    Column::required("records", Int, "records read"),
    Column::required("events", Int, "records that are rows of `events`"),
    Column::required("duplicates", Int, "records of which another copy is kept"),
    Column::required("rejected", Int, "records that are rows of `rejected`"),
    Column::new("first_event_time", Time, "the earliest event time in it"),
    Column::new("last_event_time", Time, "the latest event time in it"),
    Column::required("ingested_at", Time, "when it was read"),
];

/// How `log_files` files are written.
pub const LOG_FILES_LAYOUT: FileLayout = FileLayout {
    bloom_filters: &["log_file_key"],
    distinct: &["log_file_key"],
    without_order: &[],
    sorted: None,
};

/// `duplicates`: one row per further copy of an event that is kept once.
pub const DUPLICATES: &[Column] = &[
    Column::required("event_id", Text, "the event"),
    Column::required(
        "log_file_key",
        Text,
        "the log file that holds the further copy",
    ),
    Column::required(
        "log_record_index",
        Int,
        "the copy's place in that file, from 0",
    ),
    Column::new(
        "event_time",
        Time,
        "when the event was, as the copy says; null where an older version of rolecall wrote the row",
    ),
];

/// `event_ids`: the ids that events of the lake have or once had, as numbers, so that one id at two times is noticed and the day of an id known.
pub const EVENT_IDS: &[Column] = &[
    Column::required("event_id_hash", Int, "the upper 56 bits of the id's XXH64"),
    Column::new(
        "event_day",
        Int,
        "the UTC day of the event, in days since 1970; null where an older version of rolecall wrote the row",
    ),
];

/// An id as `event_ids` has it, which says nearly as much: of a hundred million ids and a million new ones hardly ever two agree by chance.
pub fn event_id_hash(id: &str) -> i64 {
    i64::try_from(XxHash64::oneshot(0, id.as_bytes()) >> 8).unwrap_or_default()
}

/// How files of `event_ids` are written.
pub(super) const EVENT_IDS_LAYOUT: FileLayout = FileLayout {
    bloom_filters: &[],
    distinct: &[],
    without_order: &[],
    sorted: Some("event_id_hash"),
};
