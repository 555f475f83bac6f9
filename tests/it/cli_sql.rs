//! SQL over the lake: reads everything, writes nothing, leaves the lake's folder alone.

use super::support::records::{call, user};
use super::support::{TempLake, rolecall};

fn lake() -> TempLake {
    TempLake::of(&[
        call(
            "1",
            user("alice"),
            "2026-03-02T09:00:00Z",
            "s3",
            "ListBuckets",
        ),
        call(
            "2",
            user("bob"),
            "2026-03-03T09:00:00Z",
            "s3",
            "ListBuckets",
        ),
    ])
}

#[test]
fn rows_come_as_a_table_or_as_json_lines() {
    let lake = lake();
    let sql = "SELECT event_time, event_id, date, resource_arns, error_code FROM attributed_events ORDER BY event_time";
    for format in ["table", "jsonl"] {
        let ran = rolecall(
            lake.folder.path(),
            &["sql", sql, "--lake", "lake", "--format", format],
        );
        insta::allow_duplicates! {
            if format == "table" {
                insta::assert_snapshot!(ran.shown(lake.folder.path()), @"
                exit 0
                --- stdout
                 event_time             event_id   date         resource_arns   error_code
                ───────────────────────────────────────────────────────────────────────────
                 2026-03-02T09:00:00Z   1          2026-03-02
                 2026-03-03T09:00:00Z   2          2026-03-03
                --- stderr
                ");
            } else {
                insta::assert_snapshot!(ran.shown(lake.folder.path()), @r#"
                exit 0
                --- stdout
                {"event_time":"2026-03-02T09:00:00Z","event_id":"1","date":"2026-03-02","resource_arns":[],"error_code":null}
                {"event_time":"2026-03-03T09:00:00Z","event_id":"2","date":"2026-03-03","resource_arns":[],"error_code":null}
                --- stderr
                "#);
            }
        }
    }
}

#[test]
fn what_is_no_question_is_refused() {
    let lake = lake();
    let before = lake.tables();
    for sql in [
        "DROP TABLE events",
        "DELETE FROM events",
        "UPDATE events SET event_id = 'x'",
        "INSERT INTO events SELECT * FROM events",
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/tmp/'",
        "COPY events TO 'out.parquet'",
        "SET datafusion.execution.target_partitions = 1",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM 'lake/events'",
        "SELECT 1; DROP TABLE events",
        "EXPLAIN ANALYZE INSERT INTO events SELECT * FROM events",
        "EXPLAIN ANALYZE COPY events TO 'out.parquet'",
        "WITH e AS (SELECT 1) INSERT INTO events SELECT * FROM events",
        "TRUNCATE TABLE events",
        "PREPARE p AS SELECT 1",
        "BEGIN",
        "RESET datafusion.execution.target_partitions",
        "CREATE DATABASE d",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('../other/events')",
        "SELECT * FROM \"file:///etc/passwd\"",
    ] {
        let ran = rolecall(lake.folder.path(), &["sql", sql, "--lake", "lake"]);
        assert_eq!(ran.code, 2, "{sql}");
        assert!(ran.stderr.starts_with("error: "), "{sql}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{sql}");
    }
    assert_eq!(lake.tables(), before);
    assert!(!lake.folder.path().join("out.parquet").exists());
}

/// The days whose events are looked at.
fn days_of_plan(lake: &TempLake, condition: &str) -> Vec<&'static str> {
    let plan = lake.sql(&format!(
        "EXPLAIN SELECT event_id FROM attributed_events WHERE {condition}"
    ));
    let plan: String = plan
        .iter()
        .map(|row| row["plan"].as_str().unwrap())
        .collect();
    let days = [
        "2026-03-02",
        "2026-03-03",
        "2026-03-04",
        "2026-03-05",
        "2026-03-06",
    ];
    let days = days.into_iter();
    days.filter(|day| plan.contains(&format!("events/date={day}")))
        .collect()
}

#[test]
fn days_are_pruned_whether_asked_by_time_or_by_date_or_by_the_id_of_an_event() {
    let lake = lake();
    let id = |day: &str| {
        let id = lake.value(&format!(
            "SELECT min(event_id) AS id FROM events WHERE date = '{day}'"
        ));
        id.as_str().unwrap().to_owned()
    };
    let of_day = id("2026-03-03");
    for condition in [
        "event_time >= '2026-03-03T00:00:00Z'",
        "date = '2026-03-03'",
        "date >= DATE '2026-03-03' AND event_name = 'ListBuckets'",
        &format!("event_id = '{of_day}'"),
        &format!("event_id IN ('{of_day}', '{of_day}') AND aws_region IS NOT NULL"),
    ] {
        assert_eq!(
            days_of_plan(&lake, condition),
            ["2026-03-03"],
            "{condition}"
        );
    }
    for condition in [
        &format!("event_id <> '{of_day}'"),
        &format!("event_id = '{of_day}' OR aws_region = 'eu-west-1'"),
    ] {
        let both = ["2026-03-02", "2026-03-03"];
        assert_eq!(days_of_plan(&lake, condition), both, "{condition}");
    }
}

#[test]
fn a_list_of_ids_opens_the_files_of_their_days_and_one_that_nobody_knows_all() {
    let days = 2..7;
    let on = |day| {
        let time = format!("2026-03-0{day}T09:00:00Z");
        call(
            &format!("on-{day}"),
            user("alice"),
            &time,
            "s3",
            "ListBuckets",
        )
    };
    let lake = TempLake::of(&days.clone().map(on).collect::<Vec<_>>());
    for most in 1..5 {
        let wanted: Vec<String> = days
            .clone()
            .take(most)
            .map(|day| format!("on-{day}"))
            .collect();
        let listed = |ids: &[String]| format!("event_id IN ('{}')", ids.join("','"));
        assert_eq!(
            days_of_plan(&lake, &listed(&wanted)).len(),
            most,
            "{wanted:?}"
        );
        let with_stranger = [wanted, vec!["nobody".to_owned()]].concat();
        assert_eq!(days_of_plan(&lake, &listed(&with_stranger)).len(), 5);
    }
}
