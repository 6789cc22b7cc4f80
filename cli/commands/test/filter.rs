//! `--filter`: which scenarios and expectations are run.

use regex_automata::meta::Regex;

/// Names to run: those that match an expression somewhere, or hold a text.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    text: Option<String>,
    regex: Option<Regex>,
}

impl Filter {
    /// What the flag says; none: everything. What is no expression is a text.
    pub(crate) fn new(text: Option<&str>) -> Self {
        Self {
            text: text.map(str::to_owned),
            regex: text.and_then(|text| Regex::new(text).ok()),
        }
    }

    /// Whether it lets everything through.
    pub(crate) const fn is_empty(&self) -> bool {
        self.text.is_none()
    }

    /// Whether something of this name is run.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let Some(text) = &self.text else {
            return true;
        };
        let by_regex = self
            .regex
            .as_ref()
            .is_some_and(|regex| regex.is_match(name));
        by_regex || name.contains(text)
    }

    /// The names that are run of a file's: all of them if the file's own name or path is meant.
    pub(crate) fn of_file(&self, own: &[&str]) -> Self {
        if own.iter().any(|name| self.matches(name)) {
            return Self::default();
        }
        Self {
            text: self.text.clone(),
            regex: self.regex.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_an_expression_or_a_text() {
        let matches = |filter: &str, name: &str| Filter::new(Some(filter)).matches(name);
        assert!(matches("can.ry$", "a canary"));
        assert!(matches("canary|retries", "no retries"));
        assert!(!matches("canary$", "canary split"));
        assert!(matches("traffic[0]", "share of traffic[0]"));
        assert!(matches("(10 %", "canary (10 %)"));
        assert!(!matches("(20 %", "canary (10 %)"));
        assert!(Filter::new(None).matches("anything"));
    }

    #[test]
    fn a_scenario_that_is_meant_is_run_with_all_it_expects() {
        let filter = Filter::new(Some("canary"));
        assert!(filter.of_file(&["canary-split"]).matches("no errors"));
        assert!(!filter.of_file(&["retries"]).matches("no errors"));
        assert!(filter.of_file(&["retries"]).matches("canary gets a tenth"));
    }
}
