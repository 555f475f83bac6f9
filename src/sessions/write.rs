//! Sessions as rows, and the rows as files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::{
    SortColumn, SortOptions, concat_batches, lexsort_to_indices, take_record_batch,
};
use arrow::datatypes::TimestampMicrosecondType;
use chrono::NaiveDate;
use rayon::iter::ParallelIterator as _;
use rayon::slice::ParallelSlice as _;

use super::SessionsError;
use super::changes::Changes;
use super::deeds::Maker;
use super::partly::Anew;
use super::persona::Persona;
use super::schema::{SESSIONS, SESSIONS_LAYOUT};
use super::stored::without;
use super::verdict::{Contradiction, Method, UnresolvedReason};
use super::walk::Verdict;
use crate::engine::align;
use crate::lake::{
    DataFile, Derived, Draft, LakeTable, RowBuilder, TableWriter, content_of, read_columns,
    schema_of,
};

/// One session as it will be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SessionRow {
    pub(super) date: NaiveDate,
    pub(super) id: String,
    pub(super) issuing_api: Option<String>,
    pub(super) issuing_event_id: Option<String>,
    pub(super) issued_at: Option<i64>,
    pub(super) issued_access_key_id: Option<String>,
    pub(super) access_key_ids: Vec<String>,
    pub(super) session_arn: Option<String>,
    pub(super) session_name: Option<String>,
    pub(super) role_arn: Option<Arc<str>>,
    pub(super) role_id: Option<String>,
    pub(super) role_account_id: Option<String>,
    pub(super) persona: Persona<'static>,
    pub(super) created_at: Option<i64>,
    pub(super) chain_started_at: Option<i64>,
    pub(super) expires_at: Option<i64>,
    pub(super) parent: Option<String>,
    pub(super) verdict: Verdict,
    pub(super) is_human: Option<bool>,
    pub(super) source_identity: Option<String>,
    pub(super) session_tags: Option<String>,
    pub(super) has_mfa: Option<bool>,
    pub(super) source_ip_address: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) first_used_at: Option<i64>,
    pub(super) last_used_at: Option<i64>,
    pub(super) event_count: i64,
    pub(super) denied_count: i64,
    pub(super) method: Method,
    pub(super) maker: Maker,
    pub(super) possible_operators: BTreeSet<String>,
    pub(super) confirmed_by: BTreeSet<Method>,
    pub(super) contradicted_by: BTreeSet<Contradiction>,
    pub(super) evidence: Vec<String>,
    pub(super) events_pruned_before: Option<i64>,
}

/// Rows of a batch.
const BATCH_ROWS: usize = 8192;

/// Writes sessions day by day, each to a file of its own; a day whose rows are what they were keeps its file.
pub(super) struct Writer<'d, 'g> {
    draft: &'d mut Draft<'g>,
    /// The files that were there, as long as their days did not come.
    before: BTreeMap<Option<NaiveDate>, Vec<DataFile>>,
    replaced: Vec<DataFile>,
    changes: Changes,
}

impl<'d, 'g> Writer<'d, 'g> {
    pub(super) fn new(draft: &'d mut Draft<'g>) -> Self {
        let mut before: BTreeMap<Option<NaiveDate>, Vec<DataFile>> = BTreeMap::new();
        for old in draft.files(LakeTable::Sessions) {
            before.entry(old.date).or_default().push(old);
        }
        Self {
            draft,
            before,
            replaced: Vec::new(),
            changes: Changes::default(),
        }
    }

    /// Takes all rows of a day.
    pub(super) fn write(
        &mut self,
        day: NaiveDate,
        rows: &[SessionRow],
    ) -> Result<(), SessionsError> {
        if self.write_batches(day, &batches(rows)?)? {
            self.changes.add(rows);
        }
        Ok(())
    }

    /// Writes the rows of a day; returns false where they are what was there.
    fn write_batches(
        &mut self,
        day: NaiveDate,
        batches: &[RecordBatch],
    ) -> Result<bool, SessionsError> {
        let content = content_of(batches);
        let old = self.before.remove(&Some(day)).unwrap_or_default();
        if matches!(old.as_slice(), [file] if file.content.as_ref() == Some(&content)) {
            return Ok(false);
        }
        let mut writer = TableWriter::create(
            self.draft.guard(),
            LakeTable::Sessions,
            Some(day),
            schema_of(SESSIONS),
            SESSIONS_LAYOUT,
        )?;
        for batch in batches {
            writer.write(batch)?;
        }
        let (min_time, max_time) = lifetime(batches);
        let new = DataFile {
            content: Some(content),
            min_time,
            max_time,
            ..writer.finish()?
        };
        self.draft.add(LakeTable::Sessions, new);
        self.replaced.extend(old);
        Ok(true)
    }

    /// Puts sessions in the place of others; the rest of each day stays. Returns how many there are then.
    pub(super) fn merge(mut self, anew: Anew) -> Result<u64, SessionsError> {
        let Anew {
            sessions,
            mut rows,
            days,
        } = anew;
        let filed = self.before.keys().copied().flatten();
        let filed = filed.filter(|day| days.contains(day));
        let days: BTreeSet<NaiveDate> = filed.chain(rows.keys().copied()).collect();
        for day in days {
            let new = rows.remove(&day).unwrap_or_default();
            self.merge_day(day, &new, |id| sessions.contains(id))?;
            self.changes.add(&new);
        }
        self.forget()
    }

    /// Puts sessions of a day in the place of others.
    fn merge_day(
        &mut self,
        day: NaiveDate,
        new: &[SessionRow],
        is_anew: impl Fn(&str) -> bool,
    ) -> Result<(), SessionsError> {
        let schema = schema_of(SESSIONS);
        let (mut stay, mut gone) = (Vec::new(), Vec::new());
        for file in self.before.get(&Some(day)).into_iter().flatten() {
            for batch in read_columns(self.draft.guard().store(), file, None)? {
                let batch = align(&batch?, &schema)?;
                stay.push(without(&batch, &is_anew)?);
                gone.push(without(&batch, |id| !is_anew(id))?);
            }
        }
        let new = batches(new)?;
        if concat_batches(&schema, &gone)? == concat_batches(&schema, &new)? {
            // They came out as they were.
            self.before.remove(&Some(day));
            return Ok(());
        }
        stay.extend(new);
        let all = in_order(&stay)?;
        if all.is_empty() {
            let old = self.before.remove(&Some(day)).unwrap_or_default();
            self.replaced.extend(old);
        } else {
            self.write_batches(day, &all)?;
        }
        Ok(())
    }

    /// Takes away what is no more, and notes which days' usage is to be worked out again.
    pub(super) fn finish(mut self) -> Result<(), SessionsError> {
        let before = std::mem::take(&mut self.before);
        self.replaced.extend(before.into_values().flatten());
        self.forget()?;
        Ok(())
    }

    /// The same of what was put in its place; returns how many sessions there are then.
    fn forget(self) -> Result<u64, SessionsError> {
        let with_events = self.draft.base().days_of(LakeTable::Events);
        let store = self.draft.guard().store();
        let stale = self.changes.days(store, &self.replaced, &with_events)?;
        self.draft.is_stale(Derived::Usage, stale);
        for old in &self.replaced {
            self.draft.replace(LakeTable::Sessions, old, None);
        }
        let files = self.draft.files(LakeTable::Sessions);
        Ok(files.iter().map(|file| file.rows).sum())
    }
}

/// From when to when these sessions were opened and used; unknown where one of them has no time at all.
fn lifetime(batches: &[RecordBatch]) -> (Option<i64>, Option<i64>) {
    let mut bounds: Option<(i64, i64)> = None;
    for batch in batches {
        let columns = ["created_at", "first_used_at", "last_used_at", "issued_at"].map(|name| {
            let column = batch.column_by_name(name);
            column.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
        });
        for row in 0..batch.num_rows() {
            let times = columns.iter().flatten();
            let times = times.filter(|column| column.is_valid(row));
            let times: Vec<i64> = times.map(|column| column.value(row)).collect();
            let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else {
                return (None, None);
            };
            let (earliest, latest) = bounds.unwrap_or((*first, *last));
            bounds = Some((earliest.min(*first), latest.max(*last)));
        }
    }
    bounds.unzip()
}

/// Rows of several batches in the order in which they are written.
fn in_order(parts: &[RecordBatch]) -> Result<Vec<RecordBatch>, SessionsError> {
    let all = concat_batches(&schema_of(SESSIONS), parts)?;
    let options = SortOptions {
        descending: false,
        nulls_first: true,
    };
    let keys = ["origin_id", "session_id"].map(|name| {
        let values = Arc::clone(all.column_by_name(name)?);
        Some(SortColumn {
            values,
            options: Some(options),
        })
    });
    let keys: Vec<SortColumn> = keys.into_iter().flatten().collect();
    let order = lexsort_to_indices(&keys, None)?;
    let starts = (0..order.len()).step_by(BATCH_ROWS);
    let batches = starts.map(|from| {
        let rows = order.slice(from, BATCH_ROWS.min(order.len() - from));
        take_record_batch(&all, &rows)
    });
    Ok(batches.collect::<Result<_, _>>()?)
}

/// The rows as they are stored.
pub(super) fn batches(rows: &[SessionRow]) -> Result<Vec<RecordBatch>, SessionsError> {
    let batch = |slice: &[SessionRow]| {
        let mut builder = RowBuilder::new(SESSIONS);
        for row in slice {
            append(&mut builder, row);
        }
        builder.take()
    };
    let batches: Result<_, _> = rows.par_chunks(BATCH_ROWS).map(batch).collect();
    Ok(batches?)
}

fn append(rows: &mut RowBuilder, row: &SessionRow) {
    let verdict = &row.verdict;
    let origin = &verdict.origin;
    rows.row()
        .text("session_id", Some(&row.id))
        .text("issuing_api", row.issuing_api.as_ref())
        .text("issuing_event_id", row.issuing_event_id.as_ref())
        .time("issued_at", row.issued_at)
        .text("issued_access_key_id", row.issued_access_key_id.as_ref())
        .texts("access_key_ids", &row.access_key_ids)
        .text("session_arn", row.session_arn.as_ref())
        .text("session_name", row.session_name.as_ref())
        .text("role_arn", row.role_arn.as_ref())
        .text("role_id", row.role_id.as_ref())
        .text("role_account_id", row.role_account_id.as_ref())
        .text("persona_arn", row.persona.arn.as_ref())
        .text("persona_id", row.persona.id.as_ref())
        .time("created_at", row.created_at)
        .time("chain_started_at", row.chain_started_at)
        .time("expires_at", row.expires_at)
        .text("parent_session_id", row.parent.as_ref())
        .int("hop_count", Some(i64::from(verdict.hop_count)))
        .texts("chain", verdict.chain.iter())
        .bool("chain_truncated", Some(verdict.chain.truncated))
        .text("origin_kind", Some(origin.kind.code()))
        .text("origin_id", origin.id.as_ref())
        .text("origin_name", origin.name.as_ref())
        .text("origin_account_id", origin.account_id.as_ref())
        .text("origin_provider", origin.provider.as_ref())
        .text("origin_assurance", Some(origin.kind.assurance()))
        .bool("is_human", row.is_human)
        .text("created_by_origin_id", row.maker.origin_id.as_ref())
        .text("created_by_event_id", row.maker.event_id.as_ref())
        .texts("possible_operators", &row.possible_operators)
        .text("source_identity", row.source_identity.as_ref())
        .text("session_tags", row.session_tags.as_ref())
        .bool("has_mfa", row.has_mfa)
        .text("source_ip_address", row.source_ip_address.as_ref())
        .text("user_agent", row.user_agent.as_ref())
        .time("first_used_at", row.first_used_at)
        .time("last_used_at", row.last_used_at)
        .int("event_count", Some(row.event_count))
        .int("denied_count", Some(row.denied_count))
        .text("attribution", Some(row.method.code()))
        .text("confidence", Some(verdict.confidence.code()))
        .texts("evidence_event_ids", &row.evidence)
        .texts(
            "confirmed_by",
            row.confirmed_by.iter().map(|join| join.code()),
        )
        .texts(
            "contradicted_by",
            row.contradicted_by.iter().map(|found| found.code()),
        )
        .text(
            "unresolved_reason",
            verdict.reason.map(UnresolvedReason::code),
        )
        .time("events_pruned_before", row.events_pruned_before);
}
