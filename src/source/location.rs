//! Parses what a user names as a source, and says what is wrong with a bad one.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Bucket, SourceError, Stream};

/// A place that holds log files.
#[derive(Debug, Clone)]
pub enum Location {
    /// A file, or a folder with everything below it.
    Disk(PathBuf),
    /// A glob pattern, expanded by us so that it may be long and quoted.
    Pattern(String),
    /// What was piped in.
    Stream(Stream),
    /// A bucket, or a part of it.
    Bucket(Arc<Bucket>),
}

impl Location {
    /// Reads one SOURCE argument that is neither a stream nor a bucket.
    ///
    /// A path that exists is taken as it is, even when it holds a `*`.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let path = PathBuf::from(text);
        // A broken link and a folder we may not enter are reported when they are listed.
        if path.symlink_metadata().is_ok() {
            return Ok(Self::Disk(path));
        }
        if text.contains(['*', '?', '[']) {
            return Ok(Self::Pattern(text.to_owned()));
        }
        Err(SourceError::NotFound(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_we_cannot_read_are_named() {
        assert!(matches!(
            Location::parse("no/such/thing"),
            Err(SourceError::NotFound(_))
        ));
        assert!(matches!(
            Location::parse("x/*.gz"),
            Ok(Location::Pattern(pattern)) if pattern == "x/*.gz"
        ));
    }
}
