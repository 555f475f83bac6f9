//! Writes the logs of an organization of any size: the same seed and size, the same files.
//!
//! `cargo run --release --example workload -- --out /tmp/logs --events 1000000 --days 10`. Ten million events take some minutes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    reason = "a program of its own, which ends where it fails"
)]

#[expect(dead_code, reason = "the truth is for the tests")]
#[path = "../../tests/simulator/mod.rs"]
mod simulator;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use flate2::Compression;
use flate2::write::GzEncoder;

use simulator::Estate;
use simulator::estate::log_file;
use simulator::load::act_day;

/// Write the logs of a made-up organization
#[derive(Debug, Parser)]
struct Args {
    /// Folder to write to
    #[arg(long)]
    out: PathBuf,
    /// Records in all, about
    #[arg(long, default_value_t = 100_000)]
    events: usize,
    /// Days that they are spread over
    #[arg(long, default_value_t = 1)]
    days: usize,
    /// The first of them
    #[arg(long, default_value = "2026-05-04")]
    from: chrono::NaiveDate,
    /// Companies of three accounts each; the second is half as busy as the first, the third a third as much
    #[arg(long, default_value_t = 4)]
    companies: usize,
    /// Minutes after which an account's region gets a new file
    #[arg(long, default_value_t = 5)]
    minutes: u32,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn main() {
    let args = Args::parse();
    let begun = std::time::Instant::now();
    let (next, written) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..args.threads {
            scope.spawn(|| {
                loop {
                    let unit = next.fetch_add(1, Ordering::Relaxed);
                    if unit >= args.days * args.companies {
                        return;
                    }
                    let records = write_unit(&args, unit / args.companies, unit % args.companies);
                    written.fetch_add(records, Ordering::Relaxed);
                }
            });
        }
    });
    let (records, seconds) = (written.into_inner(), begun.elapsed().as_secs_f64());
    eprintln!(
        "{records} records in {seconds:.1} s, {:.0} a second",
        records as f64 / seconds
    );
}

/// One company's day.
fn write_unit(args: &Args, day: usize, company: usize) -> usize {
    let shares: f64 = (1..=args.companies).map(|n| 1.0 / n as f64).sum();
    let share = 1.0 / (company + 1) as f64 / shares;
    let wanted = args.events as f64 / args.days as f64 * share;
    let identities = args.seed * 1_000 + company as u64;
    let of_day = identities * 10_000 + day as u64;
    let mut estate = Estate::new(of_day).with_identities(identities);
    let begin: DateTime<Utc> = args.from.and_time(chrono::NaiveTime::MIN).and_utc()
        + TimeDelta::days(i64::try_from(day).unwrap());
    let names = Names::of(company);
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut records = 0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of records"
    )]
    act_day(&mut estate, begin, wanted as usize, |acted| {
        for record in acted {
            records += 1;
            let text = names.of_company(&serde_json::to_string(&record).unwrap());
            let key = names.of_company(&log_file(&record, args.minutes));
            let file = files
                .entry(key)
                .or_insert_with(|| b"{\"Records\":[".to_vec());
            if file.last() == Some(&b'}') {
                file.push(b',');
            }
            file.extend_from_slice(text.as_bytes());
        }
    });
    for (key, mut text) in files {
        text.extend_from_slice(b"]}");
        let path = args.out.join(format!("{key}{of_day:016}.json.gz"));
        write_file(&path, &text);
    }
    records
}

fn write_file(path: &Path, text: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut gzip = GzEncoder::new(file, Compression::default());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap();
}

/// What the scenes' accounts and domains are called in a company.
struct Names {
    finder: aho_corasick::AhoCorasick,
    own: Vec<String>,
}

impl Names {
    fn of(company: usize) -> Self {
        use simulator::estate::{MANAGEMENT, PRODUCTION, SHOP};
        let scenes = [
            MANAGEMENT,
            PRODUCTION,
            SHOP,
            "@corp.example",
            "@example.com",
        ];
        let own = scenes.map(|name| match name.strip_prefix('@') {
            Some(domain) => format!("@c{company}.{domain}"),
            None => format!("{}{company:04}", &name[..8]),
        });
        Self {
            finder: aho_corasick::AhoCorasick::new(scenes).unwrap(),
            own: own.to_vec(),
        }
    }

    fn of_company(&self, text: &str) -> String {
        self.finder.replace_all(text, &self.own)
    }
}
