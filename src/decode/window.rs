//! A window over the uncompressed text: grows for one long record, forgets what is behind it.

use std::io::{self, Read};

/// How much is read before a record is looked for.
const CHUNK: usize = 1 << 20;

/// The same at the beginning of a file: most files are smaller than a chunk, and there are millions of them.
const FIRST_CHUNK: usize = 32 << 10;

/// How much is asked for at once. What a damaged stream gave in the call that fails is lost, so that it is little.
const PIECE: usize = 8 << 10;

/// The part of the text that is held, and where it lies in the whole.
pub(super) struct Window<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    /// How many bytes of the text lie before `start`.
    offset: u64,
    /// Set when the input has ended or failed.
    end: Option<End>,
}

/// How the input ended.
#[derive(Debug)]
pub(super) enum End {
    /// After its last byte.
    Clean,
    /// Where we stopped reading; what is behind it may be good.
    Stopped,
    /// With an error; what came before it is good.
    Failed(io::Error),
}

impl<R: Read> Window<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            filled: 0,
            offset: 0,
            end: None,
        }
    }

    /// The text from the current place on, as far as it is held.
    pub(super) fn text(&self) -> &[u8] {
        self.buffer.get(self.start..self.filled).unwrap_or(&[])
    }

    /// The place of `text()` in the whole.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// How the input ended, once it has.
    pub(super) fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Moves past `count` bytes.
    pub(super) fn advance(&mut self, count: usize) {
        let count = count.min(self.filled - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Reads no further, and forgets what is held.
    pub(super) fn stop(&mut self) {
        self.advance(self.text().len());
        self.end = Some(End::Stopped);
    }

    /// Moves to the end, so that all of the text was read.
    pub(super) fn pass_over_rest(&mut self) {
        loop {
            self.advance(self.text().len());
            if !self.fill() {
                return;
            }
        }
    }

    /// Reads more; returns false when there is no more.
    pub(super) fn fill(&mut self) -> bool {
        if self.end.is_some() {
            return false;
        }
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.start = 0;
        // Doubling keeps the copying for one very long record linear.
        let least = if self.buffer.is_empty() {
            FIRST_CHUNK
        } else {
            CHUNK
        };
        let wanted = least.max(self.filled);
        self.buffer.resize(self.filled + wanted, 0);
        let before = self.filled;
        while self.filled < self.buffer.len() {
            let Some(free) = self.buffer.get_mut(self.filled..) else {
                break;
            };
            let piece = free.len().min(PIECE);
            let Some(free) = free.get_mut(..piece) else {
                break;
            };
            match self.input.read(free) {
                Ok(0) => {
                    self.end = Some(End::Clean);
                    break;
                }
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.end = Some(End::Failed(error));
                    break;
                }
            }
        }
        self.filled > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_moves_and_keeps_count() {
        let text: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
        let mut window = Window::new(text.as_slice());
        let mut seen = Vec::new();
        while window.fill() {
            let take = window.text().len().saturating_sub(7);
            seen.extend_from_slice(&window.text()[..take]);
            window.advance(take);
            assert_eq!(window.offset(), seen.len() as u64);
        }
        seen.extend_from_slice(window.text());
        assert_eq!(seen, text);
        assert!(matches!(window.end(), Some(End::Clean)));
    }
}
