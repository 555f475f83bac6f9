//! What the events of a day say of identities is asked once, and sessions are worked out from what was stored.

use super::support::records::{assume, call, records_file, session, user};
use super::support::{TempLake, project, runtime};
use super::upkeep_prune::pruned;
use rolecall::directory::Directory;
use rolecall::engine::EngineLimits;
use rolecall::lake::{Derived, Lake, LakeTable};
use rolecall::sessions::{FACT_RULES, FACT_TABLES, QUERIES};
use rolecall::upkeep::{Policy, compact, resolve_all};
use rolecall::views::open_lake;
use serde_json::{Value, json};

/// The files of some tables, by path.
fn files(lake: &TempLake, tables: &[LakeTable]) -> Vec<String> {
    let manifest = Lake::open(&lake.root()).unwrap().snapshot().unwrap();
    let files = tables.iter().flat_map(|table| manifest.files(*table));
    files.map(|file| file.path.clone()).collect()
}

fn facts(lake: &TempLake) -> Vec<String> {
    files(lake, &FACT_TABLES.map(|facts| facts.shape.table))
}

/// On each of these days alice takes a role and uses it; bob has a key that he uses every day.
fn day(day: u32) -> Vec<u8> {
    let at = |minute: u32| format!("2026-03-{day:02}T10:{minute:02}:00Z");
    let (account, key) = ("111122223333", format!("ASIAONE{day:02}EXAMPLE"));
    let issue = format!("issue-{day}");
    records_file(&[
        assume(&issue, user("alice"), &at(0), account, "One", "a", &key),
        call(
            &format!("used-{day}"),
            session(account, "One", "a", &key, &at(0)),
            &at(5),
            "s3",
            "ListBuckets",
        ),
        call(
            &format!("bob-{day}"),
            user("bob"),
            &at(7),
            "s3",
            "ListBuckets",
        ),
    ])
}

fn of_days(days: &[u32]) -> TempLake {
    let lake = TempLake::new();
    for number in days {
        lake.put(&format!("{number}.json"), &day(*number));
    }
    lake.ingest();
    lake
}

#[test]
fn a_new_day_leaves_the_facts_and_sessions_of_other_days_where_they_are() {
    let lake = of_days(&[2, 3, 4]);
    let (facts_before, sessions_before) = (facts(&lake), files(&lake, &[LakeTable::Sessions]));
    assert_eq!(facts_before.len(), 3);
    // Three days of alice's role, and those of keys, which have no day.
    assert_eq!(sessions_before.len(), 4);
    lake.put("5.json", &day(5));
    lake.ingest();
    let (facts_now, sessions_now) = (facts(&lake), files(&lake, &[LakeTable::Sessions]));
    assert!(facts_before.iter().all(|file| facts_now.contains(file)));
    assert_eq!(facts_now.len(), 6);
    let kept = sessions_now
        .iter()
        .filter(|file| sessions_before.contains(file));
    assert_eq!(kept.count(), 3);
    assert_eq!(sessions_now.len(), 5);
    assert_eq!(lake.tables(), of_days(&[2, 3, 4, 5]).tables());
}

#[test]
fn a_late_file_changes_the_facts_of_its_day_alone() {
    let lake = of_days(&[2, 4]);
    let before = facts(&lake);
    lake.put("3.json", &day(3));
    lake.ingest();
    // Whoever has facts of the day before and the day after has to be looked through, and is written anew only where it must.
    assert_eq!(lake.tables(), of_days(&[2, 3, 4]).tables());
    lake.put(
        "late.json",
        &records_file(&[call(
            "late",
            user("bob"),
            "2026-03-02T11:00:00Z",
            "s3",
            "ListBuckets",
        )]),
    );
    lake.ingest();
    let counted =
        "SELECT day, event_count FROM daily_sessions WHERE user_name = 'bob' ORDER BY day";
    let row = |day: u32, count: u32| json!({ "day": format!("2026-03-{day:02}T00:00:00Z"), "event_count": count });
    assert_eq!(lake.sql(counted), [row(2, 2), row(3, 1), row(4, 1)]);
    let bob = "SELECT event_count FROM sessions WHERE origin_name = 'bob'";
    assert_eq!(lake.value(bob), json!(4));
    assert!(facts(&lake).iter().all(|file| !before.contains(file)));
}

fn change_manifest(lake: &TempLake, change: impl FnOnce(&mut Value)) {
    let folder = lake.root().join("manifest");
    let names = std::fs::read_dir(&folder).unwrap();
    let newest = names.map(|entry| entry.unwrap().path()).max().unwrap();
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&newest).unwrap()).unwrap();
    change(&mut manifest);
    std::fs::write(&newest, manifest.to_string()).unwrap();
}

#[test]
fn a_lake_without_facts_can_be_pruned_before_anything_else_and_names_stay_known() {
    let of_records = || {
        let lake = TempLake::new();
        lake.ingest_from(&[&project().join("tests/records")]);
        lake
    };
    let names = "SELECT user_name FROM kept_users ORDER BY identity_store_arn, user_id, user_name";
    let lake = of_records();
    pruned(&lake, "2026-03-20");
    let wanted = lake.sql(names);
    assert!(!wanted.is_empty());
    // As a version left it that knew of no facts.
    let old = of_records();
    change_manifest(&old, |manifest| {
        manifest["derived"] = json!({});
        for facts in FACT_TABLES {
            manifest["tables"][facts.shape.table.name()] = json!([]);
        }
    });
    pruned(&old, "2026-03-20");
    assert_eq!(old.sql(names), wanted);
    assert_eq!(old.tables(), lake.tables());
}

#[test]
fn facts_of_other_rules_are_asked_for_again() {
    let lake = of_days(&[2, 3]);
    let wanted = lake.tables();
    let before = facts(&lake);
    change_manifest(&lake, |manifest| {
        manifest["derived"]["facts"]["rules"] = json!("other rules");
    });
    lake.ingest();
    assert!(facts(&lake).iter().all(|file| !before.contains(file)));
    assert_eq!(lake.tables(), wanted);
    let manifest = Lake::open(&lake.root()).unwrap().snapshot().unwrap();
    assert!(manifest.is_stored(Derived::Facts, FACT_RULES));
}

#[test]
fn files_of_many_days_become_one_and_say_the_same() {
    let lake = of_days(&[2]);
    for number in 3..12 {
        lake.put(&format!("{number}.json"), &day(number));
        lake.ingest();
    }
    let wanted = lake.tables();
    assert_eq!(facts(&lake).len(), 30);
    {
        let open = Lake::open(&lake.root()).unwrap();
        let guard = open
            .write("2026-04-02T00:00:00Z".parse().unwrap(), || ())
            .unwrap();
        let limits = super::support::LIMITS;
        runtime()
            .block_on(compact(&guard, Policy::AFTER_INGEST, limits, &mut |_| ()))
            .unwrap();
    }
    assert_eq!(facts(&lake).len(), 3);
    assert_eq!(lake.tables(), wanted);
    // A day in the middle goes out of the file and comes back in one of its own.
    lake.put(
        "late.json",
        &records_file(&[call(
            "late",
            user("bob"),
            "2026-03-06T11:00:00Z",
            "s3",
            "ListBuckets",
        )]),
    );
    lake.ingest();
    assert_eq!(facts(&lake).len(), 6);
    let bob = "SELECT event_count FROM sessions WHERE origin_name = 'bob'";
    assert_eq!(lake.value(bob), json!(11));
    // And days that are given up leave no facts behind.
    pruned(&lake, "2026-03-08");
    for facts in FACT_TABLES {
        let table = facts.shape.table.name();
        let least = lake.value(&format!("SELECT min(day) AS day FROM {table}"));
        assert_eq!(least, json!("2026-03-08T00:00:00Z"), "{table}");
    }
}

/// Whether the sessions of the whole lake cannot be asked for in one go.
fn is_too_much_at_once(lake: &Lake, limits: EngineLimits) -> bool {
    let (_, sql) = QUERIES
        .iter()
        .find(|(name, _)| *name == "session_uses")
        .unwrap();
    let asked = runtime().block_on(async {
        let open = open_lake(lake, &Directory::default(), limits)
            .await
            .unwrap();
        open.engine.query("test", sql, &[]).await?.collect().await
    });
    asked.is_err_and(|error| error.is_out_of_memory())
}

const SESSIONS: usize = 20_000;

#[test]
fn sessions_do_not_depend_on_the_memory() {
    let lake = TempLake::new();
    let records: Vec<Value> = (0..SESSIONS)
        .flat_map(|at| {
            let (key, id) = (format!("ASIA{at:09}EXAMPLE"), format!("call-{at}"));
            let time = |minute: u32| format!("2026-03-02T10:{minute:02}:{:02}Z", at % 60);
            let who = session("111122223333", "One", &format!("s{at}"), &key, &time(1));
            [
                call(&id, who.clone(), &time(2), "s3", "ListBuckets"),
                call(
                    &format!("next-{at}"),
                    who,
                    &format!("2026-03-03T09:00:{:02}Z", at % 60),
                    "s3",
                    "ListBuckets",
                ),
            ]
        })
        .collect();
    for (number, some) in records.chunks(5000).enumerate() {
        lake.put(&format!("{number}.json"), &records_file(some));
    }
    lake.ingest_unresolved();
    let open = Lake::open(&lake.root()).unwrap();
    let guard = open
        .write("2026-04-02T00:00:00Z".parse().unwrap(), || ())
        .unwrap();
    let little = EngineLimits {
        threads: 1,
        memory_bytes: 24 << 20,
    };
    assert!(is_too_much_at_once(&open, little));
    runtime().block_on(resolve_all(&guard, little)).unwrap();
    drop(guard);
    let stated = "SELECT count(*) AS n, count(DISTINCT session_id) AS ids, sum(event_count) AS calls FROM sessions";
    assert_eq!(
        lake.sql(stated),
        [json!({ "n": SESSIONS, "ids": SESSIONS, "calls": 2 * SESSIONS })]
    );
    // As if it had been killed behind the commit of the first day's facts.
    let wanted = lake.sessions();
    let folder = lake.root().join("manifest");
    let names = std::fs::read_dir(&folder).unwrap();
    let mut manifests: Vec<_> = names.map(|entry| entry.unwrap().path()).collect();
    manifests.sort();
    for newest in manifests.iter().rev().take(2) {
        std::fs::remove_file(newest).unwrap();
    }
    let manifest = Lake::open(&lake.root()).unwrap().snapshot().unwrap();
    assert!(!manifest.is_resolved() && !manifest.is_stored(Derived::Facts, FACT_RULES));
    assert_eq!(manifest.stale(Derived::Facts, FACT_RULES).len(), 1);
    assert_eq!(facts(&lake).len(), 2);
    lake.ingest();
    assert_eq!(lake.sessions(), wanted);
}

/// The coverage of each day, and the questions that rest on it.
fn coverage(lake: &TempLake) -> Vec<Vec<Value>> {
    let days = lake.sql("SELECT * FROM daily_coverage ORDER BY date, account_id, aws_region");
    vec![days, lake.ask("status/accounts"), lake.ask("status/limits")]
}

#[test]
fn coverage_is_that_of_the_events_whether_it_is_stored_or_not() {
    let lake = of_days(&[2, 4]);
    let later = call(
        "later",
        user("bob"),
        "2026-03-04T23:59:59Z",
        "s3",
        "ListBuckets",
    );
    let mut elsewhere = call(
        "elsewhere",
        user("bob"),
        "2026-03-03T00:00:00Z",
        "s3",
        "GetObject",
    );
    elsewhere["awsRegion"] = json!("eu-west-1");
    elsewhere["eventCategory"] = json!("Data");
    elsewhere["recipientAccountId"] = json!("999988887777");
    lake.put("late.json", &records_file(&[later, elsewhere]));
    lake.ingest_unresolved();
    let worked_out = coverage(&lake);
    lake.ingest();
    let manifest = Lake::open(&lake.root()).unwrap().snapshot().unwrap();
    assert!(manifest.is_stored(Derived::Facts, FACT_RULES));
    assert_eq!(coverage(&lake), worked_out);
    let hours: Vec<&Value> = worked_out[0].iter().map(|day| &day["hours"]).collect();
    assert_eq!(json!(hours), json!([[10], [0], [10, 23]]));
    let silence = |account: &str| {
        let of = worked_out[1]
            .iter()
            .find(|row| row["account_id"] == account);
        of.map(|row| (row["silent_hours"].clone(), row["days_without"].clone()))
    };
    assert_eq!(silence("111122223333"), Some((json!(47 + 12), json!(1))));
    assert_eq!(silence("999988887777"), Some((json!(0), json!(0))));
}
