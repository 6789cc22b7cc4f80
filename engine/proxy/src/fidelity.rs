//! How true each behaviour of the data plane is, and which experiments on a real Envoy show it: the one table behind the
//! behaviours of docs/fidelity.md.

use Fidelity::{Approximate, Exact, NotSimulated};

/// How true a behaviour is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fidelity {
    /// As in Envoy.
    Exact,
    /// Close to it; the text says how it differs.
    Approximate(&'static str),
    /// Left out; the text says what happens instead.
    NotSimulated(&'static str),
}

/// A behaviour and how true it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// The part of a proxy that it belongs to.
    pub area: &'static str,
    /// What it is, in a few words.
    pub name: &'static str,
    /// How true it is.
    pub fidelity: Fidelity,
    /// The suites (`tests/live/experiments`), single experiments of theirs (`<suite>/<name>`) and specifications
    /// (`tests/specs`, with their ending) that show it.
    pub shown_by: &'static [&'static str],
}

/// All behaviours, by area.
pub const BEHAVIOURS: &[Behaviour] = &[
    // Requests before they are routed.
    row(
        REQUESTS,
        "dot segments, escapes and backslashes in paths (`normalize_path`)",
        Exact,
        &["paths-base", "paths-none"],
    ),
    row(
        REQUESTS,
        "slashes in a row (`merge_slashes`)",
        Exact,
        &["paths-merge"],
    ),
    row(
        REQUESTS,
        "escaped slashes: kept, refused, redirected, decoded",
        Exact,
        &["paths-reject", "paths-redirect", "paths-decode"],
    ),
    row(
        REQUESTS,
        "fragments: cut off, or refused without Istio's runtime values",
        Exact,
        &["paths-base/a fragment"],
    ),
    row(
        REQUESTS,
        "malformed requests: no host, no path, absolute URLs, unknown methods",
        Exact,
        &["local-replies"],
    ),
    row(
        REQUESTS,
        "headers with underscores: kept, refused, dropped",
        Exact,
        &["underscores-refused", "underscores-dropped"],
    ),
    row(
        REQUESTS,
        "the client's address behind trusted proxies, internal clients, stripped headers",
        Exact,
        &[
            "clients-of-a-sidecar",
            "clients-of-a-sidecar-within",
            "clients-of-an-edge",
            "clients-of-an-edge-within",
            "clients-behind-proxies",
            "edge",
            "not-internal",
        ],
    ),
    row(
        REQUESTS,
        "what internal clients ask for by `x-envoy-*` headers: timeouts, retries",
        Exact,
        &["internal", "not-internal"],
    ),
    row(
        REQUESTS,
        "`x-forwarded-proto`, the scheme and `require_tls`",
        Exact,
        &["clients-of-a-sidecar", "clients-of-an-edge"],
    ),
    row(
        REQUESTS,
        "upgrades (websocket, CONNECT)",
        Approximate(
            "they are refused unless configured; what follows one is a response like others",
        ),
        &["local-replies/an upgrade"],
    ),
    row(
        REQUESTS,
        "HTTP/1.0, trailers, `expect: 100-continue`",
        NotSimulated("requests are whole messages of HTTP/1.1 or HTTP/2"),
        &[],
    ),
    // Routing.
    row(
        ROUTING,
        "virtual hosts: exact, suffix and prefix domains, ports ignored",
        Exact,
        &["hosts", "hosts-without-ports", "routing"],
    ),
    row(
        ROUTING,
        "paths: exact, prefix, separated prefix, regular expressions, case",
        Exact,
        &["matching", "routing"],
    ),
    row(
        ROUTING,
        "conditions on headers and query parameters",
        Exact,
        &["matching", "routing"],
    ),
    row(
        ROUTING,
        "regular expressions as RE2 takes them, byte by byte",
        Exact,
        &["matching", "routing.md"],
    ),
    row(
        ROUTING,
        "weighted clusters",
        Exact,
        &["weights", "traffic/weights of 10 and 90"],
    ),
    row(
        ROUTING,
        "clusters that a header names (`cluster_header`)",
        Exact,
        &["cluster-header"],
    ),
    row(ROUTING, "redirects", Exact, &["rewriting", "local-replies"]),
    row(ROUTING, "direct responses", Exact, &["local-replies"]),
    row(
        ROUTING,
        "rewrites of paths and authorities",
        Exact,
        &["rewriting", "rewrites"],
    ),
    row(
        ROUTING,
        "changes to request and response headers, at every level",
        Exact,
        &["headers", "headers-specific", "rewriting"],
    ),
    row(
        ROUTING,
        "CORS: preflights and headers of responses",
        Exact,
        &["cors"],
    ),
    row(
        ROUTING,
        "configuration that changes under way",
        Exact,
        &["pushes"],
    ),
    // Faults and mirrors.
    row(
        FILTERS,
        "faults: delays and aborts, their order and their dice",
        Exact,
        &["faults", "active-faults", "failures"],
    ),
    row(FILTERS, "mirrored copies", Exact, &["mirrors", "traffic"]),
    row(
        FILTERS,
        "tokens: where they are, what is wrong with them, their signatures, routes by their claims",
        Exact,
        &[
            "mesh-tokens",
            "mesh-tokens-places",
            "mesh-tokens-several",
            "mesh-tokens-apart",
            "mesh-tokens-inbound",
            "jwt.md",
        ],
    ),
    row(
        FILTERS,
        "tokens: time, and keys of other kinds",
        Approximate(
            "tokens are judged by one time all through a run; ES512 is refused; keys that nobody has are taken for good, and that is said",
        ),
        &["jwt.md"],
    ),
    row(
        FILTERS,
        "rate limits, external authorisation and authorisation policies, Lua, WebAssembly",
        NotSimulated("such filters are left out, and said"),
        &[],
    ),
    // Time.
    row(
        TIME,
        "the route's timeout: what starts it and what it spans",
        Exact,
        &["timeouts", "timeouts.md"],
    ),
    row(
        TIME,
        "per-try and per-try idle timeouts",
        Exact,
        &["timeouts"],
    ),
    row(TIME, "`grpc-timeout`", Exact, &["timeouts"]),
    row(
        TIME,
        "stream idle, request, request headers and maximal stream durations",
        Exact,
        &["listener-timeouts"],
    ),
    row(
        TIME,
        "connect timeouts",
        Exact,
        &["pools", "timeouts", "retry-matrix"],
    ),
    // Retries.
    row(
        RETRIES,
        "every condition of `retryOn` on every kind of failure",
        Exact,
        &["retry-matrix"],
    ),
    row(
        RETRIES,
        "attempts, limits, back-off",
        Exact,
        &["failures", "retries.md"],
    ),
    row(
        RETRIES,
        "hosts and priorities that retries avoid",
        Exact,
        &["failures", "retries.md"],
    ),
    row(
        RETRIES,
        "retry budgets and `max_retries`",
        Exact,
        &["traffic", "retries.md"],
    ),
    row(
        RETRIES,
        "hedging",
        NotSimulated("Istio never asks for it"),
        &[],
    ),
    // Hosts.
    row(
        HOSTS,
        "ROUND_ROBIN, LEAST_REQUEST and RANDOM, with and without weights",
        Exact,
        &["balancing", "first-turns", "traffic", "load-balancing.md"],
    ),
    row(
        HOSTS,
        "RING_HASH and MAGLEV: the very host of each key",
        Exact,
        &["hashing", "load-balancing.md"],
    ),
    row(
        HOSTS,
        "cookies that hash policies make",
        Approximate(
            "hosts are chosen by them and responses set them; of simulated clients, users of `sessions` keep them",
        ),
        &["hashing", "cookies"],
    ),
    row(
        HOSTS,
        "load that endpoints' policies drop (`drop_overloads`)",
        Exact,
        &["drops"],
    ),
    row(
        HOSTS,
        "PASSTHROUGH",
        Approximate("a request goes where it was dialled, over a connection of its own"),
        &[],
    ),
    row(
        HOSTS,
        "localities, priorities, overprovisioning, panic",
        Exact,
        &["balancing", "balancing-pushes", "load-balancing.md"],
    ),
    row(
        HOSTS,
        "slow start",
        Exact,
        &["balancing-pushes", "load-balancing.md"],
    ),
    row(
        HOSTS,
        "outlier detection of every kind",
        Exact,
        &["outliers", "ejections"],
    ),
    row(
        HOSTS,
        "active health checks",
        NotSimulated("Istio never asks proxies for them"),
        &[],
    ),
    // Connections.
    row(
        CONNECTIONS,
        "pools of HTTP/1.1 and HTTP/2, per worker",
        Exact,
        &["pools", "pools-workers", "pools-pushed"],
    ),
    row(
        CONNECTIONS,
        "the ends of connections and of streams on them",
        Exact,
        &["connections", "timeouts"],
    ),
    row(
        CONNECTIONS,
        "circuit breakers: connections, waiting requests, requests, retries",
        Exact,
        &["pools", "traffic", "gotchas/destination-rules.md"],
    ),
    row(
        CONNECTIONS,
        "TLS handshakes",
        Approximate("they cost nothing; whether they succeed follows from listeners' chains"),
        &["mesh-inbound"],
    ),
    row(
        CONNECTIONS,
        "flow control and buffers",
        Approximate("bodies are bytes that count against the retry buffer alone"),
        &["timeouts"],
    ),
    row(
        CONNECTIONS,
        "TCP proxying, with weights per connection",
        Approximate(
            "an answered exchange is recorded with status 200 where Envoy says 0; one attempt to connect, as Istio leaves it",
        ),
        &["tcp", "tcp.md", "gateways.md"],
    ),
    // What is told.
    row(
        TOLD,
        "response flags and response code details",
        Exact,
        &["local-replies", "failures", "retry-matrix"],
    ),
    row(
        TOLD,
        "status, body and headers of local replies, gRPC's included",
        Exact,
        &["local-replies"],
    ),
    row(
        TOLD,
        "headers that proxies add: tries, timeouts, original paths and hosts",
        Exact,
        &["rewriting", "timeouts", "mesh-headers"],
    ),
    row(
        TOLD,
        "counters of clusters and listeners, by Envoy's names",
        Exact,
        &["traffic", "failures"],
    ),
    // Meshes.
    row(
        MESHES,
        "routes and traffic at random",
        Exact,
        &["random-routes", "random-traffic"],
    ),
    row(
        MESHES,
        "an Envoy without a mesh, by its bootstrap",
        Exact,
        &["any-envoy"],
    ),
    row(
        MESHES,
        "a client's sidecar as Pilot sets it up",
        Exact,
        &["mesh-canary", "mesh-headers", "mesh-timeouts"],
    ),
    row(
        MESHES,
        "a server's sidecar as Pilot sets it up",
        Exact,
        &["mesh-inbound"],
    ),
    row(
        MESHES,
        "a gateway as Pilot sets it up",
        Exact,
        &["mesh-gateway"],
    ),
];

const REQUESTS: &str = "Requests before they are routed";
const ROUTING: &str = "Routing";
const FILTERS: &str = "Faults, mirrors and other filters";
const TIME: &str = "Timers";
const RETRIES: &str = "Retries";
const HOSTS: &str = "Choosing hosts";
const CONNECTIONS: &str = "Connections";
const TOLD: &str = "What is told of a request";
const MESHES: &str = "Proxies of a mesh";

const fn row(
    area: &'static str,
    name: &'static str,
    fidelity: Fidelity,
    shown_by: &'static [&'static str],
) -> Behaviour {
    Behaviour {
        area,
        name,
        fidelity,
        shown_by,
    }
}
