//! `s3://BUCKET[/PREFIX]`, the name of a place in S3.

use std::fmt;

use super::S3Error;

/// A bucket, and what the keys that are meant begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Uri {
    /// The bucket's name.
    pub bucket: String,
    /// The beginning of the keys, without a slash in front; empty for all of them.
    pub prefix: String,
}

impl S3Uri {
    /// Whether a text is meant as one.
    pub fn is_one(text: &str) -> bool {
        text.starts_with("s3://")
    }

    /// Takes it apart.
    pub fn parse(text: &str) -> Result<Self, S3Error> {
        let rest = text.strip_prefix("s3://").unwrap_or_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(S3Error::NoBucket(text.to_owned()));
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }
}

/// The same for a bucket with a slash behind its name and without.
impl fmt::Display for S3Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}
