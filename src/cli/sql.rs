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
/// The dialect is DataFusion's. Questions only read: nothing else is accepted.
#[derive(Debug, Args)]
pub(super) struct SqlArgs {
    /// One SELECT statement
    #[arg(value_name = "SQL")]
    sql: String,
}

pub(super) fn run(world: &World, args: &SqlArgs) -> Result<Exit, Failure> {
    let lake = world.open_lake()?;
    world.runtime.block_on(async {
        let open = open_lake(&lake, world.limits()).await?;
        warn_if_stale(world, &open);
        let answer = open.engine.query("the question", &args.sql, &[]).await?;
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

/// Writes an answer to stdout while it comes in.
pub(super) async fn show(world: &World, answer: Answer) -> Result<(), Failure> {
    let mut rows = world.ui.rows(world.format, &answer.schema());
    let mut batches = answer.stream().await?;
    while let Some(batch) = batches
        .try_next()
        .await
        .map_err(|source| EngineError::Query {
            what: "the question".to_owned(),
            source: Box::new(source),
        })?
    {
        rows.write(&batch)?;
    }
    Ok(rows.finish()?)
}
