//! What a route table makes of a test's request.

use proxy::effect::Reply;
use proxy::request::RequestHead;
use proxy::response::ResponseHead;
use proxy::response_flag::{Details, ResponseFlags};
use proxy::table::{Outcome as Resolved, Resolution, RouteId};
use serde_json::Value;
use xds::RouteAction;

use super::file::{HeaderValue, Input};
use crate::commands::test::routes::{INTERNAL_CLIENT, Routes};

/// What becomes of a request: what does not apply is empty, or 0.
pub(crate) struct Found {
    pub(crate) cluster: String,
    pub(crate) virtual_host: String,
    pub(crate) redirect: String,
    pub(crate) code: u16,
    /// What is sent upstream; none where the request is not forwarded.
    pub(crate) upstream: Option<RequestHead>,
    /// What was received.
    pub(crate) received: RequestHead,
    pub(crate) response_headers: Vec<(String, String)>,
}

impl Found {
    pub(crate) fn new(input: &Input, routes: &Routes) -> Result<Self, String> {
        let received = head_of(input);
        let random = random_value(input)?;
        let whole = routes.table.resolve(routes.config, &received);
        let resolution = part(&whole, !input.runtime.is_empty(), random);
        let mut found = Self {
            cluster: String::new(),
            virtual_host: String::new(),
            redirect: String::new(),
            code: 0,
            upstream: None,
            received,
            response_headers: Vec::new(),
        };
        let Some(route) = resolution.route else {
            found.answer(resolution);
            return Ok(found);
        };
        let is_forwarded = matches!(routes.table.route(route).action, RouteAction::Route(_));
        match &resolution.outcome {
            Resolved::Reply {
                details: Details::CorsPreflight,
                ..
            } => {
                return Err(
                    "the CORS filter answers this request before it is forwarded".to_owned(),
                );
            }
            Resolved::Reply { .. } if !is_forwarded => found.answer(resolution),
            Resolved::Reply { .. } | Resolved::Forward | Resolved::Passthrough(_) => {
                found.forward(resolution, route, random, routes);
            }
        }
        found.respond(resolution, input, random, routes);
        Ok(found)
    }

    /// The proxy answers itself.
    fn answer(&mut self, resolution: &Resolution) {
        let Resolved::Reply {
            status,
            details,
            headers,
            ..
        } = &resolution.outcome
        else {
            return;
        };
        if *details != Details::DirectResponse {
            return;
        }
        self.code = *status;
        let own = format!(
            "{}://{}{}",
            self.received.scheme, self.received.authority, self.received.path
        );
        let location = headers.iter().find(|(name, _)| name == "location");
        self.redirect = location.map_or(own, |(_, value)| value.clone());
    }

    fn forward(&mut self, resolution: &Resolution, route: RouteId, random: u64, routes: &Routes) {
        let table = &routes.table;
        table
            .virtual_host_name(route)
            .clone_into(&mut self.virtual_host);
        let position = position(resolution, route, random, routes);
        if let Some(cluster) = table.route_clusters(route).nth(position) {
            cluster.name.clone_into(&mut self.cluster);
        }
        self.upstream = resolution.upstream_heads.get(position).cloned();
        if let Some(head) = &mut self.upstream {
            // The router adds these, and not the route.
            head.headers.retain(|(name, _)| {
                let is_given = self.received.headers.iter().any(|(given, _)| given == name);
                is_given || !OF_THE_ROUTER.contains(&name.as_str())
            });
            head.headers.retain(|header| *header != internal_client());
        }
    }

    fn respond(&mut self, resolution: &Resolution, input: &Input, random: u64, routes: &Routes) {
        let cluster = resolution.route.and_then(|route| {
            let position = position(resolution, route, random, routes);
            routes.table.route_clusters(route).nth(position)
        });
        let reply = Reply {
            status: if self.code == 0 { 200 } else { self.code },
            grpc_status: None,
            truncated: false,
            flags: ResponseFlags::NONE,
            details: if self.upstream.is_some() {
                Details::ViaUpstream
            } else {
                Details::DirectResponse
            },
            attempts: 1,
            route: resolution.route,
            cluster: cluster.map(|cluster| cluster.id),
            endpoint: None,
        };
        let upstream = ResponseHead {
            headers: lower_case(&input.additional_response_headers),
            ..ResponseHead::of(200)
        };
        let upstream = self.upstream.is_some().then_some(&upstream);
        let response = routes
            .table
            .response(resolution, &self.received, &reply, upstream);
        self.response_headers = response.headers;
        self.response_headers
            .push((":status".to_owned(), response.status.to_string()));
    }

    pub(crate) fn host(&self) -> String {
        let upstream = self.upstream.as_ref();
        upstream
            .map(|head| head.authority.clone())
            .unwrap_or_default()
    }

    pub(crate) fn path(&self) -> String {
        let upstream = self.upstream.as_ref();
        upstream.map(|head| head.path.clone()).unwrap_or_default()
    }

    /// The request's headers as the route leaves them, pseudo headers among them.
    pub(crate) fn request_headers(&self) -> Vec<(String, String)> {
        let head = self.upstream.as_ref().unwrap_or(&self.received);
        let pseudo = [
            (":authority", &head.authority),
            (":path", &head.path),
            (":method", &head.method),
            (":scheme", &head.scheme),
        ];
        let pseudo = pseudo.map(|(name, value)| (name.to_owned(), value.clone()));
        pseudo
            .into_iter()
            .chain(head.headers.iter().cloned())
            .collect()
    }
}

fn head_of(input: &Input) -> RequestHead {
    let scheme = if input.ssl { "https" } else { "http" };
    let mut headers = vec![("x-forwarded-proto".to_owned(), scheme.to_owned())];
    if input.internal {
        headers.push(internal_client());
    }
    headers.extend(lower_case(&input.additional_request_headers));
    RequestHead {
        method: input.method.clone(),
        scheme: scheme.to_owned(),
        headers,
        ..RequestHead::get(&input.authority, &input.path)
    }
}

/// What makes a request internal.
fn internal_client() -> (String, String) {
    ("x-forwarded-for".to_owned(), INTERNAL_CLIENT.to_owned())
}

fn lower_case(headers: &[HeaderValue]) -> Vec<(String, String)> {
    let headers = headers.iter();
    headers
        .map(|header| (header.key.to_ascii_lowercase(), header.value.clone()))
        .collect()
}

fn random_value(input: &Input) -> Result<u64, String> {
    let number = match &input.random_value {
        None => Some(0),
        Some(Value::String(text)) => text.parse().ok(),
        Some(other) => other.as_u64(),
    };
    number.ok_or_else(|| "`random_value` is no whole number".to_owned())
}

/// What becomes of a request with this random value.
fn part(whole: &Resolution, has_runtime: bool, random: u64) -> &Resolution {
    let mut resolution = whole;
    while let Some(chance) = &resolution.chance {
        if has_runtime && chance.fraction.holds(random) {
            break;
        }
        resolution = &chance.otherwise;
    }
    resolution
}

/// The position of the cluster that the request, or else the random value, chooses.
fn position(resolution: &Resolution, route: RouteId, random: u64, routes: &Routes) -> usize {
    if let Some(chosen) = resolution.chosen_cluster {
        return usize::from(chosen);
    }
    let weights: Vec<u64> = routes
        .table
        .route_clusters(route)
        .map(|cluster| u64::from(cluster.weight))
        .collect();
    let total: u64 = weights.iter().sum();
    if weights.len() < 2 || total == 0 {
        return 0;
    }
    let mut left = random % total;
    let chosen = weights.iter().position(|weight| {
        let is_chosen = left < *weight;
        left = left.saturating_sub(*weight);
        is_chosen
    });
    chosen.unwrap_or(0)
}

/// Headers that a proxy adds whatever the route says.
const OF_THE_ROUTER: [&str; 2] = ["x-envoy-expected-rq-timeout-ms", "x-envoy-attempt-count"];
