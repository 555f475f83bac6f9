//! Any text as the message of a refused call: no panic, and what is told stands in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::permissions::{Outcome, Refusal, map_event};

fuzz_target!(|text: &str| {
    let refusal = Refusal::read(text);
    for part in [
        refusal.principal,
        refusal.action,
        refusal.resource,
        refusal.policy_arn,
    ] {
        assert!(part.is_none_or(|part| text.contains(part)));
    }
    let (source, name) = text.split_once('\n').unwrap_or((text, text));
    let mapped = map_event(source, name);
    assert!(
        mapped
            .actions
            .iter()
            .all(|action| action.name.contains(':'))
    );
    assert!(!Outcome::of(Some(source), Some(name)).as_str().is_empty());
});
