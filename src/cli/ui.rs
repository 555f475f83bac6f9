//! Data to stdout or to the file that was named, words to stderr.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};

use super::failure::Failure;
use crate::output::{Format, OutputError, RowWriter, Sections};

/// Where data goes.
pub(super) type Out = BufWriter<Box<dyn Write + Send>>;

/// The two streams.
#[derive(Debug)]
pub(super) struct Ui {
    is_terminal: bool,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Stdout,
    /// Written beside the file that was named, and put in its place at the end.
    File {
        temporary: tempfile::NamedTempFile,
        path: PathBuf,
    },
    /// A pipe or a device, which cannot be replaced.
    Device(File),
}

/// Writes one line of words, into the log where one is kept. Words that nobody can hear are no failure.
pub(super) fn say(words: &str) {
    if tracing::dispatcher::has_been_set() {
        tracing::info!("{words}");
    } else {
        drop(writeln!(io::stderr().lock(), "{words}"));
    }
}

impl Ui {
    /// Opens where data is to go; `-` is stdout.
    pub(super) fn open(output: Option<&Path>) -> Result<Self, Failure> {
        if let Some(path) = output.filter(|path| path.to_string_lossy().starts_with("s3:")) {
            return Err(Failure::usage(
                format!(
                    "`{}` is no file: answers are written to disk",
                    path.display()
                ),
                vec!["write to `-` or a file, and copy it with `aws s3 cp`".to_owned()],
            ));
        }
        let target = match output.filter(|path| *path != Path::new("-")) {
            None => Target::Stdout,
            Some(path) => open(path).map_err(|error| {
                // The system's words would name the file that stands in until the answer is whole.
                let reason = io::Error::from(error.kind());
                Failure::new(&format!("cannot write to `{}`", path.display()), reason)
                    .with_hint("name a file in a folder that is there and can be written")
            })?,
        };
        let is_terminal = matches!(target, Target::Stdout) && io::stdout().is_terminal();
        Ok(Self {
            is_terminal,
            target,
        })
    }

    /// Whether a person looks at the data as it comes.
    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Writes one line of words.
    #[expect(clippy::unused_self, reason = "who may speak holds the streams")]
    pub(super) fn say(&self, words: &str) {
        say(words);
    }

    /// A writer to where data goes; what several writers write comes one after the other.
    pub(super) fn out(&self) -> Result<Out, OutputError> {
        let out: Box<dyn Write + Send> = match &self.target {
            Target::Stdout => Box::new(io::stdout()),
            Target::File { temporary, .. } => Box::new(
                temporary
                    .as_file()
                    .try_clone()
                    .map_err(OutputError::Write)?,
            ),
            Target::Device(file) => Box::new(file.try_clone().map_err(OutputError::Write)?),
        };
        Ok(BufWriter::new(out))
    }

    /// Opens a writer of rows.
    pub(super) fn rows(
        &self,
        format: Format,
        schema: &Schema,
    ) -> Result<RowWriter<Out>, OutputError> {
        RowWriter::new(format, schema, self.out()?, self.width())
    }

    /// Opens a writer of sections.
    pub(super) fn sections(
        &self,
        format: Format,
        schemas: &[SchemaRef],
    ) -> Result<Sections<Out>, OutputError> {
        Sections::new(format, schemas, self.out()?, self.width())
    }

    /// Writes batches that are already there.
    pub(super) fn batches(
        &self,
        format: Format,
        schema: &Schema,
        batches: &[RecordBatch],
    ) -> Result<(), OutputError> {
        let mut rows = self.rows(format, schema)?;
        for batch in batches {
            rows.write(batch)?;
        }
        rows.finish()
    }

    /// Puts the file in its place, once all data is in it.
    pub(super) fn publish(self) -> Result<(), Failure> {
        let Target::File { temporary, path } = self.target else {
            return Ok(());
        };
        let fail = |error| Failure::new(&format!("cannot write `{}`", path.display()), error);
        temporary.as_file().sync_all().map_err(fail)?;
        temporary
            .persist(&path)
            .map(drop)
            .map_err(|error| fail(error.error))
    }

    /// The width of the terminal that data goes to.
    pub(super) fn width(&self) -> Option<u16> {
        if !self.is_terminal {
            return None;
        }
        rustix::termios::tcgetwinsize(io::stdout())
            .ok()
            .map(|size| size.ws_col)
            .filter(|w| *w > 0)
    }
}

/// A file that is there or can be made is replaced as a whole; anything else is written to as it is.
fn open(path: &Path) -> io::Result<Target> {
    match path.metadata() {
        Ok(meta) if meta.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(meta) if !meta.is_file() => {
            Ok(Target::Device(OpenOptions::new().write(true).open(path)?))
        }
        found => {
            // A link is followed, so that what it names is replaced and not the link.
            let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            let folder = match path.parent() {
                Some(folder) if folder != Path::new("") => folder,
                _ => Path::new("."),
            };
            // What the user's umask allows: a report is to be handed on. One that is there keeps its mode.
            let temporary = tempfile::Builder::new()
                .prefix(".rolecall-")
                .permissions(Permissions::from_mode(0o666))
                .tempfile_in(folder)?;
            if let Ok(found) = found {
                temporary.as_file().set_permissions(found.permissions())?;
            }
            Ok(Target::File { temporary, path })
        }
    }
}
