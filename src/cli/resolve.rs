//! `rolecall resolve`: sessions and attribution brought up to date.

use clap::Args;

use super::World;
use super::failure::{Exit, Failure};
use super::ingest::write;
use crate::upkeep::resolve_all;

/// Bring sessions and attribution up to date
///
/// `ingest` does this too; it is needed after `ingest --no-resolve`.
#[derive(Debug, Args)]
#[command(after_help = super::WORKING)]
pub(super) struct ResolveArgs {}

pub(super) fn run(world: &World, _: &ResolveArgs) -> Result<Exit, Failure> {
    let lake = world.open_lake()?;
    let guard = write(world, &lake)?;
    let resolved = world
        .runtime
        .block_on(resolve_all(&guard, world.limits()))?;
    world.ui.say(&if resolved.worked {
        format!("resolved {} sessions", resolved.sessions)
    } else {
        format!("{} sessions are up to date", resolved.sessions)
    });
    Ok(Exit::Done)
}
