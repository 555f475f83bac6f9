//! `distinct_resources`: the resources of many calls, each once, in a form that can be put together again and again.
//!
//! Usage is stored by day, and a resource may show on every day. The numbers of the resources tell how many there are in
//! all; of their names the least hundred are kept, and the least hundred of all are among those of each part.

mod groups;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, Int64Array, Int64Builder, ListArray, ListBuilder, StringArray,
    StringBuilder, StructArray,
};
use arrow::datatypes::{ArrowNativeType as _, DataType, Field, FieldRef, Fields, Int64Type};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, GroupsAccumulator, Signature, TypeSignature, Volatility,
};
use datafusion::scalar::ScalarValue;
use hashbrown::HashSet;
use twox_hash::XxHash64;

use self::groups::Groups;

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
        Ok(Box::new(Groups::new(args.exprs.len() == 1)))
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

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn calls(calls: &[&[&str]]) -> ArrayRef {
        let mut lists = ListBuilder::new(StringBuilder::new());
        for names in calls {
            names
                .iter()
                .for_each(|name| lists.values().append_value(name));
            lists.append(true);
        }
        Arc::new(lists.finish())
    }

    pub(super) fn state_of(set: &Resources) -> Vec<ArrayRef> {
        let mut told = Told::default();
        told.add_set(set, true);
        told.state()
    }

    pub(super) fn told(resources: &mut Resources) -> (Vec<String>, i64) {
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
    fn calls_without_resources_have_none() {
        let mut none = Resources::default();
        none.update_batch(&[calls(&[&[], &[]])]).unwrap();
        assert_eq!(told(&mut none), (vec![], 0));
    }
}
