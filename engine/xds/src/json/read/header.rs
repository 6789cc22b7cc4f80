//! Header mutations.

use super::ReadError;
use super::fields::Fields;
use crate::{HeaderAppend, HeaderMutation, HeaderMutations};

impl HeaderMutations {
    /// `<direction>HeadersToAdd` and `<direction>HeadersToRemove`.
    pub(super) fn read(fields: &Fields<'_>, direction: &str) -> Result<Self, ReadError> {
        let add = fields.messages(&format!("{direction}HeadersToAdd"), HeaderMutation::read)?;
        let remove = fields.texts(&format!("{direction}HeadersToRemove"))?;
        Ok(Self {
            remove: remove
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
            add,
        })
    }
}

impl HeaderMutation {
    /// `envoy.config.core.v3.HeaderValueOption`.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let header = fields.message("header", |header| {
            Ok((header.text("key")?, header.text("value")?))
        })?;
        let (name, value) = fields.required("header", header)?;
        Ok(Self {
            name,
            value,
            append: append(fields)?,
            keep_empty_value: fields.flag("keepEmptyValue")?,
        })
    }
}

fn append(fields: &Fields<'_>) -> Result<HeaderAppend, ReadError> {
    // The older field; without it, and without the newer one, lines add up.
    if fields.optional_flag("append")? == Some(false) {
        fields.without_effect(&["appendAction"]);
        return Ok(HeaderAppend::OverwriteIfExistsOrAdd);
    }
    let actions = [
        ("APPEND_IF_EXISTS_OR_ADD", HeaderAppend::AppendIfExistsOrAdd),
        (
            "OVERWRITE_IF_EXISTS_OR_ADD",
            HeaderAppend::OverwriteIfExistsOrAdd,
        ),
        ("ADD_IF_ABSENT", HeaderAppend::AddIfAbsent),
        ("OVERWRITE_IF_EXISTS", HeaderAppend::OverwriteIfExists),
    ];
    let action = fields.choice("appendAction", &actions)?;
    Ok(action.unwrap_or(HeaderAppend::AppendIfExistsOrAdd))
}
