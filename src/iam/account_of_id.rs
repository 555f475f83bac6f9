//! The account number inside access keys and unique ids.
//!
//! Source: measured over public logs: characters 5 to 20 in base 32, the first 48 bits, of which bits 7 to 46 are
//! the account. Only ids with a fifth character from `Q` on have it; older ones do not.

/// Decodes the account of an access key (`AKIA…`, `ASIA…`) or a unique id (`AIDA…`, `AROA…`).
///
/// `None` for text of another shape, and for ids of the old kind. An account other than the record's
/// means anonymised logs or another account, and is no reason to refuse a join.
pub fn account_of_id(id: &str) -> Option<String> {
    let id = id.split(':').next()?;
    if !matches!(id.get(..4)?, "AKIA" | "ASIA" | "AIDA" | "AROA") || id.len() < 20 {
        return None;
    }
    // Ten digits of five bits give the 48 bits and two that are not needed.
    let mut bits: u64 = 0;
    for byte in id.bytes().skip(4).take(10) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u64::from(digit);
    }
    let first = bits >> 2;
    let is_new_kind = first >> 47 == 1;
    let account = (first & 0x7fff_ffff_ff80) >> 7;
    // Forty bits hold more than twelve digits do.
    (is_new_kind && account < 1_000_000_000_000).then(|| format!("{account:012}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_ids_tell_their_account() {
        for id in [
            "AKIARTX3GSDSVIAALICE",
            "AIDARTX3GSDSVIAALICEE",
            "AROARTX3GSDSVIDEPLOYE:alice-cli",
        ] {
            assert_eq!(account_of_id(id).as_deref(), Some("111122223333"), "{id}");
        }
        assert_eq!(
            account_of_id("ASIAWO645SY5FIREADAB").as_deref(),
            Some("444455556666")
        );
    }

    #[test]
    fn old_and_masked_ids_tell_nothing() {
        for id in [
            "ASIAIOSFODNN7EXAMPLE",
            "AKIA****************",
            // Found by the fuzzer: more than twelve digits are no account.
            "ASIA7777777777777777",
            "",
            "alice",
            "ASIA",
        ] {
            assert_eq!(account_of_id(id), None, "{id}");
        }
    }
}
