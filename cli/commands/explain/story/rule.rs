//! The rules that a request meets: those that do not match and why, and that which decides, with its lines.

use std::fmt::Write as _;

use super::Story;
use super::excerpt::excerpt;
use crate::output::{DIM, GOOD, NAME, WARNING};
use explain::model::{Hop, Place, Rule};

impl Story<'_> {
    pub(super) fn rules(&mut self, hop: &Hop) {
        for rejected in &hop.rejected {
            let rule = name_of(&rejected.rule);
            self.line(format_args!(
                "  {WARNING}✗{WARNING:#} {rule}: {}",
                rejected.reason
            ));
            self.quote_briefly(rejected.rule.source.as_ref());
        }
        if let Some(route) = &hop.route {
            let rule = name_of(&route.rule);
            self.line(format_args!(
                "  {GOOD}✓{GOOD:#} {NAME}{rule}{NAME:#}: {}",
                route.conditions
            ));
            self.quote(route.rule.source.as_ref());
        }
    }

    /// What the proxy makes of tokens.
    pub(super) fn tokens(&mut self, hop: &Hop) {
        let Some(checks) = &hop.tokens else {
            return;
        };
        if checks.is_empty() {
            self.fact("token", format_args!("none, which is allowed"));
        }
        for check in checks {
            let mark = match check.is_good {
                true => format!("{GOOD}✓{GOOD:#}"),
                false => format!("{WARNING}✗{WARNING:#}"),
            };
            let policy = check.request_authentication.as_ref();
            let policy = policy.map(|policy| {
                let rule = check.rule.map(|rule| format!(", rule {rule}"));
                format!(
                    "RequestAuthentication {policy}{}: ",
                    rule.unwrap_or_default()
                )
            });
            let place = check.place.as_deref().unwrap_or("no token");
            self.line(format_args!(
                "  {mark} {}{place}: {}",
                policy.unwrap_or_default(),
                check.verdict
            ));
            // The rule may hold keys, which are long.
            if let Some(place) = &check.source {
                self.line(format_args!("      {DIM}{place}{DIM:#}"));
            }
        }
    }

    /// A place, and what is written there in one line.
    fn quote_briefly(&mut self, place: Option<&Place>) {
        let Some(place) = place else {
            return;
        };
        let written: Vec<String> = self
            .excerpt(place)
            .iter()
            .map(|(_, line)| line.trim_start().trim_start_matches("- ").to_owned())
            .collect();
        self.line(format_args!(
            "      {DIM}{}  {}{DIM:#}",
            place,
            written.join(" ")
        ));
    }

    /// What is written at a place of a manifest, a few lines at most.
    fn quote(&mut self, place: Option<&Place>) {
        let Some(place) = place else {
            return;
        };
        self.line(format_args!("      {DIM}{place}{DIM:#}"));
        for (number, line) in self.excerpt(place) {
            self.line(format_args!("      {DIM}{number:>4} │{DIM:#} {line}"));
        }
    }

    fn excerpt(&self, place: &Place) -> Vec<(usize, String)> {
        let source = self
            .sources
            .iter()
            .find(|source| *source.name == *place.file);
        source.map_or_else(Vec::new, |source| {
            excerpt(&source.text, place.line as usize, place.column as usize)
        })
    }
}

/// `VirtualService default/reviews, rule 0, match 1`.
fn name_of(rule: &Rule) -> String {
    let Some(object) = &rule.virtual_service else {
        return "default route".to_owned();
    };
    let mut name = format!("{} {object}", rule.kind);
    if let Some(rule) = rule.rule {
        let _ = write!(name, ", rule {rule}");
    }
    if let Some(match_) = rule.match_ {
        let _ = write!(name, ", match {match_}");
    }
    name
}
