//! A client for one bucket, by the standard chain of credentials.

use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{SharedCredentialsProvider, StalledStreamProtectionConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::S3Error;

/// How a bucket is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Options {
    /// The profile of the shared configuration files; none means the one that the environment names.
    pub profile: Option<String>,
    /// The bucket's region; none means that it is asked for.
    pub region: Option<String>,
    /// Another server that speaks S3.
    pub endpoint_url: Option<String>,
    /// A role to take first.
    pub assume_role: Option<String>,
    /// What that role's trust policy may ask for.
    pub external_id: Option<String>,
    /// The account that must own the bucket.
    pub expected_bucket_owner: Option<String>,
    /// The bucket's name in the path instead of the host.
    pub path_style: bool,
    /// Says that we pay for the requests.
    pub requester_pays: bool,
    /// Requests on their way at once.
    pub requests: usize,
}

impl Default for S3Options {
    fn default() -> Self {
        Self {
            profile: None,
            region: None,
            endpoint_url: None,
            assume_role: None,
            external_id: None,
            expected_bucket_owner: None,
            path_style: false,
            requester_pays: false,
            requests: 64,
        }
    }
}

/// Attempts of one request, with waits that grow and vary; throttling passes.
const ATTEMPTS: u32 = 8;
/// The region that is asked where a bucket lies, as long as nothing names one.
const SOME_REGION: &str = "us-east-1";

pub(super) async fn connect(bucket: &str, options: &S3Options) -> Result<Client, S3Error> {
    let config = configuration(options).await;
    let client = client_of(&config, options, None);
    let mut asked = client.head_bucket().bucket(bucket);
    asked = asked.set_expected_bucket_owner(options.expected_bucket_owner.clone());
    let answer = asked.send().await;
    let Err(error) = answer else {
        return Ok(client);
    };
    let Some(response) = error.raw_response() else {
        return Err(S3Error::of(&format!("s3://{bucket}"), &error));
    };
    let there = response
        .headers()
        .get("x-amz-bucket-region")
        .map(str::to_owned);
    let here = config.region().map(|region| region.as_ref().to_owned());
    match (response.status().as_u16(), there) {
        (404, _) => Err(S3Error::of(&format!("s3://{bucket}"), &error)),
        (_, Some(there)) if options.region.is_none() && here.as_deref() != Some(&there) => {
            Ok(client_of(&config, options, Some(there)))
        }
        // An answer to HEAD has no words; the first listing tells what is wrong, if anything is.
        _ => Ok(client),
    }
}

pub(super) async fn configuration(options: &S3Options) -> SdkConfig {
    let https = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(https)
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(ATTEMPTS)
                .with_initial_backoff(Duration::from_millis(200))
                .with_max_backoff(Duration::from_secs(10)),
        )
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(10))
                .read_timeout(Duration::from_mins(1))
                .operation_attempt_timeout(Duration::from_mins(2))
                .build(),
        )
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(profile) = &options.profile {
        // Also where the environment holds keys: whoever names a profile means it.
        let named = ProfileFileCredentialsProvider::builder().profile_name(profile);
        loader = loader
            .profile_name(profile)
            .credentials_provider(named.build());
    }
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    let config = loader.load().await;
    let config = match config.region() {
        Some(_) => config,
        None => config
            .into_builder()
            .region(Region::from_static(SOME_REGION))
            .build(),
    };
    let Some(role) = &options.assume_role else {
        return config;
    };
    let mut provider = AssumeRoleProvider::builder(role.clone())
        .configure(&config)
        .session_name("rolecall");
    if let Some(id) = &options.external_id {
        provider = provider.external_id(id);
    }
    let credentials = SharedCredentialsProvider::new(provider.build().await);
    config
        .into_builder()
        .credentials_provider(credentials)
        .build()
}

fn client_of(config: &SdkConfig, options: &S3Options, region: Option<String>) -> Client {
    let mut builder = aws_sdk_s3::config::Builder::from(config).retry_partition(retries());
    // Of S3 alone: roles are taken elsewhere.
    if let Some(url) = &options.endpoint_url {
        builder = builder.endpoint_url(url);
    }
    let url = options.endpoint_url.as_deref().or(config.endpoint_url());
    builder = builder.force_path_style(options.path_style || is_by_address(url));
    if let Some(region) = region {
        builder = builder.region(Region::new(region));
    }
    Client::from_conf(builder.build())
}

/// Retries enough for all requests on their way at once: the usual budget is meant for one at a time.
fn retries() -> RetryPartition {
    let budget = TokenBucket::builder().capacity(1_000_000).build();
    RetryPartition::custom("rolecall")
        .token_bucket(budget)
        .build()
}

/// An address has no names below it, so the bucket's name can stand in the path alone.
fn is_by_address(url: Option<&str>) -> bool {
    let host = url
        .and_then(|url| url.split_once("://"))
        .map(|(_, rest)| rest.split(['/', ':']).next().unwrap_or_default());
    host.is_some_and(|host| {
        host == "localhost" || host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_takes_the_bucket_in_the_path() {
        assert!(is_by_address(Some("http://127.0.0.1:9000")));
        assert!(is_by_address(Some("http://localhost:9000/")));
        assert!(is_by_address(Some("http://[::1]:9000")));
        assert!(!is_by_address(Some("https://s3.eu-west-1.amazonaws.com")));
        assert!(!is_by_address(None));
    }
}
