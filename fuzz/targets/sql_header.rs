//! Any text as a `.sql` file: no panic, and what the header tells stands in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::sql_file::SqlFile;

fuzz_target!(|sql: &str| {
    let file = SqlFile::parse("fuzzed", sql);
    assert!(sql.contains(&file.question));
    for param in &file.params {
        assert!(sql.contains(&param.name));
        assert!(!param.to_string().is_empty());
    }
    for read in &file.reads {
        assert!(sql.contains(read.as_str()));
    }
    for (name, about) in &file.columns {
        assert!(sql.contains(name.as_str()) && sql.contains(about.as_str()));
    }
});
