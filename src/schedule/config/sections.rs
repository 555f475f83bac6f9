//! What a report tells: built-in sections, queries of ours, and queries of the user's.

use std::path::PathBuf;

use toml::Spanned;

use super::tables::{ParamValue, SectionTable};
use super::{Reader, is_name, is_name_part, told};
use crate::queries::{find, nearest};
use crate::reports::{BUILT_INS, BuiltIn, BuiltInSource, GROUPS, built_ins};
use crate::schedule::definition::{Baseline, SectionDef, SectionSource};
use crate::schedule::problem::Problem;
use crate::sql_file::{Param, SqlFile};

/// Rows that a section tells at most, where it does not say: memory is bounded, and so is what anybody reads.
const MOST_ROWS: usize = 100_000;

impl Reader<'_> {
    /// The sections of one table: several where it names a group of built-in ones.
    pub(super) fn section(
        &mut self,
        section: Spanned<SectionTable>,
        of_report: Option<Baseline>,
    ) -> Vec<SectionDef> {
        let span = section.span();
        let table = section.into_inner();

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
        let said = table.compare.is_some();
        let own_compare = self.baseline(table.compare.as_ref(), None);
        for section in &mut sections {
            section.compare = if said || section.is_of_period {
                own_compare
            } else {
                of_report
            };
            section
                .params
                .retain(|(name, _)| !own.iter().any(|(own, _)| own == name));
            section.params.extend(own.iter().cloned());
            section.alert_above = table.alert_above;
            section.max_rows = table.max_rows.unwrap_or(MOST_ROWS);
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
                let hint = if names.is_empty() {
                    "it has none".to_owned()
                } else {
                    format!("it has {}", names.join(", "))
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
        is_of_period: false,
        compare: None,
        alert_above: None,
        max_rows: MOST_ROWS,
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
        is_of_period: section.is_of_period,
        ..asked(section.name, section.title, section.source.into())
    }
}
