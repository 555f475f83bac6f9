//! Processes killed with SIGKILL, at named steps and at random instants; then the work is done again.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use rolecall::lake::{Step, Store};

use super::support::dice::Dice;
use super::support::tables_in;
use super::watch::{Death, Notes};
use super::{job, logs};

/// The word that makes this program the process that dies.
pub const CHILD: &str = "child";

/// Does the job until it dies: `LAKE FIRST SECOND STEP before|after`.
pub fn child(arguments: &[String]) -> ExitCode {
    let [lake, first, second, at, when] = arguments else {
        panic!("{arguments:?}");
    };
    let death = Death::new(at.parse().unwrap(), when == "after");
    let store = Store::watched(Path::new(lake), Arc::new(death));
    job::run(&store, &[first.into(), second.into()]).unwrap();
    ExitCode::SUCCESS
}

/// The steps of an undisturbed job, and whether each went well: a folder that is not empty cannot be removed.
pub fn steps(logs: &[PathBuf; 2]) -> Vec<(Step, bool)> {
    let folder = tempfile::tempdir().unwrap();
    let notes = Arc::new(Notes::default());
    let store = Store::watched(&folder.path().join("lake"), notes.clone());
    job::run(&store, logs).unwrap();
    drop(store);
    let notes = std::mem::take(&mut *notes.0.lock().unwrap());
    assert!(notes.len() > 500, "{}", notes.len());
    notes
}

/// Before and after as many steps as are asked for, of every kind, chosen by seed.
pub fn at_steps(kills: u64) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let logs = logs::write(folder.path());
    let wanted = job::undisturbed(&logs);
    let steps = steps(&logs);
    let mut points: Vec<(usize, bool)> = (0..steps.len())
        .flat_map(|at| [(at, false), (at, true)])
        .filter(|&(at, after)| steps[at].1 || !after)
        .collect();
    Dice::new(5).shuffle(&mut points);
    let mut tried: BTreeMap<Step, u64> = BTreeMap::new();
    for (at, after) in points.into_iter().cycle().take(usize::try_from(kills)?) {
        let when = if after { "after" } else { "before" };
        let what = format!("killed {when} step {at}, {:?}", steps[at].0);
        let lake = folder.path().join("lake");
        let status = Command::new(std::env::current_exe()?)
            .arg(CHILD)
            .args([&lake, &logs[0], &logs[1]])
            .args([&at.to_string(), when])
            .stderr(Stdio::null())
            .status()?;
        assert_eq!(status.signal(), Some(9), "{what}: {status}");
        done_again(&lake, &logs, &wanted, &what);
        *tried.entry(steps[at].0).or_default() += 1;
    }
    println!("{kills} kills at {} steps: {tried:?}", steps.len());
    Ok(())
}

/// The lake is sound as it was left, and doing the job again makes it what it should be.
fn done_again(lake: &Path, logs: &[PathBuf; 2], wanted: &[String], what: &str) {
    println!("{what}");
    if lake.join("manifest").exists() {
        job::assert_sound(lake);
    }
    job::run(&Store::new(lake), logs).unwrap();
    job::assert_sound(lake);
    job::assert_same(&tables_in(lake), wanted, what);
    std::fs::remove_dir_all(lake).unwrap();
}

/// The commands a user would run one after the other.
fn commands(logs: &[PathBuf; 2]) -> Vec<Vec<String>> {
    let [first, second] = logs.each_ref().map(|path| path.display().to_string());
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    vec![
        words(&["ingest", &first, "--no-resolve"]),
        words(&["resolve"]),
        words(&["ingest", &second]),
        words(&["compact"]),
        words(&["prune", "--before", job::PRUNED_BEFORE]),
    ]
}

fn start(command: &[String], lake: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_rolecall"))
        .args(command)
        .arg("--lake")
        .arg(lake)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn run_all(commands: &[Vec<String>], lake: &Path) {
    for command in commands {
        let code = start(command, lake).wait().unwrap().code();
        assert!(matches!(code, Some(0 | 3)), "{command:?}: {code:?}");
    }
}

/// The command line itself, at instants spread over all its work.
pub fn at_instants(kills: u64) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let logs = logs::write(folder.path());
    let commands = commands(&logs);
    let lake = folder.path().join("lake");
    let begun = Instant::now();
    run_all(&commands, &lake);
    let whole = begun.elapsed();
    job::assert_sound(&lake);
    let wanted = tables_in(&lake);
    std::fs::remove_dir_all(&lake)?;
    let mut dice = Dice::new(7);
    let mut tried: BTreeMap<String, u64> = BTreeMap::new();
    let mut killed = 0;
    while killed < kills {
        let micros = dice.below(u64::try_from(whole.as_micros())?);
        let deadline = Instant::now() + Duration::from_micros(micros);
        let Some(command) = killed_one(&commands, &lake, deadline) else {
            std::fs::remove_dir_all(&lake)?;
            continue;
        };
        let what = format!("`rolecall {command}` killed {micros} µs after the beginning");
        if lake.join("manifest").exists() {
            job::assert_sound(&lake);
        }
        run_all(&commands, &lake);
        job::assert_sound(&lake);
        job::assert_same(&tables_in(&lake), &wanted, &what);
        std::fs::remove_dir_all(&lake)?;
        killed += 1;
        *tried.entry(command).or_default() += 1;
    }
    println!("{kills} kills of the command line within {whole:?}: {tried:?}");
    Ok(())
}

/// Runs the commands and kills the one that runs at `deadline`; `None` where all were done before it.
fn killed_one(commands: &[Vec<String>], lake: &Path, deadline: Instant) -> Option<String> {
    for command in commands {
        let mut child = start(command, lake);
        loop {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            if Instant::now() >= deadline {
                child.kill().unwrap();
                child.wait().unwrap();
                return Some(command[0].clone());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    None
}
