//! Finds the record inside an object that is none itself: an EventBridge event, an answer of
//! `LookupEvents`, a message of CloudWatch Logs, a row of a CloudTrail Lake query.
//!
//! Sources: CloudTrail User Guide, "Viewing recent management events with the AWS CLI"; EventBridge User Guide, "AWS
//! service events delivered via AWS CloudTrail"; CloudWatch Logs User Guide, "Log group-level subscription filters".

use std::borrow::Cow;
use std::io::Read;

use base64::Engine as _;
use flate2::read::MultiGzDecoder;
use serde_json::value::RawValue;

use super::form::Form;
use super::json::{self, JsonObject};
use super::record::Record;
use super::rejected::Reason;

/// What an object holds in place of a record's fields.
#[derive(Debug)]
pub(super) enum Inside<'a> {
    /// Another value, as it stands.
    Value(&'a RawValue),
    /// JSON as text.
    Text(Cow<'a, str>),
    /// Values in a list.
    List(Vec<&'a RawValue>),
    /// Gzipped and base64-coded JSON.
    Packed(Cow<'a, str>),
    /// A test message of AWS.
    Nothing,
}

/// An object that is no record, and what is in it.
#[derive(Debug)]
pub(super) struct Wrapped<'a> {
    pub(super) form: Form,
    pub(super) inside: Inside<'a>,
}

/// Keys that tell an object which wraps a record or several.
const WRAPPER_KEYS: [&str; 9] = [
    "detail",
    "detail-type",
    "CloudTrailEvent",
    "_raw",
    "result",
    "message",
    "@message",
    "eventJson",
    "awslogs",
];

/// Returns true for a key that tells an object around a record.
pub(super) fn is_wrapper_key(key: &str) -> bool {
    WRAPPER_KEYS.contains(&key)
}

/// The keys under which a list of records, or of objects around records, stands, and what it makes of the file.
pub(super) fn list_named(key: &str) -> Option<Form> {
    match key {
        "Records" => Some(Form::Records),
        "Events" => Some(Form::LookupEvents),
        "events" | "results" => Some(Form::CloudWatchEvents),
        "logEvents" => Some(Form::CloudWatchSubscription),
        "QueryResultRows" => Some(Form::CloudTrailLake),
        _ => None,
    }
}

/// The keys of files that hold no records.
///
/// Source: CloudTrail User Guide, "CloudTrail digest file structure" and "Validating saved query results".
pub(super) fn without_records(key: &str) -> Option<Form> {
    match key {
        "digestStartTime" | "digestS3Object" | "digestPublicKeyFingerprint" => Some(Form::Digest),
        "hashSignature" | "queryCompleteTime" => Some(Form::QuerySignature),
        _ => None,
    }
}

/// What is inside an object that was read as a record and has none of a record's own fields.
pub(super) fn inside<'a>(record: &Record<'a>) -> Option<Wrapped<'a>> {
    if record.event_source.is_some() || record.event_name.is_some() {
        return None;
    }
    let field = |name: &str| {
        let mut fields = record.unmapped.iter().filter(|field| field.path.is_empty());
        fields
            .find(|field| field.key == name)
            .map(|field| field.value)
    };
    let text = |name: &str| json::text_of(field(name)?);
    let of = |form, inside| Some(Wrapped { form, inside });
    // Test events written by hand often leave `detail-type` out.
    let is_event = field("detail-type").is_some() || field("source").is_some();
    if let Some(detail) = field("detail").filter(|detail| is_event && detail.get().starts_with('{'))
    {
        return of(Form::EventBridge, Inside::Value(detail));
    }
    if let Some(event) = text("CloudTrailEvent") {
        return of(Form::LookupEvents, Inside::Text(event));
    }
    if let Some(event) = text("eventJson") {
        return of(Form::CloudTrailLake, Inside::Text(event));
    }
    for key in ["_raw", "result"] {
        match field(key) {
            Some(raw) if raw.get().starts_with('{') => return of(Form::Raw, Inside::Value(raw)),
            Some(raw) if key == "_raw" => {
                return of(Form::Raw, Inside::Text(json::text_of(raw)?));
            }
            _ => {}
        }
    }
    for key in [
        "Records",
        "Events",
        "logEvents",
        "events",
        "QueryResultRows",
        "results",
    ] {
        let list = field(key).and_then(|list| serde_json::from_str(list.get()).ok());
        if let (Some(list), Some(form)) = (list, list_named(key)) {
            return of(form, Inside::List(list));
        }
    }
    if let Some(packed) = field("awslogs") {
        let packed: JsonObject<'a> = serde_json::from_str(packed.get()).ok()?;
        let (_, data) = packed.fields.iter().find(|(key, _)| key == "data")?;
        let data = json::text_of(data)?;
        return of(Form::CloudWatchSubscription, Inside::Packed(data));
    }
    let message = text("message").or_else(|| text("@message"))?;
    // CloudWatch Logs tests whether the receiver of a subscription is there.
    if message.starts_with("CWL CONTROL MESSAGE") {
        return of(Form::CloudWatchSubscription, Inside::Nothing);
    }
    of(Form::CloudWatchEvents, Inside::Text(message))
}

/// What is inside one row of an answer that gives rows as lists of cells.
///
/// CloudTrail Lake writes a cell as `{COLUMN: VALUE}`, Logs Insights as `{"field": COLUMN, "value": VALUE}`. A
/// list of other objects is a list of records.
pub(super) fn inside_row<'a>(
    cells: &[&'a RawValue],
) -> Result<Wrapped<'a>, (Reason, &'static str)> {
    let objects: Option<Vec<JsonObject<'a>>> = cells
        .iter()
        .map(|cell| serde_json::from_str(cell.get()).ok())
        .collect();
    let Some(objects) = objects.filter(|objects| !objects.is_empty()) else {
        return Err((Reason::NotAnObject, "a list, not an object"));
    };
    let value_of = |object: &JsonObject<'a>, name: &str| {
        let mut fields = object.fields.iter();
        fields
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| json::text_of(value))
    };
    let is_lake = objects.iter().all(|object| {
        matches!(object.fields.as_slice(), [(_, value)] if !value.get().starts_with(['{', '[']))
    });
    let is_insights = objects.iter().all(|object| {
        object.fields.len() == 2
            && value_of(object, "field").is_some()
            && value_of(object, "value").is_some()
    });
    let (form, text) = if is_lake {
        let mut cells = objects
            .iter()
            .filter_map(|object| value_of(object, "eventJson"));
        let text = cells.next().ok_or(WITHOUT_EVENT_JSON);
        (Form::CloudTrailLake, text)
    } else if is_insights {
        let mut cells = objects
            .iter()
            .filter(|object| value_of(object, "field").as_deref() == Some("@message"));
        let text = cells.next().and_then(|object| value_of(object, "value"));
        (Form::CloudWatchEvents, text.ok_or(WITHOUT_MESSAGE))
    } else {
        return Ok(Wrapped {
            form: Form::RecordList,
            inside: Inside::List(cells.to_vec()),
        });
    };
    match text {
        Ok(text) => Ok(Wrapped {
            form,
            inside: Inside::Text(text),
        }),
        Err(detail) => Err((Reason::RecordsMissing, detail)),
    }
}

/// Said of rows of a Logs Insights query that did not ask for the record itself.
const WITHOUT_MESSAGE: &str =
    "a row of a Logs Insights query without `@message`, which holds the record";

/// Said of rows of a query that did not ask for the record itself.
pub(super) const WITHOUT_EVENT_JSON: &str = "a row of a CloudTrail Lake query without `eventJson`, and the other columns do not make a record; ask with `SELECT eventJson`";

/// Unpacks what CloudWatch Logs hands to a Lambda function, at most `limit` bytes of it.
pub(super) fn unpack(data: &str, limit: usize) -> Result<String, String> {
    let packed = base64::engine::general_purpose::STANDARD
        .decode(data)
        .map_err(|error| format!("`awslogs.data` is no base64: {error}"))?;
    let mut text = String::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut unpacked = MultiGzDecoder::new(packed.as_slice()).take(limit.saturating_add(1));
    unpacked
        .read_to_string(&mut text)
        .map_err(|error| format!("`awslogs.data` is no gzipped text: {error}"))?;
    if text.len() as u64 > limit {
        return Err(format!(
            "`awslogs.data` is longer than {limit} bytes unpacked"
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::record::Item;
    use super::*;

    fn record(json: &str) -> Record<'_> {
        match serde_json::from_str(json).unwrap() {
            Item::Object(record) => record,
            Item::List(_) => panic!("{json} is a list"),
        }
    }

    #[test]
    fn a_record_is_never_taken_for_something_around_one() {
        let text = r#"{"eventSource":"x","detail-type":"y","detail":{"a":1},"message":"{}"}"#;
        assert!(inside(&record(text)).is_none());
        assert!(inside(&record(r#"{"detail":{"a":1}}"#)).is_none());
        assert!(inside(&record(r#"{"_raw":7}"#)).is_none());
    }

    #[test]
    fn rows_of_queries_give_the_cell_that_holds_the_record() {
        let row = |json: &'static str| {
            let cells: Vec<&RawValue> = serde_json::from_str(json).unwrap();
            inside_row(&cells).map(|row| (row.form, format!("{:?}", row.inside)))
        };
        assert_eq!(
            row(r#"[{"eventID":"1"},{"eventJson":"{}"}]"#),
            Ok((Form::CloudTrailLake, "Text(\"{}\")".to_owned()))
        );
        assert_eq!(
            row(r#"[{"eventID":"1"}]"#),
            Err((Reason::RecordsMissing, WITHOUT_EVENT_JSON))
        );
        assert_eq!(
            row(r#"[{"field":"@message","value":"x"},{"field":"@ptr","value":"y"}]"#),
            Ok((Form::CloudWatchEvents, "Text(\"x\")".to_owned()))
        );
        assert_eq!(
            row(r#"[{"eventID":"1","eventName":"y"}]"#).map(|row| row.0),
            Ok(Form::RecordList)
        );
    }

    #[test]
    fn what_is_packed_has_a_limit() {
        use std::io::Write as _;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&[b' '; 1000]).unwrap();
        let data = base64::engine::general_purpose::STANDARD.encode(gzip.finish().unwrap());
        assert_eq!(unpack(&data, 1000).unwrap().len(), 1000);
        assert!(unpack(&data, 999).unwrap_err().contains("longer than"));
        assert!(unpack("!", 999).unwrap_err().contains("base64"));
    }
}
