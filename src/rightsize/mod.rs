//! From what was used to a smaller policy.  In: uses, and what is granted. Out: what is used, and the policy that is enough.
//! Why: a policy that grants what nobody needs is a door that nobody watches.
//! Holds: nothing is proposed that is not granted today; what the logs cannot tell is kept or told, never taken for unused.
//! Next: `reports`.

mod compare;
mod fit;
mod observed;
mod propose;
mod replay;
mod scope;
mod services;
mod trust;

pub use compare::{Comparison, PersonTally, State, Tally, level_of};
pub use fit::{Home, TooLarge, fit};
pub use observed::{Came, Person, Seen, Use, uses_of};
pub use propose::{
    Breadth, Open, Proposal, ProposalRules, Proposer, Why, granted_actions, open_actions,
};
pub use replay::{Count, Replay, Verdict};
pub use scope::{Need, Needs, needs_of};
pub use trust::{Comer, Comers, TrustEntry, take_comers, trust_entries};
