//! The text of one value.

use arrow::array::{Array, AsArray as _};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::safe::safe_text;

/// RFC 3339 in UTC; the fraction shows only where there is one.
pub(super) const TIME: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

/// The text of one value for people: empty for null, lists without brackets, nothing that acts on a terminal.
pub(super) fn cell(column: &dyn Array, row: usize) -> Result<String, ArrowError> {
    if column.is_null(row) {
        return Ok(String::new());
    }
    if let DataType::List(_) = column.data_type() {
        let items = column.as_list::<i32>().value(row);
        let cells: Result<Vec<String>, ArrowError> = (0..items.len())
            .map(|item| cell(items.as_ref(), item))
            .collect();
        return Ok(cells?.join(", "));
    }
    let options = FormatOptions::new()
        .with_timestamp_format(Some(TIME))
        .with_timestamp_tz_format(Some(TIME));
    let text = ArrayFormatter::try_new(column, &options)?
        .value(row)
        .try_to_string()?;
    Ok(safe_text(&text).into_owned())
}
