//! Puts sorted files of `events` together, column by column: of one column some thousand values of each file are in memory, of a row never
//! all columns.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, new_null_array};
use arrow::compute::{cast, interleave};
use arrow::datatypes::{Field, SchemaRef, TimestampMicrosecondType};
use parquet::errors::ParquetError;

use super::lookup::{ID, TIME};
use super::parquet_columns::{ColumnFile, Slices};
use super::parquet_file::{FileLayout, ROW_GROUP_ROWS};
use super::parquet_rows::{FileRows, Signposts, read_columns, text_at};
use super::{DataFile, LakeError, LakeTable, Store, WriteGuard};

/// Bytes of a new file that are encoded in one go, about: the more, the fewer pages are read twice.
const AT_ONCE: u64 = 48 << 20;
/// Of small rows no more than these, since which file each of them comes from is held.
const MOST_GROUPS: usize = 8;
/// Of large ones no less: a row group should be worth its place in the footer.
const LEAST_ROWS: usize = 1024;

/// Columns that are read at once: each file is open once for each of them, and a process may have few files open.
const MOST_THREADS: usize = 8;
/// Text of one column that is gathered at once stays below what one array can hold.
const MOST_BYTES: usize = 1 << 30;

/// Writes the rows of `files`, each of them sorted by (`event_time`, `event_id`), in that order to new files, which end where they
/// have `target` bytes. `None` where values are so large that `memory_bytes` might not do, however they lie.
pub fn merge_events(
    guard: &WriteGuard<'_>,
    files: &[DataFile],
    schema: &SchemaRef,
    layout: FileLayout,
    target: u64,
    threads: usize,
    memory_bytes: usize,
) -> Result<Option<Vec<DataFile>>, LakeError> {
    let threads = threads.clamp(1, MOST_THREADS);
    let store = guard.store();
    let sources = files.iter().map(|file| Source::open(store, file));
    let sources = sources.collect::<Result<Vec<_>, _>>()?;
    if most_bytes(&sources) > MOST_BYTES.min(memory_bytes / threads) {
        return Ok(None);
    }
    let merging = Merging {
        schema,
        layout,
        target,
        threads,
        at_once: rows_at_once(files, AT_ONCE.min(target)),
    };
    merging.write(guard, sources).map(Some)
}

/// Bytes of the values of one column that can be in memory at once: no batch has more than the row group it is of.
fn most_bytes(sources: &[Source<'_>]) -> usize {
    let mut columns: Vec<usize> = Vec::new();
    for source in sources {
        for (at, bytes) in source.signposts.most_bytes().into_iter().enumerate() {
            match columns.get_mut(at) {
                Some(sum) => *sum = sum.saturating_add(bytes),
                None => columns.push(bytes),
            }
        }
    }
    columns.into_iter().max().unwrap_or_default()
}

/// How files are put together.
struct Merging<'a> {
    schema: &'a SchemaRef,
    layout: FileLayout,
    /// Bytes after which a new file is begun.
    target: u64,
    threads: usize,
    /// Rows that are encoded in one go.
    at_once: usize,
}

impl Merging<'_> {
    fn write(
        &self,
        guard: &WriteGuard<'_>,
        mut sources: Vec<Source<'_>>,
    ) -> Result<Vec<DataFile>, LakeError> {
        let store = guard.store();
        let date = sources.first().and_then(|source| source.file.date);
        let mut turns = Turns::begin(store, &sources)?;
        let begin = || {
            let schema = Arc::clone(self.schema);
            ColumnFile::create(guard, LakeTable::Events, date, schema, self.layout)
        };
        let mut written = Vec::new();
        let mut open: Option<(ColumnFile, i64, i64)> = None;
        loop {
            let next = turns.take(self.at_once)?;
            let Some((first, last)) = next.times else {
                break;
            };
            let (mut file, first) = match open.take() {
                Some((file, first, _)) => (file, first),
                None => (begin()?, first),
            };
            file.write(next.sources.len(), self.threads, &|column| {
                let field = self.schema.field(column);
                merged(store, &sources, field, &next.sources).map_err(within)
            })?;
            for source in &next.sources {
                if let Some(source) = sources.get_mut(*source) {
                    source.done += 1;
                }
            }
            if file.bytes() >= self.target {
                written.push(file.finish(Some((first, last)))?);
            } else {
                open = Some((file, first, last));
            }
        }
        if let Some((file, first, last)) = open {
            written.push(file.finish(Some((first, last)))?);
        }
        Ok(written)
    }
}

/// Rows of which so many bytes come: whole row groups, unless a single one has more.
fn rows_at_once(files: &[DataFile], bytes: u64) -> usize {
    let rows: u64 = files.iter().map(|file| file.rows).sum();
    let size: u64 = files.iter().map(|file| file.size).sum();
    let rows = u128::from(rows) * u128::from(bytes) / u128::from(size.max(1));
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    if rows < ROW_GROUP_ROWS {
        return rows.max(LEAST_ROWS);
    }
    (rows / ROW_GROUP_ROWS).min(MOST_GROUPS) * ROW_GROUP_ROWS
}

/// A file whose rows are merged.
struct Source<'f> {
    file: &'f DataFile,
    signposts: Signposts,
    /// How many of its rows are written.
    done: usize,
}

impl<'f> Source<'f> {
    fn open(store: &Store, file: &'f DataFile) -> Result<Self, LakeError> {
        Ok(Self {
            file,
            signposts: Signposts::of(store, file)?,
            done: 0,
        })
    }
}

/// Whose row comes next, by time and id.
struct Turns {
    files: Vec<Keys>,
    next: BinaryHeap<Reverse<(i64, String, usize)>>,
}

/// The next rows.
struct Next {
    /// The places of the files that they come from.
    sources: Vec<usize>,
    /// The times of the first and of the last; none where no row is left.
    times: Option<(i64, i64)>,
}

impl Turns {
    fn begin(store: &Store, sources: &[Source<'_>]) -> Result<Self, LakeError> {
        let mut turns = Self {
            files: Vec::with_capacity(sources.len()),
            next: BinaryHeap::new(),
        };
        for (at, source) in sources.iter().enumerate() {
            turns.files.push(Keys {
                rows: read_columns(store, source.file, Some(&[TIME, ID]))?,
                batch: None,
                at: 0,
            });
            turns.step(at)?;
        }
        Ok(turns)
    }

    fn step(&mut self, at: usize) -> Result<(), LakeError> {
        if let Some(keys) = self.files.get_mut(at)
            && let Some((time, id)) = keys.next()?
        {
            self.next.push(Reverse((time, id, at)));
        }
        Ok(())
    }

    fn take(&mut self, most: usize) -> Result<Next, LakeError> {
        let mut next = Next {
            sources: Vec::new(),
            times: None,
        };
        while next.sources.len() < most {
            let Some(Reverse((time, _, at))) = self.next.pop() else {
                break;
            };
            next.sources.push(at);
            next.times = Some((next.times.map_or(time, |(first, _)| first), time));
            self.step(at)?;
        }
        Ok(next)
    }
}

/// Times and ids of a file, row by row.
struct Keys {
    rows: FileRows,
    batch: Option<RecordBatch>,
    at: usize,
}

impl Keys {
    fn next(&mut self) -> Result<Option<(i64, String)>, LakeError> {
        loop {
            if let Some(batch) = self
                .batch
                .as_ref()
                .filter(|batch| self.at < batch.num_rows())
            {
                let times = batch.column_by_name(TIME);
                let times = times.and_then(|t| t.as_primitive_opt::<TimestampMicrosecondType>());
                let ids = batch.column_by_name(ID);
                let id = ids.and_then(|ids| text_at(ids, self.at));
                let Some((times, id)) = times.zip(id) else {
                    let without = format!("an event without `{TIME}` or `{ID}`");
                    return Err(LakeError::Parquet {
                        path: self.rows.path().to_owned(),
                        source: ParquetError::General(without),
                    });
                };
                let key = (times.value(self.at), id.to_owned());
                self.at += 1;
                return Ok(Some(key));
            }
            self.at = 0;
            self.batch = self.rows.next().transpose()?;
            if self.batch.is_none() {
                return Ok(None);
            }
        }
    }
}

/// The rows of one column of all sources, in the order in which it is their turn.
fn merged<'s>(
    store: &Store,
    sources: &'s [Source<'s>],
    field: &'s Field,
    turns: &'s [usize],
) -> Result<Slices<'s>, LakeError> {
    let mut counts = vec![0; sources.len()];
    for turn in turns {
        if let Some(count) = counts.get_mut(*turn) {
            *count += 1;
        }
    }
    let mut feeds = Vec::with_capacity(sources.len());
    for (source, count) in sources.iter().zip(counts) {
        let rows = source.done..source.done + count;
        let rows = if rows.is_empty() {
            None
        } else {
            let signposts = &source.signposts;
            signposts.column(store, source.file, field.name(), rows)?
        };
        feeds.push(Feed {
            rows,
            left: count,
            array: None,
            at: 0,
        });
    }
    let mut turns = turns.iter();
    Ok(Box::new(move |count| {
        let mut arrays: Vec<ArrayRef> = Vec::new();
        let mut places = Vec::with_capacity(count);
        // Where among the arrays the one stands that a file's rows come from just now.
        let mut current: Vec<Option<usize>> = vec![None; feeds.len()];
        for turn in turns.by_ref().take(count) {
            let (Some(feed), Some(current)) = (feeds.get_mut(*turn), current.get_mut(*turn)) else {
                continue;
            };
            if feed.is_at_end() {
                feed.refill(field).map_err(within)?;
                *current = None;
            }
            let place = *current.get_or_insert_with(|| {
                arrays.extend(feed.array.clone());
                arrays.len() - 1
            });
            places.push((place, feed.at));
            feed.at += 1;
        }
        if arrays.iter().all(|array| array.null_count() == array.len()) {
            return Ok(new_null_array(field.data_type(), places.len()));
        }
        let arrays: Vec<&dyn arrow::array::Array> = arrays.iter().map(|array| &**array).collect();
        Ok(interleave(&arrays, &places)?)
    }))
}

/// What went wrong with a source, told by whoever writes.
fn within(error: LakeError) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// The rows of one column of one source.
struct Feed {
    /// None where the file is older than the column.
    rows: Option<FileRows>,
    left: usize,
    array: Option<ArrayRef>,
    at: usize,
}

impl Feed {
    fn is_at_end(&self) -> bool {
        self.array
            .as_ref()
            .is_none_or(|array| self.at >= array.len())
    }

    fn refill(&mut self, field: &Field) -> Result<(), LakeError> {
        self.at = 0;
        let Some(rows) = &mut self.rows else {
            self.array = Some(new_null_array(field.data_type(), self.left));
            return Ok(());
        };
        let batch = rows
            .next()
            .transpose()?
            .filter(|batch| batch.num_rows() > 0);
        let failed = |source| LakeError::Parquet {
            path: rows.path().to_owned(),
            source,
        };
        let Some(array) = batch.as_ref().and_then(|batch| batch.columns().first()) else {
            let short = format!("`{}` has fewer rows than the file", field.name());
            return Err(failed(ParquetError::EOF(short)));
        };
        self.left = self.left.saturating_sub(array.len());
        self.array = Some(if array.data_type() == field.data_type() {
            Arc::clone(array)
        } else {
            cast(array, field.data_type()).map_err(|source| failed(source.into()))?
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray, TimestampMicrosecondArray};
    use arrow::datatypes::{DataType, Schema};
    use chrono::NaiveDate;

    use super::*;
    use crate::lake::{Column, ColumnType, Lake, TableWriter, schema_of};

    const LAYOUT: FileLayout = FileLayout {
        bloom_filters: &[],
        distinct: &[],
        without_order: &[],
        sorted: Some(TIME),
    };

    const COLUMNS: &[Column] = &[
        Column::required(TIME, ColumnType::Time, "when"),
        Column::required(ID, ColumnType::Text, "which"),
        Column::new("count", ColumnType::Int, "a number, or none"),
        Column::new("empty", ColumnType::Text, "nothing"),
        Column::new("younger", ColumnType::Text, "what not all files have"),
    ];

    /// Rows of one file: every `step`th second, with an id that falls where the time stays.
    fn rows(file: usize, count: i64, step: i64) -> Vec<(i64, String)> {
        let mut rows: Vec<_> = (0..count)
            .map(|at| (at / 3 * step, format!("{:04}-{file}", 9_999 - at % 3)))
            .collect();
        rows.sort();
        rows
    }

    fn write(guard: &WriteGuard<'_>, rows: &[(i64, String)], has_younger: bool) -> DataFile {
        let whole = schema_of(COLUMNS);
        let fields = whole.fields().iter().take(if has_younger { 5 } else { 4 });
        let schema = Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()));
        let date = NaiveDate::from_ymd_opt(2026, 3, 2);
        let mut writer =
            TableWriter::create(guard, LakeTable::Events, date, Arc::clone(&schema), LAYOUT)
                .unwrap();
        let times: TimestampMicrosecondArray = rows.iter().map(|(time, _)| Some(*time)).collect();
        let ids: StringArray = rows.iter().map(|(_, id)| Some(id)).collect();
        let counts: Int64Array = rows
            .iter()
            .map(|(time, _)| (time % 2 == 0).then_some(*time))
            .collect();
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(times.with_timezone("UTC")),
            Arc::new(ids.clone()),
            Arc::new(counts),
            Arc::new(StringArray::new_null(rows.len())),
        ];
        if has_younger {
            columns.push(Arc::new(ids));
        }
        writer
            .write(&RecordBatch::try_new(schema, columns).unwrap())
            .unwrap();
        writer.finish().unwrap()
    }

    /// Time, id, number and the younger column of every row, in order.
    fn told(
        guard: &WriteGuard<'_>,
        files: &[DataFile],
    ) -> Vec<(i64, String, Option<i64>, Option<String>)> {
        let mut told = Vec::new();
        for file in files {
            let before = told.len();
            for batch in read_columns(guard.store(), file, None).unwrap() {
                let batch = batch.unwrap();
                assert_eq!(batch.schema().fields(), schema_of(COLUMNS).fields());
                let times = batch.column(0).as_primitive::<TimestampMicrosecondType>();
                let counts = batch
                    .column(2)
                    .as_primitive::<arrow::datatypes::Int64Type>();
                assert_eq!(batch.column(3).data_type(), &DataType::Utf8);
                assert_eq!(batch.column(3).null_count(), batch.num_rows());
                for row in 0..batch.num_rows() {
                    told.push((
                        times.value(row),
                        text_at(batch.column(1), row).unwrap().to_owned(),
                        counts.is_valid(row).then(|| counts.value(row)),
                        text_at(batch.column(4), row).map(str::to_owned),
                    ));
                }
            }
            assert_eq!((told.len() - before) as u64, file.rows);
            let times = file.min_time.zip(file.max_time).unwrap();
            assert_eq!(times, (told[before].0, told[told.len() - 1].0));
        }
        told
    }

    #[test]
    fn the_rows_of_all_files_come_in_one_order_and_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open_or_create(&folder.path().join("lake")).unwrap();
        let guard = lake.write(chrono::DateTime::UNIX_EPOCH, || ()).unwrap();
        let long = i64::try_from(ROW_GROUP_ROWS).unwrap();
        let sources = [
            rows(0, long, 7),
            rows(1, 20_000, 5),
            rows(2, long, 3),
            rows(3, 1, 1),
        ];
        let files: Vec<DataFile> = sources
            .iter()
            .enumerate()
            .map(|(at, rows)| write(&guard, rows, at > 0))
            .collect();
        let mut expected: Vec<_> = sources
            .iter()
            .enumerate()
            .flat_map(|(at, rows)| {
                rows.iter().map(move |(time, id)| {
                    let count = (time % 2 == 0).then_some(*time);
                    (*time, id.clone(), count, (at > 0).then(|| id.clone()))
                })
            })
            .collect();
        expected.sort();
        let schema = schema_of(COLUMNS);
        for (target, threads, at_once, many) in [
            (u64::MAX, 1, 8 * ROW_GROUP_ROWS, 1),
            (u64::MAX, 2, ROW_GROUP_ROWS, 1),
            (1, 3, ROW_GROUP_ROWS, 3),
        ] {
            let merging = Merging {
                schema: &schema,
                layout: LAYOUT,
                target,
                threads,
                at_once,
            };
            let sources = files
                .iter()
                .map(|file| Source::open(guard.store(), file).unwrap());
            let merged = merging.write(&guard, sources.collect()).unwrap();
            assert_eq!(merged.len(), many);
            assert!(told(&guard, &merged) == expected);
        }
    }

    #[test]
    fn what_may_not_fit_into_the_memory_is_left_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open_or_create(&folder.path().join("lake")).unwrap();
        let guard = lake.write(chrono::DateTime::UNIX_EPOCH, || ()).unwrap();
        // The same long text in each row is in the file once.
        let text = "x".repeat(100_000);
        let long: Vec<_> = (0..500).map(|at| (at, text.clone())).collect();
        let files = [
            write(&guard, &long, true),
            write(&guard, &rows(1, 10, 1), true),
        ];
        let merge = |memory| {
            let schema = schema_of(COLUMNS);
            merge_events(&guard, &files, &schema, LAYOUT, u64::MAX, 2, memory).unwrap()
        };
        assert!(files[0].size < 1 << 20);
        assert_eq!(merge(80 << 20), None);
        assert_eq!(merge(200 << 20).map(|files| files[0].rows), Some(510));
    }

    #[test]
    fn so_many_rows_are_encoded_at_once_as_the_memory_is_meant_for() {
        let file = |rows, size| DataFile {
            path: String::new(),
            date: None,
            rows,
            size,
            min_time: None,
            max_time: None,
            content: None,
        };
        let group = ROW_GROUP_ROWS as u64;
        assert_eq!(
            rows_at_once(&[file(group, 1)], 48 << 20),
            8 * ROW_GROUP_ROWS
        );
        let usual = [file(4 * group, 50 << 20), file(6 * group, 50 << 20)];
        assert_eq!(rows_at_once(&usual, 48 << 20), 4 * ROW_GROUP_ROWS);
        assert_eq!(rows_at_once(&usual, 5 << 20), ROW_GROUP_ROWS / 2);
        assert_eq!(rows_at_once(&[file(group, 2 << 40)], 48 << 20), LEAST_ROWS);
    }
}
