//! A change to the lake while it is being put together: what would be there once it is committed.

use chrono::NaiveDate;

use super::LakeError;
use super::commit::{Change, WriteGuard};
use super::derived::Derived;
use super::manifest::{DataFile, Manifest, Operation};
use super::table::LakeTable;

/// New and retired files on top of a committed state.
#[derive(Debug)]
pub struct Draft<'g> {
    guard: &'g WriteGuard<'g>,
    base: Manifest,
    change: Change,
}

impl<'g> Draft<'g> {
    /// A draft that changes nothing yet.
    pub fn new(guard: &'g WriteGuard<'g>, operation: Operation) -> Result<Self, LakeError> {
        Ok(Self {
            guard,
            base: guard.snapshot()?,
            change: Change {
                operation,
                ..Change::default()
            },
        })
    }

    /// The state that this draft changes.
    pub fn base(&self) -> &Manifest {
        &self.base
    }

    /// The right to write that this draft uses.
    pub fn guard(&self) -> &'g WriteGuard<'g> {
        self.guard
    }

    /// The files that count once this draft is committed.
    pub fn files(&self, table: LakeTable) -> Vec<DataFile> {
        let removed = |file: &&DataFile| {
            !self
                .change
                .remove
                .iter()
                .any(|(of, path)| *of == table && *path == file.path)
        };
        let added = self
            .change
            .add
            .iter()
            .filter(|(of, _)| *of == table)
            .map(|(_, file)| file);
        self.base
            .files(table)
            .iter()
            .filter(removed)
            .chain(added)
            .cloned()
            .collect()
    }

    /// The files that this draft adds.
    pub fn added(&self, table: LakeTable) -> Vec<DataFile> {
        let added = self.change.add.iter().filter(|(of, _)| *of == table);
        added.map(|(_, file)| file.clone()).collect()
    }

    /// Adds a file that has been written.
    pub fn add(&mut self, table: LakeTable, file: DataFile) {
        self.change.add.push((table, file));
    }

    /// Puts `new`, if anything, in the place of `old`.
    pub fn replace(&mut self, table: LakeTable, old: &DataFile, new: Option<DataFile>) {
        let position = self
            .change
            .add
            .iter()
            .position(|(of, file)| *of == table && file.path == old.path);
        match position {
            // It was part of this draft and never counted.
            Some(at) => {
                self.change.add.remove(at);
                self.guard.discard(old);
            }
            None => self.change.remove.push((table, old.path.clone())),
        }
        self.change.add.extend(new.map(|file| (table, file)));
    }

    /// Notes that `sessions` now reflects all events, as these rules have it.
    pub fn resolved(&mut self, rules: &str) {
        self.change.resolved = true;
        self.change.session_rules = Some(rules.to_owned());
    }

    /// Notes that `sessions` is no more what the facts say.
    pub fn is_unlinked(&mut self) {
        self.change.session_rules = Some(String::new());
    }

    /// Notes that something is to be worked out again of these days.
    pub fn is_stale(&mut self, what: Derived, days: impl IntoIterator<Item = NaiveDate>) {
        self.change
            .stale
            .extend(days.into_iter().map(|day| (what, day)));
    }

    /// Notes that something is up to date on these days, by these rules.
    pub fn is_stored(
        &mut self,
        what: Derived,
        days: impl IntoIterator<Item = NaiveDate>,
        rules: &str,
    ) {
        self.change
            .stored
            .extend(days.into_iter().map(|day| (what, day)));
        self.change.rules.insert(what, rules.to_owned());
    }

    /// Notes that events before `day` are given up.
    pub fn prune_before(&mut self, day: NaiveDate) {
        self.change.pruned_before = Some(day);
    }

    /// Notes that a source in a bucket was read as a whole, by a reading that began on `day`.
    pub fn walked(&mut self, source: String, day: NaiveDate) {
        self.change.walked.insert(source, day);
    }

    /// Makes the change count, all of it at once, and starts an empty draft on top of it.
    pub fn commit(&mut self) -> Result<(), LakeError> {
        let next = Change {
            operation: self.change.operation,
            ..Change::default()
        };
        let change = std::mem::replace(&mut self.change, next);
        self.base = self.guard.commit(&self.base, &change)?;
        Ok(())
    }
}
