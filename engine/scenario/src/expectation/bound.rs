//! What a figure must be.

use crate::expectation::measure::{Measure, Unit};
use crate::reader::{Cursor, Fields, Reader};
use base::SimDuration;

/// What a figure must be, in its [`Unit`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Not less, not more.
    Range {
        /// The least value that passes.
        at_least: Option<f64>,
        /// The greatest value that passes.
        at_most: Option<f64>,
    },
    /// Exactly.
    Equals(f64),
    /// As near as this.
    Within {
        /// The expected value.
        about: f64,
        /// How far it may be away.
        within: f64,
    },
    /// As near as chance alone allows.
    About {
        /// The expected value.
        about: f64,
        /// How sure a figure with this expected value is to pass.
        confidence: f64,
    },
}

/// How sure a correct policy is to pass where nothing is said: once in ten thousand seeds chance alone fails it.
pub const DEFAULT_CONFIDENCE: f64 = 0.9999;

impl Bound {
    /// The bound in words.
    pub fn show(&self, unit: Unit) -> String {
        match *self {
            Self::Range { at_least, at_most } => {
                let least = at_least.map(|value| format!("at least {}", unit.show(value)));
                let most = at_most.map(|value| format!("at most {}", unit.show(value)));
                let parts: Vec<String> = least.into_iter().chain(most).collect();
                parts.join(" and ")
            }
            Self::Equals(value) => format!("equals {}", unit.show(value)),
            Self::Within { about, within } => {
                format!("about {} within {}", unit.show(about), unit.show(within))
            }
            Self::About { about, confidence } => format!(
                "about {} with {} confidence",
                unit.show(about),
                Unit::Percent.show(confidence)
            ),
        }
    }
}

/// Reads the bound of an expectation.
pub(super) fn read(reader: &mut Reader, fields: &Fields<'_>, measure: Measure) -> Option<Bound> {
    let unit = measure.unit();
    let read = |reader: &mut Reader, name: &str| {
        let node = fields.get(name)?;
        Some(read_quantity(reader, &node, unit))
    };
    let at_least = read(reader, "atLeast");
    let at_most = read(reader, "atMost");
    let equals = read(reader, "equals");
    let about = read(reader, "about");
    let within = read(reader, "within");
    let confidence = fields.get("confidence");
    for (name, other) in [
        ("within", fields.get("within")),
        ("confidence", confidence.clone()),
    ] {
        if let Some(node) = other
            && about.is_none()
        {
            reader.invalid(&node, format!("`{name}` goes with `about`"), "");
            return None;
        }
    }
    let kinds = [
        at_least.is_some() || at_most.is_some(),
        equals.is_some(),
        about.is_some(),
    ];
    match kinds.iter().filter(|kind| **kind).count() {
        0 => {
            reader.missing(fields, "a bound: `atLeast`, `atMost`, `equals` or `about`");
            return None;
        }
        1 => {}
        _ => {
            reader.invalid_object(
                fields,
                "`atLeast` and `atMost`, `equals`, and `about` exclude each other".to_owned(),
                "write several expectations",
            );
            return None;
        }
    }
    if let Some(value) = equals {
        return value.map(Bound::Equals);
    }
    let Some(about) = about else {
        let at_least = at_least.map_or(Some(None), |value| value.map(Some))?;
        let at_most = at_most.map_or(Some(None), |value| value.map(Some))?;
        if let (Some(least), Some(most)) = (at_least, at_most)
            && least > most
        {
            let node = fields.get("atLeast")?;
            let (least, most) = (unit.show(least), unit.show(most));
            let message = format!("nothing is at least {least} and at most {most}");
            let help = format!("did you mean `atLeast: {most}` and `atMost: {least}`?");
            reader.invalid(&node, message, help);
            return None;
        }
        return Some(Bound::Range { at_least, at_most });
    };
    let about = about?;
    if let Some(within) = within {
        if let Some(node) = confidence {
            reader.invalid(
                &node,
                "`within` and `confidence` exclude each other".to_owned(),
                "",
            );
        }
        return Some(Bound::Within {
            about,
            within: within?,
        });
    }
    if !measure.has_interval() {
        let node = fields.get("about")?;
        reader.invalid(
            &node,
            "`about` needs a distance here: chance alone follows no known law".to_owned(),
            "add `within`",
        );
        return None;
    }
    let confidence = match confidence {
        Some(node) => read_confidence(reader, &node)?,
        None => DEFAULT_CONFIDENCE,
    };
    Some(Bound::About { about, confidence })
}

fn read_quantity(reader: &mut Reader, node: &Cursor<'_>, unit: Unit) -> Option<f64> {
    match unit {
        Unit::Percent => reader.percentage(node),
        Unit::Time => reader.duration(node).map(SimDuration::as_secs_f64),
        Unit::PerSecond => reader.rate_or_zero(node),
        Unit::Number => reader.number(node),
    }
}

fn read_confidence(reader: &mut Reader, node: &Cursor<'_>) -> Option<f64> {
    let confidence = reader.percentage(node)?;
    if confidence > 0.0 && confidence < 1.0 {
        return Some(confidence);
    }
    reader.invalid(
        node,
        "a confidence lies above 0% and below 100%".to_owned(),
        "chance can never be excluded altogether: write `99.99%`",
    );
    None
}
