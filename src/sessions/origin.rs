//! Who stands at the start of a chain: the kinds, and what makes two of them one.

use super::codes::codes;

/// The kinds of origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum OriginKind {
    IamUser,
    Root,
    IdentityCenterUser,
    SamlUser,
    WebIdentity,
    CognitoIdentity,
    RolesAnywhere,
    Ec2Instance,
    LambdaFunction,
    EcsTask,
    EksPod,
    AwsService,
    FederatedUser,
    SourceIdentity,
    ExternalAccount,
    Anonymous,
    Unresolved,
}

codes!(OriginKind {
    IamUser => "iam_user",
    Root => "root",
    IdentityCenterUser => "identity_center_user",
    SamlUser => "saml_user",
    WebIdentity => "web_identity",
    CognitoIdentity => "cognito_identity",
    RolesAnywhere => "roles_anywhere",
    Ec2Instance => "ec2_instance",
    LambdaFunction => "lambda_function",
    EcsTask => "ecs_task",
    EksPod => "eks_pod",
    AwsService => "aws_service",
    FederatedUser => "federated_user",
    SourceIdentity => "source_identity",
    ExternalAccount => "external_account",
    Anonymous => "anonymous",
    Unresolved => "unresolved",
});

impl OriginKind {
    /// Who vouches for the identity.
    pub(super) fn assurance(self) -> &'static str {
        match self {
            Self::IamUser | Self::Root | Self::FederatedUser => "aws_authenticated",
            Self::IdentityCenterUser => "identity_center",
            Self::SamlUser | Self::WebIdentity | Self::CognitoIdentity => "idp_asserted",
            Self::RolesAnywhere => "certificate",
            Self::Ec2Instance
            | Self::LambdaFunction
            | Self::EcsTask
            | Self::EksPod
            | Self::AwsService => "service",
            Self::SourceIdentity => "self_declared",
            Self::Anonymous => "anonymous",
            Self::ExternalAccount | Self::Unresolved => "none",
        }
    }

    /// Whether a person stands behind it; `None` where that takes evidence of its own.
    pub(super) fn is_human(self) -> Option<bool> {
        match self {
            Self::Root | Self::IdentityCenterUser | Self::SamlUser => Some(true),
            Self::IamUser
            | Self::WebIdentity
            | Self::CognitoIdentity
            | Self::RolesAnywhere
            | Self::FederatedUser
            | Self::SourceIdentity
            | Self::ExternalAccount
            | Self::Anonymous
            | Self::Unresolved => None,
            Self::Ec2Instance
            | Self::LambdaFunction
            | Self::EcsTask
            | Self::EksPod
            | Self::AwsService => Some(false),
        }
    }
}

/// Empty text tells nothing: an ARN need not have an account.
fn told(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Every `origin_kind`, as the contract names them.
pub const ORIGIN_KINDS: [&str; 17] = [
    OriginKind::IamUser.code(),
    OriginKind::Root.code(),
    OriginKind::IdentityCenterUser.code(),
    OriginKind::SamlUser.code(),
    OriginKind::WebIdentity.code(),
    OriginKind::CognitoIdentity.code(),
    OriginKind::RolesAnywhere.code(),
    OriginKind::Ec2Instance.code(),
    OriginKind::LambdaFunction.code(),
    OriginKind::EcsTask.code(),
    OriginKind::EksPod.code(),
    OriginKind::AwsService.code(),
    OriginKind::FederatedUser.code(),
    OriginKind::SourceIdentity.code(),
    OriginKind::ExternalAccount.code(),
    OriginKind::Anonymous.code(),
    OriginKind::Unresolved.code(),
];

/// An origin. Kind, id, account and provider together are its identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) kind: OriginKind,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) account_id: Option<String>,
    pub(super) provider: Option<String>,
}

impl Origin {
    pub(super) fn new(kind: OriginKind, id: &str) -> Self {
        Self {
            kind,
            id: Some(id.to_owned()),
            name: None,
            account_id: None,
            provider: None,
        }
    }

    pub(super) fn named(mut self, name: Option<&str>) -> Self {
        self.name = told(name);
        self
    }

    pub(super) fn in_account(mut self, account_id: Option<&str>) -> Self {
        self.account_id = told(account_id);
        self
    }

    pub(super) fn vouched_by(mut self, provider: Option<&str>) -> Self {
        self.provider = told(provider);
        self
    }

    pub(super) fn unresolved() -> Self {
        Self {
            kind: OriginKind::Unresolved,
            id: None,
            name: None,
            account_id: None,
            provider: None,
        }
    }

    /// An account whose logs we do not have, and the principal in it that called.
    pub(super) fn external(account_id: &str, principal_id: Option<&str>) -> Self {
        Self::new(OriginKind::ExternalAccount, account_id)
            .named(principal_id)
            .in_account(Some(account_id))
    }

    /// Two origins are one when kind, id, account and provider are.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.id == other.id
            && self.account_id == other.account_id
            && self.provider == other.provider
    }
}
