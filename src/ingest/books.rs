//! The books of a run: what was read, and where each record went.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use crate::decode::Reason;

/// Counts of one run. `records = events + duplicates + rejected` always holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Books {
    /// Log files found and selected.
    pub files: u64,
    /// Of these, read now for the first time, or again since their content changed.
    pub files_read: u64,
    /// Of the files read, those whose new content took the place of older content under the same key.
    pub files_replaced: u64,
    /// Of these, already in the lake with the same content.
    pub files_known: u64,
    /// Of these, given up as a whole: unreadable, empty, or of no known form.
    pub files_rejected: u64,
    /// Files of other kinds, passed over.
    pub files_skipped: u64,
    /// Log files left out by the selection.
    pub files_not_selected: u64,
    /// Bytes of the log files that are done, as they lie, packed or not.
    pub bytes: u64,
    /// Records read.
    pub records: u64,
    /// Records that are rows of `events` now. One that came earlier under a larger place is a duplicate now,
    /// which `log_files` shows for its file.
    pub events: u64,
    /// Records of which another copy is kept.
    pub duplicates: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Records of earlier runs that are rejected now, since a record of this run contradicts them.
    pub rejected_of_earlier_runs: u64,
    /// Why records and files were rejected.
    pub reasons: BTreeMap<&'static str, u64>,
}

impl Books {
    /// Returns true when every record read is accounted for.
    pub fn balance(&self) -> bool {
        self.records == self.events + self.duplicates + self.rejected
    }

    pub(super) fn count_reason(&mut self, reason: Reason) {
        *self.reasons.entry(reason.code()).or_default() += 1;
    }

    pub(super) fn uncount_conflicts(&mut self, count: i64) {
        let counted = self
            .reasons
            .entry(Reason::ConflictingDuplicate.code())
            .or_default();
        *counted = counted.saturating_add_signed(-count);
        self.reasons.retain(|_, count| *count > 0);
    }

    pub(super) fn set(&mut self, total: Tally, others: Tally) {
        let count = |change: i64| u64::try_from(change).unwrap_or_default();
        self.events = count(total.events);
        self.duplicates = count(total.duplicates);
        self.rejected = count(total.rejected);
        self.rejected_of_earlier_runs = count(others.rejected);
    }

    /// Returns true when nothing was rejected.
    pub fn is_clean(&self) -> bool {
        self.rejected + self.rejected_of_earlier_runs + self.files_rejected == 0
    }
}

impl AddAssign<&Self> for Books {
    /// Adds the books of another part of the run.
    fn add_assign(&mut self, part: &Self) {
        for (sum, count) in [
            (&mut self.files, part.files),
            (&mut self.files_read, part.files_read),
            (&mut self.files_replaced, part.files_replaced),
            (&mut self.files_known, part.files_known),
            (&mut self.bytes, part.bytes),
            (&mut self.files_rejected, part.files_rejected),
            (&mut self.files_skipped, part.files_skipped),
            (&mut self.files_not_selected, part.files_not_selected),
            (&mut self.records, part.records),
            (&mut self.events, part.events),
            (&mut self.duplicates, part.duplicates),
            (&mut self.rejected, part.rejected),
            (
                &mut self.rejected_of_earlier_runs,
                part.rejected_of_earlier_runs,
            ),
        ] {
            *sum += count;
        }
        for (reason, count) in &part.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
    }
}

/// What the records of one log file became; negative where a later copy changed an earlier verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) events: i64,
    pub(super) duplicates: i64,
    pub(super) rejected: i64,
}

impl Tally {
    pub(super) fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.duplicates += other.duplicates;
        self.rejected += other.rejected;
    }
}
