//! Answers in every form, to stdout and to files; the commands that list, show and explain.

use serde_json::{Value, json};

use super::support::records::{ACCOUNT, assume, call, session, user};
use super::support::{Ran, TempLake, rolecall};

fn lake() -> TempLake {
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

fn ask(lake: &TempLake, arguments: &[&str]) -> Ran {
    let root = lake.root().display().to_string();
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--lake", &root]).collect();
    rolecall(lake.folder.path(), &arguments)
}

/// Commands that return rows, each with how many there are.
const ROWS: [(&[&str], usize); 9] = [
    (&["timeline"], 2),
    (&["sessions"], 2),
    (&["switches"], 1),
    (&["permissions"], 2),
    (&["query", "review/permissions", "top=1"], 1),
    (&["query", "--list"], 30),
    (
        &[
            "sql",
            "SELECT event_id, resources, resource_arns, event_time FROM events",
        ],
        2,
    ),
    (&["show", "b"], 1),
    (&["schema", "people"], 2),
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
fn sessions_alive_at_a_time_are_those_that_could_be_used() {
    let lake = lake();
    let alive = |at: &str| {
        let ran = ask(&lake, &["sessions", "--alive-at", at]);
        ran.stdout.lines().count()
    };
    assert_eq!(alive("2026-03-02T08:59:59Z"), 0);
    assert_eq!(
        alive("2026-03-02T09:00:00Z"),
        2,
        "alice's key is in use, and her session begins"
    );
    assert_eq!(alive("2026-03-02T09:59:00Z"), 1, "unused, and not expired");
    assert_eq!(alive("2026-03-02T10:00:01Z"), 0);
}

#[test]
fn names_of_accounts_and_people_stand_beside_what_the_logs_say() {
    let mut stranger = assume(
        "c",
        json!({ "type": "AWSAccount", "principalId": "AROAVENDOR00EXAMPLE:job", "accountId": "222233334444" }),
        "2026-03-02T10:00:00Z",
        ACCOUNT,
        "Vendor",
        "job",
        "ASIAVENDOR000EXAMPLE",
    );
    stranger["recipientAccountId"] = json!(ACCOUNT);
    let mut ours = stranger.clone();
    ours["eventID"] = json!("d");
    ours["userIdentity"]["accountId"] = json!("444455556666");
    let lake = lake();
    lake.put(
        "b.json",
        &super::support::records::records_file(&[stranger, ours]),
    );
    lake.ingest();
    let folder = lake.folder.path();
    std::fs::write(folder.join("accounts.json"), r#"{"Accounts":[{"Id":"444455556666","Name":"shop"},{"Id":"111122223333","Name":"security"}]}"#).unwrap();
    std::fs::write(folder.join("people.toml"), "[[person]]\nname = \"Alice Example\"\norigins = [\"arn:aws:iam::111122223333:user/alice\", \"alice@example.com\"]\n").unwrap();
    let third = ask(
        &lake,
        &[
            "query",
            "review/third_parties",
            "--accounts",
            "accounts.json",
        ],
    );
    let whose: Vec<(String, Value)> = third
        .stdout
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            (
                row["account_id"].as_str().unwrap().to_owned(),
                row["whose"].clone(),
            )
        })
        .collect();
    assert!(
        whose.contains(&("222233334444".to_owned(), json!("third party"))),
        "{whose:?}"
    );
    assert!(
        whose.contains(&("444455556666".to_owned(), json!("ours, not collected"))),
        "{whose:?}"
    );
    let timeline = ask(
        &lake,
        &[
            "timeline",
            "--principal",
            "Alice Example",
            "--people",
            "people.toml",
            "--accounts",
            "accounts.json",
            "--format",
            "table",
        ],
    );
    insta::assert_snapshot!(timeline.shown(folder), @"
    exit 0
    --- stdout
     event_time             who             persona                event_name    error_code   source_ip_address
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────
     2026-03-02T09:00:00Z   Alice Example   security user/alice    AssumeRole                 192.0.2.1
     2026-03-02T09:05:00Z   Alice Example   security role/Reader   ListBuckets                192.0.2.1
    --- stderr
    ");
    let wrong = ask(&lake, &["status", "--people", "accounts.json"]);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong
            .stderr
            .contains("`accounts.json` is no list of people"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn descendants_end_also_where_two_users_make_keys_for_each_other() {
    let make = |id: &str, who: &str, time: &str, whom: &str| {
        let mut record = call(id, user(who), time, "iam", "CreateAccessKey");
        record["responseElements"] = json!({ "accessKey": { "userName": whom, "accessKeyId": format!("AKIA{}EXAMPLE", whom.to_uppercase()) } });
        record
    };
    let lake = TempLake::of(&[
        make("1", "eve", "2026-03-02T09:00:00Z", "mallory"),
        make("2", "mallory", "2026-03-02T10:00:00Z", "eve"),
        make("3", "mallory", "2026-03-02T11:00:00Z", "trudy"),
        call(
            "4",
            user("trudy"),
            "2026-03-02T12:00:00Z",
            "s3",
            "ListBuckets",
        ),
    ]);
    let ran = ask(
        &lake,
        &[
            "timeline",
            "--access-key",
            "AKIAEVEEXAMPLE",
            "--descendants",
        ],
    );
    let ids: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event_id"].clone())
        .collect();
    assert_eq!(ids, ["1", "2", "3", "4"], "{}", ran.stderr);
    let ran = ask(&lake, &["timeline", "--descendants"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}

#[test]
fn queries_by_name_check_what_they_are_given() {
    let lake = lake();
    for arguments in [
        &["query", "review/denial"][..],
        &["query", "review/denials", "top=many"],
        &["query", "review/denials", "topp=1"],
        &["query", "review/denials", "5"],
        &["query", "review/denials", "top=1", "top=2"],
        &["query", "who/session"],
        &["query", "sessions/list", "alive_at=yesterday"],
        &["query"],
        &["sql", "SELECT * FROM event"],
        &["schema", "event"],
        &["timeline", "--from", "2026-03-03", "--to", "2026-03-02"],
        &["sessions", "--alive-at", "noon"],
    ] {
        let ran = ask(&lake, arguments);
        assert!(ran.code == 2, "{arguments:?}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("hint: ") || arguments.len() == 1,
            "{arguments:?}: {}",
            ran.stderr
        );
    }
    let ran = ask(&lake, &["sql", "SELECT * FROM event"]);
    insta::assert_snapshot!(ran.shown(lake.folder.path()), @"
    exit 2
    --- stdout
    --- stderr
    error: cannot answer the question
      because: Error during planning: table 'datafusion.public.event' not found
    hint: did you mean `events`?
    ");
}
