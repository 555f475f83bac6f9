//! `rolecall report check`: every mistake that can be found before a report is due.

use super::{Confidants, ConfigArgs, in_one_line, list, no_key, set_up};
use crate::cli::World;
use crate::cli::failure::{Exit, Failure};
use crate::cli::ingest::IngestArgs;
use crate::schedule::{ConfigError, Problem, ReportDef, check_sections, read_definitions};
use crate::views::open_nothing;

pub(super) fn run(world: &mut World, args: &ConfigArgs) -> Result<Exit, Failure> {
    let definitions = read_definitions(&args.config)?;
    let (_, of_grants) = set_up(world, &definitions)?;
    // Secrets may be elsewhere than where definitions are written: that they are not here is told, and is no mistake.
    let is_pseudonymous = |report: &ReportDef| report.outputs.iter().any(|o| o.is_pseudonymous);
    if definitions.reports.iter().any(is_pseudonymous) && definitions.pseudonym_key.is_none() {
        return Err(no_key());
    }
    if let Err(failure) = Confidants::of(&definitions) {
        failure.warn();
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
                problems.push(Problem {
                    line,
                    column,
                    message: in_one_line(&error),
                });
            }
        }
        Ok::<_, Failure>(problems)
    })?;
    if !problems.is_empty() {
        let path = args.config.clone();
        return Err(ConfigError::Invalid { path, problems }.into());
    }
    list(world, &definitions)?;
    let sections: usize = definitions.reports.iter().map(|r| r.sections.len()).sum();
    let reports = match definitions.reports.len() {
        1 => "1 report".to_owned(),
        many => format!("{many} reports"),
    };
    world.ui.say(&format!(
        "{reports} with {sections} sections: no mistake was found"
    ));
    Ok(of_grants)
}
