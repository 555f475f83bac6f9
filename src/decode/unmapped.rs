//! Where a field goes that has no column, or not the type its column has: nothing is lost.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::json::{self, JsonObject};

/// A field without a column of its own.
#[derive(Debug, Clone)]
pub struct Unmapped<'a> {
    /// The objects around it, from the record inwards.
    pub path: Vec<&'static str>,
    /// Its name.
    pub key: Cow<'a, str>,
    /// Its value as it stands.
    pub value: &'a RawValue,
}

/// Where fields go that have no place of their own, and whether one came twice.
pub(super) struct Leftovers<'r, 'a> {
    pub(super) unmapped: &'r mut Vec<Unmapped<'a>>,
    pub(super) duplicate: &'r mut Option<String>,
}

impl<'a> Leftovers<'_, 'a> {
    /// The same place, lent on.
    pub(super) fn again(&mut self) -> Leftovers<'_, 'a> {
        Leftovers {
            unmapped: self.unmapped,
            duplicate: self.duplicate,
        }
    }

    pub(super) fn keep(&mut self, path: &[&'static str], key: Cow<'a, str>, value: &'a RawValue) {
        if !json::is_nothing(value) {
            self.unmapped.push(Unmapped {
                path: path.to_vec(),
                key,
                value,
            });
        }
    }

    pub(super) fn text(
        &mut self,
        slot: &mut Option<Cow<'a, str>>,
        path: &[&'static str],
        key: Cow<'a, str>,
        value: &'a RawValue,
    ) {
        if slot.is_some() {
            *self.duplicate = Some(key.into_owned());
            return;
        }
        match json::text_of(value) {
            Some(text) => *slot = Some(text),
            None => self.keep(path, key, value),
        }
    }

    /// JSON that has a column of its own.
    pub(super) fn json(
        &mut self,
        slot: &mut Option<&'a RawValue>,
        key: Cow<'a, str>,
        value: &'a RawValue,
    ) {
        if slot.is_some() {
            *self.duplicate = Some(key.into_owned());
        } else {
            *slot = Some(value);
        }
    }

    /// Text such as `"true"`, as CloudTrail writes these; a real boolean is understood and kept as it was.
    pub(super) fn flag(
        &mut self,
        slot: &mut Option<bool>,
        path: &[&'static str],
        key: Cow<'a, str>,
        value: &'a RawValue,
    ) {
        if slot.is_some() {
            *self.duplicate = Some(key.into_owned());
            return;
        }
        *slot = json::bool_of(value);
        if slot.is_none() || !value.get().starts_with('"') {
            self.keep(path, key, value);
        }
    }

    /// Reads an object's fields one by one; a value that is no object is kept as it is.
    pub(super) fn object(
        &mut self,
        path: &[&'static str],
        key: Cow<'a, str>,
        value: &'a RawValue,
        mut read: impl FnMut(&mut Self, Cow<'a, str>, &'a RawValue),
    ) {
        match serde_json::from_str::<JsonObject<'a>>(value.get()) {
            Ok(object) => {
                for (key, value) in object.fields {
                    read(self, key, value);
                }
            }
            Err(_) => self.keep(path, key, value),
        }
    }
}
