//! The questions about a day's events, in parts where a day has too many sessions for the memory.

use std::ops::Range;

use arrow::array::RecordBatch;
use datafusion::scalar::ScalarValue;

use super::super::SessionsError;
use super::super::facts::ask;
use crate::engine::{Engine, EngineLimits, TableSpec};
use crate::events::EVENTS;
use crate::lake::{DataFile, LakeTable, Store};
use crate::permissions::functions;

/// A question whose sessions are too many at once is asked in so many parts, and each of them again.
const PARTS: u64 = 16;
/// As often as that; then each part has some thousandth of the sessions.
const MOST_SPLITS: u32 = 3;

/// The events of some days, to be asked about.
pub(super) struct EventsOf<'a> {
    store: &'a Store,
    files: &'a [DataFile],
    limits: EngineLimits,
    engine: Engine,
}

impl<'a> EventsOf<'a> {
    pub(super) fn open(
        store: &'a Store,
        files: &'a [DataFile],
        limits: EngineLimits,
    ) -> Result<Self, SessionsError> {
        let engine = Engine::open(limits)?;
        for function in functions() {
            engine.register_function(function);
        }
        engine.register_table(TableSpec::of_files(LakeTable::Events, EVENTS, store, files))?;
        Ok(Self {
            store,
            files,
            limits,
            engine,
        })
    }

    /// Asks a question; the rows are in the order of their days, or of each part in that order. One that is by session is asked in
    /// parts where the memory is short: what one session's calls say does not depend on those of another.
    pub(super) async fn ask(
        &self,
        question: &'static str,
        is_by_session: bool,
    ) -> Result<Vec<RecordBatch>, SessionsError> {
        let splits = if is_by_session { MOST_SPLITS } else { 0 };
        self.ask_of(question, SessionIds::all(), splits).await
    }

    /// The same of the sessions whose ids are in a range; in parts where they are too many for the memory.
    async fn ask_of(
        &self,
        question: &'static str,
        ids: SessionIds,
        splits: u32,
    ) -> Result<Vec<RecordBatch>, SessionsError> {
        let answer = if ids == SessionIds::all() {
            ask(&self.engine, question, &[]).await
        } else {
            let some = Self::open(self.store, self.files, self.limits)?;
            some.keep_only(&ids).await?;
            ask(&some.engine, question, &[]).await
        };
        match answer {
            Err(SessionsError::Engine(error)) if error.is_out_of_memory() && splits > 0 => {
                let mut found = Vec::new();
                for ids in ids.split() {
                    let some = self.ask_of(question, ids, splits - 1);
                    found.extend(Box::pin(some).await?);
                }
                Ok(found)
            }
            answer => Ok(answer?.1),
        }
    }

    async fn keep_only(&self, ids: &SessionIds) -> Result<(), SessionsError> {
        let name = LakeTable::Events.name();
        let sql = "SELECT * FROM events WHERE session_id >= $from AND session_id < $until";
        let some = self.engine.query(name, sql, &ids.bounds()).await?;
        Ok(self.engine.replace_by_answer(name, some)?)
    }
}

/// Session ids by their first eight digits, as a range of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SessionIds(Range<u64>);

impl SessionIds {
    fn all() -> Self {
        Self(0..1 << 32)
    }

    fn split(&self) -> impl Iterator<Item = Self> + use<> {
        let Range { start, end } = self.0;
        let step = (end - start).div_ceil(PARTS);
        let parts = (0..PARTS).map(move |at| start + at * step);
        parts.map(move |from| Self(from..(from + step).min(end)))
    }

    /// From this text on, and below that one.
    fn bounds(&self) -> [(&'static str, ScalarValue); 2] {
        // `g` comes behind the last of the digits.
        let text = |at: u64| match u32::try_from(at) {
            Ok(at) => format!("{at:08x}"),
            Err(_) => "g".to_owned(),
        };
        [("from", text(self.0.start)), ("until", text(self.0.end))]
            .map(|(name, text)| (name, ScalarValue::from(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_all_ids_touch_and_leave_none_out() {
        let mut parts = vec![SessionIds::all()];
        for _ in 0..MOST_SPLITS {
            parts = parts.iter().flat_map(SessionIds::split).collect();
        }
        assert_eq!(parts.len(), 4096);
        assert_eq!(parts[0].bounds()[0].1, ScalarValue::from("00000000"));
        for pair in parts.windows(2) {
            assert_eq!(pair[0].bounds()[1].1, pair[1].bounds()[0].1);
        }
        assert_eq!(parts[4095].bounds()[1].1, ScalarValue::from("g"));
    }
}
