//! How buckets are reached, as flags.

use clap::Args;

use crate::source::S3Options;

/// How sources in a bucket are reached; without any of these as the AWS command line does
#[derive(Debug, Args)]
#[command(next_help_heading = "Buckets")]
pub(super) struct BucketArgs {
    /// Profile of the shared configuration files
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Role to take first
    #[arg(long, value_name = "ARN")]
    assume_role: Option<String>,
    /// External id that the role's trust policy asks for
    #[arg(long, value_name = "ID", requires = "assume_role")]
    external_id: Option<String>,
    /// Region of the bucket; without it the bucket is asked
    #[arg(long, value_name = "REGION")]
    aws_region: Option<String>,
    /// Another server that speaks S3
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Account that must own the bucket
    #[arg(long, value_name = "ID")]
    expected_bucket_owner: Option<String>,
    /// The bucket's name in the path instead of the host, for servers that want it; addresses get it anyway
    #[arg(long)]
    path_style: bool,
    /// Pay for the requests where the bucket's owner asks for it
    #[arg(long)]
    requester_pays: bool,
    /// Objects on their way at once
    #[arg(long, value_name = "COUNT", default_value_t = S3Options::default().requests, value_parser = at_least_one)]
    requests: usize,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=4096) => Ok(count),
        _ => Err("give a number from 1 to 4096".to_owned()),
    }
}

impl BucketArgs {
    pub(super) fn options(&self) -> S3Options {
        S3Options {
            profile: self.profile.clone(),
            region: self.aws_region.clone(),
            endpoint_url: self.endpoint_url.clone(),
            assume_role: self.assume_role.clone(),
            external_id: self.external_id.clone(),
            expected_bucket_owner: self.expected_bucket_owner.clone(),
            path_style: self.path_style,
            requester_pays: self.requester_pays,
            requests: self.requests,
        }
    }
}
