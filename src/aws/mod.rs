//! How AWS is reached.  In: what the user said, and the standard chain of credentials. Out: clients, and words for what went wrong.
//! Why: log files, queues and lakes must be found, signed for and explained alike.
//! Holds: credentials come from AWS's own crates and are never shown; a refusal names the place and what to do.
//! Next: `source` reads buckets with it, `lake` lives in one.

mod connect;
mod credentials;
mod failure;
mod uri;

pub use connect::S3Options;
pub(crate) use connect::{configuration, reach};
pub use failure::S3Error;
pub(crate) use failure::{NO_CREDENTIALS, Refusal, told};
pub use uri::S3Uri;
