//! What is expected of a single request: where it goes and what becomes of it, decided as `explain` decides it.

use crate::place::{Place, Placed};
use crate::reader::{Cursor, Fields, Reader};
use crate::request::{HEADERS, METHOD, Request, URL};
use crate::shape::{Object, Shape, field};
use base::{SimDuration, SimTime};
use explain::model::OutcomeKind;

/// An expectation of a single request.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestExpectation {
    /// Its name.
    pub name: String,
    /// The pod or the workload that sends, or the Gateway, as written; none with `envoy`.
    pub from: Option<Placed<String>>,
    /// `from` names a Gateway.
    pub through_gateway: bool,
    /// The listener of the Envoy in `envoy` at which it arrives; none: that of the URL's address.
    pub listener: Option<Placed<String>>,
    /// What is sent.
    pub request: Request,
    /// When: under the manifests and settings of that time.
    pub at: SimTime,
    /// What is expected.
    pub want: Decision,
    /// Where it is written.
    pub place: Place,
}

/// What is decided about a request; what is none may be anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// In which way it goes.
    pub outcome: Option<OutcomeKind>,
    /// The status that the proxies answer with.
    pub status: Option<u16>,
    /// Envoy's response flags.
    pub flags: Option<String>,
    /// The Service, host or cluster that it is sent to.
    pub to: Option<Placed<String>>,
    /// The subset of that; empty for none.
    pub subset: Option<String>,
    /// The part of such requests that is sent there; none: all.
    pub weight: Option<f64>,
    /// How many tries there may be.
    pub tries: Option<u32>,
    /// The timeout of its route; zero for none.
    pub timeout: Option<SimDuration>,
    /// The path that is sent on.
    pub path: Option<String>,
    /// The authority that is sent on.
    pub authority: Option<String>,
    /// Headers that are sent on, names in lower case; empty: it is not there.
    pub headers: Vec<(String, String)>,
    /// Where a redirect sends the client.
    pub location: Option<String>,
    /// Headers that the client receives, names in lower case; empty: it is not there.
    pub response_headers: Vec<(String, String)>,
    /// A part of the body that the client receives; empty for none.
    pub body: Option<String>,
    /// The object whose rule decides: `<namespace>/<name>`.
    pub rule: Option<String>,
    /// A Service, host or cluster that gets copies.
    pub mirror: Option<Placed<String>>,
}

/// An entry of `expect` about a single request.
pub(crate) static REQUEST_EXPECTATION: Object = Object {
    name: "requestExpectation",
    about: "A single request, and where it goes or what becomes of it: decided without simulation, as `meshsim explain` \
            does it. All that is written must hold.",
    fields: &[
        field(
            "name",
            Shape::Text,
            "Its name in reports; if not written, what it says.",
        ),
        field("request", Shape::Object(&ASKED), "The request."),
        field(
            "at",
            Shape::Duration,
            "Under the manifests of this time of the run, and what Canaries and Rollouts have made of them by then; those of its \
             start if not written.",
        ),
        field(
            "outcome",
            Shape::Word(&OUTCOMES),
            "In which way it goes, in the words of `meshsim explain -o json`.",
        ),
        field(
            "status",
            Shape::Status,
            "The status that a proxy answers with; a destination's own answer is not known without a run.",
        ),
        field(
            "flags",
            Shape::Text,
            "Envoy's response flags, such as `NR` or `UH`; `-` for none.",
        ),
        field(
            "to",
            Shape::Text,
            "Where it is sent: a Service, written `namespace/name`, a host that no Service has, or a cluster by Envoy's \
             name. Behind egress gateways it is where the last of them sends it.",
        ),
        field(
            "subset",
            Shape::Text,
            "The subset of the destination; empty for none.",
        ),
        field(
            "weight",
            Shape::Percentage,
            "The part of such requests that is sent there; all of them if not written.",
        ),
        field(
            "tries",
            Shape::Whole(1),
            "How many tries there may be: the first, and the retries of the client's proxy.",
        ),
        field(
            "timeout",
            Shape::Duration,
            "The timeout of the route; `0s` for none.",
        ),
        field(
            "path",
            Shape::Text,
            "The path that is sent on, with its query.",
        ),
        field("authority", Shape::Text, "The authority that is sent on."),
        field(
            "headers",
            Shape::Texts,
            "Headers that are sent on there, by name; empty for one that is not there.",
        ),
        field(
            "location",
            Shape::Text,
            "Where a redirect sends the client.",
        ),
        field(
            "responseHeaders",
            Shape::Texts,
            "Headers that proxies give the client, by name; empty for one that is not there. Those of a destination's own \
             answer are not known without a run.",
        ),
        field(
            "body",
            Shape::Text,
            "A part of the body that the client receives: that of a proxy's own answer, or what `body` in `workloads` or the \
             catalogue says of the destination; empty for none.",
        ),
        field(
            "rule",
            Shape::Text,
            "The VirtualService or route of the Gateway API whose rule decides, written `namespace/name`; empty for none.",
        ),
        field(
            "mirror",
            Shape::Text,
            "Who gets copies, written as in `to`; empty for nobody.",
        ),
    ],
    required: &["request"],
    one_of: &[],
};

static ASKED: Object = Object {
    name: "askedRequest",
    about: "A request that is asked about.",
    fields: &[
        field(
            "from",
            Shape::Text,
            "The pod, or the workload of which the first pod sends, written `namespace/name`; not written with `envoy`.",
        ),
        field(
            "gateway",
            Shape::Text,
            "Instead of `from`: the Gateway through which it comes from outside of the mesh, written `namespace/name`.",
        ),
        field(
            "listener",
            Shape::Text,
            "The name of the Envoy's listener at which it arrives, with `envoy`.",
        ),
        URL,
        METHOD,
        HEADERS,
    ],
    required: &["url"],
    one_of: &[],
};

/// The words of outcomes, in the order of [`OUTCOME_KINDS`].
const OUTCOMES: [&str; 13] = [
    "forwarded",
    "redirect",
    "direct_response",
    "cors_preflight",
    "token_refused",
    "fault_abort",
    "no_route",
    "no_cluster",
    "no_healthy_upstream",
    "passthrough",
    "blackhole",
    "no_listener",
    "no_sidecar",
];

impl RequestExpectation {
    pub(super) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let fields = reader.object(node, &REQUEST_EXPECTATION)?;
        let name = fields.get("name").and_then(|node| reader.text(&node));
        let asked = fields.get("request")?;
        let asked_fields = reader.object(&asked, &ASKED)?;
        let (from, through_gateway) = read_from(reader, &asked_fields);
        let listener = asked_fields
            .get("listener")
            .and_then(|node| reader.placed_text(&node));
        if reader.envoy().is_none()
            && let Some(node) = asked_fields.get("listener")
        {
            reader.invalid(&node, "`listener` goes with `envoy`".to_owned(), "");
        }
        let request = Request::read(reader, &asked_fields);
        let at = fields.get("at").and_then(|node| read_at(reader, &node));
        let want = Decision::read(reader, &fields);
        let is_empty =
            (node.entries().iter()).all(|field| ["name", "request", "at"].contains(&field.name()));
        if is_empty {
            reader.missing(
                &fields,
                "what is expected, such as `to`, `status` or `outcome`",
            );
        }
        Some(Self {
            name: name.unwrap_or_else(|| describe(&fields)),
            from,
            through_gateway,
            listener,
            request: request?,
            at: at.unwrap_or(SimTime::ZERO),
            want: want?,
            place: node.place(),
        })
    }
}

impl Decision {
    fn read(reader: &mut Reader, fields: &Fields<'_>) -> Option<Self> {
        let text = |reader: &mut Reader, name: &str| fields.get(name).and_then(|n| reader.text(&n));
        let outcome = fields
            .get("outcome")
            .and_then(|node| reader.word(&node, &OUTCOMES))
            .and_then(|word| {
                let place = OUTCOMES.iter().position(|known| *known == word)?;
                OUTCOME_KINDS.get(place).copied()
            });
        let decision = Self {
            outcome,
            status: fields.get("status").and_then(|node| reader.status(&node)),
            flags: text(reader, "flags"),
            to: fields
                .get("to")
                .and_then(|node| read_destination(reader, &node)),
            subset: text(reader, "subset"),
            weight: fields
                .get("weight")
                .and_then(|node| reader.percentage(&node)),
            tries: fields.get("tries").and_then(|node| reader.whole(&node, 1)),
            timeout: fields
                .get("timeout")
                .and_then(|node| reader.duration(&node)),
            path: text(reader, "path"),
            authority: text(reader, "authority"),
            headers: read_headers(reader, fields, "headers"),
            location: text(reader, "location"),
            response_headers: read_headers(reader, fields, "responseHeaders"),
            body: text(reader, "body"),
            rule: text(reader, "rule").map(|rule| qualified(reader, rule)),
            mirror: fields
                .get("mirror")
                .and_then(|node| read_destination(reader, &node)),
        };
        if let Some(node) = fields.get("weight")
            && decision.to.is_none()
            && decision.subset.is_none()
        {
            reader.invalid(&node, "`weight` goes with `to` or `subset`".to_owned(), "");
            return None;
        }
        Some(decision)
    }
}

/// All outcomes, in the order of [`OUTCOMES`].
const OUTCOME_KINDS: [OutcomeKind; 13] = [
    OutcomeKind::Forwarded,
    OutcomeKind::Redirect,
    OutcomeKind::DirectResponse,
    OutcomeKind::CorsPreflight,
    OutcomeKind::TokenRefused,
    OutcomeKind::FaultAbort,
    OutcomeKind::NoRoute,
    OutcomeKind::NoCluster,
    OutcomeKind::NoHealthyUpstream,
    OutcomeKind::Passthrough,
    OutcomeKind::Blackhole,
    OutcomeKind::NoListener,
    OutcomeKind::NoSidecar,
];

fn read_from(reader: &mut Reader, fields: &Fields<'_>) -> (Option<Placed<String>>, bool) {
    let (from, gateway) = (fields.get("from"), fields.get("gateway"));
    match (&from, &gateway, reader.envoy().is_some()) {
        (Some(_), Some(gateway), _) => {
            let message = "`from` and `gateway` exclude each other: give one".to_owned();
            reader.invalid(gateway, message, "");
        }
        (None, None, false) => reader.missing(fields, "`from` or `gateway`"),
        (Some(node), None, true) | (None, Some(node), true) => {
            let message = format!("`{}` does not go with `envoy`", node.name());
            let help = "leave it out: requests arrive at the Envoy's listeners";
            reader.invalid(node, message, help);
        }
        (Some(_), None, false) | (None, Some(_), false) | (None, None, true) => {}
    }
    let through_gateway = gateway.is_some();
    let node = from.or(gateway);
    let name = node.and_then(|node| reader.placed_text(&node));
    (name, through_gateway)
}

fn read_headers(reader: &mut Reader, fields: &Fields<'_>, field: &str) -> Vec<(String, String)> {
    let Some(node) = fields.get(field) else {
        return Vec::new();
    };
    let headers = reader.texts(&node).into_iter();
    headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect()
}

fn read_at(reader: &mut Reader, node: &Cursor<'_>) -> Option<SimTime> {
    let at = reader.time(node)?;
    let end = SimTime::ZERO + reader.times().duration;
    if at < end {
        return Some(at);
    }
    let message = format!("{at} is not before the end of the run at {end}");
    reader.invalid(node, message, "");
    None
}

/// A Service as `namespace/name`, or a host or a cluster as it is.
fn read_destination(reader: &mut Reader, node: &Cursor<'_>) -> Option<Placed<String>> {
    let text = reader.text(node)?;
    let name = match text.strip_suffix(".svc.cluster.local") {
        Some(rest) if !text.contains('|') => match rest.split_once('.') {
            Some((name, namespace)) => format!("{namespace}/{name}"),
            None => text,
        },
        Some(_) | None => qualified(reader, text),
    };
    Some(Placed::new(name, node.place()))
}

/// A lone name with the scenario's namespace; anything else as it is.
fn qualified(reader: &Reader, text: String) -> String {
    let is_lone = text
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if is_lone && !text.is_empty() && reader.envoy().is_none() {
        format!("{}/{text}", reader.namespace())
    } else {
        text
    }
}

/// A name for an expectation that has none: `GET http://reviews/ from client: to reviews, subset v2`.
fn describe(fields: &Fields<'_>) -> String {
    let request: Vec<Cursor<'_>> = fields
        .get("request")
        .map(|node| node.entries())
        .unwrap_or_default();
    let asked = |name: &str| {
        let found = request.iter().find(|entry| entry.name() == name);
        found.map(Cursor::source_text)
    };
    let method = asked("method").unwrap_or_else(|| "GET".to_owned());
    let url = asked("url").unwrap_or_default();
    let from = asked("from").map(|from| format!(" from {from}"));
    let gateway = asked("gateway").map(|gateway| format!(" through {gateway}"));
    let headers = asked("headers").map(|headers| format!(" with {headers}"));
    let extras: String = [from, gateway, headers].into_iter().flatten().collect();
    let wants: Vec<String> = fields
        .iter()
        .filter(|field| !["name", "request"].contains(&field.name()))
        .map(|field| format!("{} {}", field.name(), field.source_text()))
        .collect();
    format!("{method} {url}{extras}: {}", wants.join(", "))
}
