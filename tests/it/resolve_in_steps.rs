//! Sessions that new events can reach are worked out anew and the others stand: step by step it comes to the same as at once.

use serde_json::{Value, json};

use super::cases::cases;
use super::simulator::dice::Dice;
use super::support::TempLake;
use super::support::records::{ACCOUNT, assume, call, records_file, session, user};
use super::upkeep_prune_cases::cut_at_midnight;
use rolecall::engine::EngineLimits;
use rolecall::ingest::{IngestOptions, ingest};
use rolecall::lake::Lake;
use rolecall::sessions::{Resolved, resolve};
use rolecall::source::{Location, Selection, list};

/// The sessions of a lake into which these records came in as many runs, each of them resolved.
fn in_steps(records: &[Value], steps: usize) -> TempLake {
    let lake = TempLake::new();
    for (at, some) in records.chunks(records.len().div_ceil(steps)).enumerate() {
        lake.put(&format!("{at}.json"), &records_file(some));
        lake.ingest();
    }
    lake
}

fn assert_alike(found: &TempLake, wanted: &TempLake, what: &str) {
    let (found, wanted) = (found.sessions(), wanted.sessions());
    let missing: Vec<_> = wanted.iter().filter(|row| !found.contains(row)).collect();
    let extra: Vec<_> = found.iter().filter(|row| !wanted.contains(row)).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "{what}\nmissing {missing:#?}\nextra {extra:#?}"
    );
}

/// The events of all cases, each with an id of its own.
fn all_events() -> Vec<Value> {
    let mut events = Vec::new();
    for case in cases() {
        for mut event in case.events {
            let id = event["eventID"].as_str().unwrap().to_owned();
            event["eventID"] = json!(format!("{} {id}", case.name));
            events.push(event);
        }
    }
    events
}

#[test]
fn the_events_of_all_cases_in_any_order_and_any_steps() {
    let events = all_events();
    let wanted = in_steps(&events, 1);
    for seed in 0..12 {
        let mut dice = Dice::new(seed);
        let mut events = events.clone();
        if seed % 3 == 0 {
            // Day by day, as logs come.
            events.sort_by_key(|event| event["eventTime"].as_str().unwrap().to_owned());
        } else {
            dice.shuffle(&mut events);
        }
        let steps = [3, 12, 40][usize::try_from(dice.below(3)).unwrap()];
        let found = in_steps(&events, steps);
        assert_alike(&found, &wanted, &format!("seed {seed}, {steps} steps"));
    }
}

#[test]
fn each_case_event_by_event() {
    for case in cases() {
        let wanted = in_steps(&case.events, 1);
        let mut events = case.events.clone();
        Dice::of(5, &case.name).shuffle(&mut events);
        let steps = events.len();
        assert_alike(&in_steps(&events, steps), &wanted, &case.name);
    }
}

#[test]
fn each_case_cut_at_midnight_day_after_day() {
    for case in cases() {
        let cuts = cut_at_midnight(&case.events);
        if cuts.is_empty() {
            continue;
        }
        let (day, early, late) = Dice::of(9, &case.name).pick(&cuts).clone();
        let wanted = in_steps(&[early.clone(), late.clone()].concat(), 1);
        let found = TempLake::new();
        for (name, some) in [("early.json", &early), ("late.json", &late)] {
            found.put(name, &records_file(some));
            found.ingest();
        }
        assert_alike(&found, &wanted, &format!("{} before {day}", case.name));
    }
}

/// Reads in what is new and resolves it.
fn resolved(lake: &TempLake) -> Resolved {
    let logs = Location::parse(lake.logs().to_str().unwrap()).unwrap();
    let listing = list(&[logs], &Selection::default()).unwrap();
    let open = Lake::open_or_create(&lake.root()).unwrap();
    let now = "2026-04-01T00:00:00Z".parse().unwrap();
    let guard = open.write(now, || ()).unwrap();
    ingest(&guard, listing, IngestOptions::new(2), &mut |_| ()).unwrap();
    let limits = EngineLimits {
        threads: 2,
        memory_bytes: 256 << 20,
    };
    super::support::runtime()
        .block_on(resolve(&guard, limits))
        .unwrap()
}

/// Alice takes a role and uses it, on one day of March.
fn a_day(day: u32) -> Vec<Value> {
    let at = |minute: u32| format!("2026-03-{day:02}T10:{minute:02}:00Z");
    let key = format!("ASIADAY{day:02}EXAMPLE");
    let (issue, used) = (format!("issue-{day}"), format!("used-{day}"));
    vec![
        assume(&issue, user("alice"), &at(0), ACCOUNT, "One", "a", &key),
        call(
            &used,
            session(ACCOUNT, "One", "a", &key, &at(0)),
            &at(5),
            "s3",
            "ListBuckets",
        ),
    ]
}

#[test]
fn one_more_day_works_out_its_own_sessions_and_no_others() {
    let lake = TempLake::new();
    let days: Vec<Value> = (1..=20).flat_map(a_day).collect();
    lake.put("first.json", &records_file(&days));
    assert_eq!(resolved(&lake).anew, 21);
    lake.put("next.json", &records_file(&a_day(21)));
    let next = resolved(&lake);
    // Alice herself, and her role of that day.
    assert_eq!((next.sessions, next.anew), (22, 2));
}

#[test]
fn a_late_call_works_out_what_it_opened() {
    let lake = TempLake::new();
    let mut days: Vec<Value> = (1..=20).flat_map(a_day).collect();
    let late = days.remove(18);
    assert_eq!(late["eventID"], json!("issue-10"));
    lake.put("first.json", &records_file(&days));
    assert_eq!(resolved(&lake).anew, 21);
    let origin = "SELECT origin_name FROM attributed_events WHERE event_id = 'used-10'";
    assert_eq!(lake.value(origin), Value::Null);
    lake.put("late.json", &records_file(&[late]));
    let next = resolved(&lake);
    assert_eq!((next.sessions, next.anew), (21, 2));
    assert_eq!(lake.value(origin), json!("alice"));
}
