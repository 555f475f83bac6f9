//! How `rolecall rightsize` answers: sections, a difference, and the files of the policy.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::rows_failed;
use crate::cli::World;
use crate::cli::failure::Failure;
use crate::output::{OutputError, Words, safe_text};
use crate::policies::{Grants, Policy};
use crate::reports::{Proposed, Rightsized, Subject, policies_of};

/// Answers that are put together before they are shown.
pub(super) struct Rows {
    pub(super) actions: Result<RecordBatch, ArrowError>,
    pub(super) statements: Result<RecordBatch, ArrowError>,
    pub(super) trust: RecordBatch,
    pub(super) replayed: Option<RecordBatch>,
}

pub(super) fn show(
    world: &World,
    explain: bool,
    found: &Rightsized,
    rows: Rows,
) -> Result<(), Failure> {
    let is_for_people = world.format.is_for_people();
    let mut sections: Vec<(Words<'_>, RecordBatch)> = Vec::new();
    let mut add =
        |words: Words<'static>, rows: Result<RecordBatch, ArrowError>, for_people: &[&str]| {
            let mut rows = rows.map_err(rows_failed)?;
            if is_for_people {
                rows = with_columns(&rows, for_people).map_err(rows_failed)?;
            }
            sections.push((words, rows));
            Ok::<_, Failure>(())
        };
    add(
        ACTIONS,
        rows.actions,
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
        rows.statements,
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
        Ok(rows.trust),
        &[
            "principal_kind",
            "principal",
            "sessions",
            "last_came_at",
            "longest_asked_seconds",
            "longest_used_seconds",
        ],
    )?;
    if explain {
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
    if let Some(replayed) = rows.replayed {
        add(REPLAY, Ok(replayed), &["verdict", "calls", "actions"])?;
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

fn with_columns(rows: &RecordBatch, names: &[&str]) -> Result<RecordBatch, ArrowError> {
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
pub(super) fn show_difference(
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

pub(super) fn policies_in(proposed: &Proposed) -> Result<&[Policy], Failure> {
    proposed.policies.as_deref().map_err(|error| {
        Failure::new("the policy does not fit", error.clone())
            .with_hint("name fewer resources with `--max-resources`, or leave out with `--drop-unobservable` what no event can tell of")
    })
}

pub(super) fn write_policies(
    world: &World,
    path: &Path,
    found: &Rightsized,
    by_person: bool,
) -> Result<(), Failure> {
    if policies_in(&found.proposal)?.is_empty() {
        return Err(Failure::not_found(
            "no policy was written: nothing that is granted today was used".to_owned(),
            vec![
                "the sections tell what was used and is not granted, and what nobody used"
                    .to_owned(),
            ],
        ));
    }
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
    let next = numbered(path, number + 1);
    if next.exists() {
        world.ui.say(&safe_text(&format!(
            "warning: `{}` is of an earlier run",
            next.display()
        )));
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
