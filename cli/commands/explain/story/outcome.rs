//! What the client meets in the end, once or in many draws.

use super::{Story, percent};
use crate::output::{ERROR, GOOD, NAME, WARNING};
use explain::Closed;
use explain::model::{Answer, Drawn, Draws, Outcome, OutcomeKind};

impl Story<'_> {
    pub(super) fn outcome(&mut self, outcome: &Outcome) {
        let end;
        let (style, words) = match outcome.kind {
            OutcomeKind::Forwarded => (GOOD, "the request reaches its destination"),
            OutcomeKind::Passthrough => (GOOD, "the request goes to the address that was dialled"),
            OutcomeKind::NoSidecar => (
                GOOD,
                "Kubernetes balances it; no Istio object has a say at the client",
            ),
            OutcomeKind::Redirect => (GOOD, "the client is sent elsewhere"),
            OutcomeKind::DirectResponse => (GOOD, "the proxy answers itself"),
            OutcomeKind::CorsPreflight => (GOOD, "the proxy answers the preflight request"),
            OutcomeKind::TokenRefused => (ERROR, "the token is not good"),
            OutcomeKind::FaultAbort => (WARNING, "an injected fault answers"),
            OutcomeKind::NoRoute => (ERROR, "no route matches"),
            OutcomeKind::NoCluster => (ERROR, "the route's cluster does not exist"),
            OutcomeKind::NoHealthyUpstream => (ERROR, "no endpoint can take it"),
            OutcomeKind::Blackhole => (ERROR, "unknown destinations are not let out"),
            OutcomeKind::NoListener => {
                end = outcome.closed.as_ref().map(Closed::to_string);
                (ERROR, end.as_deref().unwrap_or("the connection ends"))
            }
        };
        let status = match outcome.status {
            Some(0) if outcome.closed.is_none() => ": the connection is closed".to_owned(),
            Some(0) | None => String::new(),
            Some(status) => format!(" with status {status}"),
        };
        let flags = match outcome.response_flags.as_str() {
            "-" | "" => String::new(),
            flags => format!(", response flags {flags}"),
        };
        self.line(format_args!("\n{style}→ {words}{status}{flags}{style:#}"));
        for (name, value) in &outcome.headers {
            self.line(format_args!("  {name}: {value}"));
        }
        if let Some(answer) = &outcome.answer {
            self.answer(answer);
        }
        if !outcome.body.is_empty() {
            self.line(format_args!("\n  {}", outcome.body.replace('\n', "\n  ")));
        }
    }

    /// What the application answers, and how that is known.
    fn answer(&mut self, answer: &Answer) {
        let Answer {
            pod,
            status,
            certain,
            told_by,
            assumed,
        } = answer;
        let what = match status {
            Some(status) => format!("answers {status}"),
            None => "does not respond".to_owned(),
        };
        let likely = if *certain { "" } else { "most likely " };
        let how = if *assumed { "assumed from" } else { "as say" };
        self.line(format_args!("  {pod} {likely}{what}, {how} {told_by}"));
    }

    pub(super) fn draws(&mut self, draws: &Draws) {
        self.line(format_args!(
            "\n{NAME}{} requests, seed {}{NAME:#}",
            draws.count, draws.seed
        ));
        for drawn in &draws.outcomes {
            self.line(format_args!(
                "  {:>8}  {:>6.2}%  {}",
                drawn.count,
                percent(drawn.count, draws.count),
                outcome_of(drawn)
            ));
        }
        for (cluster, count) in &draws.mirrored {
            self.line(format_args!("  {count:>8}  copies   {cluster}"));
        }
    }
}

fn outcome_of(drawn: &Drawn) -> String {
    let status = drawn.status.map(|status| format!("status {status} "));
    let flags = match drawn.response_flags.as_str() {
        "-" => String::new(),
        flags => format!("{flags} "),
    };
    let cluster = drawn.cluster.as_deref().unwrap_or_default();
    format!("{}{flags}{cluster}", status.unwrap_or_default())
}
