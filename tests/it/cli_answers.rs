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
    (&["query", "--list"], 32),
    (
        &[
            "sql",
            "SELECT event_id, resources, resource_arns, event_time FROM events",
        ],
        2,
    ),
    (&["show", "b"], 1),
    (&["schema", "people"], 3),
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
    assert_eq!(alive("2026-03-02T09:59:00Z"), 2, "unused, and not expired");
    assert_eq!(
        alive("2026-03-02T10:00:01Z"),
        1,
        "a long-lived key has no end"
    );
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

#[test]
fn a_name_is_given_only_to_what_the_named_provider_vouches_for() {
    let sso = |id: &str, provider: &str| {
        let mut record = assume(
            id,
            json!({ "type": "WebIdentityUser", "principalId": format!("{provider}:x:alice@example.com"),
                "userName": "alice@example.com", "identityProvider": provider }),
            "2026-03-02T09:00:00Z",
            ACCOUNT,
            "Web",
            id,
            &format!("ASIAWEB{}00000EXAMPLE", id.to_uppercase()),
        );
        record["eventName"] = json!("AssumeRoleWithWebIdentity");
        record["recipientAccountId"] = json!(ACCOUNT);
        record
    };
    let lake = TempLake::of(&[sso("a", "idp.example"), sso("b", "evil.example")]);
    let people = lake.folder.path().join("people.toml");
    let named = |origin: &str| {
        std::fs::write(
            &people,
            format!("[[person]]\nname = \"Alice\"\norigins = [{origin}]\n"),
        )
        .unwrap();
        let ran = ask(&lake, &["timeline", "--people", "people.toml"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let rows = ran
            .stdout
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let named: Vec<Value> = rows
            .filter(|row| row["person"] == "Alice")
            .map(|row| row["event_id"].clone())
            .collect();
        (named, ran.stderr)
    };
    let (rows, _) = named("{ id = \"alice@example.com\", provider = \"idp.example\" }");
    assert_eq!(rows, ["a"]);
    let (rows, words) = named("\"alice@example.com\"");
    assert_eq!(rows, Vec::<Value>::new());
    assert!(
        words.contains("evil.example") && words.contains("provider"),
        "{words}"
    );
}

#[test]
fn what_was_made_and_never_used_is_still_told() {
    let mut made = call(
        "made",
        user("mallory"),
        "2026-03-02T09:00:00Z",
        "iam",
        "CreateAccessKey",
    );
    made["responseElements"] =
        json!({ "accessKey": { "accessKeyId": "AKIAUNUSED000EXAMPLE", "userName": "x" } });
    let lake = TempLake::of(&[made]);
    let ran = ask(&lake, &["who", "AKIAUNUSED000EXAMPLE", "--format", "table"]);
    insta::assert_snapshot!(ran.shown(lake.folder.path()), @"
    exit 0
    --- stdout
    AKIAUNUSED000EXAMPLE was not seen in use; these calls made it, or named it:
      2026-03-02T09:00:00Z CreateAccessKey by arn:aws:iam::111122223333:user/mallory (iam_user) acting as arn:aws:iam::111122223333:user/mallory from 192.0.2.1, event made
    --- stderr
    ");
    let ran = ask(&lake, &["who", "akiamalloryexample"]);
    assert_eq!(ran.code, 0, "keys have one case: {}", ran.stderr);
}

#[test]
fn an_address_or_an_issued_key_finds_its_session() {
    let lake = lake();
    let count = |arguments: &[&str]| ask(&lake, arguments).stdout.lines().count();
    assert_eq!(count(&["sessions", "--ip", "192.0.2.1"]), 2);
    assert_eq!(count(&["sessions", "--ip", "192.0.2.2"]), 0);
    assert_eq!(
        count(&["sessions", "--access-key", "ASIAREADER000EXAMPLE"]),
        1
    );
    let ran = ask(&lake, &["sessions", "--kind", "person"]);
    assert_eq!(ran.code, 2);
    let ran = ask(
        &lake,
        &[
            "sql",
            "SELECT 1 AS a, 2 AS b, e.event_id, s.event_id FROM events e JOIN events s ON e.event_id = s.event_id",
            "--format",
            "json",
        ],
    );
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("`event_id AS other`"), "{}", ran.stderr);
    let ran = ask(&lake, &["ingest", "-", "-"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}
