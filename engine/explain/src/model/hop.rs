//! One proxy on the way, as data, from what proxies are told.

use std::fmt;

use base::{Location, SimDuration};
use proxy::request::{Protocol, RequestHead};
use proxy::trace::TokenTrace;
use serde::Serialize;
use xds::{AbortStatus, HttpFault, Origin, RetryPolicy};

/// One proxy on the way, or the pod where one would be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hop {
    /// `<namespace>/<pod>`.
    pub proxy: String,
    /// Which side of it.
    pub direction: Direction,
    /// Its pod has a sidecar.
    pub sidecar: bool,
    /// The listener that takes the connection, by Envoy's name.
    pub listener: Option<String>,
    /// The route table that its filter chain names.
    pub route_config: Option<String>,
    /// What the proxy makes of tokens; none: it looks for none.
    pub tokens: Option<Vec<TokenCheck>>,
    /// The virtual host that takes the authority.
    pub virtual_host: Option<String>,
    /// The route that decides.
    pub route: Option<Route>,
    /// Routes that came earlier and did not match.
    pub rejected: Vec<Rejected>,
    /// What is injected.
    pub fault: Option<Fault>,
    /// How long the request may take; none: for ever.
    pub timeout_ms: Option<Millis>,
    /// When tries are repeated.
    pub retry: Option<Retry>,
    /// The clusters that the route names, with their weights.
    pub clusters: Vec<Cluster>,
    /// The clusters that get copies.
    pub mirrors: Vec<Mirror>,
    /// What is sent to the likeliest cluster.
    pub upstream_request: Option<UpstreamRequest>,
    /// What the story says about how the request got here.
    #[serde(skip)]
    pub arrival: Vec<String>,
}

/// A token, and what the proxy makes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenCheck {
    /// Where it is.
    pub place: Option<String>,
    /// It is good.
    pub is_good: bool,
    /// What is said of it: Envoy's words where it is not good.
    pub verdict: String,
    /// `<namespace>/<name>` of the RequestAuthentication that decides.
    pub request_authentication: Option<String>,
    /// The place of its rule.
    pub rule: Option<u32>,
    /// Where that is written.
    pub source: Option<Place>,
}

/// Which side of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// For requests that leave the pod.
    Outbound,
    /// A gateway.
    Gateway,
    /// For requests that reach the pod.
    Inbound,
}

/// The route that decides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Route {
    /// Envoy's name of the route.
    pub name: String,
    /// The rule behind it.
    #[serde(flatten)]
    pub rule: Rule,
    /// What it asks for, in words.
    #[serde(skip)]
    pub conditions: String,
}

/// The rule behind a route; all none for default routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// `<namespace>/<name>` of the object, which may be a route of the Gateway API.
    pub virtual_service: Option<String>,
    /// The object's kind.
    #[serde(skip)]
    pub kind: &'static str,
    /// The place of the rule among those of its object.
    pub rule: Option<u32>,
    /// The place of the condition in the rule.
    #[serde(rename = "match")]
    pub match_: Option<u32>,
    /// Where it is written.
    pub source: Option<Place>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1.
    pub column: u32,
}

/// A route that came earlier and did not match.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rejected {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// Why it does not match.
    pub reason: String,
}

/// What is injected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fault {
    /// A delay.
    pub delay: Option<Delay>,
    /// An answer in place of the server's.
    pub abort: Option<Abort>,
}

/// An injected delay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delay {
    /// How long.
    pub fixed_ms: Millis,
    /// Of how many requests.
    pub percent: f64,
}

/// An injected abort: one of the two statuses.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Abort {
    /// A status of HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// A status of gRPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_status: Option<u8>,
    /// Of how many requests.
    pub percent: f64,
}

/// When tries are repeated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Retry {
    /// How many times at most.
    pub attempts: u32,
    /// On what, in Envoy's words.
    pub retry_on: Vec<String>,
    /// How long each try may take.
    pub per_try_timeout_ms: Option<Millis>,
    /// The codes of `retriable-status-codes`.
    #[serde(skip)]
    pub status_codes: Vec<u16>,
}

/// A cluster that the route names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cluster {
    /// Envoy's name.
    pub name: String,
    /// Its weight among those of the route; 100 for the only one.
    pub weight: u32,
    /// The proxy knows it.
    pub exists: bool,
    /// `<namespace>/<pod>`.
    pub endpoints: Vec<String>,
    /// What is sent to it.
    pub upstream_request: Option<UpstreamRequest>,
    /// What is sent upstream, for whoever follows it.
    #[serde(skip)]
    pub head: Option<RequestHead>,
    /// The headers of the client's response where it answers 200; none where it is not asked.
    #[serde(skip)]
    pub response_headers: Option<Vec<(String, String)>>,
    /// The DestinationRule behind it.
    #[serde(skip)]
    pub destination_rule: Option<Origin>,
    /// The destination in the rule.
    #[serde(skip)]
    pub source: Option<Place>,
}

/// A cluster that gets copies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mirror {
    /// Envoy's name of the cluster.
    pub cluster: String,
    /// Of how many requests.
    pub percent: f64,
    /// The proxy knows it.
    pub exists: bool,
    /// `<namespace>/<pod>`.
    pub endpoints: Vec<String>,
}

/// What is sent upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UpstreamRequest {
    /// The method.
    pub method: String,
    /// The scheme.
    pub scheme: String,
    /// The authority.
    pub authority: String,
    /// The path with its query.
    pub path: String,
    /// `HTTP/1.1` or `HTTP/2`.
    pub protocol: &'static str,
    /// Further headers, with those that the proxy adds for certain.
    pub headers: Vec<(String, String)>,
}

/// Milliseconds: whole where they are whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Millis(pub SimDuration);

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

impl TokenCheck {
    /// All checks of a request.
    pub(crate) fn all(tokens: &TokenTrace) -> Vec<Self> {
        let of = |place: Option<&String>, origin: Option<&Origin>| Self {
            place: place.cloned(),
            is_good: true,
            verdict: String::new(),
            request_authentication: origin.map(|origin| origin.object.to_string()),
            rule: origin.and_then(|origin| origin.rule),
            source: origin.map(|origin| Place::from(&origin.location)),
        };
        let good = tokens.good.iter().map(|good| Self {
            verdict: match good.is_believed {
                true => "taken at its word, since nobody gives its keys",
                false => "good",
            }
            .to_owned(),
            ..of(Some(&good.place), good.origin.as_ref())
        });
        let refused = tokens.refused.iter().map(|refused| Self {
            is_good: false,
            verdict: refused.status.message().to_owned(),
            ..of(refused.place.as_ref(), refused.origin.as_ref())
        });
        good.chain(refused).collect()
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
            ..HttpFault::default()
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
