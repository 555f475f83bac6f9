//! `rolecall report`: definitions, their mistakes, and what a report says.

use std::path::Path;

use insta::assert_snapshot;
use serde_json::Value;

use super::support::records::{assume, call, session, user};
use super::support::{Ran, TempLake, project, rolecall, rolecall_with};

fn define(folder: &Path, text: &str) {
    std::fs::write(folder.join("rolecall.toml"), text).unwrap();
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// A lake of the sample stories in `lake`, and a folder for definitions above it.
fn stories() -> TempLake {
    let lake = TempLake::new();
    lake.ingest_from(&[&project().join("sample-logs/stories")]);
    lake
}

fn report(lake: &TempLake, arguments: &[&str]) -> Ran {
    let all = [&["report", "run"], arguments, &["--lake", "lake"]].concat();
    rolecall(lake.folder.path(), &all)
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    define(
        folder.path(),
        r#"time_zone = "Europe/Berln"

[ingest]
schedule = "every day"

[[report]]
name = "a b"
schedule = "61 * * * *"
window = "yesterda"
compare = "last"
catch_up = 1000

[[report.section]]
builtin = "swiches"

[[report.section]]
query = "hats/wearers"
params = { rol = "a", since = "x" }

[[report.section]]
sql = "nowhere.sql"

[[report.section]]
builtin = "root"
query = "hats/worn"

[[report.output]]
format = "pdf"
to = "out/{dat}.md"

[[report]]
name = "twice"
section = [{ builtin = "root" }, { builtin = "root" }]

[[report]]
name = "twice"

[[notify]]
kind = "pigeon"
reports = ["nobody"]
when = "never"
"#,
    );
    let ran = rolecall(folder.path(), &["report", "check"]);
    assert_snapshot!(ran.shown(folder.path()));
    // The same mistakes keep a report from being run, and the scheduler from starting.
    for command in [
        ["report", "run", "twice"].as_slice(),
        &["report", "list"],
        &["run", "--once"],
    ] {
        let again = rolecall(folder.path(), command);
        assert_eq!((again.code, &again.stderr), (2, &ran.stderr), "{command:?}");
    }
}

#[test]
fn what_is_no_toml_or_of_another_type_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for (text, place) in [
        ("lake = \"l\"\n[[report]\n", "rolecall.toml:2:"),
        ("[[report]]\nname = 5\n", "rolecall.toml:2:8: "),
        (
            "[[report]]\nname = \"a\"\nnmae = \"b\"\n",
            "rolecall.toml:3:1: unknown field `nmae`",
        ),
        (
            "[[report]]\nname = \"a\"\n[[report.section]]\nbuiltin = \"root\"\nalert_above = -1\n",
            "rolecall.toml:5:15: ",
        ),
    ] {
        define(folder.path(), text);
        let ran = rolecall(folder.path(), &["report", "check"]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(place), "{place}: {}", ran.stderr);
    }
    let ran = rolecall(folder.path(), &["report", "check", "--config", "none.toml"]);
    assert_snapshot!(ran.shown(folder.path()), @r"
    exit 2
    --- stdout
    --- stderr
    error: cannot read `none.toml`
      because: No such file or directory (os error 2)
    hint: name the file of definitions with `--config FILE`
    ");
}

#[test]
fn a_column_that_is_not_there_is_found_before_the_night() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("mine.sql"),
        "-- Who?\n-- param: since timestamp\nSELECT origin_id FROM sessions WHERE created_at > $since::timestamp AND nonsense ORDER BY origin_id\n",
    )
    .unwrap();
    define(
        folder.path(),
        "[[report]]\nname = \"a\"\n[[report.section]]\nquery = \"hats/worn\"\nkey = [\"nobody\"]\n[[report.section]]\nsql = \"mine.sql\"\n",
    );
    let ran = rolecall(folder.path(), &["report", "check"]);
    assert_eq!(ran.code, 2);
    for wrong in [
        "rolecall.toml:3:1: section `worn` has no column `nobody`: it has ",
        "rolecall.toml:6:1: section `mine` cannot be answered",
        "nonsense",
    ] {
        assert!(ran.stderr.contains(wrong), "{wrong}: {}", ran.stderr);
    }
}

#[test]
fn check_and_list_tell_what_will_come() {
    let folder = tempfile::tempdir().unwrap();
    define(
        folder.path(),
        "[[report]]\nname = \"nightly\"\ntitle = \"Night\"\nsection = [{ builtin = \"privileged\" }]\noutput = [{ format = \"html\", to = \"out/{date}.html\" }]\n",
    );
    let ran = rolecall(folder.path(), &["report", "check"]);
    assert_snapshot!(ran.shown(folder.path()), @r#"
    exit 0
    --- stdout
    {"name":"nightly","title":"Night","schedule":null,"time_zone":"UTC","next_run_at":null,"sections":"privileged_roles, break_glass, made","outputs":"html out/{date}.html"}
    --- stderr
    1 report with 3 sections: no mistake was found
    "#);
    let ran = rolecall(folder.path(), &["report", "run", "nihtly"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("did you mean `nightly`?"),
        "{}",
        ran.stderr
    );
}

/// The whole of one report of the sample stories, as people read it.
#[test]
fn a_report_of_one_day_of_the_stories() {
    let lake = stories();
    define(
        lake.folder.path(),
        r#"[[report]]
name = "daily"
title = "What happened"

[[report.section]]
builtin = "account_review"

[[report.section]]
builtin = "new"
"#,
    );
    let ran = report(
        &lake,
        &["daily", "--for", "2026-03-02", "--format", "markdown"],
    );
    assert_snapshot!(ran.shown(lake.folder.path()));
}

#[test]
fn every_built_in_section_can_be_asked_of_the_stories() {
    let lake = stories();
    for name in [
        "grants-111122223333.json",
        "grants-444455556666.json",
        "credential-report.csv",
    ] {
        let from = project().join("docs/examples").join(name);
        std::fs::copy(from, lake.folder.path().join(name)).unwrap();
    }
    let mut text = String::from(
        "grants = [\"grants-111122223333.json\", \"grants-444455556666.json\", \"credential-report.csv\"]\n\
         [[report]]\nname = \"all\"\nwindow = \"30d\"\n",
    );
    for section in rolecall::reports::BUILT_INS {
        text += &format!("[[report.section]]\nbuiltin = \"{}\"\n", section.name);
    }
    define(lake.folder.path(), &text);
    let ran = report(&lake, &["all", "--for", "2026-03-15", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    // The stories have no juggler, and no country without a MaxMind file.
    for section in rolecall::reports::BUILT_INS {
        let rows = json[section.name].as_array().unwrap().len();
        let is_empty = ["juggling", "new_countries"].contains(&section.name);
        assert_eq!(rows == 0, is_empty, "{}: {rows} rows", section.name);
        for column in section
            .for_people
            .iter()
            .chain(section.key)
            .chain(section.watch)
        {
            if let Some(row) = json[section.name].get(0) {
                assert!(row.get(*column).is_some(), "{}: {column}", section.name);
            }
        }
    }
    assert_snapshot!(serde_json::to_string_pretty(&json["rightsizing"]).unwrap());
}

#[test]
fn countries_come_from_the_users_own_file() {
    let lake = stories();
    let file = project().join("tests/countries/documentation.mmdb");
    define(
        lake.folder.path(),
        &format!(
            "countries = \"{}\"\n[[report]]\nname = \"all\"\nwindow = \"30d\"\nsection = [{{ builtin = \"new_countries\" }}]\n",
            file.display()
        ),
    );
    let ran = report(&lake, &["all", "--for", "2026-03-15", "--format", "jsonl"]);
    let rows: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let found: Vec<(&str, &str)> = rows
        .iter()
        .filter(|row| row["section"] == "new_countries")
        .map(|row| {
            (
                row["who"].as_str().unwrap(),
                row["country"].as_str().unwrap(),
            )
        })
        .collect();
    assert!(found.contains(&("alice", "DE")), "{found:?}");
    // One address in each country: two countries.
    assert!(
        found.contains(&("heidi", "DE")) && found.contains(&("heidi", "BR")),
        "{found:?}"
    );
    let asked = [
        "sql",
        "SELECT country_of('198.51.100.7') AS a, country_of('10.0.0.1') AS b, country_of('2001:db8::1') AS c, country_of('x') AS d",
        "--lake",
        "lake",
        "--countries",
        file.to_str().unwrap(),
    ];
    let ran = rolecall(lake.folder.path(), &asked);
    assert_eq!(
        ran.stdout,
        "{\"a\":\"BR\",\"b\":null,\"c\":\"JP\",\"d\":null}\n"
    );
    let wrong = rolecall(
        lake.folder.path(),
        &["status", "--lake", "lake", "--countries", "rolecall.toml"],
    );
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains("`rolecall.toml` is no MaxMind file"),
        "{}",
        wrong.stderr
    );
}

/// Two days: alice in a role, then bob too, and root.
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

/// `docs/reports.md` shows what every built-in section says of the samples.
#[test]
fn the_page_shows_what_the_sections_say() {
    let folder = tempfile::tempdir().unwrap();
    let page = std::fs::read_to_string(project().join("docs/reports.md")).unwrap();
    let config = project().join("docs/examples/rolecall.toml");
    let arguments = [
        "report",
        "run",
        "everything",
        "--for",
        "2026-03-15",
        "--format",
        "markdown",
        "--lake",
        "lake",
        "--config",
        config.to_str().unwrap(),
    ];
    let ran = rolecall(folder.path(), &arguments);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    let told: Vec<(&str, &str)> = ran
        .stdout
        .split("\n## ")
        .skip(2)
        .map(|part| part.split_once('\n').unwrap())
        .collect();
    assert_eq!(told.len(), rolecall::reports::BUILT_INS.len());
    for (title, text) in told {
        let section = rolecall::reports::BUILT_INS
            .iter()
            .find(|known| known.title == title);
        let shown = format!(
            "### `{}`: {title}\n\n{}\n",
            section.unwrap().name,
            text.trim()
        );
        assert!(page.contains(&shown), "the page does not show\n{shown}");
    }
    // And the first definitions of the page are some.
    let first = page
        .split("```toml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    define(folder.path(), first);
    assert_eq!(rolecall(folder.path(), &["report", "check"]).code, 0);
}

#[test]
fn what_would_destroy_an_output_or_tell_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    define(
        folder.path(),
        r#"pseudonym_key_env = "A"
pseudonym_key_file = "a"

[[report]]
name = "one"
section = [{ builtin = "origins", name = "summary" }, { builtin = "unused_keys" }]
output = [{ format = "csv", to = "out.csv" }, { format = "html", to = "https://example.com/x.html" }]

[[report]]
name = "two"
catch_up = 0
schedule = "0 0 30 2 *"
section = [{ builtin = "origins" }]
output = [{ format = "json", to = "out.csv" }]
"#,
    );
    let ran = rolecall(folder.path(), &["report", "check"]);
    assert_eq!(ran.code, 2);
    for wrong in [
        "rolecall.toml:1:21: the key of pseudonyms is in one place",
        "every report has a section called `summary`",
        "section `unused_keys` needs `grants`",
        "rolecall.toml:7:71: reports go to files and to `s3://BUCKET/KEY`",
        "rolecall.toml:11:12: from 1 to 400 runs can be made up for",
        "rolecall.toml:12:12: `0 0 30 2 *` is no schedule",
        "another output goes to `out.csv` already",
    ] {
        assert!(ran.stderr.contains(wrong), "{wrong}: {}", ran.stderr);
    }
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
