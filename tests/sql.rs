//! Runs every `.slt` under `tests/slt` as its own named test, over one lake made from the sample stories
//! and from `tests/records`.
//!
//! A record that begins with `run` asks a query by its name, as the command line does:
//! `run timeline/events principal=alice`. A record that begins with `sessions` or `upkeep` asks a query of that room.
//! `ROLECALL_BLESS=1 cargo test --test sql` fills in the answers; a person reads the difference.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test binary"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::scalar::ScalarValue;
use libtest_mimic::{Arguments, Failed, Trial};
use rolecall::directory::Directory;
use rolecall::engine::EngineLimits;
use rolecall::ingest::{IngestOptions, ingest};
use rolecall::lake::Lake;
use rolecall::queries::ask;
use rolecall::sessions::{FACT_VIEWS, QUERIES};
use rolecall::source::{Location, Selection, list};
use rolecall::upkeep::resolve_all;
use rolecall::views::{OpenLake, open_lake};
use sqllogictest::{DBOutput, DefaultColumnType, Runner};
use tokio::runtime::Runtime;

const LIMITS: EngineLimits = EngineLimits {
    threads: 1,
    memory_bytes: 256 << 20,
};

/// 2026-03-05T00:00:00Z: the day that an `upkeep` record asks about.
const BEFORE: i64 = 1_772_668_800_000_000;
const DAY: i64 = 86_400_000_000;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let runtime = Arc::new(Runtime::new().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let open = Arc::new(build_lake(&runtime, &folder.path().join("lake")));
    let trials = slt_files(Path::new("tests/slt"))
        .into_iter()
        .map(|path| {
            let (runtime, open) = (Arc::clone(&runtime), Arc::clone(&open));
            let name = path.strip_prefix("tests/slt").unwrap().with_extension("");
            Trial::test(name.display().to_string(), move || {
                run_file(&runtime, &open, &path)
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn build_lake(runtime: &Runtime, root: &Path) -> OpenLake {
    let sources = ["sample-logs", "tests/records"].map(|path| Location::parse(path).unwrap());
    let listing = list(&sources, &Selection::default()).unwrap();
    let lake = Lake::open_or_create(root).unwrap();
    let now = "2026-04-01T00:00:00Z".parse().unwrap();
    let guard = lake.write(now, || ()).unwrap();
    ingest(&guard, listing, IngestOptions::new(1), &mut |_| ()).unwrap();
    runtime.block_on(resolve_all(&guard, LIMITS)).unwrap();
    runtime.block_on(async {
        let open = open_lake(&lake, &Directory::default(), LIMITS)
            .await
            .unwrap();
        for (name, sql) in FACT_VIEWS {
            open.engine.register_view(name, sql).unwrap();
        }
        let partial = "SELECT * FROM daily_sessions";
        open.engine.register_view("partial_uses", partial).unwrap();
        open
    })
}

fn slt_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no .slt file was found");
    files
}

fn run_file(runtime: &Arc<Runtime>, open: &Arc<OpenLake>, path: &Path) -> Result<(), Failed> {
    let mut runner = Runner::new(|| async {
        Ok(Adapter {
            runtime: Arc::clone(runtime),
            open: Arc::clone(open),
        })
    });
    runner.with_column_validator(|_, _| true);
    if std::env::var_os("ROLECALL_BLESS").is_some() {
        futures::executor::block_on(runner.update_test_file(
            path,
            "\t",
            sqllogictest::default_validator,
            sqllogictest::default_normalizer,
            |_, _| true,
        ))
        .map_err(|error| Failed::from(error.to_string()))
    } else {
        runner
            .run_file(path)
            .map_err(|error| Failed::from(error.to_string()))
    }
}

/// Takes the same road as the command line.
struct Adapter {
    runtime: Arc<Runtime>,
    open: Arc<OpenLake>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

impl Adapter {
    fn answer(&self, text: &str) -> Result<(usize, Vec<RecordBatch>), Refused> {
        let engine = &self.open.engine;
        let answer = self.runtime.block_on(async {
            if let Some(asked) = text.strip_prefix("run ") {
                let mut words = asked.split_whitespace();
                let name = words.next().unwrap_or_default();
                let given: Vec<(&str, String)> = words
                    .filter_map(|word| word.split_once('='))
                    .map(|(name, value)| (name, value.to_owned()))
                    .collect();
                return ask(engine, name, &given)
                    .await
                    .map_err(|error| error.to_string());
            }
            if let Some(name) = text.strip_prefix("upkeep ") {
                let query = rolecall::upkeep::QUERIES
                    .iter()
                    .find(|(known, _)| *known == name);
                let at =
                    |time| ScalarValue::TimestampMicrosecond(Some(time), Some(Arc::from("UTC")));
                let sql = query.map_or("", |(_, sql)| *sql);
                let params = [
                    ("before", at(BEFORE)),
                    ("since", at(BEFORE)),
                    ("until", at(BEFORE + DAY)),
                ];
                let asked = engine.query("test", sql, &params).await;
                return asked.map_err(chain);
            }
            let named = text.strip_prefix("sessions ").map(|name| {
                QUERIES
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map_or("", |(_, sql)| *sql)
            });
            let params = [("fact", ScalarValue::from("deployments"))];
            engine
                .query("test", named.unwrap_or(text), &params)
                .await
                .map_err(chain)
        });
        let answer = answer.map_err(Refused)?;
        let columns = answer.schema().fields().len();
        let batches = self
            .runtime
            .block_on(answer.collect())
            .map_err(chain)
            .map_err(Refused)?;
        Ok((columns, batches))
    }
}

fn chain(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

impl sqllogictest::DB for Adapter {
    type Error = Refused;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Refused> {
        let (columns, batches) = self.answer(sql.trim())?;
        let mut rows = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                rows.push(
                    batch
                        .columns()
                        .iter()
                        .map(|column| cell(column, row))
                        .collect(),
                );
            }
        }
        Ok(DBOutput::Rows {
            types: vec![DefaultColumnType::Any; columns],
            rows,
        })
    }
}

fn cell(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return "NULL".to_owned();
    }
    if let DataType::List(_) = column.data_type() {
        let items = column.as_list::<i32>().value(row);
        let cells: Vec<String> = (0..items.len())
            .map(|item| cell(items.as_ref(), item))
            .collect();
        return format!("[{}]", cells.join(","));
    }
    let time = Some("%Y-%m-%dT%H:%M:%SZ");
    let options = FormatOptions::new()
        .with_timestamp_format(time)
        .with_timestamp_tz_format(time);
    let text = ArrayFormatter::try_new(column, &options)
        .unwrap()
        .value(row)
        .to_string();
    // The runner splits cells at white space.
    if text.is_empty() {
        "(empty)".to_owned()
    } else {
        text.replace(' ', "_")
    }
}
