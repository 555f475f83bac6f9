//! Compresses the tables of IAM facts, which are committed as text so that a change of them can be read, and gives a number to
//! all that stored usage and stored facts rest on besides the events, so that a lake is not asked for what another version worked out.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::ZlibEncoder;

const FACTS: &str = "src/permissions/facts";
/// What says which permission a call used; `daily_usage` is worked out anew where one of these is another.
const USAGE_RULES: [&str; 7] = [
    "src/permissions",
    FACTS,
    "src/iam",
    "sql/views/attributed_events.sql",
    "sql/views/call_outcomes.sql",
    "sql/views/call_permissions.sql",
    "sql/views/daily_usage.sql",
];

/// What says whose a session was; all sessions are worked out anew where one of these is another.
const SESSION_RULES: [&str; 3] = ["src/sessions", "src/sessions/reach", "src/iam"];

/// What says which facts a day's events hold; they are asked for anew where one of these is another.
const FACT_RULES: [&str; 5] = [
    "sql/sessions",
    "src/sessions/daily",
    "src/sessions/kept_facts.rs",
    "src/permissions/functions.rs",
    "src/permissions/refusal.rs",
];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={FACTS}");
    #[expect(
        clippy::disallowed_methods,
        reason = "a build script is told where to write by its environment"
    )]
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo names no OUT_DIR"))?;
    for entry in fs::read_dir(FACTS)? {
        let path = entry?.path();
        let Some(name) = path
            .file_stem()
            .filter(|_| path.extension().is_some_and(|it| it == "tsv"))
        else {
            continue;
        };
        let packed = fs::File::create(Path::new(&out).join(name).with_extension("tsv.z"))?;
        let mut packer = ZlibEncoder::new(packed, Compression::best());
        packer.write_all(&fs::read(&path)?)?;
        packer.finish()?;
    }
    for (name, rules) in [
        ("USAGE", USAGE_RULES.as_slice()),
        ("FACT", &FACT_RULES),
        ("SESSION", &SESSION_RULES),
    ] {
        let number = number_of(rules)?;
        println!("cargo::rustc-env=ROLECALL_{name}_RULES={number:016x}");
    }
    Ok(())
}

fn number_of(rules: &[&str]) -> io::Result<u64> {
    let mut files: Vec<PathBuf> = Vec::new();
    for rule in rules {
        println!("cargo::rerun-if-changed={rule}");
        if Path::new(rule).is_dir() {
            for entry in fs::read_dir(rule)? {
                files.push(entry?.path());
            }
        } else {
            files.push(rule.into());
        }
    }
    files.retain(|path| path.is_file());
    files.sort();
    let mut rules = DefaultHasher::new();
    for path in files {
        // Line ends are git's business.
        let text = fs::read_to_string(path)?;
        text.lines().for_each(|line| line.hash(&mut rules));
    }
    Ok(rules.finish())
}
