//! `rolecall review`: the main job in one go.

use std::io::Write as _;

use arrow::datatypes::SchemaRef;
use clap::Args;

use super::World;
use super::asking::open_at;
use super::bucket::BucketArgs;
use super::compact::put_together_after;
use super::failure::{Exit, Failure};
use super::ingest::{
    SelectionArgs, WHERE_REJECTED_ARE, bring_up_to_date, exit_of, find, read_in, write,
};
use super::limits::LimitArgs;
use crate::lake::{Lake, Store};
use crate::output::{Format, OutputError, Words, safe_text};
use crate::queries::ask;
use crate::reports::{SECTIONS, Section};
use crate::views::OpenLake;

/// Ingest, resolve and review in one go
///
/// With `--lake` or `ROLECALL_LAKE` the sources are added to that lake, and the review is of all it holds. Without either, they are read into
/// a temporary lake, which is removed again. Without sources a lake is reviewed as it is: the one that is named, else `./rolecall-lake`.
#[derive(Debug, Args)]
#[command(after_help = super::READING)]
pub(super) struct ReviewArgs {
    /// Files, folders, quoted glob patterns, `s3://BUCKET/PREFIX`, or `-` for standard input
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    bucket: BucketArgs,
}

pub(super) fn run(world: &World, args: &ReviewArgs) -> Result<Exit, Failure> {
    if args.sources.is_empty() {
        show(world, world.store()?)?;
        return Ok(Exit::Done);
    }
    let mut found = find(
        world,
        &args.sources,
        &args.selection.selection(world)?,
        &args.bucket,
    )?;
    let (skipped, not_selected, is_empty) = match found.batches.peek() {
        Some(first) => (
            first.skipped,
            first.not_selected,
            first.files.is_empty() && first.unreadable.is_empty(),
        ),
        None => (0, 0, true),
    };
    if world.lake.is_none() && is_empty {
        return Err(Failure::usage(
            format!(
                "nothing to review: no log file was found; {skipped} other files were passed over, {not_selected} log files left out by the flags"
            ),
            vec!["check the folder, and `--from`, `--to`, `--account` and `--region`, which go by the files' names".to_owned()],
        ));
    }
    let temporary = match world.lake {
        Some(_) => None,
        None => Some(
            tempfile::Builder::new()
                .prefix("rolecall-")
                .tempdir()
                .map_err(|error| Failure::new("cannot make a temporary lake", error))?,
        ),
    };
    let store = match &temporary {
        None => world.store()?,
        Some(folder) => Store::new(&folder.path().join("lake")),
    };
    let lake = Lake::open_or_create_in(store.clone())?;
    if temporary.is_none() {
        world.ui.say(&format!(
            "the lake is `{}`",
            safe_text(&store.root().display().to_string())
        ));
    }
    let books = {
        let guard = write(world, &lake)?;
        let books = read_in(world, &guard, found, &args.limits)?;
        bring_up_to_date(world, &guard)?;
        if temporary.is_none() {
            put_together_after(world, &guard);
        }
        books
    };
    show(world, store)?;
    let hint = match temporary {
        Some(_) => "to look into them, run it again with `--lake PATH`, which keeps the lake",
        None => WHERE_REJECTED_ARE,
    };
    Ok(exit_of(world, &books, hint))
}

fn show(world: &World, lake: Store) -> Result<(), Failure> {
    world.runtime.block_on(async {
        let open = open_at(world, lake).await?;
        if world.format == Format::Markdown {
            let mut out = world.ui.out()?;
            writeln!(out, "# Account review").map_err(OutputError::Write)?;
            out.flush().map_err(OutputError::Write)?;
        }
        let sections: Vec<_> = SECTIONS.iter().collect();
        show_sections(world, &open, &sections).await
    })
}

/// Shows sections: headings and tables of the main columns for people, named rows with all columns for programs.
pub(super) async fn show_sections(
    world: &World,
    open: &OpenLake,
    sections: &[&Section],
) -> Result<(), Failure> {
    let mut answers = Vec::with_capacity(sections.len());
    for section in sections {
        let mut answer = ask(&open.engine, section.query, &[]).await?;
        if world.format.is_for_people() && !section.for_people.is_empty() {
            answer = answer.with_columns(section.for_people)?;
        }
        answers.push(answer.collect_all().await?);
    }
    let schemas: Vec<_> = answers
        .iter()
        .map(|(schema, _)| SchemaRef::clone(schema))
        .collect();
    let mut out = world.ui.sections(world.format, &schemas)?;
    for (section, (schema, rows)) in sections.iter().zip(&answers) {
        let words = Words {
            name: section.name,
            title: section.title,
            about: section.about,
            empty: section.empty,
            next: section.next,
        };
        out.section(words, schema, rows)?;
    }
    Ok(out.finish()?)
}
