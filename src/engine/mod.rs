//! The DataFusion room.  In: table files and SQL. Out: batches. Knows no CloudTrail word.
//! Why: the only place that makes a `SessionContext`, so that settings, limits and the ban on writing
//! hold for every question.
//! Holds: queries only read, and only the tables and views that were registered.  Next: `sessions`, `views`.

mod align;
mod day_index;
mod dense;
mod known;
mod memory;
mod table;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::{CatalogProvider as _, MemoryCatalogProvider, SchemaProvider};
use datafusion::common::ParamValues;
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::logical_expr::{AggregateUDF, LogicalPlan, ScalarUDF};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::{DataFrame, SQLOptions, SessionConfig, SessionContext, ident};
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt as _;

pub use align::align;
pub use day_index::DayIndexSpec;
pub use table::{TableFile, TableSpec};

/// What can go wrong with a question.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The SQL cannot be parsed, planned or run.
    #[error("cannot answer {what}")]
    Query {
        /// Which question.
        what: String,
        /// What DataFusion says.
        #[source]
        source: Box<DataFusionError>,
    },
    /// A table or view cannot be set up.
    #[error("cannot set up `{name}`")]
    Register {
        /// The table or view.
        name: String,
        /// What DataFusion says.
        #[source]
        source: Box<DataFusionError>,
    },
    /// More than one statement where one is meant.
    #[error("{count} statements where one is meant")]
    Statements {
        /// How many there are.
        count: usize,
    },
}

impl EngineError {
    /// The innermost reason, in DataFusion's words.
    pub fn root_cause(&self) -> Option<String> {
        match self {
            Self::Query { source, .. } | Self::Register { source, .. } => {
                Some(source.find_root().strip_backtrace())
            }
            Self::Statements { .. } => None,
        }
    }

    /// Whether the question needs more memory than it may have.
    pub fn is_out_of_memory(&self) -> bool {
        match self {
            Self::Query { source, .. } | Self::Register { source, .. } => {
                matches!(source.find_root(), DataFusionError::ResourcesExhausted(_))
            }
            Self::Statements { .. } => false,
        }
    }

    /// Whether a file of the table was gone when it was to be read.
    pub fn is_file_gone(&self) -> bool {
        match self {
            Self::Query { source, .. } | Self::Register { source, .. } => matches!(
                source.find_root(),
                DataFusionError::ObjectStore(error)
                    if matches!(**error, object_store::Error::NotFound { .. })
            ),
            Self::Statements { .. } => false,
        }
    }

    /// The table that a question names and that is not there.
    pub fn unknown_table(&self) -> Option<String> {
        let cause = self.root_cause()?;
        let (_, rest) = cause.split_once("table '")?;
        let (name, rest) = rest.split_once('\'')?;
        rest.starts_with(" not found")
            .then(|| name.rsplit('.').next().unwrap_or(name).to_owned())
    }

    /// What went wrong while `what` was answered.
    pub fn query(what: &str) -> impl Fn(DataFusionError) -> Self + '_ {
        move |source| Self::Query {
            what: what.to_owned(),
            source: Box::new(source),
        }
    }

    fn register(name: &str) -> impl Fn(DataFusionError) -> Self + '_ {
        move |source| Self::Register {
            name: name.to_owned(),
            source: Box::new(source),
        }
    }
}

/// The limits of an engine.
#[derive(Debug, Clone, Copy)]
pub struct EngineLimits {
    /// Threads that work on one question.
    pub threads: usize,
    /// Bytes that sorting, joining and grouping may hold; sorting and grouping spill to disk beyond half of it.
    pub memory_bytes: usize,
}

/// Rows of a batch, as DataFusion has it unless told otherwise.
pub const BATCH_ROWS: usize = 8192;

/// A DataFusion session over registered tables and views.
pub struct Engine {
    context: SessionContext,
    known: Arc<known::Known>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens an engine without tables.
    pub fn open(limits: EngineLimits) -> Result<Self, EngineError> {
        Self::open_in_batches(limits, BATCH_ROWS)
    }

    /// The same, with so many rows in a batch: fewer need less memory and more time.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the place the wall points to"
    )]
    pub fn open_in_batches(limits: EngineLimits, rows: usize) -> Result<Self, EngineError> {
        let mut config = SessionConfig::new()
            .with_target_partitions(limits.threads.max(1))
            .with_batch_size(rows)
            .with_information_schema(true);
        let options = config.options_mut();
        options.execution.parquet.pushdown_filters = true;
        options.execution.time_zone = Some("+00:00".to_owned());
        // Measured: these let a filter on a small joined table prune the large one by bloom filter.
        options.optimizer.hash_join_inlist_pushdown_max_size = 64 << 20;
        options.optimizer.hash_join_single_partition_threshold = 100_000_000;
        options.optimizer.hash_join_single_partition_threshold_rows = 10_000_000;
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(memory::SplitPool::new(limits.memory_bytes)))
            .with_metadata_cache_limit(256 << 20)
            .build_arc()
            .map_err(EngineError::register("engine"))?;
        let mut rules = PhysicalOptimizer::new().rules;
        rules.push(Arc::new(dense::DenseSorts));
        let catalog = config.options().catalog.clone();
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_physical_optimizer_rules(rules)
            .with_runtime_env(runtime)
            .with_default_features()
            .build();
        let context = SessionContext::new_with_state(state);
        let known = Arc::new(known::Known::new(&context));
        let schemas = MemoryCatalogProvider::new();
        let schema: Arc<dyn SchemaProvider> = Arc::clone(&known) as _;
        schemas
            .register_schema(&catalog.default_schema, schema)
            .map_err(EngineError::register("engine"))?;
        context.register_catalog(catalog.default_catalog, Arc::new(schemas));
        Ok(Self { context, known })
    }

    /// Makes a table known.
    pub fn register_table(&self, spec: TableSpec) -> Result<(), EngineError> {
        let name = spec.name;
        if let Some((url, objects)) = &spec.read_from {
            let url = datafusion::datasource::object_store::ObjectStoreUrl::parse(url)
                .map_err(EngineError::register(name))?;
            self.context
                .register_object_store(url.as_ref(), Arc::clone(objects));
        }
        let provider = table::provider(spec);
        self.context
            .register_table(name, provider)
            .map(drop)
            .map_err(EngineError::register(name))
    }

    /// Makes batches in memory known as a table.
    pub fn register_batches(
        &self,
        name: &str,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
    ) -> Result<(), EngineError> {
        let provider = datafusion::datasource::MemTable::try_new(schema, vec![batches])
            .map_err(EngineError::register(name))?;
        self.context
            .register_table(name, Arc::new(provider))
            .map(drop)
            .map_err(EngineError::register(name))
    }

    /// Makes a function known to all that is planned from now on.
    pub fn register_function(&self, function: ScalarUDF) {
        self.context.register_udf(function);
    }

    /// The same of a function over many rows.
    pub fn register_aggregate(&self, function: AggregateUDF) {
        self.context.register_udaf(function);
    }

    /// Puts what a question answers in the place of a table; the question itself may be of that table.
    pub fn replace_by_answer(&self, name: &str, answer: Answer) -> Result<(), EngineError> {
        let fail = EngineError::register(name);
        self.context.deregister_table(name).map_err(&fail)?;
        self.context
            .register_table(name, answer.frame.into_view())
            .map(drop)
            .map_err(fail)
    }

    /// Makes the query of a view known under the view's name; what it reads must be known when it is first asked for.
    pub fn register_view(&self, name: &str, sql: &str) -> Result<(), EngineError> {
        let added = self.known.add_view(name, sql);
        added.map_err(EngineError::register(name))
    }

    /// Plans a question; `what` names it in errors.
    ///
    /// Anything but a query is refused: no statement here changes data, settings or files.
    pub async fn query(
        &self,
        what: &str,
        sql: &str,
        params: &[(&str, ScalarValue)],
    ) -> Result<Answer, EngineError> {
        let fail = EngineError::query(what);
        let statements = datafusion::sql::parser::DFParser::parse_sql(sql).map_err(&fail)?;
        if statements.len() > 1 {
            return Err(EngineError::Statements {
                count: statements.len(),
            });
        }
        let plan = self
            .context
            .state()
            .create_logical_plan(sql)
            .await
            .map_err(&fail)?;
        read_only().verify_plan(&plan).map_err(&fail)?;
        self.answer(what, plan, params)
    }

    /// Plans the rows of a table, with some of its columns, sorted by others.
    pub async fn sorted(
        &self,
        what: &str,
        table: &str,
        columns: &[&str],
        order: &[&str],
    ) -> Result<Answer, EngineError> {
        let fail = EngineError::query(what);
        let rows = self.context.table(table).await.map_err(&fail)?;
        let order = order.iter().map(|name| ident(*name).sort(true, false));
        let frame = rows
            .sort(order.collect())
            .and_then(|rows| rows.select_columns(columns))
            .map_err(&fail)?;
        Ok(Answer {
            what: what.to_owned(),
            frame,
        })
    }

    fn answer(
        &self,
        what: &str,
        plan: LogicalPlan,
        params: &[(&str, ScalarValue)],
    ) -> Result<Answer, EngineError> {
        let fail = EngineError::query(what);
        let mut frame = DataFrame::new(self.context.state(), plan);
        if !params.is_empty() {
            let values: Vec<(&str, ScalarValue)> = params.to_vec();
            frame = frame
                .with_param_values(ParamValues::from(values))
                .map_err(&fail)?;
        }
        Ok(Answer {
            what: what.to_owned(),
            frame,
        })
    }
}

fn read_only() -> SQLOptions {
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
}

/// A planned question.
#[derive(Debug, Clone)]
pub struct Answer {
    what: String,
    frame: DataFrame,
}

impl Answer {
    /// The columns of the answer, as far as they are known before it runs.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(self.frame.schema().inner())
    }

    /// The same with some of its columns only.
    pub fn with_columns(self, columns: &[&str]) -> Result<Self, EngineError> {
        let Self { what, frame } = self;
        let frame = frame
            .select_columns(columns)
            .map_err(EngineError::query(&what))?;
        Ok(Self { what, frame })
    }

    /// Runs the question; batches come as they are ready, with the columns of the stream's own schema.
    ///
    /// That one is sure, where [`schema`](Self::schema) may know of a null what is text in the end.
    pub async fn stream(self) -> Result<SendableRecordBatchStream, EngineError> {
        self.frame
            .execute_stream()
            .await
            .map_err(EngineError::query(&self.what))
    }

    /// Runs the question and collects a small answer.
    pub async fn collect(self) -> Result<Vec<RecordBatch>, EngineError> {
        Ok(self.collect_all().await?.1)
    }

    /// The same with the columns of its rows, also where there are none.
    pub async fn collect_all(self) -> Result<(SchemaRef, Vec<RecordBatch>), EngineError> {
        let what = self.what.clone();
        let stream = self.stream().await?;
        let schema = stream.schema();
        let batches = stream
            .try_collect()
            .await
            .map_err(EngineError::query(&what))?;
        Ok((schema, batches))
    }

    /// Runs the question and collects its first rows, `most` of them; and whether there are more.
    pub async fn collect_first(
        self,
        most: usize,
    ) -> Result<(SchemaRef, Vec<RecordBatch>, bool), EngineError> {
        let what = self.what.clone();
        let mut stream = self.stream().await?;
        let schema = stream.schema();
        let mut batches = Vec::new();
        let mut left = most;
        while let Some(batch) = stream.try_next().await.map_err(EngineError::query(&what))? {
            if batch.num_rows() > left {
                batches.push(batch.slice(0, left));
                return Ok((schema, batches, true));
            }
            left -= batch.num_rows();
            batches.push(batch);
        }
        Ok((schema, batches, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        ArrayRef, AsArray as _, Int64Builder, ListBuilder, StringViewArray, StringViewBuilder,
    };

    fn engine() -> Engine {
        Engine::open(EngineLimits {
            threads: 1,
            memory_bytes: 64 << 20,
        })
        .unwrap()
    }

    #[tokio::test]
    async fn statements_that_are_no_queries_are_refused() {
        let engine = engine();
        for sql in [
            "CREATE TABLE t AS SELECT 1",
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "COPY (SELECT 1) TO '/tmp/x.csv'",
            "SET datafusion.execution.batch_size = 1",
            "DROP TABLE t",
            "INSERT INTO t VALUES (1)",
            "SELECT 1; SELECT 2",
        ] {
            assert!(engine.query("test", sql, &[]).await.is_err(), "{sql}");
        }
        assert!(
            engine
                .query("test", "SELECT * FROM '/etc/passwd'", &[])
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn a_view_is_planned_when_somebody_asks_for_it() {
        let engine = engine();
        for (name, sql) in [
            ("of_view", "SELECT n + 1 AS n FROM of_table"),
            ("of_table", "SELECT 1 AS n"),
            ("broken", "SELECT nothing FROM of_table"),
        ] {
            engine.register_view(name, sql).unwrap();
        }
        assert!(engine.register_view("of_table", "SELECT 2 AS n").is_err());
        let ask = async |sql| engine.query("test", sql, &[]).await?.collect().await;
        let found = ask("SELECT n FROM of_view").await.unwrap();
        let number = found[0]
            .column(0)
            .as_primitive::<arrow::datatypes::Int64Type>();
        assert_eq!(number.value(0), 2);
        let error = ask("SELECT * FROM broken").await.unwrap_err();
        let cause = error.root_cause().unwrap();
        assert!(cause.contains("nothing"), "{cause}");
        assert!(ask("SELECT * FROM nowhere").await.is_err());
    }

    /// Text in batches that each show a part of it, as joins hand them on.
    fn cut_out() -> (SchemaRef, Vec<RecordBatch>) {
        let scrambled = (0..400_000_u64).map(|row| row.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let text = StringViewArray::from_iter_values(scrambled.map(|row| format!("{row:020}")));
        let mut lists = ListBuilder::new(StringViewBuilder::new());
        for row in 0..400_000 {
            lists
                .values()
                .append_value(format!("a text of its own {row}"));
            lists.append(true);
        }
        let text: ArrayRef = Arc::new(text);
        let lists: ArrayRef = Arc::new(lists.finish());
        let mut numbers = ListBuilder::new(Int64Builder::new());
        for row in 0..400_000 {
            numbers.values().append_slice(&[row; 8]);
            numbers.append(true);
        }
        let numbers: ArrayRef = Arc::new(numbers.finish());
        let columns = [("text", text), ("lists", lists), ("numbers", numbers)];
        let whole = RecordBatch::try_from_iter(columns).unwrap();
        // The last part as a join hands on what nothing fitted: all at once.
        let cut = (0..20).map(|at| whole.slice(at * 10_000, 10_000));
        let rest = [whole.slice(200_000, 200_000)];
        (whole.schema(), cut.chain(rest).collect())
    }

    #[tokio::test]
    async fn a_sort_counts_what_its_rows_show_and_not_what_they_were_cut_out_of() {
        let engine = Engine::open(EngineLimits {
            threads: 2,
            memory_bytes: 256 << 20,
        })
        .unwrap();
        let (schema, batches) = cut_out();
        let rows = batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        engine.register_batches("t", schema, batches).unwrap();
        let answer = engine
            .query("test", "SELECT * FROM t ORDER BY text", &[])
            .await
            .unwrap();
        let sorted = answer.collect().await.unwrap();
        let mut before = String::new();
        for batch in &sorted {
            for text in batch.column(0).as_string_view().iter().flatten() {
                assert!(before.as_str() <= text, "{before} before {text}");
                text.clone_into(&mut before);
            }
            let list = batch.column(1).as_list::<i32>().value(0);
            assert!(
                list.as_string_view()
                    .value(0)
                    .starts_with("a text of its own")
            );
        }
        assert_eq!(
            sorted.iter().map(RecordBatch::num_rows).sum::<usize>(),
            rows
        );
    }

    #[tokio::test]
    async fn named_parameters_are_values_and_never_sql() {
        let engine = engine();
        let evil = ScalarValue::from("x' OR '1'='1");
        let answer = engine
            .query("test", "SELECT $name::text AS name", &[("name", evil)])
            .await
            .unwrap();
        let batches = answer.collect().await.unwrap();
        let text = arrow::util::display::array_value_to_string(batches[0].column(0), 0).unwrap();
        assert_eq!(text, "x' OR '1'='1");
    }
}
