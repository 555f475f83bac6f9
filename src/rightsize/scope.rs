//! On which resources calls needed an action: what is proven, and what the resource types leave.
//!
//! Object keys are many and come and go: they become the folder that holds them. Resources of other types stand one by one up to a
//! limit, above which they become all of their type in that account and region.

use std::collections::{BTreeMap, BTreeSet};

use super::observed::Use;
use crate::permissions::{Action, ArnPattern};

/// One resource that a call needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// This one.
    Proven {
        /// As the event has it.
        arn: String,
        /// As a policy names it: the folder of an object.
        named: String,
    },
    /// Some resource that fits the pattern; the events do not tell which.
    Some(String),
}

impl Need {
    /// The resource of the call, or the pattern that it fits.
    pub fn resource(&self) -> &str {
        match self {
            Self::Proven { arn, .. } => arn,
            Self::Some(pattern) => pattern,
        }
    }

    /// What a policy says for it.
    pub fn named(&self) -> &str {
        match self {
            Self::Proven { named, .. } => named,
            Self::Some(pattern) => pattern,
        }
    }
}

/// What a use needed for its action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// All of these.
    pub all: Vec<Need>,
    /// And one of these, where there are any: nothing tells of which type the resource was.
    pub one_of: Vec<Need>,
}

/// The resources that a use needed for its action.
///
/// An action without resource types needs `*`. Of the others every type that must be named and shows nowhere is needed in general,
/// and where no type must be named and none shows, one of them is.
pub fn needs_of(action: Action, used: &Use) -> Needs {
    let types: Vec<_> = action
        .resource_types()
        .filter_map(|(name, is_required)| Some((action.arn_pattern(name)?, is_required)))
        .collect();
    let mut all = BTreeSet::new();
    let mut open = Vec::new();
    for (pattern, is_required) in &types {
        let form = ArnPattern::of(pattern);
        let fits = |arn: &&String| form.as_ref().is_some_and(|form| form.fits(arn));
        let fitting = used.resources.iter().filter(fits);
        let found: Vec<_> = fitting
            .map(|arn| Need::Proven {
                named: named(arn),
                arn: arn.clone(),
            })
            .collect();
        if found.is_empty() {
            open.push((*pattern, *is_required));
        }
        all.extend(found);
    }
    let in_general = |pattern: &str| Need::Some(any_of(pattern, &used.region));
    let required = open.iter().filter(|(_, is_required)| *is_required);
    all.extend(required.map(|(pattern, _)| in_general(pattern)));
    let mut one_of = Vec::new();
    if types.is_empty() {
        all.insert(Need::Some("*".to_owned()));
    } else if all.is_empty() {
        one_of.extend(open.iter().map(|(pattern, _)| in_general(pattern)));
    }
    Needs {
        all: all.into_iter().collect(),
        one_of,
    }
}

/// The ARN as a policy names it: of an object the folder that holds it.
fn named(arn: &str) -> String {
    match object_of(arn) {
        Some((bucket, key)) => {
            let folder = key.rsplit_once('/');
            let folder = folder.map_or(String::new(), |(folder, _)| format!("{folder}/"));
            format!("{bucket}/{folder}*")
        }
        None => arn.to_owned(),
    }
}

/// Splits the ARN of an object into bucket and key.
fn object_of(arn: &str) -> Option<(&str, &str)> {
    let rest = arn.strip_prefix("arn:")?;
    let (_, rest) = rest.split_once(":s3:::")?;
    let (_, key) = rest.split_once('/')?;
    Some((arn.get(..arn.len() - key.len() - 1)?, key))
}

/// The pattern of a resource type as a policy has it.
fn any_of(pattern: &str, region: &str) -> String {
    let mut any = String::new();
    let mut rest = pattern;
    while let Some((before, behind)) = rest.split_once("${") {
        any.push_str(before);
        let Some((name, after)) = behind.split_once('}') else {
            break;
        };
        match name {
            "Partition" => any.push_str(partition_of(region)),
            "Region" if !region.is_empty() => any.push_str(region),
            _ => any.push('*'),
        }
        rest = after;
    }
    any.push_str(rest);
    any
}

fn partition_of(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// The resources of one action that one statement grants.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    arns: BTreeSet<String>,
    /// Whether there were more kinds of names than can be held.
    is_too_much: bool,
}

/// What a scope became, and how many resources it stands for where they were too many to name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) patterns: BTreeSet<String>,
    pub(super) widened: Vec<(String, usize)>,
}

/// More folders or ARNs than any policy names; they are drawn together when they come.
const MOST_HELD: usize = 4096;

impl Scope {
    pub(super) fn insert(&mut self, arn: String) {
        if self.is_too_much {
            return;
        }
        self.arns.insert(arn);
        if self.arns.len() > MOST_HELD {
            self.arns = self.named(MOST_HELD / 4).patterns;
            // Names that are all of different kinds cannot be drawn together: what is granted today stands for them.
            self.is_too_much = self.arns.len() > MOST_HELD / 2;
        }
    }

    /// The resources one by one, or in general where one kind of them has more than `most`.
    pub(super) fn named(&self, most: usize) -> Named {
        let mut named = Named::default();
        if self.is_too_much {
            named.patterns.insert("*".to_owned());
            named.widened.push(("*".to_owned(), self.arns.len()));
            return named;
        }
        let mut kinds: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for arn in outermost(&self.arns) {
            let kind = match object_of(arn) {
                Some((bucket, _)) => format!("{bucket}/*"),
                None => kind_of(arn),
            };
            kinds.entry(kind).or_default().insert(arn);
        }
        for (kind, arns) in kinds {
            if arns.len() <= most || kind == "*" {
                named
                    .patterns
                    .extend(arns.iter().map(|arn| (*arn).to_owned()));
            } else {
                named.widened.push((kind.clone(), arns.len()));
                named.patterns.insert(kind);
            }
        }
        named
    }
}

/// The patterns that lie in no folder of the others: below none that ends in `/*` or `:*`, and not beside `*`.
pub(super) fn outermost(patterns: &BTreeSet<String>) -> Vec<&str> {
    let folders: BTreeSet<&str> = patterns
        .iter()
        .filter_map(|pattern| pattern.strip_suffix('*'))
        .filter(|folder| folder.is_empty() || folder.ends_with(['/', ':']))
        .filter(|folder| !folder.contains(['*', '?']))
        .collect();
    let is_inner = |pattern: &str| {
        let ends = pattern.match_indices(['/', ':']).map(|(at, _)| at + 1);
        std::iter::once(0).chain(ends).any(|end| {
            let folder = pattern.get(..end).unwrap_or_default();
            let rest = pattern.get(end..).unwrap_or_default();
            rest != "*" && folders.contains(folder)
        })
    };
    let all = patterns.iter().map(String::as_str);
    all.filter(|pattern| !is_inner(pattern)).collect()
}

/// All resources of the kind, account and region of `arn`: what stands before its first `/` or its sixth `:`.
fn kind_of(arn: &str) -> String {
    let Some((at, _)) = arn.match_indices(':').nth(4) else {
        return "*".to_owned();
    };
    let (head, resource) = arn.split_at_checked(at + 1).unwrap_or((arn, ""));
    match resource.find(['/', ':']) {
        Some(end) => format!("{head}{}*", resource.get(..=end).unwrap_or_default()),
        None => format!("{head}*"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_its_folder() {
        for (arn, scope) in [
            ("arn:aws:s3:::b/k", "arn:aws:s3:::b/*"),
            ("arn:aws:s3:::b/a/b/k", "arn:aws:s3:::b/a/b/*"),
            ("arn:aws:s3:::b/a/${*}/k", "arn:aws:s3:::b/a/${*}/*"),
            ("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/*"),
            ("arn:aws:sqs:r:1:q", "arn:aws:sqs:r:1:q"),
        ] {
            assert_eq!(named(arn), scope, "{arn}");
        }
    }

    #[test]
    fn many_of_a_kind_are_all_of_it_and_say_so() {
        let mut scope = Scope::default();
        for n in 0..10 {
            scope.insert(format!("arn:aws:ec2:r:1:instance/i-{n}"));
            scope.insert(format!("arn:aws:s3:::b/{n}/*"));
        }
        scope.insert("arn:aws:sqs:r:1:q".to_owned());
        assert_eq!(scope.named(10).patterns.len(), 21);
        let named = scope.named(9);
        assert_eq!(
            Vec::from_iter(named.patterns),
            [
                "arn:aws:ec2:r:1:instance/*",
                "arn:aws:s3:::b/*",
                "arn:aws:sqs:r:1:q"
            ]
        );
        assert_eq!(named.widened.len(), 2);
        scope.insert("arn:aws:s3:::b/*".to_owned());
        assert_eq!(
            scope.named(10).patterns.len(),
            12,
            "a bucket holds its folders"
        );
    }

    #[test]
    fn a_type_in_general_keeps_its_region() {
        assert_eq!(
            any_of(
                "arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}",
                "cn-north-1"
            ),
            "arn:aws-cn:ec2:cn-north-1:*:instance/*"
        );
    }
}
