//! `rolecall prune`: days given up.

use clap::Args;

use super::asking::show_rows;
use super::failure::{Exit, Failure};
use super::ingest::write;
use super::{World, time};
use crate::lake::{Column, ColumnType, Lake, LakeTable, RowBuilder};
use crate::upkeep::{Pruned, plan_prune, prune};

/// Give up the events of old days
///
/// Whole days go, and what speaks of nothing else. A session stays as long as an event that stays needs it, and what was known of it
/// stays known, also where the event that proved it goes. Log files stay listed, so that reading the same ones again brings nothing back;
/// late and changed files bring their old events until the next time. Files that somebody is reading go when the next rolecall opens the lake.
#[derive(Debug, Args)]
#[command(after_help = super::WORKING)]
pub(super) struct PruneArgs {
    /// The first day that stays: a date (`2026-03-02`), or a span back from now (`365d`); of a time its day, UTC
    #[arg(long, value_name = "DATE")]
    before: String,
    /// Show what would go, and change nothing
    #[arg(long)]
    dry_run: bool,
}

const COLUMNS: &[Column] = &[
    Column::required("table", ColumnType::Text, "the table"),
    Column::new("date", ColumnType::Text, "the UTC day, of events"),
    Column::required("rows_removed", ColumnType::Int, "rows that go"),
    Column::required("rows_kept", ColumnType::Int, "rows that stay"),
];

pub(super) fn run(world: &World, args: &PruneArgs) -> Result<Exit, Failure> {
    let time = time::parse("--before", &args.before, world.now)?;
    if time > world.now {
        return Err(Failure::usage(
            format!("`--before {}` lies in the future", args.before),
            vec!["name the first day that stays".to_owned()],
        ));
    }
    let before = time.date_naive();
    let lake = world.open_lake()?;
    let pruned = if args.dry_run {
        let manifest = lake.snapshot()?;
        if !manifest.is_resolved() {
            world.ui.say("the sessions are not up to date; `rolecall resolve` first makes these figures true");
        }
        let planned = plan_prune(lake.store(), &manifest, before, world.limits());
        world.runtime.block_on(planned)?
    } else {
        let guard = write(world, &lake)?;
        world
            .runtime
            .block_on(prune(&guard, before, world.limits()))?
    };
    say(world, &pruned, before, args.dry_run);
    if !args.dry_run {
        say_what_is_read(world, &lake, &pruned);
    }
    let mut rows = RowBuilder::new(COLUMNS);
    for pruned in &pruned {
        rows.row()
            .text("table", Some(pruned.table.name()))
            .text("date", pruned.date.map(|date| date.to_string()))
            .count("rows_removed", pruned.rows)
            .count("rows_kept", pruned.rows_kept);
    }
    show_rows(world, rows)?;
    Ok(Exit::Done)
}

fn say(world: &World, pruned: &[Pruned], before: chrono::NaiveDate, is_dry: bool) {
    let days = pruned.iter().filter(|pruned| pruned.date.is_some());
    let (count, rows) = days.fold((0, 0), |(count, rows), day| (count + 1, rows + day.rows));
    world.ui.say(&match (count, is_dry) {
        (0, _) => format!("no event is older than {before}"),
        (_, true) => format!(
            "{} with {} would go; nothing was changed",
            days_of(count),
            events_of(rows)
        ),
        (_, false) => format!("{} with {} given up", days_of(count), events_of(rows)),
    });
}

fn days_of(count: u64) -> String {
    if count == 1 {
        "1 day".to_owned()
    } else {
        format!("{count} days")
    }
}

fn events_of(count: u64) -> String {
    if count == 1 {
        "1 event".to_owned()
    } else {
        format!("{count} events")
    }
}

/// Says so where files are still there, since somebody reads them.
fn say_what_is_read(world: &World, lake: &Lake, pruned: &[Pruned]) {
    let days = pruned.iter().filter_map(|pruned| pruned.date);
    let left = days
        .filter(|date| lake.has_files_of(LakeTable::Events, *date))
        .count();
    if left > 0 {
        world.ui.say(&format!(
            "files of {} are still being read; they go when the next rolecall opens the lake",
            days_of(left as u64)
        ));
    }
}
