//! On which days the rows of a table stand that have certain ids: another table says so, that has each id as a number, sorted.
//!
//! A filter on ids then opens the files of these days, and not the Bloom filters of all.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::Int64Type;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit};
use datafusion::physical_plan::collect;
use datafusion::prelude::ident;

use super::table::{TableSpec, provider, values_of};

/// So many ids are looked for at most: with more of them, DataFusion no longer holds them against the bounds of pages.
const MOST_IDS: usize = 20;

/// Where the days of ids stand.
#[derive(Debug, Clone)]
pub struct DayIndexSpec {
    /// The column of ids that are known by it.
    pub id: &'static str,
    /// What an id is as a number. Two ids may be one number, and then have the days of both.
    pub number_of: fn(&str) -> i64,
    /// The table of numbers and days; a number may stand in it more than once, and may be of a row that is gone.
    pub table: Box<TableSpec>,
    /// Its column of numbers.
    pub number: &'static str,
    /// Its column of days since 1970; null where it is not known.
    pub day: &'static str,
}

#[derive(Debug)]
pub(super) struct DayIndex {
    spec: DayIndexSpec,
    table: Arc<dyn TableProvider>,
}

impl DayIndex {
    pub(super) fn new(spec: DayIndexSpec) -> Self {
        let table = provider(spec.table.as_ref().clone());
        Self { spec, table }
    }

    /// The days since 1970 on which all rows stand for which `filters` are true; `None` where it cannot be told.
    pub(super) async fn days(
        &self,
        state: &dyn Session,
        filters: &[Expr],
    ) -> Result<Option<BTreeSet<i32>>> {
        let of_id = |filter| values_of(filter).filter(|(column, _)| column.name() == self.spec.id);
        let Some((_, values)) = filters.iter().find_map(of_id) else {
            return Ok(None);
        };
        let ids: Option<BTreeSet<i64>> = values
            .into_iter()
            .map(|value| value.try_as_str().flatten().map(self.spec.number_of))
            .collect();
        let Some(mut missing) = ids.filter(|ids| ids.len() <= MOST_IDS) else {
            return Ok(None);
        };
        let numbers = missing.iter().map(|number| lit(*number)).collect();
        let columns = [ident(self.spec.number), ident(self.spec.day)];
        let plan =
            LogicalPlanBuilder::scan("ids", provider_as_source(Arc::clone(&self.table)), None)?
                .filter(ident(self.spec.number).in_list(numbers, false))?
                .project(columns)?
                .build()?;
        let plan = state.create_physical_plan(&plan).await?;
        let mut days = BTreeSet::new();
        for batch in collect(plan, state.task_ctx()).await? {
            let numbers = batch.column(0).as_primitive::<Int64Type>();
            let of_numbers = batch.column(1).as_primitive::<Int64Type>();
            if of_numbers.null_count() > 0 {
                return Ok(None);
            }
            for (number, day) in numbers.values().iter().zip(of_numbers.values()) {
                let Ok(day) = i32::try_from(*day) else {
                    return Ok(None);
                };
                missing.remove(number);
                days.insert(day);
            }
        }
        // An id that nobody knows should stand nowhere; a look at all files says so for sure.
        Ok(missing.is_empty().then_some(days))
    }
}
