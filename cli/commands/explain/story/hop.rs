//! One proxy on the way: where the request arrives, what decides, and what is sent on.

use xds::Origin;

use super::{Story, percent};
use crate::output::{DIM, ERROR, NAME, WARNING};
use explain::model::{Cluster, Direction, Fault, Hop, Mirror, Retry, UpstreamRequest};

impl Story<'_> {
    pub(super) fn hop(&mut self, hop: &Hop, index: usize) {
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
        self.tokens(hop);
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
