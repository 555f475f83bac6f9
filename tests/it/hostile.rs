//! Everything in a log is written by somebody who may mean harm. Each text goes into every field of a record, through every command and
//! every form of answer, and as an argument; nothing of it acts on a terminal, in a spreadsheet, in a page, or on the SQL.

use std::collections::BTreeSet;

use super::support::records::{assume, call, lines, session, user};
use super::support::{Ran, TempLake, rolecall};
use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::{Value, json};

/// What is written into every field.
const HOSTILE: [&str; 18] = [
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[31m",
    "\u{9b}2J\u{85}\u{7f}",
    "\u{202e}txt.exe\u{2066}\u{2069}\u{200f}",
    "\u{feff}\u{200b}\u{e0041}zero",
    "nul\u{0}here",
    "one\ntwo\r\nthree\u{2028}four",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</pre></td>&lt;b&gt;<b>",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "'; DROP TABLE events; --",
    "\" OR \"\"=\"",
    "`code` | pipe \\ back ``` [a](javascript:alert(1))",
    "{{7*7}} ${jndi:ldap://x} %s %n",
    "../../../../etc/passwd",
];

/// Fields that make a record a record; another value there is another test.
const KEPT: [&str; 4] = ["eventID", "eventTime", "eventVersion", "eventSource"];

/// Writes `text` into every other string of a record; lists and objects stay.
fn spoiled(value: &Value, text: &str) -> Value {
    match value {
        Value::String(_) => json!(text),
        Value::Array(items) => items.iter().map(|item| spoiled(item, text)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let kept = KEPT.contains(&name.as_str());
                let value = if kept {
                    value.clone()
                } else {
                    spoiled(value, text)
                };
                (name.clone(), value)
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// Records of several kinds with `text` in their fields: everywhere, and only where the caller has a say.
fn records(at: usize, text: &str) -> Vec<Value> {
    let time = "2026-03-02T09:00:00Z";
    let id = |what: &str| format!("{at}-{what}");
    let key = format!("ASIAHOSTILE{at:02}EXAMPLE");
    let mut taken = assume(
        &id("take"),
        user("alice"),
        time,
        "111122223333",
        "Role",
        text,
        &key,
    );
    taken["requestParameters"]["sourceIdentity"] = json!(text);
    taken["requestParameters"]["tags"] = json!([{ "key": text, "value": text }]);
    taken["userAgent"] = json!(text);
    taken["sourceIPAddress"] = json!(text);
    let mut used = call(
        &id("use"),
        session("111122223333", "Role", text, &key, time),
        time,
        "s3",
        "GetObject",
    );
    used["userAgent"] = json!(text);
    used["errorCode"] = json!("AccessDenied");
    used["errorMessage"] = json!(text);
    used["resources"] = json!([{ "ARN": text, "accountId": text, "type": text }]);
    used["requestParameters"] = json!({ text: text, "list": [text] });
    used["additionalEventData"] = json!({ "nested": { "deep": [text] } });
    let mut everywhere = spoiled(&used, text);
    everywhere["eventID"] = json!(id("everywhere"));
    everywhere["newField"] = json!({ text: text });
    let mut everywhere_taken = spoiled(&taken, text);
    everywhere_taken["eventID"] = json!(id("everywhere-taken"));
    let mut named = call(&id("name"), user(&format!("user{at}")), time, "s3", text);
    named["userIdentity"]["userName"] = json!(text);
    let no_time = json!({ "eventID": text, "userAgent": text });
    vec![taken, used, everywhere, everywhere_taken, named, no_time]
}

/// A lake of all of it, in files whose names are hostile too.
fn lake() -> TempLake {
    let lake = TempLake::new();
    for (at, text) in HOSTILE.iter().enumerate() {
        let name: String = text
            .chars()
            .filter(|c| !matches!(c, '/' | '\0'))
            .take(40)
            .collect();
        let mut bytes = lines(&records(at, text));
        bytes.extend_from_slice(text.as_bytes());
        lake.put(&format!("{at} {name}.json"), &bytes);
    }
    let ran = rolecall(lake.folder.path(), &["ingest", "logs", "--lake", "lake"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_harmless(&ran, "jsonl", "ingest");
    lake.assert_books_balance();
    assert_eq!(
        lake.value("SELECT count(*) AS n FROM events WHERE event_id LIKE '%-%'"),
        5 * HOSTILE.len()
    );
    lake
}

fn acts(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
        || (c.is_control() && c != '\n')
}

/// Nothing of what was printed acts on whatever shows it.
fn assert_harmless(ran: &Ran, format: &str, what: &str) {
    let found = ran.stderr.chars().find(|c| acts(*c));
    assert_eq!(found, None, "{what}: stderr {:?}", ran.stderr);
    let may_end_lines = |c: &char| format != "csv" || *c != '\r';
    let found = ran.stdout.chars().filter(may_end_lines).find(|c| acts(*c));
    assert_eq!(found, None, "{what} as {format}");
    match format {
        "csv" => {
            let mut reader = csv::ReaderBuilder::new()
                .flexible(true)
                .from_reader(ran.stdout.as_bytes());
            for row in reader.records() {
                for cell in &row.unwrap() {
                    // Numbers may be negative; nothing else may begin as a formula does.
                    let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
                    assert!(!runs || cell.parse::<f64>().is_ok(), "{what}: {cell:?}");
                }
            }
        }
        "markdown" => {
            for event in Parser::new_ext(&ran.stdout, Options::ENABLE_TABLES) {
                let is_live = matches!(
                    event,
                    Event::Html(_)
                        | Event::InlineHtml(_)
                        | Event::Start(Tag::Link { .. } | Tag::Image { .. })
                );
                assert!(!is_live, "{what}: {event:?}");
            }
        }
        "json" if ran.code == 0 && !ran.stdout.is_empty() => {
            serde_json::from_str::<Value>(&ran.stdout)
                .unwrap_or_else(|error| panic!("{what}: {error}"));
        }
        "jsonl" => {
            for line in ran.stdout.lines() {
                serde_json::from_str::<Value>(line)
                    .unwrap_or_else(|error| panic!("{what}: {error}\n{line}"));
            }
        }
        _ => {}
    }
}

const FORMATS: [&str; 5] = ["table", "json", "jsonl", "csv", "markdown"];

#[test]
fn every_command_shows_hostile_content_harmlessly_in_every_form() {
    let lake = lake();
    let commands: [&[&str]; 20] = [
        &["review"],
        &["status"],
        &["timeline"],
        &["timeline", "--principal", "alice", "--descendants"],
        &["sessions"],
        &["sessions", "--alive-at", "2026-03-02T09:00:00Z"],
        &["switches"],
        &["permissions"],
        &["permissions", "--by-resource"],
        &["denied"],
        &["rightsize", "--role", "Role", "--explain", "--check"],
        &["who", "alice", "--descendants"],
        &["who", "ASIAHOSTILE00EXAMPLE"],
        &["show", "0-everywhere"],
        &["show", "15-use"],
        &["sql", "SELECT * FROM attributed_events"],
        &["sql", "SELECT * FROM rejected"],
        &["sql", "SELECT * FROM sessions"],
        &["query", "review/denials"],
        &["compact", "--dry-run"],
    ];
    for command in commands {
        for format in FORMATS {
            let arguments = [command, &["--format", format, "--lake", "lake"]].concat();
            let ran = rolecall(lake.folder.path(), &arguments);
            assert!(
                matches!(ran.code, 0 | 2),
                "{arguments:?}: {} {}",
                ran.code,
                ran.stderr
            );
            assert_harmless(&ran, format, &format!("{command:?}"));
        }
    }
}

#[test]
fn every_question_shows_hostile_content_harmlessly() {
    let lake = lake();
    let session = "SELECT session_id FROM events WHERE event_id = '15-use'";
    let session = lake.value(session).as_str().unwrap().to_owned();
    let mut with_rows = 0;
    for query in rolecall::queries::queries() {
        let given: Vec<String> = query
            .params
            .iter()
            .filter(|param| param.default.is_none())
            .map(|param| {
                let value = match param.name.as_str() {
                    "event_id" => "15-use",
                    "session_id" | "sessions" => &session,
                    "since" => "2000-01-01",
                    "until" => "2100-01-01",
                    "pattern" => ".",
                    _ => "alice",
                };
                format!("{}={value}", param.name)
            })
            .collect();
        for format in ["table", "markdown", "csv"] {
            let mut arguments = vec!["query", query.name, "--format", format, "--lake", "lake"];
            arguments.extend(given.iter().map(String::as_str));
            let ran = rolecall(lake.folder.path(), &arguments);
            assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
            assert_harmless(&ran, format, query.name);
            with_rows += u32::from(format == "csv" && ran.stdout.lines().count() > 1);
            let shows_records = ["show/", "who/session", "who/addresses", "timeline/events"];
            if format == "csv"
                && shows_records
                    .iter()
                    .any(|start| query.name.starts_with(start))
            {
                assert!(
                    ran.stdout.lines().count() > 1 || query.name == "show/copies",
                    "{arguments:?} shows nothing"
                );
            }
        }
    }
    assert!(with_rows > 20, "{with_rows} questions had an answer");
}

#[test]
fn hostile_arguments_find_what_they_name_and_nothing_else() {
    let lake = lake();
    let folder = lake.folder.path();
    let before: BTreeSet<String> = files_of(&lake);
    let all = lake.value("SELECT count(*) AS n FROM events");
    for (at, text) in HOSTILE
        .iter()
        .enumerate()
        .filter(|(_, text)| !text.contains('\0'))
    {
        let text = *text;
        let flag = |name: &str| format!("{name}={text}");
        let commands: [Vec<String>; 12] = [
            vec!["who".into(), "--".into(), text.into()],
            vec!["show".into(), "--".into(), text.into()],
            vec!["timeline".into(), flag("--principal")],
            vec!["timeline".into(), flag("--role")],
            vec!["timeline".into(), flag("--ip")],
            vec!["timeline".into(), flag("--access-key")],
            vec!["timeline".into(), flag("--resource")],
            vec!["timeline".into(), flag("--event")],
            vec!["permissions".into(), flag("--role")],
            vec!["query".into(), "hats/wearers".into(), flag("role")],
            vec!["query".into(), "--".into(), text.into()],
            vec!["sql".into(), "--".into(), text.into()],
        ];
        for command in commands {
            let mut arguments: Vec<&str> = vec!["--lake", "lake", "--format", "jsonl"];
            arguments.extend(command.iter().map(String::as_str));
            let ran = rolecall(folder, &arguments);
            assert!(matches!(ran.code, 0..=2), "{command:?}: {}", ran.code);
            assert_harmless(&ran, "jsonl", &format!("{command:?}"));
            let rows = ran.stdout.lines().count() as u64;
            assert!(
                rows < all.as_u64().unwrap() / 2,
                "{at} {command:?} found {rows} rows"
            );
        }
    }
    assert_eq!(files_of(&lake), before, "a file was written");
    assert_eq!(lake.value("SELECT count(*) AS n FROM events"), all);
}

/// Every file in the folder of the test, so that one that should not be there is seen.
fn files_of(lake: &TempLake) -> BTreeSet<String> {
    walkdir::WalkDir::new(lake.folder.path())
        .into_iter()
        .map(|entry| entry.unwrap().path().display().to_string())
        .collect()
}

#[test]
fn parquet_and_the_rows_themselves_have_every_text_as_it_was() {
    let lake = lake();
    for (at, text) in HOSTILE.iter().enumerate() {
        let found = lake.sql(&format!(
            "SELECT user_agent, error_message, resource_arns FROM events WHERE event_id = '{at}-use'"
        ));
        assert_eq!(
            found,
            [json!({ "user_agent": text, "error_message": text, "resource_arns": [text] })]
        );
        let unmapped = lake.value(&format!(
            "SELECT unmapped FROM events WHERE event_id = '{at}-everywhere'"
        ));
        let unmapped: Value = serde_json::from_str(unmapped.as_str().unwrap()).unwrap();
        assert_eq!(unmapped["newField"], json!({ *text: text }));
    }
    let ran = rolecall(
        lake.folder.path(),
        &["timeline", "--lake", "lake", "--output", "out.parquet"],
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let file = std::fs::File::open(lake.folder.path().join("out.parquet")).unwrap();
    let rows: usize = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .build()
        .unwrap()
        .map(|batch| batch.unwrap().num_rows())
        .sum();
    assert!(rows > 5 * HOSTILE.len() - 1, "{rows}");
}
