//! Processes killed with SIGKILL, at named steps and at random instants; then the work is done again.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use rolecall::lake::Step;

use super::dice::Dice;
use super::job::{Job, Phase};
use super::place::{Place, Side};
use super::watch::{Death, Notes};

/// The word that makes this program the process that dies.
pub const CHILD: &str = "child";

/// Does a phase until it dies: `LAKE FIRST SECOND PHASE STEP before|after`.
pub fn child(arguments: &[String]) -> ExitCode {
    let [lake, first, second, phase, at, when] = arguments else {
        panic!("{arguments:?}");
    };
    let death = Death::new(at.parse().unwrap(), when == "after");
    let store = Place::of_word(lake).store().watched(Arc::new(death));
    let logs = [first.into(), second.into()];
    Phase::named(phase).run(&store, &logs).unwrap();
    ExitCode::SUCCESS
}

/// One step of one phase.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    pub phase: Phase,
    pub at: u64,
    pub step: Step,
    /// A folder that is not empty cannot be removed, and that is no failure.
    pub went_well: bool,
}

/// The steps of all phases, shuffled by seed.
pub fn points(job: &Job, seed: u64) -> Vec<Point> {
    let mut points = Vec::new();
    for phase in Phase::ALL {
        let lake = job.before(phase, "noted");
        let notes = Arc::new(Notes::default());
        phase
            .run(
                &lake.store().watched(Arc::<Notes>::clone(&notes)),
                &job.logs,
            )
            .unwrap();
        let noted = std::mem::take(&mut *notes.0.lock().unwrap());
        assert!(noted.len() > 15, "{phase:?}: {}", noted.len());
        points.extend((0..).zip(noted).map(|(at, (step, went_well))| Point {
            phase,
            at,
            step,
            went_well,
        }));
    }
    Dice::new(seed).shuffle(&mut points);
    points
}

/// Before or after as many steps as are asked for, chosen by seed.
pub fn at_steps(kills: u64, side: Side) -> Result<(), Failed> {
    let job = Job::new(side);
    let points = points(&job, 5);
    let mut dice = Dice::new(6);
    let mut tried: BTreeMap<(Phase, Step), u64> = BTreeMap::new();
    for point in points.iter().cycle().take(usize::try_from(kills)?) {
        let Point {
            phase,
            at,
            step,
            went_well,
        } = *point;
        let when = if went_well && dice.one_in(2) {
            "after"
        } else {
            "before"
        };
        let what = format!("{phase:?} killed {when} step {at}, {step:?}");
        let lake = job.before(phase, "killed");
        let status = Command::new(std::env::current_exe()?)
            .arg(CHILD)
            .arg(lake.word())
            .args(&job.logs)
            .args([&format!("{phase:?}"), &at.to_string(), when])
            .stderr(Stdio::null())
            .status()?;
        assert_eq!(status.signal(), Some(9), "{what}: {status}");
        job.assert_mended(&lake, phase, &what);
        *tried.entry((phase, step)).or_default() += 1;
    }
    println!("{kills} kills at {} steps: {tried:?}", points.len());
    Ok(())
}

fn start(command: &[String], lake: &Place) -> Child {
    Command::new(env!("CARGO_BIN_EXE_rolecall"))
        .args(command)
        .args(lake.flags())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The command line itself, at instants spread over the work of each command.
pub fn at_instants(kills: u64) -> Result<(), Failed> {
    let job = Job::new(Side::Disk);
    let mut dice = Dice::new(7);
    let mut tried: BTreeMap<Phase, u64> = BTreeMap::new();
    let mut took: BTreeMap<Phase, Duration> = BTreeMap::new();
    for phase in Phase::ALL {
        let lake = job.before(phase, "timed");
        let begun = Instant::now();
        let code = start(&phase.command(&job.logs), &lake).wait()?.code();
        assert!(matches!(code, Some(0 | 3)), "{phase:?}: {code:?}");
        took.insert(phase, begun.elapsed());
    }
    let mut killed = 0;
    while killed < kills {
        let phase = *dice.pick(&Phase::ALL);
        let lake = job.before(phase, "instant");
        let micros = dice.below(u64::try_from(took[&phase].as_micros())?);
        let command = phase.command(&job.logs);
        let mut child = start(&command, &lake);
        std::thread::sleep(Duration::from_micros(micros));
        // One that was done before does not count.
        let ended = child.try_wait()?.is_some();
        child.kill()?;
        child.wait()?;
        if ended {
            continue;
        }
        let what = format!("`{}` killed after {micros} µs", command.join(" "));
        if lake.is_there() {
            super::job::assert_sound(&lake);
        }
        let code = start(&command, &lake).wait()?.code();
        assert!(matches!(code, Some(0 | 3)), "{what}: {code:?}");
        super::job::assert_sound(&lake);
        job.assert_done(&lake, phase, &what);
        killed += 1;
        *tried.entry(phase).or_default() += 1;
    }
    println!("{kills} kills of the command line: {tried:?}, of {took:?}");
    Ok(())
}
