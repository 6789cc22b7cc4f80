//! From a route configuration to its virtual hosts and routes.

use super::problems::{Problems, report_mutations};
use super::route::compile_route;
use crate::http_connection_manager::HttpConnectionManager;
use crate::jwt_authn::JwtAuthn;
use crate::names::Names;
use crate::problem::ProblemKind;
use crate::router::route_index::RouteIndex;
use crate::router::timeout::StreamLimits;
use crate::router::virtual_host::Domains;
use crate::table::{Levels, RouteConfig, RouteConfigId, Table, VirtualHost};
use std::sync::Arc;
use xds::{Filter, Jwks, JwtProvider, Listener, RouteConfiguration};

/// Compiles a route configuration into a table.
pub(super) fn compile_route_config(
    source: &RouteConfiguration,
    manager: Option<&xds::HttpConnectionManager>,
    table: &mut Table,
    names: &mut Names,
    problems: &mut Problems,
) {
    let id = RouteConfigId::new(table.configs.len());
    let (limits, buffer_limit) = limits_of_listener(source, &table.listeners);
    for mutations in [&source.request_headers, &source.response_headers] {
        let subject = format!("route configuration `{}`", source.name);
        report_mutations(mutations, &subject, None, problems);
    }
    let mut domains = Domains::default();
    for virtual_host in &source.virtual_hosts {
        let index = table.virtual_hosts.len();
        let number = u32::try_from(index).expect("fewer than 2^32 virtual hosts");
        for domain in &virtual_host.domains {
            if !domains.insert(domain, number) {
                problems.add(
                    ProblemKind::Refused,
                    &format!("virtual host `{}`", virtual_host.name),
                    format!("the domain `{domain}` belongs to another virtual host already"),
                    None,
                );
            }
        }
        for mutations in [
            &virtual_host.request_headers,
            &virtual_host.response_headers,
        ] {
            let subject = format!("virtual host `{}`", virtual_host.name);
            report_mutations(mutations, &subject, None, problems);
        }
        let first = table.routes.len();
        for route in &virtual_host.routes {
            let (route, plan) = compile_route(route, index, table, names, problems);
            table.routes.push(route);
            table.plans.push(plan);
        }
        let routes = first..table.routes.len();
        table.virtual_hosts.push(VirtualHost {
            name: virtual_host.name.clone(),
            index: RouteIndex::new(table.routes[routes.clone()].iter().map(|r| &r.matcher)),
            routes,
            config: id,
            levels: Levels {
                request: virtual_host.request_headers.clone(),
                response: virtual_host.response_headers.clone(),
            },
            include_attempt_count: virtual_host.include_request_attempt_count,
            include_attempt_count_in_response: virtual_host.include_attempt_count_in_response,
            require_tls: virtual_host.require_tls,
        });
    }
    let tokens = manager.and_then(|manager| manager.jwt_authn.as_deref());
    let tokens = tokens.map(|tokens| compile_tokens(tokens, problems));
    table.config_ids.insert(source.name.clone(), id);
    table.configs.push(RouteConfig {
        name: source.name.clone(),
        domains,
        ignore_port: source.ignore_port_in_host_matching,
        levels: Levels {
            request: source.request_headers.clone(),
            response: source.response_headers.clone(),
        },
        most_specific_wins: source.most_specific_header_mutations_wins,
        limits,
        buffer_limit,
        tokens,
        manager: manager.map_or_else(HttpConnectionManager::of_istio, HttpConnectionManager::new),
    });
}

/// The filter for tokens, and what of it cannot be done.
fn compile_tokens(source: &xds::JwtAuthn, problems: &mut Problems) -> JwtAuthn {
    let mut expressions = Vec::new();
    let mut wrong = Vec::new();
    let filter = JwtAuthn::new(
        source,
        &mut |expression, error| expressions.push((expression.to_owned(), error)),
        &mut |provider, why| wrong.push((provider.clone(), why)),
    );
    for (expression, error) in expressions {
        problems.refused("the filter for tokens", &expression, &error, None);
    }
    for (provider, why) in wrong {
        let message = format!(
            "Envoy refuses the listener for its keys ({why}); here none of its tokens is good"
        );
        let origin = provider.origin.as_ref();
        problems.add(ProblemKind::Refused, &subject(&provider), message, origin);
    }
    for provider in &source.providers {
        if let Jwks::Unknown(address) = &provider.jwks {
            let message = format!(
                "nobody fetches keys here, and those of `{address}` are not given: its tokens are taken at their word, \
                 forged ones as well"
            );
            let origin = provider.origin.as_ref();
            problems.add(
                ProblemKind::NotSimulated,
                &subject(provider),
                message,
                origin,
            );
        }
    }
    filter
}

fn subject(provider: &JwtProvider) -> String {
    match provider.issuer.as_str() {
        "" => "tokens of any issuer".to_owned(),
        issuer => format!("tokens of `{issuer}`"),
    }
}

/// What the listener and the connection manager that use a table say about its streams: how long they may last, and how
/// many bytes of a request are kept.
fn limits_of_listener(
    table: &RouteConfiguration,
    listeners: &[Arc<Listener>],
) -> (StreamLimits, u64) {
    let managers = listeners.iter().flat_map(|listener| {
        let chains = listener.filter_chains.iter();
        let chains = chains.chain(&listener.default_filter_chain);
        chains.filter_map(move |chain| match &chain.filter {
            Filter::HttpConnectionManager(manager) => Some((listener, manager)),
            Filter::TcpProxy(_) => None,
        })
    });
    let mut users = managers.filter(|(_, manager)| manager.route_config_name == table.name);
    let Some((listener, manager)) = users.next() else {
        return (StreamLimits::default(), DEFAULT_BUFFER_LIMIT);
    };
    let buffer = listener.per_connection_buffer_limit_bytes;
    (
        StreamLimits::of_manager(&manager.timeouts),
        buffer.map_or(DEFAULT_BUFFER_LIMIT, u64::from),
    )
}

/// How many bytes of a request a listener keeps by default.
const DEFAULT_BUFFER_LIMIT: u64 = 1024 * 1024;
