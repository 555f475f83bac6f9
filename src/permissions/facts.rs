//! The tables of IAM facts: packed into the executable, unpacked once, searched where they stand.
//!
//! `tools/gen_iam_facts.py` writes them; `facts/README.md` says out of what, and under which licences.

use std::cmp::Ordering;
use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::ZlibDecoder;

/// Rows of text, sorted without regard to case.
pub(super) struct Facts {
    rows: Vec<&'static str>,
}

/// One row; its columns stand between tabs.
#[derive(Clone, Copy)]
pub(super) struct Fact(&'static str);

impl Fact {
    /// The columns in order.
    pub(super) fn columns<const N: usize>(self) -> [&'static str; N] {
        let mut columns = self.0.split('\t');
        std::array::from_fn(|_| columns.next().unwrap_or_default())
    }
}

impl Facts {
    fn unpack(packed: &[u8]) -> Self {
        let mut text = String::new();
        // What is embedded was packed by the build; if it could not be read, the table would be empty, and a test would tell.
        if ZlibDecoder::new(packed).read_to_string(&mut text).is_err() {
            text.clear();
        }
        let text: &'static str = text.leak();
        let rows = text.lines().filter(|line| !line.starts_with('#'));
        Self {
            rows: rows.collect(),
        }
    }

    /// Every row.
    pub(super) fn all(&self) -> impl Iterator<Item = Fact> + use<'_> {
        self.rows.iter().map(|row| Fact(row))
    }

    /// The rows that begin with these columns, in any case.
    pub(super) fn find<'a>(&'a self, key: &'a [&'a str]) -> impl Iterator<Item = Fact> + use<'a> {
        let first = self
            .rows
            .partition_point(|row| compare(row, key) == Ordering::Less);
        let rest = self.rows.get(first..).unwrap_or_default();
        rest.iter()
            .take_while(|row| compare(row, key) == Ordering::Equal)
            .map(|row| Fact(row))
    }

    /// The rows whose first column begins with this text, in any case.
    pub(super) fn begin<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Fact> + use<'a> {
        let folded = |row: &str| fold(row).take(text.len()).cmp(fold(text));
        let first = self
            .rows
            .partition_point(|row| folded(row) == Ordering::Less);
        let rest = self.rows.get(first..).unwrap_or_default();
        rest.iter()
            .take_while(move |row| folded(row) == Ordering::Equal)
            .map(|row| Fact(row))
    }
}

fn fold(text: &str) -> impl Iterator<Item = u8> + '_ {
    text.bytes().map(|byte| byte.to_ascii_lowercase())
}

/// How the first columns of `row` stand to `key`.
fn compare(row: &str, key: &[&str]) -> Ordering {
    let mut columns = row.split('\t');
    for wanted in key {
        let order = fold(columns.next().unwrap_or_default()).cmp(fold(wanted));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

macro_rules! facts {
    ($($(#[$about:meta])* $name:ident = $file:literal;)*) => {$(
        $(#[$about])*
        pub(super) static $name: LazyLock<Facts> = LazyLock::new(|| {
            Facts::unpack(include_bytes!(concat!(env!("OUT_DIR"), "/", $file, ".tsv.z")))
        });
    )*};
}

facts! {
    /// action, level, whether an API call is known, resource types.
    ACTIONS = "actions";
    /// prefix, resource type, pattern of its ARNs.
    ARNS = "arns";
    /// action, what it may need besides.
    DEPENDS = "depends";
    /// prefix:event name, actions.
    EVENTS = "events";
    /// prefix:operation, action, resource type, templates of ARNs.
    PARAMETERS = "parameters";
    /// first label of an event source, prefixes.
    SOURCES = "sources";
    /// action, why no management event tells of it.
    UNLOGGED = "unlogged";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_there_and_in_the_order_in_which_it_is_searched() {
        for (facts, at_least) in [
            (&ACTIONS, 20_000),
            (&ARNS, 2_000),
            (&DEPENDS, 1_000),
            (&EVENTS, 250),
            (&PARAMETERS, 1_000),
            (&SOURCES, 30),
            (&UNLOGGED, 200),
        ] {
            assert!(facts.rows.len() > at_least, "{}", facts.rows.len());
            assert!(
                facts
                    .rows
                    .is_sorted_by(|a, b| fold(a).cmp(fold(b)) != Ordering::Greater)
            );
        }
    }

    #[test]
    fn rows_are_found_by_their_first_columns_in_any_case() {
        let found: Vec<_> = ACTIONS.find(&["S3:GETOBJECT"]).collect();
        assert_eq!(found.len(), 1);
        let [action, level, ..] = found[0].columns::<4>();
        assert_eq!((action, level), ("s3:GetObject", "r"));
        assert_eq!(ACTIONS.find(&["s3:GetObjec"]).count(), 0);
        assert!(ACTIONS.begin("sqs:").count() > 10);
        assert!(
            ACTIONS
                .begin("sqs:")
                .all(|row| row.columns::<1>()[0].starts_with("sqs:"))
        );
    }
}
