//! Dates of cookies, as browsers read them, in the time of a run.
//!
//! A run begins with the year 1970, as its access logs say. The start of 1970, with which applications take cookies back, is
//! therefore past at any time, and a date of today lies behind the end of the run.
//!
//! Source: RFC 6265, section 5.1.1.

use base::{SimDuration, SimTime};

/// The time of a date; none where it is none.
pub(super) fn read(text: &str) -> Option<SimTime> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none()
            && let Some(read) = read_time(token)
        {
            time = Some(read);
        } else if day.is_none()
            && let Some(read) = read_number(token, 1..=2)
        {
            day = Some(read);
        } else if month.is_none()
            && let Some(read) = read_month(token)
        {
            month = Some(read);
        } else if year.is_none()
            && let Some(read) = read_number(token, 2..=4)
        {
            year = Some(read);
        }
    }
    let ((hour, minute, second), day, month, year) = (time?, day?, month?, full_year(year?));
    let is_possible = (1601..=9999).contains(&year)
        && (1..=31).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 59;
    if !is_possible {
        return None;
    }
    // What lies before the run is as past as its start.
    let days = u64::try_from(days_since_1970(year, month, day)).unwrap_or(0);
    let is_before = year < 1970;
    let of_day = if is_before {
        0
    } else {
        hour * 3600 + minute * 60 + second
    };
    let seconds = (days * 86_400).saturating_add(of_day);
    Some(SimTime::ZERO + SimDuration::from_secs(seconds))
}

fn is_delimiter(c: char) -> bool {
    matches!(c, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~')
}

/// `hh:mm:ss`, of one digit or two each, and whatever follows that is no digit.
fn read_time(token: &str) -> Option<(u64, u64, u64)> {
    let mut parts = token.splitn(3, ':');
    let mut part = || read_number(parts.next()?, 1..=2);
    Some((part()?, part()?, part()?))
}

/// A number of so many digits, and whatever follows that is no digit.
fn read_number(token: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u64> {
    let end = token
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(token.len());
    digits.contains(&end).then(|| token[..end].parse().ok())?
}

/// A month by its first three letters, counted from 1.
fn read_month(token: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let name = token.get(..3)?;
    let place = MONTHS
        .iter()
        .position(|month| name.eq_ignore_ascii_case(month))?;
    Some(place as u64 + 1)
}

const fn full_year(year: u64) -> u64 {
    match year {
        70..=99 => year + 1900,
        0..=69 => year + 2000,
        year => year,
    }
}

/// Howard Hinnant, «chrono-Compatible Low-Level Date Algorithms», `days_from_civil`.
fn days_since_1970(year: u64, month: u64, day: u64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    (era * 146_097 + days) as i64 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_browsers_read_them() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 01-Jan-70 00:01:05 GMT", Some(65)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Tue, 29 Feb 2028 12:00:00 GMT", Some(1_835_438_400)),
            ("Mon, 01 Jan 1900 10:00:00 GMT", Some(0)),
            ("Thu, 01 Jan 1600 00:00:00 GMT", None),
            ("Thu, 01 Jan 1970 24:00:00 GMT", None),
            ("Thu, 01 1970 00:00:00 GMT", None),
            ("tomorrow", None),
            ("", None),
        ] {
            let want = seconds.map(|seconds| SimTime::ZERO + SimDuration::from_secs(seconds));
            assert_eq!(read(text), want, "{text}");
        }
    }
}
