//! `rolecall denied`: what was refused, to whom, by which policy, and what would change it.

use clap::Args;

use super::World;
use super::asking::{TimeArgs, ask_and_show, given, open_for};
use super::failure::{Exit, Failure};

/// List refused calls by principal, action and the kind of policy that refused, with what would change it
///
/// The kind of policy is what the error message says; many messages say nothing of it, and where several policies refuse, AWS names one.
#[derive(Debug, Args)]
#[command(after_help = super::ASKING)]
pub(super) struct DeniedArgs {
    /// Person or workload: ARN, name, e-mail, OIDC subject or instance id
    #[arg(long, value_name = "WHO")]
    principal: Option<String>,
    /// Role in use, by ARN or name
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Account in which the call was refused
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Action, `s3:GetObject`, in any case
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Kind of policy that refused
    #[arg(long, value_name = "KIND", value_parser = KINDS)]
    refused_by: Option<String>,
    #[command(flatten)]
    times: TimeArgs,
}

const KINDS: [&str; 8] = [
    "identity_based_policy",
    "resource_based_policy",
    "service_control_policy",
    "resource_control_policy",
    "permissions_boundary",
    "session_policy",
    "vpc_endpoint_policy",
    "role_trust_policy",
];

const FOR_PEOPLE: [&str; 7] = [
    "persona",
    "who",
    "permission",
    "denied_count",
    "last_denied_at",
    "refused_by",
    "what_to_change",
];

pub(super) fn run(world: &World, args: &DeniedArgs) -> Result<Exit, Failure> {
    let mut given = given(&[
        ("principal", &args.principal),
        ("role", &args.role),
        ("account", &args.account),
        ("action", &args.action),
        ("refused_by", &args.refused_by),
    ]);
    args.times.add_to(&mut given, world)?;
    let scope = args.times.scope(world)?;
    world.runtime.block_on(async {
        let open = open_for(world, world.store()?, scope).await?;
        let rows = ask_and_show(world, &open, "denied/list", &given, &FOR_PEOPLE).await?;
        if rows == 0 {
            world.ui.say("no refusal fits");
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Exit::Done)
}
