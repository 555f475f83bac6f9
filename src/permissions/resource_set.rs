//! `distinct_resources`: the resources of many calls, each once, in a form that can be put together again and again.
//!
//! Usage is stored by day, and a resource may show on every day. The numbers of the resources tell how many there are in
//! all; of their names the least hundred are kept, and the least hundred of all are among those of each part.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, Int64Array, ListArray, StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::scalar::ScalarValue;
use twox_hash::XxHash64;

/// How many names are kept.
const NAMES: usize = 100;

/// The aggregates, for whoever opens an engine.
pub fn aggregates() -> [AggregateUDF; 1] {
    [AggregateUDF::new_from_impl(DistinctResources::new())]
}

/// `distinct_resources(names)`, and `distinct_resources(names, hashes)` of what it gave before: a struct of `arns` (the least
/// 100), `hashes` (the XXH64 of each, ascending, where there are more) and `count`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct DistinctResources(Signature);

impl DistinctResources {
    fn new() -> Self {
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
    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Resources::default()))
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
    hashes: HashSet<i64>,
    names: BTreeSet<String>,
    name_bytes: usize,
}

impl Resources {
    fn add(&mut self, name: &str) {
        if self.hashes.insert(number_of(name)) {
            self.keep(name);
        }
    }

    /// One of the least names of a part: it may be among the least of all though its number is known.
    fn add_known(&mut self, name: &str) {
        self.hashes.insert(number_of(name));
        self.keep(name);
    }

    fn keep(&mut self, name: &str) {
        let is_full = self.names.len() >= NAMES;
        let is_beyond = || self.names.last().is_some_and(|last| last.as_str() <= name);
        if (is_full && is_beyond()) || !self.names.insert(name.to_owned()) {
            return;
        }
        self.name_bytes += name.len();
        if is_full && let Some(last) = self.names.pop_last() {
            self.name_bytes -= last.len();
        }
    }

    /// Takes the resources of calls.
    fn add_all(&mut self, names: &ListArray) -> Result<()> {
        for row in (0..names.len()).filter(|row| names.is_valid(*row)) {
            let names = names.value(row);
            let names = names.as_string_opt::<i32>().ok_or_else(unexpected)?;
            names.iter().flatten().for_each(|name| self.add(name));
        }
        Ok(())
    }

    /// Takes what was put together before.
    fn merge(&mut self, names: &ListArray, hashes: &ListArray) -> Result<()> {
        for row in (0..names.len()).filter(|row| names.is_valid(*row)) {
            let names = names.value(row);
            let names = names.as_string_opt::<i32>().ok_or_else(unexpected)?;
            names.iter().flatten().for_each(|name| self.add_known(name));
        }
        for row in (0..hashes.len()).filter(|row| hashes.is_valid(*row)) {
            let hashes = hashes.value(row);
            let hashes = hashes
                .as_primitive_opt::<Int64Type>()
                .ok_or_else(unexpected)?;
            self.hashes.extend(hashes.iter().flatten());
        }
        Ok(())
    }

    fn lists(&self) -> [ListArray; 2] {
        // Names that are all there need no numbers.
        let is_whole = self.hashes.len() <= self.names.len();
        let numbers = self.hashes.iter().filter(|_| !is_whole);
        let mut hashes: Vec<i64> = numbers.copied().collect();
        hashes.sort_unstable();
        let names: StringArray = self.names.iter().map(Some).collect();
        let hashes = Int64Array::from(hashes);
        [one_row(Arc::new(names)), one_row(Arc::new(hashes))]
    }
}

fn number_of(name: &str) -> i64 {
    i64::from_ne_bytes(XxHash64::oneshot(0, name.as_bytes()).to_ne_bytes())
}

/// A list array of one list.
fn one_row(items: ArrayRef) -> ListArray {
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([items.len()]);
    ListArray::new(field, offsets, items, None)
}

fn unexpected() -> datafusion::error::DataFusionError {
    exec_datafusion_err!("distinct_resources takes lists of text, and of numbers beside them")
}

fn list(values: &[ArrayRef], at: usize) -> Result<&ListArray> {
    let lists = values.get(at).and_then(|array| array.as_list_opt::<i32>());
    lists.ok_or_else(unexpected)
}

impl Accumulator for Resources {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if values.len() == 1 {
            self.add_all(list(values, 0)?)
        } else {
            self.merge(list(values, 0)?, list(values, 1)?)
        }
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.merge(list(states, 0)?, list(states, 1)?)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let lists = self.lists().map(|list| ScalarValue::List(Arc::new(list)));
        Ok(lists.into())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let [names, hashes] = self.lists();
        let count = i64::try_from(self.hashes.len()).unwrap_or(i64::MAX);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(names),
            Arc::new(hashes),
            Arc::new(Int64Array::from(vec![count])),
        ];
        let row = StructArray::try_new(fields(), columns, None)?;
        Ok(ScalarValue::Struct(Arc::new(row)))
    }

    fn size(&self) -> usize {
        // A set has a byte beside each slot, and a tree some nine words beside each text.
        size_of::<Self>() + self.hashes.capacity() * 9 + self.name_bytes + self.names.len() * 96
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ListBuilder, StringBuilder};

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
            let lists = day.lists().map(|list| Arc::new(list) as ArrayRef);
            merged.update_batch(&lists).unwrap();
        }
        assert_eq!(told(&mut merged), told(&mut whole));
        let (kept, count) = told(&mut whole);
        assert_eq!((kept.len(), count), (100, 500));
        assert_eq!(kept, names[..100]);
        assert_eq!(merged.lists(), whole.lists());
    }

    #[test]
    fn calls_without_resources_have_none() {
        let mut none = Resources::default();
        none.update_batch(&[calls(&[&[], &[]])]).unwrap();
        assert_eq!(told(&mut none), (vec![], 0));
    }
}
