//! The forms of ARNs: `arn:${Partition}:s3:::${BucketName}/${ObjectName}`, taken apart once.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::facts::ARNS;

/// The form of one type's ARNs, as the Service Authorization Reference writes it.
#[derive(Debug)]
pub struct ArnPattern {
    /// The first five parts; `None` where anything may stand.
    parts: [Option<&'static str>; 5],
    /// What stands for itself in the rest, before the first variable and behind each.
    literals: Vec<&'static str>,
    /// How many characters stand for themselves.
    said: usize,
}

/// An ARN, taken apart at its first five colons.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    parts: [&'a str; 5],
    rest: &'a str,
}

impl<'a> Parts<'a> {
    /// Takes a text apart; `None` where it has fewer colons.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let mut split = text.splitn(6, ':');
        let mut parts = [""; 5];
        for part in &mut parts {
            *part = split.next()?;
        }
        let rest = split.next()?;
        Some(Self { parts, rest })
    }
}

impl ArnPattern {
    /// Takes a pattern apart; `None` where it is none.
    pub fn of(pattern: &'static str) -> Option<Self> {
        let Parts { parts, rest } = Parts::of(pattern)?;
        let is_any = |part: &str| part.starts_with("${") && part.ends_with('}');
        let parts = parts.map(|part| (!is_any(part)).then_some(part));
        let mut variables = rest.split("${");
        let mut literals = vec![variables.next()?];
        for variable in variables {
            literals.push(variable.split_once('}')?.1);
        }
        let behind = |text: &'static str| text.split_once('}').map_or(text, |(_, behind)| behind);
        let said = pattern.split("${").map(|part| behind(part).len());
        Some(Self {
            parts,
            said: said.sum(),
            literals,
        })
    }

    /// Whether an ARN has this form: a variable stands for one or more characters.
    ///
    /// The first of the variables that end a pattern may hold slashes and colons; all others end where their part of the ARN does.
    pub(super) fn has_form(&self, arn: Parts<'_>) -> bool {
        let wanted = self.parts.iter().zip(arn.parts);
        wanted
            .into_iter()
            .all(|(wanted, part)| wanted.is_none_or(|wanted| wanted == part))
            && fits_rest(&self.literals, arn.rest)
    }

    /// The same of an ARN that is still whole.
    pub fn fits(&self, arn: &str) -> bool {
        Parts::of(arn).is_some_and(|arn| self.has_form(arn))
    }

    /// Whether this one says more of an ARN than `other`.
    pub(super) fn says_more_than(&self, other: &Self) -> bool {
        self.said > other.said
    }
}

fn fits_rest(literals: &[&str], text: &str) -> bool {
    let Some((literal, behind)) = literals.split_first() else {
        return false;
    };
    let Some(next) = behind.first() else {
        return text == *literal;
    };
    let Some(rest) = text.strip_prefix(literal) else {
        return false;
    };
    if next.is_empty() {
        return !rest.is_empty();
    }
    // The shortest value; a later one is tried only where nothing else could follow it.
    rest.match_indices(next)
        .take(32)
        .any(|(at, _)| at > 0 && fits_rest(behind, rest.get(at..).unwrap_or_default()))
}

/// The forms of all ARNs, by the prefix of their service.
static BY_PREFIX: LazyLock<HashMap<&'static str, Vec<ArnPattern>>> = LazyLock::new(|| {
    let mut by_prefix: HashMap<&str, Vec<ArnPattern>> = HashMap::new();
    for fact in ARNS.all() {
        let [prefix, _, pattern] = fact.columns();
        let of_prefix = by_prefix.entry(prefix).or_default();
        of_prefix.extend(ArnPattern::of(pattern));
    }
    by_prefix
});

/// The forms of all ARNs of a service.
pub(super) fn arn_patterns(prefix: &str) -> &'static [ArnPattern] {
    BY_PREFIX.get(prefix).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &'static str, arn: &str) -> bool {
        ArnPattern::of(pattern).unwrap().fits(arn)
    }

    #[test]
    fn an_arn_fits_the_pattern_of_its_type() {
        let bucket = "arn:${Partition}:s3:::${BucketName}";
        let object = "arn:${Partition}:s3:::${BucketName}/${ObjectName}";
        assert!(fits(object, "arn:aws:s3:::b/a/b"));
        assert!(!fits(object, "arn:aws:s3:::b"));
        assert!(fits(bucket, "arn:aws:s3:::b"));
        let role = "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}";
        assert!(fits(role, "arn:aws:iam::111122223333:role/a/b"));
        assert!(!fits(role, "arn:aws:iam::111122223333:user/a"));
        assert!(!fits(role, "arn:aws:iam::111122223333"));
        let stream = "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}:log-stream:${LogStreamName}";
        assert!(fits(
            stream,
            "arn:aws:logs:eu-west-1:1:log-group:/a/b:log-stream:c"
        ));
        assert!(!fits(stream, "arn:aws:logs:eu-west-1:1:log-group:/a/b"));
    }

    #[test]
    fn every_pattern_of_the_tables_can_be_taken_apart() {
        for fact in ARNS.all() {
            let [prefix, name, pattern] = fact.columns();
            assert!(
                ArnPattern::of(pattern).is_some(),
                "{prefix} {name} {pattern}"
            );
        }
    }
}
