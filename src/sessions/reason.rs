//! Why a role session's issuing event is not among the events: the codes, tried in a fixed order.

use super::facts::Facts;
use super::told::HiddenKind;
use super::verdict::UnresolvedReason;
use super::workload::is_cognito;
use crate::iam::Arn;

/// The reason for the session in `row` of the uses.
pub(super) fn of_missing_issuer(facts: &Facts, row: usize) -> UnresolvedReason {
    let uses = &facts.uses;
    if is_service_internal(facts, row) {
        return UnresolvedReason::ServiceInternal;
    }
    let account = uses
        .account_id
        .get(row)
        .or_else(|| uses.recipient_account_id.get(row));
    let Some(account) = account else {
        return UnresolvedReason::Lost;
    };
    let Some(coverage) = facts.told.accounts.get(account) else {
        return UnresolvedReason::CrossAccountNotCollected;
    };
    if uses
        .creation_date
        .get(row)
        .is_some_and(|created| created < coverage.first_event_time)
    {
        return UnresolvedReason::IssuerOutsideWindow;
    }
    let hidden = hidden_issue(facts, row, account);
    if hidden == Some(HiddenKind::Redacted) {
        return UnresolvedReason::Redacted;
    }
    if is_cognito(uses, row) {
        return UnresolvedReason::DataEventNotLogged;
    }
    // Before the region: without read events no region shows an `AssumeRole`.
    if !coverage.has_read_events {
        return UnresolvedReason::ReadEventsExcluded;
    }
    if hidden == Some(HiddenKind::Omitted) {
        return UnresolvedReason::EventOmitted;
    }
    let region = (
        account.to_owned(),
        uses.aws_region.get(row).unwrap_or_default().to_owned(),
    );
    // The global endpoint logs in us-east-1, wherever the session is used.
    let global = (account.to_owned(), "us-east-1".to_owned());
    if !facts.told.sts_regions.contains(&region) && !facts.told.sts_regions.contains(&global) {
        return UnresolvedReason::RegionNotCollected;
    }
    UnresolvedReason::Lost
}

/// The reason why the caller of a call is not known, of whom only account and unique id are.
pub(super) fn of_missing_caller(facts: &Facts, account: Option<&str>) -> UnresolvedReason {
    match account.and_then(|account| facts.told.accounts.get(account)) {
        None => UnresolvedReason::CrossAccountNotCollected,
        Some(coverage) if !coverage.has_read_events => UnresolvedReason::ReadEventsExcluded,
        Some(_) => UnresolvedReason::Lost,
    }
}

/// A call in the second of the session's creation that handed out credentials without saying which.
fn hidden_issue(facts: &Facts, row: usize, account: &str) -> Option<HiddenKind> {
    let uses = &facts.uses;
    let second = uses.creation_date.get(row)?.div_euclid(1_000_000);
    facts
        .told
        .hidden
        .get(&(account.to_owned(), second))
        .copied()
}

/// Service-linked roles and the identities that EC2 uses for its own work have no issuing event.
fn is_service_internal(facts: &Facts, row: usize) -> bool {
    let uses = &facts.uses;
    let linked_role = uses
        .issuer_arn
        .get(row)
        .and_then(Arn::parse)
        .is_some_and(|arn| arn.resource.starts_with("role/aws-service-role/"));
    // `111122223333:aws:ec2-instance:i-0a` and `111122223333:aws:ec2-infrastructure`
    let ec2_itself = uses
        .principal_id
        .get(row)
        .is_some_and(|principal| principal.contains(":aws:ec2-"));
    linked_role || ec2_itself
}
