//! `rolecall ingest`: log files into the lake.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use bytesize::ByteSize;
use chrono::NaiveDate;
use clap::{Args, Parser};

use super::asking::show_rows;
use super::bucket::BucketArgs;
use super::compact::put_together_after;
use super::failure::{Exit, Failure};
use super::limits::LimitArgs;
use super::progress::Progress;
use super::{World, queue, resume, time};
use crate::aws::S3Uri;
use crate::ingest::{Books, ingest};
use crate::lake::{Column, ColumnType, Lake, RowBuilder, WriteGuard};
use crate::output::safe_text;
use crate::schedule::IngestJob;
use crate::source::{Batches, Bucket, Location, Requests, Selection, SourceError, Stream, batches};
use crate::upkeep::{UpToDate, resolve_all};

/// Read log files into the lake
///
/// Reads gzip or plain JSON: `{"Records": […]}` as CloudTrail delivers it, lists, one record a line, bare records, and what EventBridge,
/// LookupEvents, CloudWatch Logs and CloudTrail Lake wrap around records; docs/log-files.md lists all. A file that is in the lake
/// already is passed over; one whose content changed replaces its old rows. What cannot be read is counted and kept in the table
/// `rejected`, and makes the exit code 3.
#[derive(Debug, Args)]
#[command(after_help = super::READING)]
pub(super) struct IngestArgs {
    /// Files, folders, quoted glob patterns, `s3://BUCKET/PREFIX`, or `-` for standard input
    #[arg(required_unless_present = "sqs", value_name = "SOURCE")]
    sources: Vec<String>,
    /// Queue of Amazon SQS that is told of new objects, by its URL: takes what its messages tell of, until there is none, and deletes those
    /// whose objects are committed
    #[arg(long, value_name = "URL", conflicts_with_all = ["sources", "from", "to", "account", "region"])]
    sqs: Option<String>,
    /// List buckets from where the last whole reading ended, less SPAN for objects that came late [without a SPAN: 2d]
    #[arg(
        long,
        value_name = "SPAN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2d",
        conflicts_with_all = ["sqs", "from", "to", "account", "region"]
    )]
    resume: Option<String>,
    /// Leave sessions and attribution as they are
    #[arg(long)]
    no_resolve: bool,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    pub(super) limits: LimitArgs,
    #[command(flatten)]
    pub(super) bucket: BucketArgs,
}

/// Which log files to read, by what their keys say
#[derive(Debug, Args)]
pub(super) struct SelectionArgs {
    /// Log files from this day on, by their keys; a file whose key tells no day is read
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Log files up to this day, and the day after it, since delivery lags
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Log files of this account; may be given several times
    #[arg(long, value_name = "ID")]
    account: Vec<String>,
    /// Log files of this region; may be given several times
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
}

impl SelectionArgs {
    pub(super) fn selection(&self, world: &World) -> Result<Selection, Failure> {
        let day = |flag, text: &Option<String>| -> Result<Option<NaiveDate>, Failure> {
            let Some(text) = text else { return Ok(None) };
            Ok(Some(time::parse(flag, text, world.now)?.date_naive()))
        };
        Ok(Selection {
            from: day("--from", &self.from)?,
            to: day("--to", &self.to)?,
            accounts: self.account.clone(),
            regions: self.region.clone(),
        })
    }
}

/// What was named: log files as they are found, and the buckets among them.
pub(super) struct Found {
    pub(super) batches: std::iter::Peekable<Batches>,
    buckets: Vec<Arc<Bucket>>,
}

/// Finds the log files; those on disk, and a bucket's first folder, before anything is written.
pub(super) fn find(
    world: &World,
    sources: &[String],
    selection: &Selection,
    bucket: &BucketArgs,
) -> Result<Found, Failure> {
    if sources.iter().filter(|source| *source == "-").count() > 1 {
        return Err(Failure::usage(
            "standard input is named twice".to_owned(),
            vec!["name `-` once".to_owned()],
        ));
    }
    let locations = sources
        .iter()
        .map(|source| match source.as_str() {
            "-" => standard_input(),
            uri if S3Uri::is_one(uri) => {
                let open = Bucket::open(
                    uri,
                    &bucket.options(world.aws.clone()),
                    world.runtime.handle(),
                );
                Ok(Location::Bucket(open.map_err(SourceError::Bucket)?))
            }
            path => Ok(Location::parse(path)?),
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let buckets = locations.iter().filter_map(|location| match location {
        Location::Bucket(bucket) => Some(Arc::clone(bucket)),
        _ => None,
    });
    Ok(Found {
        buckets: buckets.collect(),
        batches: batches(&locations, selection, world.now.date_naive())?.peekable(),
    })
}

/// Takes in what is piped to us.
fn standard_input() -> Result<Location, Failure> {
    let input = io::stdin();
    if input.is_terminal() {
        return Err(SourceError::Terminal.into());
    }
    let stream = Stream::read(input.lock()).map_err(SourceError::Stream)?;
    Ok(Location::Stream(stream))
}

/// What a file of definitions asks for, put as on the command line.
#[derive(Debug, Parser)]
#[command(name = "[ingest]", no_binary_name = true)]
struct OfJob {
    #[command(flatten)]
    args: IngestArgs,
}

impl IngestArgs {
    /// The arguments that a file of definitions stands for. Buckets are listed from where the last whole reading ended.
    pub(super) fn of_job(job: &IngestJob) -> Result<Self, Failure> {
        let mut words: Vec<String> = job.flags.clone();
        if let Some(url) = &job.sqs {
            words.extend(["--sqs".to_owned(), url.clone()]);
        } else if job.sources.iter().all(|source| S3Uri::is_one(source)) {
            words.push("--resume".to_owned());
        }
        words.push("--".to_owned());
        words.extend(job.sources.iter().cloned());
        let parsed = OfJob::try_parse_from(&words).map_err(|error| {
            let words = error.render().to_string();
            let first = words.lines().next().unwrap_or_default();
            Failure::usage(
                format!(
                    "`[ingest]` cannot be: {}",
                    first.trim_start_matches("error: ")
                ),
                vec!["its `flags` are those of `rolecall ingest`".to_owned()],
            )
        })?;
        Ok(parsed.args)
    }
}

pub(super) fn run(world: &World, args: &IngestArgs) -> Result<Exit, Failure> {
    let (books, exit) = take(world, args)?;
    show_books(world, &books)?;
    Ok(exit)
}

/// Reads log files into the lake, and what follows the reading.
pub(super) fn take(world: &World, args: &IngestArgs) -> Result<(Books, Exit), Failure> {
    if let Some(url) = &args.sqs {
        return queue::take(world, url, args);
    }
    let mut selection = args.selection.selection(world)?;
    if let Some(span) = &args.resume {
        selection.from = resume::from(world, &args.sources, span)?;
    }
    let found = find(world, &args.sources, &selection, &args.bucket)?;
    let walks = resume::walks(&args.sources, &selection, args.resume.is_some());
    let lake = Lake::open_or_create_in(world.store()?)?;
    let guard = write(world, &lake)?;
    let books = read_in(world, &guard, found, &args.limits)?;
    resume::note(world, &guard, walks, &books)?;
    finish(world, &guard, args)?;
    let exit = exit_of(world, &books, WHERE_REJECTED_ARE);
    Ok((books, exit))
}

/// What follows the reading.
pub(super) fn finish(
    world: &World,
    guard: &WriteGuard<'_>,
    args: &IngestArgs,
) -> Result<(), Failure> {
    if !args.no_resolve {
        bring_up_to_date(world, guard)?;
    }
    put_together_after(world, guard);
    Ok(())
}

/// Works out what the events mean; says so where a part was left for the next time.
pub(super) fn bring_up_to_date(world: &World, guard: &WriteGuard<'_>) -> Result<UpToDate, Failure> {
    let done = world.runtime.block_on(resolve_all(guard, world.limits()))?;
    if let Some(why) = &done.usage_left {
        let why = safe_text(&why.to_string()).into_owned();
        world.ui.say(&format!(
            "note: usage is not stored by day yet ({why}); `rolecall resolve` tries again, and until then it is worked out when it is asked for"
        ));
    }
    Ok(done)
}

/// Takes the right to write, and says so when that takes waiting.
pub(super) fn write<'a>(world: &World, lake: &'a Lake) -> Result<WriteGuard<'a>, Failure> {
    Ok(lake.write(world.now, || {
        world
            .ui
            .say("waiting for another rolecall to finish with this lake");
    })?)
}

/// Reads what was found into the lake.
pub(super) fn read_in(
    world: &World,
    guard: &WriteGuard<'_>,
    found: Found,
    limits: &LimitArgs,
) -> Result<Books, Failure> {
    let options = limits.options(world);
    let mut books = Books::default();
    let mut progress = Progress::begin();
    let (mut files, mut bytes) = (0, 0);
    for listing in found.batches {
        files += listing.files.len();
        bytes += listing.files.iter().map(|file| file.size).sum::<u64>();
        progress.found(files + listing.later_files, bytes + listing.later_bytes);
        let part = ingest(guard, listing, options, &mut |part| {
            let mut sum = books.clone();
            sum += part;
            progress.read(&sum);
        })?;
        books += &part;
    }
    progress.end(&books);
    if books.files == 0 {
        world.ui.say(&format!(
            "no log file was found; {} other files were passed over, {} log files were left out by --from, --to, --account or --region, \
             which go by the files' names{}",
            books.files_skipped,
            books.files_not_selected,
            if found.buckets.is_empty() {
                ""
            } else {
                "; of a bucket only what these and --resume ask for was listed"
            }
        ));
    }
    tell_requests(world, &found.buckets);
    if books.files_replaced > 0 {
        world.ui.say(&format!(
            "{} log files had other content under their keys before; it was replaced",
            books.files_replaced
        ));
        world.ui.say("hint: files of two folders share a key when their paths below them do; name a folder above both");
    }
    Ok(books)
}

/// Tells what was asked of buckets.
pub(super) fn tell_requests<'b>(world: &World, buckets: impl IntoIterator<Item = &'b Arc<Bucket>>) {
    for bucket in buckets {
        let Requests { lists, gets, bytes } = bucket.requests();
        world.ui.say(&format!(
            "{}: {lists} requests to list, {gets} to read, {} came",
            safe_text(&bucket.uri()),
            ByteSize(bytes)
        ));
    }
}

/// Where to look at what was rejected.
pub(super) const WHERE_REJECTED_ARE: &str =
    "`rolecall status` lists them; their text is in the table `rejected`";

/// The exit code, with words where it is not 0.
pub(super) fn exit_of(world: &World, books: &Books, hint: &str) -> Exit {
    if books.is_clean() {
        return Exit::Done;
    }
    let reasons: Vec<String> = books
        .reasons
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    world.ui.say(&format!(
        "{} records and {} files were rejected: {}",
        books.rejected + books.rejected_of_earlier_runs,
        books.files_rejected,
        safe_text(&reasons.join(", "))
    ));
    world.ui.say(&format!("hint: {hint}"));
    Exit::Rejected
}

const BOOKS: &[Column] = &[
    Column::required("files", ColumnType::Int, "log files found"),
    Column::required("files_read", ColumnType::Int, "read now"),
    Column::required(
        "files_replaced",
        ColumnType::Int,
        "of these, in the place of older content",
    ),
    Column::required("files_known", ColumnType::Int, "in the lake already"),
    Column::required("files_rejected", ColumnType::Int, "given up as a whole"),
    Column::required("files_skipped", ColumnType::Int, "other files, passed over"),
    Column::required(
        "files_not_selected",
        ColumnType::Int,
        "left out by the flags",
    ),
    Column::required("records", ColumnType::Int, "records read"),
    Column::required("events", ColumnType::Int, "new events"),
    Column::required("duplicates", ColumnType::Int, "further copies of events"),
    Column::required("rejected", ColumnType::Int, "records rejected"),
];

fn show_books(world: &World, books: &Books) -> Result<(), Failure> {
    let mut rows = RowBuilder::new(BOOKS);
    rows.row()
        .count("files", books.files)
        .count("files_read", books.files_read)
        .count("files_replaced", books.files_replaced)
        .count("files_known", books.files_known)
        .count("files_rejected", books.files_rejected)
        .count("files_skipped", books.files_skipped)
        .count("files_not_selected", books.files_not_selected)
        .count("records", books.records)
        .count("events", books.events)
        .count("duplicates", books.duplicates)
        .count("rejected", books.rejected);
    show_rows(world, rows)
}
