//! A parameter of a sweep: a field of the scenario, and the values that it takes.

use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// A field and its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parameter {
    /// The field's path, as in `--set`.
    pub(crate) path: String,
    /// Its values, in YAML, in order.
    pub(crate) values: Vec<String>,
}

impl Parameter {
    /// Reads `PATH=A..B:STEP`, whose numbers may have a unit, or `PATH=V,V,...`.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = |why: &str| {
            Refusal::new(format!("`--param {text}`: {why}")).with_help(
                "write it as in `traffic[0].rate=100/s..500/s:100/s`, or as a list: `seed=1,2,5`",
            )
        };
        let (path, values) = text
            .split_once('=')
            .ok_or_else(|| refuse("it has no `=`"))?;
        let path = path.trim();
        if path.is_empty() {
            return Err(refuse("it names no field"));
        }
        let values = match values.split_once("..") {
            Some((first, rest)) => {
                let (last, step) = rest
                    .split_once(':')
                    .ok_or_else(|| refuse("it has no step"))?;
                steps(first, last, step).map_err(refuse)?
            }
            None => list(values).ok_or_else(|| refuse("a bracket is not closed"))?,
        };
        if values.iter().any(String::is_empty) {
            return Err(refuse("a value is missing"));
        }
        Ok(Self {
            path: path.to_owned(),
            values,
        })
    }
}

/// Values between commas; those inside brackets and quotes belong to a value.
fn list(text: &str) -> Option<Vec<String>> {
    let mut values = vec![String::new()];
    let mut open: Vec<char> = Vec::new();
    for c in text.chars() {
        match c {
            ',' if open.is_empty() => {
                values.push(String::new());
                continue;
            }
            '"' | '\'' if open.last() == Some(&c) => _ = open.pop(),
            '"' | '\'' => open.push(c),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ']' | '}' if open.last() == Some(&c) => _ = open.pop(),
            _ => {}
        }
        values.last_mut()?.push(c);
    }
    let trimmed = values.iter().map(|value| value.trim().to_owned());
    open.is_empty().then(|| trimmed.collect())
}

/// A decimal number, exactly: `number / 10^digits`, and its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quantity<'t> {
    number: i64,
    digits: u32,
    unit: &'t str,
}

impl<'t> Quantity<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let text = text.trim();
        let is_numeric = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
        let end = text.find(|c| !is_numeric(c)).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        Some(Self {
            number: format!("{whole}{fraction}").parse().ok()?,
            digits: u32::try_from(fraction.len()).ok().filter(|d| *d <= 9)?,
            unit,
        })
    }

    /// The number with so many digits after its point.
    fn scaled(self, digits: u32) -> Option<i64> {
        self.number.checked_mul(10_i64.pow(digits - self.digits))
    }
}

fn steps(first: &str, last: &str, step: &str) -> Result<Vec<String>, &'static str> {
    let quantity = |text| Quantity::parse(text).ok_or("a bound or the step is no number");
    let (first, last, step) = (quantity(first)?, quantity(last)?, quantity(step)?);
    let unit = last.unit;
    if [first, step]
        .iter()
        .any(|q| !q.unit.is_empty() && q.unit != unit)
    {
        return Err("the bounds and the step have different units");
    }
    let digits = first.digits.max(last.digits).max(step.digits);
    let scaled = |q: Quantity<'_>| q.scaled(digits).ok_or("a number is too large");
    let (first, last, step) = (scaled(first)?, scaled(last)?, scaled(step)?);
    if step <= 0 || last < first {
        return Err("it has no values: the step is not positive, or the end lies before the start");
    }
    if (last - first) / step >= MOST_VALUES {
        return Err("it has too many values");
    }
    let scale = 10_i64.pow(digits);
    let value = |number: i64| match digits {
        0 => format!("{number}{unit}"),
        _ => {
            let sign = if number < 0 { "-" } else { "" };
            let (whole, fraction) = (number.abs() / scale, number.abs() % scale);
            let places = digits as usize;
            let exact = format!("{sign}{whole}.{fraction:0places$}");
            format!(
                "{}{unit}",
                exact.trim_end_matches('0').trim_end_matches('.')
            )
        }
    };
    let count = (last - first) / step;
    Ok((0..=count)
        .map(|index| value(first + index * step))
        .collect())
}

/// More would hardly be meant.
const MOST_VALUES: i64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_exact_and_keep_their_unit() {
        let table = [
            ("a=1..3:1", "1 2 3"),
            ("a=100..300:100/s", "error"),
            ("a=100..300/s:100", "100/s 200/s 300/s"),
            ("a=0..0.3:0.1", "0 0.1 0.2 0.3"),
            ("a=5%..10%:2.5%", "5% 7.5% 10%"),
            ("a=10ms..35ms:10ms", "10ms 20ms 30ms"),
            ("a=-1..1:1", "-1 0 1"),
            ("a=x,[1, 2],{b: 'c,d'}", "x [1, 2] {b: 'c,d'}"),
            ("a=1", "1"),
            ("a=", "error"),
            ("a=1,,2", "error"),
            ("a=[1", "error"),
            ("a=1..3", "error"),
            ("a=3..1:1", "error"),
            ("a=1..3:0", "error"),
            ("a=1s..3ms:1s", "error"),
            ("a=one..two:1", "error"),
            ("a=0..9223372036854775807:1", "error"),
            ("=1", "error"),
            ("a", "error"),
        ];
        for (text, want) in table {
            let seen = match Parameter::parse(text) {
                Ok(parameter) => parameter.values.join(" "),
                Err(_) => "error".to_owned(),
            };
            assert_eq!(seen, want, "{text}");
        }
    }
}
