//! What a commit rests on is durable before the commit is, so that a power cut leaves whole states.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::support::records::{assume, call, records_file, session, user};
use super::support::{LIMITS, TempLake, runtime};
use rolecall::ingest::{IngestOptions, ingest};
use rolecall::lake::{Lake, Step, Store, Watch};
use rolecall::source::{Location, Selection, list};
use rolecall::upkeep::resolve_all;
use rolecall::upkeep::{Policy, compact, prune};

/// Every step that was taken, in its order.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<(Step, PathBuf)>>);

impl Watch for Notes {
    fn before(&self, _: Step, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn after(&self, step: Step, path: &Path) {
        self.0.lock().unwrap().push((step, path.to_owned()));
    }
}

/// What a power cut would undo: names whose folders were not synced.
#[derive(Default)]
struct Disk {
    synced_files: BTreeSet<PathBuf>,
    open_names: BTreeSet<PathBuf>,
    commits: usize,
}

impl Disk {
    fn take(&mut self, step: Step, path: &Path) {
        match step {
            Step::SyncFile => {
                self.synced_files.insert(path.to_owned());
            }
            Step::Publish => {
                assert!(
                    self.synced_files.remove(path),
                    "{} got its name before its bytes were durable",
                    path.display()
                );
                if path
                    .parent()
                    .is_some_and(|folder| folder.ends_with("manifest"))
                {
                    assert_eq!(
                        self.open_names,
                        BTreeSet::new(),
                        "{} rests on names that are not durable",
                        path.display()
                    );
                    self.commits += 1;
                }
                self.open_names.insert(path.to_owned());
            }
            Step::CreateFolder => {
                self.open_names.insert(path.to_owned());
            }
            Step::SyncFolder => self.open_names.retain(|name| name.parent() != Some(path)),
            Step::Remove => {
                assert!(
                    !self.open_names.iter().any(|name| name
                        .parent()
                        .is_some_and(|folder| folder.ends_with("manifest"))),
                    "{} was removed before the commit that does without it was durable",
                    path.display()
                );
                self.open_names.remove(path);
            }
            Step::CreateFile | Step::Write | Step::List | Step::Open => {}
        }
    }
}

#[test]
fn names_and_bytes_are_durable_before_the_commit_that_rests_on_them() {
    let lake = TempLake::new();
    let created = "2026-03-02T09:00:00Z";
    let hat = session("111122223333", "One", "a", "ASIAONEEXAMPLE", created);
    let take = assume(
        "take",
        user("alice"),
        created,
        "111122223333",
        "One",
        "a",
        "ASIAONEEXAMPLE",
    );
    let later = call("later", hat, "2026-03-03T09:00:00Z", "s3", "ListBuckets");
    let notes = Arc::new(Notes::default());
    let store = Store::new(&lake.root()).watched(Arc::clone(&notes) as Arc<dyn Watch>);
    let open = Lake::open_or_create_in(store).unwrap();
    for (name, record) in [("a.json", take), ("b.json", later)] {
        lake.put(name, &records_file(&[record]));
        let guard = open
            .write("2026-04-01T00:00:00Z".parse().unwrap(), || ())
            .unwrap();
        let logs = Location::parse(lake.logs().to_str().unwrap()).unwrap();
        let listing = list(&[logs], &Selection::default()).unwrap();
        ingest(&guard, listing, IngestOptions::new(1), &mut |_| ()).unwrap();
        runtime().block_on(resolve_all(&guard, LIMITS)).unwrap();
    }
    let guard = open
        .write("2026-04-01T00:00:00Z".parse().unwrap(), || ())
        .unwrap();
    runtime()
        .block_on(compact(&guard, Policy::ALL, LIMITS, &mut |_| ()))
        .unwrap();
    runtime()
        .block_on(prune(&guard, "2026-03-03".parse().unwrap(), LIMITS))
        .unwrap();
    drop(guard);
    drop(open);
    let mut disk = Disk::default();
    for (step, path) in notes.0.lock().unwrap().iter() {
        disk.take(*step, path);
    }
    // The empty lake, two ingests with their sessions, a compaction, a prune and the sessions after it.
    assert!(disk.commits >= 7, "{} commits", disk.commits);
    assert_eq!(disk.open_names, BTreeSet::new());
}
