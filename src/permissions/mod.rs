//! Which IAM permissions a call needed, and what became of it.  In: the fields of an event. Out: actions, resources, refusals.
//! Why: CloudTrail names calls, IAM names actions, and a policy is written in actions; every question that speaks of permissions
//! asks here.
//! Holds: an action is one that the catalogue has, or there is none; what is worked out says how.  Next: `policies`.

mod catalogue;
mod facts;
mod functions;
mod mapping;
mod needs;
mod parameters;
mod refusal;
mod resources;

pub use catalogue::{AccessLevel, Action, Unlogged};
pub use functions::functions;
pub use mapping::{Mapped, Mapping, map_event};
pub use refusal::{Outcome, PolicyType, Refusal};
pub use resources::fits;
