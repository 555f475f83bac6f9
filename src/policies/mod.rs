//! What is granted: policy documents, and whose they are.  In: the account's authorization export, credential reports, policies.
//! Out: principals with their policies, and what these say of a request.
//! Why: nobody can tell what is too much without knowing what is there.
//! Holds: what could not be read is unknown, and never taken for nothing.  Next: `rightsize`.

mod credentials;
mod document;
mod evaluate;
mod export;
mod functions;
mod grants;
mod pattern;
mod read;
mod write;

pub use credentials::{AccessKey, Credentials};
pub use document::{Condition, Effect, Listed, Policy, PolicyError, Statement};
pub use evaluate::{Decision, decide};
pub use functions::policy_decision;
pub use grants::{GrantedPolicy, Grants, PolicySource, Principal, PrincipalKind};
pub use pattern::{Fit, covers, fits_action, fits_arn, overlaps};
pub use read::GrantsError;
