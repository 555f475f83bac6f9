//! The resolver against a slow and obvious one, over simulated logs of which parts are missing.
//!
//! The slow one looks through all records for every record, knows plain chains only, and keeps silent where it
//! does not know; where it speaks, both must agree.

use std::collections::BTreeMap;

use super::simulation::deliver;
use super::simulator::act;
use super::simulator::dice::Dice;
use super::support::TempLake;
use serde_json::Value;

struct Oracle<'a> {
    records: &'a [Value],
}

impl Oracle<'_> {
    /// The origin's id, or `None` where the oracle keeps silent.
    fn origin_of(&self, record: &Value, depth: usize) -> Option<String> {
        let who = &record["userIdentity"];
        let text = |name: &str| who[name].as_str().map(str::to_owned);
        if depth > self.records.len() {
            return None;
        }
        match who["type"].as_str() {
            Some("IAMUser") => text("arn"),
            Some("Root") if who["sessionContext"]["assumedRoot"].is_null() => text("arn"),
            Some("SAMLUser" | "WebIdentityUser") => text("userName"),
            Some("AWSAccount") => self.of_other_account(record, depth),
            Some("AssumedRole") => self.of_role(record, depth),
            _ => None,
        }
    }

    fn of_other_account(&self, record: &Value, depth: usize) -> Option<String> {
        let who = &record["userIdentity"];
        let twin = self.records.iter().find(|other| {
            !record["sharedEventID"].is_null()
                && other["sharedEventID"] == record["sharedEventID"]
                && other["userIdentity"]["type"] != "AWSAccount"
        });
        if let Some(twin) = twin {
            return self.origin_of(twin, depth + 1);
        }
        let same = self.records.iter().find(|other| {
            other["userIdentity"]["type"] == "IAMUser"
                && other["userIdentity"]["principalId"] == who["principalId"]
        });
        Some(same?["userIdentity"]["arn"].as_str()?.to_owned())
    }

    /// Who issued a role session: whoever was handed its key.
    fn of_role(&self, record: &Value, depth: usize) -> Option<String> {
        let who = &record["userIdentity"];
        let key = who["accessKeyId"].as_str()?;
        let mut origins: Vec<Option<String>> = self
            .issues_of(key)
            .filter(|issue| {
                issue["responseElements"]["assumedRoleUser"]["assumedRoleId"] == who["principalId"]
            })
            .map(|issue| self.origin_of(issue, depth + 1))
            .collect();
        origins.sort();
        origins.dedup();
        // Of both accounts' copies one may tell less than the other.
        let known: Vec<String> = origins.into_iter().flatten().collect();
        match known.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    fn issues_of<'s>(&'s self, key: &'s str) -> impl Iterator<Item = &'s Value> {
        self.records.iter().filter(move |record| {
            let response = &record["responseElements"];
            response["credentials"]["accessKeyId"] == key
                || response["credentialSet"][0]["credentials"]["accessKeyId"] == key
        })
    }
}

#[test]
fn the_resolver_and_a_slow_obvious_one_agree_on_logs_with_holes() {
    let mut spoke = 0;
    for seed in 100..110 {
        let mut estate = act(seed, |_| 1);
        let mut dice = Dice::new(seed);
        let one_in = 2 + seed % 5;
        estate.records.retain(|_| !dice.one_in(one_in));
        let lake = TempLake::new();
        deliver(&mut estate, &lake);
        lake.ingest();
        let rows =
            lake.sql("SELECT event_id, origin_id, attribution, confidence FROM attributed_events");
        let said: BTreeMap<&str, &Value> = rows
            .iter()
            .map(|row| (row["event_id"].as_str().unwrap(), row))
            .collect();
        let oracle = Oracle {
            records: &estate.records,
        };
        for record in &estate.records {
            let row = said[record["eventID"].as_str().unwrap()];
            if let Some(origin) = oracle.origin_of(record, 0) {
                assert_eq!(
                    row["origin_id"],
                    origin.as_str(),
                    "seed {seed}: {record}\n{row}"
                );
                spoke += 1;
            }
            if row["attribution"] == "issued_key" {
                let key = record["userIdentity"]["accessKeyId"].as_str().unwrap();
                assert!(oracle.issues_of(key).next().is_some(), "seed {seed}: {row}");
            }
        }
    }
    assert!(spoke > 500, "{spoke}");
}
