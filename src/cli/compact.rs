//! `rolecall compact`: many small files of a day put together.

use clap::Args;

use super::World;
use super::asking::show_rows;
use super::failure::{Exit, Failure};
use super::ingest::write;
use crate::lake::{Column, ColumnType, RowBuilder, WriteGuard};
use crate::upkeep::{Compacted, Policy, compact, plan};

/// Put the many small files of a day together
///
/// Each day becomes one file, sorted by time, or several where it is large; no row changes. Questions that are being answered go on
/// undisturbed, and killed at any moment it does no harm. `ingest` does the most needed of it by itself.
#[derive(Debug, Args)]
#[command(after_help = super::WORKING)]
pub(super) struct CompactArgs {
    /// Show what there is to do, and do nothing
    #[arg(long)]
    dry_run: bool,
}

const COLUMNS: &[Column] = &[
    Column::required("table", ColumnType::Text, "the table"),
    Column::new(
        "date",
        ColumnType::Text,
        "the UTC day, in tables that have days",
    ),
    Column::required("rows", ColumnType::Int, "rows, which stay the same"),
    Column::required(
        "files_before",
        ColumnType::Int,
        "files that are put together",
    ),
    Column::new("files_after", ColumnType::Int, "files that came of them"),
    Column::required("bytes_before", ColumnType::Int, "their size"),
    Column::new("bytes_after", ColumnType::Int, "and now"),
];

pub(super) fn run(world: &World, args: &CompactArgs) -> Result<Exit, Failure> {
    let lake = world.open_lake()?;
    let mut rows = RowBuilder::new(COLUMNS);
    if args.dry_run {
        for merge in plan(&lake.snapshot()?, Policy::ALL) {
            rows.row()
                .text("table", Some(merge.table.name()))
                .text("date", merge.date.map(|date| date.to_string()))
                .count("rows", merge.rows())
                .count("files_before", merge.files.len() as u64)
                .int("files_after", None)
                .count("bytes_before", merge.bytes())
                .int("bytes_after", None);
        }
    } else {
        let guard = write(world, &lake)?;
        for done in put_together(world, &guard, Policy::ALL)? {
            rows.row()
                .text("table", Some(done.table.name()))
                .text("date", done.date.map(|date| date.to_string()))
                .count("rows", done.rows)
                .count("files_before", done.files_before as u64)
                .count("files_after", done.files_after as u64)
                .count("bytes_before", done.bytes_before)
                .count("bytes_after", done.bytes_after);
        }
    }
    if rows.is_empty() {
        world.ui.say("every day is in one file already");
    }
    show_rows(world, rows)?;
    Ok(Exit::Done)
}

/// Compacts what an ingest left in too many files. That this fails is told, and is no failure of the ingest.
pub(super) fn put_together_after(world: &World, guard: &WriteGuard<'_>) {
    if put_together(world, guard, Policy::AFTER_INGEST).is_err() {
        world
            .ui
            .say("warning: small files could not be put together; `rolecall compact` tells why");
    }
}

/// Compacts as far as `policy` asks for it.
pub(super) fn put_together(
    world: &World,
    guard: &WriteGuard<'_>,
    policy: Policy,
) -> Result<Vec<Compacted>, Failure> {
    let mut tell = |done: &Compacted| {
        let date = done
            .date
            .map_or_else(String::new, |date| format!(" {date}"));
        world.ui.say(&format!(
            "{}{date}: {} files became {}",
            done.table.name(),
            done.files_before,
            done.files_after
        ));
    };
    Ok(world
        .runtime
        .block_on(compact(guard, policy, world.limits(), &mut tell))?)
}
