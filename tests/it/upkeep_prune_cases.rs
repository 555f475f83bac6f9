//! Every case of attribution, cut by a prune between its events.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use super::cases::cases;
use super::support::TempLake;
use super::support::records::records_file;
use super::upkeep_prune::pruned;

/// A record with all of its times moved.
fn moved(record: &Value, by: TimeDelta) -> Value {
    match record {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), moved(value, by)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| moved(item, by)).collect(),
        Value::String(text) => moved_time(text, by).map_or_else(|| record.clone(), Value::String),
        other => other.clone(),
    }
}

fn moved_time(text: &str, by: TimeDelta) -> Option<String> {
    const OF_CREDENTIALS: &str = "%b %-d, %Y, %-I:%M:%S %p";
    if let Ok(time) = text.parse::<DateTime<Utc>>() {
        return Some((time + by).to_rfc3339_opts(SecondsFormat::Secs, true));
    }
    let time = NaiveDateTime::parse_from_str(text, OF_CREDENTIALS).ok()?;
    Some((time + by).format(OF_CREDENTIALS).to_string())
}

fn time_of(event: &Value) -> DateTime<Utc> {
    event["eventTime"].as_str().unwrap().parse().unwrap()
}

/// A case moved so that midnight lies right before one of its events, for each of them.
pub fn cut_at_midnight(events: &[Value]) -> Vec<(String, Vec<Value>, Vec<Value>)> {
    let times: BTreeSet<DateTime<Utc>> = events.iter().map(time_of).collect();
    let cuts = times.iter().skip(1).map(|time| {
        let midnight = time.date_naive().succ_opt().unwrap();
        let by = midnight.and_time(NaiveTime::MIN).and_utc() - time;
        let (early, late) = events
            .iter()
            .map(|event| moved(event, by))
            .partition(|event| time_of(event).date_naive() < midnight);
        (midnight.to_string(), early, late)
    });
    cuts.collect()
}

fn said(lake: &TempLake, from: &str) -> Vec<Value> {
    lake.sql(&format!(
        "SELECT event_id, origin_kind, origin_id, origin_name, confidence, attribution, hop_count, chain, unresolved_reason, is_human
         FROM attributed_events WHERE date >= '{from}' ORDER BY event_id"
    ))
}

fn sureness(row: &Value) -> usize {
    let confidence = row["confidence"].as_str().unwrap();
    [
        "unresolved",
        "ambiguous",
        "asserted",
        "probable",
        "strong",
        "exact",
    ]
    .iter()
    .position(|known| *known == confidence)
    .unwrap()
}

#[test]
fn every_case_cut_at_midnight_says_the_same_of_the_days_that_stay() {
    for case in cases() {
        for (day, early, late) in cut_at_midnight(&case.events) {
            let lake = TempLake::of(&[early, late].concat());
            let wanted = said(&lake, &day);
            pruned(&lake, &day);
            assert_eq!(said(&lake, &day), wanted, "{} before {day}", case.name);
        }
    }
}

#[test]
fn what_comes_after_the_prune_is_told_the_same_or_less_and_never_more() {
    let mut less = Vec::new();
    for case in cases() {
        for (day, early, late) in cut_at_midnight(&case.events) {
            let whole = TempLake::of(&[early.clone(), late.clone()].concat());
            let lake = TempLake::of(&early);
            pruned(&lake, &day);
            lake.put("late.json", &records_file(&late));
            lake.ingest();
            let (found, wanted) = (said(&lake, &day), said(&whole, &day));
            assert_eq!(found.len(), wanted.len());
            for (found, wanted) in found.iter().zip(&wanted) {
                let is_same = found["origin_id"] == wanted["origin_id"];
                // Of a user of Identity Center the id, where nothing that is left tells the name.
                let is_nameless = found["origin_kind"] == wanted["origin_kind"]
                    && found["origin_kind"] == "identity_center_user"
                    && found["origin_name"].is_null();
                assert!(
                    sureness(found) <= sureness(wanted)
                        && (is_same || is_nameless || sureness(found) < 2),
                    "{} before {day}: {found} instead of {wanted}",
                    case.name
                );
                if !is_same {
                    less.push(format!("{} {}", case.name, found["event_id"]));
                }
            }
        }
    }
    less.dedup();
    assert_eq!(
        less,
        [
            // The id of a user of Identity Center, whose name rested on a meeting of two logs and on what came later.
            "45-another-user-in-the-second \"event-161-getrolecredentials\"",
            "45-another-user-in-the-second \"event-164-getrolecredentials\"",
            // A session of the console that only another session of the same sign-in shows to be one.
            "50-console-call-without-mark \"event-178-listbuckets\"",
        ]
    );
}
