//! What became of a call, by its `errorCode` and `errorMessage`; and of a refusal: which policy, which action, which resource.
//!
//! The messages: IAM User Guide, "Troubleshoot access denied error messages". Their words are stable, their order is not
//! promised, and services write their own; what is not there stays unknown.

use super::catalogue::Action;

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was let pass, and did not fail.
    Allowed,
    /// IAM refused it.
    Denied,
    /// It was let pass; another service that it depends on was refused.
    DeniedDownstream,
    /// It failed after IAM had let it pass.
    AuthorizedError,
    /// It failed, and nothing tells whether IAM let it pass.
    Error,
}

impl Outcome {
    /// The word for it in `call_outcomes`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::DeniedDownstream => "denied_downstream",
            Self::AuthorizedError => "authorized_error",
            Self::Error => "error",
        }
    }

    /// What became of a call with this error.
    pub fn of(error_code: Option<&str>, error_message: Option<&str>) -> Self {
        let code = error_code.unwrap_or_default();
        if code.is_empty() {
            return Self::Allowed;
        }
        let message = error_message.unwrap_or_default();
        if DOWNSTREAM.iter().any(|begin| code.starts_with(begin)) {
            return Self::DeniedDownstream;
        }
        if DENIED.contains(&code) {
            // The account's switch for billing pages, which no policy can say yes to.
            return if message.contains("IAM user access not activated") {
                Self::Error
            } else {
                Self::Denied
            };
        }
        let is_ambiguous = AMBIGUOUS.contains(&code) || code.starts_with("OperationNotPermitted");
        if is_ambiguous {
            let speaks_of_permission = ["not authorized", "permission"]
                .iter()
                .any(|words| contains_ignoring_case(message, words));
            return if speaks_of_permission {
                Self::Denied
            } else {
                Self::Error
            };
        }
        let was_authorized = code == "Client.DryRunOperation"
            || code.starts_with("NoSuch")
            || ["NotFound", "AlreadyExists", "ResourceInUse"]
                .iter()
                .any(|part| code.contains(part));
        if was_authorized {
            Self::AuthorizedError
        } else {
            Self::Error
        }
    }
}

const DENIED: [&str; 9] = [
    "AccessDenied",
    "AccessDeniedException",
    "AccessDeniedFault",
    "AccessForbidden",
    "AuthorizationError",
    "AuthorizationErrorException",
    "Client.UnauthorizedOperation",
    "UnauthorizedOperation",
    "UnauthorizedOperationException",
];

/// Codes of calls that were let pass while a dependency was refused, by how they begin.
const DOWNSTREAM: [&str; 7] = [
    "AccessDeniedForDependency",
    "DependencyAccessDenied",
    "DependentServiceAccessDenied",
    "EC2AccessDenied",
    "EncryptionKeyAccessDenied",
    "KMSAccessDenied",
    "S3AccessDenied",
];

/// Codes that some services use for refusals and others for bad logins or rules of their own.
const AMBIGUOUS: [&str; 5] = [
    "Client.AuthFailure",
    "ForbiddenException",
    "NotAuthorizedException",
    "UnauthorizedClientException",
    "UnauthorizedException",
];

/// What a message says of a refusal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// Who was refused, as the message has it.
    pub principal: Option<&'a str>,
    /// The action, as the message has it.
    pub action: Option<&'a str>,
    /// The resource: an ARN, `*`, or a name with what it is (`role admin`).
    pub resource: Option<&'a str>,
    /// The kind of policy that refused.
    pub policy_type: Option<PolicyType>,
    /// Whether a `Deny` refused it (`true`), or nothing allowed it (`false`).
    pub is_explicit: Option<bool>,
    /// The ARN of the policy that refused.
    pub policy_arn: Option<&'a str>,
    /// Whether the message carries an encoded part, which `aws sts decode-authorization-message` opens.
    pub has_encoded_message: bool,
}

/// The kinds of policies that refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyType {
    /// Of the user, group or role.
    IdentityBasedPolicy,
    /// Of the resource.
    ResourceBasedPolicy,
    /// Of the organization, for its accounts' principals.
    ServiceControlPolicy,
    /// Of the organization, for its accounts' resources.
    ResourceControlPolicy,
    /// What the principal's policies can grant at most.
    PermissionsBoundary,
    /// Handed in when the role was taken.
    SessionPolicy,
    /// Of the VPC endpoint that the call came through.
    VpcEndpointPolicy,
    /// Of the role that was to be taken.
    RoleTrustPolicy,
}

impl PolicyType {
    /// The word for it in `refused_by`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdentityBasedPolicy => "identity_based_policy",
            Self::ResourceBasedPolicy => "resource_based_policy",
            Self::ServiceControlPolicy => "service_control_policy",
            Self::ResourceControlPolicy => "resource_control_policy",
            Self::PermissionsBoundary => "permissions_boundary",
            Self::SessionPolicy => "session_policy",
            Self::VpcEndpointPolicy => "vpc_endpoint_policy",
            Self::RoleTrustPolicy => "role_trust_policy",
        }
    }

    /// The kind with which `text` begins, in AWS's words.
    fn begins(text: &str) -> Option<Self> {
        const WORDS: [(&str, PolicyType); 12] = [
            ("identity-based policy", PolicyType::IdentityBasedPolicy),
            ("identity-based policies", PolicyType::IdentityBasedPolicy),
            ("resource-based policy", PolicyType::ResourceBasedPolicy),
            ("resource-based policies", PolicyType::ResourceBasedPolicy),
            ("service control policy", PolicyType::ServiceControlPolicy),
            ("resource control policy", PolicyType::ResourceControlPolicy),
            ("permissions boundary", PolicyType::PermissionsBoundary),
            ("session policy", PolicyType::SessionPolicy),
            ("sessions policy", PolicyType::SessionPolicy),
            ("VPC endpoint policy", PolicyType::VpcEndpointPolicy),
            ("role trust policy", PolicyType::RoleTrustPolicy),
            ("trust policy", PolicyType::RoleTrustPolicy),
        ];
        let word = WORDS
            .iter()
            .find(|(word, _)| begins_ignoring_case(text, word));
        word.map(|(_, kind)| *kind)
    }
}

impl<'a> Refusal<'a> {
    /// Reads the message of a refused call.
    pub fn read(message: &'a str) -> Self {
        let (message, has_encoded_message) = without_tail(message);
        let mut refusal = Self {
            has_encoded_message,
            ..Self::default()
        };
        // EC2 begins with a sentence of its own, "You are not authorized to perform this operation".
        let said = ["is not authorized to perform", "not authorized to perform"]
            .iter()
            .find_map(|words| split_ignoring_case(message, words));
        let Some((before, after)) = said else {
            return refusal;
        };
        refusal.principal = principal_in(before);
        let after = after.trim_start_matches(':').trim_start();
        let (action, rest) = split_word(after);
        refusal.action = Some(action.trim_end_matches(['.', ','])).filter(|it| is_action(it));
        let (resource, why) = resource_and_why(rest);
        refusal.resource = resource;
        refusal.read_why(why);
        refusal
    }

    fn read_why(&mut self, why: &'a str) {
        if let Some((_, rest)) = split_ignoring_case(why, "because no ") {
            self.policy_type = PolicyType::begins(rest);
            self.is_explicit = self.policy_type.map(|_| false);
        } else if let Some((_, rest)) = split_ignoring_case(why, "with an explicit deny") {
            self.is_explicit = Some(true);
            let rest = rest.strip_prefix(" in ").unwrap_or_default();
            let rest = ["a ", "an ", "the "]
                .iter()
                .find_map(|article| rest.strip_prefix(article))
                .unwrap_or(rest);
            self.policy_type = PolicyType::begins(rest);
        }
        // The ARN stands behind the kind: `…policy: ARN`, or `…policy, with policy ARN: ARN`.
        self.policy_arn = why
            .split_once(": arn:")
            .and_then(|(before, _)| why.get(before.len() + 2..))
            .map(|arn| trimmed(split_word(arn).0));
    }

    /// The action in the catalogue's writing; `None` where the message names none, or one that there is not.
    pub fn known_action(&self) -> Option<Action> {
        Action::find(self.action?)
    }
}

/// What stands before the encoded part or the advice where to read on, and whether there is an encoded part.
///
/// Names in the message are chosen by others and may hold the same words: a tail is one only where nothing but itself follows.
fn without_tail(message: &str) -> (&str, bool) {
    const ENCODED: &str = "Encoded authorization failure message:";
    if let Some((core, blob)) = message.rsplit_once(ENCODED) {
        let blob = blob.trim().trim_end_matches('.');
        let is_blob = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=' | b'+' | b'/')
        };
        if blob.bytes().all(is_blob) {
            return (core.trim_end(), true);
        }
    }
    match message.rsplit_once(" Go to https://") {
        Some((core, rest)) if !rest.contains('"') => (core, false),
        _ => (message, false),
    }
}

fn principal_in(before: &str) -> Option<&str> {
    let (_, name) = split_ignoring_case(before, "user: ").or_else(|| before.split_once('['))?;
    let name = name.trim();
    Some(trimmed(name.trim_end())).filter(|name| !name.is_empty())
}

/// Splits what stands behind the action into the resource and the reason.
///
/// The reason stands last. A name that holds the same words stands before it, in quotes where the service writes quotes.
fn resource_and_why(text: &str) -> (Option<&str>, &str) {
    let resource_at = ["on resource:", "on the resource:"]
        .iter()
        .find_map(|words| Some(find_ignoring_case(text, words)? + words.len()));
    let start = resource_at.unwrap_or(0);
    let (_, rest) = text.split_at_checked(start).unwrap_or(("", text));
    let rest = rest.trim_start();
    let quoted_end = rest
        .strip_prefix('"')
        .and_then(|inner| inner.rfind('"'))
        .map(|at| at + 2);
    let (resource, why) = if let Some(end) = quoted_end {
        rest.split_at_checked(end).unwrap_or((rest, ""))
    } else {
        let why_at = ["because ", "with an explicit deny"]
            .iter()
            .filter_map(|words| rfind_ignoring_case(rest, words))
            .max();
        rest.split_at_checked(why_at.unwrap_or(rest.len()))
            .unwrap_or((rest, ""))
    };
    let resource = resource_at.map(|_| trimmed(resource));
    (resource.filter(|text| !text.is_empty()), why)
}

/// Without the quotes, points and spaces around it.
fn trimmed(text: &str) -> &str {
    let text = text.trim().trim_end_matches(['.', ',', ')', ']']);
    text.trim_matches(['"', '\''])
}

fn is_action(text: &str) -> bool {
    let part = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'*')
    };
    text.split_once(':')
        .is_some_and(|(prefix, name)| part(prefix) && part(name))
}

fn split_word(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

fn split_ignoring_case<'a>(text: &'a str, words: &str) -> Option<(&'a str, &'a str)> {
    let at = find_ignoring_case(text, words)?;
    Some((text.get(..at)?, text.get(at + words.len()..)?))
}

fn find_ignoring_case(text: &str, words: &str) -> Option<usize> {
    let windows = text.as_bytes().windows(words.len());
    let mut windows = windows.enumerate();
    let (at, _) = windows.find(|(_, window)| window.eq_ignore_ascii_case(words.as_bytes()))?;
    Some(at)
}

fn rfind_ignoring_case(text: &str, words: &str) -> Option<usize> {
    let windows = text.as_bytes().windows(words.len());
    let mut windows = windows.enumerate().rev();
    let (at, _) = windows.find(|(_, window)| window.eq_ignore_ascii_case(words.as_bytes()))?;
    Some(at)
}

pub(super) fn contains_ignoring_case(text: &str, words: &str) -> bool {
    find_ignoring_case(text, words).is_some()
}

fn begins_ignoring_case(text: &str, words: &str) -> bool {
    text.get(..words.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "arn:aws:sts::111122223333:assumed-role/ops/alice";

    fn refusal(message: &str) -> Refusal<'_> {
        Refusal::read(message)
    }

    #[test]
    fn a_message_names_the_action_the_resource_and_the_policy() {
        let message = format!(
            "User: {USER} is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::b/k\" because no identity-based policy allows the s3:GetObject action"
        );
        assert_eq!(
            refusal(&message),
            Refusal {
                principal: Some(USER),
                action: Some("s3:GetObject"),
                resource: Some("arn:aws:s3:::b/k"),
                policy_type: Some(PolicyType::IdentityBasedPolicy),
                is_explicit: Some(false),
                policy_arn: None,
                has_encoded_message: false,
            }
        );
        let message = format!(
            "You are not authorized to perform this operation. User: {USER} is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:111122223333:instance/* with an explicit deny in a service control policy: arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-1. Encoded authorization failure message: AbC-_123"
        );
        let read = refusal(&message);
        assert_eq!(read.action, Some("ec2:RunInstances"));
        assert_eq!(read.policy_type, Some(PolicyType::ServiceControlPolicy));
        assert_eq!(read.is_explicit, Some(true));
        assert_eq!(
            read.policy_arn,
            Some("arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-1")
        );
        assert!(read.has_encoded_message);
    }

    #[test]
    fn every_kind_of_policy_is_known_in_both_forms() {
        for (words, article, kind) in [
            (
                "identity-based policy",
                "an",
                PolicyType::IdentityBasedPolicy,
            ),
            (
                "resource-based policy",
                "a",
                PolicyType::ResourceBasedPolicy,
            ),
            (
                "service control policy",
                "a",
                PolicyType::ServiceControlPolicy,
            ),
            (
                "resource control policy",
                "a",
                PolicyType::ResourceControlPolicy,
            ),
            ("permissions boundary", "a", PolicyType::PermissionsBoundary),
            ("session policy", "a", PolicyType::SessionPolicy),
            ("VPC endpoint policy", "a", PolicyType::VpcEndpointPolicy),
            ("role trust policy", "the", PolicyType::RoleTrustPolicy),
        ] {
            let core = "User: u is not authorized to perform: sts:AssumeRole on resource: *";
            let implicit = format!("{core} because no {words} allows the sts:AssumeRole action");
            let explicit = format!(
                "{core} with an explicit deny in {article} {words}, with policy ARN: arn:aws:iam::1:policy/p"
            );
            assert_eq!(
                (
                    refusal(&implicit).policy_type,
                    refusal(&implicit).is_explicit
                ),
                (Some(kind), Some(false))
            );
            let read = refusal(&explicit);
            assert_eq!(
                (read.policy_type, read.is_explicit),
                (Some(kind), Some(true))
            );
            assert_eq!(read.policy_arn, Some("arn:aws:iam::1:policy/p"));
            assert_eq!(read.resource, Some("*"));
        }
    }

    #[test]
    fn a_name_that_speaks_as_a_reason_is_a_name() {
        let key = "arn:aws:s3:::b/x because no session policy allows it with an explicit deny in a service control policy: arn:aws:organizations::6:policy/evil. Encoded authorization failure message: no";
        let message = format!(
            "User: u is not authorized to perform: s3:GetObject on resource: \"{key}\" because no identity-based policy allows the s3:GetObject action"
        );
        let read = refusal(&message);
        assert_eq!(read.resource, Some(key));
        assert_eq!(read.policy_type, Some(PolicyType::IdentityBasedPolicy));
        assert_eq!((read.is_explicit, read.policy_arn), (Some(false), None));
        assert!(!read.has_encoded_message);
        let plain = refusal(
            "User: u is not authorized to perform: sqs:SendMessage on resource: arn:aws:sqs:r:1:because because no resource-based policy allows the sqs:SendMessage action",
        );
        assert_eq!(plain.policy_type, Some(PolicyType::ResourceBasedPolicy));
    }

    #[test]
    fn other_forms_tell_what_they_tell() {
        let cases = [
            ("Access Denied", None, None),
            (
                "User: u is not authorized to perform: lambda:ListFunctions on resource: *",
                Some("lambda:ListFunctions"),
                Some("*"),
            ),
            (
                "User: u is not authorized to perform: iam:CreateAccessKey on resource: user bob",
                Some("iam:CreateAccessKey"),
                Some("user bob"),
            ),
            (
                "User u is not authorized to perform iam:X on resource: access key AKIAEXAMPLE",
                Some("iam:X"),
                Some("access key AKIAEXAMPLE"),
            ),
            (
                "User: u is not authorized to perform: SNS:Publish on resource: arn:aws:sns:eu-west-1:1:t",
                Some("SNS:Publish"),
                Some("arn:aws:sns:eu-west-1:1:t"),
            ),
            (
                "You are not authorized to perform this operation.",
                None,
                None,
            ),
            (
                "User: u is not authorized to perform: kms:Decrypt on the resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
                Some("kms:Decrypt"),
                None,
            ),
            ("Not authorized to access resource x", None, None),
            ("", None, None),
        ];
        for (message, action, resource) in cases {
            let read = refusal(message);
            assert_eq!(
                (read.action, read.resource),
                (action, resource),
                "{message}"
            );
            assert_eq!(read.policy_type, None, "{message}");
        }
        let upper = "User: u is not authorized to perform: SNS:Publish on resource: x";
        assert_eq!(refusal(upper).known_action().unwrap().name, "sns:Publish");
        let transitively = refusal(
            "User: u is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k with an explicit deny in a VPC endpoint policy transitively through a service control policy",
        );
        assert_eq!(
            transitively.policy_type,
            Some(PolicyType::VpcEndpointPolicy)
        );
    }

    #[test]
    fn an_error_is_a_refusal_only_when_it_says_so() {
        for (code, message, outcome) in [
            (None, None, Outcome::Allowed),
            (Some(""), None, Outcome::Allowed),
            (Some("AccessDenied"), None, Outcome::Denied),
            (
                Some("Client.UnauthorizedOperation"),
                Some("You are not authorized"),
                Outcome::Denied,
            ),
            (
                Some("KMSAccessDeniedException"),
                None,
                Outcome::DeniedDownstream,
            ),
            (
                Some("UnauthorizedException"),
                Some("bad token"),
                Outcome::Error,
            ),
            (
                Some("UnauthorizedException"),
                Some("lacks Permission to"),
                Outcome::Denied,
            ),
            (
                Some("OperationNotPermittedException"),
                Some("rule"),
                Outcome::Error,
            ),
            (
                Some("AccessDenied"),
                Some("IAM user access not activated"),
                Outcome::Error,
            ),
            (
                Some("Client.DryRunOperation"),
                None,
                Outcome::AuthorizedError,
            ),
            (Some("NoSuchBucket"), None, Outcome::AuthorizedError),
            (
                Some("ResourceNotFoundException"),
                None,
                Outcome::AuthorizedError,
            ),
            (Some("ThrottlingException"), None, Outcome::Error),
            (Some("InvalidClientTokenId"), None, Outcome::Error),
        ] {
            assert_eq!(Outcome::of(code, message), outcome, "{code:?}");
        }
    }
}
