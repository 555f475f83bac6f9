//! What `report run` and the scheduler share: the lake and the names of a file of definitions, new log files, one report.

use crate::cli::World;
use crate::cli::failure::{Exit, Failure};
use crate::cli::ingest::{self, IngestArgs, write};
use crate::cli::rightsize::tell_problems;
use crate::directory::Directory;
use crate::policies::Grants;
use crate::schedule::{
    Definitions, For, Made, Materials, ReportDef, make_report, make_unrecorded,
};

/// Takes over what the file says of lake and names, where no flag does; reads what is granted.
pub(in crate::cli) fn set_up(
    world: &mut World,
    definitions: &Definitions,
) -> Result<(Grants, Exit), Failure> {
    if world.lake.is_none() {
        world.lake.clone_from(&definitions.lake);
    }
    let named = Directory::read(
        definitions.accounts.as_deref(),
        definitions.people.as_deref(),
        definitions.countries.as_deref(),
    )?;
    let own = &mut world.directory;
    if own.accounts.is_empty() {
        own.accounts = named.accounts;
    }
    if own.people.is_empty() {
        own.people = named.people;
    }
    if own.countries.is_none() {
        own.countries = named.countries;
    }
    if definitions.grants.is_empty() {
        return Ok((Grants::default(), Exit::Done));
    }
    let grants = Grants::read(&definitions.grants)?;
    let exit = tell_problems(world, &grants);
    Ok((grants, exit))
}

/// What a report needs besides the lake.
pub(in crate::cli) fn materials<'m>(world: &'m World, grants: &'m Grants) -> Materials<'m> {
    Materials {
        directory: &world.directory,
        grants,
        limits: world.limits(),
    }
}

/// Reads the log files that the file of definitions names into the lake.
pub(in crate::cli) fn fetch(world: &World, definitions: &Definitions) -> Result<Exit, Failure> {
    if definitions.ingest.is_empty() {
        return Ok(Exit::Done);
    }
    let args = IngestArgs::of_job(&definitions.ingest)?;
    let (_, exit) = ingest::take(world, &args)?;
    Ok(exit)
}

/// Makes one report: asks it, writes its files, and, where it is to be, writes down what it said.
pub(in crate::cli) fn make(
    world: &World,
    report: &ReportDef,
    wanted: For,
    materials: Materials<'_>,
    is_recorded: bool,
) -> Result<Made, Failure> {
    let lake = world.open_lake()?;
    let made = if is_recorded {
        let guard = write(world, &lake)?;
        let made = make_report(&lake, &guard, report, wanted, materials, &world.aws);
        world.runtime.block_on(made)?
    } else {
        if !lake.snapshot()?.is_resolved() {
            world
                .ui
                .say("warning: sessions are older than the events; run `rolecall resolve`");
        }
        let made = make_unrecorded(&lake, report, wanted, materials, &world.aws);
        world.runtime.block_on(made)?
    };
    Ok(made)
}
