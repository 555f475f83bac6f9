//! Reports that come by themselves.  In: definitions in TOML, a lake, and the time. Out: files, findings, and the ledger.
//! Why: teams read in the morning what changed overnight, and what changed must not depend on when the machine was up.
//! Holds: a run is named by its report and the end of its period; run again it writes the same bytes; the clock is an argument.
//! Next: `cli`.

mod ask;
mod changes;
mod config;
mod definition;
mod deliver;
mod due;
mod make;
mod notify;
mod period;
mod problem;
mod render;
mod run;
mod scheduler;
mod timetable;

pub use ask::check_sections;
pub use config::read_definitions;
pub use definition::{
    Baseline, Definitions, IngestJob, NotifyDef, NotifyKind, NotifyWhen, OutputDef, OutputForm,
    ReportDef, SecretPlace, SectionDef, SectionSource,
};
pub use deliver::{DeliverError, Delivered};
pub use due::{Due, due_runs, is_due};
pub use make::{Made, MakeError, Receivers, make_report, make_unrecorded};
pub use notify::{Notifier, NotifyError, Secret};
pub use period::{For, Period, Window};
pub use problem::{ConfigError, Problem};
pub use render::{Rendered, render};
pub use run::{Answered, Finished, Materials, RunError, first_outdated};
pub use scheduler::{Clock, Failed, Job, Scheduler, Worker};
pub use timetable::Timetable;
