//! What was used is stored by day, and is what the events say.

use super::support::records::{assume, call, records_file, session, user};
use super::support::{TempLake, copy_folder, project, rolecall};
use super::upkeep_prune::pruned;
use rolecall::lake::{Lake, LakeTable};

use serde_json::{Value, json};

const USAGE: &str = "SELECT * FROM permission_usage ORDER BY persona_arn, persona_id, origin_kind, origin_id, \
    origin_account_id, origin_provider, iam_action, event_source, event_name, via_service, account_id";

fn is_stored(lake: &TempLake) -> bool {
    let lake = Lake::open(&lake.root()).unwrap();
    rolecall::views::is_usage_stored(&lake.snapshot().unwrap())
}

/// The lake as if another version had stored what was used.
fn of_other_rules(lake: &TempLake) -> TempLake {
    let other = TempLake::new();
    copy_folder(&lake.root(), &other.root());
    let folder = other.root().join("manifest");
    let names = std::fs::read_dir(&folder).unwrap();
    let newest = names.map(|entry| entry.unwrap().path()).max().unwrap();
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&newest).unwrap()).unwrap();
    manifest["derived"]["usage"]["rules"] = json!("other rules");
    std::fs::write(&newest, manifest.to_string()).unwrap();
    other
}

/// What is stored is what the events say now.
fn assert_true(lake: &TempLake) {
    assert!(is_stored(lake));
    let computed = of_other_rules(lake);
    assert!(!is_stored(&computed));
    assert_eq!(lake.sql(USAGE), computed.sql(USAGE));
}

/// The files of `daily_usage`, by their day.
fn files(lake: &TempLake) -> Vec<(String, String)> {
    let lake = Lake::open(&lake.root()).unwrap();
    let manifest = lake.snapshot().unwrap();
    let files = manifest.files(LakeTable::DailyUsage).iter();
    files
        .map(|file| (file.date.unwrap().to_string(), file.path.clone()))
        .collect()
}

fn reads(name: &str, at: &str, bucket: &str) -> Value {
    let mut read = call(name, user("alice"), at, "s3", "GetBucketPolicy");
    read["resources"] = json!([{ "ARN": format!("arn:aws:s3:::{bucket}") }]);
    read["requestParameters"] = json!({ "bucketName": bucket });
    read
}

#[test]
fn what_is_stored_is_what_the_events_say() {
    let stored = TempLake::new();
    stored.ingest_from(&[
        &project().join("sample-logs"),
        &project().join("tests/records"),
    ]);
    assert!(stored.sql(USAGE).len() > 100);
    assert_true(&stored);
    // Whatever goes: sessions that began on days that are given up are kept with what was known of them.
    pruned(&stored, "2026-03-05");
    assert!(
        files(&stored)
            .iter()
            .all(|(day, _)| day.as_str() >= "2026-03-05")
    );
    assert_true(&stored);
}

#[test]
fn what_other_rules_gave_is_worked_out_again() {
    let lake = TempLake::new();
    lake.ingest_from(&[&project().join("sample-logs")]);
    let wanted = lake.sql(USAGE);
    let other = of_other_rules(&lake);
    let before = files(&other);
    let ran = rolecall(other.folder.path(), &["resolve", "--lake", "lake"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("stored the usage of 11 days"),
        "{}",
        ran.stderr
    );
    let after = files(&other);
    assert_eq!(after.len(), before.len());
    assert!(after.iter().all(|file| !before.contains(file)));
    assert_eq!(other.sql(USAGE), wanted);
    assert_true(&other);
}

#[test]
fn the_table_has_the_columns_of_the_view() {
    let lake = TempLake::new();
    lake.ingest_from(&[&project().join("sample-logs")]);
    let shown = |lake: &TempLake| {
        let ran = rolecall(
            lake.folder.path(),
            &[
                "sql",
                "SELECT * FROM daily_usage ORDER BY last_event_id, iam_action LIMIT 9",
                "--format",
                "csv",
                "--lake",
                "lake",
            ],
        );
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    assert_eq!(shown(&lake), shown(&of_other_rules(&lake)));
}

#[test]
fn a_late_file_changes_the_days_it_speaks_of_and_no_others() {
    let lake = TempLake::new();
    let taken = "2026-03-03T23:50:00Z";
    let in_one = || session("111122223333", "One", "a", "ASIAONEEXAMPLE", taken);
    let used = call(
        "used",
        in_one(),
        "2026-03-04T00:10:00Z",
        "s3",
        "ListBuckets",
    );
    let before = call(
        "before",
        user("bob"),
        "2026-03-02T10:00:00Z",
        "s3",
        "ListBuckets",
    );
    let after = call(
        "after",
        user("bob"),
        "2026-03-05T10:00:00Z",
        "s3",
        "ListBuckets",
    );
    lake.put("first.json", &records_file(&[used, before, after]));
    lake.ingest();
    let unresolved = "SELECT origin_id FROM permission_usage WHERE persona_arn LIKE '%:role/One'";
    assert_eq!(lake.sql(unresolved), [json!({ "origin_id": null })]);
    let old = files(&lake);
    assert_eq!(old.len(), 3);
    // The call that handed out the credentials, a day before they were used.
    let account = "111122223333";
    let issue = assume(
        "issue",
        user("alice"),
        taken,
        account,
        "One",
        "a",
        "ASIAONEEXAMPLE",
    );
    lake.put("late.json", &records_file(&[issue]));
    lake.ingest();
    let who =
        lake.sql("SELECT origin_name FROM permission_usage WHERE persona_arn LIKE '%:role/One'");
    assert_eq!(who, [json!({ "origin_name": "alice" })]);
    let new = files(&lake);
    let days: Vec<&str> = new.iter().map(|(day, _)| day.as_str()).collect();
    assert_eq!(
        days,
        ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]
    );
    let kept: Vec<&str> = new
        .iter()
        .filter(|file| old.contains(file))
        .map(|(day, _)| day.as_str())
        .collect();
    assert_eq!(kept, ["2026-03-02", "2026-03-05"]);
    assert_true(&lake);
}

#[test]
fn a_resource_of_several_days_counts_once_and_all_are_counted() {
    let lake = TempLake::new();
    let on = |day: u32, from: u32, to: u32| {
        (from..to).map(move |at| {
            let at_time = format!("2026-03-{day:02}T10:{:02}:{:02}Z", at / 60 % 60, at % 60);
            reads(&format!("{day}-{at}"), &at_time, &format!("bucket-{at:04}"))
        })
    };
    let records: Vec<Value> = on(2, 0, 150).chain(on(3, 100, 260)).collect();
    lake.put("reads.json", &records_file(&records));
    lake.ingest();
    let row = &lake.sql(
        "SELECT resource_count, array_length(resource_arns) AS named, resource_arns[1] AS least, \
         resource_arns[100] AS hundredth, use_count FROM permission_usage",
    )[0];
    assert_eq!(
        *row,
        json!({
            "resource_count": 260, "named": 100, "least": "arn:aws:s3:::bucket-0000",
            "hundredth": "arn:aws:s3:::bucket-0099", "use_count": 310,
        })
    );
    assert_true(&lake);
}
