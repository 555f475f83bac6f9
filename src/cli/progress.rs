//! How far an ingest is: a line that moves where somebody watches, one now and then where nobody does, and a sum at the end.

use std::time::{Duration, Instant};

use bytesize::ByteSize;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::ui::say;
use crate::ingest::Books;

/// How often a log gets a line.
const IN_A_LOG: Duration = Duration::from_secs(30);

/// Tells how far the reading is.
pub(super) struct Progress {
    /// Draws nothing where stderr is no terminal.
    bar: ProgressBar,
    begun: Instant,
    told: Instant,
    files: u64,
    bytes: u64,
}

impl Progress {
    pub(super) fn begin() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template("{bar:24} {bytes} of {total_bytes}, {eta} left · {msg}");
        // The template is ours and is tried by a test.
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let now = Instant::now();
        Self {
            bar,
            begun: now,
            told: now,
            files: 0,
            bytes: 0,
        }
    }

    /// So many log files are known by now.
    pub(super) fn found(&mut self, files: usize, bytes: u64) {
        self.files = files as u64;
        self.bytes = bytes;
        self.bar.set_length(self.bytes);
    }

    /// So much is read.
    pub(super) fn read(&mut self, books: &Books) {
        let words = self.so_far(books);
        self.bar.set_position(books.bytes);
        self.bar.set_message(words.clone());
        if self.bar.is_hidden() && self.told.elapsed() >= IN_A_LOG {
            self.told = Instant::now();
            say(&words);
        }
    }

    fn so_far(&self, books: &Books) -> String {
        let done = books.files_read + books.files_known + books.files_rejected;
        let rejected = match books.rejected {
            0 => String::new(),
            count => format!(", {} rejected", HumanCount(count)),
        };
        format!(
            "{} of {} log files, {} records, {}/s{rejected}",
            HumanCount(done),
            HumanCount(self.files.max(books.files)),
            HumanCount(books.records),
            HumanCount(a_second(books.records, self.begun.elapsed()))
        )
    }

    /// Says what was read in all, and how fast.
    pub(super) fn end(self, books: &Books) {
        self.bar.finish_and_clear();
        if books.files_read > 0 {
            say(&sum(books, self.begun.elapsed()));
        }
    }
}

fn sum(books: &Books, took: Duration) -> String {
    format!(
        "read {} log file{} ({}) with {} records in {}: {} records and {} a second",
        HumanCount(books.files_read),
        if books.files_read == 1 { "" } else { "s" },
        ByteSize(books.bytes),
        HumanCount(books.records),
        match took.as_secs() {
            0..60 => format!("{:.1} s", took.as_secs_f64()),
            seconds => format!("{} min {} s", seconds / 60, seconds % 60),
        },
        HumanCount(a_second(books.records, took)),
        ByteSize(a_second(books.bytes, took))
    )
}

fn a_second(count: u64, took: Duration) -> u64 {
    let millis = took.as_millis().max(1);
    u64::try_from(u128::from(count) * 1000 / millis).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_tells_rates() {
        let books = Books {
            files_read: 1_309,
            records: 385_233,
            bytes: 36_000_000,
            ..Books::default()
        };
        assert_eq!(
            sum(&books, Duration::from_millis(2_500)),
            "read 1,309 log files (34.3 MiB) with 385,233 records in 2.5 s: 154,093 records and 13.7 MiB a second"
        );
        let slow = sum(&books, Duration::from_secs(150));
        assert!(slow.contains("in 2 min 30 s"), "{slow}");
    }

    #[test]
    fn the_template_is_one_and_the_counts_follow_the_books() {
        assert!(
            ProgressStyle::with_template("{bar:24} {bytes} of {total_bytes}, {eta} left · {msg}")
                .is_ok()
        );
        let mut progress = Progress::begin();
        progress.found(3, 300);
        progress.found(4, 400);
        let books = Books {
            files: 3,
            files_read: 2,
            files_known: 1,
            records: 1_200,
            rejected: 7,
            bytes: 200,
            ..Books::default()
        };
        progress.read(&books);
        assert_eq!(progress.bar.length(), Some(400));
        assert_eq!(progress.bar.position(), 200);
        let words = progress.so_far(&books);
        assert!(
            words.starts_with("3 of 4 log files, 1,200 records, "),
            "{words}"
        );
        assert!(words.ends_with("/s, 7 rejected"), "{words}");
    }
}
