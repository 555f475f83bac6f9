//! What one event says of permissions: the actions that it needed, each with how it was found and on which resources.

use super::catalogue::Action;
use super::mapping::{Mapped, Mapping, map_event};
use super::parameters::{Parameters, Place};
use super::refusal::{Outcome, Refusal};
use super::resources::{Lazy, Places, passed_roles};
use crate::iam::as_in_policy;

/// The fields of an event that tell of permissions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) region: &'a str,
    pub(super) account_id: &'a str,
    /// `requestParameters` as JSON text.
    pub(super) request_parameters: &'a str,
    /// The ARNs in `resources`.
    pub(super) resource_arns: &'a [&'a str],
    pub(super) error_code: Option<&'a str>,
    pub(super) error_message: Option<&'a str>,
}

/// One action that a call needed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// `None` where the call needs no permission, or none is known.
    pub(super) action: Option<Action>,
    pub(super) mapping: Mapping,
    /// The resources, or what the event names where none of them fits the action.
    pub(super) resource_arns: Vec<String>,
}

const APPLICATION: &str = "application-autoscaling.amazonaws.com";

/// What is known of all events of one source and name.
#[derive(Debug)]
pub(super) struct Recipe {
    mapped: Mapped,
    places: Vec<Places>,
    passes_roles: bool,
    /// Whether a version that the request names makes another action of it.
    has_versions: bool,
    /// The same for the other service that logs under the same name.
    of_application: Option<Box<Self>>,
}

impl Recipe {
    /// Looks up what is known of the events of this name.
    pub(super) fn of(event_source: &str, event_name: &str) -> Self {
        let mut recipe = Self::under(event_source, event_name);
        // Application Auto Scaling logs as `autoscaling`, and has some names that the other has too.
        if event_source == "autoscaling.amazonaws.com" {
            recipe.of_application = Some(Box::new(Self::under(APPLICATION, event_name)));
        }
        recipe
    }

    fn under(event_source: &str, event_name: &str) -> Self {
        let mapped = map_event(event_source, event_name);
        let actions = mapped.actions.iter();
        let places = actions.map(|action| Places::of(*action, &mapped.prefix, &mapped.operation));
        Self {
            places: places.collect(),
            passes_roles: mapped.actions.iter().any(|action| action.passes_roles()),
            has_versions: mapped
                .actions
                .iter()
                .any(|action| of_version(*action).is_some()),
            mapped,
            of_application: None,
        }
    }

    /// The actions that a call needed; at least one row, which says so where none was needed or none is known.
    ///
    /// A refusal that names its action tells of that one alone: the others were not looked at, or were allowed.
    pub(super) fn needs(&self, call: Call<'_>) -> Vec<Need> {
        if let Some(other) = &self.of_application
            && Parameters::read(call.request_parameters).has("serviceNamespace")
        {
            return other.needs(call);
        }
        let outcome = Outcome::of(call.error_code, call.error_message);
        if outcome == Outcome::Denied {
            let refusal = Refusal::read(call.error_message.unwrap_or_default());
            if let Some(action) = refusal.known_action() {
                return vec![self.refused(action, refusal, call)];
            }
        }
        if self.places.is_empty() {
            return vec![Need {
                action: None,
                mapping: self.mapped.mapping,
                resource_arns: owned(call.resource_arns),
            }];
        }
        let parameters = Lazy::new(|| Parameters::read(call.request_parameters));
        let names_version = self.has_versions && parameters.has("versionId");
        let copies_version = self.has_versions
            && parameters
                .anywhere("x-amz-copy-source")
                .any(|source| source.contains("?versionId="));
        let chosen = self
            .places
            .iter()
            .filter(|it| is_asked_for(it.action, &parameters));
        let chosen: Vec<&Places> = chosen.collect();
        let mapping = match chosen.len() {
            1 if self.mapped.mapping == Mapping::Several => Mapping::Exact,
            _ => self.mapped.mapping,
        };
        let mut needs: Vec<Need> = chosen
            .iter()
            .map(|places| {
                let is_source = copies_version && places.action.name == "s3:GetObject";
                let of_version = of_version(places.action).filter(|_| names_version || is_source);
                Need {
                    action: Some(of_version.unwrap_or(places.action)),
                    mapping,
                    resource_arns: call.resources(places, &parameters),
                }
            })
            .collect();
        if outcome == Outcome::Allowed {
            needs.extend(self.besides(call, &parameters));
        }
        if self.passes_roles
            && outcome == Outcome::Allowed
            && let Some(roles) = passed_roles(&parameters)
        {
            needs.push(Need {
                action: Action::find("iam:PassRole"),
                mapping: Mapping::Inferred,
                resource_arns: roles,
            });
        }
        needs
    }

    /// What the parameters ask for besides: tags and access lists for what is made.
    ///
    /// Source: "Actions, resources, and condition keys for Amazon S3", `PutObject`; EC2 User Guide, "Grant permission to tag Amazon EC2
    /// resources during creation".
    fn besides<'a, F: FnOnce() -> Parameters<'a>>(
        &self,
        call: Call<'a>,
        parameters: &Lazy<'a, F>,
    ) -> Vec<Need> {
        let mut besides = Vec::new();
        let mut add = |name: &str, resource_arns: Vec<String>| {
            besides.push(Need {
                action: Action::find(name),
                mapping: Mapping::Inferred,
                resource_arns,
            });
        };
        let put = self
            .places
            .iter()
            .find(|it| it.action.name == "s3:PutObject");
        if let Some(put) = put {
            for (parameter, action) in WITH_OBJECTS {
                if parameters.has(parameter) {
                    add(action, call.resources(put, parameters));
                }
            }
        }
        let makes = self.mapped.prefix == "ec2" && !self.mapped.operation.starts_with("CreateTags");
        if makes && parameters.has_anywhere("tagSpecificationSet") {
            let place = call.place();
            let types = "arn:${Partition}:ec2:${Region}:${Account}:{tagSpecificationSet.items.resourceType}/*";
            add("ec2:CreateTags", parameters.arns(types, place));
        }
        besides
    }

    fn refused(&self, action: Action, refusal: Refusal<'_>, call: Call<'_>) -> Need {
        let is_known = self
            .mapped
            .actions
            .iter()
            .any(|known| *known == action || of_version(*known) == Some(action));
        let said = refusal.resource.filter(|text| text.starts_with("arn:"));
        Need {
            action: Some(action),
            mapping: if is_known {
                self.mapped.mapping
            } else {
                Mapping::Refusal
            },
            resource_arns: said.map_or_else(
                || {
                    let places = Places::of(action, &self.mapped.prefix, &self.mapped.operation);
                    call.resources(
                        &places,
                        &Lazy::new(|| Parameters::read(call.request_parameters)),
                    )
                },
                |arn| vec![arn.to_owned()],
            ),
        }
    }
}

/// Parameters of calls that put objects, and the actions that they need.
const WITH_OBJECTS: [(&str, &str); 4] = [
    ("x-amz-tagging", "s3:PutObjectTagging"),
    ("x-amz-acl", "s3:PutObjectAcl"),
    ("x-amz-object-lock-mode", "s3:PutObjectRetention"),
    ("x-amz-object-lock-legal-hold", "s3:PutObjectLegalHold"),
];

/// Whether the call asked for the action, where it names several and asks for some: statements of `PartiQL` and parts of transactions.
fn is_asked_for<'a, F: FnOnce() -> Parameters<'a>>(
    action: Action,
    parameters: &Lazy<'a, F>,
) -> bool {
    const PARTS: [(&str, &str); 4] = [
        (
            "dynamodb:ConditionCheckItem",
            "transactItems.conditionCheck",
        ),
        ("dynamodb:DeleteItem", "transactItems.delete"),
        ("dynamodb:PutItem", "transactItems.put"),
        ("dynamodb:UpdateItem", "transactItems.update"),
    ];
    if let Some(verb) = action.name.strip_prefix("dynamodb:PartiQL") {
        let mut statements = parameters.anywhere("statement").peekable();
        return statements.peek().is_none()
            || statements.any(|it| {
                let begin = it.trim_start().get(..verb.len());
                begin.is_some_and(|begin| begin.eq_ignore_ascii_case(verb))
            });
    }
    let part = PARTS.iter().find(|(name, _)| *name == action.name);
    part.is_none_or(|(_, part)| !parameters.has("transactItems") || parameters.has_at(part))
}

impl<'a> Call<'a> {
    fn place(self) -> Place<'a> {
        Place {
            region: self.region,
            account_id: self.account_id,
        }
    }

    /// The resources that fit the action, or what the event names where none does.
    fn resources<F: FnOnce() -> Parameters<'a>>(
        self,
        places: &Places,
        parameters: &Lazy<'a, F>,
    ) -> Vec<String> {
        let found = places.resources(self.place(), self.resource_arns, parameters);
        if found.is_empty() && places.action.resource_types().next().is_some() {
            return owned(self.resource_arns);
        }
        found
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| as_in_policy(text)).collect()
}

/// The action for one version of an object, where there is one.
fn of_version(action: Action) -> Option<Action> {
    let name = action.name.strip_prefix("s3:")?;
    let of_version = format!("s3:{}", name.replacen("Object", "ObjectVersion", 1));
    Action::find(&of_version).filter(|found| found.name != action.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENIED: &str = "User: u is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:111122223333:key/k because no identity-based policy allows the kms:GenerateDataKey action";

    fn call(request_parameters: &str) -> Call<'_> {
        Call {
            region: "eu-west-1",
            account_id: "111122223333",
            request_parameters,
            resource_arns: &["arn:aws:s3:::b/k", "arn:aws:s3:::b"],
            error_code: None,
            error_message: None,
        }
    }

    fn found(
        source: &str,
        name: &str,
        call: Call<'_>,
    ) -> Vec<(Option<&'static str>, Mapping, Vec<String>)> {
        let recipe = Recipe::of(&format!("{source}.amazonaws.com"), name);
        let needs = recipe.needs(call).into_iter();
        needs
            .map(|need| {
                (
                    need.action.map(|it| it.name),
                    need.mapping,
                    need.resource_arns,
                )
            })
            .collect()
    }

    #[test]
    fn each_action_has_the_resources_that_fit_it() {
        let copy = r#"{"bucketName":"b","key":"k","x-amz-copy-source":"a/from"}"#;
        assert_eq!(
            found(
                "s3",
                "CopyObject",
                Call {
                    resource_arns: &[],
                    ..call(copy)
                }
            ),
            [
                (
                    Some("s3:GetObject"),
                    Mapping::Several,
                    vec!["arn:aws:s3:::a/from".to_owned()]
                ),
                (
                    Some("s3:PutObject"),
                    Mapping::Several,
                    vec!["arn:aws:s3:::b/k".to_owned()]
                ),
            ]
        );
        assert_eq!(
            found(
                "s3",
                "GetObject",
                call(r#"{"bucketName":"b","key":"k","versionId":"1"}"#)
            ),
            [(
                Some("s3:GetObjectVersion"),
                Mapping::Exact,
                vec!["arn:aws:s3:::b/k".to_owned()]
            )]
        );
    }

    #[test]
    fn a_role_in_the_parameters_was_passed() {
        let json = r#"{"functionName":"f","role":"arn:aws:iam::111122223333:role/r"}"#;
        let call = Call {
            resource_arns: &[],
            ..call(json)
        };
        assert_eq!(
            found("lambda", "CreateFunction20150331", call),
            [
                (
                    Some("lambda:CreateFunction"),
                    Mapping::Exact,
                    vec!["arn:aws:lambda:eu-west-1:111122223333:function:f".to_owned()]
                ),
                (
                    Some("iam:PassRole"),
                    Mapping::Inferred,
                    vec!["arn:aws:iam::111122223333:role/r".to_owned()]
                ),
            ]
        );
        let refused = Call {
            error_code: Some("AccessDenied"),
            ..call
        };
        assert_eq!(found("lambda", "CreateFunction20150331", refused).len(), 1);
    }

    #[test]
    fn what_is_asked_for_tells_which_actions_were_needed() {
        let names = |source, name, json| -> Vec<_> {
            let found = found(
                source,
                name,
                Call {
                    resource_arns: &[],
                    ..call(json)
                },
            );
            found
                .into_iter()
                .filter_map(|(action, mapping, _)| Some((action?, mapping)))
                .collect()
        };
        assert_eq!(
            names(
                "dynamodb",
                "ExecuteStatement",
                r#"{"statement":"select * from t"}"#
            ),
            [("dynamodb:PartiQLSelect", Mapping::Exact)]
        );
        assert_eq!(names("dynamodb", "ExecuteStatement", "{}").len(), 4);
        assert_eq!(
            names(
                "dynamodb",
                "TransactWriteItems",
                r#"{"transactItems":[{"put":{"tableName":"t","item":{"update":"x"}}},{"delete":{"tableName":"t"}}]}"#
            ),
            [
                ("dynamodb:DeleteItem", Mapping::Several),
                ("dynamodb:PutItem", Mapping::Several)
            ]
        );
        assert_eq!(
            names(
                "autoscaling",
                "PutScalingPolicy",
                r#"{"serviceNamespace":"ecs"}"#
            ),
            [("application-autoscaling:PutScalingPolicy", Mapping::Exact)]
        );
        assert_eq!(
            names("autoscaling", "PutScalingPolicy", "{}"),
            [("autoscaling:PutScalingPolicy", Mapping::Exact)]
        );
        assert_eq!(
            names(
                "s3",
                "CopyObject",
                r#"{"bucketName":"b","key":"k","x-amz-copy-source":"a/k?versionId=1","x-amz-tagging":"a=b"}"#
            ),
            [
                ("s3:GetObjectVersion", Mapping::Several),
                ("s3:PutObject", Mapping::Several),
                ("s3:PutObjectTagging", Mapping::Inferred),
            ]
        );
        let run =
            r#"{"tagSpecificationSet":{"items":[{"resourceType":"volume","tags":[{"key":"a"}]}]}}"#;
        let tags = found(
            "ec2",
            "RunInstances",
            Call {
                resource_arns: &[],
                ..call(run)
            },
        )
        .pop()
        .unwrap();
        assert_eq!(
            tags,
            (
                Some("ec2:CreateTags"),
                Mapping::Inferred,
                vec!["arn:aws:ec2:eu-west-1:111122223333:volume/*".to_owned()]
            )
        );
    }

    #[test]
    fn a_refusal_tells_its_action() {
        let refused = Call {
            error_code: Some("AccessDenied"),
            error_message: Some(DENIED),
            ..call(r#"{"bucketName":"b","key":"k"}"#)
        };
        assert_eq!(
            found("s3", "PutObject", refused),
            [(
                Some("kms:GenerateDataKey"),
                Mapping::Refusal,
                vec!["arn:aws:kms:eu-west-1:111122223333:key/k".to_owned()]
            )]
        );
    }

    #[test]
    fn what_is_not_known_keeps_its_row() {
        assert_eq!(
            found("sts", "GetCallerIdentity", call("{}"))[0].1,
            Mapping::None
        );
        assert_eq!(
            found("nobody", "DoThings", call("{}"))[0].1,
            Mapping::Unmapped
        );
    }
}
