//! Rows under the columns that a schema promises.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

/// The rows under the columns of `schema`: null where they have none of that name, cast where the type differs.
pub fn align(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns: Result<Vec<ArrayRef>, ArrowError> = schema
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
            Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
            Some(column) => cast(column, field.data_type()),
        })
        .collect();
    RecordBatch::try_new(Arc::clone(schema), columns?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array as _, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};

    #[test]
    fn what_is_missing_is_null_and_what_differs_is_cast() {
        let text = Arc::new(StringArray::from(vec!["7"])) as ArrayRef;
        let batch = RecordBatch::try_from_iter([("b", text)]).unwrap();
        let schema = Arc::new(Schema::new(vec![
            Field::new("a", DataType::Utf8, true),
            Field::new("b", DataType::Int64, true),
        ]));
        let aligned = align(&batch, &schema).unwrap();
        assert!(aligned.column(0).is_null(0));
        assert_eq!(aligned.schema(), schema);
    }
}
