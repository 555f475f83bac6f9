//! Decides which copy of an event is kept, and what becomes of the others.
//!
//! The rule, for any number of copies that arrived in any order: the one with the smallest place is
//! kept; a copy that says the same is a duplicate; one that says something else is a conflict.

use super::copies::{Copies, Place, RowRef, Rows};

/// A copy that is not kept since another one says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The event.
    pub event_id: String,
    /// When it was, in microseconds since 1970.
    pub event_time: i64,
    /// Where the copy was read.
    pub place: Place,
}

/// A copy that is not kept although it says something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The event.
    pub event_id: String,
    /// Where the copy was read.
    pub place: Place,
    /// What it says, as JSON.
    pub record: String,
}

/// What becomes of the rows of a batch.
#[derive(Debug, Default)]
pub struct Settled {
    /// Rows that are kept.
    pub keep: Vec<RowRef>,
    /// Rows that say what a kept row says.
    pub duplicates: Vec<Duplicate>,
    /// Rows that say something else.
    pub conflicts: Vec<Conflict>,
}

/// Settles all copies of one event.
pub fn settle(rows: &Rows<'_>, copies: &Copies, settled: &mut Settled) {
    if copies.more.is_empty() {
        settled.keep.push(copies.first);
        return;
    }
    let mut ordered: Vec<(Place, RowRef)> = copies.iter().map(|at| (rows.place(at), at)).collect();
    ordered.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut ordered = ordered.into_iter();
    let Some((_, winner)) = ordered.next() else {
        return;
    };
    settled.keep.push(winner);
    for (place, at) in ordered {
        let event_id = rows.event_id(at).to_owned();
        if rows.same_content(winner, at) {
            settled.duplicates.push(Duplicate {
                event_id,
                event_time: rows.event_time(at),
                place,
            });
        } else {
            let record = rows.record(at);
            settled.conflicts.push(Conflict {
                event_id,
                place,
                record,
            });
        }
    }
}
