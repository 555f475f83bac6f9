//! The catalogue of IAM actions, as AWS's Service Authorization Reference has it.

use super::facts::{ACTIONS, ARNS, DEPENDS, Fact, PARAMETERS, UNLOGGED};

/// What an action does, in the words of the Service Authorization Reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccessLevel {
    /// Lists resources.
    List,
    /// Reads them.
    Read,
    /// Makes, changes or deletes them.
    Write,
    /// Changes their tags.
    Tagging,
    /// Grants or changes permissions.
    PermissionsManagement,
}

impl AccessLevel {
    /// The level in AWS's words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "List",
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Tagging => "Tagging",
            Self::PermissionsManagement => "Permissions management",
        }
    }
}

/// One action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// `s3:GetObject`, as the catalogue writes it.
    pub name: &'static str,
    /// What it does.
    pub level: AccessLevel,
    /// Whether an API call is known that needs it; others (`iam:PassRole`) show in no event of their own.
    pub is_called: bool,
    types: &'static str,
}

impl Action {
    fn of(fact: Fact) -> Self {
        let [name, level, called, types] = fact.columns();
        Self {
            name,
            level: match level {
                "l" => AccessLevel::List,
                "r" => AccessLevel::Read,
                "t" => AccessLevel::Tagging,
                "p" => AccessLevel::PermissionsManagement,
                _ => AccessLevel::Write,
            },
            is_called: called == "c",
            types,
        }
    }

    /// The action of that name, written in any case.
    pub fn find(name: &str) -> Option<Self> {
        ACTIONS.find(&[name]).next().map(Self::of)
    }

    /// Every action of the catalogue, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        ACTIONS.all().map(Self::of)
    }

    /// The actions of one service.
    pub fn of_prefix(prefix: &str) -> Vec<Self> {
        let prefix = format!("{prefix}:");
        ACTIONS.begin(&prefix).map(Self::of).collect()
    }

    /// `s3` of `s3:GetObject`.
    pub fn prefix(self) -> &'static str {
        self.name.split_once(':').map_or("", |(prefix, _)| prefix)
    }

    /// The resource types that a policy can name for it, each with whether it must; none means that only `*` will do.
    pub fn resource_types(self) -> impl Iterator<Item = (&'static str, bool)> {
        let types = self.types.split(',').filter(|name| !name.is_empty());
        types.map(|name| match name.strip_suffix('*') {
            Some(name) => (name, true),
            None => (name, false),
        })
    }

    /// The pattern of the ARNs of one of its resource types, `arn:${Partition}:s3:::${BucketName}/${ObjectName}`.
    pub fn arn_pattern(self, resource_type: &str) -> Option<&'static str> {
        let key = [self.prefix(), resource_type];
        let fact = ARNS.find(&key).next()?;
        let [_, _, pattern] = fact.columns();
        Some(pattern)
    }

    /// Actions that a call may need besides, depending on what is asked for.
    pub fn dependents(self) -> impl Iterator<Item = &'static str> {
        let found = DEPENDS.find(&[self.name]).next();
        let [_, dependents] = found.map(Fact::columns).unwrap_or_default();
        dependents.split(',').filter(|name| !name.is_empty())
    }

    /// Whether a call may hand a role to a service, which needs `iam:PassRole` and shows in no event of its own.
    pub fn passes_roles(self) -> bool {
        self.dependents().any(|name| name == "iam:PassRole")
    }

    /// Why no management event tells of the action, or `None` where one does.
    pub fn unlogged(self) -> Option<Unlogged> {
        if let Some(fact) = UNLOGGED.find(&[self.name]).next() {
            let [_, why] = fact.columns();
            return Some(match why {
                "data" => Unlogged::DataEvent,
                _ => Unlogged::Never,
            });
        }
        (!self.is_called).then_some(Unlogged::NoCall)
    }
}

/// Why an action may be used and leave no management event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unlogged {
    /// Its calls are data events, which a trail logs only when told to.
    DataEvent,
    /// CloudTrail logs no such call.
    Never,
    /// No API call is known that needs this action alone.
    NoCall,
}

/// The templates of a resource type's ARNs in the parameters of an operation, the operation's own before the service's usual ones.
pub(super) fn templates(
    prefix: &str,
    operation: &str,
    action: &str,
    resource_type: &str,
) -> impl Iterator<Item = &'static str> {
    let own = format!("{prefix}:{operation}");
    let usual = format!("{prefix}:*");
    let found = [
        [own.as_str(), action, resource_type],
        [own.as_str(), "*", resource_type],
        [own.as_str(), action, "*"],
        [usual.as_str(), "*", resource_type],
    ]
    .iter()
    .find_map(|key| PARAMETERS.find(key).next());
    let [_, _, _, templates] = found.map(Fact::columns).unwrap_or_default();
    templates.split(' ').filter(|template| !template.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_has_a_level_types_and_what_it_may_need_besides() {
        let run = Action::find("EC2:runinstances").unwrap();
        assert_eq!(
            (run.name, run.level, run.prefix()),
            ("ec2:RunInstances", AccessLevel::Write, "ec2")
        );
        assert!(run.passes_roles());
        assert!(run.resource_types().any(|it| it == ("subnet", true)));
        assert!(run.resource_types().any(|it| it == ("key-pair", false)));
        let list = Action::find("s3:ListAllMyBuckets").unwrap();
        assert_eq!(list.resource_types().count(), 0);
        assert!(
            list.is_called,
            "ListBuckets needs it, which has another name"
        );
        assert_eq!(Action::find("s3:ListObjects"), None);
        assert_eq!(
            Action::find("s3:GetObject").unwrap().arn_pattern("object"),
            Some("arn:${Partition}:s3:::${BucketName}/${ObjectName}")
        );
    }

    #[test]
    fn what_leaves_no_management_event_is_known() {
        let why = |name| Action::find(name).unwrap().unlogged();
        assert_eq!(why("s3:GetObject"), Some(Unlogged::DataEvent));
        assert_eq!(why("iam:PassRole"), Some(Unlogged::NoCall));
        assert_eq!(why("logs:PutLogEvents"), Some(Unlogged::Never));
        assert_eq!(why("ec2:RunInstances"), None);
        assert_eq!(why("s3:PutBucketPolicy"), None);
    }
}
