//! A table over a fixed list of Parquet files: the manifest's, so that nothing is listed or guessed.
//!
//! Files carry their day, row count and time range, from which the scan drops those that cannot match,
//! whether a question speaks of the time or of the day.

use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use chrono::NaiveDate;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::pruning::PrunableStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::scalar::ScalarValue;
use object_store::{ObjectMeta, ObjectStore};

use super::day_index::{DayIndex, DayIndexSpec};
use crate::lake::{Column, DataFile, LakeTable, Manifest, Store, schema_of};

/// One file of a table.
#[derive(Debug, Clone)]
pub struct TableFile {
    /// Where the scan finds it.
    pub path: object_store::path::Path,
    /// Its size in bytes.
    pub size: u64,
    /// Its rows.
    pub rows: u64,
    /// The UTC day of all its rows.
    pub date: Option<NaiveDate>,
    /// The least and greatest value of the table's time column, microseconds since 1970.
    pub time_range: Option<(i64, i64)>,
}

/// A table to register.
#[derive(Debug, Clone)]
pub struct TableSpec {
    /// Its name in SQL.
    pub name: &'static str,
    /// The columns of its files.
    pub schema: SchemaRef,
    /// Whether its files belong to days; then it has a column `date`.
    pub has_dates: bool,
    /// The column that the files' time ranges speak of.
    pub time_column: Option<&'static str>,
    /// Columns of which a value stands in one row or a few.
    pub ids: &'static [&'static str],
    /// What its files are read from, by its URL; none for the disk.
    pub read_from: Option<(String, Arc<dyn ObjectStore>)>,
    /// What knows the days of some ids, where something does.
    pub day_index: Option<DayIndexSpec>,
    /// The order of the rows of each file, where the scan is to merge the files by it; else empty.
    pub merged_by: &'static [&'static str],
    /// Its files.
    pub files: Vec<TableFile>,
}

impl TableSpec {
    /// One of the lake's tables as `manifest` has it.
    pub fn of(table: LakeTable, columns: &[Column], store: &Store, manifest: &Manifest) -> Self {
        Self::of_files(table, columns, store, manifest.files(table))
    }

    /// Some files of one of the lake's tables.
    pub fn of_files(
        table: LakeTable,
        columns: &[Column],
        store: &Store,
        files: &[DataFile],
    ) -> Self {
        let files = files.iter().map(|file| TableFile {
            path: store.scan_path(&file.path),
            size: file.size,
            rows: file.rows,
            date: file.date,
            time_range: file.min_time.zip(file.max_time),
        });
        Self {
            name: table.name(),
            schema: schema_of(columns),
            has_dates: table.has_dates(),
            time_column: (table == LakeTable::Events).then_some("event_time"),
            ids: match table {
                LakeTable::Events => &["event_id"],
                LakeTable::Sessions => &["session_id"],
                _ => &[],
            },
            read_from: store.scan_root(),
            day_index: None,
            merged_by: &[],
            files: files.collect(),
        }
    }

    /// The same, with the days of its ids known by another table.
    #[must_use]
    pub fn with_day_index(self, index: DayIndexSpec) -> Self {
        Self {
            day_index: Some(index),
            ..self
        }
    }

    /// The same, with its files merged by these columns, by which each of them is sorted.
    #[must_use]
    pub fn merged_by(self, order: &'static [&'static str]) -> Self {
        Self {
            merged_by: order,
            ..self
        }
    }
}

/// The end of an object that is asked for first: most footers, with the page index, lie in it. On disk a second look costs nothing.
const FOOTER_BYTES: usize = 256 << 10;

/// What `ORDER BY` means without further words.
const ASCENDING: SortOptions = SortOptions {
    descending: false,
    nulls_first: false,
};

pub(super) fn provider(spec: TableSpec) -> Arc<dyn TableProvider> {
    let date = Arc::new(Field::new("date", DataType::Date32, false));
    // Rows that are all merged and written are copied anyway, and views would keep whole pages alive.
    let columns = if spec.merged_by.is_empty() {
        viewed(&spec.schema)
    } else {
        Arc::clone(&spec.schema)
    };
    let schema = TableSchema::builder(columns)
        .with_table_partition_cols(if spec.has_dates {
            vec![date]
        } else {
            Vec::new()
        })
        .build();
    let day_index = spec.day_index.clone().map(DayIndex::new);
    Arc::new(FileTable {
        spec,
        schema,
        day_index,
    })
}

/// The schema with text read as views, which is faster than copying it.
fn viewed(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

#[derive(Debug)]
struct FileTable {
    spec: TableSpec,
    schema: TableSchema,
    day_index: Option<DayIndex>,
}

impl FileTable {
    /// What is known of one file without opening it, for the columns of `schema`.
    fn statistics_of(&self, file: &TableFile, schema: &Schema) -> Statistics {
        let rows = usize::try_from(file.rows).unwrap_or(usize::MAX);
        let time = self
            .spec
            .time_column
            .and_then(|name| schema.index_of(name).ok());
        let column_statistics = (0..schema.fields().len())
            .map(|at| match file.time_range {
                Some((least, greatest)) if Some(at) == time => {
                    let value = |micros| {
                        ScalarValue::TimestampMicrosecond(Some(micros), Some(Arc::from("UTC")))
                    };
                    ColumnStatistics::new_unknown()
                        .with_min_value(Precision::Exact(value(least)))
                        .with_max_value(Precision::Exact(value(greatest)))
                }
                _ => ColumnStatistics::new_unknown(),
            })
            .collect();
        Statistics {
            num_rows: Precision::Exact(rows),
            total_byte_size: Precision::Absent,
            column_statistics,
        }
    }

    fn partitioned_file(&self, file: &TableFile) -> PartitionedFile {
        let mut partitioned = PartitionedFile::new_from_meta(ObjectMeta {
            location: file.path.clone(),
            last_modified: chrono::DateTime::UNIX_EPOCH,
            size: file.size,
            e_tag: None,
            version: None,
        });
        if self.spec.has_dates {
            let days = file.date.map(|date| {
                i32::try_from((date - NaiveDate::default()).num_days()).unwrap_or_default()
            });
            partitioned = partitioned.with_partition_values(vec![ScalarValue::Date32(days)]);
        }
        let statistics = self.statistics_of(file, self.schema.file_schema());
        partitioned.with_statistics(Arc::new(statistics))
    }

    /// The order by which the files are merged, if they are.
    fn merge_order(&self) -> Result<Option<LexOrdering>> {
        let schema = self.schema.table_schema();
        let columns = self.spec.merged_by.iter();
        let keys: Vec<PhysicalSortExpr> = columns
            .map(|name| Ok(PhysicalSortExpr::new(col(name, schema)?, ASCENDING)))
            .collect::<Result<_>>()?;
        Ok(LexOrdering::new(keys))
    }

    /// How many rows there are at most for which all `filters` are true, as far as ids tell.
    ///
    /// The planner takes a fifth of all rows for what a filter leaves, and would join a single event to all sessions by reading these.
    fn most_rows(&self, filters: &[Expr]) -> Option<usize> {
        filters
            .iter()
            .filter_map(values_of)
            .filter(|(column, _)| self.spec.ids.contains(&column.name()))
            .map(|(_, values)| values.len())
            .min()
    }

    /// Drops the files of days on which no row stands for which all `filters` are true, where the ids are known that they ask for.
    async fn on_known_days(
        &self,
        state: &dyn Session,
        filters: &[Expr],
        mut files: Vec<PartitionedFile>,
    ) -> Result<Vec<PartitionedFile>> {
        if files.len() > 1
            && let Some(index) = &self.day_index
            && let Some(days) = index.days(state, filters).await?
        {
            files.retain(|file| match file.partition_values.first() {
                Some(ScalarValue::Date32(Some(day))) => days.contains(day),
                _ => true,
            });
        }
        Ok(files)
    }

    /// Drops the files that cannot hold a row for which all `filters` are true.
    fn prune(
        &self,
        state: &dyn Session,
        filters: &[Expr],
        files: Vec<PartitionedFile>,
    ) -> Result<Vec<PartitionedFile>> {
        let Some(filter) = conjunction(filters.iter().cloned()) else {
            return Ok(files);
        };
        let schema = Arc::clone(self.schema.table_schema());
        let columns = DFSchema::try_from(schema.as_ref().clone())?;
        let filter = state.create_physical_expr(unqualified(filter)?, &columns)?;
        let builder = PruningPredicateBuilder::new().with_file_schema(Arc::clone(&schema));
        let Some(predicate) = builder.build(filter) else {
            return Ok(files);
        };
        let statistics: Vec<_> = files
            .iter()
            .filter_map(|file| file.statistics.clone())
            .collect();
        if statistics.len() != files.len() {
            return Ok(files);
        }
        let keep = predicate.prune(&PrunableStatistics::new(statistics, schema))?;
        Ok(files
            .into_iter()
            .zip(keep)
            .filter_map(|(file, keep)| keep.then_some(file))
            .collect())
    }
}

/// The column that a filter compares with some values, and these; a row has one of them.
///
/// The planner writes a list of two or three as `OR`, which is not gone into by recursion: whoever asks may write as many as he likes.
pub(super) fn values_of(filter: &Expr) -> Option<(&datafusion::common::Column, Vec<&ScalarValue>)> {
    let mut found: Option<(&datafusion::common::Column, Vec<&ScalarValue>)> = None;
    let mut parts = vec![filter];
    while let Some(part) = parts.pop() {
        if let Expr::BinaryExpr(either) = part
            && either.op == Operator::Or
        {
            parts.extend([&*either.left, &*either.right]);
            continue;
        }
        let (column, values) = compared(part)?;
        let (known, all) = found.get_or_insert_with(|| (column, Vec::new()));
        if *known != column {
            return None;
        }
        all.extend(values);
    }
    found
}

fn compared(filter: &Expr) -> Option<(&datafusion::common::Column, Vec<&ScalarValue>)> {
    match filter {
        Expr::BinaryExpr(binary) if binary.op == Operator::Eq => {
            match (&*binary.left, &*binary.right) {
                (Expr::Column(column), Expr::Literal(value, _))
                | (Expr::Literal(value, _), Expr::Column(column)) => Some((column, vec![value])),
                _ => None,
            }
        }
        Expr::InList(list) if !list.negated => {
            let Expr::Column(column) = &*list.expr else {
                return None;
            };
            let values = list.list.iter().map(|value| match value {
                Expr::Literal(value, _) => Some(value),
                _ => None,
            });
            Some((column, values.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

/// The filter without table names: there is one table here, whatever the question calls it.
fn unqualified(filter: Expr) -> Result<Expr> {
    use datafusion::common::tree_node::{Transformed, TreeNode as _};
    let bare = filter.transform(|expr| match expr {
        Expr::Column(column) if column.relation.is_some() => {
            Ok(Transformed::yes(Expr::Column(column.name.into())))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(bare.data)
}

#[async_trait]
impl TableProvider for FileTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self
            .spec
            .files
            .iter()
            .map(|file| self.partitioned_file(file))
            .collect();
        let files = self.prune(state, filters, files)?;
        let files = self.on_known_days(state, filters, files).await?;
        let rows = files
            .iter()
            .filter_map(|file| file.statistics.as_ref()?.num_rows.get_value().copied())
            .sum::<usize>();
        let rows = self.most_rows(filters).map_or(rows, |most| most.min(rows));
        if files.is_empty() {
            let schema = match projection {
                Some(projection) => Arc::new(self.schema().project(projection)?),
                None => self.schema(),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        // Without a row count the planner may build a join's hash table on the larger side.
        let statistics = Statistics {
            num_rows: Precision::Inexact(rows),
            ..Statistics::new_unknown(self.schema.table_schema())
        };
        let order = self.merge_order()?;
        let groups = if order.is_some() {
            files
                .into_iter()
                .map(|file| FileGroup::new(vec![file]))
                .collect()
        } else {
            FileGroup::new(files).split_files(state.config_options().execution.target_partitions)
        };
        let options = TableParquetOptions {
            global: state.config_options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        let place = match &self.spec.read_from {
            Some((url, _)) => ObjectStoreUrl::parse(url)?,
            None => ObjectStoreUrl::local_filesystem(),
        };
        // A file's footer is read once, whichever questions and however many scans of one need it.
        let runtime = state.runtime_env();
        let footers = CachedParquetFileReaderFactory::new(
            runtime.object_store(&place)?,
            runtime.cache_manager.get_file_metadata_cache(),
        );
        let mut source = ParquetSource::new(self.schema.clone())
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(footers));
        if self.spec.read_from.is_some() {
            source = source.with_metadata_size_hint(FOOTER_BYTES);
        }
        let config = FileScanConfigBuilder::new(place, Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_output_ordering(order.into_iter().collect())
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
