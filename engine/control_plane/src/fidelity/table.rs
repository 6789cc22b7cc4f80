//! The table, by kind and field.

use super::Fidelity::{Approximate, Exact, NotSimulated};
use super::other_kinds::{NO_CONNECTION_IS_REFUSED, NO_PODS};
use super::{Fidelity, Row};

/// All rows.
pub fn rows() -> &'static [Row] {
    ROWS
}

const ROWS: &[Row] = &[
    virtual_service("spec.hosts", Exact),
    virtual_service("spec.gateways", Exact),
    virtual_service("spec.exportTo", Exact),
    virtual_service("spec.http", Exact),
    virtual_service("spec.http.name", Exact),
    virtual_service("spec.http.match", Exact),
    virtual_service("spec.http.match.name", Exact),
    virtual_service("spec.http.match.uri", Exact),
    virtual_service("spec.http.match.ignoreUriCase", Exact),
    virtual_service("spec.http.match.scheme", Exact),
    virtual_service("spec.http.match.method", Exact),
    virtual_service("spec.http.match.authority", Exact),
    virtual_service("spec.http.match.headers", Exact),
    virtual_service("spec.http.match.withoutHeaders", Exact),
    virtual_service("spec.http.match.queryParams", Exact),
    virtual_service("spec.http.match.port", Exact),
    virtual_service("spec.http.match.sourceLabels", Exact),
    virtual_service("spec.http.match.sourceNamespace", Exact),
    virtual_service("spec.http.match.gateways", Exact),
    virtual_service(
        "spec.http.match.statPrefix",
        NotSimulated("no statistics are kept by route"),
    ),
    virtual_service("spec.http.route", Exact),
    virtual_service("spec.http.route.destination", Exact),
    virtual_service("spec.http.route.weight", Exact),
    virtual_service("spec.http.route.headers", Exact),
    virtual_service("spec.http.redirect", Exact),
    virtual_service("spec.http.directResponse", Exact),
    virtual_service("spec.http.delegate", Exact),
    virtual_service("spec.http.rewrite", Exact),
    virtual_service("spec.http.timeout", Exact),
    virtual_service("spec.http.retries.attempts", Exact),
    virtual_service("spec.http.retries.retryOn", Exact),
    virtual_service("spec.http.retries.perTryTimeout", Exact),
    virtual_service("spec.http.retries.backoff", Exact),
    virtual_service("spec.http.retries.retryIgnorePreviousHosts", Exact),
    virtual_service(
        "spec.http.retries.retryRemoteLocalities",
        Approximate("decided as Envoy's source says; not compared with a running Envoy yet"),
    ),
    virtual_service("spec.http.fault.delay", Exact),
    virtual_service("spec.http.fault.abort", Exact),
    virtual_service("spec.http.mirror", Exact),
    virtual_service("spec.http.mirrors", Exact),
    virtual_service("spec.http.mirrorPercent", Exact),
    virtual_service("spec.http.mirrorPercentage", Exact),
    virtual_service("spec.http.corsPolicy", Exact),
    virtual_service("spec.http.headers", Exact),
    virtual_service("spec.tcp", Exact),
    virtual_service("spec.tls", Exact),
    destination_rule("spec.host", Exact),
    destination_rule("spec.exportTo", Exact),
    destination_rule("spec.workloadSelector", Exact),
    destination_rule("spec.subsets", Exact),
    destination_rule("spec.subsets.labels", Exact),
    destination_rule("spec.subsets.trafficPolicy", Exact),
    destination_rule("trafficPolicy.portLevelSettings", Exact),
    destination_rule("trafficPolicy.loadBalancer.simple", Exact),
    destination_rule("trafficPolicy.loadBalancer.consistentHash", Exact),
    destination_rule("trafficPolicy.loadBalancer.localityLbSetting", Exact),
    destination_rule(
        "trafficPolicy.loadBalancer.zoneAwareLbSetting",
        Approximate("the client's region comes first; the zones in it are used alike"),
    ),
    destination_rule("trafficPolicy.loadBalancer.warmup", Exact),
    destination_rule("trafficPolicy.loadBalancer.warmupDurationSecs", Exact),
    destination_rule(
        "trafficPolicy.connectionPool.tcp.maxConnections",
        Approximate(
            "counted per proxy, where Envoy counts with a little slack between its threads",
        ),
    ),
    destination_rule("trafficPolicy.connectionPool.tcp.connectTimeout", Exact),
    destination_rule(
        "trafficPolicy.connectionPool.tcp.maxConnectionDuration",
        Approximate("a connection that has grown too old is closed when it is next looked at"),
    ),
    destination_rule(
        "trafficPolicy.connectionPool.tcp.idleTimeout",
        Approximate("an idle connection is closed when it is next looked at"),
    ),
    destination_rule(
        "trafficPolicy.connectionPool.tcp.tcpKeepalive",
        NotSimulated("no connection dies unnoticed"),
    ),
    destination_rule(
        "trafficPolicy.connectionPool.http.http1MaxPendingRequests",
        Approximate(
            "counted per proxy, where Envoy counts with a little slack between its threads",
        ),
    ),
    destination_rule(
        "trafficPolicy.connectionPool.http.http2MaxRequests",
        Approximate(
            "counted per proxy, where Envoy counts with a little slack between its threads",
        ),
    ),
    destination_rule(
        "trafficPolicy.connectionPool.http.maxRetries",
        Approximate(
            "counted per proxy, where Envoy counts with a little slack between its threads",
        ),
    ),
    destination_rule(
        "trafficPolicy.connectionPool.http.maxRequestsPerConnection",
        Exact,
    ),
    destination_rule(
        "trafficPolicy.connectionPool.http.idleTimeout",
        Approximate("an idle connection is closed when it is next looked at"),
    ),
    destination_rule("trafficPolicy.connectionPool.http.h2UpgradePolicy", Exact),
    destination_rule("trafficPolicy.connectionPool.http.useClientProtocol", Exact),
    destination_rule(
        "trafficPolicy.connectionPool.http.maxConcurrentStreams",
        Exact,
    ),
    destination_rule(
        "trafficPolicy.connectionPool.http.http2KeepAlive",
        NotSimulated("no connection dies unnoticed"),
    ),
    destination_rule(
        "trafficPolicy.retryBudget",
        Approximate("`budgetInterval` counts as zero: the requests under way are counted"),
    ),
    destination_rule("trafficPolicy.outlierDetection.consecutive5xxErrors", Exact),
    destination_rule(
        "trafficPolicy.outlierDetection.consecutiveGatewayErrors",
        Exact,
    ),
    destination_rule(
        "trafficPolicy.outlierDetection.consecutiveErrors",
        Approximate("without effect, as in Istio"),
    ),
    destination_rule(
        "trafficPolicy.outlierDetection.splitExternalLocalOriginErrors",
        Exact,
    ),
    destination_rule(
        "trafficPolicy.outlierDetection.consecutiveLocalOriginFailures",
        Exact,
    ),
    destination_rule("trafficPolicy.outlierDetection.interval", Exact),
    destination_rule("trafficPolicy.outlierDetection.baseEjectionTime", Exact),
    destination_rule("trafficPolicy.outlierDetection.maxEjectionPercent", Exact),
    destination_rule("trafficPolicy.outlierDetection.minHealthPercent", Exact),
    destination_rule(
        "trafficPolicy.outlierDetection.outlierDetectionHttpErrorCodes",
        Exact,
    ),
    destination_rule(
        "trafficPolicy.tls",
        NotSimulated(
            "handshakes take no time and certificates always hold; a mode fails only at a listener that expects TLS or plain text",
        ),
    ),
    destination_rule(
        "trafficPolicy.tunnel",
        NotSimulated("connections are not tunnelled"),
    ),
    destination_rule(
        "trafficPolicy.proxyProtocol",
        NotSimulated("servers do not ask who is behind a proxy"),
    ),
    gateway("spec.selector", Exact),
    gateway("spec.servers.port", Exact),
    gateway("spec.servers.bind", Exact),
    gateway("spec.servers.hosts", Exact),
    gateway("spec.servers.name", Exact),
    gateway(
        "spec.servers.tls",
        Approximate("certificates, versions and ciphers are not looked at"),
    ),
    gateway("spec.servers.tls.httpsRedirect", Exact),
    gateway(
        "spec.servers.tls.mode",
        Approximate("handshakes succeed, whatever the certificates are"),
    ),
    gateway(
        "spec.servers.tls.mode AUTO_PASSTHROUGH",
        NotSimulated("no other network sends requests"),
    ),
    service_entry("spec.hosts", Exact),
    service_entry("spec.addresses", Exact),
    service_entry("spec.ports", Exact),
    service_entry("spec.location", Exact),
    service_entry("spec.resolution", Approximate(NO_WORLD_OUTSIDE)),
    service_entry("spec.endpoints", Approximate(NO_WORLD_OUTSIDE)),
    service_entry("spec.workloadSelector", Exact),
    service_entry("spec.exportTo", Exact),
    service_entry(
        "spec.subjectAltNames",
        NotSimulated("certificates are neither made nor checked"),
    ),
    kubernetes(
        "WorkloadEntry",
        "spec.address",
        Approximate(NO_WORLD_OUTSIDE),
    ),
    kubernetes("WorkloadEntry", "spec.ports", Exact),
    kubernetes("WorkloadEntry", "spec.labels", Exact),
    kubernetes("WorkloadEntry", "spec.locality", Exact),
    kubernetes("WorkloadEntry", "spec.weight", Exact),
    kubernetes("WorkloadEntry", "spec.serviceAccount", Exact),
    kubernetes(
        "WorkloadEntry",
        "spec.network",
        NotSimulated("all endpoints are reached directly, whatever their network"),
    ),
    kubernetes(
        "WorkloadGroup",
        "spec",
        NotSimulated("no workload registers itself"),
    ),
    sidecar("spec.workloadSelector", Exact),
    sidecar("spec.egress.hosts", Exact),
    sidecar("spec.egress.port", Exact),
    sidecar("spec.egress.captureMode", Exact),
    sidecar(
        "spec.egress.port.protocol HTTP_PROXY",
        NotSimulated("requests that name host and port of their target find no virtual host"),
    ),
    sidecar("spec.egress.bind", Exact),
    sidecar(
        "spec.egress.bind unix://",
        NotSimulated("nobody dials Unix sockets, so they have no listeners"),
    ),
    sidecar("spec.ingress.port", Exact),
    sidecar("spec.ingress.bind", Exact),
    sidecar("spec.ingress.defaultEndpoint", Exact),
    sidecar(
        "spec.ingress.captureMode",
        NotSimulated("what comes in is always redirected"),
    ),
    sidecar(
        "spec.ingress.tls",
        NotSimulated("connections are made without handshakes, and never fail for their mode"),
    ),
    sidecar(
        "spec.ingress.connectionPool",
        NotSimulated(INBOUND_IS_NOT_LIMITED),
    ),
    sidecar(
        "spec.inboundConnectionPool",
        NotSimulated(INBOUND_IS_NOT_LIMITED),
    ),
    sidecar("spec.outboundTrafficPolicy", Exact),
    kubernetes("Node", "metadata.labels", Exact),
    kubernetes("EndpointSlice", "endpoints", Exact),
    kubernetes("Endpoints", "subsets", Exact),
    service("spec.type", Exact),
    service("spec.ports", Exact),
    service("spec.ports.appProtocol", Exact),
    service("spec.ports.targetPort", Exact),
    service("spec.selector", Exact),
    service("spec.clusterIP", Exact),
    service("spec.externalName", Exact),
    service("spec.publishNotReadyAddresses", Exact),
    service("spec.internalTrafficPolicy", Exact),
    service(
        "spec.sessionAffinity",
        NotSimulated("clients without a sidecar choose a pod for each connection"),
    ),
    service("spec.trafficDistribution", Exact),
    service(
        "spec.externalIPs",
        NotSimulated("services are reached by their names and cluster addresses only"),
    ),
    kubernetes("Namespace", "metadata.labels", Exact),
    kubernetes("Pod", "metadata.labels", Exact),
    kubernetes("Pod", "spec.containers.ports", Exact),
    kubernetes("Pod", "spec.hostNetwork", Exact),
    kubernetes("Pod", "status.podIP", Exact),
    kubernetes("Pod", "status.conditions", Exact),
    kubernetes(
        "Pod",
        "spec.containers.readinessProbe",
        Approximate("a pod is as ready as its status or the scenario says"),
    ),
    kubernetes(
        "Pod",
        "spec.containers.resources",
        Approximate("how fast a container is, the scenario says"),
    ),
    kubernetes(
        "Pod",
        "spec.containers.startupProbe",
        NotSimulated("the other probes begin at once"),
    ),
    kubernetes(
        "Pod",
        "spec.initContainers",
        NotSimulated(
            "they take no time: say how long pods take to start with `start` and `boot` of `cluster`",
        ),
    ),
    kubernetes(
        "Pod",
        "spec.affinity",
        NotSimulated(
            "a pod is put on any node that its `nodeName` or `nodeSelector` allows, in turn",
        ),
    ),
    kubernetes(
        "Pod",
        "spec.topologySpreadConstraints",
        NotSimulated("pods are put on nodes in turn"),
    ),
    kubernetes("Pod", "spec.nodeName", Exact),
    kubernetes("Pod", "spec.nodeSelector", Exact),
    kubernetes(
        "NetworkPolicy",
        "spec",
        NotSimulated(NO_CONNECTION_IS_REFUSED),
    ),
    kubernetes("DaemonSet", "spec", NotSimulated(NO_PODS)),
    kubernetes("Job", "spec", NotSimulated(NO_PODS)),
    kubernetes("CronJob", "spec", NotSimulated(NO_PODS)),
    kubernetes("Deployment", "spec.replicas", Exact),
    kubernetes("Deployment", "spec.template", Exact),
    kubernetes(
        "Deployment",
        "spec.strategy",
        Approximate("a roll-out happens when the scenario says so"),
    ),
    kubernetes("ReplicaSet", "spec.replicas", Exact),
    kubernetes("ReplicaSet", "spec.template", Exact),
    kubernetes("StatefulSet", "spec.replicas", Exact),
    kubernetes("StatefulSet", "spec.template", Exact),
    kubernetes("StatefulSet", "spec.ordinals", Exact),
    kubernetes(
        "StatefulSet",
        "spec.serviceName",
        Approximate("pods are reached through the services that select them"),
    ),
    kubernetes(GATEWAY_API, "spec.gatewayClassName", Exact),
    kubernetes(GATEWAY_API, "spec.listeners", Exact),
    kubernetes(GATEWAY_API, "spec.listeners.allowedRoutes", Exact),
    kubernetes(
        GATEWAY_API,
        "spec.listeners.tls",
        Approximate("a secret counts as valid if it is there"),
    ),
    kubernetes(
        GATEWAY_API,
        "spec.addresses",
        Approximate("only the name of a Service has an effect"),
    ),
    kubernetes("HTTPRoute", "spec.parentRefs", Exact),
    kubernetes("HTTPRoute", "spec.hostnames", Exact),
    kubernetes("HTTPRoute", "spec.rules.matches", Exact),
    kubernetes("HTTPRoute", "spec.rules.filters", Exact),
    kubernetes("HTTPRoute", "spec.rules.backendRefs", Exact),
    kubernetes("HTTPRoute", "spec.rules.timeouts", Exact),
    kubernetes("HTTPRoute", "spec.rules.retry", Exact),
    kubernetes(
        "HTTPRoute",
        "spec.rules.sessionPersistence",
        NotSimulated("Istio ignores it as well"),
    ),
    kubernetes("GRPCRoute", "spec.rules", Exact),
    kubernetes("TLSRoute", "spec.rules", Exact),
    kubernetes("TCPRoute", "spec.rules", Exact),
    kubernetes("ReferenceGrant", "spec", Exact),
    kubernetes(
        "BackendTLSPolicy",
        "spec",
        NotSimulated("connections are made without handshakes, and never fail for their mode"),
    ),
    kubernetes("PeerAuthentication", "spec.selector", Exact),
    kubernetes("PeerAuthentication", "spec.mtls", Exact),
    kubernetes("PeerAuthentication", "spec.portLevelMtls", Exact),
    kubernetes("RequestAuthentication", "spec.selector", Exact),
    kubernetes("RequestAuthentication", "spec.targetRef, targetRefs", Exact),
    kubernetes(
        "RequestAuthentication",
        "spec.jwtRules.issuer, audiences",
        Exact,
    ),
    kubernetes("RequestAuthentication", "spec.jwtRules.jwks", Exact),
    kubernetes(
        "RequestAuthentication",
        "spec.jwtRules.jwksUri",
        Approximate(
            "nothing is fetched: a scenario gives the keys (`tokens.keys`), else tokens are taken at their word, and that is said",
        ),
    ),
    kubernetes(
        "RequestAuthentication",
        "spec.jwtRules.fromHeaders, fromParams, fromCookies",
        Exact,
    ),
    kubernetes(
        "RequestAuthentication",
        "spec.jwtRules.outputPayloadToHeader, outputClaimToHeaders, forwardOriginalToken",
        Exact,
    ),
    kubernetes(
        "RequestAuthentication",
        "spec.jwtRules.spaceDelimitedClaims",
        Exact,
    ),
    kubernetes(
        "RequestAuthentication",
        "spec.jwtRules.timeout",
        NotSimulated("nothing is fetched"),
    ),
    kubernetes("Service", "metadata.annotations", Exact),
    kubernetes("Pod", "metadata.ownerReferences", Exact),
    kubernetes("Pod", "metadata.annotations", Exact),
];

/// The Gateway API's Gateway, as distinct from Istio's.
const GATEWAY_API: &str = "Gateway (Gateway API)";

const fn virtual_service(field: &'static str, fidelity: Fidelity) -> Row {
    kubernetes("VirtualService", field, fidelity)
}

const fn destination_rule(field: &'static str, fidelity: Fidelity) -> Row {
    kubernetes("DestinationRule", field, fidelity)
}

const fn gateway(field: &'static str, fidelity: Fidelity) -> Row {
    kubernetes("Gateway", field, fidelity)
}

const NO_WORLD_OUTSIDE: &str = "names outside of the cluster are not looked up, and addresses that are no pod's answer nothing";

const fn service_entry(field: &'static str, fidelity: Fidelity) -> Row {
    kubernetes("ServiceEntry", field, fidelity)
}

const INBOUND_IS_NOT_LIMITED: &str = "proxies are told, and servers let everything in all the same";

const fn sidecar(field: &'static str, fidelity: Fidelity) -> Row {
    kubernetes("Sidecar", field, fidelity)
}

const fn service(field: &'static str, fidelity: Fidelity) -> Row {
    kubernetes("Service", field, fidelity)
}

const fn kubernetes(kind: &'static str, field: &'static str, fidelity: Fidelity) -> Row {
    Row {
        kind,
        field,
        fidelity,
    }
}
