//! Matchers of dynamic metadata.

use super::message::Message;
use crate::{MetadataMatcher, ValueMatcher};
use serde_json::Value;

impl MetadataMatcher {
    /// `envoy.type.matcher.v3.MetadataMatcher`.
    pub fn to_json(&self) -> Value {
        let keys = self.path.iter();
        Message::default()
            .text("filter", &self.filter)
            .list(
                "path",
                keys.map(|key| Message::default().field("key", key.as_str())),
            )
            .field("value", self.value.message())
            .flag("invert", self.invert)
            .build()
    }
}

impl ValueMatcher {
    /// `envoy.type.matcher.v3.ValueMatcher`.
    fn message(&self) -> Message {
        let message = Message::default();
        match self {
            Self::String(text) => message.field("stringMatch", text.to_json()),
            Self::OneOf(element) => message.field(
                "listMatch",
                Message::default().field("oneOf", element.message()),
            ),
            Self::Any(values) => {
                let values = values.iter().map(Self::message);
                message.field("orMatch", Message::default().list("valueMatchers", values))
            }
            Self::Present(present) => message.field("presentMatch", *present),
            Self::Bool(value) => message.field("boolMatch", *value),
            Self::Null => message.field("nullMatch", Message::default()),
        }
    }
}
