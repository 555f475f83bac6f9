//! Clients for one bucket, by the standard chain of credentials.

use std::sync::Arc;
use std::time::Duration;

use aws_config::meta::region::ProvideRegion as _;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{SharedCredentialsProvider, StalledStreamProtectionConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_types::service_config::ServiceConfigKey;
use object_store::ClientOptions;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::SpawnedReqwestConnector;
use tokio::runtime::Handle;

use super::S3Error;
use super::credentials::Chain;

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
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
const ATTEMPT_PATIENCE: Duration = Duration::from_mins(2);
/// The region that is asked where a bucket lies, as long as nothing names one.
const SOME_REGION: &str = "us-east-1";

/// A bucket that answers, and how it is reached.
#[derive(Debug)]
pub(crate) struct Reached {
    bucket: String,
    config: SdkConfig,
    endpoint_url: Option<String>,
    path_style: bool,
    /// AWS's own client.
    pub(crate) client: Client,
}

/// Finds out where `bucket` lies, and that it is there.
pub(crate) async fn reach(bucket: &str, options: &S3Options) -> Result<Reached, S3Error> {
    let config = configuration(options).await;
    let mut reached = Reached::new(bucket, options, config);
    let mut asked = reached.client.head_bucket().bucket(bucket);
    asked = asked.set_expected_bucket_owner(options.expected_bucket_owner.clone());
    let Err(error) = asked.send().await else {
        return Ok(reached);
    };
    let Some(response) = error.raw_response() else {
        return Err(S3Error::of(&format!("s3://{bucket}"), &error));
    };
    let there = response
        .headers()
        .get("x-amz-bucket-region")
        .map(str::to_owned);
    match (response.status().as_u16(), there) {
        (404, _) => return Err(S3Error::of(&format!("s3://{bucket}"), &error)),
        // What was named is wrong, and the other client would not say so.
        (301, _) if options.region.is_some() => {
            return Err(S3Error::of(&format!("s3://{bucket}"), &error));
        }
        (_, Some(there)) if options.region.is_none() => {
            let config = reached.config.into_builder().region(Region::new(there));
            reached = Reached::new(bucket, options, config.build());
        }
        // An answer to HEAD has no words; the first request of use tells what is wrong, if anything is.
        _ => {}
    }
    Ok(reached)
}

impl Reached {
    fn new(bucket: &str, options: &S3Options, config: SdkConfig) -> Self {
        let endpoint_url = options
            .endpoint_url
            .clone()
            .or_else(|| endpoint_of(&config));
        let path_style = options.path_style || is_by_address(endpoint_url.as_deref());
        let mut builder = aws_sdk_s3::config::Builder::from(&config)
            .retry_partition(retries())
            .force_path_style(path_style);
        // Of S3 alone: roles are taken elsewhere.
        if let Some(url) = &options.endpoint_url {
            builder = builder.endpoint_url(url);
        }
        Self {
            bucket: bucket.to_owned(),
            client: Client::from_conf(builder.build()),
            config,
            endpoint_url,
            path_style,
        }
    }

    /// The client that DataFusion reads with; its requests are made on `runtime`.
    pub(crate) async fn object_store(&self, runtime: &Handle) -> object_store::Result<AmazonS3> {
        let region = self.config.region().map_or(SOME_REGION, Region::as_ref);
        let (endpoint, in_path) = self.endpoint(region).await?;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_region(region)
            .with_virtual_hosted_style_request(!in_path)
            .with_client_options(
                ClientOptions::new()
                    .with_allow_http(endpoint.starts_with("http://"))
                    .with_connect_timeout(CONNECT_PATIENCE)
                    .with_timeout(ATTEMPT_PATIENCE),
            )
            .with_endpoint(endpoint)
            .with_retry(object_store::RetryConfig {
                max_retries: ATTEMPTS as usize,
                ..object_store::RetryConfig::default()
            })
            .with_http_connector(SpawnedReqwestConnector::new(runtime.clone()));
        if let Some(provider) = self.config.credentials_provider() {
            builder = builder.with_credentials(Arc::new(Chain::new(provider)));
        }
        builder.build()
    }

    /// Where AWS's own client would go, without the bucket's name where that stands in the path, and whether it does.
    async fn endpoint(&self, region: &str) -> object_store::Result<(String, bool)> {
        let unknown =
            |source: Box<dyn std::error::Error + Send + Sync>| object_store::Error::Generic {
                store: "S3",
                source,
            };
        let parameters = Params::builder()
            .region(region)
            .bucket(&self.bucket)
            .use_fips(self.config.use_fips().unwrap_or_default())
            .use_dual_stack(self.config.use_dual_stack().unwrap_or_default())
            .force_path_style(self.path_style)
            .set_endpoint(self.endpoint_url.clone())
            .build()
            .map_err(|error| unknown(error.into()))?;
        let resolver = DefaultResolver::new();
        let found = resolver.resolve_endpoint(&parameters).await;
        let found = found.map_err(unknown)?;
        let url = found.url().trim_end_matches('/');
        Ok(match url.strip_suffix(&format!("/{}", self.bucket)) {
            Some(url) => (url.to_owned(), true),
            None => (url.to_owned(), false),
        })
    }
}

/// The server that the environment or the profile names for S3, else for all services.
fn endpoint_of(config: &SdkConfig) -> Option<String> {
    let of_s3 = config.service_config().and_then(|service| {
        let key = ServiceConfigKey::builder()
            .service_id("S3")
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok()?;
        service.load_config(key)
    });
    of_s3.or_else(|| config.endpoint_url().map(str::to_owned))
}

pub(crate) async fn configuration(options: &S3Options) -> SdkConfig {
    let https = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(https.clone())
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(ATTEMPTS)
                .with_initial_backoff(Duration::from_millis(200))
                .with_max_backoff(Duration::from_secs(10)),
        )
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_PATIENCE)
                .read_timeout(Duration::from_mins(1))
                .operation_attempt_timeout(ATTEMPT_PATIENCE)
                .build(),
        )
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(profile) = &options.profile {
        // Also where the environment holds keys: whoever names a profile means it.
        // A profile may name a role, a sign-on or a process, and then needs a client of its own.
        let mut region = options.region.clone().map(Region::new);
        if region.is_none() {
            let of_profile = ProfileFileRegionProvider::builder().profile_name(profile);
            region = of_profile.build().region().await;
        }
        let reach = ProviderConfig::without_region()
            .with_http_client(https)
            .with_region(region);
        let named = ProfileFileCredentialsProvider::builder()
            .configure(&reach)
            .profile_name(profile);
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

    #[tokio::test]
    async fn the_lake_is_looked_for_where_awss_own_client_looks() {
        for (bucket, region, url, path_style, wanted) in [
            (
                "lake",
                "eu-west-1",
                None,
                false,
                ("https://lake.s3.eu-west-1.amazonaws.com", false),
            ),
            (
                "lake",
                "cn-north-1",
                None,
                false,
                ("https://lake.s3.cn-north-1.amazonaws.com.cn", false),
            ),
            // A name with dots fits no certificate.
            (
                "my.lake",
                "eu-west-1",
                None,
                false,
                ("https://s3.eu-west-1.amazonaws.com", true),
            ),
            (
                "lake",
                "eu-west-1",
                None,
                true,
                ("https://s3.eu-west-1.amazonaws.com", true),
            ),
            (
                "lake",
                "r",
                Some("https://minio.example.com/"),
                false,
                ("https://lake.minio.example.com", false),
            ),
            (
                "lake",
                "r",
                Some("https://minio.example.com/"),
                true,
                ("https://minio.example.com", true),
            ),
            (
                "lake",
                "r",
                Some("http://127.0.0.1:9000"),
                false,
                ("http://127.0.0.1:9000", true),
            ),
        ] {
            let options = S3Options {
                endpoint_url: url.map(str::to_owned),
                path_style,
                ..S3Options::default()
            };
            let config = SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .build();
            let reached = Reached::new(bucket, &options, config);
            let (found, in_path) = reached.endpoint(region).await.unwrap();
            assert_eq!((found.as_str(), in_path), wanted);
        }
    }

    #[test]
    fn an_address_takes_the_bucket_in_the_path() {
        assert!(is_by_address(Some("http://127.0.0.1:9000")));
        assert!(is_by_address(Some("http://localhost:9000/")));
        assert!(is_by_address(Some("http://[::1]:9000")));
        assert!(!is_by_address(Some("https://s3.eu-west-1.amazonaws.com")));
        assert!(!is_by_address(None));
    }
}
