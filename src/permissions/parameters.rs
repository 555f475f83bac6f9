//! The values in an event's `requestParameters`, found by path, and the templates that make ARNs of them.

use std::borrow::Cow;
use std::fmt;

use super::refusal::contains_ignoring_case;
use crate::iam::as_in_policy;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// More values than any request that was meant has; what stands behind them is not looked at.
const MOST_VALUES: usize = 4096;
/// More ARNs than a policy could name one by one.
const MOST_ARNS: usize = 1000;

/// A name in the parameters, and the one that it stands below; lists have none.
#[derive(Debug)]
struct Step<'a> {
    name: Cow<'a, str>,
    above: Option<usize>,
}

/// Parts of requests that hold what the caller likes: tags, items, contexts, texts for others.
const FREE: [&str; 22] = [
    "attributes",
    "clientRequestToken",
    "context",
    "description",
    "encryptionContext",
    "environment",
    "environmentVariables",
    "expressionAttributeValues",
    "externalId",
    "input",
    "item",
    "key",
    "message",
    "messageAttributes",
    "metadata",
    "parameters",
    "payload",
    "policy",
    "policyDocument",
    "tagSet",
    "tagSpecificationSet",
    "tags",
];

/// The texts and numbers of an event's `requestParameters`.
#[derive(Debug, Default)]
pub(super) struct Parameters<'a> {
    steps: Vec<Step<'a>>,
    /// Each value, and the step at which it stands.
    values: Vec<(Option<usize>, Cow<'a, str>)>,
}

impl<'a> Parameters<'a> {
    /// Reads the JSON text; what is no JSON has no values.
    pub(super) fn read(json: &'a str) -> Self {
        let mut parameters = Self::default();
        let mut reader = serde_json::Deserializer::from_str(json);
        let node = Node {
            at: None,
            parameters: &mut parameters,
        };
        // A request cut short shows what stands before the cut.
        drop(node.deserialize(&mut reader));
        parameters
    }

    /// The values that name something by their place: under a name that ends as names of references do, and in no part of the request
    /// that the caller fills as they like.
    pub(super) fn references(&self) -> impl Iterator<Item = &str> {
        const ENDS: [&str; 8] = [
            "arn",
            "arns",
            "id",
            "ids",
            "identifier",
            "name",
            "resource",
            "resources",
        ];
        self.values_under(|name| ends_with_any(name, &ENDS))
    }

    /// The values under a name that speaks of a role.
    pub(super) fn roles(&self) -> impl Iterator<Item = &str> {
        self.values_under(|name| contains_ignoring_case(name, "role"))
    }

    fn values_under(&self, fits: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
        self.values.iter().filter_map(move |(at, text)| {
            let step = self.steps.get((*at)?)?;
            (fits(&step.name) && !self.is_free(*at)).then_some(text.as_ref())
        })
    }

    /// Whether the place is in a part of the request that the caller fills as they like.
    fn is_free(&self, mut at: Option<usize>) -> bool {
        while let Some(step) = at.and_then(|at| self.steps.get(at)) {
            if FREE.iter().any(|free| step.name.eq_ignore_ascii_case(free)) {
                return true;
            }
            at = step.above;
        }
        false
    }

    /// Whether the parameters have this name, at any depth.
    pub(super) fn has_anywhere(&self, name: &str) -> bool {
        self.steps
            .iter()
            .any(|step| step.name.eq_ignore_ascii_case(name))
    }

    /// Whether the parameters have something at `path`.
    pub(super) fn has_at(&self, path: &str) -> bool {
        (0..self.steps.len()).any(|at| self.is_at(Some(at), path))
    }

    /// The values under this name, at any depth.
    pub(super) fn anywhere<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.values_under(move |found| found.eq_ignore_ascii_case(name))
    }

    /// Whether the parameters have this name, not below another one.
    pub(super) fn has(&self, name: &str) -> bool {
        self.steps
            .iter()
            .any(|step| step.above.is_none() && step.name.eq_ignore_ascii_case(name))
    }

    /// The values at `path`, in any case; `**.name` is a `name` at any depth.
    fn at<'s>(&'s self, path: &'s str) -> impl Iterator<Item = &'s str> {
        self.values
            .iter()
            .filter(move |(at, _)| self.is_at(*at, path))
            .map(|(_, text)| text.as_ref())
    }

    fn is_at(&self, mut at: Option<usize>, path: &str) -> bool {
        for name in path.rsplit('.') {
            if name == "**" {
                return true;
            }
            let Some(step) = at.and_then(|at| self.steps.get(at)) else {
                return false;
            };
            if !step.name.eq_ignore_ascii_case(name) {
                return false;
            }
            at = step.above;
        }
        at.is_none()
    }

    /// The ARNs that `template` makes of these values; none where one of its places has no value.
    pub(super) fn arns(&self, template: &str, place: Place<'_>) -> Vec<String> {
        let mut made = vec![String::new()];
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once('{') {
            let Some((name, after)) = behind.split_once('}') else {
                return Vec::new();
            };
            let values: Vec<String> = if before.ends_with('$') {
                vec![place.of(name).to_owned()]
            } else if let Some(path) = name.strip_suffix('/') {
                let paths: Vec<String> = self.at(path).map(as_in_policy).collect();
                if paths.is_empty() {
                    vec!["/".to_owned()]
                } else {
                    paths
                }
            } else {
                let (path, word) = name.split_once('|').unwrap_or((name, ""));
                let values = self.at(path);
                values.filter_map(|value| shaped(value, word)).collect()
            };
            let before = before.strip_suffix('$').unwrap_or(before);
            made = made
                .iter()
                .flat_map(|start| {
                    values
                        .iter()
                        .map(move |value| join(&format!("{start}{before}"), value))
                })
                .take(MOST_ARNS)
                .collect();
            rest = after;
        }
        for arn in &mut made {
            arn.push_str(rest);
        }
        made
    }
}

/// A name that begins with the slash that stands before it already (a parameter of SSM) has one of them.
fn join(start: &str, value: &str) -> String {
    let value = match value.strip_prefix('/') {
        Some(rest) if start.ends_with('/') => rest,
        _ => value,
    };
    format!("{start}{value}")
}

/// What `word` asks of a value, as a policy would name it; `None` where the value is not of that kind, see
/// `tools/iam_overrides.toml`.
fn shaped(value: &str, word: &str) -> Option<String> {
    // A whole ARN is no part of one; it is found as an ARN.
    if value.is_empty() || value.starts_with("arn:") {
        return None;
    }
    let decoded;
    let name = match word {
        "queue" => return queue(value),
        "copy" => {
            let path = value.strip_prefix('/').unwrap_or(value);
            let path = path
                .split_once("?versionId=")
                .map_or(path, |(path, _)| path);
            decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
            decoded.as_ref()
        }
        "secret" => return Some(format!("{}-??????", as_in_policy(value))),
        "key" if value.starts_with("alias/") => return None,
        "alias" => value.strip_prefix("alias/")?,
        "last" => value.rsplit('/').next().unwrap_or(value),
        "revision" if !value.contains(':') => return Some(format!("{}:*", as_in_policy(value))),
        "plain" if value.contains(":function:") => return None,
        "partial" if !value.contains(":function:") => return None,
        _ => value,
    };
    Some(as_in_policy(name))
}

/// Region, account and name out of the URL of a queue, `https://sqs.eu-west-1.amazonaws.com/111122223333/name`.
fn queue(url: &str) -> Option<String> {
    let (host, path) = url.split_once("://")?.1.split_once('/')?;
    let region = host.strip_prefix("sqs.")?.split('.').next()?;
    let (account, name) = path.split_once('/')?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let is_region = !region.is_empty()
        && region
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_account && is_region).then(|| format!("{region}:{account}:{}", as_in_policy(name)))
}

fn ends_with_any(name: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| {
        let at = name.len().checked_sub(end.len());
        at.and_then(|at| name.get(at..))
            .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    })
}

/// Where a call was made: what `${Partition}`, `${Region}` and `${Account}` stand for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) region: &'a str,
    pub(super) account_id: &'a str,
}

impl<'a> Place<'a> {
    fn of(self, name: &str) -> &'a str {
        match name {
            "Partition" if self.region.starts_with("cn-") => "aws-cn",
            "Partition" if self.region.starts_with("us-gov-") => "aws-us-gov",
            "Partition" => "aws",
            "Region" => self.region,
            "Account" => self.account_id,
            _ => "*",
        }
    }
}

/// Collects what stands at and below one place of the JSON text.
struct Node<'v, 'a> {
    at: Option<usize>,
    parameters: &'v mut Parameters<'a>,
}

impl<'de: 'a, 'a> DeserializeSeed<'de> for Node<'_, 'a> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Node<'_, 'a> {
    fn take<E: Error>(self, text: Cow<'a, str>) -> Result<(), E> {
        self.parameters.values.push((self.at, text));
        self.parameters.check()
    }
}

impl Parameters<'_> {
    fn check<E: Error>(&self) -> Result<(), E> {
        if self.values.len() < MOST_VALUES && self.steps.len() < MOST_VALUES {
            return Ok(());
        }
        Err(E::custom("more values than a request has"))
    }
}

/// A name, borrowed unless it is written with escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Visitor<'de> for Node<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            let above = self.at;
            self.parameters.steps.push(Step { name, above });
            self.parameters.check()?;
            let at = Some(self.parameters.steps.len() - 1);
            let parameters = &mut *self.parameters;
            map.next_value_seed(Node { at, parameters })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let at = self.at;
        loop {
            let parameters = &mut *self.parameters;
            if list.next_element_seed(Node { at, parameters })?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        self.take(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.take(Cow::Owned(text.to_owned()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.take(Cow::Owned(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.take(Cow::Owned(number.to_string()))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place {
        region: "eu-west-1",
        account_id: "111122223333",
    };

    fn arns(json: &str, template: &str) -> Vec<String> {
        Parameters::read(json).arns(template, PLACE)
    }

    #[test]
    fn a_template_takes_its_values_by_path_in_any_case() {
        assert_eq!(
            arns(
                r#"{"bucketName":"b","key":"a/b c.txt"}"#,
                "arn:${Partition}:s3:::{BucketName}/{Key}"
            ),
            ["arn:aws:s3:::b/a/b c.txt"]
        );
        assert_eq!(
            arns(
                r#"{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}"#,
                "arn:${Partition}:ec2:${Region}:${Account}:instance/{**.instanceId}"
            ),
            [
                "arn:aws:ec2:eu-west-1:111122223333:instance/i-1",
                "arn:aws:ec2:eu-west-1:111122223333:instance/i-2"
            ]
        );
        assert!(
            arns(
                r#"{"bucketName":"b"}"#,
                "arn:${Partition}:s3:::{bucketName}/{key}"
            )
            .is_empty()
        );
    }

    #[test]
    fn a_value_is_shaped_as_its_arn_has_it() {
        for (json, template, arn) in [
            (
                r#"{"queueUrl":"https://sqs.eu-central-1.amazonaws.com/999988887777/q"}"#,
                "x:{queueUrl|queue}",
                Some("x:eu-central-1:999988887777:q"),
            ),
            (
                r#"{"secretId":"db"}"#,
                "x:{secretId|secret}",
                Some("x:db-??????"),
            ),
            (
                r#"{"secretId":"arn:aws:secretsmanager:eu-west-1:1:secret:db-AbCdEf"}"#,
                "x:{secretId|secret}",
                None,
            ),
            (r#"{"keyId":"alias/a"}"#, "x:{keyId|key}", None),
            (r#"{"keyId":"alias/a"}"#, "x:{keyId|alias}", Some("x:a")),
            (
                r#"{"functionName":"999988887777:function:f:live"}"#,
                "x:{functionName|partial}",
                Some("x:999988887777:function:f:live"),
            ),
            (
                r#"{"functionName":"f*"}"#,
                "x:{functionName|plain}",
                Some("x:f${*}"),
            ),
            (
                r#"{"x-amz-copy-source":"/b/a%20b?versionId=1"}"#,
                "x:{x-amz-copy-source|copy}",
                Some("x:b/a b"),
            ),
            (
                r#"{"hostedZoneId":"/hostedzone/Z1"}"#,
                "x:{hostedZoneId|last}",
                Some("x:Z1"),
            ),
            (
                r#"{"taskDefinition":"app:7"}"#,
                "x:{taskDefinition|revision}",
                Some("x:app:7"),
            ),
            (
                r#"{"taskDefinition":"app"}"#,
                "x:{taskDefinition|revision}",
                Some("x:app:*"),
            ),
            (
                r#"{"name":"/prod/db"}"#,
                "parameter/{name}",
                Some("parameter/prod/db"),
            ),
        ] {
            assert_eq!(
                arns(json, template),
                Vec::from_iter(arn.map(str::to_owned)),
                "{json}"
            );
        }
    }

    #[test]
    fn hostile_parameters_end() {
        let many: Vec<String> = (0..5_000).map(|n| n.to_string()).collect();
        let json = format!(r#"{{"a":[{0}],"b":[{0}]}}"#, many.join(","));
        assert_eq!(arns(&json, "{a}{a}").len(), MOST_ARNS);
        assert!(
            arns(&json, "{b}").is_empty(),
            "behind the last that is looked at"
        );
        assert!(arns(&"[".repeat(100_000), "{a}").is_empty());
        assert_eq!(arns(r#"{"a":"x","b":"#, "{a}"), ["x"]);
    }
}
