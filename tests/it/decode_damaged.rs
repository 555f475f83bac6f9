//! Bad input is data: counted, kept, explained; what is good around it is kept too.

use super::support::records::{call, records_file, user};
use super::support::{TempLake, gzip};
use rolecall::decode::{DecodeOptions, Record, RecordSink, Rejected, decode_log_file};
use serde_json::Value;

fn good(id: &str) -> Value {
    call(
        id,
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    )
}

/// Ingests one file, checks the books, and returns the ids that were kept and the reasons of the rest.
fn kept_and_rejected(name: &str, bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let lake = TempLake::new();
    lake.put(name, bytes);
    let books = lake.ingest();
    assert!(books.balance(), "{books:?}");
    lake.assert_books_balance();
    let kept = lake.column("SELECT event_id FROM events ORDER BY log_record_index");
    let reasons = lake.column("SELECT reason FROM rejected ORDER BY log_record_index, reason");
    assert_eq!(books.is_clean(), reasons.is_empty());
    (kept, reasons)
}

/// A disk that fails after some bytes.
struct BadDisk<'a>(&'a [u8]);

impl std::io::Read for BadDisk<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            const EIO: i32 = 5;
            return Err(std::io::Error::from_raw_os_error(EIO));
        }
        self.0.read(buffer)
    }
}

#[test]
fn a_disk_that_fails_within_a_gzip_file_is_no_damage_of_the_file() {
    struct Reasons(Vec<&'static str>);
    impl RecordSink for Reasons {
        fn record(&mut self, _: u64, _: &Record<'_>) {}
        fn rejected(&mut self, rejected: Rejected) {
            self.0.push(rejected.reason.code());
        }
    }
    let records: Vec<Value> = (0..200).map(|n| good(&format!("event-{n}"))).collect();
    let whole = gzip(&records_file(&records));
    let mut reasons = Reasons(Vec::new());
    let disk = BadDisk(&whole[..whole.len() / 2]);
    decode_log_file(disk, DecodeOptions::default(), &mut reasons);
    assert_eq!(reasons.0, ["unreadable"]);
}

#[test]
fn a_truncated_gzip_keeps_its_good_records() {
    let records: Vec<Value> = (0..200).map(|n| good(&format!("event-{n}"))).collect();
    let whole = gzip(&records_file(&records));
    let (kept, reasons) = kept_and_rejected("a.json.gz", &whole[..whole.len() * 2 / 3]);
    assert!(kept.len() > 50 && kept.len() < 200, "{}", kept.len());
    assert_eq!(kept[0], "event-0");
    assert_eq!(reasons, ["truncated_gzip"]);
}

#[test]
fn a_gzip_with_a_flipped_bit_tells_so() {
    let mut bytes = gzip(&records_file(&[good("a"), good("b")]));
    let at = bytes.len() - 6;
    bytes[at] ^= 0xff;
    let (kept, reasons) = kept_and_rejected("a.json.gz", &bytes);
    assert_eq!(kept, ["a", "b"]);
    assert_eq!(reasons, ["corrupt_gzip"]);
}

#[test]
fn files_that_are_nothing_are_rejected_as_a_whole() {
    for (name, bytes, reason) in [
        ("not-gzip.json.gz", &b"this is no gzip"[..], "not_json"),
        ("empty.json", b"", "empty_file"),
        ("blank.json", b" \n\n ", "empty_file"),
        ("empty.json.gz", &gzip(b""), "empty_file"),
        ("number.json", b"42", "not_json"),
        ("missing.json", br#"{"Recrods":[]}"#, "records_missing"),
        ("object.json", b"{}", "records_missing"),
        (
            "not-a-list.json",
            br#"{"Records":{"a":1}}"#,
            "records_not_a_list",
        ),
        ("null.json", br#"{"Records":null}"#, "records_not_a_list"),
        ("header.json.gz", &[0x1f, 0x8b, 8, 0, 0], "truncated_gzip"),
    ] {
        let lake = TempLake::new();
        lake.put(name, bytes);
        let books = lake.ingest();
        assert_eq!((books.files_rejected, books.records), (1, 0), "{name}");
        let rows = lake.sql("SELECT log_record_index, reason FROM rejected");
        assert_eq!(rows.len(), 1, "{name}");
        assert_eq!(rows[0]["reason"], reason, "{name}");
        assert!(rows[0]["log_record_index"].is_null(), "{name}");
        lake.assert_books_balance();
    }
}

#[test]
fn one_bad_record_costs_one_rejection() {
    let list = |bad: &str| {
        format!(
            r#"{{"Records":[{},{bad},{}]}}"#,
            good("first"),
            good("last")
        )
        .into_bytes()
    };
    for (bad, reason) in [
        ("42", "not_an_object"),
        ("\"text\"", "not_an_object"),
        ("null", "not_an_object"),
        ("[1,[2]]", "not_an_object"),
        ("{}", "missing_event_time"),
        (r#"{"eventID":"x","eventTime":null}"#, "missing_event_time"),
        (
            r#"{"eventID":"x","eventTime":1772442000}"#,
            "missing_event_time",
        ),
        (
            r#"{"eventID":"x","eventTime":"yesterday"}"#,
            "missing_event_time",
        ),
        (r#"{"eventID":"x","eventTime":}"#, "broken_json"),
        (r#"{"eventID" "x"}"#, "broken_json"),
        (r#"{"eventID":"x","tlsDetails":{"a":1}"#, "broken_json"),
        (r#"{"eventID":"x","tlsDetails":{"a":[1}}"#, "broken_json"),
        (
            r#"{"eventID":"x","eventTime":"2026-03-02T09:00:00Z","a":[1,2}"#,
            "broken_json",
        ),
        (
            r#"{"eventID":"x","eventTime":"2026-03-02T09:00:00Z","eventTime":"2026-03-03T09:00:00Z"}"#,
            "duplicate_key",
        ),
    ] {
        let (kept, reasons) = kept_and_rejected("a.json", &list(bad));
        assert_eq!(kept, ["first", "last"], "{bad}");
        assert_eq!(reasons, [reason], "{bad}");
    }
}

#[test]
fn a_quote_left_open_swallows_no_neighbour() {
    let bad = r#"{"eventVersion":"1.11","eventID":"x,"eventTime":"2026-03-02T09:00:00Z"}"#;
    for text in [
        format!(
            r#"{{"Records":[{},{bad},{}]}}"#,
            good("first"),
            good("last")
        ),
        format!("{}\n{bad}\n{}\n", good("first"), good("last")),
    ] {
        let (kept, reasons) = kept_and_rejected("a.json", text.as_bytes());
        assert_eq!(kept, ["first", "last"]);
        assert_eq!(reasons, ["broken_json"]);
    }
}

#[test]
fn bytes_that_are_no_utf8_cost_their_record_only() {
    let mut text = format!(r#"{{"Records":[{},"#, good("first")).into_bytes();
    text.extend(br#"{"eventID":"x","eventTime":"2026-03-02T09:00:00Z","userAgent":"#);
    text.extend(b"\"\xff\xfe\"},");
    text.extend(format!("{}]}}", good("last")).into_bytes());
    let (kept, reasons) = kept_and_rejected("a.json", &text);
    assert_eq!(kept, ["first", "last"]);
    assert_eq!(reasons, ["invalid_utf8"]);
}

#[test]
fn text_cut_inside_a_record_or_a_list_tells_so() {
    let whole = records_file(&[good("first"), good("last")]);
    for cut in [3, 20, 200] {
        let (kept, reasons) = kept_and_rejected("a.json", &whole[..whole.len() - cut]);
        assert_eq!(kept[0], "first");
        assert_eq!(reasons, ["truncated_json"], "{cut}");
    }
}

#[test]
fn a_line_that_is_cut_off_is_rejected_and_the_next_is_read() {
    let text = format!(
        "{}\n{{\"eventID\":\"x\",\n{}\n",
        good("first"),
        good("last")
    );
    let (kept, reasons) = kept_and_rejected("a.jsonl", text.as_bytes());
    assert_eq!(kept, ["first", "last"]);
    assert_eq!(reasons, ["broken_json"]);
}

#[test]
fn deep_nesting_and_long_text_are_no_danger() {
    let mut deep = good("deep");
    deep["requestParameters"] = Value::String("HERE".to_owned());
    let nested = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = deep.to_string().replace("\"HERE\"", &nested);
    let mut long = good("long");
    long["userAgent"] = Value::String("x".repeat(5_000_000));
    let text = format!(r#"{{"Records":[{deep},{long},{}]}}"#, good("last"));
    let (kept, reasons) = kept_and_rejected("a.json", text.as_bytes());
    assert_eq!(kept, ["long", "last"]);
    assert_eq!(reasons, ["nested_too_deep"]);
}

#[test]
fn a_record_beyond_the_limit_is_passed_over_without_being_held() {
    use rolecall::decode::{DecodeOptions, Limits, Record, RecordSink, Rejected, decode_log_file};
    #[derive(Default)]
    struct Sink(Vec<String>, Vec<Rejected>);
    impl RecordSink for Sink {
        fn record(&mut self, _: u64, record: &Record<'_>) {
            self.0.push(record.event_id.clone().into_owned());
        }
        fn rejected(&mut self, rejected: Rejected) {
            self.1.push(rejected);
        }
    }
    let mut huge = good("huge");
    huge["userAgent"] = Value::String("x}\\\"{".repeat(1_000_000));
    let text = records_file(&[good("first"), huge, good("last")]);
    let options = DecodeOptions {
        limits: Limits {
            record_bytes: 1 << 20,
            ..Limits::default()
        },
        ..DecodeOptions::default()
    };
    let mut sink = Sink::default();
    let decoded = decode_log_file(text.as_slice(), options, &mut sink);
    assert_eq!(sink.0, ["first", "last"]);
    assert_eq!(sink.1.len(), 1);
    assert_eq!(sink.1[0].reason.code(), "record_too_large");
    assert!(sink.1[0].raw.as_ref().unwrap().len() <= rolecall::decode::RAW_LIMIT);
    assert_eq!(decoded.records, 3);
}

#[test]
fn rejected_text_is_kept_up_to_64_kib_with_its_place() {
    let bad = format!(r#"{{"eventID":"x","filler":"{}"}}"#, "y".repeat(100_000));
    let first = good("first").to_string();
    let text = format!(r#"{{"Records":[{first},{bad}]}}"#);
    let lake = TempLake::new();
    lake.put("a.json", text.as_bytes());
    lake.ingest();
    let rows = lake.sql("SELECT * FROM rejected");
    assert_eq!(rows[0]["log_record_index"], 1);
    assert_eq!(rows[0]["byte_offset"], 12 + first.len() + 1);
    let raw = rows[0]["raw"].as_str().unwrap();
    assert_eq!(raw.len(), 64 << 10);
    assert!(bad.starts_with(raw));
}

#[test]
fn an_object_inside_a_damaged_record_is_never_taken_for_a_record() {
    let forged = good("forged").to_string();
    let bad = format!(
        "{{\"eventID\":\"x\",\"requestParameters\":{{\"a\":[{{}},{forged},{{}},{forged}]}},\"userAgent\":\"BAD\"}}"
    );
    let text = format!(
        r#"{{"Records":[{},{bad},{}]}}"#,
        good("first"),
        good("last")
    );
    // A byte that is no UTF-8, a comma too many, and a file that is cut behind the object.
    let utf8 = text.replace("BAD", "\u{1}BAD").into_bytes();
    let utf8: Vec<u8> = utf8
        .into_iter()
        .map(|b| if b == 1 { 0xff } else { b })
        .collect();
    let (kept, reasons) = kept_and_rejected("a.json", &utf8);
    assert_eq!(
        (kept, reasons),
        (
            vec!["first".to_owned(), "last".to_owned()],
            vec!["invalid_utf8".to_owned()]
        )
    );
    let (kept, reasons) = kept_and_rejected("a.json", text.replace("\"BAD\"", ",").as_bytes());
    assert_eq!(
        (kept, reasons),
        (
            vec!["first".to_owned(), "last".to_owned()],
            vec!["broken_json".to_owned()]
        )
    );
    let cut = text.find("\"userAgent\":\"BAD\"").unwrap();
    let (kept, reasons) = kept_and_rejected("a.json", &text.as_bytes()[..cut]);
    assert_eq!(
        (kept, reasons),
        (vec!["first".to_owned()], vec!["truncated_json".to_owned()])
    );
}

#[test]
fn a_foreign_line_costs_itself_and_not_the_file() {
    for foreign in [r#"{"exported_by":"x"}"#, r#"ount":1}"#, "# comment"] {
        let text = format!("{foreign}\n{}\n{}\n", good("first"), good("last"));
        let (kept, reasons) = kept_and_rejected("a.jsonl", text.as_bytes());
        assert_eq!(kept, ["first", "last"], "{foreign}");
        assert_eq!(reasons.len(), 1, "{foreign}");
    }
}

#[test]
fn a_field_that_stands_twice_is_rejected_whatever_it_is() {
    for field in [
        "userIdentity",
        "resources",
        "eventID",
        "readOnly",
        "requestParameters",
    ] {
        let record = good("x").to_string();
        let twice = record.replacen('{', &format!("{{\"{field}\":{{\"a\":1}},"), 1);
        let twice = if record.contains(&format!("\"{field}\"")) {
            twice
        } else {
            twice.replacen('{', &format!("{{\"{field}\":{{\"b\":1}},"), 1)
        };
        let expected = match field {
            // A first value of another type has no column and is kept in `unmapped`; the second is the field.
            "eventID" | "readOnly" => continue,
            _ => ["duplicate_key"],
        };
        let text = format!(r#"{{"Records":[{twice}]}}"#)
            .replace("\"requestParameters\":null", "\"requestParameters\":{}");
        let (kept, reasons) = kept_and_rejected("a.json", text.as_bytes());
        assert_eq!(
            (kept.len(), reasons),
            (0, expected.map(str::to_owned).to_vec()),
            "{field}"
        );
    }
}

#[test]
fn garbage_made_to_waste_time_and_memory_does_neither() {
    let open = format!(
        "{{\"Records\":[{}",
        "{\"eventVersion\":\"1\",\"x\":[1,".repeat(40_000)
    );
    let (kept, reasons) = kept_and_rejected("open.json", open.as_bytes());
    assert_eq!((kept.len(), reasons.len()), (0, 1));
    let lines = "{\"eventVersion\":\"1\",\"x\":[1,\n".repeat(40_000);
    let (kept, reasons) = kept_and_rejected("lines.json", lines.as_bytes());
    assert_eq!((kept.len(), reasons.len()), (0, 40_000));
    let spaces = gzip(format!("{{{}", " ".repeat(200 << 20)).as_bytes());
    let (kept, reasons) = kept_and_rejected("spaces.json.gz", &spaces);
    assert_eq!((kept.len(), reasons.len()), (0, 1));
}

#[test]
fn a_file_cut_off_before_another_one_costs_one_record() {
    let first = records_file(&[good("a"), good("b")]);
    let second = records_file(&[good("c"), good("d")]);
    let text = String::from_utf8(first.clone()).unwrap();
    // In the middle of a string, behind a colon, behind a comma, behind a bracket.
    let last = text.rfind("userIdentity").unwrap();
    for at in [last + 4, last + 14, last - 1, last + 15] {
        let bytes = [&first[..at], &second[..]].concat();
        let (kept, reasons) = kept_and_rejected("a.json", &bytes);
        assert_eq!(kept.len() + reasons.len(), 4, "{at}: {kept:?} {reasons:?}");
        assert!(
            kept.starts_with(&["a".to_owned()]),
            "{at}: {kept:?} {reasons:?}"
        );
        assert!(
            kept.ends_with(&["d".to_owned()]),
            "{at}: {kept:?} {reasons:?}"
        );
    }
}

#[test]
fn one_broken_line_does_not_break_pretty_records_behind_it() {
    let pretty = |id: &str| serde_json::to_string_pretty(&good(id)).unwrap();
    let text = format!(
        "{}\n{{\"broken\": \n{}\n{}\n",
        pretty("a"),
        pretty("b"),
        pretty("c")
    );
    let (kept, reasons) = kept_and_rejected("a.jsonl", text.as_bytes());
    assert_eq!(kept, ["a", "b", "c"]);
    assert_eq!(reasons, ["broken_json"]);
}

#[test]
fn files_of_nothing_but_damage_cost_no_more_than_their_size_allows() {
    // Each was quadratic once: these sizes took minutes.
    let broken = "{x},".repeat(100_000);
    let cut = "{\"Records\":[".repeat(100_000);
    let lines = "{\"a\":\n".repeat(100_000);
    for text in [format!("{{\"Records\":[{broken}"), cut, lines] {
        let (kept, reasons) = kept_and_rejected("a.json", text.as_bytes());
        assert_eq!(kept, Vec::<String>::new());
        assert!(!reasons.is_empty());
    }
}

/// A `]` in place of another byte seems to end the list; what stands behind it is neither dropped nor left unread.
#[test]
fn a_stray_bracket_in_a_record_hides_nothing_behind_it() {
    let whole = records_file(&["one", "two", "three"].map(good));
    let text = String::from_utf8(whole).unwrap();
    let behind = |id: &str, key: &str| {
        let record = text.find(id).unwrap();
        record + text[record..].find(key).unwrap()
    };
    let key = behind("\"two\"", "\"eventSource\"");
    let nested = behind("\"two\"", "\"type\"") + "\"type\"".len();
    let last_key = behind("\"three\"", "\"eventSource\"");
    for (at, kept) in [
        (key, vec!["one", "three"]),
        (nested, vec!["one", "three"]),
        (last_key, vec!["one", "two"]),
    ] {
        let mut damaged = text.clone().into_bytes();
        damaged[at] = b']';
        let lake = TempLake::new();
        lake.put("stray.json", &damaged);
        lake.ingest();
        lake.assert_books_balance();
        let ids = lake.column("SELECT event_id FROM events ORDER BY log_record_index");
        assert_eq!(ids, kept, "byte {at}");
        let rejected = lake.sql("SELECT raw FROM rejected ORDER BY byte_offset LIMIT 1");
        let raw = rejected[0]["raw"].as_str().unwrap();
        let damaged = String::from_utf8(damaged).unwrap();
        let rest_of_record = &damaged[at..at + 25];
        assert!(raw.contains(rest_of_record), "byte {at}: {raw}");
    }
}
