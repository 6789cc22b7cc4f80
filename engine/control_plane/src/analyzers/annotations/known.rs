//! The annotations of Istio, and which kinds bear them.
//!
//! Source: istio/api, annotation/annotations.gen.go.

/// An annotation.
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) is_deprecated: bool,
    pub(super) kinds: &'static [&'static str],
}

/// Every kind.
pub(super) const ANY: &[&str] = &["Any"];

const fn known(name: &'static str, kinds: &'static [&'static str]) -> Known {
    Known {
        name,
        is_deprecated: false,
        kinds,
    }
}

const fn deprecated(name: &'static str, kinds: &'static [&'static str]) -> Known {
    Known {
        name,
        is_deprecated: true,
        kinds,
    }
}

/// All of them.
pub(super) const KNOWN: &[Known] = &[
    deprecated("alpha.istio.io/canonical-serviceaccounts", &["Service"]),
    deprecated("alpha.istio.io/kubernetes-serviceaccounts", &["Service"]),
    known("ambient.istio.io/bypass-inbound-capture", &["Pod"]),
    known("ambient.istio.io/dns-capture", &["Pod"]),
    known("ambient.istio.io/redirection", &["Pod"]),
    known(
        "ambient.istio.io/waypoint-inbound-binding",
        &["GatewayClass", "Gateway"],
    ),
    known("galley.istio.io/analyze-suppress", ANY),
    known("gateway.istio.io/controller-version", ANY),
    known("gateway.istio.io/name-override", &["Gateway"]),
    known("gateway.istio.io/service-account", &["Gateway"]),
    known("inject.istio.io/templates", &["Pod"]),
    known("istio.io/autoRegistrationGroup", &["WorkloadEntry"]),
    known("istio.io/connectedAt", &["WorkloadEntry"]),
    known("istio.io/disconnectedAt", &["WorkloadEntry"]),
    known("istio.io/dry-run", &["AuthorizationPolicy"]),
    known("istio.io/reroute-virtual-interfaces", &["Pod"]),
    known("istio.io/rev", &["Pod"]),
    known(
        "istio.io/use-waypoint-canary-weight",
        &["Service", "ServiceEntry", "Namespace"],
    ),
    known("istio.io/workloadController", &["WorkloadEntry"]),
    known("kubernetes.io/ingress.class", &["Ingress"]),
    known("networking.istio.io/exportTo", &["Service"]),
    known("networking.istio.io/service-type", &["Gateway"]),
    known(
        "networking.istio.io/traffic-distribution",
        &["Namespace", "Service", "ServiceEntry"],
    ),
    known("prometheus.istio.io/merge-metrics", &["Pod"]),
    known("proxy.istio.io/config", &["Pod"]),
    known("proxy.istio.io/overrides", &["Pod"]),
    known(
        "readiness.status.sidecar.istio.io/applicationPorts",
        &["Pod"],
    ),
    known(
        "readiness.status.sidecar.istio.io/failureThreshold",
        &["Pod"],
    ),
    known(
        "readiness.status.sidecar.istio.io/initialDelaySeconds",
        &["Pod"],
    ),
    known("readiness.status.sidecar.istio.io/periodSeconds", &["Pod"]),
    known("sidecar.istio.io/agentLogLevel", &["Pod"]),
    known("sidecar.istio.io/bootstrapOverride", &["Pod"]),
    known("sidecar.istio.io/componentLogLevel", &["Pod"]),
    deprecated("sidecar.istio.io/discoveryAddress", &["Pod"]),
    deprecated("sidecar.istio.io/extraStatTags", &["Pod"]),
    deprecated("sidecar.istio.io/inject", &["Pod"]),
    known("sidecar.istio.io/interceptionMode", &["Pod"]),
    known("sidecar.istio.io/logLevel", &["Pod"]),
    known("sidecar.istio.io/nativeSidecar", &["Pod"]),
    known("sidecar.istio.io/proxyCPU", &["Pod"]),
    known("sidecar.istio.io/proxyCPULimit", &["Pod"]),
    known("sidecar.istio.io/proxyImage", &["Pod"]),
    known("sidecar.istio.io/proxyImageType", &["Pod"]),
    known("sidecar.istio.io/proxyMemory", &["Pod"]),
    known("sidecar.istio.io/proxyMemoryLimit", &["Pod"]),
    known("sidecar.istio.io/rewriteAppHTTPProbers", &["Pod"]),
    deprecated("sidecar.istio.io/statsCompression", &["Pod"]),
    known("sidecar.istio.io/statsEvictionInterval", &["Pod"]),
    known("sidecar.istio.io/statsFlushInterval", &["Pod"]),
    known("sidecar.istio.io/statsHistogramBins", &["Pod"]),
    known("sidecar.istio.io/statsHistogramBuckets", &["Pod"]),
    deprecated("sidecar.istio.io/statsInclusionPrefixes", &["Pod"]),
    deprecated("sidecar.istio.io/statsInclusionRegexps", &["Pod"]),
    deprecated("sidecar.istio.io/statsInclusionSuffixes", &["Pod"]),
    known("sidecar.istio.io/status", &["Pod"]),
    known("sidecar.istio.io/userVolume", &["Pod"]),
    known("sidecar.istio.io/userVolumeMount", &["Pod"]),
    known("status.sidecar.istio.io/port", &["Pod"]),
    known("topology.istio.io/controlPlaneClusters", &["Namespace"]),
    known("traffic.istio.io/nodeSelector", &["Service"]),
    known("traffic.sidecar.istio.io/excludeInboundPorts", &["Pod"]),
    known("traffic.sidecar.istio.io/excludeInterfaces", &["Pod"]),
    known("traffic.sidecar.istio.io/excludeOutboundIPRanges", &["Pod"]),
    known("traffic.sidecar.istio.io/excludeOutboundPorts", &["Pod"]),
    known("traffic.sidecar.istio.io/includeInboundPorts", &["Pod"]),
    known("traffic.sidecar.istio.io/includeOutboundIPRanges", &["Pod"]),
    known("traffic.sidecar.istio.io/includeOutboundPorts", &["Pod"]),
    deprecated("traffic.sidecar.istio.io/kubevirtInterfaces", &["Pod"]),
];
