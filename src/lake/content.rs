//! What a file's rows say, as one number: what is worked out anew is written only where it says something else.

use arrow::array::{Array as _, ArrayData, RecordBatch};
use sha2::{Digest as _, Sha256};

/// The number of rows, as the same batches give it always: 32 hexadecimal digits of their SHA-256.
///
/// It is that of the arrays' bytes, so it holds for arrays that were built row by row, and not for slices of others.
pub fn content_of(batches: &[RecordBatch]) -> String {
    let mut hasher = Sha256::new();
    for batch in batches {
        hasher.update(batch.num_rows().to_le_bytes());
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            hasher.update(format!("{} {}", field.name(), field.data_type()));
            add(&mut hasher, &column.to_data());
        }
    }
    let mut text = format!("{:x}", hasher.finalize());
    text.truncate(32);
    text
}

fn add(hasher: &mut Sha256, array: &ArrayData) {
    let mut part = |bytes: &[u8]| {
        hasher.update(bytes.len().to_le_bytes());
        hasher.update(bytes);
    };
    part(array.nulls().map_or(&[][..], |nulls| nulls.validity()));
    for buffer in array.buffers() {
        part(buffer.as_slice());
    }
    for child in array.child_data() {
        add(hasher, child);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::{Column, ColumnType, RowBuilder};

    const COLUMNS: &[Column] = &[
        Column::new("name", ColumnType::Text, "a name"),
        Column::new("keys", ColumnType::TextList, "some keys"),
        Column::new("count", ColumnType::Int, "a count"),
    ];

    fn rows(rows: &[(Option<&str>, &[&str], Option<i64>)]) -> RecordBatch {
        let mut builder = RowBuilder::new(COLUMNS);
        for (name, keys, count) in rows {
            builder
                .row()
                .text("name", *name)
                .texts("keys", keys.iter())
                .int("count", *count);
        }
        builder.take().unwrap()
    }

    #[test]
    fn the_same_rows_have_one_number_and_any_other_another() {
        let of = |with: &[(Option<&str>, &[&str], Option<i64>)]| content_of(&[rows(with)]);
        let first = of(&[(Some("alice"), &["a", "b"], Some(1)), (None, &[], None)]);
        assert_eq!(
            first,
            of(&[(Some("alice"), &["a", "b"], Some(1)), (None, &[], None)])
        );
        for other in [
            of(&[(Some("alice"), &["a", "b"], Some(1))]),
            of(&[(Some("alice"), &["a", "b"], Some(2)), (None, &[], None)]),
            of(&[(Some("alice"), &["ab"], Some(1)), (None, &[], None)]),
            of(&[(Some("alic"), &["a", "b"], Some(1)), (Some("e"), &[], None)]),
            of(&[(Some("alice"), &["a", "b"], Some(1)), (Some(""), &[], None)]),
            of(&[(Some("alice"), &["a", "b"], Some(1)), (None, &[], Some(0))]),
            of(&[(None, &[], None), (Some("alice"), &["a", "b"], Some(1))]),
        ] {
            assert_ne!(first, other);
        }
        assert_eq!(first.len(), 32);
    }
}
