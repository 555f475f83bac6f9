//! Any text as a log file's key: no panic, and what is told stands in the key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::source::LogKey;

fuzz_target!(|key: &str| {
    let found = LogKey::parse(key);
    for part in [found.organization_id, found.account_id, found.region] {
        assert!(part.is_none_or(|part| key.contains(part)));
    }
    if let Some(account) = found.account_id {
        assert!(account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()));
    }
});
