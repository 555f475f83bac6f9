//! Any text as a policy: no panic; what is read is written as the same, decides, and splits into pieces that decide the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::policies::{Decision, Policy, decide};
use rolecall::rightsize::{Home, fit};

fuzz_target!(|text: &str| {
    let Ok(policy) = Policy::parse(text) else {
        return;
    };
    let written = policy.to_json();
    assert_eq!(
        Policy::parse(&written).ok().as_ref(),
        Some(&policy),
        "{written}"
    );
    let action = policy
        .statements
        .first()
        .and_then(|statement| statement.actions.patterns().first())
        .map_or("s3:GetObject", String::as_str)
        .to_owned();
    let resource = policy
        .statements
        .iter()
        .filter_map(|statement| statement.resources.as_ref())
        .find_map(|resources| resources.patterns().first())
        .map_or("*", String::as_str)
        .to_owned();
    let whole = Policy {
        has_variables: true,
        ..policy
    };
    let decision = decide([&whole], &action, &resource);
    assert!(decision >= Decision::ExplicitlyDenied);
    if let Ok(pieces) = fit(whole.statements, Home::Managed) {
        assert_eq!(decide(&pieces, &action, &resource), decision);
    }
});
