//! Every case of attribution as a file of records and of what must be said of them: `tests/cases`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::support::records::records_file;
use super::support::{TempLake, project};
use serde_json::{Value, json};

pub struct Case {
    pub name: String,
    pub events: Vec<Value>,
    expect: Vec<Value>,
}

impl Case {
    fn read(path: &PathBuf) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let case: Value = serde_json::from_str(&text).unwrap();
        Self {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            events: case["events"].as_array().unwrap().clone(),
            expect: case["expect"].as_array().unwrap().clone(),
        }
    }

    pub fn id_of(&self, label: &Value) -> Value {
        let event = self.events.iter().find(|event| event["_label"] == *label);
        event.unwrap_or_else(|| panic!("{}: no event {label}", self.name))["eventID"].clone()
    }

    /// What a lake says otherwise than expected; what is not expected is not looked at.
    fn wrong_in(&self, lake: &TempLake) -> Vec<String> {
        let said = said_of_events(lake);
        let mut wrong = Vec::new();
        for expected in &self.expect {
            let id = self.id_of(&expected["event"]);
            let row = &said[id.as_str().unwrap()];
            for (name, value) in expected.as_object().unwrap() {
                let (column, value) = match name.as_str() {
                    "event" => continue,
                    "issued_by" => ("issuing_event_id", self.id_of(value)),
                    "created_by_event" => ("created_by_event_id", self.id_of(value)),
                    "evidence" => {
                        let labels = value.as_array().unwrap().iter();
                        let ids: Vec<Value> = labels.map(|label| self.id_of(label)).collect();
                        ("evidence_event_ids", json!(ids))
                    }
                    name => (name, value.clone()),
                };
                if row[column] != value {
                    wrong.push(format!(
                        "{}, {}: {column} is {} instead of {value}",
                        self.name, expected["event"], row[column]
                    ));
                }
            }
        }
        wrong
    }
}

fn said_of_events(lake: &TempLake) -> BTreeMap<String, Value> {
    let rows = lake.sql(
        "SELECT e.*, s.issuing_event_id, s.created_by_event_id, s.confirmed_by, s.contradicted_by, s.source_identity, s.parent_session_id, s.possible_operators
         FROM attributed_events AS e JOIN sessions AS s ON e.session_id = s.session_id",
    );
    let by_id = rows
        .into_iter()
        .map(|row| (row["event_id"].as_str().unwrap().to_owned(), row));
    by_id.collect()
}

pub fn cases() -> Vec<Case> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(project().join("tests/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    paths.sort();
    paths.iter().map(Case::read).collect()
}

#[test]
fn every_case_is_attributed_as_its_file_says() {
    let cases = cases();
    assert!(cases.len() > 20);
    let mut wrong = Vec::new();
    for case in cases {
        let lake = TempLake::of(&case.events);
        lake.assert_books_balance();
        wrong.extend(case.wrong_in(&lake));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_case_is_the_same_when_it_comes_in_two_runs() {
    for case in cases() {
        let whole = TempLake::of(&case.events);
        let sessions = whole.sessions();
        for at in 1..case.events.len() {
            let (first, second) = case.events.split_at(at);
            let lake = TempLake::new();
            lake.put("b.json", &records_file(second));
            lake.ingest();
            lake.put("a.json", &records_file(first));
            lake.ingest();
            assert_eq!(lake.sessions(), sessions, "{} split at {at}", case.name);
        }
    }
}
