//! `rolecall sql`: any SQL over the tables and views.

use clap::Args;
use futures::TryStreamExt as _;

use super::World;
use super::failure::{Exit, Failure};
use crate::engine::{Answer, EngineError};
use crate::views::{OpenLake, open_lake};

/// Ask any SQL over the tables and views
///
/// Tables: events, sessions, rejected, `log_files`, duplicates. Views: `attributed_events`, `call_outcomes`, `permission_usage`, `persona_switches`.
/// `SHOW TABLES` lists them, `DESCRIBE events` tells the columns of one. The dialect is DataFusion's. Questions only read: nothing else
/// is accepted.
#[derive(Debug, Args)]
pub(super) struct SqlArgs {
    /// One question
    #[arg(value_name = "SQL")]
    sql: String,
}

const NAMES: &str = "`SHOW TABLES` lists tables and views, `DESCRIBE events` the columns of one; only questions are answered";

pub(super) fn run(world: &World, args: &SqlArgs) -> Result<Exit, Failure> {
    let lake = world.open_lake()?;
    world.runtime.block_on(async {
        let open = open_lake(&lake, world.limits()).await?;
        warn_if_stale(world, &open);
        let answer = open
            .engine
            .query("the question", &args.sql, &[])
            .await
            .map_err(|error| Failure::from(error).with_hint(NAMES))?;
        show(world, answer).await
    })?;
    Ok(Exit::Done)
}

/// Says so when the sessions do not know of all events.
pub(super) fn warn_if_stale(world: &World, open: &OpenLake) {
    if !open.manifest.is_resolved() {
        world
            .ui
            .say("warning: sessions are older than the events; run `rolecall resolve`");
    }
}

/// Writes an answer to stdout while it comes in, and returns how many rows it had.
pub(super) async fn show(world: &World, answer: Answer) -> Result<usize, Failure> {
    let mut rows = world.ui.rows(world.format, &answer.schema());
    let mut batches = answer.stream().await?;
    let mut count = 0;
    while let Some(batch) = batches
        .try_next()
        .await
        .map_err(|source| EngineError::Query {
            what: "the question".to_owned(),
            source: Box::new(source),
        })?
    {
        count += batch.num_rows();
        rows.write(&batch)?;
    }
    rows.finish()?;
    Ok(count)
}
