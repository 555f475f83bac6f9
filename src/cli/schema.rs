//! `rolecall schema`: every table, view and column with its meaning.

use clap::Args;

use super::World;
use super::failure::{Exit, Failure};
use crate::queries::nearest;
use crate::reports::catalog;
use crate::views::names;

/// Show every table, view and column with its meaning
///
/// It needs no lake. Names of columns that AWS recorded are AWS's own, in snake case.
#[derive(Debug, Args)]
#[command(after_help = super::ASKING)]
pub(super) struct SchemaArgs {
    /// Table or view; all of them if not given
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub(super) fn run(world: &World, args: &SchemaArgs) -> Result<Exit, Failure> {
    let name = args.name.as_deref();
    let batch = world.runtime.block_on(catalog(name, world.limits()))?;
    if let (0, Some(name)) = (batch.num_rows(), name) {
        return Err(Failure::usage(
            format!("no table or view is called `{name}`"),
            nearest(names().into_iter(), name)
                .map(|nearest| format!("did you mean `{nearest}`?"))
                .into_iter()
                .chain(["`rolecall schema` shows all of them".to_owned()])
                .collect(),
        ));
    }
    world.ui.batches(
        world.format,
        batch.schema_ref(),
        std::slice::from_ref(&batch),
    )?;
    Ok(Exit::Done)
}
