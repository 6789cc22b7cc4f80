//! A protobuf message while its JSON is written.

use base::{Ratio, SimDuration, ratio::Denominator};
use serde_json::{Map, Value};

/// The fields of a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Map<String, Value>);

impl Message {
    /// A message inside an `Any`.
    pub(super) fn any(type_name: &str) -> Self {
        Self::default().field("@type", format!("type.googleapis.com/{type_name}"))
    }

    /// A field that has a presence of its own: a message, a member of a `oneof`, a wrapper.
    pub(super) fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The same, if it is set.
    pub(super) fn optional(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// A string, unless it is empty.
    pub(super) fn text(self, name: &str, text: &str) -> Self {
        self.optional(name, (!text.is_empty()).then_some(text))
    }

    /// A bool, unless it is false.
    pub(super) fn flag(self, name: &str, value: bool) -> Self {
        self.optional(name, value.then_some(true))
    }

    /// A number, unless it is zero.
    pub(super) fn number(self, name: &str, number: u32) -> Self {
        self.optional(name, (number != 0).then_some(number))
    }

    /// A list, unless it is empty.
    pub(super) fn list<T: Into<Value>>(
        self,
        name: &str,
        items: impl IntoIterator<Item = T>,
    ) -> Self {
        let items: Vec<Value> = items.into_iter().map(Into::into).collect();
        self.optional(name, (!items.is_empty()).then_some(items))
    }

    /// A duration.
    pub(super) fn duration(self, name: &str, span: SimDuration) -> Self {
        self.field(name, duration(span))
    }

    /// A duration, if it is set.
    pub(super) fn optional_duration(self, name: &str, span: Option<SimDuration>) -> Self {
        self.optional(name, span.map(duration))
    }

    /// Whether nothing is set.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The finished message.
    pub(super) fn build(self) -> Value {
        Value::Object(self.0)
    }
}

impl From<Message> for Value {
    fn from(message: Message) -> Self {
        message.build()
    }
}

/// Seconds with no, three, six or nine digits of fraction.
fn duration(span: SimDuration) -> String {
    let (seconds, nanos) = (
        span.as_nanos() / 1_000_000_000,
        span.as_nanos() % 1_000_000_000,
    );
    if nanos == 0 {
        format!("{seconds}s")
    } else if nanos.is_multiple_of(1_000_000) {
        format!("{seconds}.{:03}s", nanos / 1_000_000)
    } else if nanos.is_multiple_of(1_000) {
        format!("{seconds}.{:06}s", nanos / 1_000)
    } else {
        format!("{seconds}.{nanos:09}s")
    }
}

/// A `FractionalPercent`.
pub(super) fn fractional_percent(ratio: Ratio) -> Message {
    let denominator = match ratio.denominator {
        Denominator::Hundred => "",
        Denominator::TenThousand => "TEN_THOUSAND",
        Denominator::Million => "MILLION",
    };
    Message::default()
        .number("numerator", ratio.numerator)
        .text("denominator", denominator)
}

/// A `Percent`.
pub(super) fn percent(value: f64) -> Message {
    Message::default().optional("value", (value != 0.0).then(|| double(value)))
}

/// A double; a whole one is written without a point.
pub(super) fn double(value: f64) -> Value {
    // Exact below 2^53.
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Value::from(value as i64)
    } else {
        Value::from(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_groups_of_three_digits() {
        for (nanos, text) in [
            (0, "0s"),
            (1_500_000_000, "1.500s"),
            (50_000_000, "0.050s"),
            (86_400_000_000_000, "86400s"),
            (1_000, "0.000001s"),
            (1, "0.000000001s"),
        ] {
            assert_eq!(duration(SimDuration::from_nanos(nanos)), text);
        }
    }
}
