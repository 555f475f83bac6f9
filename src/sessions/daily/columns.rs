//! The columns of the tables that hold a day's facts.

use super::super::kept_facts::KEPT_ISSUES;
use crate::lake::Column;
use crate::lake::ColumnType::{Bool, Int, IntList, Text, TextList, Time};

/// The day whose events tell it: its first moment.
const DAY: Column = Column::required("day", Time, "the UTC day, as its first moment");

/// `daily_sessions`: one row per session and UTC day of its use, of its calls of that day.
pub const DAILY_SESSIONS: &[Column] = &[
    DAY,
    Column::required("session_id", Text, "the session, as in `events`"),
    Column::new("identity_type", Text, "`userIdentity.type`"),
    Column::new("principal_id", Text, "`userIdentity.principalId`"),
    Column::new("arn", Text, "`userIdentity.arn`"),
    Column::new("account_id", Text, "`userIdentity.accountId`"),
    Column::new("user_name", Text, "`userIdentity.userName`"),
    Column::new("invoked_by", Text, "`userIdentity.invokedBy`"),
    Column::new("identity_provider", Text, "`userIdentity.identityProvider`"),
    Column::new(
        "on_behalf_of_user_id",
        Text,
        "`userIdentity.onBehalfOf.userId`",
    ),
    Column::new(
        "on_behalf_of_identity_store_arn",
        Text,
        "`userIdentity.onBehalfOf.identityStoreArn`",
    ),
    Column::new("issuer_type", Text, "`sessionIssuer.type`"),
    Column::new("issuer_principal_id", Text, "`sessionIssuer.principalId`"),
    Column::new("issuer_arn", Text, "`sessionIssuer.arn`"),
    Column::new(
        "creation_date",
        Time,
        "`attributes.creationDate`; of a sign-in to the console that shows none, its time",
    ),
    Column::new(
        "has_creation_date",
        Bool,
        "whether a record shows `attributes.creationDate`",
    ),
    Column::new("has_mfa", Bool, "`attributes.mfaAuthenticated`"),
    Column::new("assumed_root", Bool, "`sessionContext.assumedRoot`"),
    Column::new(
        "is_from_console",
        Bool,
        "whether a call says that it is the console's",
    ),
    Column::new("source_identity", Text, "`sessionContext.sourceIdentity`"),
    Column::new(
        "ec2_role_delivery",
        Text,
        "`sessionContext.ec2RoleDelivery`",
    ),
    Column::new(
        "federated_provider",
        Text,
        "`webIdFederationData.federatedProvider`",
    ),
    Column::new(
        "federated_attributes",
        Text,
        "`webIdFederationData.attributes`",
    ),
    Column::new(
        "sign_in_session_arn",
        Text,
        "`sessionContext.signInSessionArn`",
    ),
    Column::new("in_scope_of_issuer_type", Text, "`inScopeOf.issuerType`"),
    Column::new(
        "in_scope_of_credentials_issued_to",
        Text,
        "`inScopeOf.credentialsIssuedTo`",
    ),
    Column::new("sign_in_user_name", Text, "the name given at a sign-in"),
    Column::new("carried_session_tags", Text, "session tags, as JSON"),
    Column::new("provider_arn", Text, "the identity provider asked of"),
    Column::new("requested_role_arn", Text, "the role asked for"),
    Column::new(
        "recipient_account_id",
        Text,
        "an account whose log it was in",
    ),
    Column::new("aws_region", Text, "a region that was called"),
    Column::required("keyless_count", Int, "calls that show no access key"),
    Column::new("source_ip_address", Text, "from where the first call came"),
    Column::new("user_agent", Text, "with which program"),
    Column::new("first_event_id", Text, "the first call"),
    Column::new("first_used_at", Time, "when that was"),
    Column::new("last_used_at", Time, "the last call"),
    Column::required("event_count", Int, "calls"),
    Column::required("denied_count", Int, "calls that were refused"),
    Column::new("access_key_ids", TextList, "the access keys it showed"),
];

/// `daily_issues`: the calls of a day that handed out credentials or opened a session; besides the day the columns of `kept_issues`.
pub const DAILY_ISSUES: &[Column] = &with_day::<{ KEPT_ISSUES.len() + 1 }>(KEPT_ISSUES);

#[expect(clippy::indexing_slicing, reason = "the compiler works it out")]
const fn with_day<const N: usize>(columns: &[Column]) -> [Column; N] {
    let mut all = [DAY; N];
    let mut at = 1;
    while at < N {
        all[at] = columns[at - 1];
        at += 1;
    }
    all
}

// What is said of an account and region on a day.
const LAST_EVENT_TIME: Column = Column::new("last_event_time", Time, "the last");
const EVENTS: Column = Column::new("events", Int, "how many there are");
const READ_EVENTS: Column = Column::new("read_events", Int, "of these, calls that only read");
const STS_EVENTS: Column = Column::new("sts_events", Int, "calls of AWS STS");
const DATA_EVENTS: Column = Column::new("data_events", Int, "data events");
const HOURS: Column = Column::new(
    "hours",
    IntList,
    "the hours of the day in which there are any, ascending",
);

/// `daily_facts`: what else a day's events tell of identities; which columns a row has depends on its `fact`.
pub const DAILY_FACTS: &[Column] = &[
    DAY,
    Column::required(
        "fact",
        Text,
        "which question found it, by the name of its file in `sql/sessions`",
    ),
    Column::new("event_time", Time, "when, or from when on"),
    Column::new("event_id", Text, "the event"),
    Column::new("session_id", Text, "its session"),
    Column::new("other_event_id", Text, "the event that goes with it"),
    Column::new("other_session_id", Text, "and that one's session"),
    Column::new("is_shared", Bool, "whether AWS says that both are one call"),
    Column::new("account_id", Text, "the account whose log it was in"),
    Column::new("aws_region", Text, "the region"),
    Column::new("event_source", Text, "the service"),
    Column::new("request_id", Text, "`requestID`"),
    Column::new("target_id", Text, "what was made, changed or reached into"),
    Column::new("principal_id", Text, "a unique id"),
    Column::new("arn", Text, "the ARN that goes with it"),
    Column::new("identity_store_arn", Text, "an identity store"),
    Column::new("user_id", Text, "a user's id in it"),
    Column::new("user_name", Text, "a name of that user"),
    Column::new(
        "kind",
        Text,
        "of credentials that were handed out without a word: why that is not told",
    ),
    Column::new(
        "first_event_time",
        Time,
        "the first event of the account and region",
    ),
    LAST_EVENT_TIME,
    EVENTS,
    READ_EVENTS,
    STS_EVENTS,
    DATA_EVENTS,
    HOURS,
];

/// `daily_coverage`: one row per account, region and UTC day with events; of `daily_facts` those of the question `coverage`.
pub const DAILY_COVERAGE: &[Column] = &[
    Column::new("account_id", Text, "the account that recorded the events"),
    Column::new("aws_region", Text, "the region"),
    Column::new("first_event_time", Time, "the first event"),
    LAST_EVENT_TIME,
    EVENTS,
    READ_EVENTS,
    STS_EVENTS,
    DATA_EVENTS,
    HOURS,
];
