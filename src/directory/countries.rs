//! Where addresses are: the user's own `MaxMind` file, and the SQL function that asks it.
//!
//! Sources: "`MaxMind` DB File Format Specification"; `MaxMind`, "`GeoLite2` Country" (`country.iso_code`).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray as _, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use maxminddb::{PathElement, Reader};

use super::DirectoryError;

/// A `MaxMind` file of countries, read whole.
#[derive(Clone)]
pub struct Countries(Arc<Reader<Vec<u8>>>);

impl Countries {
    /// Reads a file of the form `.mmdb`.
    pub fn read(path: &Path) -> Result<Self, DirectoryError> {
        let bytes = std::fs::read(path).map_err(|source| DirectoryError::Read {
            path: path.to_owned(),
            source,
        })?;
        let reader = Reader::from_source(bytes).map_err(|source| DirectoryError::Countries {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self(Arc::new(reader)))
    }

    /// The two letters of the country that an address is in (ISO 3166-1), where the file has it.
    pub fn of(&self, address: &str) -> Option<String> {
        let address: IpAddr = address.parse().ok()?;
        let found = self.0.lookup(address).ok()?;
        let path = [PathElement::Key("country"), PathElement::Key("iso_code")];
        found.decode_path(&path).ok()?
    }
}

impl fmt::Debug for Countries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Countries")
            .field(&self.0.metadata().database_type)
            .finish()
    }
}

impl PartialEq for Countries {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Countries {}

impl Hash for Countries {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.metadata().build_epoch.hash(state);
    }
}

/// `country_of(ip)`: the two letters of the country that an address is in; null without a file, or where it does not say.
pub fn country_of(countries: Option<Countries>) -> ScalarUDF {
    ScalarUDF::new_from_impl(CountryOf {
        countries,
        signature: Signature::exact(vec![DataType::Utf8], Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CountryOf {
    countries: Option<Countries>,
    signature: Signature,
}

impl ScalarUDFImpl for CountryOf {
    fn name(&self) -> &'static str {
        "country_of"
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(countries) = &self.countries else {
            let nothing = StringArray::new_null(args.number_rows);
            return Ok(ColumnarValue::Array(Arc::new(nothing)));
        };
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let addresses = arrays
            .first()
            .and_then(|array| array.as_string_opt::<i32>())
            .ok_or_else(|| exec_datafusion_err!("`country_of` takes one text"))?;
        let found: StringArray = addresses
            .iter()
            .map(|address| countries.of(address?))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}
