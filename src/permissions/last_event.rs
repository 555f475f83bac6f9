//! `last_event_id(event_time, event_id)`: the id of the last of many events, of those of one time the greatest.
//!
//! DataFusion's `last_value(… ORDER BY …)` says the same, but holds the order of each group as single values, and goes through all
//! groups for each batch: where nearly every row is a group of its own, as in usage by resource, that is most of the time.

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, PrimitiveArray, StringViewArray, StringViewBuilder,
};
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::filter::{is_taken, leave_out};

type Times = PrimitiveArray<TimestampMicrosecondType>;

/// The aggregate.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LastEventId(Signature);

impl LastEventId {
    pub(super) fn new() -> Self {
        let forms = vec![time_type(), DataType::Utf8View];
        Self(Signature::exact(forms, Volatility::Immutable))
    }
}

fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
}

impl AggregateUDFImpl for LastEventId {
    fn name(&self) -> &'static str {
        "last_event_id"
    }
    fn signature(&self) -> &Signature {
        &self.0
    }
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }
    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneGroup::default()))
    }
    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }
    fn create_groups_accumulator(
        &self,
        _: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Last::default()))
    }
    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let part = |name: &str, data_type| {
            let name = format!("{}[{name}]", args.name);
            Arc::new(Field::new(name, data_type, true))
        };
        Ok(vec![
            part("time", time_type()),
            part("id", DataType::Utf8View),
        ])
    }
}

/// The last event of each group.
#[derive(Debug, Default)]
struct Last {
    /// Of each its time and its id, where it has an event.
    events: Vec<Option<(i64, String)>>,
    /// Bytes of the ids.
    held: usize,
}

impl Last {
    fn add(&mut self, group: usize, time: i64, id: &str) {
        match self.events.get_mut(group) {
            Some(Some((last_time, last_id))) if (*last_time, last_id.as_str()) < (time, id) => {
                let before = last_id.capacity();
                *last_time = time;
                last_id.clear();
                last_id.push_str(id);
                self.held = (self.held + last_id.capacity()).saturating_sub(before);
            }
            Some(none @ None) => {
                let id = id.to_owned();
                self.held += id.capacity();
                *none = Some((time, id));
            }
            _ => {}
        }
    }

    fn take(&mut self, emit: EmitTo) -> Vec<Option<(i64, String)>> {
        let taken = emit.take_needed(&mut self.events);
        let ids = taken.iter().flatten().map(|(_, id)| id.capacity());
        self.held = self.held.saturating_sub(ids.sum());
        taken
    }
}

fn ids_of(events: &[Option<(i64, String)>]) -> StringViewArray {
    let mut ids = StringViewBuilder::with_capacity(events.len());
    for event in events {
        ids.append_option(event.as_ref().map(|(_, id)| id));
    }
    ids.finish()
}

fn state_of(events: &[Option<(i64, String)>]) -> Vec<ArrayRef> {
    let times = events
        .iter()
        .map(|event| event.as_ref().map(|(time, _)| *time));
    let times = times.collect::<Times>().with_timezone("UTC");
    vec![Arc::new(times), Arc::new(ids_of(events))]
}

fn unexpected() -> DataFusionError {
    exec_datafusion_err!("last_event_id takes times, and text beside them")
}

impl GroupsAccumulator for Last {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.events.resize(total_num_groups, None);
        let [times, ids] = values else {
            return Err(unexpected());
        };
        let times: &Times = times.as_primitive_opt().ok_or_else(unexpected)?;
        let ids = ids.as_string_view_opt().ok_or_else(unexpected)?;
        for (row, group) in group_indices.iter().enumerate() {
            if times.is_valid(row) && ids.is_valid(row) && is_taken(opt_filter, row) {
                self.add(*group, times.value(row), ids.value(row));
            }
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.update_batch(values, group_indices, None, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(ids_of(&self.take(emit_to))))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(state_of(&self.take(emit_to)))
    }

    /// A row is a state as it stands.
    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let [times, ids] = values else {
            return Err(unexpected());
        };
        let mut state = vec![Arc::clone(times), Arc::clone(ids)];
        leave_out(&mut state, opt_filter)?;
        Ok(state)
    }

    fn size(&self) -> usize {
        self.events.capacity() * size_of::<Option<(i64, String)>>() + self.held
    }
}

/// All rows as one group.
#[derive(Debug, Default)]
struct OneGroup(Last);

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, Array::len);
        self.0.update_batch(values, &vec![0; rows], None, 1)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.events.resize(1, None);
        let first = |column: &ArrayRef| ScalarValue::try_from_array(column, 0);
        state_of(&self.0.events).iter().map(first).collect()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.events.resize(1, None);
        ScalarValue::try_from_array(&ids_of(&self.0.events), 0)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(i64, Option<&str>)]) -> [ArrayRef; 2] {
        let times: Times = rows.iter().map(|(time, _)| Some(*time)).collect();
        let ids: StringViewArray = rows.iter().map(|(_, id)| *id).collect();
        [Arc::new(times.with_timezone("UTC")), Arc::new(ids)]
    }

    fn ids(answer: &ArrayRef) -> Vec<Option<&str>> {
        answer.as_string_view().iter().collect()
    }

    #[test]
    fn the_last_by_time_then_by_id_is_told_for_each_group_however_rows_come() {
        let all = [
            (1, Some("z")),
            (2, Some("a")),
            (2, Some("b")),
            (9, None),
            (-1, Some("m")),
        ];
        let groups = [0, 0, 0, 0, 1];
        for turn in 0..all.len() {
            let (mut all, mut groups) = (all, groups);
            all.rotate_left(turn);
            groups.rotate_left(turn);
            let values = rows(&all);
            let mut whole = Last::default();
            whole.update_batch(&values, &groups, None, 3).unwrap();
            let mut merged = Last::default();
            let state = whole.convert_to_state(&values, None).unwrap();
            merged.merge_batch(&state, &groups, 3).unwrap();
            let state = merged.state(EmitTo::All).unwrap();
            merged.merge_batch(&state, &[0, 1, 2], 3).unwrap();
            let answer = merged.evaluate(EmitTo::All).unwrap();
            assert_eq!(ids(&answer), [Some("b"), Some("m"), None]);
            assert_eq!(ids(&whole.evaluate(EmitTo::First(1)).unwrap()), [Some("b")]);
            assert_eq!(
                ids(&whole.evaluate(EmitTo::All).unwrap()),
                [Some("m"), None]
            );
            assert_eq!((whole.held, merged.held), (0, 0));
            let mut one = OneGroup::default();
            assert!(one.evaluate().unwrap().is_null());
            one.update_batch(&values).unwrap();
            assert_eq!(one.evaluate().unwrap().to_string(), "b");
        }
    }

    #[test]
    fn rows_that_a_filter_leaves_out_are_no_events() {
        let values = rows(&[(1, Some("a")), (2, Some("b")), (3, Some("c"))]);
        let filter = BooleanArray::from(vec![Some(true), Some(false), None]);
        let mut filtered = Last::default();
        filtered
            .update_batch(&values, &[0; 3], Some(&filter), 1)
            .unwrap();
        let state = filtered.convert_to_state(&values, Some(&filter)).unwrap();
        let mut merged = Last::default();
        merged.merge_batch(&state, &[0; 3], 1).unwrap();
        for last in [&mut filtered, &mut merged] {
            assert_eq!(ids(&last.evaluate(EmitTo::All).unwrap()), [Some("a")]);
        }
    }
}
