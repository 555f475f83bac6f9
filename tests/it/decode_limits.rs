//! Files made to take all memory, disk and time are rejected with the reason, and what is good before the limit is kept.

use std::io::Write as _;
use std::path::Path;

use super::support::records::{call, records_file, user};
use super::support::{TempLake, gzip, rolecall};
use serde_json::{Value, json};

const NOON: &str = "2026-03-02T12:00:00Z";

fn event(id: &str) -> Value {
    call(id, user("alice"), NOON, "s3", "ListBuckets")
}

/// Ingests with these flags and returns the reasons of what was rejected, ordered.
fn rejected(lake: &TempLake, flags: &[&str]) -> Vec<String> {
    let mut arguments = vec!["ingest", "logs", "--lake", "lake"];
    arguments.extend(flags);
    let ran = rolecall(lake.folder.path(), &arguments);
    let rows = lake.sql("SELECT reason FROM rejected ORDER BY log_file_key, log_record_index");
    assert_eq!(
        ran.code,
        if rows.is_empty() { 0 } else { 3 },
        "{}",
        ran.stderr
    );
    lake.assert_books_balance();
    rows.iter()
        .map(|row| row["reason"].as_str().unwrap().to_owned())
        .collect()
}

fn events(lake: &TempLake) -> Value {
    lake.value("SELECT count(*) AS n FROM events")
}

#[test]
fn a_bomb_is_read_up_to_the_limit_and_what_came_before_is_kept() {
    let lake = TempLake::new();
    let mut text = records_file(&[event("1"), event("2")]);
    text.truncate(text.len() - 2);
    text.extend(b",".iter().chain([b' '].iter().cycle().take(3 << 20)));
    lake.put("bomb.json.gz", &gzip(&text));
    lake.put("good.json", &records_file(&[event("3")]));
    assert_eq!(
        rejected(&lake, &["--max-inflated", "1MiB"]),
        ["inflated_too_large"]
    );
    assert_eq!(events(&lake), 3);
    // Without the limit, nothing but its end is wrong with it.
    let flags = ["--max-inflated", "8MiB", "--retry-rejected"];
    assert_eq!(rejected(&lake, &flags), ["truncated_json"]);
    assert_eq!(events(&lake), 3);
}

/// Ten gigabytes of text in ten megabytes of gzip: members of the same 64 MiB, one behind the other.
fn ten_gigabytes(path: &Path) {
    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let piece = vec![b'['; 1 << 20];
    for _ in 0..64 {
        member.write_all(&piece).unwrap();
    }
    let member = member.finish().unwrap();
    let mut file = std::fs::File::create(path).unwrap();
    for _ in 0..160 {
        file.write_all(&member).unwrap();
    }
}

/// The most memory that an ingest took, in KiB.
#[cfg(target_os = "linux")]
fn peak_of(lake: &TempLake, flags: &[&str]) -> u64 {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_rolecall"))
        .args(["ingest", "logs", "--lake", "lake", "--no-resolve"])
        .args(flags)
        .current_dir(lake.folder.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    loop {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let high = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = high.and_then(|text| text.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(matches!(status.code(), Some(0 | 3)), "{status}");
            return peak;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_bomb_of_ten_gigabytes_is_refused_in_bounded_memory() {
    let lake = TempLake::new();
    ten_gigabytes(&lake.logs().join("bomb.json.gz"));
    let peak = peak_of(&lake, &["--max-inflated", "512MiB"]);
    assert!(peak > 0 && peak < 400 << 10, "{peak} KiB");
    let rows = lake.sql("SELECT reason FROM rejected ORDER BY log_record_index");
    let wanted = [
        json!({ "reason": "record_too_large" }),
        json!({ "reason": "inflated_too_large" }),
    ];
    assert_eq!(rows, wanted);
}

#[test]
fn a_record_beyond_a_limit_costs_itself_and_no_other() {
    let lake = TempLake::new();
    let mut long = event("long");
    long["userAgent"] = json!("x".repeat(3000));
    let mut deep = event("deep");
    deep["requestParameters"] = (0..60).fold(json!(1), |inner, _| json!([inner]));
    // Brackets inside a string are no nesting, and many of them side by side are not deep.
    let mut wide = event("wide");
    wide["requestParameters"] = json!({ "text": "[".repeat(200), "list": vec![json!([]); 200] });
    let mut large = event("large");
    large["requestParameters"] = json!(vec!["y".repeat(900); 12]);
    let all = [event("first"), long, deep, wide, large, event("last")];
    lake.put("a.json", &records_file(&all));
    let flags = [
        "--max-string",
        "2KB",
        "--max-nesting",
        "50",
        "--max-record",
        "8KiB",
    ];
    let reasons = ["string_too_long", "nested_too_deep", "record_too_large"];
    assert_eq!(rejected(&lake, &flags), reasons);
    assert_eq!(events(&lake), 3);
    // The same file again is known; asked for it, it is read again, and now all of it is good.
    assert_eq!(
        rolecall(lake.folder.path(), &["ingest", "logs", "--lake", "lake"]).code,
        0
    );
    assert_eq!(events(&lake), 3);
    assert_eq!(rejected(&lake, &["--retry-rejected"]), Vec::<String>::new());
    assert_eq!(events(&lake), 6);
}

#[test]
fn the_records_of_one_file_are_counted() {
    for (name, text) in [
        (
            "a.json",
            records_file(&[event("1"), event("2"), event("3")]),
        ),
        (
            "a.jsonl",
            super::support::records::lines(&[event("1"), event("2"), event("3")]),
        ),
        ("a.csv", {
            let cell = |id: &str| event(id).to_string().replace('"', "\"\"");
            format!(
                "eventJson\n\"{}\"\n\"{}\"\n\"{}\"\n",
                cell("1"),
                cell("2"),
                cell("3")
            )
            .into_bytes()
        }),
    ] {
        let lake = TempLake::new();
        lake.put(name, &text);
        assert_eq!(
            rejected(&lake, &["--max-records", "2"]),
            ["too_many_records"],
            "{name}"
        );
        assert_eq!(events(&lake), 2, "{name}");
        let lake = TempLake::new();
        lake.put(name, &text);
        assert_eq!(
            rejected(&lake, &["--max-records", "3"]),
            Vec::<String>::new(),
            "{name}"
        );
    }
}

#[test]
fn records_in_lists_within_lists_are_counted_too_and_other_keys_are_none() {
    let three = [event("1"), event("2"), event("3")];
    for (text, wanted) in [
        (json!({ "Records": [three] }), vec!["too_many_records"]),
        (
            json!({ "Records": three[..2], "note": 1, "other": [2] }),
            vec![],
        ),
        (
            json!({ "Records": three[..2], "more": { "Records": 1 } }),
            vec![],
        ),
    ] {
        let lake = TempLake::new();
        lake.put("a.json", text.to_string().as_bytes());
        assert_eq!(rejected(&lake, &["--max-records", "2"]), wanted, "{text}");
        assert_eq!(events(&lake), 2, "{text}");
    }
}

/// Little text from which much could be built: cells, keys, entries.
#[test]
#[cfg(target_os = "linux")]
fn what_a_small_file_can_be_made_to_build_is_bounded_too() {
    let filled = |start: &str, piece: &str, end: &str| {
        let mut text = start.as_bytes().to_vec();
        text.extend(piece.as_bytes().iter().cycle().take(15 << 20));
        let whole = text.len() - (text.len() - start.len()) % piece.len();
        text.truncate(whole);
        text.extend_from_slice(end.as_bytes());
        gzip(&text)
    };
    let record = |field: &str| {
        let text = event("x").to_string();
        format!("{},{field}", &text[..text.len() - 1])
    };
    for (name, text) in [
        ("cells.csv", filled("eventID,eventName\n", ",", "\n")),
        (
            "resources.json",
            filled(&record("\"resources\":[{}"), ",{}", "]}"),
        ),
        ("keys.json", filled(&record("\"k\":1"), ",\"k\":1", "}")),
        (
            "list.json",
            filled(&record("\"requestParameters\":{\"a\":[0"), ",0", "]}}"),
        ),
    ] {
        let lake = TempLake::new();
        lake.put(name, &text);
        let peak = peak_of(&lake, &[]);
        assert!(peak < 600 << 10, "{name}: {peak} KiB");
        lake.assert_books_balance();
    }
}

#[test]
fn a_limit_that_is_no_size_is_bad_usage() {
    let lake = TempLake::new();
    let ran = rolecall(
        lake.folder.path(),
        &["ingest", "logs", "--max-inflated", "much"],
    );
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--max-inflated"), "{}", ran.stderr);
}
