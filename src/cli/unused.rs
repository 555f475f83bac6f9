//! `rolecall unused`: roles, users, trust entries, keys and passwords that nobody used.

use std::path::PathBuf;

use arrow::array::RecordBatch;
use clap::Args;

use super::asking::{Given, TimeArgs, open};
use super::failure::{Exit, Failure};
use super::rightsize::tell_problems;
use super::{World, time};
use crate::output::Words;
use crate::policies::Grants;
use crate::reports::unused;

/// List roles, users, trust entries, access keys and passwords that nobody used
///
/// Roles, users and trust entries are held against the lake; keys and passwords against the credential report, since no event tells that
/// something was not used.
#[derive(Debug, Args)]
#[command(after_help = super::GRANTED)]
pub(super) struct UnusedArgs {
    /// What is granted: answers of `aws iam get-account-authorization-details`, and credential reports
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    grants: Vec<PathBuf>,
    #[command(flatten)]
    times: TimeArgs,
    /// Tell keys and passwords that were not used since, and keys that were not rotated since: a span back from now, a date or a time
    #[arg(long, value_name = "TIME", default_value = "90d")]
    older_than: String,
}

pub(super) fn run(world: &World, args: &UnusedArgs) -> Result<Exit, Failure> {
    let mut times = Given::new();
    args.times.add_to(&mut times, world)?;
    let old = time::parse("--older-than", &args.older_than, world.now)?;
    let grants = Grants::read(&args.grants)?;
    let exit = tell_problems(world, &grants);
    if grants.principals.is_empty() {
        world.ui.say("note: the files name no role and no user: nothing is said of these and of trust entries");
    }
    if grants.credentials.is_empty() {
        world
            .ui
            .say("note: no credential report was given: nothing is said of keys and passwords");
    }
    let found = world.runtime.block_on(async {
        let open = open(world).await?;
        Ok::<_, Failure>(unused(&open.engine, &grants, &times, old).await?)
    })?;
    let sections = [
        (PRINCIPALS, found.principals),
        (TRUST, found.trust),
        (KEYS, found.keys),
        (PASSWORDS, found.passwords),
    ];
    let schemas: Vec<_> = sections
        .iter()
        .map(|(_, rows)| RecordBatch::schema(rows))
        .collect();
    let mut out = world.ui.sections(world.format, &schemas)?;
    for (words, rows) in &sections {
        out.section(*words, rows.schema_ref(), std::slice::from_ref(rows))?;
    }
    out.finish()?;
    Ok(exit)
}

const PRINCIPALS: Words<'static> = Words {
    name: "principals",
    title: "Roles and users without a call",
    about: "No call of theirs is in the lake. One that was made lately, or that is there for emergencies, may be meant.",
    empty: "Every role and user of the files acted.",
    next: "ask whoever made it; take its policies away before you delete it.",
};

const TRUST: Words<'static> = Words {
    name: "trust",
    title: "Trust entries that nobody came through",
    about: "Principals that a trust policy lets in, and who never took the role.",
    empty: "Somebody came through every entry of the files.",
    next: "take the entry out of the trust policy.",
};

const KEYS: Words<'static> = Words {
    name: "keys",
    title: "Access keys",
    about: "Keys that can be used and are unused or old, by the credential report.",
    empty: "No key is unused or old, or no credential report was given.",
    next: "make a key inactive before you delete it; roles need no keys.",
};

const PASSWORDS: Words<'static> = Words {
    name: "passwords",
    title: "Console passwords",
    about: "Passwords without a second factor, and passwords that nobody uses, by the credential report.",
    empty: "Every password has a second factor and is used, or no credential report was given.",
    next: "`rolecall query hygiene/console_without_mfa` shows the sign-ins.",
};
