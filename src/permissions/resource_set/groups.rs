//! `distinct_resources` of many groups at once, as a question asks for them.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, BooleanArray, new_null_array};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::super::filter::{is_taken, leave_out};
use super::{NAMES, Resources, Rows, Told, list_of, shown, unexpected};

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
pub(super) struct Groups {
    /// Whether the answer is to have the numbers, so that it can be put together again.
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
    pub(super) fn new(tells_numbers: bool) -> Self {
        Self {
            tells_numbers,
            ..Self::default()
        }
    }

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

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;
    use arrow::datatypes::Int64Type;
    use datafusion::logical_expr::Accumulator as _;

    use super::super::tests::{calls, state_of, told};
    use super::*;

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
        let mut whole = Groups::new(true);
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
}
