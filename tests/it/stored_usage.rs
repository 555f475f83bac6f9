//! What was used is stored by day, and is what the events say.

use super::support::records::{assume, call, records_file, session, user};
use super::support::{TempLake, copy_folder, project};
use rolecall::lake::{Lake, LakeTable};
use serde_json::{Value, json};

const USAGE: &str = "SELECT * FROM permission_usage ORDER BY persona_arn, persona_id, origin_kind, origin_id, \
    origin_account_id, origin_provider, iam_action, event_source, event_name, via_service, account_id";

fn is_stored(lake: &TempLake) -> bool {
    let lake = Lake::open(&lake.root()).unwrap();
    lake.snapshot().unwrap().is_usage_stored()
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
    assert!(is_stored(&stored));
    let wanted = stored.sql(USAGE);
    assert!(wanted.len() > 100, "{}", wanted.len());
    // A lake of which nothing is stored works it out when it is asked.
    let computed = TempLake::new();
    copy_folder(&stored.root(), &computed.root());
    computed.put(
        "empty-day.json",
        &records_file(&[call(
            "other-day",
            user("zoe"),
            "2026-04-01T00:00:00Z",
            "s3",
            "ListBuckets",
        )]),
    );
    computed.ingest_unresolved();
    assert!(!is_stored(&computed));
    let found = computed.sql(USAGE);
    let of_others: Vec<Value> = found
        .into_iter()
        .filter(|row| row["last_event_id"] != "other-day")
        .collect();
    assert_eq!(of_others, wanted);
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
    assert!(is_stored(&lake));
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
}
