//! What a set of policies says of a request.
//!
//! Source: IAM User Guide, "Policy evaluation logic". A `Deny` beats every `Allow`. Conditions and policy variables depend on what no
//! log tells in full, so that an answer may be "under conditions".

use super::document::{Effect, Listed, Policy, Statement};
use super::pattern::{Fit, fits_action, fits_arn};

/// What policies say of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// A `Deny` without conditions fits.
    ExplicitlyDenied,
    /// Nothing allows it.
    ImplicitlyDenied,
    /// It depends on conditions: those of an `Allow`, or those of a `Deny`.
    Conditional,
    /// An `Allow` without conditions fits, and no `Deny`.
    Allowed,
}

impl Decision {
    /// The word for it in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExplicitlyDenied => "explicitly_denied",
            Self::ImplicitlyDenied => "implicitly_denied",
            Self::Conditional => "conditional",
            Self::Allowed => "allowed",
        }
    }

    /// What two sets say together when both must allow: a principal's policies and its boundary.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }
}

impl Listed {
    fn fit(&self, fits: impl Fn(&str) -> Fit) -> Fit {
        let best = |patterns: &[String]| patterns.iter().map(|it| fits(it)).max();
        match self {
            Self::These(patterns) => best(patterns).unwrap_or(Fit::No),
            Self::AllBut(patterns) => match best(patterns).unwrap_or(Fit::No) {
                Fit::No => Fit::Yes,
                Fit::Maybe => Fit::Maybe,
                Fit::Yes => Fit::No,
            },
        }
    }
}

impl Statement {
    /// Whether the statement speaks of the action.
    pub fn fits_action(&self, action: &str) -> bool {
        let fit = |pattern: &str| {
            if fits_action(pattern, action) {
                Fit::Yes
            } else {
                Fit::No
            }
        };
        self.actions.fit(fit) == Fit::Yes
    }

    /// Whether the statement speaks of the resource, its conditions aside; `has_variables` as its policy has it.
    pub fn fits_resource(&self, resource: &str, has_variables: bool) -> Fit {
        match &self.resources {
            Some(resources) => resources.fit(|pattern| fits_arn(pattern, resource, has_variables)),
            None => Fit::Yes,
        }
    }

    /// Whether the statement applies to a request.
    pub fn fit(&self, action: &str, resource: &str, has_variables: bool) -> Fit {
        if !self.fits_action(action) {
            return Fit::No;
        }
        let fit = self.fits_resource(resource, has_variables);
        if self.condition.is_empty() {
            fit
        } else {
            fit.min(Fit::Maybe)
        }
    }
}

/// What the policies say of `action` on `resource`; an action without resource types is asked for on `*`.
pub fn decide<'p>(
    policies: impl IntoIterator<Item = &'p Policy>,
    action: &str,
    resource: &str,
) -> Decision {
    let (mut allowed, mut denied) = (Fit::No, Fit::No);
    for policy in policies {
        for statement in &policy.statements {
            let fit = statement.fit(action, resource, policy.has_variables);
            let so_far = match statement.effect {
                Effect::Allow => &mut allowed,
                Effect::Deny => &mut denied,
            };
            *so_far = (*so_far).max(fit);
        }
    }
    match (allowed, denied) {
        (_, Fit::Yes) => Decision::ExplicitlyDenied,
        (Fit::No, _) => Decision::ImplicitlyDenied,
        (Fit::Yes, Fit::No) => Decision::Allowed,
        _ => Decision::Conditional,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(statements: &str, action: &str, resource: &str) -> Decision {
        let json = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        decide([&Policy::parse(&json).unwrap()], action, resource)
    }

    const READ: &str = r#"{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b/*"}"#;

    #[test]
    fn nothing_is_allowed_that_nothing_allows() {
        assert_eq!(
            decided(READ, "s3:GetObject", "arn:aws:s3:::b/k"),
            Decision::Allowed
        );
        assert_eq!(
            decided(READ, "s3:PutObject", "arn:aws:s3:::b/k"),
            Decision::ImplicitlyDenied
        );
        assert_eq!(
            decided(READ, "s3:GetObject", "arn:aws:s3:::c/k"),
            Decision::ImplicitlyDenied
        );
        assert_eq!(
            decided(READ, "s3:GetObject", "*"),
            Decision::ImplicitlyDenied
        );
    }

    #[test]
    fn a_deny_beats_every_allow() {
        let deny =
            r#"{"Effect":"Deny","NotAction":"s3:List*","NotResource":"arn:aws:s3:::b/public/*"}"#;
        let both = format!("{READ},{deny}");
        assert_eq!(
            decided(&both, "s3:GetObject", "arn:aws:s3:::b/k"),
            Decision::ExplicitlyDenied
        );
        assert_eq!(
            decided(&both, "s3:GetObject", "arn:aws:s3:::b/public/k"),
            Decision::Allowed
        );
    }

    #[test]
    fn conditions_leave_it_open() {
        let mfa = r#""Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#;
        let allow = format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*",{mfa}}}"#);
        assert_eq!(
            decided(&allow, "s3:GetObject", "arn:aws:s3:::b/k"),
            Decision::Conditional
        );
        let deny = format!(r#"{READ},{{"Effect":"Deny","Action":"*","Resource":"*",{mfa}}}"#);
        assert_eq!(
            decided(&deny, "s3:GetObject", "arn:aws:s3:::b/k"),
            Decision::Conditional
        );
        assert_eq!(
            decided(&deny, "s3:PutObject", "arn:aws:s3:::b/k"),
            Decision::ImplicitlyDenied
        );
    }
}
