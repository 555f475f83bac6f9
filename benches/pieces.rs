//! The hot pieces, one by one, on the logs of a made-up company: what each costs for a byte of JSON or for a record.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    reason = "a program of its own, which ends where it fails"
)]

#[expect(dead_code, reason = "the truth is for the tests")]
#[path = "../tests/simulator/mod.rs"]
mod simulator;

use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::path::Path;

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use rolecall::decode::{DecodeOptions, Record, RecordSink, Rejected, decode_log_file};
use rolecall::engine::EngineLimits;
use rolecall::events::{EVENTS, Rows, Settled, append_event, by_event, settle, write_events};
use rolecall::ingest::{IngestOptions, ingest};
use rolecall::lake::{Lake, RowBuilder};
use rolecall::sessions::resolve;
use rolecall::source::{Location, Selection, list};
use simulator::{Estate, load};

const RECORDS: usize = 20_000;

/// Log files of some hundred records each, as text.
fn log_files() -> Vec<Vec<u8>> {
    let mut estate = Estate::new(5);
    let mut records = Vec::new();
    load::act_day(&mut estate, day(), RECORDS, |acted| records.extend(acted));
    let files = records.chunks(300);
    let texts = files.map(|some| serde_json::to_vec(&serde_json::json!({ "Records": some })));
    texts.map(Result::unwrap).collect()
}

fn day() -> DateTime<Utc> {
    "2026-05-04T00:00:00Z".parse().unwrap()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

struct Count(u64);

impl RecordSink for Count {
    fn record(&mut self, _: u64, record: &Record<'_>) {
        black_box(record);
        self.0 += 1;
    }
    fn rejected(&mut self, _: Rejected) {}
}

struct Build(RowBuilder);

impl RecordSink for Build {
    fn record(&mut self, index: u64, record: &Record<'_>) {
        let key = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/05/04/111122223333_CloudTrail_us-east-1_20260504T0000Z_x.json.gz";
        append_event(&mut self.0, record, key, index, true);
    }
    fn rejected(&mut self, _: Rejected) {}
}

fn batches(files: &[Vec<u8>]) -> Vec<RecordBatch> {
    let mut build = Build(RowBuilder::new(EVENTS));
    let some = files.chunks(16).map(|files| {
        for text in files {
            decode_log_file(text.as_slice(), DecodeOptions::default(), &mut build);
        }
        build.0.take().unwrap()
    });
    some.collect()
}

fn settled(batches: &[RecordBatch]) -> Settled {
    let rows = &Rows::new(batches);
    let mut settled = Settled::default();
    for copies in by_event(rows).values() {
        settle(rows, copies, &mut settled);
    }
    settled
}

fn take_in(lake: &Lake, logs: &Path) {
    let location = Location::parse(logs.to_str().unwrap()).unwrap();
    let listing = list(&[location], &Selection::default()).unwrap();
    let guard = lake.write(day(), || ()).unwrap();
    ingest(&guard, listing, IngestOptions::new(2), &mut |_| ()).unwrap();
}

fn pieces(criterion: &mut Criterion) {
    let files = log_files();
    let packed: Vec<Vec<u8>> = files.iter().map(|text| gzip(text)).collect();
    let bytes = files.iter().map(Vec::len).sum::<usize>() as u64;

    let mut group = criterion.benchmark_group("of a byte of JSON");
    group.throughput(Throughput::Bytes(bytes)).sample_size(20);
    group.bench_function("inflate", |bench| {
        let mut text = Vec::new();
        bench.iter(|| {
            for file in &packed {
                text.clear();
                MultiGzDecoder::new(file.as_slice())
                    .read_to_end(&mut text)
                    .unwrap();
            }
        });
    });
    group.bench_function("inflate and decode", |bench| {
        bench.iter(|| {
            let mut count = Count(0);
            for file in &packed {
                decode_log_file(file.as_slice(), DecodeOptions::default(), &mut count);
            }
            assert!(count.0 >= RECORDS as u64);
        });
    });
    group.bench_function("inflate, decode and build", |bench| {
        bench.iter(|| batches(&packed));
    });
    group.finish();

    let rows = batches(&files);
    let mut group = criterion.benchmark_group("of a record");
    group
        .throughput(Throughput::Elements(RECORDS as u64))
        .sample_size(20);
    group.bench_function("settle copies", |bench| bench.iter(|| settled(&rows)));
    let keep = settled(&rows).keep;
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open_or_create(&folder.path().join("lake")).unwrap();
    group.bench_function("sort and write", |bench| {
        let guard = lake.write(day(), || ()).unwrap();
        let held = Rows::new(&rows);
        bench.iter(|| write_events(&guard, &held, &keep, 1).unwrap());
    });

    for (at, text) in packed.iter().enumerate() {
        std::fs::create_dir_all(folder.path().join("logs")).unwrap();
        let name = format!("logs/{at}.json.gz");
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let logs = folder.path().join("logs");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let limits = EngineLimits {
        threads: 2,
        memory_bytes: 512 << 20,
    };
    group.bench_function("resolve", |bench| {
        bench.iter_batched(
            || {
                let folder = tempfile::tempdir().unwrap();
                let lake = Lake::open_or_create(folder.path()).unwrap();
                take_in(&lake, &logs);
                (folder, lake)
            },
            |(folder, lake)| {
                let guard = lake.write(day(), || ()).unwrap();
                runtime.block_on(resolve(&guard, limits)).unwrap();
                drop(guard);
                (folder, lake)
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, pieces);
criterion_main!(benches);
