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
    /// How much is read the first time, and how much later.
    chunks: (usize, usize),
    held: Held,
    start: usize,
    /// How many bytes of the text lie before `start`.
    offset: u64,
    /// Set when the input has ended or failed.
    end: Option<End>,
}

/// What is held. That it is UTF-8 is found out once, and not for each word of it.
enum Held {
    Text {
        text: String,
        /// The first bytes of a character whose others were not read yet.
        begun: Vec<u8>,
    },
    /// From the first byte on that is no UTF-8.
    Bytes(Vec<u8>),
}

impl Held {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text { text, .. } => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// How much there is, with the beginning of a character whose rest is to come.
    fn len(&self) -> usize {
        match self {
            Self::Text { text, begun } => text.len() + begun.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    fn reserve(&mut self, more: usize) {
        match self {
            Self::Text { text, .. } => text.reserve(more),
            Self::Bytes(bytes) => bytes.reserve(more),
        }
    }

    fn forget(&mut self, count: usize) {
        match self {
            Self::Text { text, .. } if text.is_char_boundary(count) => drop(text.drain(..count)),
            Self::Text { .. } => {
                self.become_bytes();
                self.forget(count);
            }
            Self::Bytes(bytes) => drop(bytes.drain(..count)),
        }
    }

    fn append(&mut self, piece: &[u8]) {
        match self {
            Self::Text { text, begun } if begun.is_empty() => {
                let error = match simdutf8::compat::from_utf8(piece) {
                    Ok(piece) => return text.push_str(piece),
                    Err(error) => error,
                };
                let (good, rest) = piece.split_at(error.valid_up_to());
                text.push_str(std::str::from_utf8(good).unwrap_or_default());
                begun.extend_from_slice(rest);
                if error.error_len().is_some() {
                    self.become_bytes();
                }
            }
            Self::Text { begun, .. } => {
                let mut whole = std::mem::take(begun);
                whole.extend_from_slice(piece);
                self.append(&whole);
            }
            Self::Bytes(bytes) => bytes.extend_from_slice(piece),
        }
    }

    /// Takes everything for bytes, as at the end of the input where a character is cut off.
    fn become_bytes(&mut self) {
        if let Self::Text { text, begun } = self {
            let mut bytes = std::mem::take(text).into_bytes();
            bytes.append(begun);
            *self = Self::Bytes(bytes);
        }
    }

    fn end(&mut self) {
        if matches!(self, Self::Text { begun, .. } if !begun.is_empty()) {
            self.become_bytes();
        }
    }
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
        Self::in_chunks(input, (FIRST_CHUNK, CHUNK))
    }

    fn in_chunks(input: R, chunks: (usize, usize)) -> Self {
        Self {
            input,
            chunks,
            held: Held::Text {
                text: String::new(),
                begun: Vec::new(),
            },
            start: 0,
            offset: 0,
            end: None,
        }
    }

    /// The text from the current place on, as far as it is held.
    pub(super) fn text(&self) -> &[u8] {
        self.held.bytes().get(self.start..).unwrap_or(&[])
    }

    /// The same where it is known to be UTF-8.
    pub(super) fn utf8(&self) -> Option<&str> {
        match &self.held {
            Held::Text { text, .. } => text.get(self.start..),
            Held::Bytes(_) => None,
        }
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
        let count = count.min(self.text().len());
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
        self.held.forget(self.start);
        self.start = 0;
        let before = self.held.bytes().len();
        // Doubling keeps the copying for one very long record linear.
        let (first, later) = self.chunks;
        let least = if self.offset == 0 && before == 0 {
            first
        } else {
            later
        };
        let wanted = before + least.max(before);
        self.held.reserve(wanted - before);
        let mut piece = [0; PIECE];
        loop {
            // No more than there is room for: one byte beyond it would double the room.
            let room = wanted.saturating_sub(self.held.len()).min(PIECE);
            let Some(free) = piece.get_mut(..room).filter(|free| !free.is_empty()) else {
                break;
            };
            match self.input.read(free) {
                Ok(0) => {
                    self.end = Some(End::Clean);
                    break;
                }
                Ok(count) => self.held.append(piece.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.end = Some(End::Failed(error));
                    break;
                }
            }
        }
        if self.end.is_some() {
            self.held.end();
        }
        self.held.bytes().len() > before
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives its bytes in the portions that are asked of it.
    struct Portions<'a>(&'a [u8], std::slice::Iter<'a, usize>);

    impl Read for Portions<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let most = self.1.next().copied().unwrap_or(7).min(into.len());
            self.0.take(most as u64).read(into).inspect(|count| {
                self.0 = &self.0[*count..];
            })
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_what_is_told_as_utf8_is_the_same(
            parts in proptest::collection::vec(prop_oneof![
                4 => any::<String>().prop_map(String::into_bytes),
                1 => proptest::collection::vec(any::<u8>(), 0..4),
            ], 0..8),
            portions in proptest::collection::vec(1..9_usize, 0..40),
            takes in proptest::collection::vec(0..9_usize, 0..40),
        ) {
            let whole = parts.concat();
            let is_text = std::str::from_utf8(&whole).is_ok();
            let mut window = Window::in_chunks(Portions(&whole, portions.iter()), (4, 5));
            let mut takes = takes.iter();
            let mut seen = Vec::new();
            let mut cut = false;
            while window.fill() || window.end().is_none() {
                match window.utf8() {
                    Some(text) => prop_assert_eq!(text.as_bytes(), window.text()),
                    None => prop_assert!(cut || !is_text),
                }
                let take = takes.next().copied().unwrap_or(0).min(window.text().len());
                // In the middle of a character, as the search for the end of a broken record may be.
                cut |= std::str::from_utf8(&window.text()[..take]).is_err();
                seen.extend_from_slice(&window.text()[..take]);
                window.advance(take);
            }
            seen.extend_from_slice(window.text());
            prop_assert_eq!(seen.len(), whole.len());
            prop_assert_eq!(seen, whole);
        }
    }

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
