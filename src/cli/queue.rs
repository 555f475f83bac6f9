//! `rolecall ingest --sqs`: the objects that a queue's messages tell of.

use std::collections::{HashMap, HashSet};

use super::World;
use super::failure::{Exit, Failure};
use super::ingest::{IngestArgs, WHERE_REJECTED_ARE, exit_of, finish, tell_requests, write};
use crate::ingest::{Books, committed, ingest};
use crate::lake::Lake;
use crate::output::safe_text;
use crate::source::{Buckets, Listing, Queue, QueueMessage, SourceError, notices};

/// Messages that are worked off together: few enough that they are done long before the queue shows them to others.
const TOGETHER: usize = 500;

pub(super) fn take(world: &World, url: &str, args: &IngestArgs) -> Result<(Books, Exit), Failure> {
    let options = args.bucket.options(world.aws.clone());
    let queue = Queue::open(url, &options, world.runtime.handle());
    let mut buckets = Buckets::new(&options, world.runtime.handle());
    let mut messages = queue.receive(TOGETHER).map_err(SourceError::Bucket)?;
    let lake = Lake::open_or_create_in(world.store()?)?;
    let guard = write(world, &lake)?;
    let mut books = Books::default();
    let (mut taken, mut left) = (0, 0);
    while !messages.is_empty() {
        let (listing, told) = read(world, &messages, &mut buckets);
        let files = listing.files.clone();
        books += &ingest(&guard, listing, args.limits.options(world), &mut |_| ())?;
        let held = committed(&guard, &files)?;
        let done: Vec<&QueueMessage> = messages
            .iter()
            .zip(&told)
            .filter(|(_, keys)| keys.as_ref().is_some_and(|keys| keys.is_subset(&held)))
            .map(|(message, _)| message)
            .collect();
        let stay = queue.delete(&done).map_err(SourceError::Bucket)?;
        let gone = done.len().saturating_sub(stay);
        taken += gone;
        left += messages.len() - gone;
        messages = queue.receive(TOGETHER).map_err(SourceError::Bucket)?;
    }
    finish(world, &guard, args)?;
    tell_requests(world, buckets.all());
    world.ui.say(&format!(
        "{taken} messages were done and deleted, {left} were left in the queue"
    ));
    let exit = match exit_of(world, &books, WHERE_REJECTED_ARE) {
        Exit::Done if left > 0 => Exit::Rejected,
        exit => exit,
    };
    Ok((books, exit))
}

/// The log files that messages tell of, and for each message their keys; none for one that has to stay: it is no notification, or
/// tells of an object that cannot be taken now.
fn read(
    world: &World,
    messages: &[QueueMessage],
    buckets: &mut Buckets,
) -> (Listing, Vec<Option<HashSet<String>>>) {
    let mut listing = Listing::default();
    let mut told = Vec::with_capacity(messages.len());
    let mut at: HashMap<String, usize> = HashMap::new();
    for message in messages {
        let Some(notices) = notices(&message.body) else {
            world.ui.say(&format!(
                "message {} tells of no object and is left in the queue",
                safe_text(&message.id)
            ));
            told.push(None);
            continue;
        };
        let mut keys = Some(HashSet::new());
        for notice in notices {
            let file = match buckets.log_file(&notice, message.is_again) {
                None => {
                    listing.skipped += 1;
                    continue;
                }
                Some(Ok(file)) => file,
                Some(Err(unreadable)) => {
                    keys = None;
                    listing.unreadable.push(unreadable);
                    continue;
                }
            };
            if let Some(keys) = &mut keys {
                keys.insert(file.key.clone());
            }
            match at.get(&file.key).and_then(|at| listing.files.get_mut(*at)) {
                None => {
                    at.insert(file.key.clone(), listing.files.len());
                    listing.files.push(file);
                }
                // Another bucket's object of that key has its turn when the message is received again.
                Some(other) if other.uri != file.uri => keys = None,
                // Two messages of one object: what it is now is what both mean.
                Some(other) if other.etag != file.etag => {
                    if let Some(Ok(now)) = buckets.log_file(&notice, true) {
                        *other = now;
                    }
                }
                Some(_) => {}
            }
        }
        told.push(keys);
    }
    listing.sort();
    (listing, told)
}
