//! What became of a request, in the words in which both sides are compared.

use std::collections::BTreeMap;

/// What became of one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) flags: String,
    pub(super) details: String,
    pub(super) tries: u32,
    /// The name of the last try's host.
    pub(super) host: Option<String>,
    /// What the first try's server received.
    pub(super) received: Option<Received>,
    /// What the servers of copies received.
    pub(super) copies: Vec<Received>,
    pub(super) headers: Vec<(String, String)>,
    /// The body, where the proxy answers by its configuration.
    pub(super) body: String,
}

/// A request, as a server received it.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) host: String,
    pub(super) method: String,
    pub(super) authority: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
}

impl Received {
    fn line(&self, label: &str) -> String {
        let Self {
            host,
            method,
            authority,
            path,
            ..
        } = self;
        let headers = text(&self.headers, &NOT_COMPARED_OF_REQUESTS);
        format!("{label} {host}: {method} {authority} {path}{headers}")
    }
}

/// Answers in words, one or more lines each.
pub(super) fn lines(answers: &[Answer], unordered: bool) -> Vec<String> {
    let mut all: Vec<Vec<String>> = answers.iter().map(Answer::lines).collect();
    if unordered {
        all.sort();
    }
    all.concat()
}

impl Answer {
    fn lines(&self) -> Vec<String> {
        let Self {
            status,
            flags,
            details,
            tries,
            ..
        } = self;
        let host = self.host.as_deref().unwrap_or("-");
        let mut lines = vec![format!(
            "{status} {flags} {details} tries={tries} host={host}"
        )];
        lines.extend(self.received.iter().map(|head| head.line("at")));
        lines.extend(self.copies.iter().map(|head| head.line("copy at")));
        let headers = text(&self.headers, &NOT_COMPARED_OF_RESPONSES);
        if !headers.is_empty() {
            lines.push(format!("response{headers}"));
        }
        if !self.body.is_empty() {
            lines.push(format!("body {:?}", self.body));
        }
        lines
    }
}

/// What is new with each request, belongs to one connection, or serves the experiment.
const NOT_COMPARED_OF_REQUESTS: [&str; 8] = [
    "x-request-id",
    "x-forwarded-for",
    "x-experiment",
    "x-deeds",
    "host",
    "connection",
    "content-length",
    "user-agent",
];

const NOT_COMPARED_OF_RESPONSES: [&str; 7] = [
    "date",
    "server",
    "connection",
    "content-length",
    "content-type",
    "grpc-status",
    "x-envoy-upstream-service-time",
];

/// Headers in the order of their names; those of one name in the order in which they came.
fn text(headers: &[(String, String)], but: &[&str]) -> String {
    let mut kept: Vec<_> = headers
        .iter()
        .filter(|(name, _)| !but.contains(&name.as_str()))
        .collect();
    kept.sort_by(|a, b| a.0.cmp(&b.0));
    kept.iter()
        .map(|(name, value)| format!("; {name}: {value}"))
        .collect()
}

/// Hosts whose count is farther from its share than chance explains: four standard deviations.
pub(super) fn outside(
    shares: &BTreeMap<String, f64>,
    answers: &[Answer],
) -> impl Iterator<Item = String> {
    let count = answers.len() as f64;
    shares.iter().filter_map(move |(host, percent)| {
        let chosen = |answer: &&Answer| answer.host.as_deref().unwrap_or(&answer.flags) == host;
        let found = answers.iter().filter(chosen).count();
        let share = percent / 100.0;
        let wide = 4.0 * (count * share * (1.0 - share)).sqrt();
        let is_far = (found as f64 - count * share).abs() > wide;
        is_far.then(|| format!("`{host}` has {found} of {count}, not {percent} %"))
    })
}
