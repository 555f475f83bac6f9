//! Samples and test records hold invented identities only.

use std::io::Read as _;

use super::support::project;

/// Account ids that AWS uses in its documentation, or patterns nobody would take for real.
const ACCOUNTS: [&str; 5] = [
    "111122223333",
    "444455556666",
    "777788889999",
    "123456789012",
    "222233334444",
];

fn texts() -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for folder in ["sample-logs", "tests/records"] {
        for entry in walkdir::WalkDir::new(project().join(folder)) {
            let path = entry.unwrap().into_path();
            let name = path.display().to_string();
            if name.ends_with(".gz") {
                let mut text = Vec::new();
                // The damaged story ends too early; what can be read is looked at.
                drop(
                    flate2::read::MultiGzDecoder::new(std::fs::File::open(&path).unwrap())
                        .read_to_end(&mut text),
                );
                texts.push((name, String::from_utf8(text).unwrap()));
            } else if name.ends_with(".jsonl") {
                texts.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(texts.len() >= 10, "{}", texts.len());
    texts
}

#[test]
fn account_ids_are_documentation_ids() {
    for (name, text) in texts() {
        let bytes = text.as_bytes();
        for start in 0..bytes.len().saturating_sub(12) {
            let digits = &bytes[start..start + 12];
            let is_alone = (start == 0 || !bytes[start - 1].is_ascii_alphanumeric())
                && bytes
                    .get(start + 12)
                    .is_none_or(|next| !next.is_ascii_alphanumeric());
            if is_alone && digits.iter().all(u8::is_ascii_digit) {
                let digits = std::str::from_utf8(digits).unwrap();
                // The last part of a UUID has twelve digits now and then.
                if bytes.get(start.wrapping_sub(1)) != Some(&b'-') {
                    assert!(ACCOUNTS.contains(&digits), "{name}: {digits}");
                }
            }
        }
    }
}

#[test]
fn keys_and_unique_ids_say_that_they_are_examples() {
    for (name, text) in texts() {
        for prefix in ["AKIA", "ASIA", "AROA", "AIDA"] {
            for (at, _) in text.match_indices(&format!("\"{prefix}")) {
                let id = text[at + 1..].split(['"', ':']).next().unwrap();
                assert!(id.ends_with("EXAMPLE"), "{name}: {id}");
            }
        }
    }
}

#[test]
fn addresses_are_documentation_addresses() {
    for (name, text) in texts() {
        for (at, found) in text.match_indices("\"sourceIPAddress\":\"") {
            let address = text[at + found.len()..].split('"').next().unwrap();
            let allowed = ["192.0.2.", "198.51.100.", "203.0.113."];
            let is_service = address.ends_with(".amazonaws.com");
            assert!(
                is_service || allowed.iter().any(|net| address.starts_with(net)),
                "{name}: {address}"
            );
        }
    }
}
