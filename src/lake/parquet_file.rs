//! Writes the lake's Parquet files.
//!
//! Settings as measured: zstd 1, row groups of 131,072 rows, pages of 20,000 rows, page statistics,
//! bloom filters on the columns a table names, no dictionary where nearly every value is its own.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array as _, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::SchemaRef;
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::parquet_rows::read_columns;
use super::store::NewFile;
use super::{DataFile, LakeError, LakeTable, WriteGuard};

/// Rows of one row group.
pub const ROW_GROUP_ROWS: usize = 131_072;
const PAGE_ROWS: usize = 20_000;

/// What a table wants of its files beyond the common settings.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileLayout {
    /// Columns that are looked up by single values.
    pub bloom_filters: &'static [&'static str],
    /// Columns whose values hardly repeat.
    pub distinct: &'static [&'static str],
    /// Columns of which the least and the greatest value say nothing: ids, and JSON.
    pub without_order: &'static [&'static str],
    /// The column of whole numbers or times that rises through the file; a time bounds it in the manifest.
    pub sorted: Option<&'static str>,
}

pub(super) fn properties(layout: FileLayout) -> WriterProperties {
    let path = |name: &str| ColumnPath::new(vec![name.to_owned()]);
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_created_by(concat!("rolecall ", env!("CARGO_PKG_VERSION")).to_owned());
    for name in layout.bloom_filters {
        properties = properties
            .set_column_bloom_filter_enabled(path(name), true)
            .set_column_bloom_filter_fpp(path(name), 0.01)
            .set_column_bloom_filter_max_ndv(path(name), ROW_GROUP_ROWS as u64);
    }
    for name in layout.distinct {
        properties = properties.set_column_dictionary_enabled(path(name), false);
    }
    for name in layout.without_order {
        properties = properties.set_column_statistics_enabled(path(name), EnabledStatistics::None);
    }
    if let Some(name) = layout.sorted {
        properties = properties
            .set_column_dictionary_enabled(path(name), false)
            .set_column_encoding(path(name), Encoding::DELTA_BINARY_PACKED);
    }
    properties.build()
}

/// One Parquet file being written; it does not count before it is committed.
pub struct TableWriter {
    writer: ArrowWriter<NewFile>,
    target: DataFile,
    path: PathBuf,
    sorted: Option<&'static str>,
}

impl TableWriter {
    /// Begins a file of `table` for `date`.
    pub fn create(
        guard: &WriteGuard<'_>,
        table: LakeTable,
        date: Option<NaiveDate>,
        schema: SchemaRef,
        layout: FileLayout,
    ) -> Result<Self, LakeError> {
        let file = guard.new_file(table, date)?;
        let relative = file.path().to_owned();
        let path = guard.store().path_of(&relative);
        let writer =
            ArrowWriter::try_new(file, schema, Some(properties(layout))).map_err(|source| {
                LakeError::Parquet {
                    path: path.clone(),
                    source,
                }
            })?;
        Ok(Self {
            writer,
            target: DataFile::begun(relative, date),
            path,
            sorted: layout.sorted,
        })
    }

    /// Adds rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        self.target.rows += batch.num_rows() as u64;
        let times = self.sorted.and_then(|name| batch.column_by_name(name));
        let times = times.and_then(|t| t.as_any().downcast_ref::<TimestampMicrosecondArray>());
        if let Some(times) = times {
            for time in times.iter().flatten() {
                self.target.min_time =
                    Some(self.target.min_time.map_or(time, |least| least.min(time)));
                self.target.max_time =
                    Some(self.target.max_time.map_or(time, |most| most.max(time)));
            }
        }
        let Self { writer, path, .. } = self;
        writer.write(batch).map_err(|source| LakeError::Parquet {
            path: path.clone(),
            source,
        })
    }

    /// Its size so far, in bytes, about.
    pub fn bytes(&self) -> usize {
        self.writer.bytes_written() + self.writer.in_progress_size()
    }

    /// Completes the file, makes it durable and gives it its name.
    pub fn finish(self) -> Result<DataFile, LakeError> {
        let Self {
            mut writer,
            mut target,
            path,
            ..
        } = self;
        // `into_inner` would turn what the system says into text.
        writer.finish().map_err(|source| LakeError::Parquet {
            path: path.clone(),
            source,
        })?;
        target.size = writer.inner_mut().publish()?;
        Ok(target)
    }
}

/// Copies the rows of `data_file` for which `keep` returns true, given their position; `None` when there is none.
pub fn copy_without(
    guard: &WriteGuard<'_>,
    table: LakeTable,
    data_file: &DataFile,
    layout: FileLayout,
    mut keep: impl FnMut(u64, &RecordBatch, usize) -> bool,
) -> Result<Option<DataFile>, LakeError> {
    let store = guard.store();
    let path = store.path_of(&data_file.path);
    let arrow = |source: arrow::error::ArrowError| LakeError::Parquet {
        path: path.clone(),
        source: source.into(),
    };
    let reader = read_columns(store, data_file, None)?;
    let mut writer: Option<TableWriter> = None;
    let mut position = 0;
    for batch in reader {
        let batch = batch?;
        let kept: arrow::array::BooleanArray = (0..batch.num_rows())
            .map(|row| Some(keep(position + row as u64, &batch, row)))
            .collect();
        position += batch.num_rows() as u64;
        let left = arrow::compute::filter_record_batch(&batch, &kept).map_err(arrow)?;
        if left.num_rows() == 0 {
            continue;
        }
        let open = match &mut writer {
            Some(open) => open,
            none => none.insert(TableWriter::create(
                guard,
                table,
                data_file.date,
                Arc::clone(left.schema_ref()),
                layout,
            )?),
        };
        open.write(&left)?;
    }
    writer.map(TableWriter::finish).transpose()
}
