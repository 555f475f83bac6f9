//! Batches without what they were cut out of, around every sort.
//!
//! A text view keeps whole buffers alive and is counted with all of them, and a join may hand on half a million rows
//! as one batch: some megabytes then count a gigabyte, and a sort gives up instead of spilling. DataFusion 55 compacts
//! views only where it writes them to disk.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, ListArray, RecordBatch, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{BatchCoalescer, take};
use arrow::datatypes::{ArrowNativeType as _, DataType};
use datafusion::common::config::ConfigOptions;
use datafusion::common::plan_err;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{
    CardinalityEffect, ChildrenPropertiesMode, ReplaceChildrenOptions,
    replace_children_if_necessary,
};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{TryStreamExt as _, stream};

/// Puts [`DenseBatches`] before and behind every sort of all rows.
#[derive(Debug)]
pub(super) struct DenseSorts;

impl PhysicalOptimizerRule for DenseSorts {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rewritten = plan.transform_up(|node| {
            let Some(sort) = node.downcast_ref::<SortExec>() else {
                return Ok(Transformed::no(node));
            };
            // One that keeps the first rows alone compacts them itself.
            if sort.fetch().is_some() {
                return Ok(Transformed::no(node));
            }
            let input: Arc<dyn ExecutionPlan> =
                Arc::new(DenseBatches::of(Arc::clone(sort.input())));
            let sort = replace_children_if_necessary(Arc::clone(&node), vec![input])?;
            Ok(Transformed::yes(Arc::new(DenseBatches::of(sort))))
        })?;
        Ok(rewritten.data)
    }

    fn name(&self) -> &'static str {
        "dense_sorts"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The rows of its input in batches of the usual size, each of which keeps little more than what it shows.
#[derive(Debug)]
struct DenseBatches {
    input: Arc<dyn ExecutionPlan>,
}

impl DenseBatches {
    fn of(input: Arc<dyn ExecutionPlan>) -> Self {
        Self { input }
    }
}

impl DisplayAs for DenseBatches {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DenseBatches")
    }
}

impl ExecutionPlan for DenseBatches {
    fn name(&self) -> &'static str {
        "DenseBatches"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop() else {
            return plan_err!("DenseBatches needs an input");
        };
        Ok(Arc::new(Self { input }))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, options)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let size = context.session_config().batch_size();
        let rows = self.input.execute(partition, context)?;
        let schema = rows.schema();
        let coalescer = Some(BatchCoalescer::new(Arc::clone(&schema), size));
        let dense = stream::try_unfold((rows, coalescer), move |rest| next_dense(rest, size));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, dense)))
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}

/// The rows that are still to be read, and those that wait for a batch to be full; none once all are read.
type Rest = (SendableRecordBatchStream, Option<BatchCoalescer>);

async fn next_dense(
    (mut rows, mut waiting): Rest,
    size: usize,
) -> Result<Option<(RecordBatch, Rest)>> {
    while let Some(coalescer) = &mut waiting {
        if let Some(batch) = coalescer.next_completed_batch() {
            return Ok(Some((batch, (rows, waiting))));
        }
        if let Some(batch) = rows.try_next().await? {
            // What is kept is weighed for a batch as a whole, so none may be larger than those that come of it.
            for from in (0..batch.num_rows()).step_by(size) {
                let rows = size.min(batch.num_rows() - from);
                coalescer.push_batch(dense(batch.slice(from, rows))?)?;
            }
        } else {
            coalescer.finish_buffered_batch()?;
            let last = coalescer.next_completed_batch();
            waiting = None;
            return Ok(last.map(|batch| (batch, (rows, waiting))));
        }
    }
    Ok(None)
}

/// The same with lists that own what they show; plain text is seen to where batches are put together.
fn dense(batch: RecordBatch) -> Result<RecordBatch> {
    let (schema, columns, _) = batch.into_parts();
    let columns = columns.iter().map(dense_list).collect::<Result<_>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}

fn dense_list(array: &ArrayRef) -> Result<ArrayRef> {
    let Some(list) = array.as_list_opt::<i32>() else {
        return Ok(Arc::clone(array));
    };
    let DataType::List(field) = list.data_type() else {
        return Ok(Arc::clone(array));
    };
    let (Some(first), Some(last)) = (list.offsets().first(), list.offsets().last()) else {
        return Ok(Arc::clone(array));
    };
    let (first, length) = (first.as_usize(), (last - first).as_usize());
    let offsets = OffsetBuffer::from_lengths(list.offsets().lengths());
    let items = list.values();
    let own: ArrayRef = match items.as_string_view_opt() {
        Some(text) => Arc::new(text.slice(first, length).gc()),
        None if items.len() > length => {
            let shown = (first as u64..).take(length);
            take(items, &UInt64Array::from_iter_values(shown), None)?
        }
        None => return Ok(Arc::clone(array)),
    };
    let list = ListArray::try_new(Arc::clone(field), offsets, own, list.nulls().cloned());
    Ok(Arc::new(list?))
}
