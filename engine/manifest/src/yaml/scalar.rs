//! What a scalar means: YAML 1.1 as go-yaml v2 reads it, which is what Kubernetes reads.
//!
//! `yes` is a boolean, `0777` is 511, `1_000` is 1000, `08` is 8, `1e400` is a text. Quoted text is always text.
//! Source: go.yaml.in/yaml/v2, resolve.go.

use std::borrow::Cow;

/// A scalar's value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'s> {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    Float(f64),
    String(Cow<'s, str>),
}

impl Scalar<'_> {
    /// The type's name in Kubernetes' messages.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) | Self::Uint(_) => "integer",
            Self::Float(_) => "number",
            Self::String(_) => "string",
        }
    }
}

/// The meaning of a plain text without a tag.
pub(crate) fn resolve(text: Cow<'_, str>) -> Scalar<'_> {
    match text.as_bytes().first() {
        None => Scalar::Null,
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => {
            named(&text).unwrap_or(Scalar::String(text))
        }
        Some(b'.') => match named(&text).or_else(|| point_float(&text)) {
            Some(number) => number,
            None => Scalar::String(text),
        },
        Some(b'0'..=b'9' | b'+' | b'-') => match named(&text).or_else(|| number(&text)) {
            Some(number) => number,
            None => Scalar::String(text),
        },
        Some(_) => Scalar::String(text),
    }
}

/// The meaning of a text with one of YAML's own tags (`!!int` and so on); `Err` if it has none.
pub(crate) fn resolve_tagged<'s>(
    text: Cow<'s, str>,
    tag: &str,
) -> Result<Scalar<'s>, Cow<'s, str>> {
    if !matches!(tag, "int" | "float" | "bool" | "null" | "timestamp") {
        return Ok(Scalar::String(text));
    }
    let value = resolve(text.clone());
    match (tag, value) {
        ("int", value @ (Scalar::Int(_) | Scalar::Uint(_)))
        | ("float", value @ Scalar::Float(_))
        | ("bool", value @ Scalar::Bool(_))
        | ("null", value @ Scalar::Null) => Ok(value),
        ("float", Scalar::Int(number)) => Ok(Scalar::Float(number as f64)),
        ("float", Scalar::Uint(number)) => Ok(Scalar::Float(number as f64)),
        ("timestamp", value @ Scalar::String(_)) => Ok(value),
        _ => Err(text),
    }
}

/// The texts that stand for a value.
fn named(text: &str) -> Option<Scalar<'static>> {
    let value = match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    };
    Some(value)
}

/// A number that begins with a digit or a sign.
fn number(text: &str) -> Option<Scalar<'static>> {
    let plain: Cow<'_, str> = if text.contains('_') {
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    };
    integer(&plain)
        .or_else(|| float(&plain))
        .or_else(|| signed_binary(&plain))
}

/// An integer in Go's notation: decimal, or with `0x`, `0o`, `0b`, or octal with a leading zero.
fn integer(text: &str) -> Option<Scalar<'static>> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&digits[2..], 16),
        [b'0', b'o' | b'O', ..] => (&digits[2..], 8),
        [b'0', b'b' | b'B', ..] => (&digits[2..], 2),
        [b'0', _, ..] => (&digits[1..], 8),
        _ => (digits, 10),
    };
    // `from_str_radix` would take one more sign.
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0_i64.checked_sub_unsigned(magnitude).map(Scalar::Int);
    }
    match i64::try_from(magnitude) {
        Ok(number) => Some(Scalar::Int(number)),
        // Go's ParseUint takes no sign.
        Err(_) if text.starts_with('+') => None,
        Err(_) => Some(Scalar::Uint(magnitude)),
    }
}

/// A decimal fraction: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, as long as it is finite.
fn float(text: &str) -> Option<Scalar<'static>> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    if !digits(whole)
        || !digits(fraction)
        || (whole.is_empty() && fraction.is_empty())
        || !exponent_fits
    {
        return None;
    }
    finite(text)
}

/// A number that begins with a point: here underscores must stand between digits.
fn point_float(text: &str) -> Option<Scalar<'static>> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let separating = |at: usize| at > 0 && is_digit(at - 1) && is_digit(at + 1);
    let underscores = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_');
    if !underscores.into_iter().all(|(at, _)| separating(at)) {
        return None;
    }
    float(&text.replace('_', ""))
}

/// `0b+1`: go-yaml cuts the prefix off and lets a sign follow.
fn signed_binary(text: &str) -> Option<Scalar<'static>> {
    if let Some(digits) = text.strip_prefix("0b") {
        return i64::from_str_radix(digits, 2).ok().map(Scalar::Int);
    }
    let digits = text.strip_prefix("-0b")?;
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(&format!("-{digits}"), 2)
        .ok()
        .map(Scalar::Int)
}

fn finite(text: &str) -> Option<Scalar<'static>> {
    let number: f64 = text.parse().ok()?;
    number.is_finite().then_some(Scalar::Float(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &Scalar<'_>) {
        assert_eq!(&resolve(Cow::Borrowed(text)), expected, "{text}");
    }

    /// What sigs.k8s.io/yaml 1.6 answers.
    #[test]
    fn reads_what_go_reads() {
        for text in ["y", "Yes", "on", "TRUE"] {
            check(text, &Scalar::Bool(true));
        }
        for text in ["n", "NO", "Off", "false"] {
            check(text, &Scalar::Bool(false));
        }
        for text in ["", "~", "null", "NULL"] {
            check(text, &Scalar::Null);
        }
        for (text, number) in [
            ("0", 0),
            ("80", 80),
            ("-1", -1),
            ("+1", 1),
            ("0777", 511),
            ("0o17", 15),
            ("0x1F", 31),
            ("-0x1F", -31),
            ("1_000", 1000),
            ("1__0", 10),
            ("0_7", 7),
            ("0b11", 3),
            ("-0b11", -3),
            ("0b+1", 1),
            ("-9223372036854775808", i64::MIN),
        ] {
            check(text, &Scalar::Int(number));
        }
        check("18446744073709551615", &Scalar::Uint(u64::MAX));
        for (text, number) in [
            ("08", 8.0),
            ("1.5", 1.5),
            ("1_0.5", 10.5),
            (".1_2", 0.12),
            (".5e1", 5.0),
            ("5.", 5.0),
            ("-.5", -0.5),
            ("1e3", 1000.0),
            ("1E+3", 1000.0),
            ("18446744073709551616", 18_446_744_073_709_551_616.0),
            ("+18446744073709551615", 18_446_744_073_709_551_615.0),
            ("-.inf", f64::NEG_INFINITY),
        ] {
            check(text, &Scalar::Float(number));
        }
        for text in [
            "yEs",
            "nULL",
            "1e400",
            "0x",
            "1:30",
            "_1",
            "2001-01-01",
            "10Gi",
            "1.2.3",
            "-",
            "+",
            ".",
            "..",
            ".1_",
            "._1",
            ".1__2",
            "0b",
            "1e",
            "0b2",
            "::1",
            "10.0.0.1",
            "-0b+1",
            "++1",
            "0x+1",
        ] {
            check(text, &Scalar::String(Cow::Borrowed(text)));
        }
    }

    #[test]
    fn tags_decide_or_are_refused() {
        for (text, tag, expected) in [
            ("3", "str", Ok(Scalar::String("3".into()))),
            ("3", "float", Ok(Scalar::Float(3.0))),
            ("yes", "bool", Ok(Scalar::Bool(true))),
            ("x", "int", Err("x".into())),
            ("3.5", "int", Err("3.5".into())),
            ("x", "null", Err("x".into())),
        ] {
            assert_eq!(resolve_tagged(text.into(), tag), expected, "!!{tag} {text}");
        }
    }
}
