//! Single values: texts, names, numbers, durations, percentages, rates.

use crate::object_name::{ObjectName, nearest};
use crate::place::Placed;
use crate::reader::{Cursor, Reader, one_of};
use base::{Ratio, SimDuration, SimTime};
use manifest::node::Value;

impl Reader {
    /// Reads a text.
    pub(crate) fn text(&mut self, cursor: &Cursor<'_>) -> Option<String> {
        if let Value::String(text) = &cursor.node.value {
            return Some(text.clone());
        }
        self.mismatch(cursor, "string");
        None
    }

    /// Reads a text, or a number as it is written.
    pub(crate) fn text_or_number(&mut self, cursor: &Cursor<'_>) -> Option<String> {
        match cursor.node.value {
            Value::Int(_) | Value::Float(_) => Some(cursor.source_text()),
            Value::Null
            | Value::Bool(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => self.text(cursor),
        }
    }

    /// Reads a text with its place.
    pub(crate) fn placed_text(&mut self, cursor: &Cursor<'_>) -> Option<Placed<String>> {
        Some(Placed::new(self.text(cursor)?, cursor.place()))
    }

    /// Reads texts by name.
    pub(crate) fn texts(&mut self, cursor: &Cursor<'_>) -> Vec<(String, String)> {
        if !cursor.is_map() {
            self.mismatch(cursor, "object");
        }
        cursor
            .entries()
            .iter()
            .filter_map(|entry| Some((entry.name.to_owned(), self.text(entry)?)))
            .collect()
    }

    /// Reads one of `words`.
    pub(crate) fn word(
        &mut self,
        cursor: &Cursor<'_>,
        words: &'static [&'static str],
    ) -> Option<&'static str> {
        let text = self.text(cursor)?;
        if let Some(word) = words.iter().find(|word| **word == text) {
            return Some(word);
        }
        let help = match nearest(&text, words.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => String::new(),
        };
        let message = format!("unsupported value \"{text}\": expected {}", one_of(words));
        self.invalid(cursor, message, help);
        None
    }

    /// Reads `namespace/name`, or a name in the scenario's namespace.
    pub(crate) fn object_name(&mut self, cursor: &Cursor<'_>) -> Option<Placed<ObjectName>> {
        let text = self.text(cursor)?;
        let name = ObjectName::parse(&text, &self.namespace);
        if name.namespace.is_empty() || name.name.is_empty() || name.name.contains('/') {
            let message = format!("`{text}` does not name an object");
            self.invalid(
                cursor,
                message,
                "write `namespace/name`, as in `default/reviews`",
            );
            return None;
        }
        Some(Placed::new(name, cursor.place()))
    }

    /// Reads `true` or `false`.
    pub(crate) fn boolean(&mut self, cursor: &Cursor<'_>) -> Option<bool> {
        if let Value::Bool(value) = cursor.node.value {
            return Some(value);
        }
        self.mismatch(cursor, "boolean");
        None
    }

    /// Reads a whole number from `least` on.
    pub(crate) fn whole(&mut self, cursor: &Cursor<'_>, least: u32) -> Option<u32> {
        self.integer(cursor, u64::from(least), u64::from(u32::MAX))
            .map(|number| u32::try_from(number).expect("within 32 bits, as was checked"))
    }

    /// Reads a whole number from `least` to `most`.
    pub(crate) fn whole_within(
        &mut self,
        cursor: &Cursor<'_>,
        least: u32,
        most: u32,
    ) -> Option<u32> {
        self.integer(cursor, u64::from(least), u64::from(most))
            .map(|number| u32::try_from(number).expect("within 32 bits, as was checked"))
    }

    /// Reads a whole number of 64 bits.
    pub(crate) fn whole_u64(&mut self, cursor: &Cursor<'_>) -> Option<u64> {
        self.integer(cursor, 0, u64::MAX)
    }

    /// Reads a whole number from `least` on, or the word `unlimited`.
    pub(crate) fn limit(&mut self, cursor: &Cursor<'_>, least: u32) -> Option<Option<u32>> {
        if !cursor.is_text() {
            return self.whole(cursor, least).map(Some);
        }
        if self.text(cursor)? == "unlimited" {
            return Some(None);
        }
        self.mismatch(cursor, "integer or `unlimited`");
        None
    }

    fn integer(&mut self, cursor: &Cursor<'_>, least: u64, most: u64) -> Option<u64> {
        let Value::Int(number) = cursor.node.value else {
            self.mismatch(cursor, "integer");
            return None;
        };
        match u64::try_from(number) {
            Ok(number) if least <= number && number <= most => Some(number),
            _ => {
                let expected = match most {
                    u64::MAX => format!("{least} or more"),
                    most => format!("{least} to {most}"),
                };
                let message = format!("`{number}` is out of range: expected {expected}");
                let nearest = if number < i128::from(least) {
                    least
                } else {
                    most
                };
                self.invalid(cursor, message, format!("write `{nearest}`"));
                None
            }
        }
    }

    /// Reads a number, zero or more.
    pub(crate) fn number(&mut self, cursor: &Cursor<'_>) -> Option<f64> {
        let number = match cursor.node.value {
            Value::Int(number) => number as f64,
            Value::Float(number) => number,
            _ => {
                self.mismatch(cursor, "number");
                return None;
            }
        };
        if number.is_finite() && number >= 0.0 {
            return Some(number);
        }
        self.invalid(
            cursor,
            format!("`{number}` is out of range: expected zero or more"),
            "write a number such as `1` or `0.5`",
        );
        None
    }

    /// Reads an HTTP status.
    pub(crate) fn status(&mut self, cursor: &Cursor<'_>) -> Option<u16> {
        self.integer(cursor, 200, 599)
            .map(|status| u16::try_from(status).expect("at most 599, as was checked"))
    }

    /// Reads a duration.
    pub(crate) fn duration(&mut self, cursor: &Cursor<'_>) -> Option<SimDuration> {
        if let Value::Int(0) = cursor.node.value {
            return Some(SimDuration::ZERO);
        }
        let Value::String(text) = &cursor.node.value else {
            let help = cursor
                .written_number()
                .map(|number| format!("add a unit: `{number}ms` or `{number}s`"));
            let help = help.unwrap_or_else(|| DURATIONS.to_owned());
            self.mismatch_with_help(cursor, "duration", help);
            return None;
        };
        match text.parse() {
            Ok(duration) => Some(duration),
            Err(error) => {
                let message = format!("`{text}` is not a duration: {error}");
                self.invalid(cursor, message, DURATIONS);
                None
            }
        }
    }

    /// Reads a duration longer than zero.
    pub(crate) fn positive_duration(&mut self, cursor: &Cursor<'_>) -> Option<SimDuration> {
        let duration = self.duration(cursor)?;
        if !duration.is_zero() {
            return Some(duration);
        }
        self.invalid(
            cursor,
            "a duration above zero is expected".to_owned(),
            DURATIONS,
        );
        None
    }

    /// Reads a time, as a duration from the start of the run.
    pub(crate) fn time(&mut self, cursor: &Cursor<'_>) -> Option<SimTime> {
        Some(SimTime::ZERO + self.duration(cursor)?)
    }

    /// Reads a percentage from `0%` to `100%` as a part of one.
    pub(crate) fn percentage(&mut self, cursor: &Cursor<'_>) -> Option<f64> {
        let digits = self.percent(cursor)?;
        // Not divided by 100: `99.9%` is to be the number nearest to 0.999.
        format!("{digits}e-2").parse().ok()
    }

    /// Reads a percentage as an exact ratio, cut at a millionth.
    pub(crate) fn ratio(&mut self, cursor: &Cursor<'_>) -> Option<Ratio> {
        let digits = self.percent(cursor)?;
        decimal(digits).map(Ratio::from_percent)
    }

    /// Reads the digits before the sign.
    fn percent<'n>(&mut self, cursor: &Cursor<'n>) -> Option<&'n str> {
        let Value::String(text) = &cursor.node.value else {
            let help = match (cursor.written_number(), &cursor.node.value) {
                (Some(_), Value::Float(part)) if *part < 1.0 => {
                    let (part, whole) = (cursor.source_text(), percent_of(*part));
                    format!("write `{whole}%` for a part of one, or `{part}%`")
                }
                (Some(number), _) => format!("write `{number}%`"),
                (None, _) => PERCENTAGES.to_owned(),
            };
            self.mismatch_with_help(cursor, "percentage", help);
            return None;
        };
        let digits = text.strip_suffix('%').map_or("", str::trim_end);
        match decimal(digits) {
            Some(percent) if percent <= 100.0 => Some(digits),
            Some(_) => {
                let message = format!("`{text}` is out of range: expected `0%` to `100%`");
                self.invalid(cursor, message, "write `100%`");
                None
            }
            None => {
                let message = format!("`{text}` is not a percentage");
                self.invalid(cursor, message, PERCENTAGES);
                None
            }
        }
    }

    /// Reads a rate above zero as a number per second.
    pub(crate) fn rate(&mut self, cursor: &Cursor<'_>) -> Option<f64> {
        let rate = self.rate_or_zero(cursor)?;
        if rate > 0.0 {
            return Some(rate);
        }
        self.invalid(cursor, "a rate above zero is expected".to_owned(), RATES);
        None
    }

    /// Reads a number of bytes.
    pub(crate) fn size(&mut self, cursor: &Cursor<'_>) -> Option<u64> {
        const UNITS: [(&str, f64); 7] = [
            ("B", 1.0),
            ("kB", 1e3),
            ("KiB", 1024.0),
            ("MB", 1e6),
            ("MiB", 1_048_576.0),
            ("GB", 1e9),
            ("GiB", 1_073_741_824.0),
        ];
        let bytes = match &cursor.node.value {
            Value::Int(number) if *number >= 0 => Some(*number as f64),
            Value::String(text) => measured(text, &UNITS),
            _ => {
                self.mismatch(cursor, "size");
                return None;
            }
        };
        if let Some(bytes) = bytes.filter(|bytes| *bytes <= MAX_BYTES) {
            return Some(bytes.round() as u64);
        }
        let message = format!("`{}` is not a size", cursor.source_text());
        let help = "write it as in `512`, `4KiB` or `1.5MB`; a tebibyte is the most";
        self.invalid(cursor, message, help);
        None
    }

    /// Reads a bandwidth as bits a second.
    pub(crate) fn bandwidth(&mut self, cursor: &Cursor<'_>) -> Option<u64> {
        const UNITS: [(&str, f64); 4] = [
            ("bit/s", 1.0),
            ("kbit/s", 1e3),
            ("Mbit/s", 1e6),
            ("Gbit/s", 1e9),
        ];
        let text = self.text(cursor)?;
        let bits = measured(&text, &UNITS).filter(|bits| (1.0..=1e15).contains(bits));
        if bits.is_none() {
            let message = format!("`{text}` is not a bandwidth");
            self.invalid(cursor, message, "write it as in `100Mbit/s` or `1Gbit/s`");
        }
        Some(bits?.round() as u64)
    }

    /// Reads a rate as a number per second.
    pub(crate) fn rate_or_zero(&mut self, cursor: &Cursor<'_>) -> Option<f64> {
        let Value::String(text) = &cursor.node.value else {
            let help = cursor
                .written_number()
                .map(|number| format!("write `{number}/s`"));
            let help = help.unwrap_or_else(|| RATES.to_owned());
            self.mismatch_with_help(cursor, "rate", help);
            return None;
        };
        let parts = text.split_once('/');
        let seconds = match parts.map(|(_, unit)| unit.trim()) {
            Some("s") => Some(1.0),
            Some("m" | "min") => Some(60.0),
            Some("h") => Some(3600.0),
            Some(_) | None => None,
        };
        let number = parts.and_then(|(number, _)| decimal(number.trim_end()));
        if let (Some(number), Some(seconds)) = (number, seconds) {
            let rate = number / seconds;
            if rate <= MAX_RATE {
                return Some(rate);
            }
            let message = format!("`{text}` is out of range: expected at most 1000000000/s");
            self.invalid(cursor, message, "time goes in steps of a nanosecond");
            return None;
        }
        let message = format!("`{text}` is not a rate");
        self.invalid(cursor, message, RATES);
        None
    }
}

/// A part of one as a percentage, without what floating point adds.
fn percent_of(part: f64) -> String {
    let digits = format!("{:.6}", part * 100.0);
    digits
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

/// How durations are written.
const DURATIONS: &str = "write it as in `250ms`, `1.5s` or `5m`";
/// How percentages are written.
const PERCENTAGES: &str = "write it as in `10%` or `99.9%`";
/// How rates are written.
const RATES: &str = "write it as in `200/s`, `30/m` or `5/h`";

/// More than any body has.
const MAX_BYTES: f64 = (1_u64 << 40) as f64;

/// A number and the factor of its unit.
fn measured(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    Some(decimal(number)? * factor)
}

/// One for each step of time.
const MAX_RATE: f64 = 1e9;

/// A decimal number without sign or exponent.
fn decimal(text: &str) -> Option<f64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number: f64 = text.parse().ok()?;
    (digits && number.is_finite()).then_some(number)
}
