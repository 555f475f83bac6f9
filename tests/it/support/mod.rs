//! What the tests share.

pub mod records;
pub mod s3;

use std::path::{Path, PathBuf};
use std::process::Command;

use rolecall::directory::Directory;
use rolecall::engine::EngineLimits;
use rolecall::ingest::{Books, IngestOptions, ingest};
use rolecall::lake::{Lake, LakeTable, Store, read_columns};
use rolecall::source::{Location, Selection, list};
use rolecall::upkeep::resolve_all;
use rolecall::views::open_lake;
use serde_json::Value;

pub const LIMITS: EngineLimits = EngineLimits {
    threads: 1,
    memory_bytes: 256 << 20,
};

/// A folder for log files and a lake beside it.
pub struct TempLake {
    pub folder: tempfile::TempDir,
}

impl TempLake {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("logs")).unwrap();
        Self { folder }
    }

    /// A lake with these records, one log file each run of `records`, resolved.
    pub fn of(records: &[Value]) -> Self {
        let lake = Self::new();
        lake.put("a.json", &records::records_file(records));
        lake.ingest();
        lake
    }

    pub fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.logs().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Ingests and resolves everything in the folder.
    pub fn ingest(&self) -> Books {
        self.ingest_from(&[&self.logs()])
    }

    /// Ingests everything in the folder, and leaves the sessions as they are.
    pub fn ingest_unresolved(&self) -> Books {
        self.take(&[&self.logs()], IngestOptions::new(2), false)
    }

    /// Ingests and resolves everything in the folder, in other portions than usual.
    pub fn ingest_in(&self, options: IngestOptions) -> Books {
        self.take(&[&self.logs()], options, true)
    }

    pub fn ingest_from(&self, sources: &[&Path]) -> Books {
        self.take(sources, IngestOptions::new(2), true)
    }

    fn take(&self, sources: &[&Path], options: IngestOptions, then_resolve: bool) -> Books {
        let sources: Vec<Location> = sources
            .iter()
            .map(|path| Location::parse(path.to_str().unwrap()).unwrap())
            .collect();
        let listing = list(&sources, &Selection::default()).unwrap();
        let lake = Lake::open_or_create(&self.root()).unwrap();
        let now = "2026-04-01T00:00:00Z".parse().unwrap();
        let guard = lake.write(now, || ()).unwrap();
        let books = ingest(&guard, listing, options, &mut |_| ()).unwrap();
        if then_resolve {
            runtime().block_on(resolve_all(&guard, LIMITS)).unwrap();
        }
        books
    }

    /// Rows of a question as JSON objects.
    pub fn sql(&self, sql: &str) -> Vec<Value> {
        let lake = Lake::open(&self.root()).unwrap();
        rows(&runtime().block_on(async {
            let open = open_lake(&lake, &Directory::default(), LIMITS)
                .await
                .unwrap();
            let answer = open.engine.query("test", sql, &[]).await.unwrap();
            answer.collect().await.unwrap()
        }))
    }

    /// Rows of one of our own queries, without parameters.
    pub fn ask(&self, query: &str) -> Vec<Value> {
        let lake = Lake::open(&self.root()).unwrap();
        rows(&runtime().block_on(async {
            let open = open_lake(&lake, &Directory::default(), LIMITS)
                .await
                .unwrap();
            let answer = rolecall::queries::ask(&open.engine, query, &[])
                .await
                .unwrap();
            answer.collect().await.unwrap()
        }))
    }

    /// The rows of `sessions` as they lie in their files, sorted; much cheaper than a question.
    pub fn sessions(&self) -> Vec<String> {
        rows_in_files(&Lake::open(&self.root()).unwrap(), LakeTable::Sessions)
    }

    /// The texts of an answer of one column.
    pub fn column(&self, sql: &str) -> Vec<String> {
        let texts = |row: &Value| {
            let values = row.as_object().unwrap().values();
            values
                .map(|value| value.as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        self.sql(sql).iter().flat_map(texts).collect()
    }

    /// One value of one row.
    pub fn value(&self, sql: &str) -> Value {
        let rows = self.sql(sql);
        assert_eq!(rows.len(), 1, "{sql}");
        rows[0]
            .as_object()
            .unwrap()
            .values()
            .next()
            .unwrap()
            .clone()
    }

    /// Every table as sorted lines of JSON, without the time of ingest and the folder of the log files.
    pub fn tables(&self) -> Vec<String> {
        tables_in(&self.root())
    }

    /// The books of the whole lake balance, file by file and table by table.
    pub fn assert_books_balance(&self) {
        let unbalanced = self.sql(
            "SELECT * FROM log_files WHERE records <> events + duplicates + rejected OR events < 0 OR duplicates < 0 OR rejected < 0",
        );
        assert_eq!(unbalanced, Vec::<Value>::new());
        for (sum, table) in [
            ("sum(events)", "events"),
            ("sum(duplicates)", "duplicates"),
            (
                "sum(rejected)",
                "rejected WHERE log_record_index IS NOT NULL",
            ),
        ] {
            let counted = self.value(&format!("SELECT coalesce({sum}, 0) AS n FROM log_files"));
            let rows = self.value(&format!("SELECT count(*) AS n FROM {table}"));
            assert_eq!(counted, rows, "{table}");
        }
    }
}

/// Copies a folder with all below it; one that is not there gives none.
pub fn copy_folder(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from)
        .into_iter()
        .filter_map(Result::ok)
    {
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(target).unwrap();
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every table of a lake, without what depends on when and from where a run took its files.
pub fn tables_in(root: &Path) -> Vec<String> {
    tables_of(&Store::new(root))
}

/// The same of a lake wherever it lies.
pub fn tables_of(store: &Store) -> Vec<String> {
    let lake = Lake::open_in(store.clone()).unwrap();
    // `event_ids` only helps to find copies, and may hold ids of events that are gone.
    let tables = LakeTable::ALL
        .into_iter()
        .filter(|table| *table != LakeTable::EventIds);
    tables
        .flat_map(|table| {
            let rows = rows_in_files(&lake, table).into_iter();
            rows.map(move |row| format!("{} {row}", table.name()))
        })
        .collect()
}

/// The rows of a table as they lie in their files, sorted.
fn rows_in_files(lake: &Lake, table: LakeTable) -> Vec<String> {
    let manifest = lake.snapshot().unwrap();
    let mut lines = Vec::new();
    for file in manifest.files(table) {
        let found = read_columns(lake.store(), file, None).unwrap();
        let batches: Vec<_> = found.map(|batch| batch.unwrap()).collect();
        for mut row in rows(&batches) {
            let row = row.as_object_mut().unwrap();
            row.remove("ingested_at");
            row.remove("source_uri");
            if let Some(date) = file.date {
                row.insert("date".to_owned(), date.to_string().into());
            }
            lines.push(serde_json::to_string(row).unwrap());
        }
    }
    lines.sort();
    lines
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// What the command printed and how it ended.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the command as a user would, with nothing of this machine's environment.
pub fn rolecall(folder: &Path, arguments: &[&str]) -> Ran {
    rolecall_with(folder, arguments, &[])
}

/// The same with an environment.
pub fn rolecall_with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_rolecall"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("TMPDIR", std::env::temp_dir())
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// Exit code, stdout and stderr in one text, with the temporary folder's name and how long reading took taken out.
    pub fn shown(&self, folder: &Path) -> String {
        let words = self.stderr.lines().map(|line| {
            let read = line.starts_with("read ") && line.ends_with(" a second");
            let cut = line.split_once(" in ").filter(|_| read);
            cut.map_or(line.to_owned(), |(what, _)| format!("{what} in TIME")) + "\n"
        });
        let text = format!(
            "exit {}\n--- stdout\n{}--- stderr\n{}",
            self.code,
            self.stdout,
            words.collect::<String>()
        );
        text.replace(folder.to_str().unwrap(), "FOLDER")
    }
}

/// The project's folder.
pub fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn rows(batches: &[arrow::array::RecordBatch]) -> Vec<Value> {
    let mut bytes = Vec::new();
    let mut writer = arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow::json::writer::LineDelimited>(&mut bytes);
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap();
    String::from_utf8(bytes)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
