//! What a principal was seen to need: the rows of `rightsize/uses`.

use std::collections::{BTreeMap, BTreeSet};

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;

use crate::permissions::{Action, Mapping, Outcome, map_event};

/// Who acted through the principal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person {
    /// `origin_kind`.
    pub kind: String,
    /// `origin_id`.
    pub id: Option<String>,
    /// `origin_account_id`.
    pub account_id: Option<String>,
    /// `origin_provider`.
    pub provider: Option<String>,
    /// A name for people.
    pub who: String,
}

/// What became of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// IAM let them pass.
    Through,
    /// IAM refused them.
    Refused,
}

/// Calls of one name on one set of resources.
#[derive(Debug, Clone)]
pub struct Use {
    /// The persona, as the logs name it.
    pub persona_arn: String,
    /// Its id.
    pub persona_id: Option<String>,
    /// Who was behind it.
    pub person: Person,
    /// The action, where one is needed and known.
    pub action: Option<Action>,
    /// Whether the action shows in the parameters alone.
    pub is_inferred: bool,
    /// Whether no permission is needed.
    pub needs_none: bool,
    /// The call.
    pub event_source: String,
    /// The call.
    pub event_name: String,
    /// The account that recorded it.
    pub account_id: String,
    /// Where it was made.
    pub region: String,
    /// What became of it.
    pub came: Came,
    /// The resources, as far as the events tell.
    pub resources: Vec<String>,
    /// How many calls.
    pub calls: u64,
    /// The first and the last, in microseconds since 1970.
    pub first: i64,
    /// The last.
    pub last: i64,
    /// The last of them.
    pub event_id: String,
}

/// The uses in a batch of `rightsize/uses`.
pub fn uses_of(batch: &RecordBatch) -> Result<Vec<Use>, ArrowError> {
    let columns = Columns {
        persona_arn: texts(batch, "persona_arn")?,
        persona_id: texts(batch, "persona_id")?,
        origin_kind: texts(batch, "origin_kind")?,
        origin_id: texts(batch, "origin_id")?,
        origin_account_id: texts(batch, "origin_account_id")?,
        origin_provider: texts(batch, "origin_provider")?,
        who: texts(batch, "who")?,
        iam_action: texts(batch, "iam_action")?,
        mapping: texts(batch, "mapping")?,
        event_source: texts(batch, "event_source")?,
        event_name: texts(batch, "event_name")?,
        account_id: texts(batch, "account_id")?,
        aws_region: texts(batch, "aws_region")?,
        outcome: texts(batch, "outcome")?,
        resources: cast(column(batch, "action_resource_arns")?, &text_list())?,
        calls: numbers(batch, "calls")?,
        first: times_of(batch, "first_used_at")?,
        last: times_of(batch, "last_used_at")?,
        event_id: texts(batch, "last_event_id")?,
    };
    Ok((0..batch.num_rows()).map(|row| columns.at(row)).collect())
}

/// The columns of a batch, in the types in which they are read here.
struct Columns {
    persona_arn: StringArray,
    persona_id: StringArray,
    origin_kind: StringArray,
    origin_id: StringArray,
    origin_account_id: StringArray,
    origin_provider: StringArray,
    who: StringArray,
    iam_action: StringArray,
    mapping: StringArray,
    event_source: StringArray,
    event_name: StringArray,
    account_id: StringArray,
    aws_region: StringArray,
    outcome: StringArray,
    resources: ArrayRef,
    calls: Int64Array,
    first: TimestampMicrosecondArray,
    last: TimestampMicrosecondArray,
    event_id: StringArray,
}

impl Columns {
    fn at(&self, row: usize) -> Use {
        let maybe =
            |column: &StringArray| column.is_valid(row).then(|| column.value(row).to_owned());
        let text = |column: &StringArray| maybe(column).unwrap_or_default();
        let list = self.resources.as_list::<i32>();
        let resources = if list.is_valid(row) {
            let values = list.value(row);
            let texts = values.as_string::<i32>().iter().flatten();
            texts.map(str::to_owned).collect()
        } else {
            Vec::new()
        };
        let mapping = text(&self.mapping);
        Use {
            persona_arn: text(&self.persona_arn),
            persona_id: maybe(&self.persona_id),
            person: Person {
                kind: text(&self.origin_kind),
                id: maybe(&self.origin_id),
                account_id: maybe(&self.origin_account_id),
                provider: maybe(&self.origin_provider),
                who: text(&self.who),
            },
            action: maybe(&self.iam_action).and_then(|name| Action::find(&name)),
            is_inferred: mapping == Mapping::Inferred.as_str(),
            needs_none: mapping == Mapping::None.as_str(),
            event_source: text(&self.event_source),
            event_name: text(&self.event_name),
            account_id: text(&self.account_id),
            region: text(&self.aws_region),
            came: if text(&self.outcome) == Outcome::Denied.as_str() {
                Came::Refused
            } else {
                Came::Through
            },
            resources,
            calls: u64::try_from(self.calls.value(row)).unwrap_or_default(),
            first: self.first.value(row),
            last: self.last.value(row),
            event_id: text(&self.event_id),
        }
    }
}

fn text_list() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)))
}

fn times() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
}

fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b ArrayRef, ArrowError> {
    batch
        .column_by_name(name)
        .ok_or_else(|| ArrowError::SchemaError(format!("there is no column `{name}`")))
}

pub(super) fn numbers(batch: &RecordBatch, name: &str) -> Result<Int64Array, ArrowError> {
    let numbers = cast(column(batch, name)?, &DataType::Int64)?;
    Ok(numbers.as_primitive::<Int64Type>().clone())
}

pub(super) fn times_of(
    batch: &RecordBatch,
    name: &str,
) -> Result<TimestampMicrosecondArray, ArrowError> {
    let times = cast(column(batch, name)?, &times())?;
    Ok(times.as_primitive::<TimestampMicrosecondType>().clone())
}

pub(super) fn texts(batch: &RecordBatch, name: &str) -> Result<StringArray, ArrowError> {
    let texts = cast(column(batch, name)?, &DataType::Utf8)?;
    Ok(texts.as_string::<i32>().clone())
}

/// Which actions somebody was seen to need in each account, so that a silence about them means something.
#[derive(Debug, Default)]
pub struct Seen {
    actions: BTreeMap<String, BTreeSet<&'static str>>,
}

impl Seen {
    /// Takes a batch of `rightsize/seen`.
    pub fn take(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let accounts = texts(batch, "account_id")?;
        let sources = texts(batch, "event_source")?;
        let names = texts(batch, "event_name")?;
        for ((account, source), name) in accounts.iter().zip(&sources).zip(&names) {
            if let (Some(account), Some(source), Some(name)) = (account, source, name) {
                let actions = self.actions.entry(account.to_owned()).or_default();
                let mapped = map_event(source, name).actions.into_iter();
                actions.extend(mapped.map(|action| action.name));
            }
        }
        Ok(())
    }

    /// Whether anybody was seen to need the action in the account.
    pub fn has(&self, account_id: &str, action: &str) -> bool {
        self.actions
            .get(account_id)
            .is_some_and(|actions| actions.contains(action))
    }
}
