//! What people ask: which credentials are alive, whose name it is, what grew out of it, and what they typed wrong.

use serde_json::{Value, json};

use super::cli_answers::{ask, lake};
use super::support::TempLake;
use super::support::records::{ACCOUNT, assume, call, records_file, user};

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
    lake.put("b.json", &records_file(&[stranger, ours]));
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
    for command in [
        &["sessions"][..],
        &["switches"],
        &["permissions"],
        &["who", "ASIAREADER000EXAMPLE"],
    ] {
        let arguments: Vec<&str> = command
            .iter()
            .copied()
            .chain(["--accounts", "accounts.json", "--format", "table"])
            .collect();
        let ran = ask(&lake, &arguments);
        assert!(
            ran.stdout.contains("security"),
            "{command:?}: {}{}",
            ran.stdout,
            ran.stderr
        );
    }
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

/// The answer as lines, without the notes to people.
fn lines(lake: &TempLake, words: &[&str]) -> Vec<String> {
    let ran = ask(lake, &[words, &["--format", "jsonl"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout.lines().map(str::to_owned).collect()
}

/// Holds each timeline of some days against the whole one, and returns how many events there were to compare.
fn compare_parts(lake: &TempLake, principals: &[&str]) -> usize {
    let mut compared = 0;
    for who in principals {
        let whole = lines(lake, &["timeline", "--principal", who]);
        let time = |line: &str| {
            let event: Value = serde_json::from_str(line).unwrap();
            event["event_time"].as_str().unwrap().to_owned()
        };
        for (from, to) in [
            ("2026-03-02", "2026-03-10T10:20:00Z"),
            ("2026-03-10T10:20:00Z", "2026-03-12"),
            ("2026-03-12", "2026-04-01"),
        ] {
            let is_between = |line: &&String| (from..to).contains(&time(line).as_str());
            let part: Vec<String> = whole.iter().filter(is_between).cloned().collect();
            compared += part.len();
            let asked = ["timeline", "--principal", who, "--from", from, "--to", to];
            assert_eq!(lines(lake, &asked), part, "{who} from {from} to {to}");
        }
    }
    compared
}

#[test]
fn a_timeline_between_two_times_is_that_part_of_the_whole_one() {
    let lake = TempLake::new();
    lake.ingest_from(&[&super::support::project().join("sample-logs")]);
    assert!(compare_parts(&lake, &["alice", "bob", "frank"]) > 10);
    // Of events that came since the last resolve no session tells when it was in use.
    let late = call(
        "late",
        user("alice"),
        "2026-03-30T12:00:00Z",
        "s3",
        "ListBuckets",
    );
    lake.put("late.json", &records_file(&[late]));
    lake.ingest_unresolved();
    let until = lake.value("SELECT max(last_used_at) FROM sessions");
    assert!(until.as_str() < Some("2026-03-30"), "{until}");
    assert!(compare_parts(&lake, &["alice"]) > 1);
}

#[test]
fn an_id_is_found_whatever_it_looks_like() {
    let mut odd = call(
        "AKIA-not-an-uuid",
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    );
    odd["userIdentity"]["accessKeyId"] = json!("ext-key-1");
    let lake = TempLake::of(&[odd]);
    for (what, matched) in [
        ("AKIA-not-an-uuid", "event id"),
        ("ext-key-1", "access key"),
    ] {
        let hops = lines(&lake, &["who", what]);
        assert!(
            hops[0].contains(&format!("\"matched\":\"{matched}\"")),
            "{hops:?}"
        );
    }
}
