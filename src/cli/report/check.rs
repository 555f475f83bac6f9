//! `rolecall report check`: every mistake that can be found before a report is due, and what to know besides.

use super::{Confidants, ConfigArgs, checked, list, set_up};
use crate::cli::World;
use crate::cli::failure::{Exit, Failure};
use crate::output::safe_text;

pub(super) fn run(world: &mut World, args: &ConfigArgs) -> Result<Exit, Failure> {
    let definitions = checked(world, &args.config)?;
    let (_, of_grants) = set_up(world, &definitions)?;
    // Secrets may be elsewhere than where definitions are written: that they are not here is told, and is no mistake.
    if let Err(failure) = Confidants::of(&definitions) {
        failure.warn();
    }
    for report in &definitions.reports {
        for section in report.sections.iter().filter(|s| !s.has_end()) {
            world.ui.say(&format!(
                "note: section `{}` of `{}` asks of the whole lake, whatever the period: its query has no parameter `until`",
                safe_text(&section.name),
                report.name
            ));
        }
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
