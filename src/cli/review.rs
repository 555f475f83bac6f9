//! `rolecall review`: the main job in one go.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use clap::Args;

use super::World;
use super::failure::{Exit, Failure};
use super::ingest::{SelectionArgs, WHERE_REJECTED_ARE, exit_of, listing, read_in, write};
use super::sql::warn_if_stale;
use crate::lake::Lake;
use crate::output::{Format, safe_text};
use crate::queries::ask;
use crate::reports::{SECTIONS, Section};
use crate::sessions::resolve;
use crate::views::{OpenLake, open_lake};

/// Ingest, resolve and review in one go
///
/// With `--lake` or `ROLECALL_LAKE` the sources are added to that lake, and the review is of all it holds; without sources it is reviewed
/// as it is. With neither, a temporary lake is used and removed again.
#[derive(Debug, Args)]
pub(super) struct ReviewArgs {
    /// Files, folders or quoted glob patterns
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    #[command(flatten)]
    selection: SelectionArgs,
}

pub(super) fn run(world: &World, args: &ReviewArgs) -> Result<Exit, Failure> {
    if args.sources.is_empty() {
        if world.lake.is_none() {
            return Err(Failure::usage(
                "nothing to review: no source was named, and no lake".to_owned(),
                vec!["name log files, or a lake with `--lake`".to_owned()],
            ));
        }
        show(world, &world.open_lake()?)?;
        return Ok(Exit::Done);
    }
    let listing = listing(world, &args.sources, &args.selection)?;
    let temporary = match world.lake {
        Some(_) => None,
        None => Some(
            tempfile::Builder::new()
                .prefix("rolecall-")
                .tempdir()
                .map_err(|error| Failure::new("cannot make a temporary lake", error))?,
        ),
    };
    let path = temporary
        .as_ref()
        .map_or_else(|| world.lake_path(), |dir| dir.path().join("lake"));
    let lake = Lake::open_or_create(&path)?;
    if temporary.is_none() {
        world.ui.say(&format!(
            "the lake is `{}`",
            safe_text(&path.display().to_string())
        ));
    }
    let books = {
        let guard = write(world, &lake)?;
        let books = read_in(world, &guard, listing)?;
        world.runtime.block_on(resolve(&guard, world.limits()))?;
        books
    };
    show(world, &lake)?;
    let hint = match temporary {
        Some(_) => "to look into them, run it again with `--lake PATH`, which keeps the lake",
        None => WHERE_REJECTED_ARE,
    };
    Ok(exit_of(world, &books, hint))
}

fn show(world: &World, lake: &Lake) -> Result<(), Failure> {
    world.runtime.block_on(async {
        let open = open_lake(lake, world.limits()).await?;
        warn_if_stale(world, &open);
        for section in SECTIONS {
            show_section(world, &open, section).await?;
        }
        Ok(())
    })
}

/// Shows one section: a heading and a table for people, named rows for scripts.
pub(super) async fn show_section(
    world: &World,
    open: &OpenLake,
    section: &Section,
) -> Result<(), Failure> {
    let answer = ask(&open.engine, section.query, &[]).await?;
    let schema = answer.schema();
    let batches = answer.collect().await?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    match world.format {
        Format::Table => {
            world.ui.line(&format!(
                "\n{}\n{}",
                section.title,
                "=".repeat(section.title.len())
            ))?;
            if rows == 0 {
                world.ui.line(section.empty)?;
            } else {
                world.ui.line(section.about)?;
                world.ui.batches(world.format, &schema, &batches)?;
            }
        }
        Format::Jsonl => {
            for batch in &batches {
                let batch = named(section.name, batch)
                    .map_err(|error| Failure::new("cannot show a section", error))?;
                world.ui.batches(
                    world.format,
                    batch.schema_ref(),
                    std::slice::from_ref(&batch),
                )?;
            }
        }
    }
    Ok(())
}

/// The rows with the section's name in front.
fn named(name: &str, batch: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let mut fields = vec![Arc::new(Field::new("section", DataType::Utf8, false))];
    fields.extend(batch.schema_ref().fields().iter().cloned());
    let names: ArrayRef = Arc::new(StringArray::from(vec![name; batch.num_rows()]));
    let mut columns = vec![names];
    columns.extend(batch.columns().iter().cloned());
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}
