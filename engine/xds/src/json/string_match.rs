//! Matchers.

use super::message::Message;
use crate::{HeaderMatch, HeaderMatcher, QueryMatch, QueryMatcher, StringMatch};
use serde_json::Value;

impl StringMatch {
    /// `envoy.type.matcher.v3.StringMatcher`.
    pub fn to_json(&self) -> Value {
        self.message().build()
    }

    fn message(&self) -> Message {
        let (field, value) = match self {
            Self::Exact(text) => ("exact", Value::from(text.as_str())),
            Self::Prefix(text) => ("prefix", text.as_str().into()),
            Self::Suffix(text) => ("suffix", text.as_str().into()),
            Self::Contains(text) => ("contains", text.as_str().into()),
            Self::SafeRegex(regex) => ("safeRegex", safe_regex(regex).into()),
            Self::IgnoreCase(match_) => return match_.message().flag("ignoreCase", true),
        };
        Message::default().field(field, value)
    }
}

impl HeaderMatcher {
    /// `envoy.config.route.v3.HeaderMatcher`.
    pub fn to_json(&self) -> Value {
        let message = Message::default()
            .text("name", &self.name)
            .flag("invertMatch", self.invert_match)
            .flag(
                "treatMissingHeaderAsEmpty",
                self.treat_missing_header_as_empty,
            );
        match &self.match_ {
            HeaderMatch::Present(present) => message.field("presentMatch", *present),
            HeaderMatch::Value(value) => message.field("stringMatch", value.to_json()),
            // 64-bit numbers are strings in protobuf's JSON.
            HeaderMatch::Range { start, end } => message.field(
                "rangeMatch",
                Message::default()
                    .field("start", start.to_string())
                    .field("end", end.to_string()),
            ),
        }
        .build()
    }
}

impl QueryMatcher {
    /// `envoy.config.route.v3.QueryParameterMatcher`.
    pub fn to_json(&self) -> Value {
        let message = Message::default().text("name", &self.name);
        match &self.match_ {
            QueryMatch::Present(present) => message.field("presentMatch", *present),
            QueryMatch::Value(value) => message.field("stringMatch", value.to_json()),
        }
        .build()
    }
}

/// `envoy.type.matcher.v3.RegexMatcher`.
pub(super) fn safe_regex(regex: &str) -> Message {
    Message::default().text("regex", regex)
}
