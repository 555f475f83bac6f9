//! Typed values for `$names`: given ones, defaults, and a refusal of what does not fit.

use datafusion::scalar::ScalarValue;

use super::QueryError;
use crate::decode::parse_event_time;
use crate::sql_file::{Param, ParamType, SqlFile};

/// Gives every parameter of `file` a value.
pub(super) fn bind(
    file: &SqlFile<'_>,
    given: &[(&str, String)],
) -> Result<Vec<(String, ScalarValue)>, QueryError> {
    let known = |name: &str| file.params.iter().any(|param| param.name == name);
    if let Some((unknown, _)) = given.iter().find(|(name, _)| !known(name)) {
        return Err(QueryError::UnknownParam {
            query: file.name.to_owned(),
            param: (*unknown).to_owned(),
            known: file.params.iter().map(|param| param.name.clone()).collect(),
        });
    }
    let values = file.params.iter().map(|param| {
        let value = given.iter().find(|(name, _)| *name == param.name);
        // Only a default can be null: a given `null` is the text.
        let is_null = value.is_none() && param.default.as_deref() == Some("null");
        match value.map(|(_, value)| value).or(param.default.as_ref()) {
            None => Err(QueryError::MissingParam {
                query: file.name.to_owned(),
                param: param.name.clone(),
            }),
            Some(value) => Ok((param.name.clone(), typed(param, value, is_null)?)),
        }
    });
    values.collect()
}

fn typed(param: &Param, text: &str, null: bool) -> Result<ScalarValue, QueryError> {
    let bad = |expected| QueryError::BadValue {
        param: param.name.clone(),
        value: text.to_owned(),
        expected,
    };
    Ok(match param.param_type {
        ParamType::Text => ScalarValue::Utf8((!null).then(|| text.to_owned())),
        ParamType::Int if null => ScalarValue::Int64(None),
        ParamType::Int => {
            let number: i64 = text.parse().map_err(|_| bad("whole number"))?;
            if number < 0 {
                return Err(bad("whole number"));
            }
            ScalarValue::Int64(Some(number))
        }
        ParamType::Timestamp if null => ScalarValue::TimestampMicrosecond(None, None),
        ParamType::Timestamp => {
            let micros = parse_event_time(text).ok_or_else(|| bad("time"))?;
            ScalarValue::TimestampMicrosecond(Some(micros), None)
        }
    })
}
