//! Which days' usage a new verdict changes: those on which the session made calls.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};

use arrow::array::RecordBatch;
use chrono::NaiveDate;

use super::schema::SESSIONS;
use super::verdict::Method;
use super::write::SessionRow;
use crate::engine::align;
use crate::events::day_of;
use crate::lake::{DataFile, Store, read_columns, schema_of, text_at};

use super::SessionsError;

/// What `daily_usage` takes of a session; the last one as far as it says which of two copies of a call counts.
const TAKEN: [&str; 9] = [
    "session_id",
    "persona_arn",
    "persona_id",
    "origin_kind",
    "origin_id",
    "origin_name",
    "origin_account_id",
    "origin_provider",
    "attribution",
];

/// A session as it is now, and when it was in use.
#[derive(Debug)]
struct Seen {
    /// A number of its id.
    id: u64,
    /// A number of what is taken of it.
    taken: u64,
    days: (NaiveDate, NaiveDate),
}

/// The sessions that are written anew, to be held against what was there.
#[derive(Debug, Default)]
pub(super) struct Changes {
    hasher: RandomState,
    seen: Vec<Seen>,
}

impl Changes {
    /// Notes sessions that were in use.
    pub(super) fn add(&mut self, rows: &[SessionRow]) {
        for row in rows {
            let Some((first, last)) = row.first_used_at.zip(row.last_used_at) else {
                continue;
            };
            let origin = &row.verdict.origin;
            let taken = [
                row.persona.arn.as_deref(),
                row.persona.id.as_deref(),
                Some(origin.kind.code()),
                origin.id.as_deref(),
                origin.name.as_deref(),
                origin.account_id.as_deref(),
                origin.provider.as_deref(),
            ];
            let shared = row.method == Method::SharedEvent;
            self.seen.push(Seen {
                id: self.hasher.hash_one(row.id.as_str()),
                taken: self.hasher.hash_one((taken, shared)),
                days: (day_of(first), day_of(last)),
            });
        }
    }

    /// The days with events on which sessions were in use of which something else is known now than in these files.
    pub(super) fn days(
        &self,
        store: &Store,
        before: &[DataFile],
        with_events: &BTreeSet<NaiveDate>,
    ) -> Result<BTreeSet<NaiveDate>, SessionsError> {
        let before = self.read(store, before)?;
        let mut changed = BTreeSet::new();
        for Seen {
            id,
            taken,
            days: (first, last),
        } in &self.seen
        {
            // One that was not there has new events, whose days are known.
            if before.get(id).is_some_and(|was| was != taken) && first <= last {
                changed.extend(with_events.range(first..=last));
            }
        }
        Ok(changed)
    }

    /// The sessions as they were: the number of each id, and that of what is taken.
    fn read(&self, store: &Store, files: &[DataFile]) -> Result<HashMap<u64, u64>, SessionsError> {
        let mut sessions = HashMap::new();
        let columns = SESSIONS.iter().copied();
        let columns: Vec<_> = columns
            .filter(|column| TAKEN.contains(&column.name))
            .collect();
        let schema = schema_of(&columns);
        for file in files {
            for batch in read_columns(store, file, Some(&TAKEN))? {
                let batch: RecordBatch = align(&batch?, &schema)?;
                for row in 0..batch.num_rows() {
                    let text = |at: usize| {
                        let column = batch.column_by_name(TAKEN.get(at)?)?;
                        text_at(column, row)
                    };
                    let shared = text(8) == Some(Method::SharedEvent.code());
                    let taken = [1, 2, 3, 4, 5, 6, 7].map(text);
                    let id = self.hasher.hash_one(text(0).unwrap_or_default());
                    sessions.insert(id, self.hasher.hash_one((taken, shared)));
                }
            }
        }
        Ok(sessions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_anything_that_usage_takes_of_a_session_is_noticed() {
        let attributed = include_str!("../../sql/views/attributed_events.sql");
        let usage = include_str!("../../sql/views/daily_usage.sql");
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let used: BTreeSet<&str> = usage.split(|c| !is_word(c)).collect();
        let of_sessions = attributed.split("sessions.").skip(1);
        let columns = of_sessions.filter_map(|text| text.split(|c| !is_word(c)).next());
        let taken: BTreeSet<&str> = columns.filter(|column| used.contains(column)).collect();
        assert!(taken.len() > 5, "{taken:?}");
        assert!(
            taken.iter().all(|column| TAKEN.contains(column)),
            "{taken:?}"
        );
    }
}
