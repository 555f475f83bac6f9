//! Rows found again by the numbers of their keys, in twelve bytes each and without a copy of any key.

use std::hash::{BuildHasher as _, Hash, RandomState};

use rayon::slice::ParallelSliceMut as _;

/// Rows in the order of their keys' numbers.
///
/// Different keys may have one number: whoever looks for a key compares it with that of each row found.
#[derive(Debug, Default)]
pub(super) struct RowIndex {
    // A seed of its own for each index: nobody who writes log content can make numbers meet.
    hasher: RandomState,
    numbers: Vec<u64>,
    rows: Vec<u32>,
}

impl RowIndex {
    /// An index of rows, each with its key.
    pub(super) fn new<K: Hash>(keys: impl Iterator<Item = (K, usize)>) -> Self {
        let hasher = RandomState::new();
        let number =
            |(key, row): (K, usize)| Some((hasher.hash_one(key), u32::try_from(row).ok()?));
        let mut entries: Vec<(u64, u32)> = keys.filter_map(number).collect();
        entries.par_sort_unstable();
        let (numbers, rows) = entries.into_iter().unzip();
        Self {
            hasher,
            numbers,
            rows,
        }
    }

    /// The rows whose keys have the number of this one, in their order.
    pub(super) fn rows<K: Hash>(&self, key: K) -> impl Iterator<Item = usize> {
        let number = self.hasher.hash_one(key);
        let from = self.numbers.partition_point(|other| *other < number);
        let numbers = self.numbers.get(from..).unwrap_or_default();
        let rows = self.rows.get(from..).unwrap_or_default();
        let rows = numbers.iter().zip(rows);
        rows.take_while(move |(other, _)| **other == number)
            .map(|(_, row)| *row as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_key_come_in_their_order_and_those_of_another_do_not() {
        let keys = ["a", "b", "a", "c", "a"];
        let index = RowIndex::new(keys.into_iter().zip(0..));
        let rows = |key: &str| index.rows(key).collect::<Vec<_>>();
        assert_eq!(rows("a"), [0, 2, 4]);
        assert_eq!(rows("c"), [3]);
        assert!(rows("d").is_empty());
    }
}
