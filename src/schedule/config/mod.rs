//! The file of definitions: TOML, checked as a whole, each mistake with its line and column.

mod notify;
mod sections;
mod tables;

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use toml::Spanned;

use super::definition::{
    Baseline, Definitions, IngestJob, OutputDef, OutputForm, ReportDef, SectionDef,
};
use super::deliver::PLACEHOLDERS;
use super::period::{For, Window};
use super::problem::{ConfigError, Problem};
use super::render::SUMMARY;
use super::timetable::Timetable;
use crate::aws::S3Uri;
use crate::queries::nearest;
use tables::{FileTable, OutputTable, ReportTable};

/// Runs that are made up for, where a report does not say.
const CATCH_UP: usize = 7;
/// Runs that may be made up for at most.
const MOST_CATCH_UP: usize = 400;

/// Reads a file of definitions; every mistake in it is told at once.
pub fn read_definitions(path: &Path) -> Result<Definitions, ConfigError> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })
    };
    let text = read(path)?;
    let invalid = |problems| ConfigError::Invalid {
        path: path.to_owned(),
        problems,
    };
    let file: FileTable = toml::from_str(&text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        invalid(vec![Problem::at(&text, span, error.message().to_owned())])
    })?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new(""),
    };
    let mut reader = Reader {
        text: &text,
        folder,
        problems: Vec::new(),
        has_grants: !file.grants.is_empty(),
        places: HashSet::new(),
    };
    let definitions = reader.definitions(file);
    if reader.problems.is_empty() {
        return Ok(definitions);
    }
    let mut problems = reader.problems;
    problems.sort_by_key(|problem| (problem.line, problem.column));
    Err(invalid(problems))
}

/// Turns tables into definitions, and collects what is wrong on the way.
struct Reader<'t> {
    text: &'t str,
    folder: &'t Path,
    problems: Vec<Problem>,
    /// Whether the file names what is granted.
    has_grants: bool,
    /// Where outputs go that were read already.
    places: HashSet<String>,
}

impl Reader<'_> {
    fn wrong(&mut self, span: Range<usize>, message: impl Into<String>) {
        let problem = Problem::at(self.text, span, message.into());
        self.problems.push(problem);
    }

    fn definitions(&mut self, file: FileTable) -> Definitions {
        let zone = self.zone(file.time_zone.as_ref()).unwrap_or(Tz::UTC);
        if let (Some(variable), Some(_)) = (&file.pseudonym_key_env, &file.pseudonym_key_file) {
            let message = "the key of pseudonyms is in one place: `pseudonym_key_env` or `pseudonym_key_file`";
            self.wrong(variable.span(), message);
        }
        let ingest = match file.ingest {
            None => IngestJob::default(),
            Some(table) => IngestJob {
                timetable: self.timetable(table.schedule.as_ref(), zone),
                sources: table
                    .sources
                    .iter()
                    .map(|source| self.place(source))
                    .collect(),
                sqs: table.sqs,
                flags: table.flags,
            },
        };
        let compact = file
            .compact
            .and_then(|table| self.timetable(Some(&table.schedule), zone));
        let mut names = HashSet::new();
        let mut reports = Vec::new();
        for table in file.report {
            let name = table.name.get_ref().clone();
            if !is_name(&name) {
                self.wrong(
                    table.name.span(),
                    format!("`{name}` is no name: letters, digits, `-` and `_` make one"),
                );
            } else if !names.insert(name.clone()) {
                self.wrong(
                    table.name.span(),
                    format!("a report is called `{name}` already"),
                );
            }
            reports.push(self.report(table, zone));
        }
        let below = |path: Option<PathBuf>| path.map(|path| self.folder.join(path));
        Definitions {
            accounts: below(file.accounts),
            people: below(file.people),
            countries: below(file.countries),
            grants: file
                .grants
                .into_iter()
                .map(|path| self.folder.join(path))
                .collect(),
            lake: file.lake.map(|lake| PathBuf::from(self.place(&lake))),
            ingest,
            compact,
            notify: file
                .notify
                .into_iter()
                .zip(1..)
                .filter_map(|(table, number)| self.notify(table, number, &reports))
                .collect(),
            pseudonym_key: self.secret(
                file.pseudonym_key_env.map(Spanned::into_inner),
                file.pseudonym_key_file,
            ),
            reports,
        }
    }

    fn report(&mut self, table: ReportTable, zone: Tz) -> ReportDef {
        let zone = self.zone(table.time_zone.as_ref()).unwrap_or(zone);
        let name = table.name.get_ref().clone();
        let window = match &table.window {
            None => Window::Days(1),
            Some(window) => Window::parse(window.get_ref()).unwrap_or_else(|| {
                self.wrong(
                    window.span(),
                    format!(
                        "`{}` is no window: `yesterday`, `last-week`, `since-last-run`, or a number of days (`30d`)",
                        window.get_ref()
                    ),
                );
                Window::Days(1)
            }),
        };
        let catch_up = match &table.catch_up {
            None => CATCH_UP,
            Some(most) if (1..=MOST_CATCH_UP).contains(most.get_ref()) => *most.get_ref(),
            Some(most) => {
                self.wrong(
                    most.span(),
                    format!("from 1 to {MOST_CATCH_UP} runs can be made up for"),
                );
                CATCH_UP
            }
        };
        let compare = self.baseline(table.compare.as_ref(), None);
        if table.section.is_empty() {
            self.wrong(
                table.name.span(),
                format!("report `{name}` has no section: add `[[report.section]]` with `builtin`, `query` or `sql`"),
            );
        }
        let mut sections: Vec<SectionDef> = Vec::new();
        for section in table.section {
            let span = section.span();
            for section in self.section(section, compare) {
                if section.name == SUMMARY {
                    self.wrong(
                        span.clone(),
                        "every report has a section called `summary`: give this one another `name`",
                    );
                } else if sections.iter().any(|known| known.name == section.name) {
                    let message = format!(
                        "a section is called `{}` already: give this one a `name`",
                        section.name
                    );
                    self.wrong(span.clone(), message);
                } else {
                    if section.needs_grants() && !self.has_grants {
                        self.wrong(
                            span.clone(),
                            format!("section `{}` needs `grants`: authorization exports, and credential reports", section.name),
                        );
                    }
                    sections.push(section);
                }
            }
        }
        ReportDef {
            title: table.title.unwrap_or_else(|| name.clone()),
            timetable: self.timetable(table.schedule.as_ref(), zone),
            outputs: table
                .output
                .into_iter()
                .filter_map(|output| self.output(&output, &name))
                .collect(),
            name,
            zone,
            window,
            catch_up,
            sections,
        }
    }

    fn output(&mut self, table: &OutputTable, report: &str) -> Option<OutputDef> {
        let form = OutputForm::parse(table.format.get_ref());
        if form.is_none() {
            let names = OutputForm::NAMES.map(|(name, _)| name).join(", ");
            self.wrong(
                table.format.span(),
                format!("`{}` is no form: {names}", table.format.get_ref()),
            );
        }
        let to = table.to.get_ref();
        self.placeholders(&table.to);
        if to.contains("://") && !S3Uri::is_one(to) {
            self.wrong(
                table.to.span(),
                "reports go to files and to `s3://BUCKET/KEY`",
            );
        }
        if to.is_empty() || to.ends_with('/') {
            self.wrong(table.to.span(), "name a file: `reports/{report}-{date}.md`");
        }
        let place = to.replace("{report}", report);
        if !self.places.insert(place) {
            self.wrong(
                table.to.span(),
                format!("another output goes to `{to}` already"),
            );
        }
        Some(OutputDef {
            form: form?,
            to: self.place(to),
            is_pseudonymous: table.pseudonymise,
        })
    }

    fn placeholders(&mut self, text: &Spanned<String>) {
        let mut rest = text.get_ref().as_str();
        while let Some((_, behind)) = rest.split_once('{') {
            let (name, behind) = behind.split_once('}').unwrap_or((behind, ""));
            if !PLACEHOLDERS.contains(&name) {
                let known = PLACEHOLDERS.map(|name| format!("{{{name}}}")).join(", ");
                self.wrong(
                    text.span(),
                    format!("`{{{name}}}` stands for nothing: there are {known}"),
                );
            }
            rest = behind;
        }
    }

    /// A path below the file's folder, or a place elsewhere as it stands.
    fn place(&self, place: &str) -> String {
        if place == "-" || place.contains("://") {
            return place.to_owned();
        }
        self.folder.join(place).to_string_lossy().into_owned()
    }

    fn zone(&mut self, zone: Option<&Spanned<String>>) -> Option<Tz> {
        let zone = zone?;
        let found = zone.get_ref().parse().ok();
        if found.is_none() {
            let names = chrono_tz::TZ_VARIANTS.iter().map(|known| known.name());
            let hint = nearest(names, zone.get_ref()).unwrap_or("Europe/Berlin");
            self.wrong(
                zone.span(),
                format!("`{}` is no time zone; `{hint}` is one", zone.get_ref()),
            );
        }
        found
    }

    fn timetable(&mut self, text: Option<&Spanned<String>>, zone: Tz) -> Option<Timetable> {
        let text = text?;
        match Timetable::parse(text.get_ref(), zone) {
            Ok(table) => Some(table),
            Err(error) => {
                self.wrong(
                    text.span(),
                    format!(
                        "`{}` is no schedule: {error}; five fields make one, minute hour day month weekday (`30 2 * * *`)",
                        text.get_ref()
                    ),
                );
                None
            }
        }
    }

    /// What to compare with: where nothing is said, `unsaid`.
    fn baseline(
        &mut self,
        text: Option<&Spanned<String>>,
        unsaid: Option<Baseline>,
    ) -> Option<Baseline> {
        let Some(text) = text else { return unsaid };
        let found = match text.get_ref().as_str() {
            "none" => return None,
            "previous" => Some(Baseline::Previous),
            other => other
                .parse::<NaiveDate>()
                .map(For::Day)
                .or_else(|_| {
                    DateTime::parse_from_rfc3339(other).map(|time| For::Until(time.to_utc()))
                })
                .map(Baseline::Run)
                .ok(),
        };
        if found.is_none() {
            self.wrong(
                text.span(),
                format!(
                    "`{}` is nothing to compare with: `previous`, `none`, or the day of a run (`2026-03-01`)",
                    text.get_ref()
                ),
            );
        }
        found
    }
}

fn told(message: &str, hint: &str) -> String {
    if hint.is_empty() {
        message.to_owned()
    } else {
        format!("{message}; {hint}")
    }
}

fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 100 && name.chars().all(is_name_part)
}
