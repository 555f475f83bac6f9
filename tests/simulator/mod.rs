//! An organization whose people and machines act by seed: what it writes into its logs, and the truth beside it.
//!
//! Shared by the tests, which hold the resolver to the truth, and by the workloads of the benchmarks.

pub mod dice;
pub mod estate;
pub mod load;
mod machines;
mod people;

use dice::Dice;
pub use estate::Estate;

/// What somebody does.
pub type Scene = fn(&mut Estate);

/// Every case, by the name under which `docs/attribution.md` reports it.
pub const SCENES: [(&str, Scene); 48] = [
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
