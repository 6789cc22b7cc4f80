//! Which of the known names a mistyped one was probably meant to be.

/// The most similar candidate, if one is similar enough to be worth a suggestion.
pub(crate) fn most_similar<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= ENOUGH)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// Below it, suggestions surprise more than they help.
const ENOUGH: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_recognised_and_other_names_are_not() {
        let names = ["canary-shift", "retry-storm", "zone-outage"];
        assert_eq!(most_similar("canary-shfit", names), Some("canary-shift"));
        assert_eq!(most_similar("retrystorm", names), Some("retry-storm"));
        assert_eq!(most_similar("payments", names), None);
    }
}
