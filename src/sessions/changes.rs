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
use crate::lake::{LakeTable, Manifest, Store, read_columns, schema_of, text_at};

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

/// The sessions as they were, each as two numbers.
pub(super) struct Before {
    hasher: RandomState,
    sessions: HashMap<u64, u64>,
}

impl Before {
    /// Reads the sessions of a state.
    pub(super) fn read(store: &Store, manifest: &Manifest) -> Result<Self, SessionsError> {
        let hasher = RandomState::new();
        let mut sessions = HashMap::new();
        let columns = SESSIONS.iter().copied();
        let columns: Vec<_> = columns
            .filter(|column| TAKEN.contains(&column.name))
            .collect();
        let schema = schema_of(&columns);
        for file in manifest.files(LakeTable::Sessions) {
            for batch in read_columns(store, file, Some(&TAKEN))? {
                let batch: RecordBatch = align(&batch?, &schema)?;
                for row in 0..batch.num_rows() {
                    let text = |at: usize| {
                        let column = batch.column_by_name(TAKEN.get(at)?)?;
                        text_at(column, row)
                    };
                    let shared = text(8) == Some(Method::SharedEvent.code());
                    let taken = [1, 2, 3, 4, 5, 6, 7].map(text);
                    sessions.insert(
                        hasher.hash_one(text(0).unwrap_or_default()),
                        hasher.hash_one((taken, shared)),
                    );
                }
            }
        }
        Ok(Self { hasher, sessions })
    }

    /// The days with events on which sessions were in use of which something else is known now.
    pub(super) fn days_of_changes(
        &self,
        rows: &[SessionRow],
        manifest: &Manifest,
    ) -> BTreeSet<NaiveDate> {
        let with_events = manifest.days_of(LakeTable::Events);
        let mut changed = BTreeSet::new();
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
            let now = self.hasher.hash_one((taken, shared));
            let was = self.sessions.get(&self.hasher.hash_one(row.id.as_str()));
            // One that was not there has new events, whose days are known.
            let (first, last) = (day_of(first), day_of(last));
            if was.is_some_and(|was| *was != now) && first <= last {
                changed.extend(with_events.range(first..=last));
            }
        }
        changed
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
