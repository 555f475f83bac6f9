//! Any error → what failed, why, what to do next, and the exit code.

use std::error::Error;
use std::process::ExitCode;

use super::ui::say;
use crate::aws::S3Error;
use crate::directory::DirectoryError;
use crate::engine::EngineError;
use crate::events::EventsError;
use crate::lake::LakeError;
use crate::ledger::LedgerError;
use crate::output::{OutputError, safe_text};
use crate::policies::GrantsError;
use crate::queries::QueryError;
use crate::reports::ReportError;
use crate::schedule::{ConfigError, DeliverError, MakeError, NotifyError, RunError};
use crate::sessions::SessionsError;
use crate::source::SourceError;
use crate::upkeep::UpkeepError;
use crate::views::ViewsError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Done,
    Failed,
    Usage,
    Rejected,
    Findings,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Rejected => 3,
            Exit::Findings => 4,
        })
    }
}

/// A command that could not do its work.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    message: String,
    /// Places in a file of the user's, and what is wrong there.
    places: Vec<String>,
    causes: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    pub(super) fn new(message: &str, cause: impl Error) -> Self {
        let mut failure = Self::of(&cause, Exit::Failed, Vec::new());
        failure.causes.insert(
            0,
            std::mem::replace(&mut failure.message, message.to_owned()),
        );
        failure
    }

    /// The same, since it is what the user typed that cannot be understood.
    pub(super) fn into_usage(mut self) -> Self {
        self.exit = Exit::Usage;
        self
    }

    /// The same with something more to do about it.
    pub(super) fn with_hint(mut self, hint: &str) -> Self {
        self.hints.push(hint.to_owned());
        self
    }

    /// What was asked for is not there.
    pub(super) fn not_found(message: String, hints: Vec<String>) -> Self {
        Self {
            exit: Exit::Failed,
            ..Self::usage(message, hints)
        }
    }

    /// A request that cannot be understood.
    pub(super) fn usage(message: String, hints: Vec<String>) -> Self {
        Self {
            exit: Exit::Usage,
            message,
            places: Vec::new(),
            causes: Vec::new(),
            hints,
        }
    }

    fn of(error: &dyn Error, exit: Exit, hints: Vec<String>) -> Self {
        let mut causes = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        // Wrapping errors often say what their source says.
        causes.dedup();
        Self {
            exit,
            message: error.to_string(),
            places: Vec::new(),
            causes,
            hints,
        }
    }

    /// Says it as something to look at.
    pub(super) fn warn(&self) {
        say(&format!("warning: {}", safe_text(&self.message)));
        for hint in &self.hints {
            say(&format!("hint: {}", safe_text(hint)));
        }
    }

    /// Writes it into the log.
    pub(super) fn log(&self, job: &str) {
        let causes = safe_text(&self.causes.join("; ")).into_owned();
        let hints = safe_text(&self.hints.join("; ")).into_owned();
        tracing::error!(job, because = %causes, hint = %hints, "{}", safe_text(&self.message));
    }

    /// Writes it to stderr; a reader that left is no failure.
    pub(super) fn report(&self) -> Exit {
        if self.exit == Exit::Done {
            return Exit::Done;
        }
        if tracing::dispatcher::has_been_set() {
            self.log("rolecall");
            return self.exit;
        }
        say(&format!("error: {}", safe_text(&self.message)));
        for place in &self.places {
            say(&safe_text(place));
        }
        for cause in &self.causes {
            let mut lines = cause.lines();
            say(&format!(
                "  because: {}",
                safe_text(lines.next().unwrap_or_default())
            ));
            for line in lines {
                say(&format!("           {}", safe_text(line)));
            }
        }
        for hint in &self.hints {
            say(&format!("hint: {}", safe_text(hint)));
        }
        self.exit
    }
}

impl From<LakeError> for Failure {
    fn from(error: LakeError) -> Self {
        let hints = error.hints();
        Self::of(&error, Exit::Failed, hints)
    }
}

impl From<S3Error> for Failure {
    fn from(error: S3Error) -> Self {
        let hints = error.hints();
        let exit = match error {
            S3Error::NoBucket(_) | S3Error::Prefix(_) | S3Error::Nothing(_) => Exit::Usage,
            S3Error::Refused { .. } => Exit::Failed,
        };
        Self::of(&error, exit, hints)
    }
}

impl From<GrantsError> for Failure {
    fn from(error: GrantsError) -> Self {
        Self::of(
            &error,
            Exit::Usage,
            vec!["`aws iam get-account-authorization-details > FILE` writes what is granted in an account".to_owned()],
        )
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let hints = error.hints();
        Self::of(&error, Exit::Usage, hints)
    }
}

impl From<EventsError> for Failure {
    fn from(error: EventsError) -> Self {
        match error {
            EventsError::Lake(error) => error.into(),
            error @ EventsError::Arrow(_) => Self::of(&error, Exit::Failed, Vec::new()),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let mut failure = Self::of(&error, Exit::Failed, Vec::new());
        // DataFusion wraps an error in the names of its passes; the innermost one is what the user did.
        failure.causes = error.root_cause().into_iter().collect();
        if error.is_out_of_memory() {
            failure = failure.with_hint("give it more with `--memory`, for example `--memory 8GiB`, or ask for fewer days or columns");
        }
        if error.is_file_gone() {
            failure = failure.with_hint("a writer put others in its place: ask again; in a bucket the right to write below `readers/` keeps files until a question is answered (docs/s3.md)");
        }
        failure
    }
}

impl From<SessionsError> for Failure {
    fn from(error: SessionsError) -> Self {
        match error {
            SessionsError::Lake(error) => error.into(),
            SessionsError::Engine(error) => error.into(),
            error @ (SessionsError::Arrow(_) | SessionsError::Threads(_)) => {
                Self::of(&error, Exit::Failed, Vec::new())
            }
        }
    }
}

impl From<UpkeepError> for Failure {
    fn from(error: UpkeepError) -> Self {
        match error {
            UpkeepError::Lake(error) => error.into(),
            UpkeepError::Engine(error) => error.into(),
            UpkeepError::Sessions(error) => error.into(),
            error @ (UpkeepError::Arrow(_) | UpkeepError::RowsDiffer { .. }) => {
                Self::of(&error, Exit::Failed, Vec::new())
            }
        }
    }
}

impl From<ViewsError> for Failure {
    fn from(error: ViewsError) -> Self {
        match error {
            ViewsError::Lake(error) => error.into(),
            ViewsError::Engine(error) => error.into(),
            error @ ViewsError::Arrow(_) => Self::of(&error, Exit::Failed, Vec::new()),
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Engine(error) => error.into(),
            error => {
                let hints = error.hints();
                Self::of(&error, Exit::Usage, hints)
            }
        }
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Views(error) => error.into(),
            ReportError::Query(error) => error.into(),
            ReportError::Engine(error) => error.into(),
            error @ ReportError::Arrow(_) => Self::of(&error, Exit::Failed, Vec::new()),
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Lake(error) => error.into(),
            error @ LedgerError::Arrow(_) => Self::of(&error, Exit::Failed, Vec::new()),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Invalid { path, problems } => Self {
                places: problems
                    .iter()
                    .map(|problem| problem.in_file(&path))
                    .collect(),
                ..Self::usage(
                    format!("`{}` is no valid configuration", path.display()),
                    vec!["docs/reports.md tells what can stand in it".to_owned()],
                )
            },
            error @ ConfigError::Read { .. } => Self::of(
                &error,
                Exit::Usage,
                vec!["name the file of definitions with `--config FILE`".to_owned()],
            ),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Section { section, source } => {
                let mut failure = Self::from(*source);
                let cause = std::mem::replace(
                    &mut failure.message,
                    format!("section `{section}` cannot be answered"),
                );
                failure.causes.insert(0, cause);
                failure
            }
            RunError::Views(error) => error.into(),
            RunError::Ledger(error) => error.into(),
            RunError::Output(error) => error.into(),
            error @ (RunError::Column { .. } | RunError::Taken { .. }) => Self::of(
                &error,
                Exit::Usage,
                vec![
                    "`rolecall report check` finds such mistakes before a report is due".to_owned(),
                ],
            ),
            error @ RunError::Compare { .. } => Self::of(&error, Exit::Failed, Vec::new()),
        }
    }
}

impl From<MakeError> for Failure {
    fn from(error: MakeError) -> Self {
        match error {
            MakeError::Lake(error) => error.into(),
            MakeError::Upkeep(error) => error.into(),
            MakeError::Run(error) => error.into(),
            MakeError::Deliver(error) => error.into(),
            MakeError::Ledger(error) => error.into(),
        }
    }
}

impl From<NotifyError> for Failure {
    fn from(error: NotifyError) -> Self {
        let exit = match error {
            NotifyError::Address { .. } | NotifyError::Token { .. } => Exit::Usage,
            _ => Exit::Failed,
        };
        Self::of(&error, exit, Vec::new())
    }
}

impl From<DeliverError> for Failure {
    fn from(error: DeliverError) -> Self {
        match error {
            DeliverError::Bucket(error) => error.into(),
            error @ DeliverError::Render { .. } => Self::of(&error, Exit::Failed, Vec::new()),
            error @ DeliverError::NoKey => Self::of(
                &error,
                Exit::Usage,
                vec![
                    "name where the key is with `pseudonym_key_env` or `pseudonym_key_file`"
                        .to_owned(),
                ],
            ),
            error @ DeliverError::File { .. } => Self::of(
                &error,
                Exit::Failed,
                vec![
                    "name a folder that can be written in `to` of its `[[report.output]]`"
                        .to_owned(),
                ],
            ),
        }
    }
}

impl From<DirectoryError> for Failure {
    fn from(error: DirectoryError) -> Self {
        let hints = error.hints();
        Self::of(&error, Exit::Usage, hints)
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        let exit = match &error {
            OutputError::Column(_) => Exit::Usage,
            error if error.is_broken_pipe() => Exit::Done,
            _ => Exit::Failed,
        };
        let hints = match &error {
            OutputError::Column(name) => {
                vec![format!("name one of them otherwise: `{name} AS other`")]
            }
            _ => Vec::new(),
        };
        Self::of(&error, exit, hints)
    }
}
