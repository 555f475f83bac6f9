//! Which IAM actions an event needed, by the names of its source and of itself.
//!
//! AWS has no list of it. Most events have the name of their action; what has not is in `facts/events.tsv`. A name that neither
//! knows stays as it is: nothing is invented.

use super::catalogue::Action;
use super::facts::{EVENTS, Fact, SOURCES};

/// How the actions of an event were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mapping {
    /// The call needs this one action.
    Exact,
    /// The call needs this action and others.
    Several,
    /// No event tells of the action; the parameters of the call show that it was needed.
    Inferred,
    /// The refusal named the action.
    Refusal,
    /// The call needs no permission.
    None,
    /// No action is known for the event.
    Unmapped,
}

impl Mapping {
    /// The word for it in `permission_usage`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Several => "several",
            Self::Inferred => "inferred",
            Self::Refusal => "refusal",
            Self::None => "none",
            Self::Unmapped => "unmapped",
        }
    }
}

/// What is known of an event by its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The prefix under which it was found, or the first of those that its source could have.
    pub prefix: String,
    /// The operation: the event's name, without the API's date where the name alone is not known.
    pub operation: String,
    /// The actions that the call needs.
    pub actions: Vec<Action>,
    /// How they were found.
    pub mapping: Mapping,
}

/// Finds the actions of an event.
pub fn map_event(event_source: &str, event_name: &str) -> Mapped {
    let label = event_source
        .strip_suffix(".amazonaws.com")
        .unwrap_or(event_source);
    let known = SOURCES.find(&[label]).next();
    let [_, prefixes] = known.map(Fact::columns).unwrap_or_default();
    let prefixes: Vec<&str> = match prefixes {
        "" => vec![label],
        several => several.split(',').collect(),
    };
    let found = [Some(event_name), without_date(event_name)]
        .into_iter()
        .flatten()
        .find_map(|name| prefixes.iter().find_map(|prefix| by_name(prefix, name)));
    found.unwrap_or_else(|| Mapped {
        prefix: prefixes.first().copied().unwrap_or(label).to_owned(),
        operation: event_name.to_owned(),
        actions: Vec::new(),
        mapping: match label {
            // Whoever signs in is nobody yet.
            "signin" => Mapping::None,
            _ => Mapping::Unmapped,
        },
    })
}

fn by_name(prefix: &str, name: &str) -> Option<Mapped> {
    let full = format!("{prefix}:{name}");
    let mapped = |actions: Vec<Action>| Mapped {
        prefix: prefix.to_owned(),
        operation: name.to_owned(),
        mapping: match actions.len() {
            0 => Mapping::None,
            1 => Mapping::Exact,
            _ => Mapping::Several,
        },
        actions,
    };
    if let Some(fact) = EVENTS.find(&[&full]).next() {
        let [_, actions] = fact.columns();
        return Some(mapped(
            actions.split(',').filter_map(Action::find).collect(),
        ));
    }
    Some(mapped(vec![Action::find(&full)?]))
}

/// The name without the version of the API that some services add: `GetFunction20150331v2`, `ListDistributions2017_03_25`.
///
/// Digits that are part of a name (`CreateEnvironmentEC2`, `GetFindingsV2`) stay.
fn without_date(name: &str) -> Option<&str> {
    let digits_end = match name.rsplit_once('v') {
        Some((before, version)) if is_number(version) && before.ends_with(is_digit) => before,
        _ => name,
    };
    let cut = |length: usize| {
        let at = digits_end.len().checked_sub(length)?;
        let (before, date) = (digits_end.get(..at)?, digits_end.get(at..)?);
        let plain: String = match length {
            8 => date.to_owned(),
            _ => date
                .split('_')
                .map(str::to_owned)
                .collect::<Vec<_>>()
                .concat(),
        };
        let is_date = plain.len() == 8 && is_number(&plain) && plain.starts_with("20");
        (is_date && !before.is_empty()).then_some(before)
    };
    cut(8).or_else(|| cut(10))
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(source: &str, name: &str) -> (Vec<&'static str>, Mapping) {
        let found = map_event(&format!("{source}.amazonaws.com"), name);
        let actions = found.actions.iter().map(|action| action.name);
        (actions.collect(), found.mapping)
    }

    #[test]
    fn most_events_have_the_name_of_their_action() {
        assert_eq!(
            mapped("ec2", "RunInstances"),
            (vec!["ec2:RunInstances"], Mapping::Exact)
        );
        assert_eq!(
            mapped("monitoring", "PutMetricAlarm"),
            (vec!["cloudwatch:PutMetricAlarm"], Mapping::Exact)
        );
        assert_eq!(
            mapped("s3", "PutBucketCors"),
            (vec!["s3:PutBucketCORS"], Mapping::Exact)
        );
        assert_eq!(
            mapped("autoscaling", "RegisterScalableTarget"),
            (
                vec!["application-autoscaling:RegisterScalableTarget"],
                Mapping::Exact
            )
        );
    }

    #[test]
    fn a_date_is_no_part_of_the_name_and_other_digits_are() {
        for (source, name, action) in [
            ("lambda", "GetFunction20150331v2", "lambda:GetFunction"),
            (
                "lambda",
                "GetAccountSettings20160819",
                "lambda:GetAccountSettings",
            ),
            (
                "cloudfront",
                "ListDistributions2017_03_25",
                "cloudfront:ListDistributions",
            ),
            ("securityhub", "GetFindingsV2", "securityhub:GetFindings"),
            ("kafka", "CreateClusterV2", "kafka:CreateClusterV2"),
        ] {
            assert_eq!(
                mapped(source, name),
                (vec![action], Mapping::Exact),
                "{name}"
            );
        }
        assert_eq!(without_date("20150331"), None);
        assert_eq!(without_date("GetFindingsV2"), None);
        assert_eq!(without_date("CreateEnvironmentEC2"), None);
        assert_eq!(without_date("é20150331v2"), Some("é"));
    }

    #[test]
    fn other_names_are_in_the_table() {
        for (source, name, actions) in [
            ("s3", "ListObjectsV2", vec!["s3:ListBucket"]),
            ("s3", "CopyObject", vec!["s3:GetObject", "s3:PutObject"]),
            (
                "s3",
                "DeleteBucketPublicAccessBlock",
                vec!["s3:PutBucketPublicAccessBlock"],
            ),
            ("lambda", "Invoke", vec!["lambda:InvokeFunction"]),
            (
                "kms",
                "ReEncrypt",
                vec!["kms:ReEncryptFrom", "kms:ReEncryptTo"],
            ),
            ("apigateway", "CreateRestApi", vec!["apigateway:POST"]),
            ("bedrock", "Converse", vec!["bedrock:InvokeModel"]),
        ] {
            let (found, mapping) = mapped(source, name);
            assert_eq!(found, actions, "{name}");
            assert_eq!(mapping == Mapping::Several, actions.len() > 1, "{name}");
        }
    }

    #[test]
    fn no_permission_and_no_knowledge_are_two_things() {
        assert_eq!(mapped("sts", "GetCallerIdentity"), (vec![], Mapping::None));
        assert_eq!(mapped("signin", "ConsoleLogin"), (vec![], Mapping::None));
        assert_eq!(
            mapped("billingconsole", "GetSomethingOfTheConsole"),
            (vec![], Mapping::Unmapped)
        );
    }
}
