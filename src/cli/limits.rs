//! What one log file may hold, as flags.

use bytesize::ByteSize;
use clap::Args;

use super::World;
use crate::decode::Limits;
use crate::ingest::IngestOptions;

/// Limits that keep a hostile or broken file from taking all memory and time
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits of a log file")]
pub(super) struct LimitArgs {
    /// Text that a gzip file may unpack to; what is behind it is not read
    #[arg(long, value_name = "SIZE", default_value = "4GiB")]
    max_inflated: ByteSize,
    /// Records of one file; those behind them are not read
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().records)]
    max_records: u64,
    /// Text of one record; a longer one is rejected
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    max_record: ByteSize,
    /// One string in a record; a record with a longer one is rejected
    #[arg(long, value_name = "SIZE", default_value = "8MiB")]
    max_string: ByteSize,
    /// How deep the objects and lists of a record may stand in one another
    #[arg(long, value_name = "DEPTH", default_value_t = Limits::default().nesting)]
    max_nesting: usize,
    /// Read files again of which something was rejected, for example after a limit was raised
    #[arg(long)]
    retry_rejected: bool,
}

impl LimitArgs {
    pub(super) fn options(&self, world: &World) -> IngestOptions {
        let size = |size: ByteSize| usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
        let mut options = IngestOptions::new(world.threads);
        options.retry_rejected = self.retry_rejected;
        options.decode.limits = Limits {
            inflated_bytes: self.max_inflated.as_u64(),
            records: self.max_records,
            record_bytes: size(self.max_record),
            string_bytes: size(self.max_string),
            nesting: self.max_nesting,
        };
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        limits: LimitArgs,
    }

    #[test]
    fn the_defaults_are_those_of_the_decoder() {
        let flags = Flags::parse_from(["test"]).limits;
        let limits = Limits::default();
        assert_eq!(flags.max_inflated.as_u64(), limits.inflated_bytes);
        assert_eq!(flags.max_record.as_u64(), limits.record_bytes as u64);
        assert_eq!(flags.max_string.as_u64(), limits.string_bytes as u64);
    }
}
