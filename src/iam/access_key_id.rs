//! Access key ids: which are long-lived, which belong to temporary credentials.
//!
//! Source: IAM User Guide, "IAM identifiers" (`AKIA` access key, `ASIA` temporary credentials).

/// Returns true for the key of an IAM user or root that lives until it is deleted (`AKIA…`).
pub fn is_long_lived(access_key_id: &str) -> bool {
    access_key_id.starts_with("AKIA")
}

/// Returns true for text that stands where a key was: stars, one character repeated, or a word that says so.
///
/// Such text is equal on every record of a shared data set, and no evidence of anything.
pub fn is_masked(access_key_id: &str) -> bool {
    let own = access_key_id.get(4..).unwrap_or_default().as_bytes();
    let is_one_character = own.windows(2).all(|pair| match pair {
        [a, b] => a == b,
        _ => true,
    });
    let upper = access_key_id.to_ascii_uppercase();
    access_key_id.contains('*')
        || is_one_character
        || ["REDACTED", "HIDDEN", "MASKED"]
            .iter()
            .any(|word| upper.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_akia_keys_live_long() {
        assert!(is_long_lived("AKIARTX3GSDSVIAALICE"));
        assert!(!is_long_lived("ASIARTX3GSDSVIDEPLAB"));
        assert!(!is_long_lived(""));
    }

    #[test]
    fn a_mask_is_no_key() {
        for mask in [
            "***",
            "ASIA****************",
            "ASIAXXXXXXXXXXXXXXXX",
            "REDACTED",
            "HIDDEN_DUE_TO_SECURITY_REASONS",
        ] {
            assert!(is_masked(mask), "{mask}");
        }
        assert!(!is_masked("ASIARTX3GSDSVIDEPLAB"));
        assert!(!is_masked("ASIAANALYST00EXAMPLE"));
    }
}
