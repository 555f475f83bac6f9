//! `rolecall timeline`: everything a principal did, across all personas and accounts.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use clap::Args;
use futures::TryStreamExt as _;

use super::World;
use super::asking::{Given, TimeArgs, ask_and_show, given, open_for};
use super::failure::{Exit, Failure};
use crate::engine::{Answer, EngineError};
use crate::output::safe_text;
use crate::queries::ask;
use crate::reports::{descendants, value_of};
use crate::views::{OpenLake, Scope};

/// Show everything a principal did, across all personas and accounts
///
/// Every flag that is given narrows the answer; names are compared as they are written. A call that two accounts recorded is shown as
/// each of them has it. As a table the main columns are shown, as JSON lines all of them.
#[derive(Debug, Args)]
#[command(after_help = super::ASKING)]
pub(super) struct TimelineArgs {
    /// Person or workload: ARN, user name, e-mail, OIDC subject or instance id; also a role or session ARN
    #[arg(long, value_name = "WHO")]
    principal: Option<String>,
    /// Role anywhere in the chain, by ARN or name
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Access key that signed the call
    #[arg(long, value_name = "KEY")]
    access_key: Option<String>,
    /// Address the call came from
    #[arg(long, value_name = "IP")]
    ip: Option<String>,
    /// ARN among the `resources` of the record; many services write none
    #[arg(long, value_name = "ARN")]
    resource: Option<String>,
    /// Name of the call, `DeleteBucket`
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Account that recorded the call
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Region of the call
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// All events of the sessions in which something fits, and of all that grew out of these: by credentials they
    /// asked for, and by users and keys they made
    #[arg(long)]
    descendants: bool,
    #[command(flatten)]
    times: TimeArgs,
}

/// The columns that people read in a row; the others are in the other formats.
const FOR_PEOPLE: [&str; 6] = [
    "event_time",
    "who",
    "persona",
    "event_name",
    "error_code",
    "source_ip_address",
];

pub(super) fn run(world: &World, args: &TimelineArgs) -> Result<Exit, Failure> {
    let who = given(&[
        ("principal", &args.principal),
        ("role", &args.role),
        ("access_key", &args.access_key),
        ("ip", &args.ip),
        ("resource", &args.resource),
        ("event", &args.event),
        ("account", &args.account),
        ("region", &args.region),
    ]);
    if args.descendants && who.is_empty() {
        return Err(Failure::usage(
            "`--descendants` of what?".to_owned(),
            vec!["name a key, a principal, an address or another flag to begin with".to_owned()],
        ));
    }
    let mut times = Vec::new();
    args.times.add_to(&mut times, world)?;
    let scope = if args.descendants {
        // A session grew out of another that may have been over long before.
        Scope::default()
    } else {
        args.times.scope(world)?
    };
    world.runtime.block_on(async {
        let open = open_for(world, world.store()?, scope).await?;
        // As long as there are events of which no session knows, the times of sessions say nothing.
        let in_use = if args.descendants || !open.manifest.is_resolved() {
            Vec::new()
        } else {
            times.clone()
        };
        if let Some(principal) = &args.principal {
            tell_of_several(world, &open, principal, &in_use).await?;
        }
        let mut values = if args.descendants {
            let sessions = sessions_of(&open, &who).await?;
            world.ui.say(&format!(
                "{} sessions fit or grew out of those that do",
                sessions.len()
            ));
            vec![("sessions", sessions.join(","))]
        } else {
            who
        };
        values.extend(times);
        values.extend(sessions_that_fit(&open, &values, &in_use).await?);
        let rows = ask_and_show(world, &open, "timeline/events", &values, &FOR_PEOPLE).await?;
        if rows == 0 {
            world
                .ui
                .say("no event fits; names are compared as they are written, upper and lower case");
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Exit::Done)
}

/// The sessions of the events that fit, and all that grew out of them.
async fn sessions_of(open: &OpenLake, given: &Given) -> Result<Vec<String>, Failure> {
    let mut given = given.clone();
    given.extend(sessions_that_fit(open, &given, &[]).await?);
    let fitting = ask(&open.engine, "timeline/events", &given)
        .await?
        .with_columns(&["session_id"])?;
    let sessions = ids_of(fitting, usize::MAX).await?.unwrap_or_default();
    let sessions: Vec<String> = sessions.into_iter().collect();
    if sessions.is_empty() {
        return Ok(sessions);
    }
    let grown = descendants(&open.engine, &sessions).await?;
    let ids = grown.iter().flat_map(|batch| {
        (0..batch.num_rows()).filter_map(|row| value_of(batch, "session_id", row))
    });
    Ok(ids.collect())
}

/// Of so many sessions it is cheaper to read all events than to look for theirs.
const MOST_LISTED: usize = 20_000;

/// The ids of the sessions that fit the principal and the role that are given, and were in use at that time, as further values.
async fn sessions_that_fit(
    open: &OpenLake,
    given: &Given,
    in_use: &[(&'static str, String)],
) -> Result<Given, Failure> {
    let mut listed = Vec::new();
    for (name, list) in [("principal", "of_principal"), ("role", "in_role")] {
        let Some((_, value)) = given.iter().find(|(known, _)| *known == name) else {
            continue;
        };
        let asked = [&[(name, value.clone())], in_use].concat();
        let fitting = ask(&open.engine, "timeline/sessions", &asked).await?;
        if let Some(ids) = ids_of(fitting, MOST_LISTED).await? {
            let ids: Vec<String> = ids.into_iter().collect();
            listed.push((list, ids.join(",")));
        }
    }
    Ok(listed)
}

/// The session ids of an answer; `None` where there are more than `most`.
async fn ids_of(answer: Answer, most: usize) -> Result<Option<BTreeSet<String>>, Failure> {
    let mut batches = answer.stream().await?;
    let mut ids = BTreeSet::new();
    let failed = EngineError::query("the timeline");
    while let Some(batch) = batches.try_next().await.map_err(&failed)? {
        ids.extend((0..batch.num_rows()).filter_map(|row| value_of(&batch, "session_id", row)));
        if ids.len() > most {
            return Ok(None);
        }
    }
    Ok(Some(ids))
}

/// Says so when a name fits several people or workloads, or none.
async fn tell_of_several(
    world: &World,
    open: &OpenLake,
    principal: &str,
    in_use: &[(&'static str, String)],
) -> Result<(), Failure> {
    let asked = [&[("principal", principal.to_owned())], in_use].concat();
    let fits = ask(&open.engine, "timeline/principals", &asked).await?;
    let fits = fits.collect().await?;
    let count: usize = fits.iter().map(RecordBatch::num_rows).sum();
    if count == 0 {
        world.ui.say(&format!(
            "`{}` fits no person, workload or role{}",
            safe_text(principal),
            if in_use.is_empty() {
                ""
            } else {
                " in use at that time"
            }
        ));
    }
    if count > 1 {
        world
            .ui
            .say(&format!("`{}` fits {count}:", safe_text(principal)));
        for batch in &fits {
            for row in 0..batch.num_rows() {
                let value = |name| value_of(batch, name, row).unwrap_or_default();
                let line = format!(
                    "  {} {} ({} sessions, {} events)",
                    value("origin_kind"),
                    value("origin_id"),
                    value("sessions"),
                    value("events")
                );
                world.ui.say(&safe_text(&line));
            }
        }
    }
    Ok(())
}
