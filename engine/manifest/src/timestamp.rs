//! The age of exported objects: RFC 3339 timestamps, as far as their order matters.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A point in real time, in seconds since 1970; Istio orders objects by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// Seconds since the start of 1970, UTC.
    pub const fn unix_seconds(self) -> i64 {
        self.0
    }
}

/// Why a text is not a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampError;

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a time such as `2026-01-31T12:00:00Z`")
    }
}

impl std::error::Error for TimestampError {}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;
    fn try_from(text: String) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads `YYYY-MM-DDThh:mm:ss`, an optional fraction (dropped), and `Z` or an offset.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let number = |range: std::ops::Range<usize>| -> Result<i64, TimestampError> {
            let digits = text.get(range).ok_or(TimestampError)?;
            if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(TimestampError);
            }
            digits.parse().map_err(|_| TimestampError)
        };
        let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if separators
            .iter()
            .any(|(at, byte)| text.as_bytes().get(*at) != Some(byte))
        {
            return Err(TimestampError);
        }
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        if !(1..=12).contains(&month)
            || !(1..=31).contains(&day)
            || hour > 23
            || minute > 59
            || second > 60
        {
            return Err(TimestampError);
        }
        let rest = text.get(19..).ok_or(TimestampError)?;
        let zone = match rest.strip_prefix('.') {
            Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
            None => rest,
        };
        let offset = match zone.as_bytes() {
            b"Z" => 0,
            [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
                let start = text.len() - zone.len();
                let span =
                    number(start + 1..start + 3)? * 3600 + number(start + 4..start + 6)? * 60;
                if *sign == b'+' { span } else { -span }
            }
            _ => return Err(TimestampError),
        };
        let seconds =
            days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        Ok(Self(seconds - offset))
    }
}

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar, by counting in eras of 400 years from March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_kubernetes_writes() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2024-02-29T23:59:59.999Z", 1_709_251_199),
            ("2024-01-01T01:00:00+01:00", 1_704_067_200),
        ] {
            assert_eq!(
                text.parse::<Timestamp>().map(Timestamp::unix_seconds),
                Ok(seconds),
                "{text}"
            );
        }
        for text in [
            "",
            "2024-01-01",
            "2024-13-01T00:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01t00:00:00Z",
            "é024-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text}");
        }
    }
}
