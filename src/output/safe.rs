//! Makes text harmless to show: characters that steer a terminal or reorder text become escapes.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Characters that do something else than show a sign.
///
/// Controls of both sets (C1 has the one-character form of `ESC [`), bidirectional overrides and
/// isolates, the separators of lines and paragraphs, and signs that nobody sees (fillers, tags, variation selectors):
/// Unicode's `Default_Ignorable_Code_Point`, and the anchors of annotations.
pub(super) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{3164}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}

/// The text with every unsafe character written as `\u{…}`, and line ends as `\n`.
pub fn safe_text(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_and_not_done() {
        assert_eq!(safe_text("\u{1b}[31mred"), "\\u{1b}[31mred");
        assert_eq!(safe_text("a\u{9b}2J"), "a\\u{9b}2J");
        assert_eq!(safe_text("gnp\u{202e}exe"), "gnp\\u{202e}exe");
        assert_eq!(safe_text("a\nb"), "a\\nb");
        assert_eq!(safe_text("a\u{e0041}b"), "a\\u{e0041}b");
        for hidden in ['\u{ad}', '\u{17b4}', '\u{1bca0}', '\u{1d173}', '\u{fff0}'] {
            assert!(is_unsafe(hidden), "{hidden:?}");
        }
        assert!(matches!(safe_text("Zoë 日本"), Cow::Borrowed(_)));
    }
}
