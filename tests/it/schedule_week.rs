//! The scheduler through a week: a clock that changes, a crash and its downtime, a late file; and the reports as if nothing had been.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use rolecall::aws::S3Options;
use rolecall::directory::Directory;
use rolecall::ingest::{IngestOptions, ingest};
use rolecall::lake::Lake;
use rolecall::ledger::{KeptRun, runs_of};
use rolecall::policies::Grants;
use rolecall::schedule::{
    Clock, Definitions, Failed, For, Job, Materials, Receivers, ReportDef, Scheduler, Worker,
    first_outdated, make_report, make_unrecorded, read_definitions,
};
use rolecall::source::{Location, Selection, list};
use rolecall::upkeep::resolve_all;
use serde_json::{Value, json};

use super::simulator::Estate;
use super::simulator::estate::log_file;
use super::simulator::load::act_day;
use super::support::{LIMITS, gzip, rolecall, runtime};

/// Half past two does not exist in Berlin on the 29th of March 2026.
const DEFINITIONS: &str = r#"
lake = "lake"
time_zone = "Europe/Berlin"

[ingest]
sources = ["logs"]

[[report]]
name = "nightly"
schedule = "30 2 * * *"
window = "yesterday"
compare = "previous"

[[report.section]]
builtin = "account_review"

[[report.section]]
builtin = "new"
compare = "none"

[[report.section]]
builtin = "juggling"
alert_above = 0

[[report.output]]
format = "markdown"
to = "out/{report}-{date}.md"

[[report.output]]
format = "json"
to = "out/{report}-{date}.json"

[[report.output]]
format = "parquet"
to = "out/{date}/{section}.parquet"

[[report]]
name = "shift"
schedule = "0 6,18 * * *"
window = "since-last-run"
catch_up = 9

[[report.section]]
builtin = "switches"

[[report.section]]
builtin = "origins"
compare = "previous"

[[report.output]]
format = "html"
to = "out/{report}-{date}-{time}.html"
"#;

/// The time that commits bear.
const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A log file and when it comes.
struct Delivery {
    comes: DateTime<Utc>,
    name: String,
    bytes: Vec<u8>,
}

/// A week of an organization's logs; each file comes half an hour after its hour, and one comes two days late.
fn week() -> Vec<Delivery> {
    let mut estate = Estate::new(20_260_326);
    let mut files: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for day in 0..7 {
        let day = at("2026-03-26T00:00:00Z") + TimeDelta::days(day);
        act_day(&mut estate, day, 150, |records| {
            for record in records {
                let name = log_file(&record, 240);
                files.entry(name).or_default().push(record);
            }
        });
    }
    let last_time = |records: &[Value]| {
        let times = records.iter().map(|r| at(r["eventTime"].as_str().unwrap()));
        times.max().unwrap()
    };
    let mut deliveries: Vec<Delivery> = files
        .into_iter()
        .enumerate()
        .map(|(number, (name, records))| Delivery {
            comes: last_time(&records) + TimeDelta::minutes(30),
            bytes: gzip(&serde_json::to_vec(&json!({ "Records": records })).unwrap()),
            name: format!("{name}{number:016}.json.gz"),
        })
        .collect();
    let late = deliveries
        .iter_mut()
        .find(|file| file.comes > at("2026-03-28T09:00:00Z"))
        .unwrap();
    late.comes += TimeDelta::days(3);
    deliveries
}

/// A clock that jumps to where it is wanted, and lets log files come on the way.
struct FakeClock<'f> {
    now: DateTime<Utc>,
    end: DateTime<Utc>,
    /// When somebody sets it back, and by how much; once.
    set_back: Option<(DateTime<Utc>, TimeDelta)>,
    is_killed: std::rc::Rc<std::cell::Cell<bool>>,
    logs: &'f Path,
    deliveries: &'f [Delivery],
}

impl FakeClock<'_> {
    fn deliver(&self) {
        for file in self.deliveries.iter().filter(|file| file.comes <= self.now) {
            let path = self.logs.join(&file.name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &file.bytes).unwrap();
        }
    }
}

impl Clock for FakeClock<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.now
    }

    fn wait_until(&mut self, time: DateTime<Utc>) -> bool {
        assert!(
            time > self.now,
            "it waits for {time}, and it is {}",
            self.now
        );
        self.now = time;
        if let Some((when, by)) = self.set_back
            && self.now >= when
        {
            self.now -= by;
            self.set_back = None;
        }
        self.deliver();
        self.now < self.end
    }

    fn is_stopped(&self) -> bool {
        self.is_killed.get()
    }
}

/// Does the work with the library's own means, and is killed in the middle of one report.
struct FakeWorker<'f> {
    folder: &'f Path,
    /// The period at whose end it dies, with the files written and the ledger not.
    dies_at: Option<DateTime<Utc>>,
    /// The period at whose end it fails, once.
    fails_at: Option<DateTime<Utc>>,
    is_killed: std::rc::Rc<std::cell::Cell<bool>>,
    done: Vec<(String, DateTime<Utc>, bool)>,
}

impl FakeWorker<'_> {
    fn lake(&self) -> Lake {
        Lake::open_or_create(&self.folder.join("lake")).unwrap()
    }
}

impl Worker for FakeWorker<'_> {
    fn work(&mut self, job: Job<'_>) -> Result<(), Failed> {
        let lake = self.lake();
        let (directory, grants) = (Directory::default(), Grants::default());
        let materials = Materials {
            directory: &directory,
            grants: &grants,
            limits: LIMITS,
        };
        match job {
            Job::Ingest => {
                let guard = lake.write(NOW, || ()).unwrap();
                let logs = self.folder.join("logs");
                let location = Location::parse(logs.to_str().unwrap()).unwrap();
                let listing = list(&[location], &Selection::default()).unwrap();
                ingest(&guard, listing, IngestOptions::new(1), &mut |_| ()).unwrap();
                runtime().block_on(resolve_all(&guard, LIMITS)).unwrap();
            }
            Job::Compact => panic!("no schedule asks for it"),
            Job::Report {
                report,
                until,
                is_revision,
            } => {
                let (wanted, aws) = (For::Until(until), S3Options::default());
                let receivers = Receivers {
                    aws: &aws,
                    notifiers: &[],
                    pseudonyms: None,
                    all_pseudonymous: false,
                };
                if self.fails_at == Some(until) {
                    self.fails_at = None;
                    return Err(Failed);
                }
                if self.dies_at == Some(until) && !is_revision {
                    let made = make_unrecorded(&lake, report, wanted, materials, receivers);
                    runtime().block_on(made).unwrap();
                    self.is_killed.set(true);
                    return Err(Failed);
                }
                let made = make_report(&lake, NOW, &|| (), report, wanted, materials, receivers);
                runtime().block_on(made).unwrap();
                self.done.push((report.name.clone(), until, is_revision));
            }
        }
        Ok(())
    }

    fn runs(&mut self, report: &ReportDef) -> Result<Vec<KeptRun>, Failed> {
        let lake = self.lake();
        Ok(runs_of(lake.store(), &lake.snapshot().unwrap(), &report.name).unwrap())
    }

    fn waits_until(&mut self, _: DateTime<Utc>) {}

    fn first_outdated(&mut self, runs: &[KeptRun]) -> Result<Option<usize>, Failed> {
        let (directory, grants) = (Directory::default(), Grants::default());
        let materials = Materials {
            directory: &directory,
            grants: &grants,
            limits: LIMITS,
        };
        let lake = self.lake();
        let outdated = first_outdated(&lake, runs, materials);
        Ok(runtime().block_on(outdated).unwrap())
    }
}

/// Every file below a folder, by its path in it.
fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file())
        .map(|path| {
            let bytes = std::fs::read(&path).unwrap();
            (path.strip_prefix(folder).unwrap().to_owned(), bytes)
        })
        .collect()
}

/// The first lines that differ; of binary files only that they do.
fn first_difference(one: &[u8], other: &[u8]) -> String {
    match (std::str::from_utf8(one), std::str::from_utf8(other)) {
        (Ok(one), Ok(other)) => {
            let mut pairs = one.lines().zip(other.lines());
            pairs
                .find(|(one, other)| one != other)
                .map(|(one, other)| format!("\n{one}\n{other}"))
                .unwrap_or_default()
        }
        _ => "the bytes differ".to_owned(),
    }
}

fn defined_in(folder: &Path) -> Definitions {
    std::fs::create_dir_all(folder.join("logs")).unwrap();
    let path = folder.join("rolecall.toml");
    std::fs::write(&path, DEFINITIONS).unwrap();
    read_definitions(&path).unwrap()
}

#[test]
fn a_week_with_a_crash_a_late_file_and_a_changed_clock_reads_like_seven_quiet_days() {
    let folder = tempfile::tempdir().unwrap();
    let (scheduled, quiet) = (folder.path().join("scheduled"), folder.path().join("quiet"));
    let deliveries = week();

    let definitions = defined_in(&scheduled);
    let is_killed = std::rc::Rc::default();
    let mut worker = FakeWorker {
        folder: &scheduled,
        dies_at: Some(at("2026-03-29T22:00:00Z")),
        fails_at: Some(at("2026-03-31T22:00:00Z")),
        is_killed: std::rc::Rc::clone(&is_killed),
        done: Vec::new(),
    };
    let logs = scheduled.join("logs");
    let mut clock = FakeClock {
        now: at("2026-03-27T01:45:00Z"),
        end: at("2026-04-02T03:59:00Z"),
        set_back: Some((at("2026-04-01T04:00:00Z"), TimeDelta::hours(26))),
        is_killed: std::rc::Rc::clone(&is_killed),
        logs: &logs,
        deliveries: &deliveries,
    };
    clock.deliver();
    Scheduler::new(&definitions).run(&mut clock, &mut worker);
    assert!(is_killed.get(), "it died on the way");
    // A day and a half later somebody starts it again.
    is_killed.set(false);
    worker.dies_at = None;
    clock.now += TimeDelta::hours(36);
    clock.deliver();
    Scheduler::new(&definitions).run(&mut clock, &mut worker);

    // Each run was made once, and some again, since a file came late.
    let mut first_times: Vec<_> = worker.done.iter().filter(|(_, _, again)| !again).collect();
    let count = first_times.len();
    first_times.sort();
    first_times.dedup();
    assert_eq!(first_times.len(), count, "{:?}", worker.done);
    let again: Vec<_> = worker.done.iter().filter(|(_, _, again)| *again).collect();
    assert!(!again.is_empty());
    // The day on which the late file's events lie, by Berlin's clock.
    let day_of_late = ("nightly".to_owned(), at("2026-03-28T23:00:00Z"), true);
    assert!(worker.done.contains(&day_of_late), "{:?}", worker.done);

    // The same week in a lake that had all files from the beginning, each report asked for by itself.
    defined_in(&quiet);
    for file in &deliveries {
        let path = quiet.join("logs").join(&file.name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.bytes).unwrap();
    }
    let mut runs: Vec<(&str, DateTime<Utc>)> = worker
        .done
        .iter()
        .map(|(report, until, _)| (report.as_str(), *until))
        .collect();
    runs.sort();
    runs.dedup();
    let nightly: Vec<_> = runs
        .iter()
        .filter(|(report, _)| *report == "nightly")
        .collect();
    assert_eq!(nightly.len(), 7, "{nightly:?}");
    for (report, until) in &runs {
        // A report of days is asked for by its last day.
        let wanted = match *report {
            "nightly" => (*until - TimeDelta::hours(2)).date_naive().to_string(),
            _ => until.to_rfc3339(),
        };
        let ran = rolecall(&quiet, &["report", "run", report, "--for", &wanted]);
        assert!([0, 4].contains(&ran.code), "{}", ran.shown(folder.path()));
    }
    let (one, other) = (
        files_below(&scheduled.join("out")),
        files_below(&quiet.join("out")),
    );
    assert_eq!(
        one.keys().collect::<Vec<_>>(),
        other.keys().collect::<Vec<_>>()
    );
    for (path, bytes) in &one {
        assert!(
            *bytes == other[path],
            "{}: {}",
            path.display(),
            first_difference(bytes, &other[path])
        );
    }
    // There is something in them.
    let text = String::from_utf8_lossy(&one[Path::new("nightly-2026-03-28.md")]);
    assert!(
        text.contains("Shown is what changed since the run up to 2026-03-28T00:00:00+01:00"),
        "{text}"
    );

    // A report of an old day, once more: the same bytes, and the ledger as it was.
    let before = Lake::open(&quiet.join("lake"))
        .unwrap()
        .snapshot()
        .unwrap()
        .version;
    let ran = rolecall(&quiet, &["report", "run", "nightly", "--for", "2026-03-28"]);
    assert!([0, 4].contains(&ran.code), "{}", ran.shown(folder.path()));
    assert_eq!(files_below(&quiet.join("out")), other);
    let after = Lake::open(&quiet.join("lake"))
        .unwrap()
        .snapshot()
        .unwrap()
        .version;
    assert_eq!(before, after);
}
