//! Writes a Parquet file whose rows are known from the beginning: its columns side by side, on several threads.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, SchemaRef};
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use super::parquet_file::{FileLayout, ROW_GROUP_ROWS, properties};
use super::store::NewFile;
use super::{DataFile, LakeError, LakeTable, WriteGuard};

/// Rows gathered at once: small enough that the gathered text stays in the cache.
const SLICE_ROWS: usize = 16_384;

/// The rows of a column one after the other, as many at a time as are asked for.
pub type Slices<'s> = Box<dyn FnMut(usize) -> Result<ArrayRef, ParquetError> + 's>;

/// Begins to give the rows of a column, by its place.
pub type Gather<'g> = dyn Fn(usize) -> Result<Slices<'g>, ParquetError> + Sync + 'g;

/// A file whose rows are known from the beginning; it does not count before it is committed.
pub struct ColumnFile {
    writer: SerializedFileWriter<NewFile>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    target: DataFile,
    path: PathBuf,
    groups: usize,
}

impl ColumnFile {
    /// Begins a file of `table` for `date`.
    pub fn create(
        guard: &WriteGuard<'_>,
        table: LakeTable,
        date: Option<NaiveDate>,
        schema: SchemaRef,
        layout: FileLayout,
    ) -> Result<Self, LakeError> {
        let file = guard.new_file(table, date)?;
        let target = DataFile::begun(file.path().to_owned(), date);
        let path = guard.store().path_of(&target.path);
        let options = Some(properties(layout));
        let opened = ArrowWriter::try_new(file, Arc::clone(&schema), options)
            .and_then(ArrowWriter::into_serialized_writer);
        match opened {
            Ok((writer, factory)) => Ok(Self {
                writer,
                factory,
                schema,
                target,
                path,
                groups: 0,
            }),
            Err(source) => Err(LakeError::Parquet { path, source }),
        }
    }

    /// Writes rows in row groups of the usual size. What is encoded of all of them is held until the last column is done.
    pub fn write(
        &mut self,
        rows: usize,
        threads: usize,
        gather: &Gather<'_>,
    ) -> Result<(), LakeError> {
        self.target.rows += rows as u64;
        let written = self.try_write(rows, threads, gather);
        written.map_err(|source| self.failed(source))
    }

    fn try_write(
        &mut self,
        rows: usize,
        threads: usize,
        gather: &Gather<'_>,
    ) -> Result<(), ParquetError> {
        let schema = Arc::clone(&self.schema);
        let mut columns: Vec<Column<'_>> = schema
            .fields()
            .iter()
            .enumerate()
            .map(|(at, field)| Column {
                at,
                field,
                groups: Vec::new(),
            })
            .collect();
        let starts = (0..rows).step_by(ROW_GROUP_ROWS);
        let groups = starts.len();
        for start in starts {
            let rows = ROW_GROUP_ROWS.min(rows - start);
            for column in &mut columns {
                column.groups.push((rows, Vec::new()));
            }
            let leaves = self.factory.create_column_writers(self.groups)?;
            for (at, leaf) in leaves.into_iter().enumerate() {
                let column = columns.get_mut(self.writer.schema_descr().get_column_root_idx(at));
                if let Some((_, leaves)) = column.and_then(|column| column.groups.last_mut()) {
                    leaves.push(leaf);
                }
            }
            self.groups += 1;
        }
        let mut columns = encode(columns, threads, gather)?;
        for _ in 0..groups {
            let mut open = self.writer.next_row_group()?;
            for chunk in columns.iter_mut().filter_map(Iterator::next).flatten() {
                chunk.append_to_row_group(&mut open)?;
            }
            open.close()?;
        }
        Ok(())
    }

    /// Its size so far, in bytes.
    pub fn bytes(&self) -> u64 {
        self.writer.bytes_written() as u64
    }

    /// Completes the file, makes it durable and gives it its name. `times` are the first and the last of its rows, in microseconds since
    /// 1970, where the table has one.
    pub fn finish(mut self, times: Option<(i64, i64)>) -> Result<DataFile, LakeError> {
        if let Err(source) = self.writer.finish() {
            return Err(self.failed(source));
        }
        self.target.size = self.writer.inner_mut().publish()?;
        self.target.min_time = times.map(|(first, _)| first);
        self.target.max_time = times.map(|(_, last)| last);
        Ok(self.target)
    }

    fn failed(&self, source: ParquetError) -> LakeError {
        LakeError::Parquet {
            path: self.path.clone(),
            source,
        }
    }
}

/// What is encoded of a column, by row group.
type Encoded = std::vec::IntoIter<Vec<ArrowColumnChunk>>;

/// A column that is being written: of each row group how many rows it has, and a writer for each of its leaves.
struct Column<'a> {
    at: usize,
    field: &'a Field,
    groups: Vec<(usize, Vec<ArrowColumnWriter>)>,
}

impl Column<'_> {
    fn encode(self, gather: &Gather<'_>) -> Result<Encoded, ParquetError> {
        let mut slices = gather(self.at)?;
        let mut encoded = Vec::with_capacity(self.groups.len());
        for (rows, mut writers) in self.groups {
            for start in (0..rows).step_by(SLICE_ROWS) {
                let array = slices(SLICE_ROWS.min(rows - start))?;
                let leaves = compute_leaves(self.field, &array)?;
                for (writer, leaf) in writers.iter_mut().zip(&leaves) {
                    writer.write(leaf)?;
                }
            }
            let chunks = writers.into_iter().map(ArrowColumnWriter::close);
            encoded.push(chunks.collect::<Result<_, _>>()?);
        }
        Ok(encoded.into_iter())
    }
}

/// Encodes columns, each on one thread, and returns them in order.
fn encode(
    columns: Vec<Column<'_>>,
    threads: usize,
    gather: &Gather<'_>,
) -> Result<Vec<Encoded>, ParquetError> {
    type Done = Result<Encoded, ParquetError>;
    let next = AtomicUsize::new(0);
    let jobs: Vec<Mutex<Option<Column<'_>>>> = columns
        .into_iter()
        .map(|column| Mutex::new(Some(column)))
        .collect();
    let work = || {
        let mut done: Vec<(usize, Done)> = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(at) else {
                return done;
            };
            let column = job.lock().ok().and_then(|mut job| job.take());
            done.extend(column.map(|column| (at, column.encode(gather))));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(part) => done.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, column)| column).collect()
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{DataType, Schema};

    use super::*;
    use crate::lake::{Lake, TableWriter};

    #[test]
    fn the_bytes_are_the_same_on_any_number_of_threads_and_those_of_rows_written_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open_or_create(&folder.path().join("lake")).unwrap();
        let guard = lake.write(chrono::DateTime::UNIX_EPOCH, || ()).unwrap();
        let fields = vec![
            Field::new("event_time", DataType::Int64, true),
            Field::new("name", DataType::Utf8, true),
            Field::new("empty", DataType::Utf8, true),
        ];
        let schema = Arc::new(Schema::new(fields));
        let layout = FileLayout {
            bloom_filters: &["name"],
            ..FileLayout::default()
        };
        let table = LakeTable::Rejected;
        let rows = ROW_GROUP_ROWS + SLICE_ROWS / 2;
        let column = |at: usize, rows: Range<usize>| -> ArrayRef {
            match at {
                0 => Arc::new(
                    rows.map(|row| i64::try_from(row).unwrap())
                        .collect::<Int64Array>(),
                ),
                1 => Arc::new(
                    rows.map(|row| Some(format!("n{}", row % 97)))
                        .collect::<StringArray>(),
                ),
                _ => Arc::new(StringArray::new_null(rows.len())),
            }
        };
        let bytes = |file: &DataFile| std::fs::read(guard.store().path_of(&file.path)).unwrap();
        let written = |threads, at_once: usize| {
            let mut file =
                ColumnFile::create(&guard, table, None, Arc::clone(&schema), layout).unwrap();
            for start in (0..rows).step_by(at_once) {
                let count = at_once.min(rows - start);
                let gather = |at: usize| -> Result<Slices<'_>, ParquetError> {
                    let mut next = start;
                    Ok(Box::new(move |count| {
                        next += count;
                        Ok(column(at, next - count..next))
                    }))
                };
                file.write(count, threads, &gather).unwrap();
            }
            file.finish(None).unwrap()
        };
        let one = written(1, ROW_GROUP_ROWS);
        let three = written(3, ROW_GROUP_ROWS);
        let two_groups = written(2, 2 * ROW_GROUP_ROWS);
        assert_eq!(bytes(&one), bytes(&three));
        assert_eq!(bytes(&one), bytes(&two_groups));
        let mut writer =
            TableWriter::create(&guard, table, None, Arc::clone(&schema), layout).unwrap();
        for start in (0..rows).step_by(SLICE_ROWS) {
            let rows = start..rows.min(start + SLICE_ROWS);
            let columns = (0..3).map(|at| column(at, rows.clone())).collect();
            let batch = arrow::array::RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
            writer.write(&batch).unwrap();
        }
        let in_order = writer.finish().unwrap();
        assert_eq!(bytes(&in_order), bytes(&one));
        assert_eq!((one.rows, one.size), (in_order.rows, in_order.size));
    }
}
