//! The file of definitions: TOML, checked as a whole, each mistake with its line and column.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use serde::Deserialize;
use toml::Spanned;

use super::definition::{
    Baseline, Definitions, IngestJob, NotifyDef, NotifyKind, NotifyWhen, OutputDef, OutputForm,
    ReportDef, SecretPlace, SectionDef, SectionSource,
};
use super::deliver::PLACEHOLDERS;
use super::period::{For, Window};
use super::problem::{ConfigError, Problem};
use super::timetable::Timetable;
use crate::queries::{find, nearest};
use crate::reports::{BUILT_INS, BuiltIn, BuiltInSource, GROUPS, built_ins};
use crate::sql_file::{Param, SqlFile};

/// Runs that are made up for, where a report does not say.
const CATCH_UP: usize = 7;
/// Runs that may be made up for at most.
const MOST_CATCH_UP: usize = 400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTable {
    lake: Option<String>,
    accounts: Option<PathBuf>,
    people: Option<PathBuf>,
    countries: Option<PathBuf>,
    #[serde(default)]
    grants: Vec<PathBuf>,
    time_zone: Option<Spanned<String>>,
    ingest: Option<IngestTable>,
    compact: Option<CompactTable>,
    #[serde(default)]
    report: Vec<ReportTable>,
    #[serde(default)]
    notify: Vec<Spanned<NotifyTable>>,
    pseudonym_key_env: Option<String>,
    pseudonym_key_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NotifyTable {
    name: Option<String>,
    kind: Spanned<String>,
    address_env: Option<String>,
    address_file: Option<PathBuf>,
    token_env: Option<String>,
    token_file: Option<PathBuf>,
    #[serde(default)]
    reports: Vec<Spanned<String>>,
    when: Option<Spanned<String>>,
    link: Option<Spanned<String>>,
    #[serde(default)]
    rows: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IngestTable {
    #[serde(default)]
    sources: Vec<String>,
    sqs: Option<String>,
    #[serde(default)]
    flags: Vec<String>,
    schedule: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompactTable {
    schedule: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportTable {
    name: Spanned<String>,
    title: Option<String>,
    schedule: Option<Spanned<String>>,
    time_zone: Option<Spanned<String>>,
    window: Option<Spanned<String>>,
    compare: Option<Spanned<String>>,
    catch_up: Option<Spanned<usize>>,
    #[serde(default)]
    section: Vec<Spanned<SectionTable>>,
    #[serde(default)]
    output: Vec<OutputTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionTable {
    builtin: Option<Spanned<String>>,
    query: Option<Spanned<String>>,
    sql: Option<Spanned<PathBuf>>,
    name: Option<Spanned<String>>,
    title: Option<String>,
    about: Option<String>,
    next: Option<String>,
    #[serde(default)]
    params: BTreeMap<Spanned<String>, Spanned<ParamValue>>,
    columns: Option<Vec<String>>,
    key: Option<Vec<String>>,
    watch: Option<Vec<String>>,
    compare: Option<Spanned<String>>,
    alert_above: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ParamValue {
    Text(String),
    Number(i64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputTable {
    format: Spanned<String>,
    to: Spanned<String>,
    #[serde(default)]
    pseudonymise: bool,
}

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
}

impl Reader<'_> {
    fn wrong(&mut self, span: Range<usize>, message: impl Into<String>) {
        let problem = Problem::at(self.text, span, message.into());
        self.problems.push(problem);
    }

    fn definitions(&mut self, file: FileTable) -> Definitions {
        let zone = self.zone(file.time_zone.as_ref()).unwrap_or(Tz::UTC);
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
            pseudonym_key: self.secret(file.pseudonym_key_env, file.pseudonym_key_file),
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
            Some(most) if *most.get_ref() <= MOST_CATCH_UP => *most.get_ref(),
            Some(most) => {
                self.wrong(
                    most.span(),
                    format!("at most {MOST_CATCH_UP} runs can be made up for"),
                );
                CATCH_UP
            }
        };
        let compare = self.baseline(table.compare.as_ref());
        if table.section.is_empty() {
            self.wrong(
                table.name.span(),
                format!("report `{name}` has no section: add `[[report.section]]` with `builtin`, `query` or `sql`"),
            );
        }
        let mut sections: Vec<SectionDef> = Vec::new();
        for section in table.section {
            let span = section.span();
            for section in self.section(section, compare.flatten()) {
                if sections.iter().any(|known| known.name == section.name) {
                    let message = format!(
                        "a section is called `{}` already: give this one a `name`",
                        section.name
                    );
                    self.wrong(span.clone(), message);
                } else {
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
                .filter_map(|output| self.output(&output))
                .collect(),
            name,
            zone,
            window,
            catch_up,
            sections,
        }
    }

    /// The sections of one table: several where it names a group of built-in ones.
    fn section(
        &mut self,
        section: Spanned<SectionTable>,
        of_report: Option<Baseline>,
    ) -> Vec<SectionDef> {
        let span = section.span();
        let table = section.into_inner();
        let compare = self.baseline(table.compare.as_ref()).unwrap_or(of_report);
        let (mut sections, params) = match (&table.builtin, &table.query, &table.sql) {
            (Some(name), None, None) => (self.built_in(name, &table), None),
            (None, Some(name), None) => match find(name.get_ref()) {
                Ok(query) => {
                    let source = SectionSource::Query(query.name.to_owned());
                    let own = query.name.rsplit('/').next().unwrap_or(query.name);
                    let section = asked(own, &query.question, source);
                    (vec![section], Some(query.params))
                }
                Err(error) => {
                    let hints = error.hints().join("; ");
                    self.wrong(name.span(), told(&error.to_string(), &hints));
                    return Vec::new();
                }
            },
            (None, None, Some(path)) => match self.sql_file(path) {
                Some((section, params)) => (vec![section], Some(params)),
                None => return Vec::new(),
            },
            _ => {
                self.wrong(
                    span.clone(),
                    "a section has one of `builtin`, `query` (one of `rolecall query --list`) and `sql` (a file)",
                );
                return Vec::new();
            }
        };
        if let Some(name) = &table.name {
            match sections.as_mut_slice() {
                [section] if is_name(name.get_ref()) => section.name.clone_from(name.get_ref()),
                [_] => self.wrong(
                    name.span(),
                    format!(
                        "`{}` is no name: letters, digits, `-` and `_` make one",
                        name.get_ref()
                    ),
                ),
                _ => self.wrong(name.span(), "several sections cannot have one name"),
            }
        }
        let own = self.params(&table, params.as_deref());
        for section in &mut sections {
            section
                .params
                .retain(|(name, _)| !own.iter().any(|(own, _)| own == name));
            section.params.extend(own.iter().cloned());
            section.compare = compare;
            section.alert_above = table.alert_above;
            let place = Problem::at(self.text, span.clone(), String::new());
            section.place = (place.line, place.column);
            if let Some(title) = &table.title {
                section.title.clone_from(title);
            }
            if let Some(about) = &table.about {
                section.about.clone_from(about);
            }
            if let Some(next) = &table.next {
                section.next.clone_from(next);
            }
            if let Some(columns) = &table.columns {
                section.for_people.clone_from(columns);
            }
            if let Some(key) = &table.key {
                section.key.clone_from(key);
            }
            if let Some(watch) = &table.watch {
                section.watch.clone_from(watch);
            }
        }
        sections
    }

    fn built_in(&mut self, name: &Spanned<String>, table: &SectionTable) -> Vec<SectionDef> {
        let found = built_ins(name.get_ref());
        if found.is_empty() {
            let names = BUILT_INS
                .iter()
                .map(|section| section.name)
                .chain(GROUPS.iter().map(|(group, _)| *group));
            let hint = match nearest(names.clone(), name.get_ref()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
            };
            let message = format!("no built-in section is called `{}`", name.get_ref());
            self.wrong(name.span(), told(&message, &hint));
        }
        if found.len() > 1 && !table.params.is_empty() {
            self.wrong(
                name.span(),
                format!(
                    "`{}` is several sections, and `params` fit only one: name it",
                    name.get_ref()
                ),
            );
        }
        found.into_iter().map(of_built_in).collect()
    }

    /// A query of the user's own, and its parameters.
    fn sql_file(&mut self, path: &Spanned<PathBuf>) -> Option<(SectionDef, Vec<Param>)> {
        let file = self.folder.join(path.get_ref());
        match std::fs::read_to_string(&file) {
            Ok(sql) => {
                let stem = file.file_stem().unwrap_or_default().to_string_lossy();
                let parsed = SqlFile::parse(&stem, &sql);
                let params = parsed.params.clone();
                let title = if parsed.question.is_empty() {
                    stem.to_string()
                } else {
                    parsed.question.clone()
                };
                let name: String = stem
                    .chars()
                    .map(|c| if is_name_part(c) { c } else { '_' })
                    .collect();
                Some((
                    asked(
                        &name,
                        &title,
                        SectionSource::File(file.clone(), sql.clone()),
                    ),
                    params,
                ))
            }
            Err(error) => {
                self.wrong(
                    path.span(),
                    format!("cannot read `{}`: {error}", file.display()),
                );
                None
            }
        }
    }

    /// The values that were given, checked against the names that the query has.
    fn params(&mut self, table: &SectionTable, known: Option<&[Param]>) -> Vec<(String, String)> {
        let mut values = Vec::new();
        for (name, value) in &table.params {
            if let Some(known) = known
                && !known.iter().any(|param| param.name == *name.get_ref())
            {
                let names: Vec<&str> = known.iter().map(|param| param.name.as_str()).collect();
                let hint = match names.is_empty() {
                    true => "it has none".to_owned(),
                    false => format!("it has {}", names.join(", ")),
                };
                let message = format!("the query has no parameter `{}`", name.get_ref());
                self.wrong(name.span(), told(&message, &hint));
            }
            if matches!(name.get_ref().as_str(), "since" | "until") {
                self.wrong(name.span(), "the report's window gives `since` and `until`");
            }
            let value = match value.get_ref() {
                ParamValue::Text(text) => text.clone(),
                ParamValue::Number(number) => number.to_string(),
            };
            values.push((name.get_ref().clone(), value));
        }
        if let Some(known) = known {
            let missing = known.iter().find(|param| {
                param.default.is_none()
                    && !matches!(param.name.as_str(), "since" | "until")
                    && !values.iter().any(|(name, _)| *name == param.name)
            });
            let span = table
                .query
                .as_ref()
                .map(Spanned::span)
                .or_else(|| table.sql.as_ref().map(Spanned::span));
            if let (Some(param), Some(span)) = (missing, span) {
                self.wrong(
                    span,
                    format!(
                        "the query needs `{0}`: add `params = {{ {0} = … }}`",
                        param.name
                    ),
                );
            }
        }
        values
    }

    fn output(&mut self, table: &OutputTable) -> Option<OutputDef> {
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
        if to.is_empty() || to.ends_with('/') {
            self.wrong(table.to.span(), "name a file: `reports/{report}-{date}.md`");
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

    fn notify(
        &mut self,
        table: Spanned<NotifyTable>,
        number: usize,
        reports: &[ReportDef],
    ) -> Option<NotifyDef> {
        let span = table.span();
        let table = table.into_inner();
        let kind = match table.kind.get_ref().as_str() {
            "webhook" => Some(NotifyKind::Webhook),
            "slack" => Some(NotifyKind::Slack),
            "sns" => Some(NotifyKind::Sns),
            other => {
                self.wrong(
                    table.kind.span(),
                    format!("`{other}` is no kind of notification: webhook, slack, sns"),
                );
                None
            }
        };
        let when = match table.when.as_ref().map(|when| when.get_ref().as_str()) {
            None | Some("findings") => NotifyWhen::Findings,
            Some("rows") => NotifyWhen::Rows,
            Some("always") => NotifyWhen::Always,
            Some(other) => {
                let span = table.when.as_ref().map_or(0..0, Spanned::span);
                self.wrong(
                    span,
                    format!("`{other}` is no occasion: findings, rows, always"),
                );
                NotifyWhen::Findings
            }
        };
        for name in &table.reports {
            if !reports.iter().any(|report| report.name == *name.get_ref()) {
                self.wrong(
                    name.span(),
                    format!("no report is called `{}`", name.get_ref()),
                );
            }
        }
        if let Some(link) = &table.link {
            self.placeholders(link);
        }
        let address = self.secret(table.address_env, table.address_file);
        if address.is_none() {
            self.wrong(
                span.clone(),
                "a notification has one of `address_env` (a variable of the environment) and `address_file`",
            );
        }
        if table.token_env.is_some() && table.token_file.is_some() {
            self.wrong(
                span,
                "a notification has one of `token_env` and `token_file`",
            );
        }
        Some(NotifyDef {
            name: table
                .name
                .unwrap_or_else(|| format!("{} {number}", table.kind.get_ref())),
            kind: kind?,
            address: address?,
            token: self.secret(table.token_env, table.token_file),
            reports: table.reports.into_iter().map(Spanned::into_inner).collect(),
            when,
            link: table.link.map(Spanned::into_inner),
            rows: table.rows,
        })
    }

    /// Where a secret is; none where two places are named, or none.
    fn secret(&self, variable: Option<String>, file: Option<PathBuf>) -> Option<SecretPlace> {
        match (variable, file) {
            (Some(variable), None) => Some(SecretPlace::Environment(variable)),
            (None, Some(file)) => Some(SecretPlace::File(self.folder.join(file))),
            _ => None,
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
            self.wrong(
                zone.span(),
                format!(
                    "`{}` is no time zone: `Europe/Berlin`, `America/New_York`, `UTC`",
                    zone.get_ref()
                ),
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

    /// What to compare with: nothing is said, or `none`, or a baseline.
    fn baseline(&mut self, text: Option<&Spanned<String>>) -> Option<Option<Baseline>> {
        let text = text?;
        let found = match text.get_ref().as_str() {
            "none" => return Some(None),
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
                format!("`{}` is nothing to compare with: `previous`, `none`, or the day of a run (`2026-03-01`)", text.get_ref()),
            );
        }
        Some(found)
    }
}

/// A section of what a query answers.
fn asked(name: &str, title: &str, source: SectionSource) -> SectionDef {
    SectionDef {
        name: name.to_owned(),
        title: title.to_owned(),
        about: String::new(),
        empty: "Nothing.".to_owned(),
        next: String::new(),
        source,
        params: Vec::new(),
        columns: Vec::new(),
        for_people: Vec::new(),
        key: Vec::new(),
        watch: Vec::new(),
        compare: None,
        alert_above: None,
        place: (1, 1),
    }
}

fn of_built_in(section: &BuiltIn) -> SectionDef {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let params = match section.source {
        BuiltInSource::Query(_, params) => params,
        BuiltInSource::Unused(_) | BuiltInSource::Rightsizing => &[],
    };
    SectionDef {
        about: section.about.to_owned(),
        empty: section.empty.to_owned(),
        next: section.next.to_owned(),
        params: params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        columns: owned(section.columns),
        for_people: owned(section.for_people),
        key: owned(section.key),
        watch: owned(section.watch),
        ..asked(section.name, section.title, section.source.into())
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
