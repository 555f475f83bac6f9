//! No room imports a later one.

use super::support::project;

#[test]
fn no_room_imports_a_later_one() {
    let lib = std::fs::read_to_string(project().join("src/lib.rs")).unwrap();
    let rooms: Vec<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert!(rooms.len() > 10, "{rooms:?}");
    let mut checked = 0;
    for entry in walkdir::WalkDir::new(project().join("src")) {
        let entry = entry.unwrap();
        let path = entry.path();
        let below = path.strip_prefix(project().join("src")).unwrap();
        let room = below
            .iter()
            .next()
            .unwrap_or_default()
            .to_str()
            .unwrap_or_default();
        let room = room.trim_end_matches(".rs");
        let Some(own) = rooms.iter().position(|known| *known == room) else {
            continue;
        };
        if !entry.file_type().is_file() {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for part in text.split("crate::").skip(1) {
            let end = part
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(part.len());
            let Some(other) = rooms.iter().position(|known| *known == &part[..end]) else {
                continue;
            };
            assert!(
                other <= own,
                "{} imports `{}`, which comes later",
                below.display(),
                rooms[other]
            );
            checked += 1;
        }
    }
    assert!(checked > 50, "the test has found the imports ({checked})");
}

#[test]
fn arrow_and_datafusion_stay_out_of_the_rooms_that_need_neither() {
    for room in ["iam", "source", "decode"] {
        for entry in walkdir::WalkDir::new(project().join("src").join(room)) {
            let entry = entry.unwrap();
            if entry.file_type().is_file() {
                let text = std::fs::read_to_string(entry.path()).unwrap();
                for forbidden in ["arrow::", "datafusion::", "parquet::"] {
                    assert!(
                        !text.contains(forbidden),
                        "{}: {forbidden}",
                        entry.path().display()
                    );
                }
            }
        }
    }
}
