//! Reads the header of a `.sql` file: the question, its parameters, what it reads.
//!
//! ```text
//! -- Which console sign-ins had no MFA?
//! -- param: since timestamp default null
//! -- reads: attributed_events
//! ```
//!
//! A view says with `-- column: NAME meaning` what those of its columns mean that no table has.

use std::fmt;

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamType {
    /// Any text.
    Text,
    /// A time.
    Timestamp,
    /// A whole number.
    Int,
}

/// One parameter of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name, without `$`.
    pub name: String,
    /// Its type.
    pub param_type: ParamType,
    /// What it is when nobody gives it; `None` means that somebody must.
    pub default: Option<String>,
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let param_type = match self.param_type {
            ParamType::Text => "text",
            ParamType::Timestamp => "time",
            ParamType::Int => "whole number",
        };
        write!(f, "{} ({param_type}", self.name)?;
        match self.default.as_deref() {
            None => f.write_str(", needed)"),
            Some("null") => f.write_str(")"),
            Some(default) => write!(f, ", {default} if not given)"),
        }
    }
}

/// One `.sql` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFile<'a> {
    /// Its name: the path below its folder, without `.sql`.
    pub name: &'a str,
    /// Its whole text.
    pub sql: &'a str,
    /// The first line of the header.
    pub question: String,
    /// The parameters, in order.
    pub params: Vec<Param>,
    /// The tables and views it names as its sources.
    pub reads: Vec<String>,
    /// What its own columns mean, by their names.
    pub columns: Vec<(String, String)>,
}

impl<'a> SqlFile<'a> {
    /// Reads the header of `sql`; lines it does not know are prose.
    pub fn parse(name: &'a str, sql: &'a str) -> Self {
        let mut file = Self {
            name,
            sql,
            question: String::new(),
            params: Vec::new(),
            reads: Vec::new(),
            columns: Vec::new(),
        };
        for line in sql
            .lines()
            .map_while(|line| line.strip_prefix("--"))
            .map(str::trim)
        {
            if let Some(param) = line.strip_prefix("param:") {
                file.params.extend(parse_param(param.trim()));
            } else if let Some(reads) = line.strip_prefix("reads:") {
                file.reads
                    .extend(reads.split(',').map(|name| name.trim().to_owned()));
            } else if let Some(column) = line.strip_prefix("column:") {
                let (name, about) = column.trim().split_once(' ').unwrap_or((column, ""));
                file.columns
                    .push((name.to_owned(), about.trim().to_owned()));
            } else if file.question.is_empty() {
                line.clone_into(&mut file.question);
            }
        }
        file
    }
}

fn parse_param(text: &str) -> Option<Param> {
    let mut words = text.splitn(3, ' ');
    let name = words.next()?.to_owned();
    let param_type = match words.next()? {
        "text" => ParamType::Text,
        "timestamp" => ParamType::Timestamp,
        "int" => ParamType::Int,
        _ => return None,
    };
    let default = words
        .next()
        .and_then(|rest| rest.strip_prefix("default "))
        .map(str::to_owned);
    Some(Param {
        name,
        param_type,
        default,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_tells_question_parameters_and_sources() {
        let file = SqlFile::parse(
            "x/y",
            "-- Who?\n-- Mind the gap.\n-- param: who text\n-- param: since timestamp default null\n-- column: n how many\n-- reads: a, b\nSELECT 1 -- param: no text\n",
        );
        assert_eq!(file.question, "Who?");
        assert_eq!(file.reads, ["a", "b"]);
        assert_eq!(file.columns, [("n".to_owned(), "how many".to_owned())]);
        assert_eq!(file.params.len(), 2);
        assert_eq!(file.params[0].to_string(), "who (text, needed)");
        assert_eq!(file.params[0].default, None);
        assert_eq!(file.params[1].default.as_deref(), Some("null"));
        assert_eq!(file.params[1].param_type, ParamType::Timestamp);
    }
}
