//! The vocabulary of IAM as small values that parse and compare.  In: text from a log. Out: its parts.
//! Why: every later room asks the same questions of ARNs, ids and keys, and must get the same answers.
//! Holds: parsing never fails loudly and never invents a part; text that does not fit gives `None`.
//! Next: `decode`, where the text comes from.

mod access_key_id;
mod account_of_id;
mod arn;
mod principal_id;
mod session_id;

pub use access_key_id::{is_long_lived, is_masked};
pub use account_of_id::account_of_id;
pub use arn::{Arn, AssumedRoleArn, as_in_policy};
pub use principal_id::{role_session_of, user_principal};
pub use session_id::SessionId;
