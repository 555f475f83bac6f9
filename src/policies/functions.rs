//! `policy_decision(policy, iam_action, resource)`: what a policy says of a request, for anybody who asks in SQL.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::document::Policy;
use super::evaluate::decide;

/// The function, for whoever opens an engine.
pub fn policy_decision() -> ScalarUDF {
    let signature = Signature::exact(vec![DataType::Utf8; 3], Volatility::Immutable);
    ScalarUDF::new_from_impl(PolicyDecision(signature))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct PolicyDecision(Signature);

impl ScalarUDFImpl for PolicyDecision {
    fn name(&self) -> &'static str {
        "policy_decision"
    }
    fn signature(&self) -> &Signature {
        &self.0
    }
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let columns: Vec<&StringArray> = arrays
            .iter()
            .filter_map(|array| array.as_string_opt::<i32>())
            .collect();
        let [policies, actions, resources] = columns.as_slice() else {
            return Err(DataFusionError::Execution(
                "policy_decision takes three texts".to_owned(),
            ));
        };
        let mut known: HashMap<&str, Policy> = HashMap::new();
        let mut decisions = Vec::with_capacity(args.number_rows);
        for row in 0..args.number_rows {
            if policies.is_null(row) || actions.is_null(row) || resources.is_null(row) {
                decisions.push(None);
                continue;
            }
            let text = policies.value(row);
            if !known.contains_key(text) {
                let policy = Policy::parse(text)
                    .map_err(|error| DataFusionError::Execution(error.to_string()))?;
                known.insert(text, policy);
            }
            let decision = known
                .get(text)
                .map(|policy| decide([policy], actions.value(row), resources.value(row)));
            decisions.push(decision.map(super::Decision::as_str));
        }
        let decisions: StringArray = decisions.into_iter().collect();
        Ok(ColumnarValue::Array(Arc::new(decisions)))
    }
}
