//! `rolecall sessions`: every session, whose it was, and when it could be used.

use clap::Args;

use super::asking::{TimeArgs, ask_and_show, given, open};
use super::failure::{Exit, Failure};
use super::{World, time};

/// List sessions: whose they were, in which role, from when to when
///
/// A session is one use of temporary credentials, or a long-lived key in use. Every flag that is given narrows the answer. As a table
/// the main columns are shown, in the other formats all of them.
#[derive(Debug, Args)]
#[command(after_help = super::ASKING)]
pub(super) struct SessionsArgs {
    /// Person or workload: ARN, name, e-mail, OIDC subject or instance id; also a role or session ARN
    #[arg(long, value_name = "WHO")]
    principal: Option<String>,
    /// Role anywhere in the chain, by ARN or name
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Access key that the session used, or that was handed out for it
    #[arg(long, value_name = "KEY")]
    access_key: Option<String>,
    /// Address the session was used from
    #[arg(long, value_name = "IP")]
    ip: Option<String>,
    /// Account of the role or of the origin
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Kind of origin
    #[arg(long, value_name = "KIND", value_parser = crate::sessions::ORIGIN_KINDS)]
    kind: Option<String>,
    /// How sure the attribution is
    #[arg(long, value_name = "LEVEL", value_parser = ["exact", "strong", "probable", "asserted", "ambiguous", "unresolved"])]
    confidence: Option<String>,
    /// Sessions that could be used at this time, for containment: long-lived keys once seen, and temporary credentials
    /// that had not expired; where the expiry is not known, the longest that AWS allows counts
    #[arg(long, value_name = "TIME")]
    alive_at: Option<String>,
    #[command(flatten)]
    times: TimeArgs,
}

const FOR_PEOPLE: [&str; 7] = [
    "began_at",
    "usable_until",
    "who",
    "persona",
    "event_count",
    "last_used_at",
    "confidence",
];

pub(super) fn run(world: &World, args: &SessionsArgs) -> Result<Exit, Failure> {
    let mut given = given(&[
        ("principal", &args.principal),
        ("role", &args.role),
        ("access_key", &args.access_key),
        ("ip", &args.ip),
        ("account", &args.account),
        ("kind", &args.kind),
        ("confidence", &args.confidence),
    ]);
    if let Some(at) = &args.alive_at {
        let at = time::parse("--alive-at", at, world.now)?;
        given.push(("alive_at", time::as_param(at)));
    }
    args.times.add_to(&mut given, world)?;
    world.runtime.block_on(async {
        let open = open(world).await?;
        let rows = ask_and_show(world, &open, "sessions/list", &given, &FOR_PEOPLE).await?;
        if rows == 0 {
            world
                .ui
                .say("no session fits; names are compared as they are written");
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Exit::Done)
}
