//! The simulated organization's logs through ingest and resolve, held to the truth about each event.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::simulator::dice::Dice;
use super::simulator::estate::Truth;
use super::simulator::{Estate, SCENES, act};
use super::support::{TempLake, gzip};

/// Writes the logs to where the lake's are, and the truth beside them.
pub fn deliver(estate: &mut Estate, lake: &TempLake) {
    for (name, text) in estate.log_files() {
        lake.put(&name, &gzip(&text));
    }
    let beside = lake.folder.path().join("truth.json");
    std::fs::write(beside, estate.truth_json()).unwrap();
}

/// How one case came out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    right: usize,
    pub wrong: usize,
    unresolved: usize,
    /// Unresolved as it must be, with the right reason.
    rightly_unresolved: usize,
}

pub fn judge(estate: &Estate, lake: &TempLake) -> (BTreeMap<&'static str, Tally>, Vec<String>) {
    let rows = lake.sql(
        "SELECT event_id, origin_kind, origin_id, confidence, unresolved_reason, attribution, event_name, session_id FROM attributed_events",
    );
    assert_eq!(rows.len(), estate.truth.len(), "every event has one row");
    let mut tallies: BTreeMap<&'static str, Tally> = BTreeMap::new();
    let mut faults = Vec::new();
    for row in rows {
        let (case, truth) = &estate.truth[row["event_id"].as_str().unwrap()];
        let tally = tallies.entry(case).or_default();
        let is_unresolved = row["origin_kind"] == "unresolved";
        let is_sure = row["confidence"] != "asserted";
        let is_right = match truth {
            Truth::Origin(kind, id) => {
                let is_right = row["origin_kind"] == *kind && row["origin_id"] == *id.as_str();
                if is_right {
                    tally.right += 1;
                } else if is_unresolved || estate.is_less_than(id, &row) {
                    tally.unresolved += 1;
                } else if is_sure {
                    tally.wrong += 1;
                }
                is_right
            }
            Truth::Unknowable(reason) => is_unresolved && row["unresolved_reason"] == *reason,
            Truth::Ambiguous => is_unresolved && row["confidence"] == "ambiguous",
            Truth::Anything => continue,
        };
        if !matches!(truth, Truth::Origin(..)) {
            if is_right {
                tally.rightly_unresolved += 1;
            } else if is_unresolved {
                tally.unresolved += 1;
            } else {
                tally.wrong += 1;
            }
        }
        if !is_right {
            faults.push(format!("{case}: {truth:?}, and it says {row}"));
        }
    }
    (tallies, faults)
}

fn report(tallies: &BTreeMap<&'static str, Tally>) -> String {
    let mut text = String::from(
        "| Case | Events | Right | Wrong | Unresolved, as they must be | Unresolved, and should not be |\n|---|---|---|---|---|---|\n",
    );
    for (case, _) in SCENES {
        let Tally {
            right,
            wrong,
            unresolved,
            rightly_unresolved,
        } = tallies[case];
        let events = right + wrong + unresolved + rightly_unresolved;
        writeln!(
            text,
            "| {case} | {events} | {right} | {wrong} | {rightly_unresolved} | {unresolved} |"
        )
        .unwrap();
    }
    text
}

#[test]
fn all_that_is_knowable_is_known_and_nothing_else_is_claimed() {
    let mut all: BTreeMap<&'static str, Tally> = BTreeMap::new();
    for seed in 1..=3 {
        let mut estate = act(seed, |_| 3);
        let lake = TempLake::new();
        deliver(&mut estate, &lake);
        lake.ingest();
        lake.assert_books_balance();
        let (tallies, faults) = judge(&estate, &lake);
        assert!(faults.is_empty(), "seed {seed}:\n{}", faults.join("\n"));
        for (case, tally) in tallies {
            let sum = all.entry(case).or_default();
            sum.right += tally.right;
            sum.rightly_unresolved += tally.rightly_unresolved;
        }
    }
    let report = report(&all);
    let docs =
        std::fs::read_to_string(super::support::project().join("docs/attribution.md")).unwrap();
    assert!(
        docs.contains(&report),
        "docs/attribution.md is to show:\n{report}"
    );
}

#[test]
fn a_run_for_every_day_and_late_files_say_the_same_as_one_run() {
    let mut estate = act(7, |_| 1);
    let whole = TempLake::new();
    deliver(&mut estate, &whole);
    whole.ingest();
    let mut files: Vec<_> = walkdir::WalkDir::new(whole.logs())
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    Dice::new(7).shuffle(&mut files);
    let parts = TempLake::new();
    for some in files.chunks(files.len().div_ceil(4)) {
        for file in some {
            let name = file.strip_prefix(whole.logs()).unwrap().to_str().unwrap();
            parts.put(name, &std::fs::read(file).unwrap());
        }
        parts.ingest();
    }
    assert_eq!(parts.sessions(), whole.sessions());
}
