//! What each `eventVersion` added, and what a record from before it implies.
//!
//! Presence decides, not the version: a field that is there is never touched. What was filled in is listed in
//! `filled_fields`, so that nobody takes it for AWS's own word.
//! Source: CloudTrail User Guide, "CloudTrail record contents for management, data, and network activity events",
//! the lines that begin with "Since".

use super::record::Record;

/// A version as two numbers: `1.10` comes after `1.09`, and `1.0` is `1.00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct EventVersion(u32, u32);

impl EventVersion {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

/// Brings `eventType` (and `recipientAccountId`, though not on every record).
const WITH_EVENT_TYPE: EventVersion = EventVersion(1, 2);
/// Brings `sharedEventID`, and so other accounts' copies of a call.
const WITH_SHARED_EVENTS: EventVersion = EventVersion(1, 3);
/// Brings `managementEvent`.
const WITH_MANAGEMENT_EVENT: EventVersion = EventVersion(1, 6);
/// Brings `eventCategory`.
const WITH_EVENT_CATEGORY: EventVersion = EventVersion(1, 7);

/// Fills in what an older record's version implies.
pub(super) fn fill(record: &mut Record<'_>) {
    let Some(version) = record
        .event_version
        .as_deref()
        .and_then(EventVersion::parse)
    else {
        return;
    };
    if version >= WITH_EVENT_CATEGORY {
        return;
    }
    if version < WITH_EVENT_TYPE && record.event_type.is_none() {
        let is_sign_in = record.event_source.as_deref() == Some("signin.amazonaws.com");
        let implied = if is_sign_in {
            "AwsConsoleSignIn"
        } else {
            "AwsApiCall"
        };
        record.event_type = Some(implied.into());
        record.filled_fields.push("eventType");
    }
    // Before other accounts' copies there were only the caller's own records.
    if version < WITH_SHARED_EVENTS
        && record.recipient_account_id.is_none()
        && record.user_identity.account_id.is_some()
    {
        record
            .recipient_account_id
            .clone_from(&record.user_identity.account_id);
        record.filled_fields.push("recipientAccountId");
    }
    let is_data = match record.management_event {
        Some(is_management) => !is_management,
        None => is_early_data_event(record),
    };
    if version < WITH_MANAGEMENT_EVENT && record.management_event.is_none() {
        record.management_event = Some(!is_data);
        record.filled_fields.push("managementEvent");
    }
    if record.event_category.is_none() {
        record.event_category = Some(if is_data { "Data" } else { "Management" }.into());
        record.filled_fields.push("eventCategory");
    }
}

/// Objects in S3 and calls of Lambda functions were the only data events before 1.07.
fn is_early_data_event(record: &Record<'_>) -> bool {
    match record.event_source.as_deref() {
        Some("s3.amazonaws.com") => record
            .resources
            .iter()
            .any(|resource| resource.resource_type.as_deref() == Some("AWS::S3::Object")),
        Some("lambda.amazonaws.com") => record.event_name.as_deref() == Some("Invoke"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Item;
    use super::*;

    fn filled(json: &str) -> (Vec<&'static str>, Option<bool>, Option<String>) {
        let Ok(Item::Object(mut record)) = serde_json::from_str(json) else {
            panic!("{json} is no object");
        };
        assert!(record.finish());
        let category = record.event_category.map(String::from);
        (record.filled_fields, record.management_event, category)
    }

    #[test]
    fn versions_compare_as_numbers() {
        let version = |text| EventVersion::parse(text).unwrap();
        assert_eq!(version("1.0"), version("1.00"));
        assert!(version("1.10") > version("1.09"));
        assert_eq!(EventVersion::parse("one"), None);
    }

    #[test]
    fn an_old_record_gets_what_its_version_implies_and_keeps_what_it_has() {
        let (fields, management, category) = filled(
            r#"{"eventVersion":"1.0","eventTime":"2014-03-06T21:22:54Z","userIdentity":{"accountId":"123456789012"}}"#,
        );
        assert_eq!(
            fields,
            [
                "eventType",
                "recipientAccountId",
                "managementEvent",
                "eventCategory"
            ]
        );
        assert_eq!(
            (management, category.as_deref()),
            (Some(true), Some("Management"))
        );

        let (fields, management, category) = filled(
            r#"{"eventVersion":"1.05","eventTime":"2017-03-06T21:22:54Z","eventSource":"s3.amazonaws.com","resources":[{"type":"AWS::S3::Object"}]}"#,
        );
        assert_eq!(fields, ["managementEvent", "eventCategory"]);
        assert_eq!(
            (management, category.as_deref()),
            (Some(false), Some("Data"))
        );

        let (fields, management, category) = filled(
            r#"{"eventVersion":"1.06","eventTime":"2019-03-06T21:22:54Z","managementEvent":false}"#,
        );
        assert_eq!(fields, ["eventCategory"]);
        assert_eq!(
            (management, category.as_deref()),
            (Some(false), Some("Data"))
        );
    }

    #[test]
    fn newer_records_and_those_without_a_version_stay_as_they_are() {
        for json in [
            r#"{"eventVersion":"1.08","eventTime":"2026-03-06T21:22:54Z"}"#,
            r#"{"eventTime":"2026-03-06T21:22:54Z"}"#,
        ] {
            assert_eq!(filled(json).0, Vec::<&str>::new());
        }
    }
}
