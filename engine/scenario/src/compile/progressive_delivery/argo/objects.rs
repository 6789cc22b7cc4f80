//! Services, subsets and routes as the controller of Argo Rollouts writes them.
//!
//! Source: argoproj/argo-rollouts, rollout/service.go, rollout/trafficrouting/istio/istio.go; docs/features/
//! traffic-management/istio.md.

use crate::compile::Writes;
use crate::compile::progressive_delivery::argo::Declared;
use crate::compile::progressive_delivery::argo::templates::HASH;
use crate::compile::report::Report;
use crate::place::Place;
use manifest::destination::Destination;
use manifest::percent::Percent;
use manifest::rollout::{IstioTrafficRouting, IstioVirtualService, RolloutCanary, RouteMatch};
use manifest::span::Spanned;
use manifest::string_match::StringMatch;
use manifest::virtual_service::{HttpMatchRequest, HttpRoute, HttpRouteDestination};
use manifest::{ObjectMeta, Resources, VirtualService};
use sim::plan::progressive_delivery::rollout::Traffic;

/// Shares traffic between the templates.
pub(super) fn share(declared: &Declared, traffic: Traffic, resources: &mut Resources) {
    let strategy = &declared.rollout.spec.strategy;
    if let Some(blue_green) = &strategy.blue_green {
        select(
            declared,
            &blue_green.active_service,
            traffic.stable,
            resources,
        );
        select(
            declared,
            &blue_green.preview_service,
            traffic.canary,
            resources,
        );
    }
    let Some(canary) = &strategy.canary else {
        return;
    };
    select(declared, &canary.stable_service, traffic.stable, resources);
    select(declared, &canary.canary_service, traffic.canary, resources);
    let Some(istio) = istio(canary) else {
        return;
    };
    set_subsets(declared, istio, traffic, resources);
    for service in virtual_services(istio) {
        let mut all = resources.virtual_services.iter_mut();
        let Some(written) = all.find(|one| is_named(declared, service, &one.meta)) else {
            continue;
        };
        for place in routes_of(service, written) {
            set_weights(canary, traffic.weight, &mut written.spec.http[place].value);
        }
        let made = managed_routes(declared, canary, traffic, written);
        written.spec.http.splice(0..0, made);
    }
}

/// What Argo's controller writes while it shares traffic.
pub(super) fn writes(declared: &Declared) -> Writes {
    let own = &declared.name;
    let strategy = &declared.rollout.spec.strategy;
    let blue_green = strategy.blue_green.iter();
    let blue_green = blue_green.flat_map(|one| [&one.active_service, &one.preview_service]);
    let canary = strategy.canary.iter();
    let canary = canary.flat_map(|one| [&one.stable_service, &one.canary_service]);
    let services = blue_green.chain(canary).flatten();
    let shared = strategy.canary.iter().filter_map(|canary| istio(canary));
    Writes {
        object: format!("Rollout {own}"),
        virtual_services: shared
            .flat_map(virtual_services)
            .map(|service| {
                let (namespace, name) = named(declared, service);
                format!("{namespace}/{name}")
            })
            .collect(),
        services: services
            .map(|name| format!("{}/{}", own.namespace, name.as_str()))
            .collect(),
    }
}

/// Says what is not there, or not as it must be.
pub(super) fn check(declared: &Declared, report: &mut Report) {
    let resources = &declared.resources;
    let strategy = &declared.rollout.spec.strategy;
    let here = |meta: &ObjectMeta| meta.namespace == declared.name.namespace;
    let of_blue_green = strategy.blue_green.iter();
    let of_blue_green = of_blue_green.flat_map(|one| [&one.active_service, &one.preview_service]);
    let of_canary = strategy.canary.iter();
    let of_canary = of_canary.flat_map(|one| [&one.stable_service, &one.canary_service]);
    for name in of_blue_green.chain(of_canary).flatten() {
        let services = resources.services.iter().filter(|one| here(&one.meta));
        let mut known = services.map(|one| one.meta.name.as_str());
        if !known.clone().any(|one| one == name.as_str()) {
            report.unknown(&Place::at(&name.at), "Service", name, &mut known);
        }
    }
    let Some((canary, istio)) = strategy
        .canary
        .as_ref()
        .and_then(|canary| Some((canary, istio(canary)?)))
    else {
        return;
    };
    if let Some(rule) = &istio.destination_rule {
        let rules = resources.destination_rules.iter();
        let here = rules.filter(|one| here(&one.meta));
        let Some(found) = here.clone().find(|one| one.meta.name == rule.name) else {
            let known = here.map(|one| one.meta.name.as_str());
            return report.unknown(&Place::at(&rule.at), "DestinationRule", &rule.name, known);
        };
        for subset in [&rule.stable_subset_name, &rule.canary_subset_name] {
            let mut known = found.spec.subsets.iter().map(|one| one.name.as_str());
            if !known.clone().any(|one| one == subset) {
                report.unknown(&Place::at(&rule.at), "subset", subset, &mut known);
            }
        }
    } else if canary.stable_service.is_none() || canary.canary_service.is_none() {
        let at = &canary
            .traffic_routing
            .as_ref()
            .map_or(&declared.rollout.location, |one| &one.at);
        let message = "Istio shares traffic between two Services or two subsets".to_owned();
        let help = "write `stableService` and `canaryService`, or `istio.destinationRule`";
        report.invalid(&Place::at(at), message, Some(help.to_owned()));
    }
    for service in virtual_services(istio) {
        check_virtual_service(declared, canary, service, report);
    }
}

fn check_virtual_service(
    declared: &Declared,
    canary: &RolloutCanary,
    service: &Spanned<IstioVirtualService>,
    report: &mut Report,
) {
    let mut all = declared.resources.virtual_services.iter();
    let Some(written) = all.find(|one| is_named(declared, service, &one.meta)) else {
        let known = declared.resources.virtual_services.iter();
        let known = known.map(|one| one.meta.name.as_str());
        return report.unknown(
            &Place::at(&service.at),
            "VirtualService",
            &service.name,
            known,
        );
    };
    for name in &service.routes {
        let mut known = written.spec.http.iter().map(|one| one.name.as_str());
        if !known.clone().any(|one| one == name.as_str()) {
            report.unknown(&Place::at(&name.at), "HTTP route", name, &mut known);
        }
    }
    let routes = routes_of(service, written);
    if service.routes.is_empty() && routes.is_empty() {
        let message = format!(
            "VirtualService {} has {} HTTP routes, and `routes` does not say which of them are meant",
            service.name,
            written.spec.http.len()
        );
        report.invalid(&Place::at(&service.at), message, None);
    }
    for index in routes {
        let route = &written.spec.http[index];
        let parts: Vec<Option<Part>> = route.route.iter().map(|one| part(canary, one)).collect();
        for (wanted, what) in [(Part::Stable, "stable"), (Part::Canary, "canary")] {
            if !parts.contains(&Some(wanted)) {
                let message = format!(
                    "no destination of this route is the {what} one of Rollout {}",
                    declared.name
                );
                report.invalid(&Place::at(&route.at), message, None);
            }
        }
    }
}

/// Whose pods a destination leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Stable,
    Canary,
}

fn part(canary: &RolloutCanary, destination: &HttpRouteDestination) -> Option<Part> {
    let rule = istio(canary).and_then(|istio| istio.destination_rule.as_ref());
    let host = destination
        .destination
        .host
        .split('.')
        .next()
        .unwrap_or_default();
    let subset = destination.destination.subset_name();
    let is = |service: &Option<Spanned<String>>, name: Option<&String>| {
        service.as_ref().is_some_and(|one| one.as_str() == host)
            || (!subset.is_empty() && name.is_some_and(|name| name == subset))
    };
    if is(
        &canary.canary_service,
        rule.map(|rule| &rule.canary_subset_name),
    ) {
        return Some(Part::Canary);
    }
    let stable = rule.map(|rule| &rule.stable_subset_name);
    is(&canary.stable_service, stable).then_some(Part::Stable)
}

/// The weights of a route's destinations; those of others go.
fn set_weights(canary: &RolloutCanary, weight: u32, route: &mut HttpRoute) {
    route.route.retain_mut(|destination| {
        let weight = match part(canary, destination) {
            Some(Part::Canary) => weight,
            Some(Part::Stable) => 100 - weight,
            None => return destination.weight == 0,
        };
        destination.value.weight = i32::try_from(weight).expect("it is at most 100");
        true
    });
}

/// A Service selects the pods of a template.
fn select(
    declared: &Declared,
    service: &Option<Spanned<String>>,
    template: usize,
    resources: &mut Resources,
) {
    let Some(name) = service else { return };
    let is =
        |meta: &ObjectMeta| meta.namespace == declared.name.namespace && meta.name == name.as_str();
    for service in resources.services.iter_mut().filter(|one| is(&one.meta)) {
        let hash = declared.hashes[template].clone();
        service.spec.selector.insert(HASH.to_owned(), hash);
    }
}

/// Both subsets select the pods of their templates; others go.
fn set_subsets(
    declared: &Declared,
    istio: &IstioTrafficRouting,
    traffic: Traffic,
    resources: &mut Resources,
) {
    let Some(rule) = &istio.destination_rule else {
        return;
    };
    let is =
        |meta: &ObjectMeta| meta.namespace == declared.name.namespace && meta.name == rule.name;
    let rules = resources.destination_rules.iter_mut();
    for written in rules.filter(|one| is(&one.meta)) {
        written.spec.subsets.retain_mut(|subset| {
            let template = if *subset.name == rule.canary_subset_name {
                traffic.canary
            } else if *subset.name == rule.stable_subset_name {
                traffic.stable
            } else {
                return false;
            };
            let hash = declared.hashes[template].clone();
            subset.value.labels.insert(HASH.to_owned(), hash);
            true
        });
    }
}

/// The routes that steps made, in the order of `managedRoutes`.
fn managed_routes(
    declared: &Declared,
    canary: &RolloutCanary,
    traffic: Traffic,
    written: &VirtualService,
) -> Vec<Spanned<HttpRoute>> {
    let steps = declared.routes.sets[traffic.routes].iter();
    let first = written.spec.http.iter();
    let mut first = first.filter(|route| {
        let mut destinations = route.route.iter();
        destinations.any(|one| part(canary, one) == Some(Part::Canary))
    });
    let Some(model) = first.next() else {
        return Vec::new();
    };
    let mut destinations = model.route.iter();
    let found = destinations.find(|one| part(canary, one) == Some(Part::Canary));
    let to_canary = found.expect("the route has one").clone();
    let made = steps.map(|step| {
        let step = &canary.steps[*step];
        let at = &step.at;
        let route = if let Some(header) = &step.set_header_route {
            let headers = header.matches.iter().map(|one| {
                let value = one.header_value.clone().unwrap_or(StringMatch::Present);
                (one.header_name.clone(), Spanned::new(value, at.clone()))
            });
            let asked = HttpMatchRequest {
                headers: headers.collect(),
                ..HttpMatchRequest::default()
            };
            let mut all = to_canary.clone();
            all.value.weight = 100;
            HttpRoute {
                name: header.name.clone(),
                matches: vec![Spanned::new(asked, at.clone())],
                route: vec![all],
                ..HttpRoute::default()
            }
        } else {
            let mirror = step.set_mirror_route.as_ref();
            let mirror = mirror.expect("a step that makes a route makes one of these");
            let asked = mirror.matches.iter();
            HttpRoute {
                name: mirror.name.clone(),
                matches: asked
                    .map(|one| Spanned::new(request(one, step), at.clone()))
                    .collect(),
                route: model.route.clone(),
                mirror: Some(Spanned::new(
                    Destination::clone(&to_canary.destination),
                    at.clone(),
                )),
                mirror_percentage: Some(Percent {
                    value: f64::from(mirror.percentage.unwrap_or(100)),
                }),
                ..HttpRoute::default()
            }
        };
        Spanned::new(route, at.clone())
    });
    made.collect()
}

fn request<T>(asked: &RouteMatch, step: &Spanned<T>) -> HttpMatchRequest {
    let spanned = |one: &StringMatch| Spanned::new(one.clone(), step.at.clone());
    let headers = asked.headers.iter();
    HttpMatchRequest {
        method: asked.method.as_ref().map(spanned),
        uri: asked.path.as_ref().map(spanned),
        headers: headers
            .map(|(name, value)| (name.clone(), spanned(value)))
            .collect(),
        ..HttpMatchRequest::default()
    }
}

/// The places of the routes that are meant.
fn routes_of(service: &IstioVirtualService, written: &VirtualService) -> Vec<usize> {
    let routes = written.spec.http.iter().enumerate();
    if service.routes.is_empty() {
        return match written.spec.http.len() {
            1 => vec![0],
            _ => Vec::new(),
        };
    }
    let is_meant = |route: &HttpRoute| service.routes.iter().any(|name| **name == route.name);
    let meant = routes.filter(|(_, route)| is_meant(route));
    meant.map(|(place, _)| place).collect()
}

/// Whether a VirtualService is the one of a name, which may have its namespace behind a dot.
fn is_named(declared: &Declared, service: &IstioVirtualService, meta: &ObjectMeta) -> bool {
    (meta.namespace.as_str(), meta.name.as_str()) == named(declared, service)
}

/// Its namespace and its name.
fn named<'n>(declared: &'n Declared, service: &'n IstioVirtualService) -> (&'n str, &'n str) {
    let own = declared.name.namespace.as_str();
    let (name, namespace) = service.name.split_once('.').unwrap_or((&service.name, own));
    (namespace, name)
}

fn istio(canary: &RolloutCanary) -> Option<&IstioTrafficRouting> {
    canary.traffic_routing.as_ref()?.istio.as_ref()
}

fn virtual_services(
    istio: &IstioTrafficRouting,
) -> impl Iterator<Item = &Spanned<IstioVirtualService>> {
    istio.virtual_service.iter().chain(&istio.virtual_services)
}
