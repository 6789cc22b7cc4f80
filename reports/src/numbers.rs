//! Numbers as people read them, with as many digits as they can use.

/// A number without needless digits: `0.25`, `12`, `1 500`, `20k`, `1.5M`.
pub(crate) fn number(value: f64) -> String {
    let (value, suffix) = match value.abs() {
        v if v >= 1e9 => (value / 1e9, "G"),
        v if v >= 1e6 => (value / 1e6, "M"),
        v if v >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{}{suffix}", trimmed(&format!("{value:.digits$}")))
}

/// Milliseconds with the unit that keeps numbers short: `250 µs`, `12.5 ms`, `2 s`.
pub(crate) fn milliseconds(value: f64) -> String {
    if value >= 1000.0 {
        format!("{} s", number(value / 1000.0))
    } else if value >= 1.0 || value <= 0.0 {
        format!("{} ms", number(value))
    } else {
        format!("{} µs", number(value * 1000.0))
    }
}

/// Seconds, minutes or hours: `0.25 s`, `90 s`, `10 min`, `2.5 h`.
pub(crate) fn seconds(value: f64) -> String {
    if value >= 7200.0 {
        format!("{} h", number(value / 3600.0))
    } else if value >= 120.0 {
        format!("{} min", number(value / 60.0))
    } else {
        milliseconds(value * 1000.0)
    }
}

/// A part of a whole as per cent: `47.2%`, `0.05%`, `100%`; what is not quite 0 or 100 does not look so.
pub(crate) fn percent(part: f64) -> String {
    let value = part * 100.0;
    if value > 99.9 && value < 100.0 {
        let text = format!("{value:.3}");
        let text = trimmed(&text);
        return if text == "100" {
            ">99.999%".to_owned()
        } else {
            format!("{text}%")
        };
    }
    if value > 0.0 && value < 0.01 {
        return "<0.01%".to_owned();
    }
    let digits = if value >= 1.0 { 1 } else { 2 };
    format!("{}%", trimmed(&format!("{value:.digits$}")))
}

/// Without zeros at the end of a fraction.
fn trimmed(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.25, "0.25"),
            (12.0, "12"),
            (1500.0, "1500"),
            (20_000.0, "20k"),
            (1_500_000.0, "1.5M"),
        ] {
            assert_eq!(number(value), text);
        }
        for (value, text) in [
            (0.25, "250 µs"),
            (12.5, "12.5 ms"),
            (2000.0, "2 s"),
            (0.0, "0 ms"),
        ] {
            assert_eq!(milliseconds(value), text);
        }
        for (value, text) in [
            (0.472, "47.2%"),
            (1.0, "100%"),
            (0.999_95, "99.995%"),
            (0.999_999_9, ">99.999%"),
            (0.000_05, "<0.01%"),
            (0.0, "0%"),
        ] {
            assert_eq!(percent(value), text);
        }
    }
}
