//! Any text as a queue's message: no panic, and what it tells of is told in a key and a bucket.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::source::notices;

fuzz_target!(|text: &str| {
    for notice in notices(text).unwrap_or_default() {
        assert!(notice.key.len() <= text.len());
        assert!(notice.bucket.len() <= text.len());
        assert!(
            notice
                .etag
                .is_none_or(|etag| etag.starts_with('"') && etag.ends_with('"'))
        );
    }
});
