//! Unpacks gzip with any number of members; plain text passes through. The first bytes decide, not the name.

use std::io::{self, BufRead as _, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use super::limits::{Inflated, Limits};

/// The uncompressed text of a log file.
pub(super) enum Input<R: Read> {
    Plain(BufReader<R>),
    Gzip(Box<Inflated<MultiGzDecoder<BufReader<R>>>>),
}

impl<R: Read> Input<R> {
    pub(super) fn is_gzip(&self) -> bool {
        matches!(self, Self::Gzip(_))
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(buffer),
            Self::Gzip(input) => input.read(buffer),
        }
    }
}

/// What the bytes come from failed: a disk or a network, and not what is in the file.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct SourceFailed(io::Error);

impl SourceFailed {
    /// Whether an error came from there, through whatever unpacks it.
    pub(super) fn is(error: &io::Error) -> bool {
        error
            .get_ref()
            .is_some_and(|inner| inner.downcast_ref::<Self>().is_some())
    }
}

/// Marks errors of what it reads from.
pub(super) struct Marked<R>(R);

impl<R: Read> Read for Marked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, SourceFailed(error)),
        })
    }
}

/// Looks at the first bytes and opens what they announce.
pub(super) fn open<R: Read>(bytes: R, limits: Limits) -> io::Result<Input<Marked<R>>> {
    let mut input = BufReader::with_capacity(64 << 10, Marked(bytes));
    if input.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        let text = Inflated::new(MultiGzDecoder::new(input), limits.inflated_bytes);
        Ok(Input::Gzip(Box::new(text)))
    } else {
        Ok(Input::Plain(input))
    }
}
