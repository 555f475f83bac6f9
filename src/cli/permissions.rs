//! `rolecall permissions`: what was used, per role and per person behind it, and when last.

use clap::Args;

use super::World;
use super::asking::{ask_and_show, given, open};
use super::failure::{Exit, Failure};

/// List permissions by role and by the person behind it, with their first and last use
///
/// Only allowed calls count as use; refused ones stand apart. What was never logged (data events, as a rule) does not show.
#[derive(Debug, Args)]
#[command(after_help = super::ASKING)]
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
}

const FOR_PEOPLE: [&str; 6] = [
    "persona",
    "who",
    "iam_action",
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
    world.runtime.block_on(async {
        let open = open(world).await?;
        let rows = ask_and_show(world, &open, "permissions/list", &given, &FOR_PEOPLE).await?;
        if rows == 0 {
            world
                .ui
                .say("no use fits; names are compared as they are written");
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Exit::Done)
}
