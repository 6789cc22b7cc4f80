//! One proxy on the way, as data, from what proxies are told.

use std::fmt;

use base::{Location, SimDuration};
use proxy::request::{Protocol, RequestHead};
use serde::Serialize;
use xds::{AbortStatus, HttpFault, Origin, RetryPolicy};

/// One proxy on the way, or the pod where one would be.
#[derive(Debug, Serialize)]
pub(crate) struct Hop {
    /// `<namespace>/<pod>`.
    pub(crate) proxy: String,
    pub(crate) direction: Direction,
    pub(crate) sidecar: bool,
    pub(crate) listener: Option<String>,
    pub(crate) route_config: Option<String>,
    pub(crate) virtual_host: Option<String>,
    pub(crate) route: Option<Route>,
    pub(crate) rejected: Vec<Rejected>,
    pub(crate) fault: Option<Fault>,
    pub(crate) timeout_ms: Option<Millis>,
    pub(crate) retry: Option<Retry>,
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) mirrors: Vec<Mirror>,
    pub(crate) upstream_request: Option<UpstreamRequest>,
    /// What the story says about how the request got here.
    #[serde(skip)]
    pub(crate) arrival: Vec<String>,
}

/// Which side of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    Outbound,
    Gateway,
    Inbound,
}

/// The route that decides.
#[derive(Debug, Serialize)]
pub(crate) struct Route {
    /// Envoy's name of the route.
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) rule: Rule,
    /// What it asks for, in words.
    #[serde(skip)]
    pub(crate) conditions: String,
}

/// The rule behind a route; all none for default routes.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Rule {
    /// `<namespace>/<name>` of the object, which may be a route of the Gateway API.
    pub(crate) virtual_service: Option<String>,
    /// The object's kind.
    #[serde(skip)]
    pub(crate) kind: &'static str,
    pub(crate) rule: Option<u32>,
    #[serde(rename = "match")]
    pub(crate) match_: Option<u32>,
    pub(crate) source: Option<Place>,
}

/// A place in a file.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// A route that came earlier and did not match.
#[derive(Debug, Serialize)]
pub(crate) struct Rejected {
    #[serde(flatten)]
    pub(crate) rule: Rule,
    pub(crate) reason: String,
}

/// What is injected.
#[derive(Debug, Serialize)]
pub(crate) struct Fault {
    pub(crate) delay: Option<Delay>,
    pub(crate) abort: Option<Abort>,
}

/// An injected delay.
#[derive(Debug, Serialize)]
pub(crate) struct Delay {
    pub(crate) fixed_ms: Millis,
    pub(crate) percent: f64,
}

/// An injected abort: one of the two statuses.
#[derive(Debug, Serialize)]
pub(crate) struct Abort {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grpc_status: Option<u8>,
    pub(crate) percent: f64,
}

/// When tries are repeated.
#[derive(Debug, Serialize)]
pub(crate) struct Retry {
    pub(crate) attempts: u32,
    pub(crate) retry_on: Vec<String>,
    pub(crate) per_try_timeout_ms: Option<Millis>,
    /// The codes of `retriable-status-codes`.
    #[serde(skip)]
    pub(crate) status_codes: Vec<u16>,
}

/// A cluster that the route names.
#[derive(Debug, Serialize)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) weight: u32,
    pub(crate) exists: bool,
    /// `<namespace>/<pod>`.
    pub(crate) endpoints: Vec<String>,
    pub(crate) upstream_request: Option<UpstreamRequest>,
    /// What is sent upstream, for whoever follows it.
    #[serde(skip)]
    pub(crate) head: Option<RequestHead>,
    /// The DestinationRule behind it.
    #[serde(skip)]
    pub(crate) destination_rule: Option<Origin>,
    /// The destination in the rule.
    #[serde(skip)]
    pub(crate) source: Option<Place>,
}

/// A cluster that gets copies.
#[derive(Debug, Serialize)]
pub(crate) struct Mirror {
    pub(crate) cluster: String,
    pub(crate) percent: f64,
    pub(crate) exists: bool,
    pub(crate) endpoints: Vec<String>,
}

/// What is sent upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct UpstreamRequest {
    pub(crate) method: String,
    pub(crate) scheme: String,
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) protocol: &'static str,
    pub(crate) headers: Vec<(String, String)>,
}

/// Milliseconds: whole where they are whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Millis(pub(crate) SimDuration);

impl Serialize for Millis {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nanos = self.0.as_nanos();
        if nanos.is_multiple_of(1_000_000) {
            serializer.serialize_u64(nanos / 1_000_000)
        } else {
            serializer.serialize_f64(nanos as f64 / 1e6)
        }
    }
}

impl From<&Location> for Place {
    fn from(location: &Location) -> Self {
        Self {
            file: location.file.to_string(),
            line: location.line,
            column: location.column,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl From<Option<&Origin>> for Rule {
    fn from(origin: Option<&Origin>) -> Self {
        origin.map_or_else(Self::default, |origin| Self {
            virtual_service: Some(origin.object.to_string()),
            kind: origin.kind,
            rule: origin.rule,
            match_: origin.match_block,
            source: Some(Place::from(&origin.location)),
        })
    }
}

impl From<&HttpFault> for Fault {
    fn from(fault: &HttpFault) -> Self {
        Self {
            delay: fault.delay.as_ref().map(|delay| Delay {
                fixed_ms: Millis(delay.fixed_delay),
                percent: delay.percentage.percent(),
            }),
            abort: fault.abort.as_ref().map(|abort| {
                let (http_status, grpc_status) = match abort.status {
                    AbortStatus::Http(status) => (Some(status), None),
                    AbortStatus::Grpc(status) => (None, Some(status)),
                };
                Abort {
                    http_status,
                    grpc_status,
                    percent: abort.percentage.percent(),
                }
            }),
        }
    }
}

impl From<&RetryPolicy> for Retry {
    fn from(policy: &RetryPolicy) -> Self {
        Self {
            attempts: policy.num_retries,
            retry_on: policy
                .retry_on
                .iter()
                .map(|condition| condition.as_str().to_owned())
                .collect(),
            per_try_timeout_ms: policy.per_try_timeout.map(Millis),
            status_codes: policy.retriable_status_codes.clone(),
        }
    }
}

impl From<&RequestHead> for UpstreamRequest {
    fn from(head: &RequestHead) -> Self {
        Self {
            method: head.method.clone(),
            scheme: head.scheme.clone(),
            authority: head.authority.clone(),
            path: head.path.clone(),
            protocol: match head.protocol {
                Protocol::Http1 => "HTTP/1.1",
                Protocol::Http2 => "HTTP/2",
            },
            headers: head.headers.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use xds::{FaultAbort, FaultDelay};

    #[test]
    fn milliseconds_are_whole_where_they_can_be() {
        let json =
            |nanos| serde_json::to_value(Millis(SimDuration::from_nanos(nanos))).expect("a number");
        assert_eq!(json(7_000_000_000), json!(7000));
        assert_eq!(json(500_000), json!(0.5));
    }

    #[test]
    fn faults_name_the_status_they_have() {
        let fault = HttpFault {
            delay: Some(FaultDelay {
                fixed_delay: SimDuration::from_secs(7),
                percentage: base::Ratio::ONE,
            }),
            abort: Some(FaultAbort {
                status: AbortStatus::Grpc(14),
                percentage: base::Ratio::hundred(10),
            }),
            max_active_faults: None,
            headers: vec![],
        };
        assert_eq!(
            serde_json::to_value(Fault::from(&fault)).expect("an object"),
            json!({
                "delay": {"fixed_ms": 7000, "percent": 100.0},
                "abort": {"grpc_status": 14, "percent": 10.0},
            })
        );
    }
}
