//! `rolecall status`: what the lake holds.

use clap::Args;

use super::World;
use super::asking::open;
use super::failure::{Exit, Failure};
use super::review::show_sections;
use crate::reports::{SECTIONS, SMALL_FILES};

/// Show what the lake holds: files, rows, time range, accounts, what the logs cannot prove, rejected, unresolved
#[derive(Debug, Args)]
#[command(after_help = super::ASKING)]
pub(super) struct StatusArgs {}

/// The sections of the review that speak of the lake and not of people.
const SHOWN: [&str; 6] = [
    "books",
    "coverage",
    "limits",
    "forms",
    "unresolved",
    "rejected",
];

pub(super) fn run(world: &World, _: &StatusArgs) -> Result<Exit, Failure> {
    world.runtime.block_on(async {
        let open = open(world).await?;
        let sections: Vec<_> = SECTIONS
            .iter()
            .filter(|section| SHOWN.contains(&section.name))
            .chain([&SMALL_FILES])
            .collect();
        show_sections(world, &open, &sections).await
    })?;
    Ok(Exit::Done)
}
