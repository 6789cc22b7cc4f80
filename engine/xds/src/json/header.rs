//! Header mutations.

use super::message::Message;
use crate::{HeaderAppend, HeaderMutation, HeaderMutations};

impl HeaderMutations {
    /// Writes `<direction>HeadersToAdd` and `<direction>HeadersToRemove`.
    pub(super) fn write(&self, message: Message, direction: &str) -> Message {
        message
            .list(
                &format!("{direction}HeadersToAdd"),
                self.add.iter().map(HeaderMutation::option),
            )
            .list(
                &format!("{direction}HeadersToRemove"),
                self.remove.iter().map(String::as_str),
            )
    }
}

impl HeaderMutation {
    fn option(&self) -> Message {
        let header = Message::default()
            .text("key", &self.name)
            .text("value", &self.value);
        let action = match self.append {
            HeaderAppend::AppendIfExistsOrAdd => "",
            HeaderAppend::OverwriteIfExistsOrAdd => "OVERWRITE_IF_EXISTS_OR_ADD",
            HeaderAppend::AddIfAbsent => "ADD_IF_ABSENT",
            HeaderAppend::OverwriteIfExists => "OVERWRITE_IF_EXISTS",
        };
        Message::default()
            .field("header", header)
            .text("appendAction", action)
            .optional("keepEmptyValue", self.keep_empty_value.then_some(true))
    }
}
