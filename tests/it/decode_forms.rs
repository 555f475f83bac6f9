//! Gzip and plain, wrapped and bare, one line or many: the same events.

use super::support::records::{call, lines, records_file, user};
use super::support::{TempLake, gzip};
use serde_json::Value;

fn records() -> Vec<Value> {
    (0..3)
        .map(|n| {
            let id = format!("event-{n}");
            let mut record = call(
                &id,
                user("alice"),
                "2026-03-02T09:00:00Z",
                "s3",
                "ListBuckets",
            );
            record["requestParameters"] = serde_json::json!({ "a b": [1, { "c": "d e\n" }] });
            record
        })
        .collect()
}

/// The events of a file without their provenance, and the form that was found.
fn events_and_kind(bytes: &[u8]) -> (Vec<Value>, Value) {
    let lake = TempLake::new();
    lake.put("file.json", bytes);
    let books = lake.ingest();
    assert!(books.is_clean(), "{books:?}");
    lake.assert_books_balance();
    let mut rows = lake.sql("SELECT * FROM events ORDER BY event_id");
    for row in &mut rows {
        row.as_object_mut().unwrap().remove("log_record_index");
    }
    (rows, lake.value("SELECT kind FROM log_files"))
}

#[test]
fn every_form_gives_the_same_events() {
    let records = records();
    let usual = records_file(&records);
    let (wanted, kind) = events_and_kind(&usual);
    assert_eq!(wanted.len(), 3);
    assert_eq!(kind, "records");

    let pretty = serde_json::to_vec_pretty(&serde_json::json!({ "Records": records })).unwrap();
    let members: Vec<u8> = records
        .iter()
        .flat_map(|record| gzip(&records_file(std::slice::from_ref(record))))
        .collect();
    let split_text: Vec<u8> = usual.chunks(100).flat_map(gzip).collect();
    let bom: Vec<u8> = [b"\xef\xbb\xbf", usual.as_slice()].concat();
    let others_first = format!(
        r#"{{"about":{{"Records":1}},"n":[1,"]"],"Records":{},"x":"y"}}"#,
        serde_json::to_string(&records).unwrap()
    );
    for (bytes, kind) in [
        (gzip(&usual), "records"),
        (members, "records"),
        (split_text, "records"),
        (bom, "records"),
        (pretty, "records"),
        (others_first.into_bytes(), "records"),
        (lines(&records), "record_lines"),
        (gzip(&lines(&records)), "record_lines"),
        (
            lines(&records).strip_suffix(b"\n").unwrap().to_vec(),
            "record_lines",
        ),
        (
            String::from_utf8(lines(&records))
                .unwrap()
                .replace('\n', "\r\n")
                .into_bytes(),
            "record_lines",
        ),
        (serde_json::to_vec(&records).unwrap(), "record_list"),
    ] {
        let (events, found) = events_and_kind(&bytes);
        assert_eq!(found, kind);
        assert_eq!(events, wanted, "{kind}");
    }
}

#[test]
fn a_bare_record_is_one_event_however_it_is_laid_out() {
    let record = &records()[0];
    for text in [
        record.to_string(),
        serde_json::to_string_pretty(record).unwrap(),
    ] {
        let (events, kind) = events_and_kind(text.as_bytes());
        assert_eq!(events.len(), 1);
        assert_eq!(kind, "record");
        assert_eq!(
            events[0]["request_parameters"],
            r#"{"a b":[1,{"c":"d e\n"}]}"#
        );
    }
}

#[test]
fn a_record_without_an_id_gets_the_hash_of_its_text() {
    let mut record = records().remove(0);
    record.as_object_mut().unwrap().remove("eventID");
    let text = record.to_string();
    let (events, _) = events_and_kind(text.as_bytes());
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(text.as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(events[0]["event_id"], format!("sha256:{hash}"));
}

#[test]
fn digests_insights_and_aggregates_are_noted_and_give_no_rows() {
    let lake = TempLake::new();
    for folder in [
        "CloudTrail-Digest",
        "CloudTrail-Insight",
        "CloudTrail-Aggregated",
    ] {
        let name = format!("AWSLogs/111122223333/{folder}/us-east-1/2026/03/02/file.json");
        lake.put(&name, &records_file(&records()));
    }
    let books = lake.ingest();
    assert_eq!((books.files_read, books.records), (3, 0));
    let kinds = lake.sql("SELECT kind FROM log_files ORDER BY kind");
    let kinds: Vec<_> = kinds
        .iter()
        .map(|row| row["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["aggregated", "digest", "insight"]);
}
