//! Days taken together, so that what is done day by day neither takes a round for each small one nor too much at once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::manifest::DataFile;

/// Days that are worked on in one go, with their files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Days {
    /// The days.
    pub days: BTreeSet<NaiveDate>,
    /// Their files.
    pub files: Vec<DataFile>,
}

/// The days of these files in their order, taken together as long as they have no more than `most` rows; a larger day is alone.
pub fn days_together<'f>(files: impl IntoIterator<Item = &'f DataFile>, most: u64) -> Vec<Days> {
    let mut of_day: BTreeMap<NaiveDate, Vec<&DataFile>> = BTreeMap::new();
    for file in files {
        if let Some(date) = file.date {
            of_day.entry(date).or_default().push(file);
        }
    }
    let mut parts: Vec<Days> = Vec::new();
    let mut rows = 0;
    for (day, files) in of_day {
        let more: u64 = files.iter().map(|file| file.rows).sum();
        if parts.is_empty() || rows + more > most {
            parts.push(Days::default());
            rows = 0;
        }
        rows += more;
        if let Some(part) = parts.last_mut() {
            part.days.insert(day);
            part.files.extend(files.into_iter().cloned());
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_days_are_taken_together_and_a_large_one_is_alone() {
        let file = |day: u32, rows| DataFile {
            path: format!("events/{day}/{rows}.parquet"),
            date: NaiveDate::from_ymd_opt(2026, 3, day),
            rows,
            size: 1,
            min_time: None,
            max_time: None,
            content: None,
        };
        let files = [
            file(3, 50),
            file(1, 4),
            file(2, 3),
            file(1, 2),
            file(4, 1),
            file(5, 1),
        ];
        let parts = days_together(&files, 10);
        let told: Vec<(usize, u64)> = parts
            .iter()
            .map(|part| {
                (
                    part.days.len(),
                    part.files.iter().map(|file| file.rows).sum(),
                )
            })
            .collect();
        assert_eq!(told, [(2, 9), (1, 50), (2, 2)]);
        assert!(days_together(&[], 10).is_empty());
    }
}
