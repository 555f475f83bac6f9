//! `rolecall report check`: every mistake that can be found before a report is due.

use super::{ConfigArgs, list, set_up};
use crate::cli::World;
use crate::cli::failure::{Exit, Failure};
use crate::cli::ingest::IngestArgs;
use crate::schedule::{ConfigError, Problem, check_sections, read_definitions};
use crate::views::open_nothing;

pub(super) fn run(world: &mut World, args: &ConfigArgs) -> Result<Exit, Failure> {
    let definitions = read_definitions(&args.config)?;
    let (_, of_grants) = set_up(world, &definitions)?;
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
    world.ui.say(&format!(
        "{} reports with {sections} sections: no mistake was found",
        definitions.reports.len()
    ));
    Ok(of_grants)
}

/// An error and what caused it.
fn in_one_line(error: &dyn std::error::Error) -> String {
    let mut words = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        words.push(cause.to_string());
        next = cause.source();
    }
    words.dedup();
    words.join(": ")
}
