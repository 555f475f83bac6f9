//! Access key ids: which are long-lived, which belong to temporary credentials.
//!
//! Source: IAM User Guide, "IAM identifiers" (`AKIA` access key, `ASIA` temporary credentials).

/// Returns true for the key of an IAM user or root that lives until it is deleted (`AKIA…`).
pub fn is_long_lived(access_key_id: &str) -> bool {
    access_key_id.starts_with("AKIA")
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
}
