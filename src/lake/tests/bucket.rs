//! What a commit promises where there are no locks: of two that believe to have the turn, one is told that he has not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path as Key;

use super::super::*;
use super::{adding, commit, data_file, removing, write};

/// A bucket, and lakes as different processes open them.
struct Bucket(Arc<InMemory>);

impl Bucket {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn reach(&self, patience: Patience) -> Arc<LakeBucket> {
        let objects = Arc::<InMemory>::clone(&self.0) as Arc<dyn ObjectStore>;
        let prefix = Key::from("some/where");
        LakeBucket::over(
            objects,
            "bucket",
            prefix,
            patience,
            store::Thread::start().unwrap(),
        )
    }

    fn store(&self) -> Store {
        Store::in_bucket(self.reach(Patience::default()))
    }

    fn lake(&self) -> Lake {
        Lake::open_or_create_in(self.store()).unwrap()
    }

    fn has(&self, path: &str) -> bool {
        self.reach(Patience::default()).read(path).is_ok()
    }

    fn remove(&self, path: &str) {
        let bucket = self.reach(Patience::default());
        bucket.remove_all(&[path.to_owned()]).unwrap();
    }
}

fn is_overtaken(done: &Result<Manifest, LakeError>) -> bool {
    matches!(done, Err(LakeError::Overtaken { .. }))
}

#[test]
fn what_a_writer_leaves_behind_is_swept_by_the_next_and_can_never_count() {
    let bucket = Bucket::new();
    let (one, other) = (bucket.lake(), bucket.lake());
    let slow = write(&one);
    let base = slow.snapshot().unwrap();
    let file = data_file(&slow);
    assert!(bucket.has(&file.path));
    // It was silent for so long that its turn was taken.
    bucket.remove(LOCK);
    let quick = write(&other);
    assert!(!bucket.has(&file.path));
    assert_eq!(quick.snapshot().unwrap().version, 1);
    assert_eq!(quick.snapshot().unwrap().operation, Operation::Fence);
    assert!(is_overtaken(&slow.commit(&base, &adding(&file))));

    // Nor does it help to begin again under the old number.
    let late = data_file(&slow);
    assert!(is_overtaken(
        &slow.commit(&slow.snapshot().unwrap(), &adding(&late))
    ));
    let kept = data_file(&quick);
    commit(&quick, &adding(&kept));
    drop((slow, quick));
    drop(one);
    drop(write(&other));
    let manifest = other.snapshot().unwrap();
    assert_eq!(
        manifest.files(LakeTable::Rejected),
        std::slice::from_ref(&kept)
    );
    assert!(bucket.has(&kept.path));
    assert!(!bucket.has(&late.path));
}

#[test]
fn a_compaction_that_was_overtaken_is_done_again_and_not_put_on_top() {
    let bucket = Bucket::new();
    let (one, other) = (bucket.lake(), bucket.lake());
    let slow = write(&one);
    let old = data_file(&slow);
    let base = commit(&slow, &adding(&old));
    let new = data_file(&slow);
    bucket.remove(LOCK);
    let quick = write(&other);
    let change = Change {
        operation: Operation::Compact,
        remove: vec![(LakeTable::Rejected, old.path.clone())],
        ..adding(&new)
    };
    assert!(is_overtaken(&slow.commit(&base, &change)));
    assert!(bucket.has(&old.path));
    drop(quick);
}

#[test]
fn retired_files_stay_for_a_reader_and_go_with_the_next_writer() {
    let bucket = Bucket::new();
    let lake = bucket.lake();
    let guard = write(&lake);
    let old = data_file(&guard);
    commit(&guard, &adding(&old));
    let reader = bucket.lake();
    commit(&guard, &removing(&old));
    assert!(bucket.has(&old.path));
    drop(guard);
    drop(write(&lake));
    assert!(bucket.has(&old.path));
    drop(reader);
    let guard = write(&lake);
    assert!(!bucket.has(&old.path));
    assert_eq!(guard.snapshot().unwrap().version, 2, "no fence was needed");
}

#[test]
fn the_mark_of_a_reader_that_died_keeps_nothing() {
    let bucket = Bucket::new();
    let lake = bucket.lake();
    let guard = write(&lake);
    let old = data_file(&guard);
    commit(&guard, &adding(&old));
    drop(guard);
    bucket
        .store()
        .bucket()
        .unwrap()
        .overwrite("readers/dead", "dead 0".into())
        .unwrap();
    std::thread::sleep(Duration::from_millis(60));
    let patience = Patience {
        reader: Duration::from_millis(40),
        ..Patience::default()
    };
    let lake = Lake::open_in(Store::in_bucket(bucket.reach(patience))).unwrap();
    let guard = write(&lake);
    commit(&guard, &removing(&old));
    assert!(!bucket.has(&old.path));
    assert!(!bucket.has("readers/dead"));
}

#[test]
fn the_turn_of_a_writer_that_died_is_taken_and_that_of_one_at_work_is_waited_for() {
    let bucket = Bucket::new();
    drop(bucket.lake());
    let patience = Patience {
        writer: Duration::from_secs(1),
        ..Patience::default()
    };
    let open = || Lake::open_in(Store::in_bucket(bucket.reach(patience))).unwrap();
    bucket
        .reach(patience)
        .overwrite(LOCK, "dead 0".into())
        .unwrap();
    let lake = open();
    let guard = lake.write(DateTime::UNIX_EPOCH, || ()).unwrap();
    let (other, waited) = (open(), Mutex::new(false));
    std::thread::scope(|scope| {
        let second = scope.spawn(|| {
            drop(other.write(DateTime::UNIX_EPOCH, || *waited.lock().unwrap() = true));
        });
        // Long enough that it would be taken for dead if it did not renew its mark.
        std::thread::sleep(Duration::from_millis(2500));
        assert!(*waited.lock().unwrap());
        assert!(!second.is_finished());
        let file = data_file(&guard);
        commit(&guard, &adding(&file));
        drop(guard);
        second.join().unwrap();
    });
    assert!(!bucket.has(LOCK));
}

#[test]
fn a_writer_that_died_leaves_no_reader() {
    let bucket = Bucket::new();
    let lake = bucket.lake();
    let reach = bucket.reach(Patience::default());
    for path in ["readers/abc1", "readers/abc2"] {
        reach.overwrite(path, "left".into()).unwrap();
    }
    // Whatever else the mark says is nobody's business.
    for (mark, gone) in [
        ("dead readers/abc1 7", "readers/abc1"),
        ("dead readers/../events 7", LOCK),
        ("dead - 7", LOCK),
        ("", LOCK),
    ] {
        reach.overwrite(LOCK, mark.into()).unwrap();
        let patience = Patience {
            writer: Duration::from_millis(50),
            ..Patience::default()
        };
        let next = Lake::open_in(Store::in_bucket(bucket.reach(patience))).unwrap();
        drop(write(&next));
        assert!(!bucket.has(gone), "{mark}");
    }
    assert!(bucket.has("readers/abc2"));
    drop(lake);
}

/// While one writer sleeps between its last look and its commit, others commit, and its number is used and forgotten.
#[derive(Debug)]
struct Sleep {
    others: Mutex<Option<(Lake, Arc<InMemory>)>>,
    /// What others added in the meantime.
    added: Mutex<Vec<DataFile>>,
}

impl Sleep {
    fn new(bucket: &Bucket) -> Arc<Self> {
        Arc::new(Self {
            others: Mutex::new(Some((bucket.lake(), Arc::clone(&bucket.0)))),
            added: Mutex::default(),
        })
    }
}

impl Watch for Sleep {
    fn before(&self, step: Step, path: &Path) -> io::Result<()> {
        if step != Step::Publish || !path.ends_with("manifest/00000001.json") {
            return Ok(());
        }
        if let Some((lake, objects)) = self.others.lock().unwrap().take() {
            let bucket = Bucket(objects);
            bucket.remove(LOCK);
            let guard = write(&lake);
            for _ in 0..4 {
                let file = data_file(&guard);
                commit(&guard, &adding(&file));
                self.added.lock().unwrap().push(file);
            }
            bucket.remove("manifest/00000001.json");
        }
        Ok(())
    }

    fn after(&self, _: Step, _: &Path) {}
}

#[test]
fn a_number_that_was_used_and_forgotten_is_no_commit() {
    let bucket = Bucket::new();
    let sleep = Sleep::new(&bucket);
    let watched = bucket.store().watched(Arc::<Sleep>::clone(&sleep) as _);
    let lake = Lake::open_in(watched).unwrap();
    let guard = write(&lake);
    let file = data_file(&guard);
    let done = guard.commit(&guard.snapshot().unwrap(), &adding(&file));
    assert!(is_overtaken(&done));
    let manifest = bucket.lake().snapshot().unwrap();
    assert!(!manifest.files(LakeTable::Rejected).contains(&file));
}

#[test]
fn a_fence_under_a_number_that_was_used_and_forgotten_removes_nothing() {
    let bucket = Bucket::new();
    let sleep = Sleep::new(&bucket);
    // What a killed writer left makes the next one build a fence.
    let killed = bucket.lake();
    drop(data_file(&write(&killed)));
    let watched = bucket.store().watched(Arc::<Sleep>::clone(&sleep) as _);
    let lake = Lake::open_in(watched).unwrap();
    let guard = lake.write(DateTime::UNIX_EPOCH, || ());
    assert!(matches!(guard, Err(LakeError::Overtaken { .. })));
    let added = sleep.added.lock().unwrap();
    assert_eq!(added.len(), 4);
    assert!(added.iter().all(|file| bucket.has(&file.path)));
}

#[test]
fn a_removal_under_a_number_that_was_used_and_forgotten_removes_nothing() {
    let bucket = Bucket::new();
    let lake = bucket.lake();
    let guard = write(&lake);
    let old = data_file(&guard);
    commit(&guard, &adding(&old));
    drop(guard);
    let base = lake.snapshot().unwrap();
    let sleep = Arc::new(Overtake {
        base: base.clone(),
        bucket: bucket.reach(Patience::default()),
    });
    let watched = bucket.store().watched(sleep as _);
    let lake = Lake::open_in(watched).unwrap();
    let guard = write(&lake);
    assert!(is_overtaken(&guard.commit(&base, &removing(&old))));
    assert!(bucket.has(&old.path));
}

/// Puts a manifest two numbers on, which still has what its base had, just before ours is published.
#[derive(Debug)]
struct Overtake {
    base: Manifest,
    bucket: Arc<LakeBucket>,
}

impl Watch for Overtake {
    fn before(&self, step: Step, path: &Path) -> io::Result<()> {
        if step == Step::Publish && path.ends_with("manifest/00000002.json") {
            let mut later = self.base.clone();
            later.version = 3;
            let text = serde_json::to_vec(&later).unwrap();
            self.bucket
                .overwrite("manifest/00000003.json", text.into())?;
        }
        Ok(())
    }

    fn after(&self, _: Step, _: &Path) {}
}

#[test]
fn a_writer_whose_state_is_older_than_its_number_commits_nothing() {
    let bucket = Bucket::new();
    let (one, other) = (bucket.lake(), bucket.lake());
    let slow = write(&one);
    bucket.remove(LOCK);
    let quick = write(&other);
    let file = data_file(&quick);
    commit(&quick, &adding(&file));
    // Without any file of its own there is no number to give it away.
    let newest = slow.snapshot().unwrap();
    assert!(is_overtaken(&slow.commit(&newest, &removing(&file))));
    assert!(bucket.has(&file.path));
}

#[test]
fn manifests_are_forgotten_by_their_age_in_the_bucket() {
    let bucket = Bucket::new();
    let lake = bucket.lake();
    let guard = write(&lake);
    for _ in 0..40 {
        let file = data_file(&guard);
        commit(&guard, &adding(&file));
    }
    // All of today.
    let found = bucket.reach(Patience::default()).list("manifest").unwrap();
    assert_eq!(found.len(), 41);
}

#[test]
fn what_goes_up_in_parts_is_whole_and_what_is_given_up_is_nowhere() {
    use std::io::Write as _;
    let bucket = Bucket::new();
    let lake = bucket.lake();
    let guard = write(&lake);
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|at| at.to_le_bytes()[1]).collect();
    let mut file = guard.new_file(LakeTable::Rejected, None).unwrap();
    for part in bytes.chunks(70_000) {
        file.write_all(part).unwrap();
    }
    assert!(!bucket.has(file.path()));
    assert_eq!(file.publish().unwrap(), 20_000_000);
    let reach = bucket.reach(Patience::default());
    assert!(reach.read(file.path()).unwrap() == bytes);
    let mut other = guard.new_file(LakeTable::Rejected, None).unwrap();
    other.write_all(&bytes).unwrap();
    let path = other.path().to_owned();
    drop(other);
    assert!(!bucket.has(&path));
}

#[test]
fn a_file_that_is_shorter_than_it_was_written_is_an_error_with_its_name() {
    let bucket = Bucket::new();
    let lake = bucket.lake();
    let guard = write(&lake);
    let reach = bucket.reach(Patience::default());
    for size in [0_usize, 3, 5_000] {
        let mut file = data_file(&guard);
        reach.overwrite(&file.path, vec![0; size].into()).unwrap();
        file.size = 10_000;
        let Err(error) = read_columns(guard.store(), &file, None) else {
            panic!("{size} bytes were read");
        };
        assert!(
            error
                .to_string()
                .contains("s3://bucket/some/where/rejected/"),
            "{error}"
        );
    }
}

#[test]
fn a_prefix_with_other_objects_is_left_alone_and_lost_manifests_are_told() {
    let bucket = Bucket::new();
    let put = |path: &str| {
        let bucket = bucket.reach(Patience::default());
        bucket.overwrite(path, "dear".into()).unwrap();
    };
    assert!(matches!(
        Lake::open_in(bucket.store()).unwrap_err(),
        LakeError::NotALake { .. }
    ));
    put("letter.txt");
    assert!(matches!(
        Lake::open_or_create_in(bucket.store()).unwrap_err(),
        LakeError::Occupied { .. }
    ));
    put("events/date=2026-03-02/00000001-0000-a.parquet");
    for open in [Lake::open_in, Lake::open_or_create_in] {
        assert!(matches!(
            open(bucket.store()).unwrap_err(),
            LakeError::ManifestsLost { .. }
        ));
    }
}
