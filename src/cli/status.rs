//! `rolecall status`: what the lake holds.

use std::sync::Arc;

use clap::Args;

use super::World;
use super::failure::{Exit, Failure};
use super::review::show_section;
use super::sql::warn_if_stale;
use crate::reports::SECTIONS;
use crate::views::open_lake;

/// Show what the lake holds: files, rows, time range, accounts, rejected, unresolved
#[derive(Debug, Args)]
pub(super) struct StatusArgs {}

/// The sections of the review that speak of the lake and not of people.
const SHOWN: [&str; 4] = ["books", "coverage", "unresolved", "rejected"];

pub(super) fn run(world: &World, _: &StatusArgs) -> Result<Exit, Failure> {
    let lake = world.open_lake()?;
    world.runtime.block_on(async {
        let open = Arc::new(open_lake(&lake, world.limits()).await?);
        warn_if_stale(world, &open);
        for section in SECTIONS
            .iter()
            .filter(|section| SHOWN.contains(&section.name))
        {
            show_section(world, &open, section).await?;
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Exit::Done)
}
