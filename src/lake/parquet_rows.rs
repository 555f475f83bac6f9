//! Reads the lake's Parquet files, where we and not a query want their rows.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use bytes::Bytes;
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderBuilder, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder};
use parquet::file::reader::ChunkReader as _;

use super::store::{LakeBucket, Store};
use super::{DataFile, LakeError};

const BATCH_ROWS: usize = 8192;
/// The end of a file that is asked for first: footers of most files are smaller.
const FOOTER_BYTES: u64 = 64 << 10;

/// The rows of one file, in its order.
pub struct FileRows {
    inner: Inner,
    path: PathBuf,
}

enum Inner {
    Disk(ParquetRecordBatchReader),
    Bucket(ParquetPushDecoder, Arc<LakeBucket>, String),
}

impl FileRows {
    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Iterator for FileRows {
    type Item = Result<RecordBatch, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.inner.next()?;
        Some(batch.map_err(|source| LakeError::Parquet {
            path: self.path.clone(),
            source,
        }))
    }
}

impl Inner {
    fn next(&mut self) -> Option<Result<RecordBatch, ParquetError>> {
        let (decoder, bucket, path) = match self {
            Self::Disk(reader) => return Some(reader.next()?.map_err(ParquetError::from)),
            Self::Bucket(decoder, bucket, path) => (decoder, bucket, path),
        };
        loop {
            let step = decoder.try_decode().and_then(|decoded| match decoded {
                DecodeResult::Data(batch) => Ok(Some(Some(batch))),
                DecodeResult::Finished => Ok(Some(None)),
                DecodeResult::NeedsData(ranges) => {
                    let parts = fetch(bucket, path, &ranges)?;
                    decoder.push_ranges(ranges, parts).map(|()| None)
                }
            });
            match step {
                Ok(None) => {}
                Ok(Some(batch)) => return batch.map(Ok),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Opens one of the lake's files for reading some of its columns, or all.
pub fn read_columns(
    store: &Store,
    data_file: &DataFile,
    columns: Option<&[&str]>,
) -> Result<FileRows, LakeError> {
    OpenFile::open(store, data_file, false)?.rows(columns, None)
}

/// Reads some columns, or all, of rows of one of the lake's files by their positions, which must rise.
pub fn read_rows(
    store: &Store,
    data_file: &DataFile,
    positions: &[u64],
    columns: Option<&[&str]>,
) -> Result<Vec<RecordBatch>, LakeError> {
    let ranges = positions.iter().filter_map(|position| {
        let start = usize::try_from(*position).ok()?;
        Some(start..start + 1)
    });
    OpenFile::open(store, data_file, true)?
        .rows(columns, Some(ranges.collect()))?
        .collect()
}

/// What a file says of itself, kept so that its columns can be read one by one.
pub(super) struct Signposts(ArrowReaderMetadata);

impl Signposts {
    pub(super) fn of(store: &Store, data_file: &DataFile) -> Result<Self, LakeError> {
        Ok(Self(OpenFile::open(store, data_file, true)?.metadata))
    }

    /// Of each column the bytes of its values, in the row group that has most of them.
    pub(super) fn most_bytes(&self) -> Vec<usize> {
        let mut most = Vec::new();
        for group in self.0.metadata().row_groups() {
            most.resize(group.num_columns(), 0);
            for (most, column) in most.iter_mut().zip(group.columns()) {
                // What a dictionary holds once stands in every row when it is read.
                let text = column.unencoded_byte_array_data_bytes();
                let bytes = text.unwrap_or_else(|| column.uncompressed_size());
                *most = usize::try_from(bytes).unwrap_or(usize::MAX).max(*most);
            }
        }
        most
    }

    /// Some rows of a column; `None` where the file has no column of that name.
    pub(super) fn column(
        &self,
        store: &Store,
        data_file: &DataFile,
        name: &str,
        rows: Range<usize>,
    ) -> Result<Option<FileRows>, LakeError> {
        if self.0.schema().index_of(name).is_err() {
            return Ok(None);
        }
        let bytes = match store.bucket() {
            None => FileBytes::Disk(store.open(&data_file.path)?),
            Some(bucket) => FileBytes::Bucket(Arc::clone(bucket), data_file.path.clone()),
        };
        let file = OpenFile {
            metadata: self.0.clone(),
            bytes,
            path: store.path_of(&data_file.path),
        };
        file.rows(Some(&[name]), Some(Vec::from([rows]))).map(Some)
    }
}

/// One of the lake's files, and what it says of itself.
pub(super) struct OpenFile {
    metadata: ArrowReaderMetadata,
    bytes: FileBytes,
    path: PathBuf,
}

enum FileBytes {
    Disk(File),
    Bucket(Arc<LakeBucket>, String),
}

impl OpenFile {
    /// Opens a file; with the places and bounds of its pages where `wants_pages` says so.
    pub(super) fn open(
        store: &Store,
        data_file: &DataFile,
        wants_pages: bool,
    ) -> Result<Self, LakeError> {
        let path: PathBuf = store.path_of(&data_file.path);
        let parquet = |source| LakeError::Parquet {
            path: path.clone(),
            source,
        };
        let policy = if wants_pages {
            PageIndexPolicy::Optional
        } else {
            PageIndexPolicy::Skip
        };
        let options = ArrowReaderOptions::new().with_page_index_policy(policy);
        let (metadata, bytes) = match store.bucket() {
            None => {
                let file: File = store.open(&data_file.path)?;
                let metadata = ArrowReaderMetadata::load(&file, options).map_err(parquet)?;
                (metadata, FileBytes::Disk(file))
            }
            Some(bucket) => {
                let metadata = footer(bucket, data_file, policy).map_err(parquet)?;
                let metadata = ArrowReaderMetadata::try_new(Arc::new(metadata), options);
                let bytes = FileBytes::Bucket(Arc::clone(bucket), data_file.path.clone());
                (metadata.map_err(parquet)?, bytes)
            }
        };
        Ok(Self {
            metadata,
            bytes,
            path,
        })
    }

    pub(super) fn metadata(&self) -> &ArrowReaderMetadata {
        &self.metadata
    }

    /// Some bytes of the file as they stand.
    pub(super) fn range(&self, range: Range<u64>) -> Result<Bytes, LakeError> {
        let read = match &self.bytes {
            FileBytes::Disk(file) => {
                let length = usize::try_from(range.end - range.start).unwrap_or_default();
                file.get_bytes(range.start, length)
            }
            FileBytes::Bucket(bucket, path) => {
                let parts = fetch(bucket, path, std::slice::from_ref(&range));
                parts.map(|parts| parts.into_iter().next().unwrap_or_default())
            }
        };
        read.map_err(|source| self.failed(source))
    }

    pub(super) fn failed(&self, source: ParquetError) -> LakeError {
        LakeError::Parquet {
            path: self.path.clone(),
            source,
        }
    }

    /// Some columns, or all, of the rows in `ranges`, or of all rows.
    pub(super) fn rows(
        self,
        columns: Option<&[&str]>,
        ranges: Option<Vec<Range<usize>>>,
    ) -> Result<FileRows, LakeError> {
        let path = self.path;
        let wanted = Wanted { columns, ranges };
        let inner = match self.bytes {
            FileBytes::Disk(file) => {
                let builder =
                    ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata);
                wanted.of(builder).build().map(Inner::Disk)
            }
            FileBytes::Bucket(bucket, name) => {
                let builder = ParquetPushDecoderBuilder::new_with_metadata(self.metadata);
                let decoder = wanted.of(builder).build();
                decoder.map(|decoder| Inner::Bucket(decoder, bucket, name))
            }
        };
        match inner {
            Ok(inner) => Ok(FileRows { inner, path }),
            Err(source) => Err(LakeError::Parquet { path, source }),
        }
    }
}

/// What is wanted of a file.
struct Wanted<'a> {
    columns: Option<&'a [&'a str]>,
    ranges: Option<Vec<Range<usize>>>,
}

impl Wanted<'_> {
    fn of<T>(self, builder: ArrowReaderBuilder<T>) -> ArrowReaderBuilder<T> {
        let mask = match self.columns {
            Some(columns) => {
                ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied())
            }
            None => ProjectionMask::all(),
        };
        let rows = builder.metadata().file_metadata().num_rows();
        let rows = usize::try_from(rows).unwrap_or_default();
        let builder = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
        match self.ranges {
            Some(ranges) => {
                let ranges = ranges.into_iter();
                builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges, rows))
            }
            None => builder,
        }
    }
}

/// Reads what a file says of itself, with the places of its pages where some rows alone are wanted.
fn footer(
    bucket: &LakeBucket,
    data_file: &DataFile,
    policy: PageIndexPolicy,
) -> Result<ParquetMetaData, ParquetError> {
    let decoder = ParquetMetaDataPushDecoder::try_new(data_file.size)?;
    let mut decoder = decoder.with_page_index_policy(policy);
    let end = data_file.size.saturating_sub(FOOTER_BYTES)..data_file.size;
    let mut ranges = Vec::from([end]);
    loop {
        let parts = fetch(bucket, &data_file.path, &ranges)?;
        decoder.push_ranges(ranges, parts)?;
        match decoder.try_decode()? {
            DecodeResult::Data(metadata) => return Ok(metadata),
            DecodeResult::NeedsData(more) => ranges = more,
            DecodeResult::Finished => {
                return Err(ParquetError::EOF("the file has no footer".to_owned()));
            }
        }
    }
}

fn fetch(
    bucket: &LakeBucket,
    path: &str,
    ranges: &[Range<u64>],
) -> Result<Vec<Bytes>, ParquetError> {
    let fetched = bucket.read_ranges(path, ranges);
    let fetched = fetched.map_err(|error: io::Error| ParquetError::External(Box::new(error)))?;
    let is_whole =
        |(range, part): (&Range<u64>, &Bytes)| range.end - range.start == part.len() as u64;
    if ranges.iter().zip(&fetched).all(is_whole) {
        Ok(fetched)
    } else {
        Err(ParquetError::EOF(
            "the file is shorter than it was written".to_owned(),
        ))
    }
}

/// The text at `row` of a column, or `None` where it is null.
pub fn text_at(array: &dyn Array, row: usize) -> Option<&str> {
    use arrow::array::AsArray as _;
    let texts = array.as_string_opt::<i32>()?;
    (!texts.is_null(row)).then(|| texts.value(row))
}
