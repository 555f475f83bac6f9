//! What a commit promises: all or nothing, one after the other, and nothing left behind.

mod bucket;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::*;

fn data_file(guard: &WriteGuard<'_>) -> DataFile {
    let mut file = guard.new_file(LakeTable::Rejected, None).unwrap();
    file.publish().unwrap();
    DataFile {
        path: file.path().to_owned(),
        date: None,
        rows: 1,
        size: 0,
        min_time: None,
        max_time: None,
        content: None,
    }
}

fn adding(file: &DataFile) -> Change {
    Change {
        add: vec![(LakeTable::Rejected, file.clone())],
        ..Change::default()
    }
}

fn removing(file: &DataFile) -> Change {
    Change {
        remove: vec![(LakeTable::Rejected, file.path.clone())],
        ..Change::default()
    }
}

fn commit(guard: &WriteGuard<'_>, change: &Change) -> Manifest {
    guard.commit(&guard.snapshot().unwrap(), change).unwrap()
}

fn new_lake(dir: &tempfile::TempDir) -> (PathBuf, Lake) {
    let root = dir.path().canonicalize().unwrap().join("lake");
    let lake = Lake::open_or_create(&root).unwrap();
    (root, lake)
}

/// Leaves the lake as a writer does who was killed.
fn somebody_wrote(root: &Path) {
    std::fs::write(root.join("lock"), "killed").unwrap();
}

fn write(lake: &Lake) -> WriteGuard<'_> {
    lake.write(DateTime::UNIX_EPOCH, || ()).unwrap()
}

#[test]
fn a_committed_file_counts_and_what_a_killed_process_left_is_swept_at_the_next_opening() {
    let dir = tempfile::tempdir().unwrap();
    let (root, lake) = new_lake(&dir);
    let guard = write(&lake);
    let kept = data_file(&guard);
    let stray = data_file(&guard);
    let torn = root.join("staging/00000001-0009-abc.parquet");
    std::fs::write(&torn, "torn").unwrap();
    commit(&guard, &adding(&kept));
    drop(guard);
    drop(lake);

    let lake = Lake::open(&root).unwrap();
    assert_eq!(
        lake.snapshot().unwrap().files(LakeTable::Rejected),
        std::slice::from_ref(&kept)
    );
    assert!(root.join(kept.path).exists());
    assert!(!root.join(stray.path).exists());
    assert!(!torn.exists());
}

#[test]
fn who_only_reads_looks_for_leftovers_where_somebody_wrote_and_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let (root, lake) = new_lake(&dir);
    drop(lake);
    let stray = root.join("events/00000001-0000-abc.parquet");
    std::fs::create_dir_all(root.join("events")).unwrap();
    std::fs::write(&stray, "of a copy").unwrap();
    drop(Lake::open(&root).unwrap());
    assert!(stray.exists());
    somebody_wrote(&root);
    drop(Lake::open(&root).unwrap());
    assert!(!stray.exists());
    assert_eq!(std::fs::read(root.join("lock")).unwrap(), b"");
}

#[test]
fn a_file_that_is_not_finished_is_not_seen_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (root, lake) = new_lake(&dir);
    let guard = write(&lake);
    let file = guard.new_file(LakeTable::Rejected, None).unwrap();
    assert!(!root.join(file.path()).exists());
    assert_eq!(std::fs::read_dir(root.join("staging")).unwrap().count(), 1);
    drop(file);
    assert_eq!(std::fs::read_dir(root.join("staging")).unwrap().count(), 0);
}

#[test]
fn a_removed_file_stays_while_somebody_reads_and_goes_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let (root, lake) = new_lake(&dir);
    let guard = write(&lake);
    let old = data_file(&guard);
    commit(&guard, &adding(&old));
    drop(guard);
    let reader = Lake::open(&root).unwrap();
    let guard = write(&lake);
    commit(&guard, &removing(&old));
    drop(guard);
    assert!(root.join(&old.path).exists(), "a reader may still need it");
    drop(reader);
    drop(lake);
    drop(Lake::open(&root).unwrap());
    assert!(!root.join(&old.path).exists());
}

#[test]
fn of_two_writers_without_locks_the_second_is_told_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (root, lake) = new_lake(&dir);
    let guard = write(&lake);
    let base = guard.snapshot().unwrap();
    let (first, second) = (data_file(&guard), data_file(&guard));
    guard.commit(&base, &adding(&first)).unwrap();
    let error = guard.commit(&base, &adding(&second)).unwrap_err();
    assert!(matches!(error, LakeError::Overtaken { .. }), "{error}");
    // Also when so much happened since that the manifest it would have met is gone.
    for _ in 0..6 {
        let file = data_file(&guard);
        commit(&guard, &adding(&file));
    }
    let error = guard.commit(&base, &adding(&second)).unwrap_err();
    assert!(matches!(error, LakeError::Overtaken { .. }), "{error}");
    let manifest = lake.snapshot().unwrap();
    assert_eq!(manifest.version, 7);
    assert!(manifest.files(LakeTable::Rejected).contains(&first));
    assert!(!manifest.files(LakeTable::Rejected).contains(&second));
    assert!(root.join(first.path).exists());
}

#[test]
fn compaction_goes_on_top_of_another_commit_unless_its_files_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (_, lake) = new_lake(&dir);
    let guard = write(&lake);
    let (one, two) = (data_file(&guard), data_file(&guard));
    let both = Change {
        add: vec![
            (LakeTable::Rejected, one.clone()),
            (LakeTable::Rejected, two.clone()),
        ],
        ..Change::default()
    };
    let base = commit(&guard, &both);
    let other = data_file(&guard);
    commit(&guard, &adding(&other));
    let merged = data_file(&guard);
    let compaction = Change {
        operation: Operation::Compact,
        add: vec![(LakeTable::Rejected, merged.clone())],
        remove: vec![
            (LakeTable::Rejected, one.path),
            (LakeTable::Rejected, two.path),
        ],
        ..Change::default()
    };
    let after = guard.commit(&base, &compaction).unwrap();
    let mut files = vec![other, merged];
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert_eq!(after.files(LakeTable::Rejected), files);
    let error = guard.commit(&base, &compaction).unwrap_err();
    assert!(matches!(error, LakeError::Overtaken { .. }), "{error}");
}

#[test]
fn a_lake_that_lost_its_manifests_is_refused_and_nothing_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let (root, lake) = new_lake(&dir);
    let guard = write(&lake);
    let file = data_file(&guard);
    commit(&guard, &adding(&file));
    drop(guard);
    drop(lake);
    for entry in std::fs::read_dir(root.join("manifest")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    for _ in 0..2 {
        let error = Lake::open_or_create(&root).unwrap_err();
        assert!(matches!(error, LakeError::ManifestsLost { .. }), "{error}");
        assert!(matches!(
            Lake::open(&root),
            Err(LakeError::ManifestsLost { .. })
        ));
    }
    assert!(root.join(&file.path).exists());
}

#[test]
fn an_old_manifest_that_was_put_back_makes_no_leftovers_of_what_came_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let (root, lake) = new_lake(&dir);
    let guard = write(&lake);
    let files: Vec<DataFile> = (0..3)
        .map(|_| {
            let file = data_file(&guard);
            commit(&guard, &adding(&file));
            file
        })
        .collect();
    drop(guard);
    drop(lake);
    for version in [2, 3] {
        std::fs::remove_file(root.join(format!("manifest/{version:08}.json"))).unwrap();
    }
    somebody_wrote(&root);
    drop(Lake::open(&root).unwrap());
    for file in files {
        assert!(root.join(&file.path).exists(), "{}", file.path);
    }
}

#[test]
fn a_commit_whose_files_are_gone_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let (root, lake) = new_lake(&dir);
    let guard = write(&lake);
    let file = data_file(&guard);
    std::fs::remove_file(root.join(&file.path)).unwrap();
    let error = guard
        .commit(&guard.snapshot().unwrap(), &adding(&file))
        .unwrap_err();
    assert!(matches!(error, LakeError::Overtaken { .. }), "{error}");
    assert_eq!(lake.snapshot().unwrap().version, 0);
}

#[test]
fn a_folder_that_only_looks_like_a_lake_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for folder in ["manifest", "staging", "events"] {
        std::fs::create_dir(root.join(folder)).unwrap();
    }
    std::fs::write(root.join("staging/notes.txt"), "precious").unwrap();
    assert!(matches!(Lake::open(root), Err(LakeError::NotALake { .. })));
    std::fs::write(
        root.join("manifest/00000002.json"),
        r#"{"format":1,"version":2}"#,
    )
    .unwrap();
    assert!(matches!(Lake::open(root), Err(LakeError::Manifest { .. })));
    assert!(root.join("staging/notes.txt").exists());
}

#[test]
fn what_a_link_leads_to_is_not_swept() {
    let dir = tempfile::tempdir().unwrap();
    let (root, lake) = new_lake(&dir);
    drop(lake);
    let outside = dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("own.parquet"), "precious").unwrap();
    for name in ["events", "staging"] {
        let link = root.join(name);
        if link.exists() {
            std::fs::remove_dir(&link).unwrap();
        }
        std::os::unix::fs::symlink(&outside, &link).unwrap();
    }
    somebody_wrote(&root);
    drop(Lake::open(&root).unwrap());
    assert!(outside.join("own.parquet").exists());
}

#[test]
fn a_manifest_that_names_files_outside_is_refused() {
    for path in ["/etc/passwd", "../x.parquet", "events/../../x.parquet", ""] {
        let dir = tempfile::tempdir().unwrap();
        let (root, lake) = new_lake(&dir);
        drop(lake);
        let text = format!(
            r#"{{"format":1,"version":1,"tables":{{"events":[{{"path":"{path}","rows":1,"size":1}}]}}}}"#
        );
        std::fs::write(root.join("manifest/00000001.json"), text).unwrap();
        let error = Lake::open(&root).unwrap_err();
        assert!(
            matches!(error, LakeError::PathOutside { .. }),
            "{path}: {error}"
        );
    }
}

#[test]
fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (root, lake) = new_lake(&dir);
    drop(lake);
    std::fs::write(
        root.join("manifest/00000009.json"),
        r#"{"format":99,"version":9,"something":"new"}"#,
    )
    .unwrap();
    let error = Lake::open(&root).unwrap_err();
    assert!(
        matches!(error, LakeError::NewerFormat { found: 99, .. }),
        "{error}"
    );
}

#[test]
fn a_manifest_that_cannot_be_is_damaged_and_a_format_of_any_size_is_newer() {
    let huge = u64::MAX;
    for (name, text, is_newer) in [
        (
            "00000009",
            r#"{"format":4294967296,"version":9}"#.to_owned(),
            true,
        ),
        (
            "00000009",
            r#"{"format":1,"version":7,"tables":{}}"#.to_owned(),
            false,
        ),
        (
            "18446744073709551615",
            format!(r#"{{"format":1,"version":{huge},"tables":{{}}}}"#),
            false,
        ),
        (
            "00000009",
            format!(
                r#"{{"format":1,"version":9,"tables":{{"events":[
                    {{"path":"events/a.parquet","rows":{huge},"size":1}},
                    {{"path":"events/b.parquet","rows":2,"size":1}}]}}}}"#
            ),
            false,
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (root, lake) = new_lake(&dir);
        drop(lake);
        std::fs::write(root.join(format!("manifest/{name}.json")), &text).unwrap();
        let error = Lake::open(&root).unwrap_err();
        let is_as_said = if is_newer {
            matches!(error, LakeError::NewerFormat { .. })
        } else {
            matches!(error, LakeError::Manifest { .. })
        };
        assert!(is_as_said, "{text}: {error}");
    }
}

#[test]
fn names_that_no_commit_gives_are_no_manifests() {
    let dir = tempfile::tempdir().unwrap();
    let (root, lake) = new_lake(&dir);
    let version = lake.snapshot().unwrap().version;
    for name in ["3.json", "+0000009.json", "000000009.json", "nine.json"] {
        std::fs::write(root.join("manifest").join(name), "{").unwrap();
    }
    assert_eq!(
        Lake::open(&root).unwrap().snapshot().unwrap().version,
        version
    );
}

#[test]
fn a_folder_with_other_files_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("letter.txt"), b"dear").unwrap();
    let error = Lake::open_or_create(dir.path()).unwrap_err();
    assert!(matches!(error, LakeError::Occupied { .. }), "{error}");
    assert!(matches!(
        Lake::open(dir.path()).unwrap_err(),
        LakeError::NotALake { .. }
    ));
}

/// Lets another process open the same new lake at one step of ours, and go as far as it can without us.
#[derive(Debug)]
struct OtherAt {
    step: u32,
    seen: AtomicU32,
    root: PathBuf,
    other: Mutex<Option<JoinHandle<Result<Lake, LakeError>>>>,
}

impl OtherAt {
    fn look(&self) {
        if self.seen.fetch_add(1, Ordering::SeqCst) != self.step {
            return;
        }
        let root = self.root.clone();
        let other = std::thread::spawn(move || Lake::open_or_create(&root));
        // It may have to wait for us, and then we must go on.
        let mut patience = 40;
        while !other.is_finished() && patience > 0 {
            std::thread::sleep(Duration::from_millis(5));
            patience -= 1;
        }
        *self.other.lock().unwrap() = Some(other);
    }
}

impl Watch for OtherAt {
    fn before(&self, _: Step, _: &Path) -> io::Result<()> {
        self.look();
        Ok(())
    }

    fn after(&self, _: Step, _: &Path) {
        self.look();
    }
}

#[test]
fn two_that_make_the_same_lake_at_once_make_one() {
    for step in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("lake");
        let watch = Arc::new(OtherAt {
            step,
            seen: AtomicU32::new(0),
            root: root.clone(),
            other: Mutex::new(None),
        });
        let ours = Lake::open_or_create_in(Store::new(&root).watched(Arc::clone(&watch) as _));
        let ours = ours.unwrap_or_else(|error| panic!("step {step}: {error}: {error:?}"));
        assert_eq!(ours.snapshot().unwrap().version, 0);
        let Some(other) = watch.other.lock().unwrap().take() else {
            assert!(step > 10, "{step} steps");
            break;
        };
        let other = other.join().unwrap();
        other.unwrap_or_else(|error| panic!("the other, step {step}: {error}: {error:?}"));
    }
}
