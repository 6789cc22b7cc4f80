//! The form in which two configurations are compared.
//!
//! Lists whose order means nothing to Envoy are sorted: listeners, filter chains, tables, virtual hosts, clusters,
//! localities and endpoints. What follows is left out, on both sides, since meshsim has no word for it or since it changes
//! no decision about traffic:
//!
//! - telemetry: access logs, tracing, statistics' names and prefixes of listeners and clusters (a route's own prefix is
//!   compared), request ids, decorators, metadata (but for an endpoint's TLS mode), and the filters `istio.metadata_exchange`,
//!   `istio.stats`, `istio.alpn`, `grpc_stats`, `mongo_proxy`, `redis_proxy` and `mysql_proxy`;
//! - what HTTP filters are configured with, but for that which checks tokens: their names and their order are compared,
//!   and what routes tell them;
//! - sockets: how many connections one event accepts, options, load balancing among threads;
//! - certificates, names that are checked in them, and what upstreams are told of clients' own: of TLS contexts remain
//!   the application protocols, whether a client must show a certificate, and the server name;
//! - spelling: the case of header names in conditions, the order of conditions on query parameters, whether the body of a
//!   direct response is told as text or as bytes, a body without content, a health that is unknown instead of good (Envoy
//!   uses both), and options of HTTP/1.1 that say nothing;
//! - settings of HTTP/1.1 and HTTP/2 towards the client, the filter that translates gRPC-Web, and how long a connection's first bytes are waited for;
//! - where secrets, tables and endpoints come from (ADS), and how such configuration is checked.

use serde_json::{Map, Value, json};

/// A configuration, sorted and without what is left out.
#[derive(Clone, Default)]
pub(crate) struct Normal {
    pub(crate) listeners: Vec<Value>,
    pub(crate) routes: Vec<Value>,
    pub(crate) clusters: Vec<Value>,
    pub(crate) endpoints: Vec<Value>,
}

impl Normal {
    /// The normal form of lists of `listeners`, `routes`, `clusters` and `endpoints`.
    pub(crate) fn of(config: &Value) -> Self {
        let list = |key: &str, change: fn(&mut Map<String, Value>)| {
            let mut values = config[key].as_array().cloned().unwrap_or_default();
            values
                .iter_mut()
                .filter_map(Value::as_object_mut)
                .for_each(change);
            sort(&mut values);
            values
        };
        Self {
            listeners: list("listeners", listener),
            routes: list("routes", route_configuration),
            clusters: list("clusters", cluster),
            endpoints: list("endpoints", load_assignment),
        }
    }

    /// As one document; lists that are empty are left out.
    pub(crate) fn into_json(self) -> Value {
        let mut out = Map::new();
        let lists = [
            ("clusters", self.clusters),
            ("endpoints", self.endpoints),
            ("listeners", self.listeners),
            ("routes", self.routes),
        ];
        for (key, list) in lists {
            if !list.is_empty() {
                out.insert(key.into(), list.into());
            }
        }
        out.into()
    }
}

fn listener(listener: &mut Map<String, Value>) {
    drop_keys(
        listener,
        &[
            "accessLog",
            "enableReusePort",
            "maxConnectionsToAcceptPerSocketEvent",
            "metadata",
            "socketOptions",
            "continueOnListenerFiltersTimeout",
            "listenerFiltersTimeout",
            "connectionBalanceConfig",
        ],
    );
    for filter in objects(listener, "listenerFilters") {
        let name = filter["name"].clone();
        *filter = Map::from_iter([("name".into(), name)]);
    }
    objects(listener, "filterChains").for_each(filter_chain);
    sort_list(listener, "filterChains");
    if let Some(chain) = object(listener, "defaultFilterChain") {
        filter_chain(chain);
    }
}

fn filter_chain(chain: &mut Map<String, Value>) {
    drop_keys(chain, &["metadata"]);
    if object(chain, "filterChainMatch").is_some_and(|match_| match_.is_empty()) {
        chain.remove("filterChainMatch");
    }
    if let Some(socket) = object(chain, "transportSocket") {
        transport_socket(socket);
    }
    if let Some(filters) = chain.get_mut("filters").and_then(Value::as_array_mut) {
        filters.retain(|filter| !is_left_out(filter));
    }
    for filter in objects(chain, "filters") {
        filter.remove("name");
        let Some(config) = object(filter, "typedConfig") else {
            continue;
        };
        drop_keys(
            config,
            &["accessLog", "requestIdExtension", "statPrefix", "tracing"],
        );
        drop_keys(
            config,
            &[
                "proxy100Continue",
                "setCurrentClientCertDetails",
                "http2ProtocolOptions",
                "httpProtocolOptions",
            ],
        );
        if let Some(table) = object(config, "rds") {
            drop_keys(table, &["configSource"]);
        }
        if let Some(table) = object(config, "routeConfig") {
            route_configuration(table);
        }
        if let Some(filters) = config.get_mut("httpFilters").and_then(Value::as_array_mut) {
            filters.retain(|filter| !is_left_out(filter));
            filters.iter_mut().for_each(http_filter);
        }
    }
}

/// What remains of an HTTP filter.
fn http_filter(filter: &mut Value) {
    if filter["name"] == "envoy.filters.http.jwt_authn" {
        return;
    }
    *filter = filter["name"].clone();
}

/// Whether a filter plays no part in routing.
fn is_left_out(filter: &Value) -> bool {
    const LEFT_OUT: [&str; 8] = [
        "istio.metadata_exchange",
        "istio.stats",
        "istio.alpn",
        "envoy.filters.http.grpc_stats",
        "envoy.filters.http.grpc_web",
        "envoy.filters.network.mongo_proxy",
        "envoy.filters.network.redis_proxy",
        "envoy.filters.network.mysql_proxy",
    ];
    filter["name"]
        .as_str()
        .is_some_and(|name| LEFT_OUT.contains(&name))
}

fn route_configuration(table: &mut Map<String, Value>) {
    drop_keys(
        table,
        &[
            "maxDirectResponseBodySizeBytes",
            "metadata",
            "validateClusters",
        ],
    );
    for host in objects(table, "virtualHosts") {
        for route in objects(host, "routes") {
            drop_keys(route, &["decorator", "metadata"]);
            if let Some(condition) = object(route, "match") {
                for header in objects(condition, "headers") {
                    let name = header["name"].as_str().unwrap_or_default().to_lowercase();
                    header.insert("name".into(), name.into());
                }
                sort_list(condition, "queryParameters");
            }
            if let Some(response) = object(route, "directResponse") {
                direct_response(response);
            }
        }
    }
    sort_list(table, "virtualHosts");
}

/// Tells a body as text, if it is one.
fn direct_response(response: &mut Map<String, Value>) {
    let Some(body) = object(response, "body") else {
        return;
    };
    let bytes = body
        .get("inlineBytes")
        .and_then(Value::as_str)
        .and_then(base64);
    if let Some(text) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
        body.remove("inlineBytes");
        body.insert("inlineString".into(), text.into());
    }
    if body.get("inlineString").is_some_and(|text| text == "") {
        response.remove("body");
    }
}

/// The bytes behind the standard alphabet's text.
fn base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for byte in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|letter| *letter == byte)?;
        bits = (bits << 6) | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(out)
}

fn cluster(cluster: &mut Map<String, Value>) {
    drop_keys(cluster, &["altStatName", "filters", "metadata"]);
    if let Some(eds) = object(cluster, "edsClusterConfig") {
        drop_keys(eds, &["edsConfig"]);
    }
    if let Some(socket) = object(cluster, "transportSocket") {
        transport_socket(socket);
    }
    for choice in objects(cluster, "transportSocketMatches") {
        if let Some(socket) = object(choice, "transportSocket") {
            transport_socket(socket);
        }
    }
    if let Some(assignment) = object(cluster, "loadAssignment") {
        load_assignment(assignment);
    }
    if let Some(extensions) = object(cluster, "typedExtensionProtocolOptions") {
        extensions
            .values_mut()
            .filter_map(Value::as_object_mut)
            .for_each(protocol_options);
        extensions.retain(|_, options| !says_nothing(options));
        if extensions.is_empty() {
            cluster.remove("typedExtensionProtocolOptions");
        }
    }
}

fn protocol_options(options: &mut Map<String, Value>) {
    drop_keys(options, &["upstreamHttpProtocolOptions"]);
    if object(options, "commonHttpProtocolOptions").is_some_and(|common| common.is_empty()) {
        options.remove("commonHttpProtocolOptions");
    }
}

/// Whether options only say that HTTP/1.1 is spoken, as it is without them.
fn says_nothing(options: &Value) -> bool {
    let is_plain = options["explicitHttpConfig"] == json!({"httpProtocolOptions": {}});
    is_plain
        && options.as_object().is_some_and(|map| {
            map.keys()
                .all(|key| key == "@type" || key == "explicitHttpConfig")
        })
}

/// What remains of how connections are secured.
fn transport_socket(socket: &mut Map<String, Value>) {
    let name = socket["name"].clone();
    let mut out = Map::from_iter([("name".into(), name)]);
    if let Some(context) = object(socket, "typedConfig") {
        if let Some(sni) = context.remove("sni") {
            out.insert("sni".into(), sni);
        }
        if let Some(value) = context.remove("requireClientCertificate") {
            out.insert("requireClientCertificate".into(), value);
        }
        let common = object(context, "commonTlsContext");
        if let Some(protocols) = common.and_then(|common| common.remove("alpnProtocols")) {
            out.insert("alpnProtocols".into(), protocols);
        }
    }
    *socket = out;
}

fn load_assignment(assignment: &mut Map<String, Value>) {
    for locality in objects(assignment, "endpoints") {
        if object(locality, "locality").is_some_and(|locality| locality.is_empty()) {
            locality.remove("locality");
        }
        for endpoint in objects(locality, "lbEndpoints") {
            if endpoint
                .get("healthStatus")
                .is_some_and(|status| status == "HEALTHY")
            {
                endpoint.remove("healthStatus");
            }
            let by_filter = "/filterMetadata/envoy.transport_socket_match".to_owned();
            let mode = endpoint
                .remove("metadata")
                .and_then(|metadata| metadata.pointer(&by_filter).cloned());
            if let Some(mode) = mode {
                endpoint.insert("tls".into(), mode);
            }
        }
        sort_list(locality, "lbEndpoints");
    }
    sort_list(assignment, "endpoints");
}

fn drop_keys(map: &mut Map<String, Value>, keys: &[&str]) {
    for key in keys {
        map.remove(*key);
    }
}

fn object<'a>(map: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    map.get_mut(key)?.as_object_mut()
}

fn objects<'a>(
    map: &'a mut Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    let list = map.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn sort_list(map: &mut Map<String, Value>, key: &str) {
    if let Some(list) = map.get_mut(key).and_then(Value::as_array_mut) {
        sort(list);
    }
}

/// Sorts by name, and by all else where names are the same or missing.
fn sort(list: &mut [Value]) {
    list.sort_by_cached_key(|value| {
        (
            value["name"].as_str().unwrap_or("").to_owned(),
            value.to_string(),
        )
    });
}
