//! The lists in the code and the folders are the same; headers are true; every file has its test.

use std::collections::BTreeSet;
use std::path::Path;

use rolecall::sql_file::SqlFile;

use super::support::project;

fn files_below(folder: &Path, ending: &str) -> BTreeSet<String> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter_map(|path| {
            let below = path.strip_prefix(folder).unwrap().to_str()?;
            below.strip_suffix(ending).map(str::to_owned)
        })
        .collect()
}

fn lists() -> [(&'static str, Vec<SqlFile<'static>>); 4] {
    let sessions = rolecall::sessions::QUERIES.iter();
    let upkeep = rolecall::upkeep::QUERIES.iter();
    [
        (
            "upkeep",
            upkeep
                .map(|(name, sql)| SqlFile::parse(name, sql))
                .collect(),
        ),
        ("views", rolecall::views::views()),
        ("queries", rolecall::queries::queries()),
        (
            "sessions",
            sessions
                .map(|(name, sql)| SqlFile::parse(name, sql))
                .collect(),
        ),
    ]
}

#[test]
fn lists_folders_and_tests_are_the_same() {
    for (folder, list) in lists() {
        let listed: BTreeSet<String> = list.iter().map(|file| file.name.to_owned()).collect();
        assert_eq!(listed.len(), list.len());
        assert_eq!(
            listed,
            files_below(&project().join("sql").join(folder), ".sql"),
            "{folder}"
        );
        assert_eq!(
            listed,
            files_below(&project().join("tests/slt").join(folder), ".slt"),
            "{folder}"
        );
    }
}

#[test]
fn headers_are_true() {
    let views: Vec<String> = rolecall::views::views()
        .iter()
        .map(|view| view.name.to_owned())
        .collect();
    let tables = [
        "events",
        "sessions",
        "rejected",
        "log_files",
        "duplicates",
        "accounts",
        "people",
        "switch_rules",
        "data_files",
        "daily_coverage",
        "kept_issues",
        "kept_users",
        "daily_sessions",
        "daily_issues",
        "daily_facts",
        "partial_uses",
    ];
    for (folder, list) in lists() {
        let mut known: BTreeSet<String> = tables.map(str::to_owned).into();
        if folder == "queries" {
            known.extend(views.iter().cloned());
        }
        if folder == "upkeep" {
            let facts = rolecall::sessions::FACT_VIEWS.iter();
            known.extend(facts.map(|(name, _)| (*name).to_owned()));
        }
        for file in list {
            let name = file.name;
            assert!(
                file.question.ends_with('?') || folder == "views",
                "{name}: a question or a claim first"
            );
            assert!(!file.question.is_empty(), "{name}");
            for read in &file.reads {
                assert!(
                    known.contains(read),
                    "{name} reads `{read}`, which is not there yet"
                );
            }
            let body: String = file
                .sql
                .lines()
                .filter(|line| !line.trim_start().starts_with("--"))
                .collect::<Vec<_>>()
                .join("\n");
            let words: BTreeSet<&str> = body
                .split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')
                .collect();
            for source in &known {
                let reads = body.contains(&format!("FROM {source}"))
                    || body.contains(&format!("JOIN {source}"));
                assert_eq!(
                    reads,
                    file.reads.contains(source),
                    "{name}: reads `{source}`?"
                );
            }
            for param in &file.params {
                assert!(
                    words.contains(format!("${}", param.name).as_str()),
                    "{name}: `{}` is not used",
                    param.name
                );
            }
            for word in words.iter().filter_map(|word| word.strip_prefix('$')) {
                assert!(
                    file.params.iter().any(|param| param.name == word),
                    "{name}: `${word}` is not declared"
                );
            }
            assert!(!body.contains("now()"), "{name}: the time is a parameter");
            if folder == "views" {
                known.insert(name.to_owned());
            } else {
                assert!(body.contains("ORDER BY"), "{name}: an answer has an order");
            }
        }
    }
}

#[test]
fn every_column_of_every_table_and_view_has_a_meaning() {
    use arrow::array::AsArray as _;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let catalog = rolecall::reports::catalog(None, super::support::LIMITS);
    let catalog = runtime.block_on(catalog).unwrap();
    let column = |name: &str| {
        catalog
            .column_by_name(name)
            .unwrap()
            .as_string::<i32>()
            .clone()
    };
    let (names, columns, meanings) = (column("name"), column("column"), column("meaning"));
    let mut named = BTreeSet::new();
    for row in 0..catalog.num_rows() {
        let name = format!("{}.{}", names.value(row), columns.value(row));
        assert!(!meanings.value(row).is_empty(), "{name} has no meaning");
        named.insert(names.value(row).to_owned());
    }
    let all: BTreeSet<String> = rolecall::views::names()
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    assert_eq!(named, all);
}
