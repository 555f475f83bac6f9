//! `rolecall timeline`: everything a principal did, across all personas and accounts.

use arrow::array::RecordBatch;
use clap::Args;

use super::failure::{Exit, Failure};
use super::sql::{show, warn_if_stale};
use super::{World, time};
use crate::output::{Format, safe_text};
use crate::queries::ask;
use crate::reports::value_of;
use crate::views::{OpenLake, open_lake};

/// Show everything a principal did, across all personas and accounts
///
/// Every flag that is given narrows the answer; names are compared as they are written. A call that two accounts recorded is shown as
/// each of them has it. As a table the main columns are shown, as JSON lines all of them.
#[derive(Debug, Args)]
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
    /// Calls from this time on: RFC 3339, a date, or a span back from now (7d, 12h)
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Calls before this time; a date is its midnight
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
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
    let mut given: Vec<(&str, String)> = Vec::new();
    for (name, value) in [
        ("principal", &args.principal),
        ("role", &args.role),
        ("access_key", &args.access_key),
        ("ip", &args.ip),
        ("resource", &args.resource),
        ("event", &args.event),
        ("account", &args.account),
        ("region", &args.region),
    ] {
        given.extend(value.clone().map(|value| (name, value)));
    }
    for (name, flag, value) in [("since", "--from", &args.from), ("until", "--to", &args.to)] {
        if let Some(value) = value {
            given.push((name, time::as_param(time::parse(flag, value, world.now)?)));
        }
    }
    let lake = world.open_lake()?;
    world.runtime.block_on(async {
        let open = open_lake(&lake, world.limits()).await?;
        warn_if_stale(world, &open);
        if let Some(principal) = &args.principal {
            tell_of_several(world, &open, principal).await?;
        }
        let mut answer = ask(&open.engine, "timeline/events", &given).await?;
        if world.format == Format::Table {
            answer = answer.with_columns(&FOR_PEOPLE)?;
        }
        if show(world, answer).await? == 0 {
            world
                .ui
                .say("no event fits; names are compared as they are written, upper and lower case");
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Exit::Done)
}

/// Says so when a name fits several people or workloads, or none.
async fn tell_of_several(world: &World, open: &OpenLake, principal: &str) -> Result<(), Failure> {
    let fits = ask(
        &open.engine,
        "timeline/principals",
        &[("principal", principal.to_owned())],
    )
    .await?
    .collect()
    .await?;
    let count: usize = fits.iter().map(RecordBatch::num_rows).sum();
    if count == 0 {
        world.ui.say(&format!(
            "`{}` fits no person, workload or role",
            safe_text(principal)
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
