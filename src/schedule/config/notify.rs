//! Who is told of reports, and where secrets are.

use std::path::PathBuf;

use toml::Spanned;

use super::Reader;
use super::tables::NotifyTable;
use crate::schedule::definition::{NotifyDef, NotifyKind, NotifyWhen, ReportDef, SecretPlace};

/// Rows of a section in one message: Slack and SNS refuse long ones.
const MOST_ROWS: usize = 20;

impl Reader<'_> {
    pub(super) fn notify(
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
        let rows = match &table.rows {
            None => 0,
            Some(rows) if *rows.get_ref() <= MOST_ROWS => *rows.get_ref(),
            Some(rows) => {
                let message = format!("a message has at most {MOST_ROWS} rows of each section");
                self.wrong(rows.span(), message);
                0
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
            rows,
            is_pseudonymous: table.pseudonymise,
        })
    }

    /// Where a secret is; none where two places are named, or none.
    pub(super) fn secret(
        &self,
        variable: Option<String>,
        file: Option<PathBuf>,
    ) -> Option<SecretPlace> {
        match (variable, file) {
            (Some(variable), None) => Some(SecretPlace::Environment(variable)),
            (None, Some(file)) => Some(SecretPlace::File(self.folder.join(file))),
            _ => None,
        }
    }
}
