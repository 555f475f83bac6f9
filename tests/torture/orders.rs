//! The same log files in any order, in any number of runs, with compaction anywhere between: the same tables.

use libtest_mimic::Failed;
use rolecall::lake::Lake;
use rolecall::upkeep::resolve_all;
use rolecall::upkeep::{Policy, compact};
use sha2::{Digest as _, Sha256};

use super::dice::Dice;
use super::place::{Ground, Side};
use super::support::{LIMITS, runtime, tables_of};
use super::{job, logs};

pub fn rounds(rounds: u64, side: Side) -> Result<(), Failed> {
    let mut files = logs::all();
    let wanted = tables_after(&[files.clone()], &mut Dice::new(0), side);
    let mut runs_in_all = 0;
    for round in 1..=rounds {
        let mut dice = Dice::new(round);
        dice.shuffle(&mut files);
        let mut runs = vec![Vec::new()];
        for file in &files {
            if dice.one_in(6) {
                runs.push(Vec::new());
            }
            runs.last_mut().unwrap().push(file.clone());
        }
        runs_in_all += runs.len();
        let found = tables_after(&runs, &mut dice, side);
        job::assert_same(
            &found,
            &wanted,
            &format!("round {round}, {} runs", runs.len()),
        );
        assert_eq!(hash_of(&found), hash_of(&wanted), "round {round}");
    }
    println!(
        "{rounds} orders of {} files in {runs_in_all} runs: {}",
        files.len(),
        hash_of(&wanted)
    );
    Ok(())
}

fn hash_of(rows: &[String]) -> String {
    let mut hasher = Sha256::new();
    for row in rows {
        hasher.update(row);
        hasher.update("\n");
    }
    format!("sha256:{:x}", hasher.finalize())
}

/// The tables after these runs, with sizes of batches, resolution and compaction by chance.
fn tables_after(runs: &[Vec<(String, Vec<u8>)>], dice: &mut Dice, side: Side) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(side);
    let place = ground.place("lake");
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    for (at, run) in runs.iter().enumerate() {
        // Later runs list the earlier files too, as a nightly run does.
        for (name, bytes) in run {
            logs::put(&logs, name, bytes);
        }
        let lake = Lake::open_or_create_in(place.store()).unwrap();
        let guard = lake
            .write("2026-04-01T00:00:00Z".parse().unwrap(), || ())
            .unwrap();
        let batch_bytes = *dice.pick(&[4 << 10, 64 << 10, 64 << 20]);
        job::read_in(&guard, &logs, batch_bytes).unwrap();
        if at + 1 == runs.len() || dice.one_in(4) {
            runtime().block_on(resolve_all(&guard, LIMITS)).unwrap();
        }
        if dice.one_in(3) {
            runtime()
                .block_on(compact(&guard, Policy::ALL, LIMITS, &mut |_| ()))
                .unwrap();
        }
    }
    job::assert_sound(&place);
    tables_of(&place.store())
}
