//! Steps that fail: a dying disk and a full one. The command fails with the reason, the lake stays good, and doing it again helps.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use libtest_mimic::Failed;

use super::job::Job;
use super::kills::{Point, points};
use super::place::Side;
use super::watch::Failure;

/// One step of a phase says EIO.
pub fn at_steps(faults: u64, side: Side) -> Result<(), Failed> {
    disturbed(faults, side, "EIO", 11, Failure::once)
}

/// From one step of a phase on there is no room.
pub fn full_disk(faults: u64) -> Result<(), Failed> {
    disturbed(faults, Side::Disk, "no room", 13, Failure::full_from)
}

fn disturbed(
    faults: u64,
    side: Side,
    name: &str,
    seed: u64,
    failure: impl Fn(u64) -> Failure,
) -> Result<(), Failed> {
    let job = Job::new(side);
    let points = points(&job, seed);
    let mut failed = 0;
    for Point {
        phase, at, step, ..
    } in points.iter().cycle().take(usize::try_from(faults)?)
    {
        let what = format!("{phase:?}: {name} at step {at}, {step:?}");
        let lake = job.before(*phase, &name.replace(' ', "-"));
        let watch = Arc::new(failure(*at));
        match phase.run(
            &lake.store().watched(Arc::<Failure>::clone(&watch)),
            &job.logs,
        ) {
            // A file that could not be removed is removed later; nothing was wrong with the work.
            Ok(()) => job.assert_done(&lake, *phase, &what),
            Err(error) => {
                assert!(is_io(&*error), "{what}: {error:?}");
                assert!(watch.told.load(Ordering::SeqCst) > 0, "{what}: {error:?}");
                failed += 1;
            }
        }
        job.assert_mended(&lake, *phase, &what);
    }
    println!("{faults} times {name}, of which {failed} made the command fail");
    Ok(())
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
