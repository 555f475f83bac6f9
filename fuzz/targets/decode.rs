//! Any bytes as a log file, plain and packed: no panic, the books balance, and each row gives its record back.
#![no_main]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use rolecall::decode::{DecodeOptions, RAW_LIMIT, Record, RecordSink, Rejected, decode_log_file};
use rolecall::events::{EVENTS, append_event, canonical_json, rebuild_record};
use rolecall::lake::RowBuilder;
use serde_json::value::RawValue;

struct Rows {
    builder: RowBuilder,
    taken: u64,
    rejected: u64,
}

impl RecordSink for Rows {
    fn record(&mut self, index: u64, record: &Record<'_>) {
        self.taken += 1;
        append_event(&mut self.builder, record, "key", index, true);
    }

    fn rejected(&mut self, rejected: Rejected) {
        self.rejected += u64::from(rejected.index.is_some());
        let raw = rejected.raw.as_ref().map_or(0, String::len);
        // What is no UTF-8 grows by its replacement characters, and a masked value by its mask.
        assert!(raw <= 4 * RAW_LIMIT, "{raw} bytes of raw text are kept");
    }
}

fn decode(bytes: &[u8]) -> (u64, u64) {
    let mut rows = Rows {
        builder: RowBuilder::new(EVENTS),
        taken: 0,
        rejected: 0,
    };
    let decoded = decode_log_file(bytes, DecodeOptions::default(), &mut rows);
    assert_eq!(
        decoded.records,
        rows.taken + rows.rejected,
        "the books balance"
    );
    let batch = rows.builder.take().expect("rows of one schema");
    for row in 0..batch.num_rows() {
        let record = rebuild_record(&batch, row);
        let parsed: Result<&RawValue, _> = serde_json::from_str(&record);
        assert!(parsed.is_ok(), "a row gives JSON back: {record}");
        let canonical = canonical_json(&record);
        assert_eq!(
            canonical_json(&canonical),
            canonical,
            "canonical JSON is canonical"
        );
    }
    (rows.taken, rows.rejected)
}

fuzz_target!(|bytes: &[u8]| {
    let plain = decode(bytes);
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return;
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).expect("memory");
    let packed = packed.finish().expect("memory");
    assert_eq!(decode(&packed), plain, "packed or not, it is the same file");
});
