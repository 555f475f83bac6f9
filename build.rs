//! Compresses the tables of IAM facts, which are committed as text so that a change of them can be read.

use std::io::Write as _;
use std::path::Path;
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::ZlibEncoder;

const FACTS: &str = "src/permissions/facts";

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
    Ok(())
}
