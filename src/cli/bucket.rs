//! How buckets are reached, as flags.

use clap::Args;

use crate::aws::S3Options;

/// How AWS is reached, for the lake as for log files; without any of these as the AWS command line does
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "AWS")]
pub(super) struct AwsArgs {
    /// Profile of the shared configuration files
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// Region of the bucket; without it the bucket is asked
    #[arg(long, global = true, value_name = "REGION")]
    aws_region: Option<String>,
    /// Another server that speaks S3
    #[arg(long, global = true, value_name = "URL")]
    endpoint_url: Option<String>,
    /// The bucket's name in the path instead of the host, for servers that want it; addresses get it anyway
    #[arg(long, global = true)]
    path_style: bool,
}

impl AwsArgs {
    pub(super) fn options(&self) -> S3Options {
        S3Options {
            profile: self.profile.clone(),
            region: self.aws_region.clone(),
            endpoint_url: self.endpoint_url.clone(),
            path_style: self.path_style,
            ..S3Options::default()
        }
    }
}

/// How log files in a bucket are reached
#[derive(Debug, Args)]
#[command(next_help_heading = "Log files in buckets")]
pub(super) struct BucketArgs {
    /// Role to take first, for the log files and not for the lake
    #[arg(long, value_name = "ARN")]
    assume_role: Option<String>,
    /// External id that the role's trust policy asks for
    #[arg(long, value_name = "ID", requires = "assume_role")]
    external_id: Option<String>,
    /// Account that must own the bucket
    #[arg(long, value_name = "ID")]
    expected_bucket_owner: Option<String>,
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
    /// The same as what is said of AWS as a whole, and what is said here.
    pub(super) fn options(&self, of_all: S3Options) -> S3Options {
        S3Options {
            assume_role: self.assume_role.clone(),
            external_id: self.external_id.clone(),
            expected_bucket_owner: self.expected_bucket_owner.clone(),
            requester_pays: self.requester_pays,
            requests: self.requests,
            ..of_all
        }
    }
}
