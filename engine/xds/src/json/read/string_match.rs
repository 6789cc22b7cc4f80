//! Matchers.

use super::ReadError;
use super::fields::Fields;
use crate::{HeaderMatch, HeaderMatcher, QueryMatch, QueryMatcher, StringMatch};

impl StringMatch {
    /// `envoy.type.matcher.v3.StringMatcher`.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let ignores_case = fields.flag("ignoreCase")?;
        let known = [
            ("exact", Self::Exact as fn(String) -> Self),
            ("prefix", Self::Prefix),
            ("suffix", Self::Suffix),
            ("contains", Self::Contains),
        ];
        for (name, make) in known {
            if let Some(text) = fields.optional_text(name)? {
                let match_ = make(text);
                return Ok(match ignores_case {
                    true => Self::IgnoreCase(Box::new(match_)),
                    false => match_,
                });
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
    let range = fields.message("rangeMatch", |range| {
        Ok(HeaderMatch::Range {
            start: range.integer("start")?.unwrap_or(0),
            end: range.integer("end")?.unwrap_or(0),
        })
    })?;
    Ok(range.unwrap_or(HeaderMatch::Present(true)))
}

impl QueryMatcher {
    /// `envoy.config.route.v3.QueryParameterMatcher`.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let present = fields.optional_flag("presentMatch")?.unwrap_or(true);
        let value = fields.message("stringMatch", StringMatch::read)?;
        Ok(Self {
            name: fields.text("name")?,
            match_: value.map_or(QueryMatch::Present(present), QueryMatch::Value),
        })
    }
}

/// `envoy.type.matcher.v3.RegexMatcher`.
pub(super) fn safe_regex(fields: &Fields<'_>) -> Result<String, ReadError> {
    fields.without_effect(&["googleRe2"]);
    fields.text("regex")
}
