//! Writes a Parquet file whose rows are known from the beginning: its columns side by side, on several threads.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, SchemaRef};
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::errors::ParquetError;

use super::parquet_file::{FileLayout, ROW_GROUP_ROWS, properties};
use super::{DataFile, LakeError, LakeTable, WriteGuard};

/// Rows gathered at once: small enough that the gathered text stays in the cache.
const SLICE_ROWS: usize = 16_384;

/// Gives some rows of a column, both by their place.
pub type Gather<'g> = dyn Fn(usize, Range<usize>) -> Result<ArrayRef, ParquetError> + Sync + 'g;

/// What is to be written.
#[derive(Debug)]
pub struct NewTable {
    /// The table.
    pub table: LakeTable,
    /// The UTC day of all rows.
    pub date: Option<NaiveDate>,
    /// Its columns.
    pub schema: SchemaRef,
    /// How its files are written.
    pub layout: FileLayout,
    /// How many rows there are.
    pub rows: usize,
    /// The first and the last time, in microseconds since 1970, where the table has one.
    pub times: Option<(i64, i64)>,
}

/// Writes a file column by column; it does not count before it is committed.
pub fn write_columns(
    guard: &WriteGuard<'_>,
    new: &NewTable,
    threads: usize,
    gather: &Gather<'_>,
) -> Result<DataFile, LakeError> {
    let file = guard.new_file(new.table, new.date)?;
    let relative = file.path().to_owned();
    let path = guard.store().path_of(&relative);
    let parquet = |source| LakeError::Parquet {
        path: path.clone(),
        source,
    };
    let options = Some(properties(new.layout));
    let writer = ArrowWriter::try_new(file, Arc::clone(&new.schema), options).map_err(parquet)?;
    let (mut writer, factory) = writer.into_serialized_writer().map_err(parquet)?;
    for (group, start) in (0..new.rows).step_by(ROW_GROUP_ROWS).enumerate() {
        let rows = start..new.rows.min(start + ROW_GROUP_ROWS);
        let mut columns: Vec<Column<'_>> = new
            .schema
            .fields()
            .iter()
            .enumerate()
            .map(|(at, field)| Column {
                at,
                field,
                leaves: Vec::new(),
            })
            .collect();
        let leaves = factory.create_column_writers(group).map_err(parquet)?;
        for (at, leaf) in leaves.into_iter().enumerate() {
            let root = writer.schema_descr().get_column_root_idx(at);
            if let Some(column) = columns.get_mut(root) {
                column.leaves.push(leaf);
            }
        }
        let chunks = encode(columns, &rows, threads, gather).map_err(parquet)?;
        let mut open = writer.next_row_group().map_err(parquet)?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut open).map_err(parquet)?;
        }
        open.close().map_err(parquet)?;
    }
    writer.finish().map_err(parquet)?;
    let size = writer.inner_mut().publish()?;
    Ok(DataFile {
        path: relative,
        date: new.date,
        rows: new.rows as u64,
        size,
        min_time: new.times.map(|(first, _)| first),
        max_time: new.times.map(|(_, last)| last),
        content: None,
    })
}

/// A column of a row group that is being written, with a writer for each of its leaves.
struct Column<'a> {
    at: usize,
    field: &'a Field,
    leaves: Vec<ArrowColumnWriter>,
}

impl Column<'_> {
    fn encode(
        mut self,
        rows: &Range<usize>,
        gather: &Gather<'_>,
    ) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
        for start in rows.clone().step_by(SLICE_ROWS) {
            let slice = start..rows.end.min(start + SLICE_ROWS);
            let array = gather(self.at, slice)?;
            let leaves = compute_leaves(self.field, &array)?;
            for (writer, leaf) in self.leaves.iter_mut().zip(&leaves) {
                writer.write(leaf)?;
            }
        }
        self.leaves
            .into_iter()
            .map(ArrowColumnWriter::close)
            .collect()
    }
}

/// Encodes columns, each on one thread, and returns their chunks in order.
fn encode(
    columns: Vec<Column<'_>>,
    rows: &Range<usize>,
    threads: usize,
    gather: &Gather<'_>,
) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
    type Done = Result<Vec<ArrowColumnChunk>, ParquetError>;
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
            done.extend(column.map(|column| (at, column.encode(rows, gather))));
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
    let mut chunks = Vec::new();
    for (_, column) in done {
        chunks.extend(column?);
    }
    Ok(chunks)
}

#[cfg(test)]
mod tests {
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
        let new = NewTable {
            table: LakeTable::Rejected,
            date: None,
            schema: Arc::new(Schema::new(fields)),
            layout: FileLayout {
                bloom_filters: &["name"],
                ..FileLayout::default()
            },
            rows: ROW_GROUP_ROWS + SLICE_ROWS / 2,
            times: None,
        };
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
        let [one, three] = [1, 3].map(|threads| {
            write_columns(&guard, &new, threads, &|at, rows| Ok(column(at, rows))).unwrap()
        });
        assert_eq!(bytes(&one), bytes(&three));
        let schema = Arc::clone(&new.schema);
        let mut writer =
            TableWriter::create(&guard, new.table, None, Arc::clone(&schema), new.layout).unwrap();
        for start in (0..new.rows).step_by(SLICE_ROWS) {
            let rows = start..new.rows.min(start + SLICE_ROWS);
            let columns = (0..3).map(|at| column(at, rows.clone())).collect();
            let batch = arrow::array::RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
            writer.write(&batch).unwrap();
        }
        let in_order = writer.finish().unwrap();
        assert_eq!(bytes(&in_order), bytes(&one));
        assert_eq!((one.rows, one.size), (in_order.rows, in_order.size));
    }
}
