//! Any text as an ARN or a principal id: no panic, and what is told stands in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::iam::{Arn, AssumedRoleArn, account_of_id, role_session_of, user_principal};

fuzz_target!(|text: &str| {
    if let Some(arn) = Arn::parse(text) {
        for part in [arn.partition, arn.service, arn.account_id, arn.resource] {
            assert!(text.contains(part));
        }
    }
    if let Some(session) = AssumedRoleArn::parse(text) {
        let role = session.role_arn();
        assert!(Arn::parse(&role).is_some(), "{role}");
        assert!(AssumedRoleArn::parse(&role).is_none(), "{role}");
        assert!(session.is_session_of(&role));
    }
    if let Some((role, session)) = role_session_of(text) {
        assert!(text.starts_with(role) && text.ends_with(session));
    }
    if let Some(account) = account_of_id(text) {
        assert!(account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()));
    }
    assert!(!user_principal(text, text).is_empty() || text.is_empty());
});
