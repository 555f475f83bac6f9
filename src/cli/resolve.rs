//! `rolecall resolve`: sessions and attribution brought up to date.

use clap::Args;

use super::World;
use super::failure::{Exit, Failure};
use super::ingest::{bring_up_to_date, write};

/// Bring sessions, attribution and stored usage up to date
///
/// `ingest` does this too; it is needed after `ingest --no-resolve`.
#[derive(Debug, Args)]
#[command(after_help = super::WORKING)]
pub(super) struct ResolveArgs {}

pub(super) fn run(world: &World, _: &ResolveArgs) -> Result<Exit, Failure> {
    let lake = world.open_lake()?;
    let guard = write(world, &lake)?;
    let done = bring_up_to_date(world, &guard)?;
    world.ui.say(&if done.sessions.worked {
        format!("resolved {} sessions", done.sessions.sessions)
    } else {
        format!("{} sessions are up to date", done.sessions.sessions)
    });
    if !done.sessions.worked && done.usage_days > 0 {
        let days = if done.usage_days == 1 { "day" } else { "days" };
        world
            .ui
            .say(&format!("stored the usage of {} {days}", done.usage_days));
    }
    Ok(Exit::Done)
}
