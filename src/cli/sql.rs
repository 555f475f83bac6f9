//! `rolecall sql`: any SQL over the tables and views.

use clap::Args;

use super::World;
use super::asking::{open, show};
use super::failure::{Exit, Failure};
use crate::queries::nearest;
use crate::views::names;

/// Ask any SQL over the tables and views
///
/// `rolecall schema` tells every table, view and column with its meaning. The dialect is DataFusion's, close to that of Postgres.
/// Questions only read: nothing else is accepted.
#[derive(Debug, Args)]
#[command(after_help = super::ASKING)]
pub(super) struct SqlArgs {
    /// One question
    #[arg(value_name = "SQL")]
    sql: String,
}

const NAMES: &str =
    "`rolecall schema` tells tables, views and columns; only questions are answered";

pub(super) fn run(world: &World, args: &SqlArgs) -> Result<Exit, Failure> {
    world.runtime.block_on(async {
        let open = open(world).await?;
        let answer = open
            .engine
            .query("the question", &args.sql, &[])
            .await
            .map_err(|error| {
                let nearest = error
                    .unknown_table()
                    .and_then(|table| nearest(names().into_iter(), &table));
                let failure = Failure::from(error).into_usage();
                match nearest {
                    Some(nearest) => failure.with_hint(&format!("did you mean `{nearest}`?")),
                    None => failure.with_hint(NAMES),
                }
            })?;
        show(world, answer).await
    })?;
    Ok(Exit::Done)
}
