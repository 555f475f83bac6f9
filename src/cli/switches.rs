//! `rolecall switches`: who changed persona, when, into what.

use clap::Args;

use super::World;
use super::asking::{TimeArgs, ask_and_show, given, open_for};
use super::failure::{Exit, Failure};
use super::time::span;
use crate::views::{Scope, SwitchRules};

/// List persona switches: when somebody took another role, or went back
///
/// `explicit`: a call handed out the credentials of the new persona. `observed`: their calls changed persona, which no event records.
/// `concurrent`: calls of two personas alternate within `--debounce`; one row for each pair and day.
#[derive(Debug, Args)]
#[command(after_help = super::ASKING)]
pub(super) struct SwitchesArgs {
    /// Person or workload: ARN, name, e-mail, OIDC subject or instance id
    #[arg(long, value_name = "WHO")]
    principal: Option<String>,
    /// Role on either side, by ARN or name
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Account on either side
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// `explicit`, `observed` or `concurrent`
    #[arg(long, value_name = "KIND", value_parser = ["explicit", "observed", "concurrent"])]
    kind: Option<String>,
    /// How long a persona may rest and still be worn, and how late credentials may be renewed (default 15m)
    #[arg(long, value_name = "SPAN")]
    merge_gap: Option<String>,
    /// Within which time calls of two personas must alternate to be called concurrent (default 5m)
    #[arg(long, value_name = "SPAN")]
    debounce: Option<String>,
    #[command(flatten)]
    times: TimeArgs,
}

impl SwitchesArgs {
    fn rules(&self) -> Result<SwitchRules, Failure> {
        let mut rules = SwitchRules::default();
        if let Some(text) = &self.merge_gap {
            rules.merge_gap = span("--merge-gap", text)?;
        }
        if let Some(text) = &self.debounce {
            rules.debounce = span("--debounce", text)?;
        }
        Ok(rules)
    }
}

const FOR_PEOPLE: [&str; 6] = [
    "switched_at",
    "who",
    "from_persona",
    "to_persona",
    "kind",
    "confidence",
];

pub(super) fn run(world: &World, args: &SwitchesArgs) -> Result<Exit, Failure> {
    let mut given = given(&[
        ("principal", &args.principal),
        ("role", &args.role),
        ("account", &args.account),
        ("kind", &args.kind),
    ]);
    args.times.add_to(&mut given, world)?;
    let rules = args.rules()?;
    world.runtime.block_on(async {
        let scope = Scope {
            rules,
            ..Scope::default()
        };
        let open = open_for(world, world.store()?, scope).await?;
        let rows = ask_and_show(world, &open, "switches/list", &given, &FOR_PEOPLE).await?;
        if rows == 0 {
            world.ui.say("no switch fits");
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Exit::Done)
}
