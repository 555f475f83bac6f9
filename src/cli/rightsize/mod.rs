//! `rolecall rightsize`: what is used of what is granted, and the policy that is enough.

mod answer;
mod subjects;
mod telling;

use std::path::PathBuf;
use std::time::Duration;

use arrow::error::ArrowError;
use clap::{ArgGroup, Args};

use super::World;
use super::asking::{Given, TimeArgs, open};
use super::failure::{Exit, Failure};
use super::time::span;
use crate::output::safe_text;
use crate::policies::Grants;
use crate::reports::{RightsizeQuestion, Subject, replay, replay_rows, rightsize, trust_of};
use crate::rightsize::{Home, ProposalRules, Verdict};
use answer::{Rows, policies_in, show, show_difference, write_policies};
use subjects::{refusal, subjects};
pub(super) use telling::as_day;
use telling::{tell_findings, tell_grants, tell_window};

/// Compare what a role or user was granted with what was used through it, and write the policy that is enough
///
/// The policy is cut out of what is granted today: fewer actions, fewer resources, the same conditions; it never allows what is not
/// allowed today. What the logs cannot tell stays and is marked. docs/rightsizing.md explains each state and each wildcard.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_help = CODES)]
#[command(group(ArgGroup::new("whom").required(true).args(["role", "user", "permission_set"])))]
pub(super) struct RightsizeArgs {
    /// Role, by ARN or name
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// IAM user, by ARN or name
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Permission set of Identity Center: all its `AWSReservedSSO_NAME_…` roles, over all accounts, as one
    #[arg(long, value_name = "NAME")]
    permission_set: Option<String>,
    /// What is granted: answers of `aws iam get-account-authorization-details` (of several accounts, too), or files with one policy
    #[arg(long, value_name = "FILE", num_args = 1..)]
    grants: Vec<PathBuf>,
    #[command(flatten)]
    times: TimeArgs,
    /// Write the policy here; where it must be split, the others go to `FILE-2.json` and so on
    #[arg(long, value_name = "FILE")]
    policy_out: Option<PathBuf>,
    /// Ask the policy about every call that was seen; ends with 4 when it would refuse one that came through
    #[arg(long)]
    check: bool,
    /// Show the policy as a difference to what is granted today, in place of everything else
    #[arg(long, conflicts_with = "by_person")]
    diff: bool,
    /// Show what proves each action: who, when, and the event
    #[arg(long)]
    explain: bool,
    /// Write a policy for each person behind the role, too, each into a file of its own
    #[arg(long, requires = "policy_out")]
    by_person: bool,
    /// Refuse to write a policy when the logs speak of less time than this: 30d, 90d
    #[arg(long, value_name = "SPAN")]
    min_window: Option<String>,
    /// Roles for which no policy is written, such as those for emergencies; by ARN or name, `*` for any text
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    exclude: Vec<String>,
    /// Name resources one by one up to this many of a kind; above it all of the kind in that account and region
    #[arg(long, value_name = "COUNT", default_value_t = ProposalRules::default().most_resources)]
    max_resources: usize,
    /// Leave out granted actions that no event can tell of
    #[arg(long)]
    drop_unobservable: bool,
    /// Keep granted actions that what was used may need besides, though no call shows them
    #[arg(long)]
    with_dependents: bool,
}

const CODES: &str = "Exit codes:\n  \
    0  done\n  \
    1  failed: nobody of that name, a window that is too short, a policy that does not fit, or no such lake\n  \
    2  bad usage\n  \
    3  finished, but some policies could not be read\n  \
    4  finished, and the policy would refuse a call that came through (`--check`)";

pub(super) fn run(world: &World, args: &RightsizeArgs) -> Result<Exit, Failure> {
    let grants = Grants::read(&args.grants)?;
    refuse_same_file(args)?;
    let exit = tell_problems(world, &grants);
    let min_window = match &args.min_window {
        Some(text) => span("--min-window", text)?,
        None => Duration::ZERO,
    };
    let exclude: Result<Vec<_>, _> = args
        .exclude
        .iter()
        .map(|it| glob::Pattern::new(it))
        .collect();
    let exclude =
        exclude.map_err(|error| Failure::new("`--exclude` is no pattern", error).into_usage())?;
    let mut times = Given::new();
    args.times.add_to(&mut times, world)?;
    let question = RightsizeQuestion {
        times,
        rules: ProposalRules {
            most_resources: args.max_resources,
            keep_unobservable: !args.drop_unobservable,
            keep_dependents: args.with_dependents,
        },
        home: match args.permission_set {
            Some(_) => Home::PermissionSet,
            None => Home::Managed,
        },
    };
    let worst = world.runtime.block_on(async {
        let open = open(world).await?;
        let subjects = subjects(args, &grants)?;
        let name = name_of(args, &subjects);
        let found = rightsize(&open.engine, &subjects, &grants, &question).await?;
        let is_in_files = subjects.iter().any(|subject| subject.principal.is_some());
        if found.seen.actions.is_empty() && !is_in_files && found.granted.is_empty() {
            return Err(Failure::not_found(
                format!("nothing is known of `{name}`: no call of it is in the lake, and no grant in the files"),
                vec!["give its ARN or its name without path, and what it is granted with `--grants FILE`".to_owned()],
            ));
        }
        let refusal = refusal(args, &exclude, &subjects);
        let days = tell_window(world, &open.engine, &name, &subjects, &found, &question).await?;
        tell_grants(world, &subjects, &grants, &found);
        tell_findings(world, &found, &question);
        if let Some(reason) = &refusal {
            world.ui.say(&safe_text(reason));
        }
        let is_short = days.is_none_or(|days| Duration::from_hours(24 * u64::try_from(days).unwrap_or_default()) < min_window);
        let replayed = if args.check {
            let policies = policies_in(&found.proposal)?;
            Some(replay(&open.engine, &subjects, &grants, &question, policies).await?)
        } else {
            None
        };
        if args.diff && let Some(reason) = &refusal {
            return Err(Failure::not_found(format!("no policy is shown: {reason}"), Vec::new()));
        }
        if args.diff {
            show_difference(world, &subjects, &grants, &found)?;
        } else {
            let replayed = replayed.as_ref().map(replay_rows).transpose().map_err(rows_failed)?;
            let roles: Vec<_> = subjects.iter().filter_map(|it| it.principal).collect();
            let trust = trust_of(&open.engine, &roles, &question.times).await?;
            let rows = Rows {
                actions: found.actions(&name, &subjects, &grants, !world.format.is_for_people()),
                statements: found.statements(&subjects, &grants),
                trust,
                replayed,
            };
            show(world, args.explain, &found, rows)?;
        }
        if let Some(path) = &args.policy_out {
            if let Some(reason) = refusal {
                return Err(Failure::not_found(format!("no policy was written: {reason}"), Vec::new()));
            }
            if is_short && min_window > Duration::ZERO {
                return Err(Failure::not_found(
                    "no policy was written: the logs speak of less time than `--min-window` asks for".to_owned(),
                    vec!["ingest older logs, or ask for less".to_owned()],
                ));
            }
            write_policies(world, path, &found, args.by_person)?;
        }
        let refused = replayed.and_then(|replay| replay.counts.get(&Verdict::WouldBeRefused).map(|count| count.calls));
        Ok(refused)
    })?;
    if let Some(calls) = worst {
        world.ui.say(&format!(
            "the policy would refuse {calls} calls that came through"
        ));
        return Ok(Exit::Findings);
    }
    Ok(exit)
}

/// Tells which policies could not be read, and how the command ends for it.
pub(in crate::cli) fn tell_problems(world: &World, grants: &Grants) -> Exit {
    for problem in &grants.problems {
        world.ui.say(&format!("warning: {}", safe_text(problem)));
    }
    if grants.problems.is_empty() {
        Exit::Done
    } else {
        Exit::Rejected
    }
}

fn rows_failed(error: ArrowError) -> Failure {
    Failure::new("cannot show the answer", error)
}

fn name_of(args: &RightsizeArgs, subjects: &[Subject<'_>]) -> String {
    match (&args.permission_set, subjects) {
        (Some(set), _) => format!("permission set {set}"),
        (None, [one]) => one.name.clone(),
        _ => args.role.clone().or(args.user.clone()).unwrap_or_default(),
    }
}

/// The policy may not replace what it is made of.
fn refuse_same_file(args: &RightsizeArgs) -> Result<(), Failure> {
    if let Some(path) = &args.policy_out {
        let is_same = |other: &PathBuf| {
            other == path
                || other
                    .canonicalize()
                    .ok()
                    .is_some_and(|it| path.canonicalize().ok() == Some(it))
        };
        if args.grants.iter().any(is_same) {
            return Err(Failure::usage(
                format!(
                    "`{}` is a file of grants, and would be replaced by the policy",
                    path.display()
                ),
                vec!["name another file with `--policy-out`".to_owned()],
            ));
        }
    }
    Ok(())
}
