//! Which IAM permissions a call needed, and what became of it.  In: the fields of an event. Out: actions, resources, refusals.
//! Why: CloudTrail names calls, IAM names actions, and a policy is written in actions; every question that speaks of permissions
//! asks here.
//! Holds: an action is one that the catalogue has, or there is none; what is worked out says how.  Next: `policies`.

mod arn_pattern;
mod catalogue;
mod facts;
mod filter;
mod functions;
mod last_event;
mod mapping;
mod needs;
mod parameters;
mod refusal;
mod resource_set;
mod resources;

pub use arn_pattern::ArnPattern;
pub use catalogue::{AccessLevel, Action, Unlogged};
pub use functions::{aggregates, functions};
pub use mapping::{Mapped, Mapping, map_event};
pub use refusal::{Outcome, PolicyType, Refusal};
