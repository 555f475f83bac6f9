//! Standard input, and any other stream that can be read only once, kept in a file without a name so that it
//! can be read as often as a log file on disk.

use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::LogFile;

/// What came in through a stream. The file has no name: nothing is left of it, whatever happens.
#[derive(Debug, Clone)]
pub struct Stream {
    file: Arc<File>,
    size: u64,
    hash: String,
}

impl Stream {
    /// Reads `input` to its end.
    ///
    /// It is known by the hash of its bytes: other input another day is another log file.
    pub fn read(mut input: impl Read) -> io::Result<Self> {
        let mut file = tempfile::tempfile()?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let bytes = buffer.get(..count).unwrap_or_default();
            hasher.update(bytes);
            file.write_all(bytes)?;
        }
        let size = file.stream_position()?;
        Ok(Self {
            file: Arc::new(file),
            size,
            hash: format!("{:x}", hasher.finalize()),
        })
    }

    pub(super) fn log_file(&self) -> LogFile {
        LogFile {
            key: format!("stdin/{}", self.hash),
            uri: "-".to_owned(),
            size: self.size,
            etag: None,
            bytes: super::Bytes::Stream(self.clone()),
        }
    }

    /// A reader from the first byte, independent of all others.
    pub(super) fn open(&self) -> impl Read + Send + use<> {
        FromStart {
            file: Arc::clone(&self.file),
            at: 0,
        }
    }
}

struct FromStart {
    file: Arc<File>,
    at: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_as_often_as_needed_and_known_by_its_content() {
        let stream = Stream::read(&b"{\"Records\":[]}"[..]).unwrap();
        let file = stream.log_file();
        assert_eq!(file.size, 14);
        assert!(file.key.starts_with("stdin/"), "{}", file.key);
        for _ in 0..2 {
            let mut text = String::new();
            file.open().unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "{\"Records\":[]}");
        }
        let other = Stream::read(&b"{}"[..]).unwrap().log_file();
        assert_ne!(other.key, file.key);
    }
}
