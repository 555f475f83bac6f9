//! The standard chain of credentials, for a client that only knows keys.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_sdk_s3::config::{ProvideCredentials as _, SharedCredentialsProvider};
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use tokio::sync::Mutex;

/// Credentials are fetched again so long before they end.
const SPARE: Duration = Duration::from_mins(5);
/// Those that tell no end are looked for again after so long: another program may have renewed them.
const WITHOUT_END: Duration = Duration::from_mins(15);
/// So long nobody is asked again.
const AGAIN: Duration = Duration::from_secs(10);

/// Profiles, sign-on, roles and whatever else `aws-config` knows, kept until they end.
#[derive(Debug)]
pub(super) struct Chain {
    provider: SharedCredentialsProvider,
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    credential: Arc<AwsCredential>,
    /// When they are fetched again.
    until: SystemTime,
    /// When they end.
    end: Option<SystemTime>,
}

impl Chain {
    pub(super) fn new(provider: SharedCredentialsProvider) -> Self {
        Self {
            provider,
            kept: Mutex::new(None),
        }
    }
}

#[async_trait]
impl CredentialProvider for Chain {
    type Credential = AwsCredential;

    #[expect(
        clippy::disallowed_methods,
        reason = "credentials end by the clock of the machine that signs with them"
    )]
    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut kept = self.kept.lock().await;
        let now = SystemTime::now();
        if let Some(kept) = kept.as_ref().filter(|kept| now < kept.until) {
            return Ok(Arc::clone(&kept.credential));
        }
        let found = match (self.provider.provide_credentials().await, kept.as_mut()) {
            (Ok(found), _) => found,
            // They are good for some minutes yet, and the next try may go well.
            (Err(_), Some(kept)) if kept.end.is_none_or(|end| now < end) => {
                kept.until = now + AGAIN;
                return Ok(Arc::clone(&kept.credential));
            }
            (Err(error), _) => {
                return Err(object_store::Error::Unauthenticated {
                    path: "credentials".to_owned(),
                    source: Box::new(error),
                });
            }
        };
        let credential = Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        });
        let end = found.expiry();
        let until = end.map_or(now + WITHOUT_END, |end| {
            end.checked_sub(SPARE).unwrap_or(end)
        });
        *kept = Some(Kept {
            credential: Arc::clone(&credential),
            // Whoever hands out nothing longer is not asked for each request.
            until: until.max(now + AGAIN),
            end,
        });
        Ok(credential)
    }
}
