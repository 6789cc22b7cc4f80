//! What became of requests, in the words in which both sides are compared.

use super::experiment::{Compare, Experiment};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What became of an experiment.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// One for each request.
    pub(super) answers: Vec<Answer>,
    /// Counters that are not zero, by name; those of clusters with the cluster's.
    pub(super) counters: BTreeMap<String, u64>,
    /// Hosts that outlier detection ejected or took back, in order.
    pub(super) ejections: Vec<Ejection>,
}

/// A host is ejected, or taken back.
#[derive(Clone, Debug)]
pub(super) struct Ejection {
    /// When, in milliseconds.
    pub(super) at: u64,
    pub(super) host: String,
    pub(super) ejected: bool,
}

/// What became of one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) flags: String,
    pub(super) details: String,
    /// Tries, as the proxy counts them.
    pub(super) tries: u32,
    /// The name of the last try's host.
    pub(super) host: Option<String>,
    /// Milliseconds from its begin to its end.
    pub(super) lasted: u64,
    /// What servers received of it: its tries in order.
    pub(super) received: Vec<Received>,
    /// What the servers of copies received.
    pub(super) copies: Vec<Received>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    /// The client received the begin of a response only.
    pub(super) truncated: bool,
}

/// A request, as a server received it.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) host: String,
    /// The number of the connection on which it came, at this host.
    pub(super) connection: usize,
    /// It is a mirrored copy.
    pub(super) is_copy: bool,
    pub(super) method: String,
    pub(super) authority: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// What is left of the time falls from try to try: how fast is not compared to the millisecond.
    fn with_rough_timeout(&self) -> Self {
        let mut rough = self.clone();
        for (name, value) in &mut rough.headers {
            if let ("x-envoy-expected-rq-timeout-ms", Ok(left)) = (name.as_str(), value.parse()) {
                *value = format!("at most {}", u64::next_multiple_of(left, 500));
            }
        }
        rough
    }

    fn line(&self, what: &str, compare: Compare) -> String {
        let Self {
            host,
            method,
            authority,
            path,
            ..
        } = self;
        let headers = text(&self.headers, &NOT_COMPARED_OF_REQUESTS);
        let host = label(host, compare);
        format!("{what} {host}: {method} {authority} {path}{headers}")
    }
}

impl Outcome {
    /// The outcome in words: lines that are equal where what is compared is.
    pub(super) fn lines(&self, experiment: &Experiment) -> Vec<String> {
        let compare = experiment.compare;
        let mut lines = match (compare.ejections, experiment.shares.is_empty()) {
            (Some(sweep), _) => self.ejection_lines(sweep),
            (None, _) if compare.picks => self.pick_lines(experiment),
            (None, true) => self.answer_lines(experiment),
            (None, false) => match self.outside(experiment) {
                far if far.is_empty() => vec![format!("shares {:?}", experiment.shares)],
                far => far,
            },
        };
        if experiment.compare.accounts {
            lines.push(self.accounts());
        }
        let counters = self.counters.iter();
        lines.extend(counters.map(|(name, value)| format!("{name}={value}")));
        lines
    }

    fn answer_lines(&self, experiment: &Experiment) -> Vec<String> {
        let mut connections = Connections::default();
        let answers = self.answers.iter().enumerate();
        let mut all: Vec<Vec<String>> = answers
            .map(|(n, answer)| {
                let mut lines = answer.lines(experiment, &mut connections);
                let lasts = experiment.lasts.get(n).or(experiment.lasts.last());
                lines.extend(lasts.map(|span| answer.duration_line(*span, experiment.within)));
                lines
            })
            .collect();
        if experiment.compare.turns {
            all = first_rotation(&all);
        }
        if experiment.unordered {
            all.sort();
        }
        counted(&all)
    }

    /// Each try of each request has been counted once, by what became of it.
    fn accounts(&self) -> String {
        let counters = self.counters.iter();
        let counted: u64 = counters
            .filter(|(name, _)| ENDS_OF_TRIES.iter().any(|end| name.ends_with(end)))
            .map(|(_, value)| value)
            .sum();
        let tries = self.answers.iter().map(|answer| u64::from(answer.tries));
        match tries.sum::<u64>() {
            tries if tries == counted => "all tries are counted".to_owned(),
            tries => format!("{tries} tries, of which {counted} are counted"),
        }
    }

    /// The last letter of each request's host, a hundred in a line.
    fn pick_lines(&self, experiment: &Experiment) -> Vec<String> {
        let hosts = self.answers.iter().map(|answer| answer.host.as_deref());
        let letters = hosts.map(|host| host.and_then(|host| host.chars().last()).unwrap_or('-'));
        let mut letters: Vec<char> = letters.collect();
        if experiment.compare.turns {
            letters = first_rotation(&letters);
        }
        if experiment.unordered {
            letters.sort_unstable();
        }
        let lines = letters.chunks(100);
        lines.map(|letters| letters.iter().collect()).collect()
    }

    /// How long each ejection lasted, in whole sweeps; hosts are numbered in the order of their first ejections.
    fn ejection_lines(&self, sweep: u64) -> Vec<String> {
        let mut hosts: Vec<(&str, u64)> = Vec::new();
        let mut lines = Vec::new();
        for event in &self.ejections {
            let known = hosts.iter().position(|(host, _)| *host == event.host);
            let place = known.unwrap_or(hosts.len());
            if known.is_none() {
                hosts.push((&event.host, event.at));
            }
            let number = place + 1;
            lines.push(match event.ejected {
                true => format!("host {number} is ejected"),
                false => {
                    let sweeps = (event.at - hosts[place].1) / sweep;
                    format!("host {number} is taken back after {sweeps} sweeps")
                }
            });
            hosts[place].1 = event.at;
        }
        lines
    }

    /// Hosts, or flags, whose count is farther from its share than chance explains: four standard deviations.
    pub(super) fn outside(&self, experiment: &Experiment) -> Vec<String> {
        let count = self.answers.len() as f64;
        let shares = experiment.shares.iter();
        let outside = shares.filter_map(|(host, percent)| {
            let chosen = |answer: &&Answer| {
                let at = answer.host.as_deref();
                let at = at.map(|host| label(host, experiment.compare));
                at == Some(host) || answer.flags == *host
            };
            let found = self.answers.iter().filter(chosen).count();
            let share = percent / 100.0;
            let wide = 4.0 * (count * share * (1.0 - share)).sqrt();
            let is_far = (found as f64 - count * share).abs() > wide;
            is_far.then(|| format!("`{host}` has {found} of {count}, not {percent} %"))
        });
        outside.collect()
    }
}

/// What becomes of a try: it gets a connection, or one of these.
const ENDS_OF_TRIES: [&str; 6] = [
    ".upstream_rq_total",
    ".upstream_rq_pending_overflow",
    ".upstream_rq_active_overflow",
    ".upstream_rq_pending_failure_eject",
    ".upstream_rq_cancelled",
    ".upstream_cx_none_healthy",
];

/// The numbers of connections in the order in which an experiment first used them.
#[derive(Default)]
struct Connections(BTreeMap<String, Vec<usize>>);

impl Connections {
    fn number(&mut self, received: &Received) -> usize {
        let known = self.0.entry(received.host.clone()).or_default();
        let place = known.iter().position(|one| *one == received.connection);
        1 + place.unwrap_or_else(|| {
            known.push(received.connection);
            known.len() - 1
        })
    }
}

/// How a host is called: by its name, or its workload's.
fn label(host: &str, compare: Compare) -> &str {
    match host.rsplit_once('-') {
        Some((workload, number)) if compare.workloads && number.parse::<u32>().is_ok() => workload,
        _ => host,
    }
}

impl Answer {
    fn lines(&self, experiment: &Experiment, connections: &mut Connections) -> Vec<String> {
        let Self {
            status,
            flags,
            details,
            tries,
            ..
        } = self;
        let compare = experiment.compare;
        let host = self
            .host
            .as_deref()
            .map_or("-", |host| label(host, compare));
        let mut lines = vec![format!(
            "{status} {flags} {details} tries={tries} host={host}"
        )];
        let shown = if compare.tries { usize::MAX } else { 1 };
        let received = self.received.iter().take(shown).enumerate();
        lines.extend(received.map(|(n, one)| match n {
            0 => one.line("at", compare),
            _ => one.with_rough_timeout().line("then at", compare),
        }));
        lines.extend(self.copies.iter().map(|one| one.line("copy at", compare)));
        if compare.connections && !self.received.is_empty() {
            let tries = self.received.iter();
            let numbers = tries.map(|one| format!(" {}#{}", one.host, connections.number(one)));
            lines.push(format!("on{}", numbers.collect::<String>()));
        }
        let headers = text(&self.headers, &NOT_COMPARED_OF_RESPONSES);
        if !headers.is_empty() {
            lines.push(format!("response{headers}"));
        }
        match (self.details.as_str(), self.body.len()) {
            (_, 0) => {}
            ("via_upstream", length) => lines.push(format!("body of {length}")),
            _ => lines.push(format!("body {:?}", self.body)),
        }
        if self.truncated {
            lines.push("truncated".to_owned());
        }
        lines
    }

    fn duration_line(&self, least: u64, tolerance: u64) -> String {
        // Envoy's timers may be early by some milliseconds, as it looks at the clock now and then.
        match (least.saturating_sub(10)..=least + tolerance).contains(&self.lasted) {
            true => format!("lasts {least} ms"),
            false => format!("lasts {} ms, not {least}", self.lasted),
        }
    }
}

/// Of all rotations the first: equal for orders that differ in their begin only.
fn first_rotation<T: Clone + Ord>(all: &[T]) -> Vec<T> {
    let rotations = (0..all.len()).map(|at| [&all[at..], &all[..at]].concat());
    rotations.min().unwrap_or_default()
}

/// All lines; answers that are like the one before are counted.
fn counted(all: &[Vec<String>]) -> Vec<String> {
    let runs = all.chunk_by(|one, other| one == other);
    let lines = runs.flat_map(|run| {
        let mut lines = run[0].clone();
        if run.len() > 1 {
            lines[0] = format!("{} × {}", run.len(), lines[0]);
        }
        lines
    });
    lines.collect()
}

/// What is new with each request, belongs to one connection, or serves the experiment.
const NOT_COMPARED_OF_REQUESTS: [&str; 8] = [
    "x-request-id",
    "x-forwarded-for",
    "x-experiment",
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "user-agent",
];

const NOT_COMPARED_OF_RESPONSES: [&str; 6] = [
    "date",
    "server",
    "connection",
    "content-length",
    "transfer-encoding",
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
        .map(|(name, value)| format!("; {name}: {}", without_address(name, value)))
        .collect()
}

/// A cookie that a proxy makes is sixteen digits of the addresses of a connection, which differ from run to run.
fn without_address<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    let made = |(cookie, rest): (&str, &str)| {
        let (digits, attributes) = rest.split_once('"')?;
        let is_made = digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_made.then(|| format!("{cookie}=(made){attributes}"))
    };
    let is_cookie = name == "set-cookie";
    let text = value.split_once("=\"").filter(|_| is_cookie).and_then(made);
    text.map_or(Cow::Borrowed(value), Cow::Owned)
}
