//! Writes the rows of a table without days as one file.

use crate::events::{DUPLICATES, EventsError, LOG_FILES, LOG_FILES_LAYOUT, REJECTED};
use crate::lake::{Column, Draft, FileLayout, LakeTable, RowBuilder, TableWriter, schema_of};

/// Writes the rows of a table without days as one file.
pub(super) fn write_rows(
    draft: &mut Draft<'_>,
    table: LakeTable,
    mut rows: RowBuilder,
) -> Result<(), EventsError> {
    if rows.is_empty() {
        return Ok(());
    }
    let layout = if table == LakeTable::LogFiles {
        LOG_FILES_LAYOUT
    } else {
        FileLayout::default()
    };
    let batch = rows.take()?;
    let schema = schema_of(columns_of(table));
    let mut writer = TableWriter::create(draft.guard(), table, None, schema, layout)?;
    writer.write(&batch)?;
    draft.add(table, writer.finish()?);
    Ok(())
}

fn columns_of(table: LakeTable) -> &'static [Column] {
    match table {
        LakeTable::Rejected => REJECTED,
        LakeTable::Duplicates => DUPLICATES,
        _ => LOG_FILES,
    }
}
