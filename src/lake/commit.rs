//! Changing a lake: new files are written first, the manifest makes them count, old ones go last.
//!
//! A process killed before the manifest is published leaves files that no manifest names; one killed
//! after it leaves files that should be gone. Either way the next opening sweeps them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use chrono::{DateTime, NaiveDate, Utc};

use super::derived::Derived;
use super::lease::Turn;
use super::manifest::{self, DataFile, Manifest, Operation};
use super::store::{NewFile, Store};
use super::sweep;
use super::table::LakeTable;
use super::{Lake, LakeError};

/// What one commit adds and takes away.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// What it is for.
    pub operation: Operation,
    /// New files, already written.
    pub add: Vec<(LakeTable, DataFile)>,
    /// Files that no longer count, by path.
    pub remove: Vec<(LakeTable, String)>,
    /// Set when `sessions` now reflects all events.
    pub resolved: bool,
    /// Set when `sessions` is now worked out from the facts by these rules, or by none.
    pub session_rules: Option<String>,
    /// What is to be worked out again of which days, besides those whose events change.
    pub stale: BTreeSet<(Derived, NaiveDate)>,
    /// What this change brings up to date of which days.
    pub stored: BTreeSet<(Derived, NaiveDate)>,
    /// The rules by which it does; set with the days that are `stale` by them.
    pub rules: BTreeMap<Derived, String>,
    /// Set when events before this day are given up.
    pub pruned_before: Option<NaiveDate>,
    /// Sources in buckets that were read as a whole, by URI, and the day on which that began.
    pub walked: BTreeMap<String, NaiveDate>,
}

impl Change {
    /// Returns true when there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty()
            && self.remove.is_empty()
            && !self.resolved
            && self.session_rules.is_none()
            && self.stale.is_empty()
            && self.stored.is_empty()
            && self.rules.is_empty()
            && self.pruned_before.is_none()
            && self.walked.is_empty()
    }

    fn touches(&self, table: LakeTable) -> bool {
        let added = self.add.iter().any(|(of, _)| *of == table);
        added || self.remove.iter().any(|(of, _)| *of == table)
    }

    /// The state that comes of this change to `base`.
    fn applied_to(&self, base: &Manifest, at: DateTime<Utc>) -> Result<Manifest, LakeError> {
        let mut next = base.next(self.operation, at)?;
        // Other files with the same rows: what was worked out from them still holds.
        if self.operation != Operation::Compact && self.touches(LakeTable::Events) {
            next.events_version = next.version;
        }
        if self.resolved {
            next.resolved_version = next.events_version;
        }
        if let Some(rules) = &self.session_rules {
            next.session_rules.clone_from(rules);
        }
        next.pruned_before = base.pruned_before.max(self.pruned_before);
        for (source, day) in &self.walked {
            next.walked.insert(source.clone(), *day);
        }
        let removed: HashSet<&str> = self.remove.iter().map(|(_, path)| path.as_str()).collect();
        for table in LakeTable::ALL {
            let files = next.files_mut(table);
            files.retain(|file| !removed.contains(file.path.as_str()));
            let added = self.add.iter().filter(|(of, _)| *of == table);
            files.extend(added.map(|(_, file)| file.clone()));
            files.sort_by(|a, b| a.path.cmp(&b.path));
        }
        for what in Derived::ALL {
            if let Some(rules) = self.rules.get(&what) {
                next.derived
                    .entry(what)
                    .or_default()
                    .rules
                    .clone_from(rules);
            }
            next.set_stale(what, self.stale_days(what, base));
        }
        Ok(next)
    }

    /// The days of which `what` is out of date after this change to `base`.
    fn stale_days(&self, what: Derived, base: &Manifest) -> BTreeSet<NaiveDate> {
        let mut stale = base.noted_stale(what);
        // Other files with the same rows are no change.
        if self.operation != Operation::Compact {
            let added = self.add.iter().filter(|(of, _)| *of == LakeTable::Events);
            stale.extend(added.filter_map(|(_, file)| file.date));
            let removed: HashSet<&str> =
                self.remove.iter().map(|(_, path)| path.as_str()).collect();
            let before = base.files(LakeTable::Events).iter();
            let removed = before.filter(|file| removed.contains(file.path.as_str()));
            stale.extend(removed.filter_map(|file| file.date));
        }
        let of_it = self.stale.iter().filter(|(of, _)| *of == what);
        stale.extend(of_it.map(|(_, day)| *day));
        stale.retain(|day| !self.stored.contains(&(what, *day)));
        stale
    }

    /// Whether it may be applied to a state that another writer made of the one it was meant for.
    ///
    /// Compaction depends on nothing but the files it takes the place of.
    fn stands_on(&self, newest: &Manifest) -> bool {
        self.operation == Operation::Compact
            && self.remove.iter().all(|(table, path)| {
                let files = newest.files(*table);
                files.iter().any(|file| file.path == *path)
            })
    }
}

/// The right to change the lake; one process at a time holds it.
///
/// On disk that is sure. In a bucket another one may take our turn if we were silent for too long; the commit then tells.
#[derive(Debug)]
pub struct WriteGuard<'a> {
    lake: &'a Lake,
    _turn: Turn,
    now: DateTime<Utc>,
    next_file: AtomicU32,
    /// The number that the next commit will have.
    next_version: AtomicU64,
}

impl<'a> WriteGuard<'a> {
    pub(super) fn new(lake: &'a Lake, turn: Turn, now: DateTime<Utc>) -> Result<Self, LakeError> {
        let mut newest = lake.snapshot()?;
        if lake.store().bucket().is_some() {
            newest = sweep::in_bucket(lake.store(), &lake.lease, newest, now)?;
        }
        Ok(Self {
            lake,
            _turn: turn,
            now,
            next_file: AtomicU32::new(0),
            next_version: AtomicU64::new(newest.version + 1),
        })
    }

    /// The state that the next commit builds on.
    pub fn snapshot(&self) -> Result<Manifest, LakeError> {
        self.lake.snapshot()
    }

    /// When this run began: the time that its rows and commits bear.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The files of the lake.
    pub fn store(&self) -> &Store {
        self.lake.store()
    }

    /// Begins a file for `table`.
    pub(super) fn new_file(
        &self,
        table: LakeTable,
        date: Option<NaiveDate>,
    ) -> Result<NewFile, LakeError> {
        let folder = match date {
            Some(date) => format!("{}/date={date}", table.name()),
            None => table.name().to_owned(),
        };
        let version = self.next_version.load(Ordering::Relaxed);
        let number = self.next_file.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("{version:08}-{number:04}-");
        self.store().begin(&folder, &prefix)
    }

    /// Removes a file that was written and is not to count.
    pub fn discard(&self, file: &DataFile) {
        self.store()
            .remove_quietly(std::slice::from_ref(&file.path));
    }

    /// Publishes `change`, which was made of `base`, as the newest state; then removes what no longer counts.
    ///
    /// Where another writer published first, a change that does not depend on what it did is put on top;
    /// else [`LakeError::Overtaken`] is returned, and nothing counts that was not there before.
    pub fn commit(&self, base: &Manifest, change: &Change) -> Result<Manifest, LakeError> {
        if change.is_empty() {
            return Ok(base.clone());
        }
        let store = self.store();
        let overtaken = || LakeError::Overtaken { path: store.root() };
        for folder in folders_of(change) {
            store.sync_dir(folder)?;
        }
        let is_in_bucket = store.bucket().is_some();
        let may_count = if is_in_bucket {
            // Files of another number may be swept by whoever took that one.
            base.version + 1 == self.next_version.load(Ordering::Relaxed)
        } else {
            // Where locks do not work, another one may have taken them for leftovers.
            let mut added = change.add.iter();
            added.all(|(_, file)| store.path_of(&file.path).exists())
        };
        if !may_count {
            return Err(overtaken());
        }
        let mut next = change.applied_to(base, self.now)?;
        while !next.publish(store)? {
            let newest = self.snapshot()?;
            // In a bucket our new files may be swept now that their number is taken.
            if is_in_bucket || !change.stands_on(&newest) {
                return Err(overtaken());
            }
            next = change.applied_to(&newest, self.now)?;
        }
        self.next_version.store(next.version + 1, Ordering::Relaxed);
        manifest::forget_old(store, next.version);
        let named = |table: LakeTable, path: &str| {
            let files = next.files(table);
            files.iter().any(|file| file.path == path)
        };
        let retired: Vec<String> = change
            .remove
            .iter()
            .filter(|(table, path)| !named(*table, path))
            .map(|(_, path)| path.clone())
            .collect();
        self.remove_unless_read(&retired);
        Ok(next)
    }

    /// Removes retired files at once when nobody else reads; else the next opening does.
    fn remove_unless_read(&self, retired: &[String]) {
        if !retired.is_empty() {
            self.lake.lease.alone(|| {
                self.store().remove_quietly(retired);
            });
        }
    }
}

fn folders_of(change: &Change) -> BTreeSet<&str> {
    change
        .add
        .iter()
        .filter_map(|(_, file)| Some(file.path.rsplit_once('/')?.0))
        .collect()
}
