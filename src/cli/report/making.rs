//! What `report run` and the scheduler share: the lake and the names of a file of definitions, new log files, one report.

use std::path::Path;

use super::{in_one_line, no_key};
use crate::cli::World;
use crate::cli::failure::{Exit, Failure};
use crate::cli::ingest::{self, IngestArgs};
use crate::cli::rightsize::tell_problems;
use crate::cli::ui::say;
use crate::directory::Directory;
use crate::output::Pseudonyms;
use crate::policies::Grants;
use crate::schedule::{
    ConfigError, Definitions, For, Made, Materials, Notifier, Problem, Receivers, ReportDef,
    Secret, SecretPlace, check_sections, make_report, make_unrecorded, read_definitions,
};
use crate::views::open_nothing;

/// Reads definitions and plans what they ask, so that nothing begins that cannot end.
pub(in crate::cli) fn checked(world: &World, path: &Path) -> Result<Definitions, Failure> {
    let definitions = read_definitions(path)?;
    let outputs = definitions
        .reports
        .iter()
        .flat_map(|report| &report.outputs);
    let wants_key = outputs.into_iter().any(|output| output.is_pseudonymous)
        || definitions.notify.iter().any(|def| def.is_pseudonymous);
    if wants_key && definitions.pseudonym_key.is_none() {
        return Err(no_key());
    }
    if !definitions.ingest.is_empty() {
        IngestArgs::of_job(&definitions.ingest)?;
    }
    let problems = world.runtime.block_on(async {
        let engine = open_nothing(world.limits()).await?;
        let mut problems = Vec::new();
        for report in &definitions.reports {
            for (section, error) in check_sections(&engine, report).await {
                let place = report.sections.iter().find(|known| known.name == section);
                let (line, column) = place.map_or((1, 1), |section| section.place);
                let message = in_one_line(&error);
                problems.push(Problem {
                    line,
                    column,
                    message,
                });
            }
        }
        Ok::<_, Failure>(problems)
    })?;
    if !problems.is_empty() {
        let path = path.to_owned();
        return Err(ConfigError::Invalid { path, problems }.into());
    }
    Ok(definitions)
}

/// Takes over what the file says of lake and names, where no flag does; reads what is granted.
pub(in crate::cli) fn set_up(
    world: &mut World,
    definitions: &Definitions,
) -> Result<(Grants, Exit), Failure> {
    if world.lake.is_none() {
        world.lake.clone_from(&definitions.lake);
    }
    let named = Directory::read(
        definitions.accounts.as_deref(),
        definitions.people.as_deref(),
        definitions.countries.as_deref(),
    )?;
    let own = &mut world.directory;
    if own.accounts.is_empty() {
        own.accounts = named.accounts;
    }
    if own.people.is_empty() {
        own.people = named.people;
    }
    if own.countries.is_none() {
        own.countries = named.countries;
    }
    if definitions.grants.is_empty() {
        return Ok((Grants::default(), Exit::Done));
    }
    let grants = Grants::read(&definitions.grants)?;
    let exit = tell_problems(world, &grants);
    Ok((grants, exit))
}

/// What a report needs besides the lake.
pub(in crate::cli) fn materials<'m>(world: &'m World, grants: &'m Grants) -> Materials<'m> {
    Materials {
        directory: &world.directory,
        grants,
        limits: world.limits(),
    }
}

/// Reads the log files that the file of definitions names into the lake.
pub(in crate::cli) fn fetch(world: &World, definitions: &Definitions) -> Result<Exit, Failure> {
    if definitions.ingest.is_empty() {
        return Ok(Exit::Done);
    }
    let args = IngestArgs::of_job(&definitions.ingest)?;
    let (_, exit) = ingest::take(world, &args)?;
    Ok(exit)
}

/// Makes one report: asks it, writes its files, and, where it is to be, writes down what it said.
pub(in crate::cli) fn make(
    world: &World,
    report: &ReportDef,
    wanted: For,
    materials: Materials<'_>,
    receivers: Receivers<'_>,
    is_recorded: bool,
) -> Result<Made, Failure> {
    let lake = world.open_lake()?;
    let made = if is_recorded {
        let wait = || say("waiting for another rolecall to finish with this lake");
        let made = make_report(
            &lake, world.now, &wait, report, wanted, materials, receivers,
        );
        world.runtime.block_on(made)?
    } else {
        if !lake.snapshot()?.is_resolved() {
            world
                .ui
                .say("warning: sessions are older than the events; run `rolecall resolve`");
        }
        let made = make_unrecorded(&lake, report, wanted, materials, receivers);
        world.runtime.block_on(made)?
    };
    Ok(made)
}

/// A report that somebody should have heard of, and did not.
pub(in crate::cli) fn untold(made: &Made) -> Failure {
    let names: Vec<&str> = made.untold.iter().map(|(name, _)| name.as_str()).collect();
    Failure::not_found(
        format!(
            "the report is made, and not everybody was told: {}",
            names.join(", ")
        ),
        vec!["make it again: who has heard of it is not told twice".to_owned()],
    )
}

/// Who is told, and the pseudonyms: what needs secrets.
#[derive(Debug)]
pub(in crate::cli) struct Confidants {
    pub(in crate::cli) notifiers: Vec<Notifier>,
    pub(in crate::cli) pseudonyms: Option<Pseudonyms>,
}

impl Confidants {
    /// Fetches the secrets from where the definitions say they are.
    pub(in crate::cli) fn of(definitions: &Definitions) -> Result<Self, Failure> {
        let mut confidants = Self::without_notifiers(definitions)?;
        for def in &definitions.notify {
            let what = format!("the address of notification `{}`", def.name);
            let address = Secret::new(&secret(&def.address, &what)?);
            let token = match &def.token {
                None => None,
                Some(place) => {
                    let what = format!("the token of notification `{}`", def.name);
                    Some(Secret::new(&secret(place, &what)?))
                }
            };
            confidants
                .notifiers
                .push(Notifier::new(def.clone(), address, token)?);
        }
        Ok(confidants)
    }

    /// The same where nobody is to be told.
    pub(in crate::cli) fn without_notifiers(definitions: &Definitions) -> Result<Self, Failure> {
        let pseudonyms = match &definitions.pseudonym_key {
            None => None,
            Some(place) => {
                let key = secret(place, "the key of pseudonyms")?;
                let pseudonyms = Pseudonyms::new(key.trim().as_bytes()).ok_or_else(|| {
                    Failure::usage(
                        format!("the key of pseudonyms is shorter than {} bytes", Pseudonyms::SHORTEST_KEY),
                        vec!["make one with `openssl rand -hex 32`, and keep it: another key gives other pseudonyms".to_owned()],
                    )
                })?;
                Some(pseudonyms)
            }
        };
        Ok(Self {
            notifiers: Vec::new(),
            pseudonyms,
        })
    }

    pub(in crate::cli) fn receivers<'r>(
        &'r self,
        world: &'r World,
        all_pseudonymous: bool,
    ) -> Receivers<'r> {
        Receivers {
            aws: &world.aws,
            notifiers: &self.notifiers,
            pseudonyms: self.pseudonyms.as_ref(),
            all_pseudonymous,
        }
    }
}

/// A secret from the environment or a file.
#[expect(
    clippy::disallowed_methods,
    reason = "secrets are read here, and handed on"
)]
fn secret(place: &SecretPlace, what: &str) -> Result<String, Failure> {
    let found = match place {
        SecretPlace::Environment(name) => std::env::var(name).map_err(|_| {
            (
                format!("{what} should be in the environment as `{name}`, and is not"),
                "set the variable, or name a file with `…_file`",
            )
        }),
        SecretPlace::File(path) => std::fs::read_to_string(path).map_err(|error| {
            (
                format!("{what} should be in `{}`: {error}", path.display()),
                "write it there, readable for this user alone",
            )
        }),
    };
    found.map_err(|(message, hint)| Failure::usage(message, vec![hint.to_owned()]))
}
