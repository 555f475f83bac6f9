//! Policy documents, as IAM stores them.
//!
//! Source: IAM User Guide, "Grammar of the IAM JSON policy language". What is not in the grammar is an error that names its place:
//! a policy that is half understood would tell lies about what is granted.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// What is wrong with a policy document.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is no JSON.
    #[error("the policy is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON, and no policy.
    #[error("{place}: {what}")]
    Grammar {
        /// Where: `the policy`, or `statement 3 (Sid "Write")`.
        place: String,
        /// What is there instead of what should be.
        what: String,
    },
}

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Whether its `Version` is 2012-10-17, in which policy variables count.
    pub has_variables: bool,
    /// Its statements in order.
    pub statements: Vec<Statement>,
}

/// Whether a statement allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// `Allow`.
    Allow,
    /// `Deny`.
    Deny,
}

/// A list, or all but a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listed {
    /// `Action`, `Resource`.
    These(Vec<String>),
    /// `NotAction`, `NotResource`.
    AllBut(Vec<String>),
}

impl Listed {
    /// The patterns of the list.
    pub fn patterns(&self) -> &[String] {
        match self {
            Self::These(patterns) | Self::AllBut(patterns) => patterns,
        }
    }
}

/// `Condition`: operator, then key, then values.
pub type Condition = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its `Sid`.
    pub sid: Option<String>,
    /// Allow or deny.
    pub effect: Effect,
    /// `Action` or `NotAction`.
    pub actions: Listed,
    /// `Resource` or `NotResource`; a trust policy has none.
    pub resources: Option<Listed>,
    /// `Principal`, by kind (`AWS`, `Service`, `Federated`, `CanonicalUser`; `*` is of kind `AWS`); empty in identity policies.
    pub principals: Vec<(String, String)>,
    /// Whether the principals are those who are meant not (`NotPrincipal`).
    pub all_but_principals: bool,
    /// `Condition`; empty where there is none.
    pub condition: Condition,
}

impl Policy {
    /// Reads a policy document.
    pub fn parse(json: &str) -> Result<Self, PolicyError> {
        Self::from_value(&serde_json::from_str(json)?)
    }

    /// Reads a document that stands in other JSON: as an object, as text, or as percent-encoded text, as the API hands it out.
    pub fn from_nested(value: &Value) -> Result<Self, PolicyError> {
        let Value::String(text) = value else {
            return Self::from_value(value);
        };
        if text.trim_start().starts_with('{') {
            return Self::parse(text);
        }
        let decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
        Self::parse(&decoded)
    }

    fn from_value(value: &Value) -> Result<Self, PolicyError> {
        let at = Place::Policy;
        let Value::Object(fields) = value else {
            return Err(at.wrong("no JSON object"));
        };
        let mut policy = Self::default();
        let mut has_statement = false;
        for (name, value) in fields {
            match name.as_str() {
                "Version" => {
                    policy.has_variables = match value.as_str() {
                        Some("2012-10-17") => true,
                        Some("2008-10-17") => false,
                        _ => return Err(at.wrong("`Version` is neither 2012-10-17 nor 2008-10-17")),
                    }
                }
                "Id" => {}
                "Statement" => {
                    has_statement = true;
                    let statements = match value {
                        Value::Array(statements) => statements.as_slice(),
                        one => std::slice::from_ref(one),
                    };
                    for (at, statement) in statements.iter().enumerate() {
                        policy.statements.push(Statement::read(at + 1, statement)?);
                    }
                }
                other => return Err(at.unknown(other, &["Version", "Id", "Statement"])),
            }
        }
        if has_statement {
            Ok(policy)
        } else {
            Err(at.wrong("there is no `Statement`"))
        }
    }
}

const ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Principal",
    "NotPrincipal",
    "Condition",
];

impl Statement {
    /// `Allow` for everything.
    pub fn anything() -> Self {
        let any = || Listed::These(vec!["*".to_owned()]);
        Self {
            sid: None,
            effect: Effect::Allow,
            actions: any(),
            resources: Some(any()),
            principals: Vec::new(),
            all_but_principals: false,
            condition: Condition::new(),
        }
    }

    /// The statement as a policy of 2012-10-17 has it: where `${` was text before (`has_variables` is false), it stays text.
    #[must_use]
    pub fn as_of_2012(&self, has_variables: bool) -> Self {
        let mut statement = self.clone();
        if !has_variables {
            let escape = |texts: &mut Vec<String>| {
                for text in texts {
                    *text = text.replace("${", "${$}{");
                }
            };
            if let Some(Listed::These(patterns) | Listed::AllBut(patterns)) =
                &mut statement.resources
            {
                escape(patterns);
            }
            let keys = statement.condition.values_mut();
            keys.flat_map(BTreeMap::values_mut).for_each(escape);
        }
        statement
    }

    fn read(number: usize, value: &Value) -> Result<Self, PolicyError> {
        let sid = value.get("Sid").and_then(Value::as_str);
        let at = Place::Statement(number, sid);
        let Value::Object(fields) = value else {
            return Err(at.wrong("no JSON object"));
        };
        if let Some(other) = fields
            .keys()
            .find(|name| !ELEMENTS.contains(&name.as_str()))
        {
            return Err(at.unknown(other, &ELEMENTS));
        }
        let effect = match fields.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(at.wrong("`Effect` is neither `Allow` nor `Deny`")),
        };
        let listed = |these: &str, all_but: &str| {
            let read = |name| fields.get(name).map(|value| texts(&at, name, value));
            match (read(these), read(all_but)) {
                (Some(_), Some(_)) => Err(at.wrong(format!("both `{these}` and `{all_but}`"))),
                (Some(patterns), None) => Ok(Some(Listed::These(patterns?))),
                (None, Some(patterns)) => Ok(Some(Listed::AllBut(patterns?))),
                (None, None) => Ok(None),
            }
        };
        let Some(actions) = listed("Action", "NotAction")? else {
            return Err(at.wrong("neither `Action` nor `NotAction`"));
        };
        for pattern in actions.patterns() {
            if pattern != "*" && !pattern.contains(':') {
                return Err(at.wrong(format!("`{pattern}` is no action: there is no `:` in it")));
            }
        }
        let resources = listed("Resource", "NotResource")?;
        let principal = fields.get("Principal").or(fields.get("NotPrincipal"));
        let principals = principal.map_or(Ok(Vec::new()), |value| principals(&at, value))?;
        if resources.is_none() && principals.is_empty() {
            return Err(at.wrong("neither `Resource` nor `Principal`"));
        }
        Ok(Self {
            sid: sid.map(str::to_owned),
            effect,
            actions,
            resources,
            principals,
            all_but_principals: fields.contains_key("NotPrincipal"),
            condition: fields
                .get("Condition")
                .map_or(Ok(Condition::new()), |value| condition(&at, value))?,
        })
    }
}

/// Where something stands, for errors.
enum Place<'a> {
    Policy,
    Statement(usize, Option<&'a str>),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy => f.write_str("the policy"),
            Self::Statement(number, None) => write!(f, "statement {number}"),
            Self::Statement(number, Some(sid)) => {
                write!(f, "statement {number} (Sid {:?})", shortened(sid))
            }
        }
    }
}

impl Place<'_> {
    fn wrong(&self, what: impl Into<String>) -> PolicyError {
        PolicyError::Grammar {
            place: self.to_string(),
            what: what.into(),
        }
    }

    fn unknown(&self, name: &str, known: &[&str]) -> PolicyError {
        let near = known
            .iter()
            .max_by(|a, b| {
                let like = |known: &&str| strsim::jaro_winkler(known, name);
                like(a).total_cmp(&like(b))
            })
            .filter(|known| strsim::jaro_winkler(known, name) > 0.85);
        let name = shortened(name);
        self.wrong(match near {
            Some(near) => format!("there is no element {name:?}; is `{near}` meant?"),
            None => format!("there is no element {name:?}"),
        })
    }
}

/// As much of a foreign text as an error should hold.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// A text, or a list of texts.
fn texts(at: &Place<'_>, name: &str, value: &Value) -> Result<Vec<String>, PolicyError> {
    let wrong = || at.wrong(format!("`{name}` is neither text nor a list of texts"));
    match value {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(list) => list
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect(),
        _ => Err(wrong()),
    }
}

fn principals(at: &Place<'_>, value: &Value) -> Result<Vec<(String, String)>, PolicyError> {
    match value {
        Value::String(text) if text == "*" => Ok(vec![("AWS".to_owned(), text.clone())]),
        Value::Object(kinds) => {
            let mut all = Vec::new();
            for (kind, value) in kinds {
                let named = texts(at, "Principal", value)?;
                all.extend(named.into_iter().map(|name| (kind.clone(), name)));
            }
            Ok(all)
        }
        _ => Err(at.wrong("`Principal` is neither `*` nor an object")),
    }
}

fn condition(at: &Place<'_>, value: &Value) -> Result<Condition, PolicyError> {
    let wrong = || at.wrong("`Condition` is no object of operators, each with keys and values");
    let operators = value.as_object().ok_or_else(wrong)?;
    let mut condition = Condition::new();
    for (operator, keys) in operators {
        let keys = keys.as_object().ok_or_else(wrong)?;
        let of_operator = condition.entry(operator.clone()).or_default();
        for (key, values) in keys {
            let values = match values {
                Value::Array(list) => list.as_slice(),
                one => std::slice::from_ref(one),
            };
            let texts = values.iter().map(|value| match value {
                Value::String(text) => Ok(text.clone()),
                Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
                _ => Err(wrong()),
            });
            of_operator.insert(key.clone(), texts.collect::<Result<_, _>>()?);
        }
    }
    Ok(condition)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;

    #[test]
    fn scalars_and_lists_are_the_same() {
        let lists = r#"{"Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["*"]}]}"#;
        assert_eq!(Policy::parse(PLAIN).unwrap(), Policy::parse(lists).unwrap());
        assert!(!Policy::parse(PLAIN).unwrap().has_variables);
    }

    #[test]
    fn a_document_may_be_text_in_other_json() {
        let plain = Policy::parse(PLAIN).unwrap();
        let encoded =
            percent_encoding::utf8_percent_encode(PLAIN, percent_encoding::NON_ALPHANUMERIC);
        for nested in [
            serde_json::from_str(PLAIN).unwrap(),
            Value::String(PLAIN.to_owned()),
            Value::String(encoded.to_string()),
        ] {
            assert_eq!(Policy::from_nested(&nested).unwrap(), plain);
        }
    }

    #[test]
    fn conditions_and_principals_are_read() {
        let policy = Policy::parse(
            r#"{"Version":"2012-10-17","Statement":[{"Sid":"T","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::1:root","*"],"Service":"ec2.amazonaws.com"},
            "Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":true},"StringEquals":{"sts:ExternalId":["a","b"]}}}]}"#,
        )
        .unwrap();
        let statement = &policy.statements[0];
        assert_eq!(statement.principals.len(), 3);
        assert_eq!(
            statement.condition["Bool"]["aws:MultiFactorAuthPresent"],
            ["true"]
        );
        assert_eq!(
            statement.condition["StringEquals"]["sts:ExternalId"],
            ["a", "b"]
        );
    }

    #[test]
    fn what_was_text_stays_text() {
        let old =
            r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${x}/*"}}"#;
        let old = Policy::parse(old).unwrap();
        let new = old.statements[0].as_of_2012(old.has_variables);
        assert_eq!(
            new.resources.unwrap().patterns(),
            ["arn:aws:s3:::${$}{x}/*"]
        );
        assert_eq!(old.statements[0].as_of_2012(true), old.statements[0]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (json, message) in [
            ("[]", "the policy: no JSON object"),
            ("{}", "the policy: there is no `Statement`"),
            (
                r#"{"Version":"2013","Statement":[]}"#,
                "the policy: `Version` is neither 2012-10-17 nor 2008-10-17",
            ),
            (
                r#"{"Statment":[]}"#,
                r#"the policy: there is no element "Statment"; is `Statement` meant?"#,
            ),
            (
                r#"{"Statement":[{"Sid":"A","Effect":"allow"}]}"#,
                r#"statement 1 (Sid "A"): `Effect` is neither `Allow` nor `Deny`"#,
            ),
            (
                r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","NotAction":"s3:*"}]}"#,
                "statement 1: both `Action` and `NotAction`",
            ),
            (
                r#"{"Statement":[{"Effect":"Allow","Action":"s3","Resource":"*"}]}"#,
                "statement 1: `s3` is no action: there is no `:` in it",
            ),
            (
                r#"{"Statement":[{"Effect":"Allow","Action":7,"Resource":"*"}]}"#,
                "statement 1: `Action` is neither text nor a list of texts",
            ),
            (
                r#"{"Statement":[{"Effect":"Allow","Action":"s3:*"}]}"#,
                "statement 1: neither `Resource` nor `Principal`",
            ),
            (
                r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":[]}]}"#,
                "statement 1: `Condition` is no object of operators, each with keys and values",
            ),
            (
                r#"{"Statement":[{"Effect":"Allow","Actions":"s3:*","Resource":"*"}]}"#,
                r#"statement 1: there is no element "Actions"; is `Action` meant?"#,
            ),
        ] {
            assert_eq!(
                Policy::parse(json).unwrap_err().to_string(),
                message,
                "{json}"
            );
        }
        assert!(matches!(Policy::parse("{"), Err(PolicyError::Json(_))));
    }
}
