//! Wildcards of IAM: `*` and `?` in actions and ARNs, and policy variables.
//!
//! Source: IAM User Guide, "IAM JSON policy elements: Resource": a wildcard stays within its part of the ARN, unless it is a `*` that
//! ends the part; what stands behind the fifth colon is one part; and "Policy variables and tags".

/// How far a pattern and a text fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// They do not.
    No,
    /// They may: it depends on a condition or a policy variable.
    Maybe,
    /// They do.
    Yes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    /// Any number of characters; past colons only where it `crosses`.
    Many {
        crosses: bool,
    },
}

/// Whether `pattern` fits the action, in any case.
pub fn fits_action(pattern: &str, action: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return pattern.eq_ignore_ascii_case(action);
    }
    let folded = pattern.to_ascii_lowercase();
    let tokens = tokens_of(&folded, Variables::Plain);
    covers_tokens(&tokens, &plain(&action.to_ascii_lowercase()))
}

/// Whether `pattern` fits the ARN; policy variables count where `has_variables`.
///
/// `*` and `?` in the ARN itself stand for what is not known of it: the pattern must fit whatever they stand for. A name that has them
/// is written as policies write it, `${*}` and `${?}`.
pub fn fits_arn(pattern: &str, arn: &str, has_variables: bool) -> Fit {
    if pattern == "*" || pattern == arn {
        return Fit::Yes;
    }
    if !pattern.contains(['*', '?', '$']) {
        return Fit::No;
    }
    let arn = tokens_of(arn, Variables::Literal);
    if !has_variables || !pattern.contains("${") {
        let pattern = tokens_of(pattern, Variables::Plain);
        return if covers_tokens(&pattern, &arn) {
            Fit::Yes
        } else {
            Fit::No
        };
    }
    if covers_tokens(&tokens_of(pattern, Variables::Literal), &arn) {
        Fit::Yes
    } else if covers_tokens(&tokens_of(pattern, Variables::Any), &arn) {
        Fit::Maybe
    } else {
        Fit::No
    }
}

/// Whether everything that `other` fits is fitted by `pattern` too; `false` where that is not sure.
pub fn covers(pattern: &str, other: &str) -> bool {
    pattern == "*"
        || pattern == other
        || pattern.contains(['*', '?'])
            && covers_tokens(
                &tokens_of(pattern, Variables::Literal),
                &tokens_of(other, Variables::Literal),
            )
}

/// Whether some text may fit both patterns; `true` where that is not sure.
pub fn overlaps(one: &str, other: &str) -> bool {
    let (one, other) = (
        tokens_of(one, Variables::Any),
        tokens_of(other, Variables::Any),
    );
    // `reached[at]`: what stands before `at` in `one` and before the present place in `other` can be the same text.
    let mut reached = vec![false; one.len() + 1];
    for place in 0..=other.len() {
        let mut here = vec![false; one.len() + 1];
        for at in 0..=one.len() {
            let is = |places: &[bool], at: Option<usize>| {
                at.and_then(|at| places.get(at))
                    .copied()
                    .unwrap_or_default()
            };
            let before = at.checked_sub(1);
            let mine = before.and_then(|at| one.get(at));
            let theirs = place.checked_sub(1).and_then(|at| other.get(at));
            let many = |token: Option<&Token>| matches!(token, Some(Token::Many { .. }));
            let same = match (mine, theirs) {
                (Some(Token::Char(a)), Some(Token::Char(b))) => a == b,
                (Some(_), Some(_)) => true,
                _ => false,
            };
            let can = (at == 0 && place == 0)
                || (same && is(&reached, before))
                || (many(mine) && (is(&here, before) || is(&reached, Some(at))))
                || (many(theirs) && (is(&reached, Some(at)) || is(&here, before)));
            if let Some(slot) = here.get_mut(at) {
                *slot = can;
            }
        }
        reached = here;
    }
    reached.last().copied().unwrap_or_default()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Variables {
    /// There are none: `${` is text.
    Plain,
    /// Those that stand for one character do, the others stand for themselves.
    Literal,
    /// The others stand for anything within their part.
    Any,
}

fn plain(text: &str) -> Vec<Token> {
    text.chars().map(Token::Char).collect()
}

fn tokens_of(text: &str, variables: Variables) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len());
    let mut rest = text;
    // The five colons that part an ARN; what stands behind them is the resource, colons and all.
    let mut colons = 0;
    while let Some(next) = rest.chars().next() {
        if variables != Variables::Plain
            && let Some((name, behind)) = rest
                .strip_prefix("${")
                .and_then(|behind| behind.split_once('}'))
        {
            match (name, variables) {
                ("*" | "?" | "$", _) => tokens.extend(plain(name)),
                (_, Variables::Any) => tokens.push(Token::Many {
                    crosses: colons >= 5,
                }),
                (name, _) => tokens.extend(plain("${").into_iter().chain(plain(name))),
            }
            rest = behind;
            continue;
        }
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
        tokens.push(match next {
            '?' => Token::One,
            '*' => Token::Many {
                crosses: colons >= 5 || rest.is_empty() || rest.starts_with(':'),
            },
            other => {
                colons += usize::from(other == ':');
                Token::Char(other)
            }
        });
    }
    // Two stars in a row are one, and only the last of them knows whether it ends its part.
    tokens.dedup_by(|later, earlier| match (&later, &*earlier) {
        (Token::Many { crosses }, Token::Many { crosses: before }) => {
            *earlier = Token::Many {
                crosses: *crosses || *before,
            };
            true
        }
        _ => false,
    });
    tokens
}

/// Walks all ways through the pattern at once: time grows with the product of the lengths, whatever the stars.
fn covers_tokens(pattern: &[Token], text: &[Token]) -> bool {
    let mut here = vec![false; pattern.len() + 1];
    let mut next = vec![false; pattern.len() + 1];
    mark(&mut here, pattern, 0);
    for symbol in text {
        next.fill(false);
        let mut is_any = false;
        for (at, token) in pattern.iter().enumerate() {
            if !here.get(at).copied().unwrap_or_default() {
                continue;
            }
            if let Some(at) = step(*token, *symbol, at) {
                mark(&mut next, pattern, at);
                is_any = true;
            }
        }
        if !is_any {
            return false;
        }
        std::mem::swap(&mut here, &mut next);
    }
    here.last().copied().unwrap_or_default()
}

/// Where the pattern stands after `symbol`.
fn step(token: Token, symbol: Token, at: usize) -> Option<usize> {
    match (token, symbol) {
        (Token::Char(wanted), Token::Char(found)) => (wanted == found).then_some(at + 1),
        (Token::One, Token::Char(found)) => (found != ':').then_some(at + 1),
        (Token::One, Token::One) => Some(at + 1),
        (Token::Many { crosses }, Token::Char(found)) => (crosses || found != ':').then_some(at),
        (Token::Many { .. }, Token::One) => Some(at),
        (Token::Many { crosses }, Token::Many { crosses: wide }) => {
            (crosses || !wide).then_some(at)
        }
        (Token::Char(_), Token::One | Token::Many { .. }) | (Token::One, Token::Many { .. }) => {
            None
        }
    }
}

/// Marks a place and those that follow it past stars, which may stand for nothing.
fn mark(places: &mut [bool], pattern: &[Token], from: usize) {
    for (at, place) in places.iter_mut().enumerate().skip(from) {
        *place = true;
        if !matches!(pattern.get(at), Some(Token::Many { .. })) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn actions_fit_in_any_case() {
        assert!(fits_action("S3:get*", "s3:GetObject"));
        assert!(fits_action("*", "s3:GetObject"));
        assert!(fits_action("s3:?etObject", "s3:GetObject"));
        assert!(!fits_action("s3:Get", "s3:GetObject"));
        assert!(!fits_action("s3:*", "s3express:CreateSession"));
    }

    #[test]
    fn a_star_stays_in_its_part_unless_it_ends_it() {
        let yes = |pattern, arn| fits_arn(pattern, arn, true) == Fit::Yes;
        assert!(yes("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b:c"));
        assert!(yes("arn:aws:sqs:*", "arn:aws:sqs:eu-west-1:1:q"));
        assert!(yes("arn:aws:sqs:*:1:q*", "arn:aws:sqs:eu-west-1:1:q1"));
        assert!(yes(
            "arn:aws:logs:*:*:log-group:a*:x",
            "arn:aws:logs:r:1:log-group:ab:x"
        ));
        assert!(!yes("arn:aws:sqs:e*t:1:q", "arn:aws:sqs:eu:west:1:q"));
        assert!(yes(
            "arn:aws:s3:::b/*.log",
            "arn:aws:s3:::b/2026-01-01T00:00:00.log"
        ));
        assert!(yes("arn:aws:s3:::b/*", "arn:aws:s3:::b/${*}"));
        assert!(!yes("arn:aws:s3:::b/x", "arn:aws:s3:::b/${*}"));
        assert!(yes("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/${*}"));
        assert!(!yes("arn:aws:s3:::b", "arn:aws:s3:::b/k"));
        assert!(!yes("arn:aws:s3:::B", "arn:aws:s3:::b"));
    }

    #[test]
    fn a_variable_may_fit() {
        let arn = "arn:aws:s3:::home/alice/x";
        assert_eq!(
            fits_arn("arn:aws:s3:::home/${aws:username}/*", arn, true),
            Fit::Maybe
        );
        assert_eq!(
            fits_arn("arn:aws:s3:::home/${aws:username}/*", arn, false),
            Fit::No
        );
        assert_eq!(
            fits_arn("arn:aws:s3:::b/${aws:username}/*", arn, true),
            Fit::No
        );
        assert_eq!(
            fits_arn("arn:aws:s3:::${*}", "arn:aws:s3:::b", true),
            Fit::No
        );
        assert_eq!(
            fits_arn("arn:aws:s3:::a${?}", "arn:aws:s3:::ab", true),
            Fit::No
        );
    }

    #[test]
    fn patterns_overlap_or_do_not() {
        assert!(overlaps("arn:aws:s3:::b/*.log", "arn:aws:s3:::b/a/*"));
        assert!(!overlaps("arn:aws:s3:::b/*", "arn:aws:s3:::c/*"));
        assert!(!overlaps("ab", "a"));
        assert!(overlaps("*", ""));
        assert!(!overlaps("a*b", "a*c"));
    }

    #[test]
    fn a_pattern_covers_another_only_when_sure() {
        assert!(covers("arn:aws:s3:::*", "arn:aws:s3:::b/*"));
        assert!(covers("arn:aws:s3:::b/*", "arn:aws:s3:::b/x?"));
        assert!(!covers("arn:aws:s3:::b/*", "arn:aws:s3:::*"));
        assert!(!covers("arn:aws:s3:::b", "arn:aws:s3:::?"));
        assert!(covers("*", "arn:aws:s3:::*"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn what_a_covered_pattern_fits_the_covering_one_fits(
            wide in "[ab:*?]{0,4}", narrow in "[ab:*?]{0,4}", text in "[ab:]{0,4}",
        ) {
            let fits = |pattern: &str| fits_arn(pattern, &text, false) == Fit::Yes;
            if covers(&wide, &narrow) && fits(&narrow) {
                prop_assert!(fits(&wide), "{} {} {}", wide, narrow, text);
            }
        }

        #[test]
        fn patterns_that_fit_one_text_overlap(
            one in "[ab*?]{0,5}", other in "[ab*?]{0,5}", text in "[ab]{0,5}",
        ) {
            let fits = |pattern: &str| fits_arn(pattern, &text, false) == Fit::Yes;
            if fits(&one) && fits(&other) {
                prop_assert!(overlaps(&one, &other), "{} {} {}", one, other, text);
            }
        }

        #[test]
        fn stars_fit_as_the_obvious_matcher_says(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            fn obvious(pattern: &[u8], text: &[u8]) -> bool {
                match (pattern.split_first(), text.split_first()) {
                    (None, None) => true,
                    (Some((b'*', rest)), _) if obvious(rest, text) => true,
                    (Some((b'*', _)), Some((_, behind))) => obvious(pattern, behind),
                    (Some((wanted, rest)), Some((found, behind))) => {
                        (*wanted == b'?' || wanted == found) && obvious(rest, behind)
                    }
                    _ => false,
                }
            }
            let fit = fits_arn(&pattern, &text, false) == Fit::Yes;
            prop_assert_eq!(fit, obvious(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
