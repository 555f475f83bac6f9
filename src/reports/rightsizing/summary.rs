//! Of all roles of an export: how much of what each is granted was used.

use arrow::array::RecordBatch;

use super::{RightsizeQuestion, Subject, rightsize};
use crate::engine::Engine;
use crate::lake::{Column, ColumnType, RowBuilder};
use crate::policies::{Grants, PrincipalKind};
use crate::reports::ReportError;
use crate::rightsize::{Home, ProposalRules, State};

const SUMMARY: &[Column] = &[
    Column::required("role_arn", ColumnType::Text, "the role"),
    Column::required("granted", ColumnType::Int, "actions that it is granted"),
    Column::required("used", ColumnType::Int, "of these, seen in use"),
    Column::required(
        "unused",
        ColumnType::Int,
        "not seen in use, though a use would show",
    ),
    Column::required("open", ColumnType::Int, "of which no log here can tell"),
    Column::required(
        "used_not_granted",
        ColumnType::Int,
        "seen in use, and granted by no policy that is known",
    ),
    Column::required("refused", ColumnType::Int, "only asked for, and refused"),
];

/// One row for each role that is not AWS's own, by ARN; `times` are `since` and `until`, where they are meant.
pub async fn rightsizing_summary(
    engine: &Engine,
    grants: &Grants,
    times: &[(&'static str, String)],
) -> Result<RecordBatch, ReportError> {
    let question = RightsizeQuestion {
        times: times.to_vec(),
        rules: ProposalRules::default(),
        home: Home::Managed,
    };
    let mut rows = RowBuilder::new(SUMMARY);
    let roles = grants.principals.values().filter(|principal| {
        principal.kind == PrincipalKind::Role && !principal.is_service_linked()
    });
    for role in roles {
        let subject = Subject {
            name: role.arn.clone(),
            persona: role.name.clone(),
            account_id: Some(role.account_id().to_owned()),
            principal: Some(role),
        };
        let found = rightsize(engine, &[subject], grants, &question).await?;
        let count = |state| {
            found
                .states
                .values()
                .filter(|known| **known == state)
                .count() as u64
        };
        let (used, unused, open) = (
            count(State::Used),
            count(State::Unused),
            count(State::NotObservable),
        );
        rows.row()
            .text("role_arn", Some(&role.arn))
            .count("granted", used + unused + open)
            .count("used", used)
            .count("unused", unused)
            .count("open", open)
            .count("used_not_granted", count(State::NotGranted))
            .count("refused", count(State::Refused));
    }
    Ok(rows.take()?)
}
