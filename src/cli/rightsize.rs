//! `rolecall rightsize`: what is used of what is granted, and the policy that is enough.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::RecordBatch;
use clap::{ArgGroup, Args};

use super::World;
use super::asking::{Given, TimeArgs, open};
use super::failure::{Exit, Failure};
use super::time::span;
use crate::engine::Engine;
use crate::output::{OutputError, Words, safe_text};
use crate::policies::{Grants, Policy, Principal, PrincipalKind, covers};
use crate::reports::{
    Proposed, RightsizeQuestion, Rightsized, Subject, Window, policies_of, replay, replay_rows,
    rightsize, trust_of, window,
};
use crate::rightsize::{Home, ProposalRules, State, Verdict};

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
    /// Work out a policy for each person behind the role, too
    #[arg(long)]
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

/// Below this the logs say little of what is done once a quarter.
const SHORT_WINDOW_DAYS: i64 = 90;

const MICROSECONDS_OF_DAY: i64 = 86_400_000_000;

pub(super) fn run(world: &World, args: &RightsizeArgs) -> Result<Exit, Failure> {
    let grants = Grants::read(&args.grants)?;
    let exit = tell_problems(world, &grants);
    let min_window = match &args.min_window {
        Some(text) => span("--min-window", text)?,
        None => Duration::ZERO,
    };
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
        let refusal = refusal(args, &subjects);
        let days = tell(world, &open.engine, &name, &subjects, &found, &question).await?;
        if let Some(reason) = &refusal {
            world.ui.say(&safe_text(reason));
        }
        let is_short = days.is_none_or(|days| Duration::from_hours(24 * u64::try_from(days).unwrap_or_default()) < min_window);
        let replayed = if args.check {
            let policies = found.proposal.policies();
            Some(replay(&open.engine, &subjects, &grants, &question, policies).await?)
        } else {
            None
        };
        if args.diff {
            show_difference(world, &subjects, &grants, &found)?;
        } else {
            let replayed = replayed.as_ref().map(replay_rows).transpose().map_err(rows_failed)?;
            let roles: Vec<_> = subjects.iter().filter_map(|it| it.principal).collect();
            let trust = trust_of(&open.engine, &roles, &question.times).await?;
            show(world, args, &name, &subjects, &grants, &found, trust, replayed)?;
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
pub(super) fn tell_problems(world: &World, grants: &Grants) -> Exit {
    for problem in &grants.problems {
        world.ui.say(&format!("warning: {}", safe_text(problem)));
    }
    if grants.problems.is_empty() {
        Exit::Done
    } else {
        Exit::Rejected
    }
}

fn rows_failed(error: arrow::error::ArrowError) -> Failure {
    Failure::new("cannot show the answer", error)
}

fn name_of(args: &RightsizeArgs, subjects: &[Subject<'_>]) -> String {
    match (&args.permission_set, subjects) {
        (Some(set), _) => format!("permission set {set}"),
        (None, [one]) => one.name.clone(),
        _ => args.role.clone().or(args.user.clone()).unwrap_or_default(),
    }
}

/// Whom the flags mean: principals of the files, or a name alone where the files have none of that name.
fn subjects<'g>(args: &RightsizeArgs, grants: &'g Grants) -> Result<Vec<Subject<'g>>, Failure> {
    if let Some(set) = &args.permission_set {
        let roles = grants.principals.values();
        let roles: Vec<_> = roles
            .filter(|role| role.permission_set() == Some(set))
            .map(known)
            .collect();
        if roles.is_empty() {
            return Err(Failure::not_found(
                format!("no role of the permission set `{set}` is in the files of grants"),
                vec!["its roles are called `AWSReservedSSO_NAME_` and sixteen digits; give the export of every account with `--grants`".to_owned()],
            ));
        }
        return Ok(roles);
    }
    let (kind, asked) = match (&args.role, &args.user) {
        (Some(role), _) => (PrincipalKind::Role, role.as_str()),
        (None, user) => (PrincipalKind::User, user.as_deref().unwrap_or_default()),
    };
    let mut found = grants.named(asked);
    found.retain(|it| it.kind == kind);
    match found.as_slice() {
        [] => Ok(vec![unknown(kind, asked)?]),
        [one] => Ok(vec![known(one)]),
        several => Err(Failure::usage(
            format!("`{asked}` fits {} principals", several.len()),
            several
                .iter()
                .map(|it| format!("name one by its ARN: {}", it.arn))
                .collect(),
        )),
    }
}

fn known(principal: &Principal) -> Subject<'_> {
    Subject {
        name: principal.arn.clone(),
        persona: match principal.kind {
            PrincipalKind::Role => principal.name.clone(),
            PrincipalKind::User => principal.arn.clone(),
        },
        account_id: Some(principal.account_id().to_owned()),
        principal: Some(principal),
    }
}

fn unknown(kind: PrincipalKind, asked: &str) -> Result<Subject<'static>, Failure> {
    let account = asked
        .starts_with("arn:")
        .then(|| asked.split(':').nth(4).unwrap_or_default().to_owned());
    if kind == PrincipalKind::User && account.is_none() {
        return Err(Failure::usage(
            format!("no user `{asked}` is in the files of grants"),
            vec!["give its ARN, or its export with `--grants`".to_owned()],
        ));
    }
    Ok(Subject {
        name: asked.to_owned(),
        persona: match kind {
            PrincipalKind::Role => asked.rsplit('/').next().unwrap_or(asked).to_owned(),
            PrincipalKind::User => asked.to_owned(),
        },
        account_id: account,
        principal: None,
    })
}

/// Why no policy is to be written for the subjects.
fn refusal(args: &RightsizeArgs, subjects: &[Subject<'_>]) -> Option<String> {
    let principals = subjects.iter().filter_map(|subject| subject.principal);
    for principal in principals {
        if principal.is_service_linked() {
            return Some(format!(
                "{} is linked to a service: AWS keeps its policy, and nobody else can change it",
                principal.arn
            ));
        }
        if args.permission_set.is_none()
            && let Some(set) = principal.permission_set()
        {
            return Some(format!(
                "{} is made by Identity Center out of a permission set: change that, with `--permission-set {set}`",
                principal.arn
            ));
        }
    }
    let excluded = subjects.iter().find(|subject| {
        let fits =
            |pattern: &String| covers(pattern, &subject.name) || covers(pattern, &subject.persona);
        args.exclude.iter().any(fits)
    });
    excluded.map(|subject| format!("{} is left as it is by `--exclude`", subject.name))
}

/// Tells what was looked at, and returns the days that the logs speak of.
async fn tell(
    world: &World,
    engine: &Engine,
    name: &str,
    subjects: &[Subject<'_>],
    found: &Rightsized,
    question: &RightsizeQuestion,
) -> Result<Option<i64>, Failure> {
    let say = |words: String| world.ui.say(&safe_text(&words));
    let own: BTreeSet<String> = subjects
        .iter()
        .filter_map(|it| it.account_id.clone())
        .collect();
    let accounts = if own.is_empty() {
        &found.seen.accounts
    } else {
        &own
    };
    let count = |state: State| found.states.values().filter(|it| **it == state).count();
    say(format!(
        "{name}: {} actions granted, {} used, {} not observable, {} unused; {} used and not granted today, {} only refused",
        found.granted.len(),
        count(State::Used),
        count(State::NotObservable),
        count(State::Unused),
        count(State::NotGranted) + count(State::GrantUnknown),
        count(State::Refused),
    ));
    let mut days = None;
    match window(engine, accounts).await? {
        None => say("note: no event of its account is in the lake".to_owned()),
        Some(window) => {
            let (first, last) = narrowed(window, question);
            let length = (last - first).max(0) / MICROSECONDS_OF_DAY;
            days = Some(length);
            say(format!(
                "the logs of its account speak of {} to {}, {length} days",
                as_day(first),
                as_day(last)
            ));
            if length < SHORT_WINDOW_DAYS {
                say(format!(
                    "warning: less than {SHORT_WINDOW_DAYS} days: what is done once a quarter does not show"
                ));
            }
        }
    }
    let unknown: BTreeSet<&String> = subjects
        .iter()
        .filter_map(|it| it.principal)
        .flat_map(|it| &it.unknown)
        .collect();
    for policy in unknown {
        say(format!(
            "warning: the text of `{policy}` is not in the files: what it grants is not known"
        ));
    }
    if !found.is_known && found.granted.is_empty() {
        say(
            "warning: what it is granted is not known: the policy is made of what was used alone"
                .to_owned(),
        );
    }
    for id in &found.other_ids {
        say(format!(
            "note: calls of `{id}` are left out: another of that name, which is gone"
        ));
    }
    for (what, count) in &found.proposal.widened {
        say(format!(
            "note: `{what}` stands for {count} that were used (`--max-resources`)"
        ));
    }
    for ((source, event), (calls, last)) in &found.seen.unmapped {
        say(format!(
            "note: {calls} calls {event} of {source} need no action that is known; the last is {last}"
        ));
    }
    let left_out = found.open.values().filter(|open| !open.is_meant).count();
    if left_out > 0 {
        say(format!(
            "note: {left_out} actions that no event can tell of are left out: they are granted by wildcards alone, and nothing tells that they are meant"
        ));
    }
    Ok(days)
}

/// The UTC day of a time in microseconds since 1970.
pub(super) fn as_day(at: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(at);
    time.map_or_else(String::new, |time| time.format("%Y-%m-%d").to_string())
}

/// The part of the window that was asked for.
fn narrowed(window: Window, question: &RightsizeQuestion) -> (i64, i64) {
    let asked = |wanted: &str| {
        let (_, text) = question.times.iter().find(|(name, _)| *name == wanted)?;
        let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
        Some(time.timestamp_micros())
    };
    (
        asked("since").map_or(window.first, |since| since.max(window.first)),
        asked("until").map_or(window.last, |until| until.min(window.last)),
    )
}

fn show(
    world: &World,
    args: &RightsizeArgs,
    name: &str,
    subjects: &[Subject<'_>],
    grants: &Grants,
    found: &Rightsized,
    trust: RecordBatch,
    replayed: Option<RecordBatch>,
) -> Result<(), Failure> {
    let is_for_people = world.format.is_for_people();
    let mut sections: Vec<(Words<'_>, RecordBatch)> = Vec::new();
    let mut add = |words: Words<'static>,
                   rows: Result<RecordBatch, arrow::error::ArrowError>,
                   for_people: &[&str]| {
        let mut rows = rows.map_err(rows_failed)?;
        if is_for_people {
            rows = with_columns(&rows, for_people).map_err(rows_failed)?;
        }
        sections.push((words, rows));
        Ok::<_, Failure>(())
    };
    add(
        ACTIONS,
        found.actions(name, subjects, grants, !is_for_people),
        &[
            "iam_action",
            "state",
            "use_count",
            "denied_count",
            "last_used_at",
            "who",
            "proposed_as",
        ],
    )?;
    if is_for_people {
        add(
            UNUSED,
            found.unused_services(),
            &["service", "unused_actions", "granted_actions"],
        )?;
    }
    add(
        STATEMENTS,
        found.statements(subjects, grants),
        &[
            "policy",
            "statement",
            "sid",
            "effect",
            "state",
            "granted_actions",
            "used_actions",
        ],
    )?;
    add(
        PEOPLE,
        found.people(),
        &[
            "who",
            "iam_action",
            "use_count",
            "denied_count",
            "last_at",
            "is_theirs_alone",
        ],
    )?;
    add(
        TRUST,
        Ok(trust),
        &[
            "principal_kind",
            "principal",
            "sessions",
            "last_came_at",
            "longest_asked_seconds",
            "longest_used_seconds",
        ],
    )?;
    if args.explain {
        add(
            PROOFS,
            found.proofs(),
            &[
                "iam_action",
                "proposed_as",
                "who",
                "use_count",
                "denied_count",
                "first_at",
                "last_at",
                "last_event_id",
            ],
        )?;
    }
    if let Some(rows) = replayed {
        add(REPLAY, Ok(rows), &["verdict", "calls", "actions"])?;
        world.ui.say(&format!(
            "the policy leaves out {} of {} granted actions",
            found.vanishing(),
            found.granted.len()
        ));
    }
    let schemas: Vec<_> = sections.iter().map(|(_, rows)| rows.schema()).collect();
    let mut out = world.ui.sections(world.format, &schemas)?;
    for (words, rows) in &sections {
        out.section(*words, rows.schema_ref(), std::slice::from_ref(rows))?;
    }
    Ok(out.finish()?)
}

fn with_columns(
    rows: &RecordBatch,
    names: &[&str],
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let at: Result<Vec<usize>, _> = names
        .iter()
        .map(|name| rows.schema_ref().index_of(name))
        .collect();
    rows.project(&at?)
}

const ACTIONS: Words<'static> = Words {
    name: "actions",
    title: "Actions",
    about: "What was used or asked for, and what no event can tell of.",
    empty: "No action was used or asked for.",
    next: "`rolecall denied --role ROLE` explains refusals; `--policy-out FILE` writes the policy.",
};

const UNUSED: Words<'static> = Words {
    name: "unused",
    title: "Granted and unused",
    about: "By service. The calls would show in the logs, and there are none.",
    empty: "Everything that is granted is used.",
    next: "",
};

const STATEMENTS: Words<'static> = Words {
    name: "statements",
    title: "Statements of today",
    about: "What each statement is good for.",
    empty: "No statement is known.",
    next: "",
};

const PEOPLE: Words<'static> = Words {
    name: "people",
    title: "The people behind it",
    about: "Who used what. Somebody who alone uses an action may need a role of their own.",
    empty: "Nobody used it.",
    next: "",
};

const TRUST: Words<'static> = Words {
    name: "trust",
    title: "Who may take it, and who did",
    about: "Each entry of the trust policy, with the sessions that came through it, and for how long they were asked for and used.",
    empty: "There is no trust policy, or it is not known.",
    next: "take out entries that nobody came through; a maximum session duration far above the use only helps a thief.",
};

const PROOFS: Words<'static> = Words {
    name: "proofs",
    title: "Proofs",
    about: "Why each action is needed.",
    empty: "Nothing was used.",
    next: "`rolecall show EVENT_ID` shows the record.",
};

const REPLAY: Words<'static> = Words {
    name: "replay",
    title: "Replay",
    about: "What the policy says of every call that was seen.",
    empty: "No call was seen.",
    next: "",
};

/// Today's policies and the proposal, line by line.
fn show_difference(
    world: &World,
    subjects: &[Subject<'_>],
    grants: &Grants,
    found: &Rightsized,
) -> Result<(), Failure> {
    let joined = |policies: &mut dyn Iterator<Item = &Policy>| Policy {
        has_variables: true,
        statements: policies
            .flat_map(|policy| policy.statements.iter().cloned())
            .collect(),
    };
    let today = joined(&mut policies_of(subjects, grants).into_iter()).to_json();
    let proposal = joined(&mut policies_in(&found.proposal)?.iter()).to_json();
    let diff = similar::TextDiff::from_lines(&today, &proposal);
    let text = diff.unified_diff().header("today", "proposal").to_string();
    let mut out = world.ui.out()?;
    for line in text.lines() {
        writeln!(out, "{}", safe_text(line)).map_err(OutputError::Write)?;
    }
    Ok(out.flush().map_err(OutputError::Write)?)
}

fn policies_in(proposed: &Proposed) -> Result<&[Policy], Failure> {
    proposed.policies.as_deref().map_err(|error| {
        Failure::new("the policy does not fit", error.clone())
            .with_hint("name fewer resources with `--max-resources`, or leave out with `--drop-unobservable` what no event can tell of")
    })
}

fn write_policies(
    world: &World,
    path: &Path,
    found: &Rightsized,
    by_person: bool,
) -> Result<(), Failure> {
    let mut number = 0;
    let mut write = |proposed: &Proposed, whose: &str| {
        for policy in policies_in(proposed)? {
            number += 1;
            let path = numbered(path, number);
            std::fs::write(&path, policy.to_json()).map_err(|error| {
                Failure::new(&format!("cannot write `{}`", path.display()), error)
            })?;
            world.ui.say(&safe_text(&format!(
                "{}: {whose}, {} statements, {} characters",
                path.display(),
                policy.statements.len(),
                policy.size()
            )));
        }
        Ok::<_, Failure>(())
    };
    write(&found.proposal, "for all of them")?;
    if by_person {
        for (person, proposed) in &found.people {
            write(proposed, &format!("for {}", person.who))?;
        }
    }
    Ok(())
}

/// `policy.json`, `policy-2.json`, and so on.
fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(ending) => format!("{stem}-{number}.{}", ending.to_string_lossy()),
        None => format!("{stem}-{number}"),
    };
    path.with_file_name(name)
}
