//! What runs of a report say of each other, and where they go: periods, changes, files, pseudonyms.

use serde_json::Value;

use super::cli_report::{define, read, report};
use super::support::records::{assume, call, session, user};
use super::support::{TempLake, rolecall, rolecall_with};

/// Two days: alice in a role, then bob too.
fn two_days() -> TempLake {
    let day = |day: u32, id: &str, who: &str| {
        let time = |minute: u32| format!("2026-03-0{day}T09:{minute:02}:00Z");
        let key = format!("ASIA{}{day}", who.to_uppercase());
        let taken = assume(
            &format!("{id}-a"),
            user(who),
            &time(0),
            "123456789012",
            "Ops",
            who,
            &key,
        );
        let acted = call(
            &format!("{id}-b"),
            session("123456789012", "Ops", who, &key, &time(0)),
            &time(5),
            "s3",
            "ListBuckets",
        );
        [taken, acted]
    };
    let records: Vec<Value> = [
        day(2, "1", "alice"),
        day(3, "2", "alice"),
        day(3, "3", "bob"),
    ]
    .into_iter()
    .flatten()
    .collect();
    TempLake::of(&records)
}

const CHANGES: &str = r#"[[report]]
name = "changes"
compare = "previous"

[[report.section]]
builtin = "origins"
alert_above = 0

[[report.section]]
query = "hats/worn"
compare = "none"

[[report.output]]
format = "jsonl"
to = "out/{date}.jsonl"
"#;

#[test]
fn only_what_changed_since_the_last_run_is_shown_and_old_days_stay_as_they_were() {
    let lake = two_days();
    let folder = lake.folder.path();
    define(folder, CHANGES);
    // The first run has nothing to be held against: all is shown, and more than was let pass.
    assert_eq!(report(&lake, &["changes", "--for", "2026-03-02"]).code, 4);
    let first = read(folder, "out/2026-03-02.jsonl");
    let ran = report(&lake, &["changes", "--for", "2026-03-03"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("1 of 2 sections are above their thresholds"),
        "{}",
        ran.stderr
    );
    let changed: Vec<Value> = read(folder, "out/2026-03-03.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let origins: Vec<_> = changed
        .iter()
        .filter(|row| row["section"] == "origins")
        .collect();
    assert_eq!(origins.len(), 1, "{origins:?}");
    assert_eq!(
        (origins[0]["change"].as_str(), origins[0]["who"].as_str()),
        (Some("new"), Some("bob"))
    );
    // The day before, once more: what came since changes nothing.
    assert_eq!(report(&lake, &["changes", "--for", "2026-03-02"]).code, 4);
    assert_eq!(read(folder, "out/2026-03-02.jsonl"), first);
    // A day on which nobody acts: both are gone, and that is no finding.
    assert_eq!(report(&lake, &["changes", "--for", "2026-03-04"]).code, 0);
    let gone = read(folder, "out/2026-03-04.jsonl");
    assert_eq!(gone.matches("\"change\":\"gone\"").count(), 2, "{gone}");
    // And another one: nothing changed, and no section is above its threshold.
    assert_eq!(report(&lake, &["changes", "--for", "2026-03-05"]).code, 0);
    // What was asked is written down, for SQL too.
    let runs = lake.sql("SELECT window_to, row_count, shown_count FROM report_runs WHERE section = 'origins' ORDER BY window_to");
    let counts: Vec<_> = runs
        .iter()
        .map(|run| (&run["row_count"], &run["shown_count"]))
        .collect();
    assert_eq!(counts.len(), 4);
    assert_eq!(counts[1], (&Value::from(2), &Value::from(1)));
}

#[test]
fn a_section_that_asks_something_else_now_is_not_held_against_what_was_asked_before() {
    let lake = two_days();
    let folder = lake.folder.path();
    let of = |roles: &str| {
        format!(
            "[[report]]\nname = \"r\"\n[[report.section]]\nbuiltin = \"break_glass\"\ncompare = \"previous\"\nparams = {{ pattern = \"{roles}\" }}\n"
        )
    };
    define(folder, &of("ops"));
    assert_eq!(report(&lake, &["r", "--for", "2026-03-02"]).code, 0);
    define(folder, &of("o.s"));
    let ran = report(&lake, &["r", "--for", "2026-03-03", "--format", "markdown"]);
    assert!(
        ran.stdout
            .contains("There is no earlier run to compare with"),
        "{}",
        ran.stdout
    );
    // A baseline is a run of its own choice.
    define(folder, &of("o.s").replace("previous", "2026-03-03"));
    let ran = report(&lake, &["r", "--for", "2026-03-05", "--format", "markdown"]);
    assert!(
        ran.stdout
            .contains("Shown is what changed since the run up to 2026-03-04T00:00:00Z"),
        "{}",
        ran.stdout
    );
    assert_eq!(
        ran.stdout.matches("\n| gone | 2026").count(),
        2,
        "{}",
        ran.stdout
    );
}

#[test]
fn each_section_may_have_a_file_of_its_own() {
    let lake = two_days();
    let folder = lake.folder.path();
    define(
        folder,
        "[[report]]\nname = \"r\"\nsection = [{ builtin = \"origins\" }, { builtin = \"root\" }]\noutput = [{ format = \"csv\", to = \"out/{year}/{month}/{day}/{section}.csv\" }]\n",
    );
    let ran = report(&lake, &["r", "--for", "2026-03-02"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let header = "origin_kind,origin_id,origin_account_id,origin_provider,sessions,roles,events,denied,first_at,last_at,person,who,kind,account\n";
    assert_eq!(
        read(folder, "out/2026/03/02/origins.csv"),
        format!(
            "{header}iam_user,arn:aws:iam::111122223333:user/alice,111122223333,,2,Ops,2,0,2026-03-02T09:00:00Z,2026-03-02T09:05:00Z,,alice,iam_user,111122223333\n"
        )
    );
    // A section without rows has its header.
    assert_eq!(read(folder, "out/2026/03/02/root.csv").lines().count(), 1);
    assert_eq!(
        read(folder, "out/2026/03/02/summary.csv").lines().count(),
        3
    );
}

#[test]
fn a_query_of_ones_own_gets_the_period_and_parameters() {
    let lake = two_days();
    let folder = lake.folder.path();
    std::fs::create_dir(folder.join("queries")).unwrap();
    std::fs::write(
        folder.join("queries/calls.sql"),
        "-- How often was something called?\n-- param: name text\n-- param: since timestamp\n-- param: until timestamp\n-- reads: events\n\
         SELECT event_name, count(*) AS calls FROM events WHERE event_time >= $since::timestamp AND event_time < $until::timestamp AND event_name = $name::text GROUP BY event_name ORDER BY event_name\n",
    )
    .unwrap();
    let of = |params: &str| {
        format!(
            "[[report]]\nname = \"r\"\n[[report.section]]\nsql = \"queries/calls.sql\"\n{params}\n"
        )
    };
    define(folder, &of("params = { name = \"AssumeRole\" }"));
    let ran = report(&lake, &["r", "--for", "2026-03-03", "--format", "jsonl"]);
    assert!(
        ran.stdout
            .contains(r#"{"section":"calls","event_name":"AssumeRole","calls":2}"#),
        "{}",
        ran.stdout
    );
    define(folder, &of(""));
    let ran = report(&lake, &["r", "--for", "2026-03-03"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .contains("rolecall.toml:4:7: the query needs `name`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_section_has_no_more_rows_than_it_may_and_says_so() {
    let lake = two_days();
    let text = "[[report]]\nname = \"r\"\ncompare = \"previous\"\nsection = [{ builtin = \"origins\", max_rows = 1 }]\n";
    define(lake.folder.path(), text);
    assert_eq!(report(&lake, &["r", "--for", "2026-03-02"]).code, 0);
    let ran = report(&lake, &["r", "--for", "2026-03-03", "--format", "json"]);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["origins"].as_array().unwrap().len(), 1);
    assert_eq!(json["summary"][0]["is_cut"], true);
    assert_eq!(json["summary"][0]["compared_with"], Value::Null);
    let ran = report(&lake, &["r", "--for", "2026-03-03", "--format", "markdown"]);
    assert!(
        ran.stdout
            .contains("There are more: these are the first 1,"),
        "{}",
        ran.stdout
    );
}

#[test]
fn since_the_last_run_goes_from_where_that_ended() {
    let lake = two_days();
    let folder = lake.folder.path();
    define(
        folder,
        "[[report]]\nname = \"r\"\nwindow = \"since-last-run\"\nsection = [{ builtin = \"origins\" }]\noutput = [{ format = \"json\", to = \"out/{date}T{time}.json\" }]\n",
    );
    for until in ["2026-03-02T09:03:00Z", "2026-03-02T10:00:00Z"] {
        assert_eq!(report(&lake, &["r", "--for", until]).code, 0);
    }
    let events = |name: &str| {
        let json: Value = serde_json::from_str(&read(folder, name)).unwrap();
        (
            json["summary"][0]["window_from"].clone(),
            json["origins"][0]["events"].clone(),
        )
    };
    assert_eq!(
        events("out/2026-03-02T0903.json"),
        ("2026-03-01T09:03:00Z".into(), 1.into())
    );
    assert_eq!(
        events("out/2026-03-02T1000.json"),
        ("2026-03-02T09:03:00Z".into(), 1.into())
    );
}

#[test]
fn a_report_reads_what_is_new_first_and_its_exit_code_tells_what_was_rejected() {
    let lake = TempLake::new();
    let folder = lake.folder.path();
    define(
        folder,
        "lake = \"lake\"\n[ingest]\nsources = [\"logs\"]\n[[report]]\nname = \"r\"\nsection = [{ builtin = \"origins\" }]\n",
    );
    lake.put("bad.json", br#"{"Records":[{"eventID":"1"}]}"#);
    let ran = rolecall(folder, &["report", "run", "r", "--for", "2026-03-02"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let ran = rolecall(
        folder,
        &[
            "report",
            "run",
            "r",
            "--for",
            "2026-03-02",
            "--no-ingest",
            "--no-record",
        ],
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn names_become_pseudonyms_with_a_key_and_nothing_goes_out_without_one() {
    let lake = two_days();
    let folder = lake.folder.path();
    define(
        folder,
        "pseudonym_key_env = \"ROLECALL_KEY\"\n[[report]]\nname = \"r\"\nsection = [{ builtin = \"account_review\" }, { builtin = \"new\" }]\n\
         output = [{ format = \"html\", to = \"out.html\", pseudonymise = true }, { format = \"json\", to = \"out.json\" }]\n",
    );
    let arguments = [
        "report",
        "run",
        "r",
        "--for",
        "2026-03-03",
        "--lake",
        "lake",
    ];
    let ran = rolecall(folder, &arguments);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .contains("the key of pseudonyms should be in the environment as `ROLECALL_KEY`"),
        "{}",
        ran.stderr
    );
    assert!(!folder.join("out.html").exists() && !folder.join("out.json").exists());
    let key = "0123456789abcdef0123456789abcdef";
    let ran = rolecall_with(folder, &arguments, &[("ROLECALL_KEY", key)]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let (html, json) = (read(folder, "out.html"), read(folder, "out.json"));
    for name in ["alice", "bob", "123456789012", "Ops", key] {
        assert!(!html.contains(name), "{name}: {html}");
    }
    assert!(
        html.contains("name-") && html.contains("AssumeRole"),
        "{html}"
    );
    assert!(json.contains("alice"));
    let ran = rolecall_with(
        folder,
        &[&arguments[..], &["--pseudonymise"]].concat(),
        &[("ROLECALL_KEY", key)],
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!read(folder, "out.json").contains("alice"));
}

#[test]
fn what_an_attacker_writes_is_text_in_every_form() {
    let mut hostile = call(
        "1",
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    );
    hostile["userAgent"] = Value::from("<script>alert(1)</script>|=cmd\u{1b}[31m");
    hostile["userIdentity"]["userName"] = Value::from("<img src=x onerror=alert(1)>");
    hostile["userIdentity"]["arn"] =
        Value::from("arn:aws:iam::123456789012:user/<img src=x onerror=alert(1)>");
    let lake = TempLake::of(&[hostile]);
    let folder = lake.folder.path();
    define(
        folder,
        "[[report]]\nname = \"r\"\nsection = [{ builtin = \"origins\" }, { builtin = \"new_user_agents\" }]\n\
         output = [{ format = \"html\", to = \"out.html\" }, { format = \"markdown\", to = \"out.md\" }, { format = \"csv\", to = \"{section}.csv\" }]\n",
    );
    let ran = report(&lake, &["r", "--for", "2026-03-02"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let html = read(folder, "out.html");
    assert!(
        !html.contains("<script") && !html.contains("<img") && !html.contains('\u{1b}'),
        "{html}"
    );
    assert!(html.contains("Content-Security-Policy"), "{html}");
    let markdown = read(folder, "out.md");
    assert!(
        markdown.contains("`<script>alert(1)</script>"),
        "{markdown}"
    );
    assert!(!read(folder, "new_user_agents.csv").contains('\u{1b}'));
}

#[test]
fn a_link_is_followed_and_what_a_killed_run_left_is_cleared_away() {
    let lake = two_days();
    let folder = lake.folder.path();
    define(
        folder,
        "[[report]]\nname = \"r\"\nsection = [{ builtin = \"origins\" }]\noutput = [{ format = \"markdown\", to = \"link.md\" }]\n",
    );
    std::fs::create_dir(folder.join("real")).unwrap();
    std::fs::write(folder.join("real/there.md"), "old").unwrap();
    std::fs::write(folder.join("real/.there.md.unfinished"), "half").unwrap();
    std::os::unix::fs::symlink("real/there.md", folder.join("link.md")).unwrap();
    assert_eq!(report(&lake, &["r", "--for", "2026-03-02"]).code, 0);
    assert!(folder.join("link.md").is_symlink());
    assert!(read(folder, "real/there.md").contains("alice"));
    assert!(!folder.join("real/.there.md.unfinished").exists());
}
