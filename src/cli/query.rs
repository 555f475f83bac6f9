//! `rolecall query`: a question from `sql/queries`, by name.

use arrow::array::RecordBatch;
use clap::Args;

use super::asking::{open, show};
use super::failure::{Exit, Failure};
use super::{World, time};
use crate::lake::{Column, ColumnType, RowBuilder};
use crate::queries::{ask_file, find, queries};
use crate::sql_file::{Param, ParamType};

/// Ask one of the questions in `sql/queries`, by name
///
/// `rolecall query --list` shows all of them with their parameters. A value goes behind its parameter's name:
/// `rolecall query review/denials top=5`.
#[derive(Debug, Args)]
#[command(after_help = super::ASKING)]
pub(super) struct QueryArgs {
    /// Name of the question, `review/denials`; with --list a part of it
    #[arg(value_name = "NAME", required_unless_present = "list")]
    name: Option<String>,
    /// Values for its parameters
    #[arg(value_name = "PARAM=VALUE")]
    params: Vec<String>,
    /// Show all questions, their parameters and what they read
    #[arg(long)]
    list: bool,
}

const LIST: &[Column] = &[
    Column::required("name", ColumnType::Text, "the name to ask by"),
    Column::required("question", ColumnType::Text, "what it answers"),
    Column::required("params", ColumnType::Text, "its parameters"),
    Column::required("reads", ColumnType::Text, "tables and views it reads"),
];

pub(super) fn run(world: &World, args: &QueryArgs) -> Result<Exit, Failure> {
    let (false, Some(name)) = (args.list, &args.name) else {
        let batch = list(args.name.as_deref().unwrap_or_default())
            .map_err(|error| Failure::new("cannot list the queries", error))?;
        world.ui.batches(
            world.format,
            batch.schema_ref(),
            std::slice::from_ref(&batch),
        )?;
        return Ok(Exit::Done);
    };
    let file = find(name).map_err(|error| {
        Failure::from(error).with_hint("`rolecall query --list` shows all of them")
    })?;
    let mut given: Vec<(&str, String)> = Vec::new();
    for param in &args.params {
        let Some((param, value)) = param.split_once('=') else {
            return Err(Failure::usage(
                format!("`{param}` is no parameter"),
                vec![format!("write `PARAM=VALUE`; {}", described(&file.params))],
            ));
        };
        if given.iter().any(|(known, _)| *known == param) {
            return Err(Failure::usage(
                format!("`{param}` is given twice"),
                vec!["give it once".to_owned()],
            ));
        }
        let is_time =
            |known: &Param| known.name == param && known.param_type == ParamType::Timestamp;
        let value = if file.params.iter().any(is_time) {
            time::as_param(time::parse(param, value, world.now)?)
        } else {
            value.to_owned()
        };
        given.push((param, value));
    }
    world.runtime.block_on(async {
        let open = open(world).await?;
        let answer = ask_file(&open.engine, &file, &given).await?;
        if show(world, answer).await? == 0 {
            world
                .ui
                .say("no row fits; names are compared as they are written");
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Exit::Done)
}

fn described(params: &[Param]) -> String {
    if params.is_empty() {
        return "this query has no parameters".to_owned();
    }
    let params: Vec<String> = params.iter().map(ToString::to_string).collect();
    format!("this query has {}", params.join(", "))
}

fn list(part: &str) -> Result<RecordBatch, arrow::error::ArrowError> {
    let mut rows = RowBuilder::new(LIST);
    for query in queries()
        .into_iter()
        .filter(|query| query.name.contains(part))
    {
        let params: Vec<String> = query.params.iter().map(ToString::to_string).collect();
        rows.row()
            .text("name", Some(query.name))
            .text("question", Some(&query.question))
            .text("params", Some(params.join(", ")))
            .text("reads", Some(query.reads.join(", ")));
    }
    rows.take()
}
