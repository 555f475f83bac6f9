//! An organization whose people and machines act by seed, and the resolver held to the truth about each of its events.

mod estate;
mod machines;
mod people;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::support::TempLake;
use super::support::dice::Dice;
pub use estate::Estate;
use estate::Truth;

type Scene = fn(&mut Estate);

/// Every case, by the name under which `docs/attribution.md` reports it.
const SCENES: [(&str, Scene); 48] = [
    ("IAM user with a key", people::user_key),
    ("role, one hop", people::role),
    ("chain over several accounts", people::chain),
    ("role juggling", people::juggling),
    ("session token", people::session_token),
    ("federation token", people::federation_token),
    ("console sign-in", people::console),
    ("console role switch", people::switch_role),
    (
        "console role switch, target's logs only",
        people::switch_role_seen_from_target,
    ),
    ("ExitRole", people::exit_role),
    ("`aws login`", people::command_line_login),
    ("console by GetSigninToken", people::console_by_token),
    ("SAML, command line", people::saml_command_line),
    ("SAML, console", people::saml_console),
    ("Identity Center", people::identity_center),
    (
        "Identity Center, members' logs only",
        people::identity_center_members_logs,
    ),
    (
        "Identity Center, use only",
        people::identity_center_use_only,
    ),
    ("root in the console", people::root),
    ("AssumeRoot", people::assume_root),
    ("cross-account, owner's copy only", people::owners_copy_only),
    ("third party", people::third_party),
    ("Organizations role", people::organization_role),
    ("anonymous", people::anonymous),
    ("source identity only", people::source_identity_only),
    ("issued before the logs begin", people::before_the_window),
    ("issuing event lost", people::lost_issue),
    ("two of one name in a second", people::two_in_a_second),
    ("EC2 instance", machines::instance),
    ("EC2 instance, use only", machines::old_instance),
    ("session named like an instance", machines::claimed_instance),
    ("Lambda function", machines::function),
    ("Lambda function, use only", machines::function_in_scope),
    ("ECS task", machines::task),
    ("CodeBuild", machines::build),
    ("Glue", machines::glue_job),
    ("GitHub Actions, two in a second", machines::pipelines),
    ("EKS service account", machines::service_account),
    ("Cognito, basic flow", machines::cognito_basic),
    (
        "Cognito, enhanced flow with data events",
        machines::cognito_enhanced,
    ),
    ("Cognito, use only", machines::cognito_use_only),
    (
        "Cognito, enhanced flow without data events",
        machines::cognito_hidden,
    ),
    ("EKS Pod Identity", machines::pod),
    ("Roles Anywhere", machines::roles_anywhere),
    (
        "Roles Anywhere, use only",
        machines::roles_anywhere_use_only,
    ),
    ("service-linked role", machines::service_linked_role),
    (
        "service-linked role, use only",
        machines::service_linked_role_use_only,
    ),
    ("service event", machines::service_event),
    ("forwarded calls, role passed to a service", |estate| {
        machines::forwarded(estate);
        machines::passed_role(estate);
    }),
];

/// Acts every scene as often as `times` says, in a random order.
pub fn act(seed: u64, times: impl Fn(&str) -> usize) -> Estate {
    let mut dice = Dice::new(seed ^ 0x5eed);
    let mut plan: Vec<(&'static str, Scene)> = SCENES
        .iter()
        .flat_map(|scene| std::iter::repeat_n(*scene, times(scene.0)))
        .collect();
    dice.shuffle(&mut plan);
    let mut estate = Estate::new(seed);
    // Somebody works at the very beginning, so that the logs have one.
    estate.case = "IAM user with a key";
    people::user_key(&mut estate);
    for (case, scene) in plan {
        estate.case = case;
        estate.wait();
        scene(&mut estate);
    }
    estate
}

/// How one case came out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    right: usize,
    pub wrong: usize,
    unresolved: usize,
    /// Unresolved as it must be, with the right reason.
    rightly_unresolved: usize,
}

pub fn judge(estate: &Estate, lake: &TempLake) -> (BTreeMap<&'static str, Tally>, Vec<String>) {
    let rows = lake.sql(
        "SELECT event_id, origin_kind, origin_id, confidence, unresolved_reason, attribution, event_name, session_id FROM attributed_events",
    );
    assert_eq!(rows.len(), estate.truth.len(), "every event has one row");
    let mut tallies: BTreeMap<&'static str, Tally> = BTreeMap::new();
    let mut faults = Vec::new();
    for row in rows {
        let (case, truth) = &estate.truth[row["event_id"].as_str().unwrap()];
        let tally = tallies.entry(case).or_default();
        let is_unresolved = row["origin_kind"] == "unresolved";
        let is_sure = row["confidence"] != "asserted";
        let is_right = match truth {
            Truth::Origin(kind, id) => {
                let is_right = row["origin_kind"] == *kind && row["origin_id"] == *id.as_str();
                if is_right {
                    tally.right += 1;
                } else if is_unresolved || estate.is_less_than(id, &row) {
                    tally.unresolved += 1;
                } else if is_sure {
                    tally.wrong += 1;
                }
                is_right
            }
            Truth::Unknowable(reason) => is_unresolved && row["unresolved_reason"] == *reason,
            Truth::Ambiguous => is_unresolved && row["confidence"] == "ambiguous",
            Truth::Anything => continue,
        };
        if !matches!(truth, Truth::Origin(..)) {
            if is_right {
                tally.rightly_unresolved += 1;
            } else if is_unresolved {
                tally.unresolved += 1;
            } else {
                tally.wrong += 1;
            }
        }
        if !is_right {
            faults.push(format!("{case}: {truth:?}, and it says {row}"));
        }
    }
    (tallies, faults)
}

fn report(tallies: &BTreeMap<&'static str, Tally>) -> String {
    let mut text = String::from(
        "| Case | Events | Right | Wrong | Unresolved, as they must be | Unresolved, and should not be |\n|---|---|---|---|---|---|\n",
    );
    for (case, _) in SCENES {
        let Tally {
            right,
            wrong,
            unresolved,
            rightly_unresolved,
        } = tallies[case];
        let events = right + wrong + unresolved + rightly_unresolved;
        writeln!(
            text,
            "| {case} | {events} | {right} | {wrong} | {rightly_unresolved} | {unresolved} |"
        )
        .unwrap();
    }
    text
}

#[test]
fn all_that_is_knowable_is_known_and_nothing_else_is_claimed() {
    let mut all: BTreeMap<&'static str, Tally> = BTreeMap::new();
    for seed in 1..=3 {
        let mut estate = act(seed, |_| 3);
        let lake = TempLake::new();
        estate.deliver(&lake);
        lake.ingest();
        lake.assert_books_balance();
        let (tallies, faults) = judge(&estate, &lake);
        assert!(faults.is_empty(), "seed {seed}:\n{}", faults.join("\n"));
        for (case, tally) in tallies {
            let sum = all.entry(case).or_default();
            sum.right += tally.right;
            sum.rightly_unresolved += tally.rightly_unresolved;
        }
    }
    let report = report(&all);
    let docs =
        std::fs::read_to_string(super::support::project().join("docs/attribution.md")).unwrap();
    assert!(
        docs.contains(&report),
        "docs/attribution.md is to show:\n{report}"
    );
}

#[test]
fn a_run_for_every_day_and_late_files_say_the_same_as_one_run() {
    let mut estate = act(7, |_| 1);
    let whole = TempLake::new();
    estate.deliver(&whole);
    whole.ingest();
    let mut files: Vec<_> = walkdir::WalkDir::new(whole.logs())
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    Dice::new(7).shuffle(&mut files);
    let parts = TempLake::new();
    for some in files.chunks(files.len().div_ceil(4)) {
        for file in some {
            let name = file.strip_prefix(whole.logs()).unwrap().to_str().unwrap();
            parts.put(name, &std::fs::read(file).unwrap());
        }
        parts.ingest();
    }
    assert_eq!(parts.sessions(), whole.sessions());
}
