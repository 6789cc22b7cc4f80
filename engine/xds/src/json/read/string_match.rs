//! Matchers.

use super::ReadError;
use super::fields::Fields;
use crate::{HeaderMatch, HeaderMatcher, QueryMatch, QueryMatcher, StringMatch};

impl StringMatch {
    /// `envoy.type.matcher.v3.StringMatcher`.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        fields.unmodelled("ignoreCase", "is not modelled: letters' case counts");
        let known = [
            ("exact", Self::Exact as fn(String) -> Self),
            ("prefix", Self::Prefix),
            ("suffix", Self::Suffix),
            ("contains", Self::Contains),
        ];
        for (name, make) in known {
            if let Some(text) = fields.optional_text(name)? {
                return Ok(make(text));
            }
        }
        if let Some(regex) = fields.message("safeRegex", safe_regex)? {
            return Ok(Self::SafeRegex(regex));
        }
        fields.skip("is not modelled: every string matches");
        Ok(Self::Prefix(String::new()))
    }
}

impl HeaderMatcher {
    /// `envoy.config.route.v3.HeaderMatcher`, its older fields included.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            name: fields.text("name")?.to_ascii_lowercase(),
            invert_match: fields.flag("invertMatch")?,
            treat_missing_header_as_empty: fields.flag("treatMissingHeaderAsEmpty")?,
            match_: header_match(fields)?,
        })
    }
}

fn header_match(fields: &Fields<'_>) -> Result<HeaderMatch, ReadError> {
    if let Some(present) = fields.optional_flag("presentMatch")? {
        return Ok(HeaderMatch::Present(present));
    }
    if let Some(value) = fields.message("stringMatch", StringMatch::read)? {
        return Ok(HeaderMatch::Value(value));
    }
    let older = [
        (
            "exactMatch",
            StringMatch::Exact as fn(String) -> StringMatch,
        ),
        ("prefixMatch", StringMatch::Prefix),
        ("suffixMatch", StringMatch::Suffix),
        ("containsMatch", StringMatch::Contains),
    ];
    for (name, make) in older {
        if let Some(text) = fields.optional_text(name)? {
            return Ok(HeaderMatch::Value(make(text)));
        }
    }
    if let Some(regex) = fields.message("safeRegexMatch", safe_regex)? {
        return Ok(HeaderMatch::Value(StringMatch::SafeRegex(regex)));
    }
    fields.unmodelled(
        "rangeMatch",
        "is not modelled: the header has to be there, whatever its value",
    );
    Ok(HeaderMatch::Present(true))
}

impl QueryMatcher {
    /// `envoy.config.route.v3.QueryParameterMatcher`.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let value = fields.message("stringMatch", StringMatch::read)?;
        fields.without_effect(&["presentMatch"]);
        Ok(Self {
            name: fields.text("name")?,
            match_: value.map_or(QueryMatch::Present, QueryMatch::Value),
        })
    }
}

/// `envoy.type.matcher.v3.RegexMatcher`.
pub(super) fn safe_regex(fields: &Fields<'_>) -> Result<String, ReadError> {
    fields.without_effect(&["googleRe2"]);
    fields.text("regex")
}
