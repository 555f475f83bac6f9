//! Whatever a record is wrapped in, the event is the same, and `log_files.kind` says what the file was.

use serde_json::{Value, json};

use super::support::records::{ACCOUNT, call, records_file, user};
use super::support::{TempLake, gzip};

fn records() -> Vec<Value> {
    (0..3)
        .map(|n| {
            let id = format!("event-{n}");
            let time = format!("2026-03-02T09:00:0{n}Z");
            let mut record = call(&id, user("alice"), &time, "s3", "ListBuckets");
            record["requestParameters"] = json!({ "a": "b \"quoted\" \\ é\n", "n": [1, 2] });
            record
        })
        .collect()
}

struct Found {
    events: Vec<Value>,
    kind: Value,
    reasons: Vec<String>,
}

/// Ingests one file and checks its books.
fn read(name: &str, bytes: &[u8]) -> Found {
    let lake = TempLake::new();
    lake.put(name, bytes);
    let books = lake.ingest();
    assert!(books.balance(), "{books:?}");
    lake.assert_books_balance();
    let mut events = lake.sql("SELECT * FROM events ORDER BY event_id");
    for event in &mut events {
        let event = event.as_object_mut().unwrap();
        event.remove("log_record_index");
        event.remove("log_file_key");
    }
    let reasons = lake
        .sql("SELECT reason FROM rejected ORDER BY log_record_index")
        .iter()
        .map(|row| row["reason"].as_str().unwrap().to_owned())
        .collect();
    Found {
        events,
        kind: lake.value("SELECT kind FROM log_files"),
        reasons,
    }
}

fn event_bridge(record: &Value) -> Value {
    json!({
        "version": "0", "id": "0d079340-135a-c8c6-95c2-41fb8f496c53", "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.s3", "account": ACCOUNT, "time": "2026-03-02T09:00:00Z", "region": "us-east-1", "resources": [],
        "detail": record,
    })
}

fn looked_up(record: &Value) -> Value {
    json!({
        "EventId": record["eventID"], "EventName": "ListBuckets", "ReadOnly": "true", "EventTime": 1_772_442_000,
        "EventSource": "s3.amazonaws.com", "Username": "alice", "Resources": [{ "ResourceType": "x", "ResourceName": "y" }],
        "CloudTrailEvent": record.to_string(),
    })
}

fn log_event(record: &Value) -> Value {
    json!({ "id": "37", "timestamp": 1_772_442_000_000_u64, "message": record.to_string() })
}

fn subscription(records: &[Value]) -> Value {
    json!({
        "messageType": "DATA_MESSAGE", "owner": ACCOUNT, "logGroup": "trail", "logStream": "111122223333_CloudTrail_us-east-1",
        "subscriptionFilters": ["all"], "logEvents": records.iter().map(log_event).collect::<Vec<_>>(),
    })
}

fn json_lines(values: impl IntoIterator<Item = Value>) -> Vec<u8> {
    values
        .into_iter()
        .map(|value| format!("{value}\n"))
        .collect::<String>()
        .into_bytes()
}

fn csv(header: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let line = |cells: Vec<String>| cells.join(",") + "\n";
    let mut out = line(header.iter().map(|name| quoted(name)).collect());
    for row in rows {
        out += &line(row.iter().map(|cell| quoted(cell)).collect());
    }
    out.into_bytes()
}

#[test]
fn every_envelope_gives_the_same_events_and_is_named() {
    use base64::Engine as _;
    let records = records();
    let wanted = read("plain.json", &records_file(&records)).events;
    assert_eq!(wanted.len(), 3);
    let each = |wrap: fn(&Value) -> Value| records.iter().map(wrap).collect::<Vec<_>>();
    let bytes = |value: Value| value.to_string().into_bytes();
    let pretty = |value: Value| serde_json::to_vec_pretty(&value).unwrap();
    let export: String = records
        .iter()
        .map(|record| format!("2026-03-02T09:00:00.123Z {record}\n"))
        .collect();
    let cells = |record: &Value| vec![record["eventID"].to_string(), record.to_string()];
    let lake_rows: Vec<Value> = records
        .iter()
        .map(
            |record| json!([{ "eventID": record["eventID"] }, { "eventJson": record.to_string() }]),
        )
        .collect();
    let insights_rows: Vec<Value> = records
        .iter()
        .map(|record| json!([{ "field": "@ptr", "value": "x" }, { "field": "@message", "value": record.to_string() }]))
        .collect();
    let packed = base64::engine::general_purpose::STANDARD
        .encode(gzip(subscription(&records).to_string().as_bytes()));
    let control = json!({ "messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "",
        "subscriptionFilters": [], "logEvents": [{ "id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE: Checking health of destination Firehose." }] });

    let forms: Vec<(&str, Vec<u8>)> = vec![
        ("record_list", bytes(json!(records))),
        ("record_list", bytes(json!([records[..1], records[1..]]))),
        ("record_list", bytes(json!([{ "Records": records }]))),
        (
            "record_lines",
            records
                .iter()
                .map(ToString::to_string)
                .collect::<String>()
                .into_bytes(),
        ),
        (
            "records",
            json_lines(records.iter().map(|record| json!({ "Records": [record] }))),
        ),
        (
            "raw",
            bytes(json!(each(|record| json!({ "_raw": record.to_string() })))),
        ),
        (
            "raw",
            json_lines(each(|record| json!({ "_raw": record, "host": "h" }))),
        ),
        (
            "raw",
            json_lines(each(
                |record| json!({ "preview": false, "result": { "_raw": record.to_string() } }),
            )),
        ),
        ("eventbridge", json_lines(each(event_bridge))),
        (
            "eventbridge",
            each(event_bridge)
                .iter()
                .map(ToString::to_string)
                .collect::<String>()
                .into_bytes(),
        ),
        ("eventbridge", pretty(json!(each(event_bridge)))),
        (
            "lookup_events",
            pretty(json!({ "Events": each(looked_up), "NextToken": "x" })),
        ),
        (
            "lookup_events",
            bytes(json!({ "NextToken": "x", "Events": each(looked_up) })),
        ),
        ("lookup_events", json_lines(each(looked_up))),
        ("lookup_events", bytes(json!(each(looked_up)))),
        ("cloudwatch_subscription", bytes(subscription(&records))),
        (
            "cloudwatch_subscription",
            gzip(subscription(&records).to_string().as_bytes()),
        ),
        (
            "cloudwatch_subscription",
            // Firehose puts gzipped messages one after the other.
            [
                &[control.clone()][..],
                &[subscription(&records[..1])],
                &[subscription(&records[1..])],
            ]
            .concat()
            .iter()
            .flat_map(|message| gzip(message.to_string().as_bytes()))
            .collect(),
        ),
        (
            "cloudwatch_subscription",
            json_lines([control, subscription(&records)]),
        ),
        (
            "cloudwatch_subscription",
            bytes(json!([subscription(&records)])),
        ),
        (
            "cloudwatch_subscription",
            bytes(json!({ "awslogs": { "data": packed } })),
        ),
        (
            "cloudwatch_events",
            bytes(json!({ "events": each(log_event), "searchedLogStreams": [] })),
        ),
        (
            "cloudwatch_events",
            bytes(json!({ "results": insights_rows, "status": "Complete" })),
        ),
        ("cloudwatch_events", json_lines(each(log_event))),
        ("cloudwatch_export", export.clone().into_bytes()),
        ("cloudwatch_export", gzip(export.as_bytes())),
        (
            "cloudtrail_lake",
            bytes(json!({ "QueryStatus": "FINISHED", "QueryResultRows": lake_rows })),
        ),
        (
            "cloudtrail_lake",
            csv(
                &["eventID", "eventJson"],
                &records.iter().map(cells).collect::<Vec<_>>(),
            ),
        ),
        (
            "cloudtrail_lake",
            gzip(&csv(
                &["eventjson"],
                &records
                    .iter()
                    .map(|record| vec![record.to_string()])
                    .collect::<Vec<_>>(),
            )),
        ),
    ];
    for (kind, bytes) in forms {
        let found = read("file.json", &bytes);
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned();
        assert_eq!(found.reasons, Vec::<String>::new(), "{kind}: {head}");
        assert_eq!(found.events, wanted, "{kind}: {head}");
        assert_eq!(found.kind, kind, "{head}");
    }
}

#[test]
fn the_same_event_from_two_envelopes_is_one_event() {
    let records = records();
    let lake = TempLake::new();
    lake.put("bucket.json", &records_file(&records));
    lake.put("bridge.json", &json_lines(records.iter().map(event_bridge)));
    lake.put("lookup.json", &json_lines(records.iter().map(looked_up)));
    let books = lake.ingest();
    assert_eq!((books.records, books.events, books.duplicates), (9, 3, 6));
}

#[test]
fn what_is_no_record_is_rejected_with_its_own_text_and_the_others_are_kept() {
    let good = records().remove(0);
    let lines = json_lines([
        json!({ "EventId": "1", "CloudTrailEvent": "{\"eventTime\":\"2026-03" }),
        looked_up(&good),
        json!({ "EventId": "2", "CloudTrailEvent": "{\"eventName\":\"x\",\"sessionToken\":\"very-secret\"}" }),
    ]);
    let found = read("a.jsonl", &lines);
    assert_eq!(found.events.len(), 1);
    assert_eq!(found.reasons, ["broken_json", "missing_event_time"]);
    assert_eq!(found.kind, "lookup_events");

    let mut other = event_bridge(&good);
    other["detail-type"] = json!("EC2 Instance State-change Notification");
    other["detail"] = json!({ "instance-id": "i-0a1b2c3d4e5f60718", "state": "stopped" });
    let found = read("a.jsonl", &json_lines([other, event_bridge(&good)]));
    assert_eq!(
        (found.events.len(), found.reasons),
        (1, vec!["missing_event_time".to_owned()])
    );

    let mixed = [
        subscription(std::slice::from_ref(&good)),
        json!({ "messageType": "DATA_MESSAGE", "logEvents": [{ "message": "START RequestId: 1" }] }),
    ];
    let found = read("a.jsonl", &json_lines(mixed));
    assert_eq!(
        (found.events.len(), found.reasons),
        (1, vec!["not_an_object".to_owned()])
    );

    let export = format!(
        "2026-03-02T09:00:00.123Z START RequestId\n2026-03-02T09:00:01Z {good}\n2026-03-02T09:00:02Z {{\"eventTime\":\n"
    );
    let found = read("a.log.gz", &gzip(export.as_bytes()));
    assert_eq!(found.events.len(), 1);
    assert_eq!(found.reasons, ["broken_json", "broken_json"]);
    assert_eq!(found.kind, "cloudwatch_export");
}

#[test]
fn a_query_without_the_record_is_told_what_to_ask() {
    let rows = [
        vec!["1".to_owned(), "GetUser".to_owned()],
        vec!["2".to_owned(), "GetRole".to_owned()],
    ];
    let lake = TempLake::new();
    lake.put("a.csv.gz", &gzip(&csv(&["eventID", "eventName"], &rows)));
    lake.put(
        "b.json",
        json!({ "QueryResultRows": [[{ "eventID": "1" }]] })
            .to_string()
            .as_bytes(),
    );
    let books = lake.ingest();
    assert_eq!(
        (books.records, books.rejected, books.files_rejected),
        (3, 3, 0)
    );
    let details = lake.sql("SELECT DISTINCT detail FROM rejected");
    assert_eq!(details.len(), 1);
    assert!(
        details[0]["detail"]
            .as_str()
            .unwrap()
            .contains("SELECT eventJson")
    );
    lake.assert_books_balance();
}

#[test]
fn a_damaged_query_result_keeps_its_whole_rows() {
    let records = records();
    let rows: Vec<Vec<String>> = (0..400)
        .map(|n| {
            let mut record = records[0].clone();
            record["eventID"] = json!(format!("event-{n}"));
            vec![record.to_string()]
        })
        .collect();
    let whole = gzip(&csv(&["eventJson"], &rows));
    let found = read("a.csv.gz", &whole[..whole.len() / 2]);
    assert!(
        found.events.len() > 20 && found.events.len() < 400,
        "{}",
        found.events.len()
    );
    assert_eq!(found.reasons, ["truncated_gzip"]);
}

fn insight(id: &str) -> Value {
    json!({ "eventVersion": "1.08", "eventTime": "2026-03-02T09:00:00Z", "awsRegion": "us-east-1", "eventID": id,
        "eventType": "AwsCloudTrailInsight", "recipientAccountId": ACCOUNT, "sharedEventID": "s", "eventCategory": "Insight",
        "insightDetails": { "state": "Start", "eventSource": "iam.amazonaws.com", "eventName": "GetUser", "insightType": "ApiCallRateInsight" } })
}

fn aggregated() -> Value {
    json!({ "eventVersion": "1.0", "accountId": ACCOUNT, "eventId": "a", "eventCategory": "Aggregated", "eventType": "AwsAggregatedEvent",
        "awsRegion": "us-east-1", "eventSource": "s3.amazonaws.com", "timeWindow": { "windowStart": "2026-03-02T09:00:00Z" }, "summary": {} })
}

#[test]
fn files_without_calls_are_known_by_what_is_in_them() {
    let digest = json!({ "awsAccountId": ACCOUNT, "digestStartTime": "2026-03-02T08:00:00Z", "digestEndTime": "2026-03-02T09:00:00Z",
        "digestS3Bucket": "b", "logFiles": [{ "s3Object": "x", "hashValue": "y" }] });
    let signature = json!({ "version": "1.0", "region": "us-east-1", "files": [{ "fileName": "result_1.csv.gz" }], "queryCompleteTime": "x",
        "hashSignature": "y", "publicKeyFingerprint": "z" });
    for (kind, bytes) in [
        ("digest", digest.to_string().into_bytes()),
        ("query_signature", signature.to_string().into_bytes()),
        ("insight", records_file(&[insight("a"), insight("b")])),
        (
            "insight",
            event_bridge(&insight("a")).to_string().into_bytes(),
        ),
        (
            "aggregated",
            json!([aggregated(), aggregated()]).to_string().into_bytes(),
        ),
        ("aggregated", records_file(&[aggregated()])),
    ] {
        let found = read("renamed.json", &bytes);
        assert_eq!(found.kind, kind);
        assert_eq!((found.events.len(), found.reasons.len()), (0, 0), "{kind}");
    }
}

#[test]
fn an_insight_among_calls_is_an_event_and_an_aggregate_is_not() {
    let call = records().remove(0);
    for order in [
        [insight("i"), aggregated(), call.clone()],
        [call.clone(), aggregated(), insight("i")],
    ] {
        let found = read("a.json", &records_file(&order));
        let categories: Vec<_> = found
            .events
            .iter()
            .map(|event| event["event_category"].clone())
            .collect();
        assert_eq!(categories, ["Management", "Insight"]);
        assert_eq!(found.reasons, ["missing_event_time"]);
        assert_eq!(found.kind, "records");
    }
    let bridged = [event_bridge(&insight("i")), event_bridge(&call)];
    let found = read("a.jsonl", &json_lines(bridged));
    assert_eq!((found.events.len(), found.kind), (2, json!("eventbridge")));
}

#[test]
fn network_activity_is_named_and_kept() {
    let mut denial = records().remove(0);
    denial["eventCategory"] = json!("NetworkActivity");
    denial["eventType"] = json!("AwsVpceEvent");
    denial["errorCode"] = json!("VpceAccessDenied");
    let found = read("a.json", &records_file(&[denial.clone()]));
    assert_eq!(
        (found.kind, found.events.len()),
        (json!("network_activity"), 1)
    );
    let found = read("a.json", &records_file(&[denial, records().remove(1)]));
    assert_eq!((found.kind, found.events.len()), (json!("records"), 2));
}

#[test]
fn records_wrapped_without_end_are_refused_and_not_followed() {
    let mut record = records().remove(0);
    for _ in 0..40 {
        record = json!({ "detail-type": "x", "detail": record });
    }
    let found = read("a.json", record.to_string().as_bytes());
    assert_eq!(
        (found.events.len(), found.reasons),
        (0, vec!["missing_event_time".to_owned()])
    );
}

#[test]
fn no_key_hides_a_record_that_stands_behind_it() {
    let records = records();
    let (a, b, c) = (&records[0], &records[1], &records[2]);
    let in_text = |key: &str| json!({ key: a.to_string() }).to_string();
    let twice = |one: String, two: String| format!("{},{}", &one[..one.len() - 1], &two[1..]);
    for text in [
        format!(r#"{{"Records":[{a}],"Records":[{b}],"x":[1],"Records":[{c}]}}"#),
        format!(
            r#"{{"Records":[{a}],"Events":[{}],"logEvents":[{}]}}"#,
            looked_up(b),
            log_event(c)
        ),
        format!(
            r#"{{"digestStartTime":"x","Records":[{a},{b}],"hashSignature":1,"Records":[{c}]}}"#
        ),
        format!(r#"[{{"Records":[{a}],"Events":[{}]}},{c}]"#, looked_up(b)),
        format!("{a}\n{{\"hashSignature\":1,\"Records\":[{b},{c}]}}"),
    ] {
        let found = read("a.json", text.as_bytes());
        assert_eq!((found.events.len(), found.reasons.len()), (3, 0), "{text}");
    }
    let events = twice(in_text("CloudTrailEvent"), in_text("CloudTrailEvent"));
    let mixed = twice(in_text("_raw"), in_text("message"));
    let row = format!("[[{},{}]]", in_text("eventJson"), in_text("eventJson"));
    for text in [events, mixed, row] {
        let found = read("a.json", text.as_bytes());
        assert_eq!(
            (found.events.len(), found.reasons),
            (0, vec!["duplicate_key".to_owned()]),
            "{text}"
        );
    }
    let list = format!("[[{},{}]]", looked_up(a), looked_up(b));
    assert_eq!(read("a.json", list.as_bytes()).events.len(), 2);
}

#[test]
fn a_file_of_insights_that_is_cut_off_gives_no_rows() {
    let whole = records_file(&[insight("a"), insight("b"), insight("c")]);
    let found = read("a.json", &whole[..whole.len() - 40]);
    assert_eq!(
        (found.events.len(), found.reasons),
        (0, vec!["truncated_json".to_owned()])
    );
    assert_eq!(found.kind, "insight");
}

#[test]
fn secrets_of_what_cannot_be_taken_are_masked_in_every_envelope() {
    use base64::Engine as _;
    const SECRET: &str = "FwoGSECRETTOKEN";
    let mut record = records().remove(0);
    record.as_object_mut().unwrap().remove("eventTime");
    record["responseElements"] = json!({ "credentials": { "sessionToken": SECRET } });
    let packed = base64::engine::general_purpose::STANDARD
        .encode(gzip(subscription(&[record.clone()]).to_string().as_bytes()));
    let broken = &packed[..packed.len() - 8];
    let pairs = vec![
        "1".to_owned(),
        format!("{{credentials={{sessionToken={SECRET}, expiration=x}}, password={SECRET}}}"),
    ];
    for bytes in [
        json_lines([looked_up(&record)]),
        json_lines([event_bridge(&record)]),
        subscription(&[record.clone()]).to_string().into_bytes(),
        csv(&["eventJson"], &[vec![record.to_string()]]),
        csv(
            &["@timestamp", "@message"],
            &[vec!["x".to_owned(), record.to_string()]],
        ),
        csv(&["eventID", "responseElements"], &[pairs]),
        json!({ "awslogs": { "data": broken } })
            .to_string()
            .into_bytes(),
        format!(r#"{{"awslogs":{{"data":"{packed}"#).into_bytes(),
        json!({ "a": { "awslogs": { "data": packed } } })
            .to_string()
            .into_bytes(),
    ] {
        let lake = TempLake::new();
        lake.put("a.json", &bytes);
        let books = lake.ingest();
        assert!(!books.is_clean(), "{}", String::from_utf8_lossy(&bytes));
        for row in lake.sql("SELECT raw FROM rejected") {
            let raw = row["raw"].as_str().unwrap();
            assert!(
                !raw.contains(SECRET) && !raw.contains(&packed[40..60]),
                "{raw}"
            );
        }
    }
}

#[test]
fn what_is_packed_within_what_is_packed_is_refused() {
    use base64::Engine as _;
    let pack = |text: String| {
        let data = base64::engine::general_purpose::STANDARD.encode(gzip(text.as_bytes()));
        json!({ "awslogs": { "data": data } }).to_string()
    };
    let once = pack(subscription(&records()).to_string());
    assert_eq!(read("a.json", once.as_bytes()).events.len(), 3);
    let found = read("a.json", pack(format!("[{once},{once}]")).as_bytes());
    assert_eq!((found.events.len(), found.reasons.len()), (0, 2));
}

#[test]
fn text_that_is_no_log_file_is_told_by_what_it_is() {
    for (bytes, word) in [
        (&b"PK\x03\x04rest"[..], "zip"),
        (b"\x28\xb5\x2f\xfdrest", "zstd"),
        (b"\xff\xfe{\0\"\0", "UTF-16"),
        (
            b"User name,Event time,Event source,Event name,Event ID\nalice,,,,\n",
            "JSON",
        ),
        (b"@timestamp,@message\nx,y\n", "Insights"),
    ] {
        let lake = TempLake::new();
        lake.put("a.json", bytes);
        lake.ingest();
        let detail = lake.value("SELECT detail FROM rejected");
        assert!(detail.as_str().unwrap().contains(word), "{detail}");
    }
}
