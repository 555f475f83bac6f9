//! Finds the rows of an `events` file by their ids, without reading more of the file than its own signposts allow.
//!
//! Row groups whose times or Bloom filter rule an id out are passed over, and so are pages of other times. What is left is
//! read and compared, so that the answer is exact.

use std::collections::HashSet;
use std::ops::Range;

use arrow::array::AsArray as _;
use arrow::datatypes::TimestampMicrosecondType;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::parquet_rows::{OpenFile, text_at};
use super::{DataFile, LakeError, Store};

pub(super) const ID: &str = "event_id";
pub(super) const TIME: &str = "event_time";

/// One event that is looked for: its time in microseconds since 1970, and its id.
pub type Wanted<'a> = (i64, &'a str);

/// Where an event may stand whose id is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// At its own time.
    Same,
    /// At any time.
    Any,
}

/// The positions of the rows of `data_file` that have one of the wanted ids, ascending. `wanted` is sorted.
pub fn find_events(
    store: &Store,
    data_file: &DataFile,
    wanted: &[Wanted<'_>],
    times: Times,
) -> Result<Vec<u64>, LakeError> {
    let wanted = match (times, data_file.min_time, data_file.max_time) {
        (Times::Same, Some(first), Some(last)) => between(wanted, first, last),
        _ => wanted,
    };
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let file = OpenFile::open(store, data_file, times == Times::Same)?;
    let places = Places::new(&file).map_err(|source| file.failed(source))?;
    let mut ids: HashSet<&str> = HashSet::new();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for group in &places.groups {
        let of_group = match (times, group.times) {
            (Times::Same, Some((first, last))) => between(wanted, first, last),
            _ => wanted,
        };
        if of_group.is_empty() {
            continue;
        }
        let filter = match &group.filter {
            Some(range) => Some(
                Sbbf::from_bytes(&file.range(range.clone())?)
                    .map_err(|source| file.failed(source))?,
            ),
            None => None,
        };
        let maybe: Vec<Wanted<'_>> = of_group
            .iter()
            .filter(|(_, id)| filter.as_ref().is_none_or(|filter| filter.check(*id)))
            .copied()
            .collect();
        if maybe.is_empty() {
            continue;
        }
        ids.extend(maybe.iter().map(|(_, id)| *id));
        let pages = group.pages.iter().filter(|page| match (times, page.times) {
            (Times::Same, Some((first, last))) => !between(&maybe, first, last).is_empty(),
            _ => true,
        });
        ranges.extend(pages.map(|page| page.rows.clone()));
    }
    if ranges.is_empty() {
        return Ok(Vec::new());
    }
    let mut position = ranges.clone().into_iter().flatten();
    let mut found = Vec::new();
    for batch in file.rows(Some(&[ID]), Some(ranges))? {
        let batch = batch?;
        let texts = batch.column_by_name(ID);
        for row in 0..batch.num_rows() {
            let at = position.next();
            let id = texts.and_then(|texts| text_at(texts, row));
            if id.is_some_and(|id| ids.contains(id)) {
                found.extend(at.map(|at| at as u64));
            }
        }
    }
    Ok(found)
}

fn between<'w, 'a>(wanted: &'w [Wanted<'a>], first: i64, last: i64) -> &'w [Wanted<'a>] {
    let from = wanted.partition_point(|(time, _)| *time < first);
    let to = wanted.partition_point(|(time, _)| *time <= last);
    wanted.get(from..to).unwrap_or_default()
}

/// Where in a file what lies, as far as it says so.
struct Places {
    groups: Vec<Group>,
}

struct Group {
    times: Option<(i64, i64)>,
    /// The bytes of the Bloom filter over the ids.
    filter: Option<Range<u64>>,
    pages: Vec<Page>,
}

/// Rows that lie between two times.
struct Page {
    times: Option<(i64, i64)>,
    rows: Range<usize>,
}

impl Places {
    fn new(file: &OpenFile) -> Result<Self, ParquetError> {
        let reader = file.metadata();
        let metadata = reader.metadata();
        let times = StatisticsConverter::try_new(
            TIME,
            reader.schema(),
            metadata.file_metadata().schema_descr(),
        )?;
        let bounds = pairs(
            times.row_group_mins(metadata.row_groups())?.as_ref(),
            times.row_group_maxes(metadata.row_groups())?.as_ref(),
        );
        let mut groups = Vec::new();
        let mut start = 0;
        for (at, group) in metadata.row_groups().iter().enumerate() {
            let rows = usize::try_from(group.num_rows()).unwrap_or_default();
            let bounds = bounds.get(at).copied().flatten();
            let id = group
                .columns()
                .iter()
                .find(|column| column.column_path().string() == ID);
            groups.push(Group {
                times: bounds,
                filter: id.and_then(|column| {
                    let from = u64::try_from(column.bloom_filter_offset()?).ok()?;
                    let length = u64::try_from(column.bloom_filter_length()?).ok()?;
                    Some(from..from + length)
                }),
                pages: pages(&times, metadata, at, start)?.unwrap_or_else(|| {
                    Vec::from([Page {
                        times: bounds,
                        rows: start..start + rows,
                    }])
                }),
            });
            start += rows;
        }
        Ok(Self { groups })
    }
}

/// The pages of a row group that begins at row `start`; `None` where the file does not tell them.
fn pages(
    times: &StatisticsConverter<'_>,
    metadata: &ParquetMetaData,
    group: usize,
    start: usize,
) -> Result<Option<Vec<Page>>, ParquetError> {
    let (Some(columns), Some(offsets)) = (metadata.column_index(), metadata.offset_index()) else {
        return Ok(None);
    };
    let only = [group];
    let Some(counts) = times.data_page_row_counts(offsets, metadata.row_groups(), &only)? else {
        return Ok(None);
    };
    let bounds = pairs(
        times.data_page_mins(columns, offsets, &only)?.as_ref(),
        times.data_page_maxes(columns, offsets, &only)?.as_ref(),
    );
    let mut pages = Vec::new();
    let mut at = start;
    for (count, bounds) in counts.iter().zip(bounds) {
        let rows = usize::try_from(count.unwrap_or_default()).unwrap_or_default();
        pages.push(Page {
            times: bounds,
            rows: at..at + rows,
        });
        at += rows;
    }
    Ok(Some(pages))
}

fn pairs(
    least: &dyn arrow::array::Array,
    most: &dyn arrow::array::Array,
) -> Vec<Option<(i64, i64)>> {
    let times = |array: &dyn arrow::array::Array| -> Vec<Option<i64>> {
        match array.as_primitive_opt::<TimestampMicrosecondType>() {
            Some(times) => times.iter().collect(),
            None => vec![None; array.len()],
        }
    };
    let (least, most) = (times(least), times(most));
    least
        .into_iter()
        .zip(most)
        .map(|(least, most)| least.zip(most))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::{
        Column, ColumnType, FileLayout, Lake, LakeTable, RowBuilder, TableWriter, read_columns,
    };

    const COLUMNS: &[Column] = &[
        Column::required(ID, ColumnType::Text, "the id"),
        Column::required(TIME, ColumnType::Time, "the time"),
    ];
    const LAYOUT: FileLayout = FileLayout {
        bloom_filters: &[ID],
        distinct: &[ID],
        without_order: &[ID],
        sorted: Some(TIME),
    };

    /// Three row groups of several pages; ten rows of each time.
    const ROWS: i64 = 300_000;

    #[test]
    fn what_is_found_is_what_a_look_at_every_row_finds() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open_or_create(&folder.path().join("lake")).unwrap();
        let guard = lake.write(chrono::DateTime::UNIX_EPOCH, || ()).unwrap();
        let mut rows = RowBuilder::new(COLUMNS);
        for row in 0..ROWS {
            rows.row()
                .text(ID, Some(format!("event-{}", row * 7_919 % ROWS)))
                .time(TIME, Some(row / 10 * 1_000));
        }
        let batch = rows.take().unwrap();
        let schema = batch.schema();
        let mut writer =
            TableWriter::create(&guard, LakeTable::Rejected, None, schema, LAYOUT).unwrap();
        writer.write(&batch).unwrap();
        let file = writer.finish().unwrap();
        let store = guard.store();

        let every: Vec<(String, u64)> = read_columns(store, &file, None)
            .unwrap()
            .flat_map(|batch| {
                let batch = batch.unwrap();
                let ids = batch.column_by_name(ID).unwrap();
                let ids = (0..batch.num_rows()).map(|row| text_at(ids, row).unwrap().to_owned());
                ids.collect::<Vec<_>>()
            })
            .zip(0..)
            .collect();
        let at = |row: u64| {
            (
                i64::try_from(row / 10 * 1_000).unwrap(),
                &every[usize::try_from(row).unwrap()].0,
            )
        };
        // The first and last rows of the file, of groups and of pages; an id at a time that is not its own; one that is nowhere.
        let places = [0, 19_999, 20_000, 131_071, 131_072, 200_000, 299_999];
        let mut wanted: Vec<Wanted<'_>> = places
            .iter()
            .map(|row| {
                let (time, id) = at(*row);
                (time, id.as_str())
            })
            .collect();
        let elsewhere = at(77_777).1;
        wanted.extend([
            (5_000_000, elsewhere.as_str()),
            (6_000_000, "nobody"),
            (i64::MAX, "nobody"),
        ]);
        wanted.sort_unstable();

        let mut everywhere: Vec<u64> = places.to_vec();
        let found = find_events(store, &file, &wanted, Times::Same).unwrap();
        // Where its page is read for another one, an id may be found at another time as well.
        let own: Vec<u64> = found.into_iter().filter(|row| *row != 77_777).collect();
        assert_eq!(own, everywhere);
        everywhere.push(77_777);
        everywhere.sort_unstable();
        assert_eq!(
            find_events(store, &file, &wanted, Times::Any).unwrap(),
            everywhere
        );
        assert!(
            find_events(store, &file, &[(7, "nobody")], Times::Any)
                .unwrap()
                .is_empty()
        );
    }
}
