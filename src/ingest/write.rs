//! Writes the rows of a table without days as one file.

use crate::events::{EventsError, shape_of};
use crate::lake::{Draft, LakeTable, RowBuilder, TableWriter};

/// Writes the rows of a table without days as one file.
pub(super) fn write_rows(
    draft: &mut Draft<'_>,
    table: LakeTable,
    mut rows: RowBuilder,
) -> Result<(), EventsError> {
    let Some(shape) = shape_of(table).filter(|_| !rows.is_empty()) else {
        return Ok(());
    };
    let batch = rows.take()?;
    let schema = batch.schema();
    let mut writer = TableWriter::create(draft.guard(), table, None, schema, shape.layout)?;
    writer.write(&batch)?;
    draft.add(table, writer.finish()?);
    Ok(())
}
