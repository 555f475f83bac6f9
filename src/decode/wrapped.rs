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

/// Why an object or a row cannot be opened.
type Refusal = (Reason, &'static str);

/// What is inside an object that was read as a record and has none of a record's own fields.
///
/// Two things inside, where one is meant, are a refusal: taking one would lose the other.
pub(super) fn inside<'a>(record: &Record<'a>) -> Result<Option<Wrapped<'a>>, Refusal> {
    if record.event_source.is_some() || record.event_name.is_some() {
        return Ok(None);
    }
    let fields = || record.unmapped.iter().filter(|field| field.path.is_empty());
    // Test events written by hand often leave `detail-type` out.
    let is_event = fields().any(|field| matches!(&*field.key, "detail-type" | "source"));
    let mut found: Option<Wrapped<'a>> = None;
    for field in fields() {
        let Some(wrapped) = inside_field(&field.key, field.value, is_event) else {
            continue;
        };
        found = match (found, wrapped) {
            (None, wrapped) => Some(wrapped),
            (
                Some(Wrapped {
                    form,
                    inside: Inside::List(mut list),
                }),
                Wrapped {
                    inside: Inside::List(more),
                    ..
                },
            ) => {
                list.extend(more);
                Some(Wrapped {
                    form,
                    inside: Inside::List(list),
                })
            }
            (Some(_), _) => return Err((Reason::DuplicateKey, TWO_INSIDE)),
        };
    }
    Ok(found)
}

const TWO_INSIDE: &str = "two values in one object, or two cells in one row, may hold the record";

/// What one field of an object around a record holds, if it is one that holds records.
fn inside_field<'a>(key: &str, value: &'a RawValue, is_event: bool) -> Option<Wrapped<'a>> {
    let of = |form, inside| Some(Wrapped { form, inside });
    let is_object = value.get().starts_with('{');
    let text = || json::text_of(value);
    match key {
        "detail" if is_event && is_object => of(Form::EventBridge, Inside::Value(value)),
        "CloudTrailEvent" => of(Form::LookupEvents, Inside::Text(text()?)),
        "eventJson" => of(Form::CloudTrailLake, Inside::Text(text()?)),
        "_raw" | "result" if is_object => of(Form::Raw, Inside::Value(value)),
        "_raw" => of(Form::Raw, Inside::Text(text()?)),
        "awslogs" => {
            let packed: JsonObject<'a> = serde_json::from_str(value.get()).ok()?;
            let (_, data) = packed.fields.iter().find(|(key, _)| key == "data")?;
            of(
                Form::CloudWatchSubscription,
                Inside::Packed(json::text_of(data)?),
            )
        }
        "message" | "@message" => {
            let message = text()?;
            // CloudWatch Logs tests whether the receiver of a subscription is there.
            if message.starts_with("CWL CONTROL MESSAGE") {
                return of(Form::CloudWatchSubscription, Inside::Nothing);
            }
            of(Form::CloudWatchEvents, Inside::Text(message))
        }
        key => {
            let form = list_named(key)?;
            of(form, Inside::List(serde_json::from_str(value.get()).ok()?))
        }
    }
}

/// Most cells that a row of a query may have; a longer list is one of records.
const MOST_CELLS: usize = 1000;

/// What is inside one row of an answer that gives rows as lists of cells.
///
/// CloudTrail Lake writes a cell as `{COLUMN: VALUE}`, Logs Insights as `{"field": COLUMN, "value": VALUE}`. A
/// list of other objects is a list of records.
pub(super) fn inside_row<'a>(cells: &[&'a RawValue]) -> Result<Wrapped<'a>, Refusal> {
    if cells.is_empty() || !cells.iter().all(|cell| cell.get().starts_with('{')) {
        return Err((Reason::NotAnObject, "a list, not an object"));
    }
    let is_short = cells.len() <= MOST_CELLS;
    let (form, wanted) = match first_cell(cells) {
        Some(Cell::Lake) if is_short => (Form::CloudTrailLake, WITHOUT_EVENT_JSON),
        Some(Cell::Insights) if is_short => (Form::CloudWatchEvents, WITHOUT_MESSAGE),
        _ => {
            return Ok(Wrapped {
                form: Form::RecordList,
                inside: Inside::List(cells.to_vec()),
            });
        }
    };
    let mut found = cells.iter().filter_map(|cell| {
        let object: JsonObject<'a> = serde_json::from_str(cell.get()).ok()?;
        match form {
            Form::CloudTrailLake => value_of(&object, "eventJson"),
            _ if value_of(&object, "field")? == "@message" => value_of(&object, "value"),
            _ => None,
        }
    });
    match (found.next(), found.next()) {
        (None, _) => Err((Reason::RecordsMissing, wanted)),
        (Some(text), None) => Ok(Wrapped {
            form,
            inside: Inside::Text(text),
        }),
        (Some(_), Some(_)) => Err((Reason::DuplicateKey, TWO_INSIDE)),
    }
}

/// How a query's answer writes a cell.
enum Cell {
    Lake,
    Insights,
}

fn first_cell(cells: &[&RawValue]) -> Option<Cell> {
    let object: JsonObject<'_> = serde_json::from_str(cells.first()?.get()).ok()?;
    match object.fields.as_slice() {
        [(key, value)] => {
            let is_column = key == "eventJson" || !is_wrapper_key(key);
            (is_column && !value.get().starts_with(['{', '['])).then_some(Cell::Lake)
        }
        [_, _] => {
            value_of(&object, "field")?;
            value_of(&object, "value").map(|_| Cell::Insights)
        }
        _ => None,
    }
}

fn value_of<'a>(object: &JsonObject<'a>, name: &str) -> Option<Cow<'a, str>> {
    let mut fields = object.fields.iter();
    let (_, value) = fields.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    json::text_of(value)
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
            Item::Object(record) => *record,
            Item::List(_) => panic!("{json} is a list"),
        }
    }

    #[test]
    fn a_record_is_never_taken_for_something_around_one() {
        let text = r#"{"eventSource":"x","detail-type":"y","detail":{"a":1},"message":"{}"}"#;
        assert!(inside(&record(text)).unwrap().is_none());
        assert!(inside(&record(r#"{"detail":{"a":1}}"#)).unwrap().is_none());
        assert!(inside(&record(r#"{"_raw":7}"#)).unwrap().is_none());
    }

    #[test]
    fn two_records_in_one_object_are_refused_and_two_lists_are_one() {
        let twice = r#"{"CloudTrailEvent":"{}","CloudTrailEvent":"{}"}"#;
        assert!(inside(&record(twice)).is_err());
        assert!(inside(&record(r#"{"_raw":"{}","message":"{}"}"#)).is_err());
        let lists = r#"{"Records":[{}],"Events":[{},{}]}"#;
        let Ok(Some(Wrapped {
            inside: Inside::List(list),
            ..
        })) = inside(&record(lists))
        else {
            panic!("no list");
        };
        assert_eq!(list.len(), 3);
        let cells: Vec<&RawValue> =
            serde_json::from_str(r#"[{"eventJson":"{}"},{"eventJson":"{}"}]"#).unwrap();
        assert!(inside_row(&cells).is_err());
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
