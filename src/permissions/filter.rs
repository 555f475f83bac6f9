//! The filter of an aggregate (`FILTER (WHERE …)`), as our own aggregates take it.

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::compute::nullif;
use datafusion::common::Result;

/// Makes null what does not pass the filter of an aggregate.
pub(super) fn leave_out(state: &mut [ArrayRef], filter: Option<&BooleanArray>) -> Result<()> {
    let Some(rows) = filter.map(Array::len) else {
        return Ok(());
    };
    let left_out: BooleanArray = (0..rows).map(|row| Some(!is_taken(filter, row))).collect();
    for column in state {
        *column = nullif(column, &left_out)?;
    }
    Ok(())
}

/// Whether a row passes the filter of an aggregate.
pub(super) fn is_taken(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}
