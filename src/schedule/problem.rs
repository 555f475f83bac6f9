//! What is wrong with a file of definitions, and where.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One thing that is wrong, and its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Problem {
    /// A problem with the part of `text` at `span`, which is in bytes.
    pub(super) fn at(text: &str, span: Range<usize>, message: String) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let in_line = before.get(line_start..).unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: in_line.chars().count() + 1,
            message,
        }
    }
}

impl Problem {
    /// The place and what is wrong there, as editors and people find it.
    pub fn in_file(&self, path: &Path) -> String {
        let Self {
            line,
            column,
            message,
        } = self;
        format!("{}:{line}:{column}: {message}", path.display())
    }
}

/// Why definitions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file says something that cannot be.
    #[error("`{}` is no valid configuration\n{}", path.display(), Places(path, problems))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, in the order of the file.
        problems: Vec<Problem>,
    },
}

/// One problem a line, as editors and people find it.
struct Places<'a>(&'a Path, &'a [Problem]);

impl fmt::Display for Places<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self
            .1
            .iter()
            .map(|problem| problem.in_file(self.0))
            .collect();
        f.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_lines_and_characters() {
        let text = "a = 1\nb = \"ä\" x\n";
        let at = text.find('x').unwrap();
        let problem = Problem::at(text, at..at + 1, String::new());
        assert_eq!((problem.line, problem.column), (2, 9));
    }
}
