//! What Flagger makes of a Canary: the primary, Services, DestinationRules, and the VirtualService that shares traffic.
//!
//! Source: fluxcd/flagger, pkg/canary/deployment_controller.go, pkg/router/kubernetes_default.go, pkg/router/istio.go.

use crate::compile::Writes;
use crate::compile::progressive_delivery::flagger::Declared;
use manifest::canary::CustomMetadata;
use manifest::destination::Destination;
use manifest::destination_rule::DestinationRuleSpec;
use manifest::metadata::LabelSelector;
use manifest::percent::Percent;
use manifest::service::{ServicePort, ServiceSpec, ServiceStatus, TransportProtocol};
use manifest::span::Spanned;
use manifest::virtual_service::{
    HttpMatchRequest, HttpRoute, HttpRouteDestination, VirtualServiceSpec,
};
use manifest::workload::WorkloadStatus;
use manifest::{ObjectMeta, Resource, Resources};
use sim::plan::progressive_delivery::canary::Setting;

/// Adds all that Flagger makes, in the place of what has the same names, while the primary has all traffic.
pub(in crate::compile::progressive_delivery) fn make(
    declared: &Declared,
    resources: &mut Resources,
) {
    make_primary(declared, resources);
    make_autoscaler(declared, resources);
    make_services(declared, resources);
    make_rules(declared, resources);
    share(declared, Setting::default(), resources);
}

/// Shares traffic between the two versions.
pub(in crate::compile::progressive_delivery) fn share(
    declared: &Declared,
    setting: Setting,
    resources: &mut Resources,
) {
    let [apex, ..] = service_names(declared);
    let meta = meta(declared, &apex, declared.canary.spec.service.apex.as_ref());
    resources
        .virtual_services
        .retain(|one| !is(&one.meta, &meta));
    resources.virtual_services.push(Resource {
        meta,
        spec: virtual_service(declared, setting),
        status: (),
        location: declared.canary.location.clone(),
    });
}

/// What Flagger writes while it shares traffic.
pub(in crate::compile::progressive_delivery) fn writes(declared: &Declared) -> Writes {
    let name = |name: String| declared.named(name).to_string();
    let [apex, ..] = service_names(declared);
    Writes {
        object: format!("Canary {}", name(declared.canary.meta.name.clone())),
        virtual_services: vec![name(apex)],
        services: Vec::new(),
    }
}

/// The Deployment that has the version that holds, with the template that the target has now.
fn make_primary(declared: &Declared, resources: &mut Resources) {
    let target = declared.target();
    let mut deployments = resources.deployments.iter();
    let now = deployments
        .find(|one| one.meta.namespace == target.namespace && one.meta.name == target.name);
    let mut primary = now.unwrap_or(&declared.target).clone();
    primary.meta.name = declared.primary().name;
    primary.status = WorkloadStatus::default();
    let (key, value) = &declared.label;
    let own = (key.clone(), format!("{value}-primary"));
    primary.spec.selector = LabelSelector {
        match_labels: [own.clone()].into(),
        match_expressions: Vec::new(),
    };
    primary.spec.template.metadata.labels.extend([own]);
    let meta = primary.meta.clone();
    resources.deployments.retain(|one| !is(&one.meta, &meta));
    resources.deployments.push(primary);
}

/// The autoscaler of the primary, which does as that of the target does.
fn make_autoscaler(declared: &Declared, resources: &mut Resources) {
    let Some(reference) = &declared.canary.spec.autoscaler_ref else {
        return;
    };
    let namespace = &declared.canary.meta.namespace;
    let all = &mut resources.horizontal_pod_autoscalers;
    let is_own = |one: &ObjectMeta| one.namespace == *namespace && one.name == reference.name;
    let Some(mut primary) = all.iter().find(|one| is_own(&one.meta)).cloned() else {
        return;
    };
    primary.meta.name.push_str("-primary");
    primary.spec.scale_target_ref.name = declared.primary().name;
    all.retain(|one| !is(&one.meta, &primary.meta));
    all.push(primary);
}

fn make_services(declared: &Declared, resources: &mut Resources) {
    let service = &declared.canary.spec.service;
    let (key, value) = &declared.label;
    let primary = format!("{value}-primary");
    let [apex, primary_name, canary_name] = service_names(declared);
    for (name, selected, metadata) in [
        (&apex, &primary, &service.apex),
        (&primary_name, &primary, &service.primary),
        (&canary_name, value, &service.canary),
    ] {
        let meta = meta(declared, name, metadata.as_ref());
        resources.services.retain(|one| !is(&one.meta, &meta));
        resources.services.push(Resource {
            meta,
            spec: ServiceSpec {
                ports: vec![spanned(declared, service_port(declared))],
                selector: [(key.clone(), selected.clone())].into(),
                ..ServiceSpec::default()
            },
            status: ServiceStatus::default(),
            location: declared.canary.location.clone(),
        });
    }
}

fn make_rules(declared: &Declared, resources: &mut Resources) {
    let [_, primary, canary] = service_names(declared);
    for name in [primary, canary] {
        let meta = meta(declared, &name, None);
        let rules = &mut resources.destination_rules;
        rules.retain(|one| !is(&one.meta, &meta));
        rules.push(Resource {
            meta,
            spec: DestinationRuleSpec {
                host: spanned(declared, name),
                traffic_policy: declared.canary.spec.service.traffic_policy.clone(),
                subsets: Vec::new(),
                export_to: Vec::new(),
                workload_selector: None,
            },
            status: (),
            location: declared.canary.location.clone(),
        });
    }
}

fn service_port(declared: &Declared) -> ServicePort {
    let service = &declared.canary.spec.service;
    ServicePort {
        name: service.port_name.clone().unwrap_or_else(|| "http".into()),
        protocol: TransportProtocol::default(),
        app_protocol: service.app_protocol.as_ref().map(|one| one.value.clone()),
        port: service.port,
        target_port: service.target_port.clone(),
        node_port: None,
    }
}

fn virtual_service(declared: &Declared, setting: Setting) -> VirtualServiceSpec {
    let service = &declared.canary.spec.service;
    let [apex, primary, canary] = service_names(declared);
    let analysis = declared.canary.spec.analysis.as_ref();
    let shares = vec![
        to(declared, &primary, 100 - setting.weight),
        to(declared, &canary, setting.weight),
    ];
    let asked = analysis.map_or(&[][..], |analysis| &analysis.matches);
    let mut rules = if asked.is_empty() {
        vec![rule(declared, service.matches.clone(), shares)]
    } else {
        let all = vec![to(declared, &primary, 100)];
        vec![
            rule(declared, merged(declared, asked), shares),
            rule(declared, service.matches.clone(), all),
        ]
    };
    if setting.is_mirrored {
        let weight = analysis.map_or(0, |analysis| analysis.mirror_weight);
        rules[0].mirror = Some(to(declared, &canary, 0).value.destination);
        rules[0].mirror_percentage = (weight > 0).then(|| Percent {
            value: f64::from(weight),
        });
    }
    let rules = rules.into_iter().map(|rule| spanned(declared, rule));
    let http = rules.collect();
    if service.delegation {
        return VirtualServiceSpec {
            http,
            ..VirtualServiceSpec::default()
        };
    }
    let mut hosts = service.hosts.clone();
    if !hosts.iter().any(|host| **host == apex || **host == "*") {
        hosts.push(spanned(declared, apex));
    }
    VirtualServiceSpec {
        hosts,
        gateways: service.gateways.clone(),
        http,
        ..VirtualServiceSpec::default()
    }
}

fn rule(
    declared: &Declared,
    matches: Vec<Spanned<HttpMatchRequest>>,
    route: Vec<Spanned<HttpRouteDestination>>,
) -> HttpRoute {
    let service = &declared.canary.spec.service;
    HttpRoute {
        matches,
        route,
        rewrite: service.rewrite.clone(),
        timeout: service.timeout.clone(),
        retries: service.retries.clone(),
        cors_policy: service.cors_policy.clone(),
        headers: service.headers.clone(),
        ..HttpRoute::default()
    }
}

fn to(declared: &Declared, host: &str, weight: u32) -> Spanned<HttpRouteDestination> {
    let destination = Destination {
        host: spanned(declared, host.to_owned()),
        subset: None,
        port: None,
    };
    let destination = HttpRouteDestination {
        destination: spanned(declared, destination),
        weight: i32::try_from(weight).expect("it is at most 100"),
        headers: None,
    };
    spanned(declared, destination)
}

/// The requests of an A/B test, among those that the Service is about.
fn merged(
    declared: &Declared,
    asked: &[Spanned<HttpMatchRequest>],
) -> Vec<Spanned<HttpMatchRequest>> {
    let service = &declared.canary.spec.service.matches;
    if service.is_empty() {
        return asked.to_vec();
    }
    let pairs = asked
        .iter()
        .flat_map(|asked| service.iter().map(move |all| (asked, all)));
    let both = pairs.map(|(asked, all)| {
        let mut both = all.clone();
        both.value.headers.extend(asked.headers.clone());
        both.value.source_labels.extend(asked.source_labels.clone());
        both
    });
    both.collect()
}

/// The names of the Services: that which clients know, the primary's, the canary's.
fn service_names(declared: &Declared) -> [String; 3] {
    let spec = &declared.canary.spec;
    let apex = spec.service.name.as_ref().unwrap_or(&spec.target_ref.name);
    [
        apex.clone(),
        format!("{apex}-primary"),
        format!("{apex}-canary"),
    ]
}

fn meta(declared: &Declared, name: &str, metadata: Option<&CustomMetadata>) -> ObjectMeta {
    let metadata = metadata.cloned().unwrap_or_default();
    ObjectMeta {
        name: name.to_owned(),
        namespace: declared.canary.meta.namespace.clone(),
        labels: metadata.labels,
        annotations: metadata.annotations,
        ..ObjectMeta::default()
    }
}

fn is(one: &ObjectMeta, other: &ObjectMeta) -> bool {
    one.namespace == other.namespace && one.name == other.name
}

fn spanned<T>(declared: &Declared, value: T) -> Spanned<T> {
    Spanned::new(value, declared.canary.location.clone())
}
