//! Several processes on one lake: two ingests, a compaction, and questions all the while.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use libtest_mimic::Failed;

use super::dice::Dice;
use super::place::{Ground, Place, Side};
use super::support::tables_of;
use super::{job, logs};

/// True of every state in which log files are there wholly or not at all, and no row twice.
const WHOLE: &str = "SELECT (SELECT count(*) FROM events) = (SELECT coalesce(sum(events), 0) FROM log_files) \
    AND (SELECT count(*) FROM events) = (SELECT count(DISTINCT event_id) FROM events) \
    AND (SELECT count(*) FROM attributed_events) = (SELECT count(*) FROM events) AS whole";

pub fn rounds(rounds: u64, side: Side) -> Result<(), Failed> {
    let ground = Ground::new(side);
    let folder = tempfile::tempdir()?;
    let everything = folder.path().join("logs");
    let files = logs::all();
    for (name, bytes) in &files {
        logs::put(&everything, name, bytes);
    }
    let alone = ground.place("alone");
    ended_well(ingest(&everything, &alone), 0);
    let wanted = tables_of(&alone.store());
    let questions = AtomicU64::new(0);
    for round in 0..rounds {
        let mut dice = Dice::new(round);
        // Two shares that overlap, so that both meet files of the other.
        let shares = [0, 1].map(|share| folder.path().join(format!("{round}-{share}")));
        for (at, (name, bytes)) in files.iter().enumerate() {
            for (of, share) in shares.iter().enumerate() {
                if at % 2 == of || dice.one_in(3) {
                    logs::put(share, name, bytes);
                }
            }
        }
        let lake = ground.place(&format!("{round}-lake"));
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| ask(&lake, &done, &questions));
            // However this ends: a question asked for ever would keep a failure from being told.
            let _no_more = RaisedAtEnd(&done);
            let writers = [0, 1].map(|at| ingest(&shares[at], &lake));
            for _ in 0..3 {
                std::thread::sleep(Duration::from_millis(dice.below(400)));
                if lake.is_there() {
                    run(&["compact"], &lake).output().unwrap();
                }
            }
            for writer in writers {
                ended_well(writer, round);
            }
            done.store(true, Ordering::SeqCst);
            asking.join().unwrap();
        });
        job::assert_sound(&lake);
        job::assert_same(
            &tables_of(&lake.store()),
            &wanted,
            &format!("round {round}"),
        );
    }
    println!(
        "{rounds} rounds of two ingests and three compactions, with {} questions among them",
        questions.load(Ordering::SeqCst)
    );
    Ok(())
}

/// Raises its flag when it is dropped, by a panic too.
struct RaisedAtEnd<'a>(&'a AtomicBool);

impl Drop for RaisedAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn ended_well(writer: Child, round: u64) {
    let ended = writer.wait_with_output().unwrap();
    assert!(
        matches!(ended.status.code(), Some(0 | 3)),
        "round {round}: {:?}\n{}",
        ended.status,
        String::from_utf8_lossy(&ended.stderr)
    );
}

fn run(words: &[&str], lake: &Place) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rolecall"));
    command.args(words).args(lake.flags());
    command
}

fn ingest(logs: &Path, lake: &Place) -> Child {
    run(&["ingest", logs.to_str().unwrap()], lake)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Asks until the writers are done; every answer must be of one whole state.
fn ask(lake: &Place, done: &AtomicBool, questions: &AtomicU64) {
    while !done.load(Ordering::SeqCst) {
        if !lake.is_there() {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        }
        let ran = run(&["sql", WHOLE], lake).output().unwrap();
        assert_eq!(
            (
                ran.status.code(),
                String::from_utf8_lossy(&ran.stdout).as_ref()
            ),
            (Some(0), "{\"whole\":true}\n"),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        questions.fetch_add(1, Ordering::SeqCst);
    }
}
