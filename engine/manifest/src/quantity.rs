//! Amounts of a resource: `500m`, `1Gi`, `2`.
//!
//! Source: k8s.io/apimachinery, pkg/api/resource/quantity.go.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// An amount as it was written; a number or a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity(String);

impl Quantity {
    /// The text, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The amount in the resource's unit: `500m` is 0.5, `1Ki` is 1024.
    pub fn value(&self) -> f64 {
        parse(&self.0).unwrap_or(0.0)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

struct QuantityVisitor;

impl Visitor<'_> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("quantity")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Quantity, E> {
        Ok(Quantity(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Quantity, E> {
        Ok(Quantity(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Quantity, E> {
        Ok(Quantity(number.to_string()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Quantity, E> {
        match parse(text) {
            Some(_) => Ok(Quantity(text.to_owned())),
            None => Err(E::custom(not_a_quantity(text))),
        }
    }
}

/// What is said about a text that is no quantity.
pub(crate) fn not_a_quantity(text: &str) -> String {
    format!(
        "`{text}` is not a quantity: expected a number with a suffix such as `500m`, `1.5` or `64Mi`"
    )
}

/// The amount that a text stands for.
pub fn parse(text: &str) -> Option<f64> {
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '+' | '-' | '.')))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
    if !unsigned.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: f64 = number.parse().ok()?;
    if let Some((_, factor)) = SUFFIXES.iter().find(|(name, _)| *name == suffix) {
        return Some(number * factor);
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    exponent.parse::<i32>().ok()?;
    text.parse().ok()
}

const SUFFIXES: [(&str, f64); 16] = [
    ("", 1.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_kubernetes_reads() {
        for (text, value) in [
            ("1", Some(1.0)),
            ("500m", Some(0.5)),
            ("64Mi", Some(67_108_864.0)),
            ("1.5", Some(1.5)),
            (".5", Some(0.5)),
            ("1e3", Some(1000.0)),
            ("12E2", Some(1200.0)),
            ("2E", Some(2e18)),
            ("+1", Some(1.0)),
            ("", None),
            ("m", None),
            ("1KB", None),
            ("1 Gi", None),
            ("1.2.3", None),
            ("e3", None),
        ] {
            assert_eq!(parse(text), value, "{text}");
        }
    }
}
