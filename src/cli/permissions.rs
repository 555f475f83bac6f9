//! `rolecall permissions`: what was used, per role and per person behind it, and when last.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use clap::Args;
use futures::TryStreamExt as _;

use super::World;
use super::asking::{ask_and_show, given, open};
use super::failure::{Exit, Failure};
use super::rightsize::{as_day, tell_problems};
use crate::engine::{Answer, Engine, EngineError};
use crate::policies::{Fit, Grants, PrincipalKind};
use crate::queries::ask;
use crate::reports::{value_of, window};

/// List permissions by role and by the person behind it, with their first and last use
///
/// Only allowed calls count as use; refused ones stand apart. What was never logged (data events, as a rule) does not show. With `--grants`
/// the column `granted` tells what was used and taken away since: `not_granted`.
#[derive(Debug, Args)]
#[command(after_help = super::GRANTED)]
pub(super) struct PermissionsArgs {
    /// Role, by ARN or name
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Person or workload: ARN, name, e-mail, OIDC subject or instance id
    #[arg(long, value_name = "WHO")]
    principal: Option<String>,
    /// Account in which the permission was used
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Action, `iam:CreateUser`, in any case
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Show each resource in a row of its own
    #[arg(long, conflicts_with = "grants")]
    by_resource: bool,
    /// Tell which of them are granted today: answers of `aws iam get-account-authorization-details`
    #[arg(long, value_name = "FILE", num_args = 1..)]
    grants: Vec<PathBuf>,
}

const RESOURCES_FOR_PEOPLE: [&str; 7] = [
    "persona",
    "who",
    "permission",
    "resource_arn",
    "use_count",
    "last_used_at",
    "denied_count",
];

const FOR_PEOPLE: [&str; 6] = [
    "persona",
    "who",
    "permission",
    "use_count",
    "last_used_at",
    "denied_count",
];

pub(super) fn run(world: &World, args: &PermissionsArgs) -> Result<Exit, Failure> {
    let given = given(&[
        ("role", &args.role),
        ("principal", &args.principal),
        ("account", &args.account),
        ("action", &args.action),
    ]);
    let grants = Grants::read(&args.grants)?;
    let exit = tell_problems(world, &grants);
    world.runtime.block_on(async {
        let open = open(world).await?;
        tell_coverage(world, &open.engine, args.account.as_ref()).await?;
        let rows = if args.by_resource {
            let query = "permissions/by_resource";
            ask_and_show(world, &open, query, &given, &RESOURCES_FOR_PEOPLE).await?
        } else if args.grants.is_empty() {
            ask_and_show(world, &open, "permissions/list", &given, &FOR_PEOPLE).await?
        } else {
            let answer = ask(&open.engine, "permissions/list", &given).await?;
            show_with_grants(world, answer, &grants).await?
        };
        if rows == 0 {
            world
                .ui
                .say("no use fits; names are compared as they are written");
        }
        Ok::<_, Failure>(())
    })?;
    Ok(exit)
}

/// Tells of which time and which calls the logs speak at all.
async fn tell_coverage(
    world: &World,
    engine: &Engine,
    account: Option<&String>,
) -> Result<(), Failure> {
    let accounts = account.cloned().into_iter().collect();
    let Some(window) = window(engine, &accounts).await? else {
        return Ok(());
    };
    world.ui.say(&format!(
        "the logs speak of {} to {}{}",
        as_day(window.first),
        as_day(window.last),
        if window.data_events == 0 {
            "; no data events: reads and writes of objects, items and messages do not show"
        } else {
            ""
        }
    ));
    Ok(())
}

/// The rows with a column more: whether today's policies grant the action.
async fn show_with_grants(
    world: &World,
    answer: Answer,
    grants: &Grants,
) -> Result<usize, Failure> {
    let mut batches = answer.stream().await?;
    let granted = Field::new("granted", DataType::Utf8, true);
    let plain = batches.schema();
    let fields = plain.fields().iter().cloned();
    let fields: Fields = fields.chain([Arc::new(granted)]).collect();
    let schema = Arc::new(Schema::new(fields));
    let for_people: Vec<&str> = FOR_PEOPLE.into_iter().chain(["granted"]).collect();
    let fail = |error| Failure::new("cannot show the answer", error);
    let shown = if world.format.is_for_people() {
        let at: Result<Vec<usize>, _> = for_people
            .iter()
            .map(|name| schema.index_of(name))
            .collect();
        at.map_err(fail)?
    } else {
        (0..schema.fields().len()).collect()
    };
    let shown_schema = schema.project(&shown).map_err(fail)?;
    let mut rows = world.ui.rows(world.format, &shown_schema)?;
    let mut count = 0;
    while let Some(batch) = batches
        .try_next()
        .await
        .map_err(EngineError::query("the question"))?
    {
        count += batch.num_rows();
        let words: StringArray = (0..batch.num_rows())
            .map(|row| {
                let action = value_of(&batch, "iam_action", row)?;
                let persona = value_of(&batch, "persona_arn", row)?;
                Some(is_granted(grants, &persona, &action))
            })
            .collect();
        let columns = batch
            .columns()
            .iter()
            .cloned()
            .chain([Arc::new(words) as ArrayRef]);
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns.collect()).map_err(fail)?;
        rows.write(&batch.project(&shown).map_err(fail)?)?;
    }
    rows.finish()?;
    Ok(count)
}

/// Whether today's policies grant the action on any resource.
fn is_granted(grants: &Grants, persona: &str, action: &str) -> &'static str {
    let name = persona.rsplit('/').next().unwrap_or(persona);
    let is_role = persona.contains(":role/");
    let account = persona.split(':').nth(4).unwrap_or_default();
    let found = grants.principals.get(persona).or_else(|| {
        // The logs may name a role without its path.
        let mut roles = grants.named(name).into_iter();
        roles.find(|it| is_role && it.kind == PrincipalKind::Role && it.account_id() == account)
    });
    let Some(principal) = found else {
        return "unknown";
    };
    match principal.grants(action) {
        Fit::Yes => "granted",
        Fit::Maybe => "conditionally",
        Fit::No if principal.unknown.is_empty() => "not_granted",
        Fit::No => "unknown",
    }
}
