//! An explanation as a short story: each decision, the YAML line behind it, and why the rules before it did not decide.

mod excerpt;

use std::fmt::Write as _;

use manifest::Source;
use xds::Origin;

use super::closed::Closed;
use super::model::{
    Cluster, Direction, Drawn, Draws, Explanation, Fault, Hop, Mirror, Outcome, OutcomeKind, Place,
    Retry, Rule, UpstreamRequest,
};
use crate::output::{DIM, ERROR, GOOD, NAME, WARNING};

/// Tells an explanation; the sources are the manifests that its places point into.
pub(crate) fn tell(explanation: &Explanation, sources: &[Source]) -> String {
    let mut story = Story {
        text: String::new(),
        sources,
    };
    story.request(explanation);
    for (index, hop) in explanation.hops.iter().enumerate() {
        story.hop(hop, index);
    }
    story.outcome(&explanation.outcome);
    if let Some(draws) = &explanation.draws {
        story.draws(draws);
    }
    story.text
}

struct Story<'a> {
    text: String,
    sources: &'a [Source],
}

impl Story<'_> {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.text
            .write_fmt(line)
            .expect("a string takes all that is written");
        self.text.push('\n');
    }

    /// A fact under its name.
    fn fact(&mut self, name: &str, fact: std::fmt::Arguments<'_>) {
        self.line(format_args!("  {DIM}{name:<12}{DIM:#} {fact}"));
    }

    fn request(&mut self, explanation: &Explanation) {
        let request = &explanation.request;
        let url = format!(
            "{}://{}{}",
            request.scheme,
            request.authority,
            request.path.as_deref().unwrap_or_default()
        );
        match &request.method {
            Some(method) => self.line(format_args!("{NAME}{method} {url}{NAME:#}")),
            None => self.line(format_args!("{NAME}{url}{NAME:#}")),
        }
        for (name, value) in &request.headers {
            self.line(format_args!("  {name}: {value}"));
        }
    }

    fn hop(&mut self, hop: &Hop, index: usize) {
        let side = match (hop.sidecar, hop.direction) {
            (_, Direction::Gateway) => "a gateway",
            (false, _) if hop.listener.is_some() => "a proxy of its own",
            (false, _) => "no sidecar",
            (true, Direction::Outbound) => "its sidecar, outbound",
            (true, Direction::Inbound) => "its sidecar, inbound",
        };
        self.line(format_args!(
            "\n{NAME}{}. {}{NAME:#} {DIM}({side}){DIM:#}",
            index + 1,
            hop.proxy
        ));
        for line in &hop.arrival {
            self.line(format_args!("  {line}"));
        }
        let way = [&hop.listener, &hop.route_config, &hop.virtual_host];
        let way: Vec<&str> = way.into_iter().flatten().map(String::as_str).collect();
        if !way.is_empty() {
            self.fact("listener", format_args!("{}", way.join(" → ")));
        }
        match hop.direction {
            Direction::Outbound | Direction::Gateway => self.decisions(hop),
            // No rule of a user decides at the destination.
            Direction::Inbound => {
                for cluster in &hop.clusters {
                    self.fact("cluster", format_args!("{}", cluster.name));
                }
            }
        }
    }

    fn decisions(&mut self, hop: &Hop) {
        self.rules(hop);
        if let Some(fault) = &hop.fault {
            self.fault(fault);
            let abort = fault.abort.as_ref();
            if abort.is_some_and(|abort| abort.percent >= 100.0) {
                return;
            }
        }
        if hop.upstream_request.is_some() {
            match hop.timeout_ms {
                Some(timeout) => self.fact("timeout", format_args!("{}", timeout.0)),
                None => self.fact("timeout", format_args!("none")),
            }
            self.retry(hop.retry.as_ref());
        }
        let total: u32 = hop.clusters.iter().map(|cluster| cluster.weight).sum();
        for cluster in &hop.clusters {
            self.cluster(cluster, total);
        }
        for mirror in &hop.mirrors {
            self.mirror(mirror);
        }
        self.upstream(hop);
    }

    fn rules(&mut self, hop: &Hop) {
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
            excerpt::excerpt(&source.text, place.line as usize, place.column as usize)
        })
    }

    fn fault(&mut self, fault: &Fault) {
        if let Some(delay) = &fault.delay {
            self.fact(
                "fault",
                format_args!(
                    "{WARNING}delay{WARNING:#} of {} for {}% of requests",
                    delay.fixed_ms.0, delay.percent
                ),
            );
        }
        if let Some(abort) = &fault.abort {
            let (kind, status) = match (abort.http_status, abort.grpc_status) {
                (Some(status), _) => ("HTTP status", u32::from(status)),
                (None, status) => ("gRPC status", u32::from(status.unwrap_or_default())),
            };
            self.fact(
                "fault",
                format_args!(
                    "{WARNING}abort{WARNING:#} with {kind} {status} for {}% of requests",
                    abort.percent
                ),
            );
        }
    }

    fn retry(&mut self, retry: Option<&Retry>) {
        let Some(retry) = retry.filter(|retry| retry.attempts > 0) else {
            self.fact("retries", format_args!("none"));
            return;
        };
        let conditions: Vec<String> = retry
            .retry_on
            .iter()
            .map(
                |condition| match (condition.as_str(), retry.status_codes.as_slice()) {
                    ("retriable-status-codes", codes @ [_, ..]) => {
                        let codes: Vec<String> = codes.iter().map(u16::to_string).collect();
                        format!("status {}", codes.join(", "))
                    }
                    _ => condition.clone(),
                },
            )
            .collect();
        let per_try = retry
            .per_try_timeout_ms
            .map(|timeout| format!(", {} per try", timeout.0))
            .unwrap_or_default();
        self.fact(
            "retries",
            format_args!(
                "up to {} on {}{per_try}",
                retry.attempts,
                conditions.join(", ")
            ),
        );
    }

    fn cluster(&mut self, cluster: &Cluster, total: u32) {
        let share = if total > cluster.weight {
            format!(" {NAME}{}%{NAME:#}", percent(cluster.weight, total))
        } else {
            String::new()
        };
        let state = if cluster.exists {
            String::new()
        } else {
            format!(" {ERROR}does not exist{ERROR:#}")
        };
        let name = &cluster.name;
        let place = cluster.source.as_ref().filter(|_| total > cluster.weight);
        let place = place.map(|place| format!("  {DIM}{place}{DIM:#}"));
        let place = place.unwrap_or_default();
        self.fact("cluster", format_args!("{name}{share}{state}{place}"));
        if let Some(Origin {
            kind,
            object,
            location,
            ..
        }) = &cluster.destination_rule
        {
            self.fact(
                "",
                format_args!("shaped by {kind} {object}  {DIM}{location}{DIM:#}"),
            );
        }
        if cluster.exists && !is_special(&cluster.name) {
            self.fact("", format_args!("{}", endpoints(&cluster.endpoints)));
        }
    }

    fn mirror(&mut self, mirror: &Mirror) {
        let state = if mirror.exists {
            endpoints(&mirror.endpoints)
        } else {
            format!("{ERROR}does not exist{ERROR:#}")
        };
        self.fact(
            "mirror",
            format_args!(
                "{}% of requests are copied to {}",
                mirror.percent, mirror.cluster
            ),
        );
        self.fact("", format_args!("{state}"));
    }

    /// What is sent, once if all clusters get the same.
    fn upstream(&mut self, hop: &Hop) {
        let Some(request) = &hop.upstream_request else {
            return;
        };
        self.sends(request, None);
        for cluster in &hop.clusters {
            if let Some(other) = cluster
                .upstream_request
                .as_ref()
                .filter(|other| *other != request)
            {
                self.sends(other, Some(&cluster.name));
            }
        }
    }

    fn sends(&mut self, request: &UpstreamRequest, to: Option<&str>) {
        let to = to
            .map(|cluster| format!(" to {cluster}"))
            .unwrap_or_default();
        self.fact(
            "sends",
            format_args!(
                "{NAME}{} {}{NAME:#} {}, Host: {}{to}",
                request.method, request.path, request.protocol, request.authority
            ),
        );
        for (name, value) in &request.headers {
            self.fact("", format_args!("{name}: {value}"));
        }
    }

    fn outcome(&mut self, outcome: &Outcome) {
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
        if !outcome.body.is_empty() {
            self.line(format_args!("\n  {}", outcome.body.replace('\n', "\n  ")));
        }
    }

    fn draws(&mut self, draws: &Draws) {
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

/// `VirtualService default/reviews, rule 0, match 1`.
fn name_of(rule: &Rule) -> String {
    let Some(object) = &rule.virtual_service else {
        return "default route".to_owned();
    };
    let mut name = format!("VirtualService {object}");
    if let Some(rule) = rule.rule {
        let _ = write!(name, ", rule {rule}");
    }
    if let Some(match_) = rule.match_ {
        let _ = write!(name, ", match {match_}");
    }
    name
}

fn endpoints(endpoints: &[String]) -> String {
    match endpoints {
        [] => format!("{ERROR}no endpoint{ERROR:#}"),
        [one] => format!("endpoint {one}"),
        several if several.len() <= SHOWN => {
            format!("{} endpoints: {}", several.len(), several.join(", "))
        }
        many => format!("{} endpoints: {}, …", many.len(), many[..SHOWN].join(", ")),
    }
}

/// How many endpoints are named.
const SHOWN: usize = 5;

/// Whether a cluster of Istio's has no endpoints of its own.
fn is_special(cluster: &str) -> bool {
    !cluster.contains('|') && cluster.ends_with("Cluster")
}

fn percent(part: u32, whole: u32) -> f64 {
    f64::from(part) * 100.0 / f64::from(whole.max(1))
}
