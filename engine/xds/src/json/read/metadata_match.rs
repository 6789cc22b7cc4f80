//! Matchers of dynamic metadata.

use super::ReadError;
use super::fields::Fields;
use crate::{MetadataMatcher, StringMatch, ValueMatcher};

impl MetadataMatcher {
    /// `envoy.type.matcher.v3.MetadataMatcher`.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            filter: fields.text("filter")?,
            path: fields.messages("path", |segment| segment.text("key"))?,
            value: value(fields)?,
            invert: fields.flag("invert")?,
        })
    }
}

fn value(fields: &Fields<'_>) -> Result<ValueMatcher, ReadError> {
    let value = fields.message("value", ValueMatcher::read)?;
    Ok(value.unwrap_or(ValueMatcher::Present(true)))
}

impl ValueMatcher {
    /// `envoy.type.matcher.v3.ValueMatcher`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        if let Some(text) = fields.message("stringMatch", StringMatch::read)? {
            return Ok(Self::String(text));
        }
        let list = fields.message("listMatch", |list| list.message("oneOf", Self::read))?;
        if let Some(element) = list.flatten() {
            return Ok(Self::OneOf(Box::new(element)));
        }
        let any = fields.message("orMatch", |any| any.messages("valueMatchers", Self::read))?;
        if let Some(any) = any {
            return Ok(Self::Any(any));
        }
        if let Some(present) = fields.optional_flag("presentMatch")? {
            return Ok(Self::Present(present));
        }
        if let Some(value) = fields.optional_flag("boolMatch")? {
            return Ok(Self::Bool(value));
        }
        if fields.marker("nullMatch")? {
            return Ok(Self::Null);
        }
        fields.skip("is not modelled: every value matches");
        Ok(Self::Present(true))
    }
}
