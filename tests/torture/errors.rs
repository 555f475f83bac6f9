//! Steps that fail: a dying disk and a full one. The command fails with the reason, the lake stays good, and doing it again helps.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use libtest_mimic::Failed;
use rolecall::lake::Store;

use super::support::dice::Dice;
use super::support::tables_in;
use super::watch::Failure;
use super::{job, kills, logs};

/// One step of the job says EIO.
pub fn at_steps(faults: u64) -> Result<(), Failed> {
    disturbed(faults, "EIO", 11, Failure::once)
}

/// From one step of the job on there is no room.
pub fn full_disk(faults: u64) -> Result<(), Failed> {
    disturbed(faults, "no room", 13, Failure::full_from)
}

fn disturbed(
    faults: u64,
    name: &str,
    seed: u64,
    failure: impl Fn(u64) -> Failure,
) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let logs = logs::write(folder.path());
    let wanted = job::undisturbed(&logs);
    let steps = kills::steps(&logs);
    let mut points: Vec<usize> = (0..steps.len()).collect();
    Dice::new(seed).shuffle(&mut points);
    let lake = folder.path().join("lake");
    let mut failed = 0;
    for at in points.into_iter().cycle().take(usize::try_from(faults)?) {
        let what = format!("{name} at step {at}, {:?}", steps[at].0);
        let watch = Arc::new(failure(at as u64));
        match job::run(&Store::watched(&lake, watch.clone()), &logs) {
            // A file that could not be removed is removed later; nothing was wrong with the job.
            Ok(()) => job::assert_same(&tables_in(&lake), &wanted, &what),
            Err(error) => {
                assert!(is_io(&*error), "{what}: {error:?}");
                assert!(watch.told.load(Ordering::SeqCst) > 0, "{what}: {error:?}");
                failed += 1;
            }
        }
        settle(&lake, &logs, &wanted, &what);
    }
    println!("{faults} times {name}, of which {failed} made the command fail");
    Ok(())
}

fn settle(lake: &Path, logs: &[std::path::PathBuf; 2], wanted: &[String], what: &str) {
    if lake.join("manifest").exists() {
        job::assert_sound(lake);
    }
    job::run(&Store::new(lake), logs).unwrap();
    job::assert_sound(lake);
    job::assert_same(&tables_in(lake), wanted, what);
    std::fs::remove_dir_all(lake).unwrap();
}

/// Whether what the system said is in the chain of causes.
fn is_io(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some() {
            return true;
        }
        cause = error.source();
    }
    false
}
