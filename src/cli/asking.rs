//! What the commands that ask share: flags for times, an open lake, rows to their reader.

use clap::Args;
use futures::TryStreamExt as _;

use super::failure::Failure;
use super::{World, time};
use crate::engine::{Answer, EngineError};
use crate::lake::{Lake, RowBuilder, Store};
use crate::output::safe_text;
use crate::queries::ask;
use crate::reports::value_of;
use crate::views::{OpenLake, Scope, open_lake_with};

/// From when to when; in questions the flags speak of event times
#[derive(Debug, Args)]
pub(super) struct TimeArgs {
    /// From this time on: RFC 3339, a date, or a span back from now (7d, 12h)
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this time; a date is its midnight
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

/// Values for a query, by the names of its parameters.
pub(super) type Given = Vec<(&'static str, String)>;

impl TimeArgs {
    /// Adds the times to the values of a query.
    pub(super) fn add_to(&self, given: &mut Given, world: &World) -> Result<(), Failure> {
        let scope = self.scope(world)?;
        for (name, time) in [("since", scope.since), ("until", scope.until)] {
            given.extend(time.map(|time| (name, time::as_param(time))));
        }
        Ok(())
    }

    /// The times alone, for a question that asks of no other event and no session without one.
    pub(super) fn scope(&self, world: &World) -> Result<Scope, Failure> {
        let time = |flag, value: &Option<String>| {
            let value = value.as_ref();
            value
                .map(|value| time::parse(flag, value, world.now))
                .transpose()
        };
        let scope = Scope {
            since: time("--from", &self.from)?,
            until: time("--to", &self.to)?,
            ..Scope::default()
        };
        if let (Some(from), Some(to)) = (scope.since, scope.until)
            && from >= to
        {
            return Err(Failure::usage(
                "`--from` is not before `--to`: nothing can lie between".to_owned(),
                vec!["a date is its midnight: for one day give the next one as `--to`".to_owned()],
            ));
        }
        Ok(scope)
    }
}

/// The values that were given, under their parameters' names.
pub(super) fn given(values: &[(&'static str, &Option<String>)]) -> Given {
    values
        .iter()
        .filter_map(|(name, value)| Some((*name, (*value).clone()?)))
        .collect()
}

/// Opens the lake, and says so when its sessions do not know of all events.
pub(super) async fn open(world: &World) -> Result<OpenLake, Failure> {
    open_at(world, world.store()?).await
}

/// The same for a lake in `store`.
pub(super) async fn open_at(world: &World, store: Store) -> Result<OpenLake, Failure> {
    open_for(world, store, Scope::default()).await
}

/// The same, with less to look at or by other rules.
pub(super) async fn open_for(
    world: &World,
    store: Store,
    scope: Scope,
) -> Result<OpenLake, Failure> {
    let lake = Lake::open_in(store)?;
    let open = open_lake_with(&lake, &world.directory, scope, world.limits()).await?;
    if !open.manifest.is_resolved() {
        world
            .ui
            .say("warning: sessions are older than the events; run `rolecall resolve`");
    }
    if let Some(day) = open.manifest.pruned_before {
        world.ui.say(&format!(
            "note: events before {day} were pruned from this lake"
        ));
    }
    if !world.directory.people.is_empty() {
        tell_of_other_providers(world, &open).await?;
    }
    Ok(open)
}

/// Says so when somebody has the id of a person, and another provider vouches for them.
async fn tell_of_other_providers(world: &World, open: &OpenLake) -> Result<(), Failure> {
    let others = ask(&open.engine, "status/people", &[]).await?;
    for batch in others.collect().await? {
        for row in 0..batch.num_rows() {
            let value = |name| value_of(&batch, name, row).unwrap_or_default();
            let words = format!(
                "warning: `{}` is not taken for {}: {} vouches for it; if it is, write {{ id = \"…\", provider = \"…\" }}",
                value("origin_id"),
                value("person"),
                value_of(&batch, "origin_provider", row)
                    .unwrap_or_else(|| "no provider".to_owned()),
            );
            world.ui.say(&safe_text(&words));
        }
    }
    Ok(())
}

/// Asks a query and shows its rows; people see the columns of `for_people`. Returns how many rows there were.
pub(super) async fn ask_and_show(
    world: &World,
    open: &OpenLake,
    query: &str,
    given: &[(&str, String)],
    for_people: &[&str],
) -> Result<usize, Failure> {
    let mut answer = ask(&open.engine, query, given).await?;
    if world.format.is_for_people() && !for_people.is_empty() {
        answer = answer.with_columns(for_people)?;
    }
    show(world, answer).await
}

/// Shows rows that no question gave.
pub(super) fn show_rows(world: &World, mut rows: RowBuilder) -> Result<(), Failure> {
    let batch = rows
        .take()
        .map_err(|error| Failure::new("cannot show the answer", error))?;
    Ok(world.ui.batches(
        world.format,
        batch.schema_ref(),
        std::slice::from_ref(&batch),
    )?)
}

/// Writes an answer while it comes in, and returns how many rows it had.
pub(super) async fn show(world: &World, answer: Answer) -> Result<usize, Failure> {
    let mut batches = answer.stream().await?;
    let mut rows = world.ui.rows(world.format, &batches.schema())?;
    let mut count = 0;
    while let Some(batch) = batches
        .try_next()
        .await
        .map_err(EngineError::query("the question"))?
    {
        count += batch.num_rows();
        rows.write(&batch)?;
    }
    rows.finish()?;
    Ok(count)
}
