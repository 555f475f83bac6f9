//! What the events say, as four answers of SQL: sessions in use, credentials issued, twins, principals.

use std::collections::{HashMap, HashSet};

use arrow::error::ArrowError;

use super::SessionsError;
use super::frame::{Bools, Frame, Ints, TextLists, Texts};
use crate::engine::Engine;

/// The queries of this room.
pub const QUERIES: [(&str, &str); 5] = [
    (
        "session_uses",
        include_str!("../../sql/sessions/session_uses.sql"),
    ),
    (
        "credential_issues",
        include_str!("../../sql/sessions/credential_issues.sql"),
    ),
    ("twins", include_str!("../../sql/sessions/twins.sql")),
    (
        "principals",
        include_str!("../../sql/sessions/principals.sql"),
    ),
    ("coverage", include_str!("../../sql/sessions/coverage.sql")),
];

async fn frame(engine: &Engine, name: &'static str) -> Result<Frame, SessionsError> {
    let sql = QUERIES
        .iter()
        .find(|(known, _)| *known == name)
        .map_or("", |(_, sql)| *sql);
    let answer = engine.query(name, sql, &[]).await?;
    let schema = answer.schema();
    Ok(Frame::new(&schema, &answer.collect().await?)?)
}

/// One row per session that made calls.
#[derive(Debug)]
pub(super) struct Uses {
    pub(super) len: usize,
    pub(super) session_id: Texts,
    pub(super) identity_type: Texts,
    pub(super) principal_id: Texts,
    pub(super) arn: Texts,
    pub(super) account_id: Texts,
    pub(super) user_name: Texts,
    pub(super) invoked_by: Texts,
    pub(super) identity_provider: Texts,
    pub(super) on_behalf_of_user_id: Texts,
    pub(super) on_behalf_of_identity_store_arn: Texts,
    pub(super) issuer_type: Texts,
    pub(super) issuer_principal_id: Texts,
    pub(super) issuer_arn: Texts,
    pub(super) creation_date: Ints,
    pub(super) has_mfa: Bools,
    pub(super) assumed_root: Bools,
    pub(super) is_from_console: Bools,
    pub(super) source_identity: Texts,
    pub(super) provider_arn: Texts,
    pub(super) requested_role_arn: Texts,
    pub(super) recipient_account_id: Texts,
    pub(super) aws_region: Texts,
    pub(super) access_key_ids: TextLists,
    pub(super) keyless_count: Ints,
    pub(super) source_ip_address: Texts,
    pub(super) user_agent: Texts,
    pub(super) first_used_at: Ints,
    pub(super) last_used_at: Ints,
    pub(super) event_count: Ints,
    pub(super) denied_count: Ints,
}

impl Uses {
    fn new(frame: &Frame) -> Result<Self, ArrowError> {
        Ok(Self {
            len: frame.len(),
            session_id: frame.texts("session_id")?,
            identity_type: frame.texts("identity_type")?,
            principal_id: frame.texts("principal_id")?,
            arn: frame.texts("arn")?,
            account_id: frame.texts("account_id")?,
            user_name: frame.texts("user_name")?,
            invoked_by: frame.texts("invoked_by")?,
            identity_provider: frame.texts("identity_provider")?,
            on_behalf_of_user_id: frame.texts("on_behalf_of_user_id")?,
            on_behalf_of_identity_store_arn: frame.texts("on_behalf_of_identity_store_arn")?,
            issuer_type: frame.texts("issuer_type")?,
            issuer_principal_id: frame.texts("issuer_principal_id")?,
            issuer_arn: frame.texts("issuer_arn")?,
            creation_date: frame.ints("creation_date")?,
            has_mfa: frame.bools("has_mfa")?,
            assumed_root: frame.bools("assumed_root")?,
            is_from_console: frame.bools("is_from_console")?,
            source_identity: frame.texts("source_identity")?,
            provider_arn: frame.texts("provider_arn")?,
            requested_role_arn: frame.texts("requested_role_arn")?,
            recipient_account_id: frame.texts("recipient_account_id")?,
            aws_region: frame.texts("aws_region")?,
            access_key_ids: frame.text_lists("access_key_ids")?,
            keyless_count: frame.ints("keyless_count")?,
            source_ip_address: frame.texts("source_ip_address")?,
            user_agent: frame.texts("user_agent")?,
            first_used_at: frame.ints("first_used_at")?,
            last_used_at: frame.ints("last_used_at")?,
            event_count: frame.ints("event_count")?,
            denied_count: frame.ints("denied_count")?,
        })
    }
}

/// One row per call that handed out credentials, ordered by time and id.
#[derive(Debug)]
pub(super) struct Issues {
    pub(super) len: usize,
    pub(super) event_id: Texts,
    pub(super) event_time: Ints,
    pub(super) event_name: Texts,
    pub(super) caller_session_id: Texts,
    pub(super) recipient_account_id: Texts,
    pub(super) caller_type: Texts,
    pub(super) caller_principal_id: Texts,
    pub(super) caller_account_id: Texts,
    pub(super) caller_invoked_by: Texts,
    pub(super) issued_access_key_id: Texts,
    pub(super) issued_session_arn: Texts,
    pub(super) issued_role_id: Texts,
    pub(super) issued_expiration: Ints,
    pub(super) requested_role_arn: Texts,
    pub(super) requested_session_name: Texts,
    pub(super) requested_target_principal: Texts,
    pub(super) requested_source_identity: Texts,
    pub(super) requested_session_tags: Texts,
    pub(super) shared_event_id: Texts,
    pub(super) source_ip_address: Texts,
    pub(super) user_agent: Texts,
}

impl Issues {
    fn new(frame: &Frame) -> Result<Self, ArrowError> {
        Ok(Self {
            len: frame.len(),
            event_id: frame.texts("event_id")?,
            event_time: frame.ints("event_time")?,
            event_name: frame.texts("event_name")?,
            caller_session_id: frame.texts("caller_session_id")?,
            recipient_account_id: frame.texts("recipient_account_id")?,
            caller_type: frame.texts("caller_type")?,
            caller_principal_id: frame.texts("caller_principal_id")?,
            caller_account_id: frame.texts("caller_account_id")?,
            caller_invoked_by: frame.texts("caller_invoked_by")?,
            issued_access_key_id: frame.texts("issued_access_key_id")?,
            issued_session_arn: frame.texts("issued_session_arn")?,
            issued_role_id: frame.texts("issued_role_id")?,
            issued_expiration: frame.ints("issued_expiration")?,
            requested_role_arn: frame.texts("requested_role_arn")?,
            requested_session_name: frame.texts("requested_session_name")?,
            requested_target_principal: frame.texts("requested_target_principal")?,
            requested_source_identity: frame.texts("requested_source_identity")?,
            requested_session_tags: frame.texts("requested_session_tags")?,
            shared_event_id: frame.texts("shared_event_id")?,
            source_ip_address: frame.texts("source_ip_address")?,
            user_agent: frame.texts("user_agent")?,
        })
    }
}

/// What is known of an account, or of one of its regions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coverage {
    pub(super) first_event_time: i64,
    pub(super) has_read_events: bool,
    pub(super) has_sts_events: bool,
}

/// Everything the verdicts rest on.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) uses: Uses,
    pub(super) issues: Issues,
    /// A session that another account recorded → the caller's own sessions, with the pair of events.
    pub(super) twins: HashMap<String, Vec<Twin>>,
    /// Unique id → ARN.
    pub(super) principals: HashMap<String, String>,
    /// Account → what its logs hold.
    pub(super) accounts: HashMap<String, Coverage>,
    /// Regions with STS events, by account.
    pub(super) sts_regions: HashSet<(String, String)>,
}

/// The caller's own copy of a call.
#[derive(Debug, Clone)]
pub(super) struct Twin {
    pub(super) session_id: String,
    pub(super) event_ids: [String; 2],
}

impl Facts {
    pub(super) async fn load(engine: &Engine) -> Result<Self, SessionsError> {
        let uses = Uses::new(&frame(engine, "session_uses").await?)?;
        let issues = Issues::new(&frame(engine, "credential_issues").await?)?;
        let twins = twins(&frame(engine, "twins").await?)?;
        let principals = principals(&frame(engine, "principals").await?)?;
        let (accounts, sts_regions) = coverage(&frame(engine, "coverage").await?)?;
        Ok(Self {
            uses,
            issues,
            twins,
            principals,
            accounts,
            sts_regions,
        })
    }
}

fn twins(frame: &Frame) -> Result<HashMap<String, Vec<Twin>>, ArrowError> {
    let (session, twin) = (frame.texts("session_id")?, frame.texts("twin_session_id")?);
    let (event, twin_event) = (frame.texts("event_id")?, frame.texts("twin_event_id")?);
    let mut twins: HashMap<String, Vec<Twin>> = HashMap::new();
    for row in 0..frame.len() {
        let owned = |texts: &Texts| texts.get(row).unwrap_or_default().to_owned();
        twins.entry(owned(&session)).or_default().push(Twin {
            session_id: owned(&twin),
            event_ids: [owned(&event), owned(&twin_event)],
        });
    }
    Ok(twins)
}

fn principals(frame: &Frame) -> Result<HashMap<String, String>, ArrowError> {
    let (ids, arns) = (frame.texts("principal_id")?, frame.texts("arn")?);
    let pairs = (0..frame.len())
        .filter_map(|row| Some((ids.get(row)?.to_owned(), arns.get(row)?.to_owned())));
    Ok(pairs.collect())
}

type CoverageByAccount = (HashMap<String, Coverage>, HashSet<(String, String)>);

fn coverage(frame: &Frame) -> Result<CoverageByAccount, ArrowError> {
    let (accounts, regions) = (frame.texts("account_id")?, frame.texts("aws_region")?);
    let first = frame.ints("first_event_time")?;
    let (reads, sts) = (
        frame.bools("has_read_events")?,
        frame.bools("has_sts_events")?,
    );
    let mut by_account: HashMap<String, Coverage> = HashMap::new();
    let mut sts_regions = HashSet::new();
    for row in 0..frame.len() {
        let (Some(account), Some(first_event_time)) = (accounts.get(row), first.get(row)) else {
            continue;
        };
        let found = Coverage {
            first_event_time,
            has_read_events: reads.get(row).unwrap_or(false),
            has_sts_events: sts.get(row).unwrap_or(false),
        };
        if found.has_sts_events {
            let region = regions.get(row).unwrap_or_default().to_owned();
            sts_regions.insert((account.to_owned(), region));
        }
        by_account
            .entry(account.to_owned())
            .and_modify(|known| {
                known.first_event_time = known.first_event_time.min(first_event_time);
                known.has_read_events |= found.has_read_events;
                known.has_sts_events |= found.has_sts_events;
            })
            .or_insert(found);
    }
    Ok((by_account, sts_regions))
}
