//! `distinct_resources`: the resources of many calls, each once, in a form that can be put together again and again.
//!
//! Usage is stored by day, and a resource may show on every day. The numbers of the resources tell how many there are in
//! all; of their names the least hundred are kept, and the least hundred of all are among those of each part.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Int64Array, Int64Builder, ListArray, ListBuilder,
    StringArray, StringBuilder, StructArray, new_null_array,
};
use arrow::compute::nullif;
use arrow::datatypes::{ArrowNativeType as _, DataType, Field, FieldRef, Fields, Int64Type};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, TypeSignature, Volatility,
};
use datafusion::scalar::ScalarValue;
use hashbrown::HashSet;
use twox_hash::XxHash64;

/// How many names are kept.
const NAMES: usize = 100;

/// `distinct_resources(names)`, and `distinct_resources(names, hashes)` of what it gave before: a struct of `arns` (the least
/// 100), `hashes` (the XXH64 of each, ascending, where there are more; the second form leaves them out) and `count`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DistinctResources(Signature);

impl DistinctResources {
    pub(super) fn new() -> Self {
        let forms = vec![
            TypeSignature::Exact(vec![list_of(DataType::Utf8)]),
            TypeSignature::Exact(vec![list_of(DataType::Utf8), list_of(DataType::Int64)]),
        ];
        Self(Signature::one_of(forms, Volatility::Immutable))
    }
}

fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

fn fields() -> Fields {
    Fields::from(vec![
        Field::new("arns", list_of(DataType::Utf8), true),
        Field::new("hashes", list_of(DataType::Int64), true),
        Field::new("count", DataType::Int64, true),
    ])
}

impl AggregateUDFImpl for DistinctResources {
    fn name(&self) -> &'static str {
        "distinct_resources"
    }
    fn signature(&self) -> &Signature {
        &self.0
    }
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(fields()))
    }
    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Resources {
            tells_numbers: args.exprs.len() == 1,
            ..Resources::default()
        }))
    }
    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }
    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups {
            tells_numbers: args.exprs.len() == 1,
            ..Groups::default()
        }))
    }
    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let part = |name: &str, item| {
            let name = format!("{}[{name}]", args.name);
            Arc::new(Field::new(name, list_of(item), true))
        };
        Ok(vec![
            part("arns", DataType::Utf8),
            part("hashes", DataType::Int64),
        ])
    }
}

#[derive(Debug, Default)]
struct Resources {
    /// Whether the answer is to have the numbers, so that it can be put together again.
    tells_numbers: bool,
    /// The least names, ascending.
    names: Vec<String>,
    name_bytes: usize,
    /// The numbers of all names, as soon as there are more of them than are kept.
    numbers: Option<HashSet<i64>>,
}

impl Resources {
    /// Names are held against names, so that two with one number, which somebody may have sought out, do not hide each other.
    fn add(&mut self, name: &str) {
        // What was put together before comes in order.
        let is_last = self.names.last().is_none_or(|last| last.as_str() < name);
        let at = if is_last {
            Err(self.names.len())
        } else {
            self.names
                .binary_search_by(|known| known.as_str().cmp(name))
        };
        let Err(at) = at else {
            return;
        };
        if self.names.len() >= NAMES || self.numbers.is_some() {
            self.numbers().insert(number_of(name));
        }
        if at < NAMES {
            self.names.insert(at, name.to_owned());
            self.name_bytes += name.len();
        }
        if self.names.len() > NAMES
            && let Some(last) = self.names.pop()
        {
            self.name_bytes -= last.len();
        }
    }

    /// The numbers of all names so far.
    fn numbers(&mut self) -> &mut HashSet<i64> {
        let names = &self.names;
        let of_names = || names.iter().map(|name| number_of(name)).collect();
        self.numbers.get_or_insert_with(of_names)
    }

    /// Takes one row: names of a call, or what was put together before.
    fn add_row(&mut self, rows: &Rows<'_>, row: usize) {
        for at in shown(rows.names, row).filter(|at| rows.name_items.is_valid(*at)) {
            self.add(rows.name_items.value(at));
        }
        if let Some((numbers, items)) = rows.numbers {
            let mut more = shown(numbers, row)
                .filter(|at| items.is_valid(*at))
                .peekable();
            if more.peek().is_some() {
                self.numbers().extend(more.map(|at| items.value(at)));
            }
        }
    }

    fn count(&self) -> usize {
        let numbers = self.numbers.as_ref().map_or(0, HashSet::len);
        numbers.max(self.names.len())
    }

    /// Bytes besides those of the struct itself.
    fn held(&self) -> usize {
        // A set has a byte beside each slot, and an eighth of them free.
        let slots = self.numbers.as_ref().map_or(0, HashSet::capacity) * 8 / 7;
        slots * (size_of::<i64>() + 1)
            + self.names.capacity() * size_of::<String>()
            + self.name_bytes
    }
}

/// Rows of the arguments.
struct Rows<'a> {
    names: &'a ListArray,
    name_items: &'a StringArray,
    numbers: Option<(&'a ListArray, &'a Int64Array)>,
}

impl<'a> Rows<'a> {
    fn of(values: &'a [ArrayRef]) -> Result<Self> {
        let list = |array: &'a ArrayRef| array.as_list_opt::<i32>().ok_or_else(unexpected);
        let (names, numbers) = match values {
            [names] => (list(names)?, None),
            [names, numbers] => (list(names)?, Some(list(numbers)?)),
            _ => return Err(unexpected()),
        };
        let with_items = |numbers: &'a ListArray| {
            let items = numbers.values().as_primitive_opt::<Int64Type>();
            Ok::<_, DataFusionError>((numbers, items.ok_or_else(unexpected)?))
        };
        Ok(Self {
            names,
            name_items: names.values().as_string_opt().ok_or_else(unexpected)?,
            numbers: numbers.map(with_items).transpose()?,
        })
    }

    fn has_numbers(&self, row: usize) -> bool {
        self.numbers
            .is_some_and(|(numbers, _)| !shown(numbers, row).is_empty())
    }
}

/// The places of the items of one list.
fn shown(lists: &ListArray, row: usize) -> Range<usize> {
    match lists.offsets().get(row..row + 2) {
        Some([from, to]) if lists.is_valid(row) => from.as_usize()..to.as_usize(),
        _ => 0..0,
    }
}

/// The sets of some groups, as columns.
#[derive(Default)]
struct Told {
    names: ListBuilder<StringBuilder>,
    numbers: ListBuilder<Int64Builder>,
    counts: Int64Builder,
}

impl Told {
    fn add<'n>(&mut self, names: impl Iterator<Item = &'n str>, numbers: &[i64], count: usize) {
        names.for_each(|name| self.names.values().append_value(name));
        self.names.append(true);
        self.numbers.values().append_slice(numbers);
        self.numbers.append(true);
        self.counts
            .append_value(i64::try_from(count).unwrap_or(i64::MAX));
    }

    fn add_set(&mut self, set: &Resources, tells_numbers: bool) {
        let told = set.numbers.iter().flatten().filter(|_| tells_numbers);
        let mut told: Vec<i64> = told.copied().collect();
        told.sort_unstable();
        let names = set.names.iter().map(String::as_str);
        self.add(names, &told, set.count());
    }

    /// Names and numbers, from which a set can be put together again.
    fn state(mut self) -> Vec<ArrayRef> {
        vec![
            Arc::new(self.names.finish()),
            Arc::new(self.numbers.finish()),
        ]
    }

    fn answers(mut self) -> Result<StructArray> {
        let counts: ArrayRef = Arc::new(self.counts.finish());
        let mut columns = self.state();
        columns.push(counts);
        Ok(StructArray::try_new(fields(), columns, None)?)
    }
}

fn number_of(name: &str) -> i64 {
    i64::from_ne_bytes(XxHash64::oneshot(0, name.as_bytes()).to_ne_bytes())
}

fn unexpected() -> DataFusionError {
    exec_datafusion_err!("distinct_resources takes lists of text, and of numbers beside them")
}

impl Accumulator for Resources {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = Rows::of(values)?;
        (0..rows.names.len()).for_each(|row| self.add_row(&rows, row));
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut told = Told::default();
        told.add_set(self, true);
        let first = |column: &ArrayRef| ScalarValue::try_from_array(column, 0);
        told.state().iter().map(first).collect()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut told = Told::default();
        told.add_set(self, self.tells_numbers);
        Ok(ScalarValue::Struct(Arc::new(told.answers()?)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.held()
    }
}

/// What is known of one group.
#[derive(Debug, Default)]
enum Group {
    /// No resource so far.
    #[default]
    Empty,
    /// The names of its only row, or of rows that were all the same, in order: their places in [`Groups::ends`].
    Alike(Range<usize>),
    /// Those of several rows.
    Several(Box<Resources>),
}

/// The sets of many groups. Most groups of usage have a single row, or the same resource on each day: their names lie one after
/// the other, and no memory is asked for each of them.
#[derive(Debug, Default)]
struct Groups {
    tells_numbers: bool,
    sets: Vec<Group>,
    /// Names of groups that are alike, and where each ends.
    text: String,
    ends: Vec<usize>,
    /// Bytes of both that belong to no group any more.
    dead: usize,
    /// Bytes that sets of several rows hold.
    held: usize,
}

impl Groups {
    fn name(&self, at: usize) -> &str {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before));
        let end = self.ends.get(at).copied().unwrap_or_default();
        self.text
            .get(start.copied().unwrap_or_default()..end)
            .unwrap_or_default()
    }

    fn bytes_of(&self, kept: &Range<usize>) -> usize {
        let names = kept.clone().map(|at| self.name(at).len());
        names.map(|bytes| bytes + size_of::<usize>()).sum()
    }

    /// Keeps the names of a row as they are, where they are a set as it stands: in order, each once, and few enough.
    fn keep(&mut self, rows: &Rows<'_>, row: usize) -> Option<Range<usize>> {
        let items = shown(rows.names, row);
        let all_told = items.len() <= NAMES && !rows.has_numbers(row);
        let in_order = || {
            let mut pairs = items.clone().zip(items.clone().skip(1));
            pairs.all(|(a, b)| rows.name_items.value(a) < rows.name_items.value(b))
        };
        let all_valid = || items.clone().all(|at| rows.name_items.is_valid(at));
        if !(all_told && all_valid() && in_order()) {
            return None;
        }
        let first = self.ends.len();
        for name in items.map(|at| rows.name_items.value(at)) {
            // It may be most of what a question holds: twice as much would count against its memory.
            if self.text.capacity() - self.text.len() < name.len() {
                self.text.reserve_exact(name.len() + self.text.len() / 8);
            }
            self.text.push_str(name);
            self.ends.push(self.text.len());
        }
        Some(first..self.ends.len())
    }

    /// Whether a row names what a group has, and nothing else.
    fn is_alike(&self, kept: &Range<usize>, rows: &Rows<'_>, row: usize) -> bool {
        let items = shown(rows.names, row);
        let same = |(kept, at)| {
            rows.name_items.is_valid(at) && self.name(kept) == rows.name_items.value(at)
        };
        kept.len() == items.len() && !rows.has_numbers(row) && kept.clone().zip(items).all(same)
    }

    fn add_row(&mut self, group: usize, rows: &Rows<'_>, row: usize) {
        if shown(rows.names, row).is_empty() && !rows.has_numbers(row) {
            return;
        }
        let Some(known) = self.sets.get_mut(group).map(std::mem::take) else {
            return;
        };
        let known = match known {
            Group::Empty => match self.keep(rows, row) {
                Some(kept) => Group::Alike(kept),
                None => self.put_together(0..0, rows, row),
            },
            Group::Alike(kept) if self.is_alike(&kept, rows, row) => Group::Alike(kept),
            Group::Alike(kept) => self.put_together(kept, rows, row),
            Group::Several(mut set) => {
                let before = set.held();
                set.add_row(rows, row);
                self.held = (self.held + set.held()).saturating_sub(before);
                Group::Several(set)
            }
        };
        if let Some(slot) = self.sets.get_mut(group) {
            *slot = known;
        }
    }

    fn put_together(&mut self, kept: Range<usize>, rows: &Rows<'_>, row: usize) -> Group {
        self.dead += self.bytes_of(&kept);
        let mut set = Resources::default();
        kept.for_each(|at| set.add(self.name(at)));
        set.add_row(rows, row);
        self.held += size_of::<Resources>() + set.held();
        Group::Several(Box::new(set))
    }

    /// Tells the first groups, or all, and forgets them.
    fn tell(&mut self, emit: EmitTo, tells_numbers: bool) -> Told {
        let taken = emit.take_needed(&mut self.sets);
        let mut told = Told::default();
        for group in &taken {
            match group {
                Group::Empty => told.add(std::iter::empty(), &[], 0),
                Group::Alike(kept) => {
                    let names = kept.clone().map(|at| self.name(at));
                    told.add(names, &[], kept.len());
                    self.dead += self.bytes_of(kept);
                }
                Group::Several(set) => {
                    told.add_set(set, tells_numbers);
                    let held = size_of::<Resources>() + set.held();
                    self.held = self.held.saturating_sub(held);
                }
            }
        }
        self.bury();
        told
    }

    /// Gives back the text of groups that are told, or have a set of their own, once it is most of it: groups that come in order are
    /// told all but the last, again and again.
    fn bury(&mut self) {
        let groups = self.sets.len() * size_of::<Group>();
        let held = self.text.len() + self.ends.len() * size_of::<usize>();
        if self.dead <= groups.max(held / 2) {
            return;
        }
        let mut text = String::with_capacity(held - self.dead);
        let mut ends = Vec::new();
        let mut sets = std::mem::take(&mut self.sets);
        for set in &mut sets {
            if let Group::Alike(kept) = set {
                let first = ends.len();
                for at in kept.clone() {
                    text.push_str(self.name(at));
                    ends.push(text.len());
                }
                *kept = first..ends.len();
            }
        }
        (self.sets, self.text, self.ends, self.dead) = (sets, text, ends, 0);
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.sets.resize_with(total_num_groups, Group::default);
        let rows = Rows::of(values)?;
        for (row, group) in group_indices.iter().enumerate() {
            if is_taken(opt_filter, row) {
                self.add_row(*group, &rows, row);
            }
        }
        self.bury();
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
        let told = self.tell(emit_to, self.tells_numbers);
        Ok(Arc::new(told.answers()?))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(self.tell(emit_to, true).state())
    }

    /// A row is a state as it stands: names and numbers are taken in any order and any number of times.
    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let Some(first) = values.first() else {
            return Err(unexpected());
        };
        let without = || new_null_array(&list_of(DataType::Int64), first.len());
        let numbers = values.get(1).map_or_else(without, Arc::clone);
        let mut state = vec![Arc::clone(first), numbers];
        leave_out(&mut state, opt_filter)?;
        Ok(state)
    }

    fn size(&self) -> usize {
        self.sets.capacity() * size_of::<Group>()
            + self.text.capacity()
            + self.ends.capacity() * size_of::<usize>()
            + self.held
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(calls: &[&[&str]]) -> ArrayRef {
        let mut lists = ListBuilder::new(StringBuilder::new());
        for names in calls {
            names
                .iter()
                .for_each(|name| lists.values().append_value(name));
            lists.append(true);
        }
        Arc::new(lists.finish())
    }

    fn state_of(set: &Resources) -> Vec<ArrayRef> {
        let mut told = Told::default();
        told.add_set(set, true);
        told.state()
    }

    fn told(resources: &mut Resources) -> (Vec<String>, i64) {
        let ScalarValue::Struct(row) = resources.evaluate().unwrap() else {
            panic!("a struct")
        };
        let names = row.column(0).as_list::<i32>().value(0);
        let names = names.as_string::<i32>().iter().flatten();
        let count = row.column(2).as_primitive::<Int64Type>().value(0);
        (names.map(str::to_owned).collect(), count)
    }

    #[test]
    fn days_put_together_are_as_if_they_had_been_one() {
        let names: Vec<String> = (0..500).map(|at| format!("arn:{at:03}")).collect();
        let part = |from: usize, to: usize| {
            let names: Vec<&str> = names[from..to].iter().rev().map(String::as_str).collect();
            calls(&[&names, &names])
        };
        let mut whole = Resources::default();
        whole.update_batch(&[part(0, 500)]).unwrap();
        let mut merged = Resources::default();
        for (from, to) in [(400, 500), (50, 450), (0, 70), (0, 0)] {
            let mut day = Resources::default();
            day.update_batch(&[part(from, to)]).unwrap();
            merged.update_batch(&state_of(&day)).unwrap();
        }
        assert_eq!(told(&mut merged), told(&mut whole));
        let (kept, count) = told(&mut whole);
        assert_eq!((kept.len(), count), (100, 500));
        assert_eq!(kept, names[..100]);
        assert_eq!(state_of(&merged), state_of(&whole));
    }

    #[test]
    fn groups_are_held_apart_and_forgotten_once_they_are_told() {
        let mut groups = Groups::default();
        let values = [calls(&[&["a", "b"], &["c"], &["a", "c"], &["z"]])];
        let filter = BooleanArray::from(vec![Some(true), Some(true), Some(true), None]);
        let by_group = [0, 1, 0, 1];
        groups
            .update_batch(&values, &by_group, Some(&filter), 2)
            .unwrap();
        let held = groups.size();
        let first = groups.evaluate(EmitTo::First(1)).unwrap();
        let counts = |answer: &ArrayRef| {
            let counts = answer.as_struct().column(2).as_primitive::<Int64Type>();
            counts.values().to_vec()
        };
        assert_eq!(counts(&first), [3]);
        assert!(groups.size() < held);
        let state = groups.state(EmitTo::All).unwrap();
        let mut merged = Groups::default();
        merged.merge_batch(&state, &[0], 1).unwrap();
        let converted = merged.convert_to_state(&values, None).unwrap();
        merged.merge_batch(&converted, &[0, 1, 1, 1], 2).unwrap();
        let all = merged.evaluate(EmitTo::All).unwrap();
        assert_eq!(counts(&all), [3, 3]);
    }

    #[test]
    fn groups_have_the_sets_that_their_rows_give_one_by_one() {
        let many: Vec<String> = (0..150).map(|at| format!("arn:{at:03}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let rows: [&[&str]; 9] = [
            &["a", "b"],
            &["a", "b"],
            &["b", "a"],
            &[],
            &["b", "b"],
            &["c"],
            &many,
            &many[..100],
            &["a", "b", "c"],
        ];
        // Every row alone, every row twice, and every two rows in both orders, each pair a group of its own.
        let mut groups = Groups::default();
        let mut whole = Groups {
            tells_numbers: true,
            ..Groups::default()
        };
        let mut sets = Vec::new();
        for first in rows {
            for second in rows {
                let group = sets.len();
                let values = [calls(&[first, second])];
                let mut set = Resources::default();
                set.update_batch(&values).unwrap();
                sets.push(set);
                whole
                    .update_batch(&values, &[group; 2], None, group + 1)
                    .unwrap();
                let state = groups.convert_to_state(&values, None).unwrap();
                groups.merge_batch(&state, &[group; 2], group + 1).unwrap();
            }
        }
        let state = groups.state(EmitTo::All).unwrap();
        for (group, set) in sets.iter().enumerate() {
            let expected = state_of(set);
            for (column, expected) in state.iter().zip(&expected) {
                assert_eq!(&column.slice(group, 1), expected, "{group}");
            }
        }
        let first = whole.evaluate(EmitTo::First(7)).unwrap();
        let rest = whole.evaluate(EmitTo::All).unwrap();
        let counts = [&first, &rest].map(|answer| {
            let counts = answer.as_struct().column(2).as_primitive::<Int64Type>();
            counts.values().to_vec()
        });
        let expected: Vec<i64> = sets.iter_mut().map(|set| told(set).1).collect();
        assert_eq!(counts.concat(), expected);
        assert_eq!(whole.size(), whole.sets.capacity() * size_of::<Group>());
    }

    #[test]
    fn groups_that_are_told_or_put_together_leave_nothing_behind() {
        let name = |at: usize| format!("arn:aws:s3:::a-bucket-of-many/{at:08}");
        let mut groups = Groups::default();
        for round in 0..100 {
            // As in a merge of sorted rows: all groups but the last are told after each batch.
            let names: Vec<String> = (0..64).map(|at| name(round * 63 + at)).collect();
            let rows: Vec<[&str; 1]> = names.iter().map(|name| [name.as_str()]).collect();
            let rows: Vec<&[&str]> = rows.iter().map(<[&str; 1]>::as_slice).collect();
            let indices: Vec<usize> = (0..64).collect();
            groups
                .update_batch(&[calls(&rows)], &indices, None, 64)
                .unwrap();
            let first = groups.evaluate(EmitTo::First(63)).unwrap();
            let first = first.as_struct().column(0).as_list::<i32>().value(62);
            assert_eq!(first.as_string::<i32>().value(0), names[62]);
            assert!(groups.size() < 64 * 128, "{}", groups.size());
        }
        for at in 0..1000 {
            // Each group has one row, then a second that says something else.
            let (one, other) = (name(at), name(at + 1));
            let values = [calls(&[&[&one], &[&one, &other]])];
            groups
                .update_batch(&values, &[at, at], None, at + 1)
                .unwrap();
        }
        let told = groups.sets.capacity() * size_of::<Group>() + groups.held;
        assert!(groups.text.len() <= 2 * 1000 * size_of::<Group>());
        assert!(groups.size() < told + 3 * 1000 * size_of::<Group>());
        groups.evaluate(EmitTo::All).unwrap();
        assert_eq!((groups.text.len(), groups.held, groups.dead), (0, 0, 0));
    }

    #[test]
    fn calls_without_resources_have_none() {
        let mut none = Resources::default();
        none.update_batch(&[calls(&[&[], &[]])]).unwrap();
        assert_eq!(told(&mut none), (vec![], 0));
    }
}
