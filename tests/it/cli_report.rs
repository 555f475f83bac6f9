//! `rolecall report`: definitions, their mistakes, and what a report says.

use std::path::Path;

use insta::assert_snapshot;
use serde_json::Value;

use super::support::{Ran, TempLake, project, rolecall};

pub fn define(folder: &Path, text: &str) {
    std::fs::write(folder.join("rolecall.toml"), text).unwrap();
}

pub fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// A lake of the sample stories in `lake`, and a folder for definitions above it.
fn stories() -> TempLake {
    let lake = TempLake::new();
    lake.ingest_from(&[&project().join("sample-logs/stories")]);
    lake
}

pub fn report(lake: &TempLake, arguments: &[&str]) -> Ran {
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
fn pseudonyms_without_a_key_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for pseudonymous in [
        "output = [{ format = \"csv\", to = \"out.csv\", pseudonymise = true }]\n",
        "[[notify]]\nkind = \"slack\"\naddress_env = \"A\"\nrows = 1\npseudonymise = true\n",
    ] {
        define(
            folder.path(),
            &format!(
                "[[report]]\nname = \"one\"\nsection = [{{ builtin = \"origins\" }}]\n{pseudonymous}"
            ),
        );
        for command in [["report", "check"].as_slice(), &["run", "--once"]] {
            let ran = rolecall(folder.path(), command);
            assert_eq!(ran.code, 2, "{}", ran.stderr);
            assert!(
                ran.stderr.contains("no key for pseudonyms"),
                "{}",
                ran.stderr
            );
        }
    }
}
