//! In which order the levels of a configuration change a request's or a response's headers.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/config_impl.cc (getRequestHeaderParsers,
//! getResponseHeaderParsers).

use super::{Levels, Route, Table};
use xds::{HeaderMutations, WeightedCluster};

/// Which way headers go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Request,
    Response,
}

/// The changes, in their order: the weighted cluster's, then those of the route, its virtual host and its table; or,
/// where the most specific one is to win, those of the table, the virtual host and the route.
pub(super) fn levels<'a>(
    table: &'a Table,
    route: &'a Route,
    cluster: Option<&'a WeightedCluster>,
    direction: Direction,
) -> impl Iterator<Item = &'a HeaderMutations> {
    let of = |levels: &'a Levels| match direction {
        Direction::Request => &levels.request,
        Direction::Response => &levels.response,
    };
    let virtual_host = &table.virtual_hosts[route.virtual_host];
    let config = &table.configs[virtual_host.config.index()];
    let own = match direction {
        Direction::Request => &route.source.request_headers,
        Direction::Response => &route.source.response_headers,
    };
    let of_cluster = cluster.map(|cluster| match direction {
        Direction::Request => &cluster.request_headers,
        Direction::Response => &cluster.response_headers,
    });
    let mut shared = [own, of(&virtual_host.levels), of(&config.levels)];
    if config.most_specific_wins {
        shared.reverse();
    }
    of_cluster.into_iter().chain(shared)
}
