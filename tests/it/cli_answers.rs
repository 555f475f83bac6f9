//! Answers in every form, to stdout and to files, and nothing in them that acts.

use serde_json::{Value, json};

use super::support::records::{ACCOUNT, assume, call, session, user};
use super::support::{Ran, TempLake, rolecall};

pub fn lake() -> TempLake {
    TempLake::of(&[
        assume(
            "a",
            user("alice"),
            "2026-03-02T09:00:00Z",
            ACCOUNT,
            "Reader",
            "alice",
            "ASIAREADER000EXAMPLE",
        ),
        call(
            "b",
            session(
                ACCOUNT,
                "Reader",
                "alice",
                "ASIAREADER000EXAMPLE",
                "2026-03-02T09:00:00Z",
            ),
            "2026-03-02T09:05:00Z",
            "s3",
            "ListBuckets",
        ),
    ])
}

pub fn ask(lake: &TempLake, arguments: &[&str]) -> Ran {
    let root = lake.root().display().to_string();
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--lake", &root]).collect();
    rolecall(lake.folder.path(), &arguments)
}

/// Commands that return rows, each with how many there are.
const ROWS: [(&[&str], usize); 10] = [
    (&["timeline"], 2),
    (&["sessions"], 2),
    (&["switches"], 1),
    (&["permissions"], 2),
    (&["query", "review/permissions", "top=1"], 1),
    (&["query", "--list"], 75),
    (
        &[
            "sql",
            "SELECT event_id, resources, resource_arns, event_time FROM events",
        ],
        2,
    ),
    (&["show", "b"], 1),
    (&["schema", "people"], 3),
    (&["prune", "--before", "2026-03-03", "--dry-run"], 4),
];

#[test]
fn every_command_that_returns_rows_gives_them_in_every_form() {
    let lake = lake();
    for (command, count) in ROWS {
        let with = |format| {
            let arguments: Vec<&str> = command
                .iter()
                .copied()
                .chain(["--format", format])
                .collect();
            let ran = ask(&lake, &arguments);
            assert_eq!(ran.code, 0, "{command:?}: {}", ran.stderr);
            ran.stdout
        };
        let lines: Vec<Value> = with("jsonl")
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), count, "{command:?}");
        let list: Value = serde_json::from_str(&with("json")).unwrap();
        assert_eq!(list, json!(lines), "{command:?}");
        let csv = with("csv");
        let mut csv = csv::Reader::from_reader(csv.as_bytes());
        let columns = csv.headers().unwrap().len();
        assert_eq!(columns, lines[0].as_object().unwrap().len(), "{command:?}");
        assert_eq!(
            csv.records().map(Result::unwrap).count(),
            count,
            "{command:?}"
        );
        if command[0] != "show" {
            assert_eq!(with("markdown").lines().count(), count + 2, "{command:?}");
            assert_eq!(with("table").lines().count(), count + 2, "{command:?}");
        }
        let file = lake.folder.path().join("answer.parquet");
        let mut arguments = command.to_vec();
        let path = file.display().to_string();
        arguments.extend(["--output", &path]);
        assert_eq!(ask(&lake, &arguments).stdout, "");
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(
            std::fs::File::open(&file).unwrap(),
        )
        .unwrap();
        assert_eq!(reader.schema().fields().len(), columns, "{command:?}");
        let rows: usize = reader
            .build()
            .unwrap()
            .map(|batch| batch.unwrap().num_rows())
            .sum();
        assert_eq!(rows, count, "{command:?}");
    }
}

#[test]
fn several_sections_come_in_every_form() {
    let lake = lake();
    let jsonl = ask(&lake, &["review", "--format", "jsonl"]).stdout;
    let rows = jsonl.lines().count();
    let json: Value =
        serde_json::from_str(&ask(&lake, &["review", "--format", "json"]).stdout).unwrap();
    let sections = json.as_object().unwrap();
    let counted: usize = sections
        .values()
        .map(|rows| rows.as_array().unwrap().len())
        .sum();
    assert_eq!(counted, rows);
    assert_eq!(json["switches"][0]["who"], "alice");
    assert_eq!(json["root"], json!([]));
    let csv = ask(&lake, &["review", "--format", "csv"]).stdout;
    assert_eq!(
        csv::Reader::from_reader(csv.as_bytes())
            .records()
            .map(Result::unwrap)
            .count(),
        rows
    );
    let markdown = ask(&lake, &["review", "--format", "markdown"]).stdout;
    assert!(
        markdown.starts_with("# Account review\n\n## Books\n"),
        "{markdown}"
    );
    assert!(markdown.contains("| 2026-03-02T09:00:00Z | alice | 111122223333 user/alice | 111122223333 role/Reader | explicit | exact |"), "{markdown}");
    let who: Value =
        serde_json::from_str(&ask(&lake, &["who", "b", "--format", "json"]).stdout).unwrap();
    assert_eq!(
        who["hop"][1]["persona_arn"],
        "arn:aws:iam::111122223333:role/Reader"
    );
}

#[test]
fn a_file_is_replaced_as_a_whole_or_not_at_all() {
    let lake = lake();
    let file = lake.folder.path().join("answer.csv");
    std::fs::write(&file, "what was there").unwrap();
    let path = file.display().to_string();
    let ran = ask(
        &lake,
        &[
            "sql",
            "SELECT no_such_column FROM events",
            "--output",
            &path,
        ],
    );
    assert_eq!(ran.code, 2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "what was there");
    let ran = ask(
        &lake,
        &[
            "sql",
            "SELECT event_id FROM events ORDER BY event_id",
            "--output",
            &path,
        ],
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "event_id\na\nb\n",
        "the ending names the form"
    );
    ask(
        &lake,
        &[
            "sql",
            "SELECT 1 AS one",
            "--output",
            &path,
            "--format",
            "jsonl",
        ],
    );
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "{\"one\":1}\n",
        "the flag goes before the ending"
    );
    let left: Vec<_> = std::fs::read_dir(lake.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 3, "{left:?}");
    let ran = ask(&lake, &["status", "--output", "no/such/folder/x.json"]);
    insta::assert_snapshot!(ran.shown(lake.folder.path()), @"
    exit 1
    --- stdout
    --- stderr
    error: cannot write to `no/such/folder/x.json`
      because: entity not found
    hint: name a file in a folder that is there and can be written
    ");
}

#[test]
fn what_an_attacker_wrote_is_text_in_every_form() {
    let mut evil = call(
        "evil",
        user("mallory"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    );
    let agent =
        "=HYPERLINK(\"http://x\")|<script>alert(1)</script>\u{1b}[31m\u{202e}`]\n## [a](http://b)";
    evil["userAgent"] = json!(agent);
    let lake = TempLake::of(&[evil]);
    let sql = "SELECT user_agent FROM events";
    for format in ["table", "json", "jsonl", "csv", "markdown"] {
        let ran = ask(&lake, &["sql", sql, "--format", format]);
        assert!(
            !ran.stdout.contains(['\u{1b}', '\u{202e}']),
            "{format}: {}",
            ran.stdout
        );
    }
    let csv = ask(&lake, &["sql", sql, "--format", "csv"]).stdout;
    assert!(
        csv.lines().nth(1).unwrap().starts_with("\"'=HYPERLINK"),
        "{csv}"
    );
    let markdown = ask(&lake, &["sql", sql, "--format", "markdown"]).stdout;
    assert_eq!(markdown.lines().count(), 3, "{markdown}");
    let cell = markdown.lines().nth(2).unwrap();
    assert!(
        cell.starts_with("| ``=HYPERLINK") && cell.ends_with("`` |"),
        "{cell}"
    );
    let json: Value =
        serde_json::from_str(&ask(&lake, &["sql", sql, "--format", "json"]).stdout).unwrap();
    assert_eq!(json[0]["user_agent"], agent, "JSON has the text itself");
}

#[test]
fn a_record_is_shown_with_all_its_copies() {
    let lake = TempLake::new();
    let record = call(
        "x",
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    );
    let mut other = record.clone();
    other["eventName"] = json!("DeleteBucket");
    lake.put("a.json", record.to_string().as_bytes());
    lake.put("b.json", record.to_string().as_bytes());
    lake.put("c.json", other.to_string().as_bytes());
    lake.ingest();
    let ran = ask(&lake, &["show", "x"]);
    let rows: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["status"].as_str().unwrap(),
                row["log_file_key"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("kept", "a.json"),
            ("duplicate", "b.json"),
            ("conflicting_duplicate", "c.json")
        ]
    );
    let shown: Value = serde_json::from_str(rows[0]["record"].as_str().unwrap()).unwrap();
    let mut wanted = record;
    for null in ["requestParameters", "responseElements"] {
        wanted.as_object_mut().unwrap().remove(null);
    }
    assert_eq!(shown, wanted, "all but the nulls");
    let ran = ask(&lake, &["show", "x", "--format", "table"]);
    assert!(
        ran.stdout.contains("  \"eventName\": \"DeleteBucket\""),
        "{}",
        ran.stdout
    );
    let ran = ask(&lake, &["show", "y"]);
    insta::assert_snapshot!(ran.shown(lake.folder.path()), @"
    exit 1
    --- stdout
    --- stderr
    error: no event has the id `y`
    hint: `rolecall timeline` shows events with their ids; what could not be read is in the table `rejected`
    ");
}

#[test]
fn hostile_text_is_text_in_every_command_and_form() {
    let mut evil = assume(
        "evil",
        user("mallory"),
        "2026-03-02T09:00:00Z",
        ACCOUNT,
        "R",
        "=HYPERLINK(1)",
        "ASIAEVIL00000EXAMPLE",
    );
    evil["userAgent"] =
        json!("</pre><img src=x onerror=alert(1)>\u{1b}[31m\u{e0041}``` @team www.evil.example");
    let who = session(
        ACCOUNT,
        "R",
        "=HYPERLINK(1)",
        "ASIAEVIL00000EXAMPLE",
        "2026-03-02T09:00:00Z",
    );
    let mut used = call("used", who, "2026-03-02T09:01:00Z", "iam", "CreateUser");
    used["userAgent"] = evil["userAgent"].clone();
    used["errorCode"] = json!("<b>\u{202e}|x|");
    let lake = TempLake::of(&[evil, used]);
    for command in [
        &["review"][..],
        &["status"],
        &["who", "ASIAEVIL00000EXAMPLE", "--descendants"],
        &["timeline"],
        &["sessions"],
        &["switches"],
        &["permissions"],
        &["show", "used"],
        &["query", "timeline/events"],
        &["sql", "SELECT * FROM events"],
    ] {
        for format in ["table", "json", "jsonl", "csv", "markdown"] {
            let arguments: Vec<&str> = command
                .iter()
                .copied()
                .chain(["--format", format])
                .collect();
            let ran = ask(&lake, &arguments);
            assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
            let acts = ['\u{1b}', '\u{202e}', '\u{e0041}'];
            assert!(!ran.stdout.contains(acts), "{arguments:?}");
            if format == "csv" {
                let mut rows = csv::Reader::from_reader(ran.stdout.as_bytes());
                for row in rows.records() {
                    let row = row.unwrap();
                    assert!(row.iter().all(|cell| !cell.starts_with('=')), "{row:?}");
                }
            }
            if format == "markdown" {
                // Markup counts only outside of code: blocks between fences, spans between backticks.
                let mut is_code = false;
                for line in ran.stdout.lines() {
                    if line.starts_with("````") {
                        is_code = !is_code;
                    }
                    let prose: String = if is_code {
                        String::new()
                    } else {
                        line.split('`').step_by(2).collect()
                    };
                    let is_span_of_fences = line.contains("```");
                    assert!(
                        is_span_of_fences || !prose.contains(['<', '@']),
                        "{arguments:?}: {line}"
                    );
                }
                assert!(!is_code, "{arguments:?}: a fence is open");
            }
        }
    }
}
