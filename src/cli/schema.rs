//! `rolecall schema`: every table, view and column with its meaning.

use std::io::Write as _;

use clap::Args;

use super::World;
use super::failure::{Exit, Failure};
use crate::aws::S3Uri;
use crate::output::OutputError;
use crate::queries::nearest;
use crate::reports::{athena, catalog};
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
    /// Print the statements that make a lake in S3 known to Amazon Athena
    #[arg(long, conflicts_with = "name")]
    athena: bool,
}

pub(super) fn run(world: &World, args: &SchemaArgs) -> Result<Exit, Failure> {
    if args.athena {
        let lake = world.lake_path();
        let uri = lake.to_str().filter(|lake| S3Uri::is_one(lake));
        if uri.is_none() {
            world
                .ui
                .say("note: BUCKET and PREFIX stand for a lake in S3; name it with `--lake`");
        }
        let location = uri.unwrap_or("s3://BUCKET/PREFIX").trim_end_matches('/');
        let mut out = world.ui.out()?;
        out.write_all(athena(location).as_bytes())
            .and_then(|()| out.flush())
            .map_err(OutputError::Write)?;
        return Ok(Exit::Done);
    }
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
