//! Writes policy documents: the same policy is always the same text.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::ser::{PrettyFormatter, Serializer as Json};

use super::document::{Condition, Effect, Listed, Policy, Statement};

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let version = if self.has_variables {
            "2012-10-17"
        } else {
            "2008-10-17"
        };
        map.serialize_entry("Version", version)?;
        map.serialize_entry("Statement", &self.statements)?;
        map.end()
    }
}

impl Serialize for Statement {
    /// In the order in which AWS's own examples have the elements.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(sid) = &self.sid {
            map.serialize_entry("Sid", sid)?;
        }
        let effect = match self.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        };
        map.serialize_entry("Effect", effect)?;
        if !self.principals.is_empty() {
            let mut kinds = std::collections::BTreeMap::<&str, Vec<&str>>::new();
            for (kind, name) in &self.principals {
                kinds.entry(kind).or_default().push(name);
            }
            let name = if self.all_but_principals {
                "NotPrincipal"
            } else {
                "Principal"
            };
            map.serialize_entry(name, &kinds)?;
        }
        match &self.actions {
            Listed::These(actions) => map.serialize_entry("Action", actions)?,
            Listed::AllBut(actions) => map.serialize_entry("NotAction", actions)?,
        }
        match &self.resources {
            Some(Listed::These(resources)) => map.serialize_entry("Resource", resources)?,
            Some(Listed::AllBut(resources)) => map.serialize_entry("NotResource", resources)?,
            None => {}
        }
        if self.condition != Condition::new() {
            map.serialize_entry("Condition", &self.condition)?;
        }
        map.end()
    }
}

impl Policy {
    /// The document as JSON of several lines, with a line end.
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        let mut json = Json::with_formatter(&mut text, PrettyFormatter::new());
        // Writing texts and maps of texts into memory does not fail.
        drop(self.serialize(&mut json));
        text.push(b'\n');
        String::from_utf8_lossy(&text).into_owned()
    }

    /// How many characters count against IAM's quotas, which leave out white space (IAM User Guide, "IAM and AWS STS quotas").
    pub fn size(&self) -> usize {
        let compact = serde_json::to_string(self).unwrap_or_default();
        compact.chars().filter(|c| !c.is_whitespace()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let text = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "A",
      "Effect": "Deny",
      "NotAction": [
        "s3:*"
      ],
      "NotResource": [
        "*"
      ],
      "Condition": {
        "Bool": {
          "aws:MultiFactorAuthPresent": [
            "false"
          ]
        }
      }
    }
  ]
}
"#;
        let policy = Policy::parse(text).unwrap();
        assert_eq!(policy.to_json(), text);
        assert_eq!(policy.size(), 169);
    }

    proptest! {
        #[test]
        fn any_texts_survive(action in "[a-z0-9]{1,5}:\\PC{0,8}", resource in "\\PC{0,20}", sid in "\\PC{0,8}") {
            let policy = Policy {
                has_variables: true,
                statements: vec![Statement {
                    sid: Some(sid),
                    effect: Effect::Allow,
                    actions: Listed::These(vec![action]),
                    resources: Some(Listed::These(vec![resource])),
                    principals: Vec::new(),
                    all_but_principals: false,
                    condition: Condition::new(),
                }],
            };
            prop_assert_eq!(Policy::parse(&policy.to_json()).unwrap(), policy);
        }
    }
}
