//! The SQL functions over all this, which the views use and anybody may.
//!
//! They are functions and no table since what a call needed depends on its parameters and its error, not on its name alone.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanBuilder, ListBuilder, StringArray, StringBuilder,
    StructArray, StructBuilder,
};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::logical_expr::{
    AggregateUDF, ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    TypeSignature, Volatility,
};

use super::last_event::LastEventId;
use super::needs::{Call, Need, Recipe};
use super::refusal::{Outcome, PolicyType, Refusal};
use super::resource_set::DistinctResources;

/// The functions, for whoever opens an engine.
pub fn functions() -> [ScalarUDF; 3] {
    [
        ScalarUDF::new_from_impl(Permissions::new()),
        ScalarUDF::new_from_impl(CallOutcome(texts(2))),
        ScalarUDF::new_from_impl(CallRefusal(texts(1))),
    ]
}

/// The aggregates, for whoever opens an engine.
pub fn aggregates() -> [AggregateUDF; 2] {
    [
        AggregateUDF::new_from_impl(DistinctResources::new()),
        AggregateUDF::new_from_impl(LastEventId::new()),
    ]
}

fn texts(count: usize) -> Signature {
    Signature::exact(vec![DataType::Utf8; count], Volatility::Immutable)
}

fn text_list() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)))
}

/// `call_outcome(error_code, error_message)`: what became of a call, as text.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CallOutcome(Signature);

impl ScalarUDFImpl for CallOutcome {
    fn name(&self) -> &'static str {
        "call_outcome"
    }
    fn signature(&self) -> &Signature {
        &self.0
    }
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [codes, messages] = columns(&arrays);
        let rows = 0..args.number_rows;
        let outcomes: StringArray = rows
            .map(|row| Some(Outcome::of(at(codes, row), at(messages, row)).as_str()))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(outcomes)))
    }
}

/// `call_refusal(error_message)`: what the message says of the refusal, as a struct.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CallRefusal(Signature);

impl CallRefusal {
    fn fields() -> Fields {
        let text = |name| Field::new(name, DataType::Utf8, true);
        Fields::from(vec![
            text("iam_action"),
            text("resource"),
            text("refused_by"),
            Field::new("is_explicit", DataType::Boolean, true),
            text("policy_arn"),
            Field::new("has_encoded_message", DataType::Boolean, true),
        ])
    }
}

impl ScalarUDFImpl for CallRefusal {
    fn name(&self) -> &'static str {
        "call_refusal"
    }
    fn signature(&self) -> &Signature {
        &self.0
    }
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(Self::fields()))
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [messages] = columns(&arrays);
        let mut texts: [StringBuilder; 4] = std::array::from_fn(|_| StringBuilder::new());
        let (mut explicit, mut encoded) = (BooleanBuilder::new(), BooleanBuilder::new());
        for row in 0..args.number_rows {
            let refusal = Refusal::read(at(messages, row).unwrap_or_default());
            let action = refusal.known_action().map(|action| action.name);
            let values = [
                action.or(refusal.action),
                refusal.resource,
                refusal.policy_type.map(PolicyType::as_str),
                refusal.policy_arn,
            ];
            for (builder, value) in texts.iter_mut().zip(values) {
                builder.append_option(value);
            }
            explicit.append_option(refusal.is_explicit);
            encoded.append_value(refusal.has_encoded_message);
        }
        let [mut action, mut resource, mut refused_by, mut policy_arn] = texts;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(action.finish()),
            Arc::new(resource.finish()),
            Arc::new(refused_by.finish()),
            Arc::new(explicit.finish()),
            Arc::new(policy_arn.finish()),
            Arc::new(encoded.finish()),
        ];
        let refusals = StructArray::try_new(Self::fields(), columns, None)?;
        Ok(ColumnarValue::Array(Arc::new(refusals)))
    }
}

/// `iam_permissions(event_source, event_name [, aws_region, account_id, request_parameters, resource_arns, error_code,
/// error_message])`: the actions that a call needed, as a list of structs.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Permissions(Signature);

impl Permissions {
    fn new() -> Self {
        let text = || DataType::Utf8;
        let whole = vec![
            text(),
            text(),
            text(),
            text(),
            text(),
            text_list(),
            text(),
            text(),
        ];
        let forms = vec![
            TypeSignature::Exact(vec![text(), text()]),
            TypeSignature::Exact(whole),
        ];
        Self(Signature::one_of(forms, Volatility::Immutable))
    }

    fn fields() -> Fields {
        Fields::from(vec![
            Field::new("iam_action", DataType::Utf8, true),
            Field::new("mapping", DataType::Utf8, true),
            Field::new("resource_arns", text_list(), true),
        ])
    }
}

impl ScalarUDFImpl for Permissions {
    fn name(&self) -> &'static str {
        "iam_permissions"
    }
    fn signature(&self) -> &Signature {
        &self.0
    }
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        let item = Field::new_list_field(DataType::Struct(Self::fields()), true);
        Ok(DataType::List(Arc::new(item)))
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [
            sources,
            names,
            regions,
            accounts,
            parameters,
            _,
            codes,
            messages,
        ] = columns(&arrays);
        let resources = arrays.get(5).and_then(|array| array.as_list_opt::<i32>());
        let mut known: HashMap<(&str, &str), Recipe> = HashMap::new();
        let mut lists = ListBuilder::new(StructBuilder::from_fields(Self::fields(), 0));
        for row in 0..args.number_rows {
            let (Some(source), Some(name)) = (at(sources, row), at(names, row)) else {
                lists.append_null();
                continue;
            };
            let recipe = known
                .entry((source, name))
                .or_insert_with(|| Recipe::of(source, name));
            let named = resources
                .filter(|lists| lists.is_valid(row))
                .map(|lists| lists.value(row));
            let named: Vec<&str> = named
                .iter()
                .flat_map(|list| list.as_string::<i32>().iter().flatten())
                .collect();
            let call = Call {
                region: at(regions, row).unwrap_or_default(),
                account_id: at(accounts, row).unwrap_or_default(),
                request_parameters: at(parameters, row).unwrap_or_default(),
                resource_arns: &named,
                error_code: at(codes, row),
                error_message: at(messages, row),
            };
            for need in recipe.needs(call) {
                append(lists.values(), &need);
            }
            lists.append(true);
        }
        Ok(ColumnarValue::Array(Arc::new(lists.finish())))
    }
}

fn append(row: &mut StructBuilder, need: &Need) {
    if let Some(column) = row.field_builder::<StringBuilder>(0) {
        column.append_option(need.action.map(|action| action.name));
    }
    if let Some(column) = row.field_builder::<StringBuilder>(1) {
        column.append_value(need.mapping.as_str());
    }
    if let Some(column) = row.field_builder::<ListBuilder<Box<dyn arrow::array::ArrayBuilder>>>(2) {
        if let Some(texts) = column.values().as_any_mut().downcast_mut::<StringBuilder>() {
            for arn in &need.resource_arns {
                texts.append_value(arn);
            }
        }
        column.append(true);
    }
    row.append(true);
}

/// The arguments as text; those that were left out, or are no text, have none.
fn columns<const N: usize>(arrays: &[ArrayRef]) -> [Option<&StringArray>; N] {
    std::array::from_fn(|at| arrays.get(at)?.as_string_opt::<i32>())
}

fn at(column: Option<&StringArray>, row: usize) -> Option<&str> {
    let column = column?;
    column.is_valid(row).then(|| column.value(row))
}
