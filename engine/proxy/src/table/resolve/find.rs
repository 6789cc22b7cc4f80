//! The virtual host and the route of a request's head.

use super::seen_by_routes;
use crate::jwt_authn::Verdict;
use crate::request::RequestHead;
use crate::router::matching::RequestView;
use crate::table::{Route, RouteConfigId, RouteId, Table, VirtualHost};

/// The route that a request with this head matches; by its virtual host's index, or one after the other.
pub(in crate::table) fn find_route(
    table: &Table,
    config: RouteConfigId,
    head: &RequestHead,
    indexed: bool,
) -> Option<RouteId> {
    let config_of = &table.configs[config.index()];
    let head = config_of.manager.receive(head).ok()?;
    let passed = match config_of.tokens.as_ref().map(|tokens| tokens.check(&head)) {
        Some(Verdict::Passed(passed)) => Some(passed),
        Some(Verdict::Refused(..)) => return None,
        None => None,
    };
    let virtual_host = find_virtual_host(table, config, &head)?;
    let view = seen_by_routes(&head, passed.as_deref());
    if indexed {
        return find_in(table, virtual_host, &view, 0);
    }
    let routes = &table.routes[virtual_host.routes.clone()];
    let position = scan(routes, &view, 0)?;
    Some(RouteId::new(virtual_host.routes.start + position))
}

/// The virtual host of a request that is received so.
pub(super) fn find_virtual_host<'a>(
    table: &'a Table,
    config: RouteConfigId,
    head: &RequestHead,
) -> Option<&'a VirtualHost> {
    let config = &table.configs[config.index()];
    let found = config.domains.find(&head.authority, config.ignore_port)?;
    Some(&table.virtual_hosts[found as usize])
}

/// The first route of a virtual host, from the one at `from` on, that a request matches.
pub(super) fn find_in(
    table: &Table,
    virtual_host: &VirtualHost,
    view: &RequestView<'_>,
    from: usize,
) -> Option<RouteId> {
    let first = virtual_host.routes.start;
    let routes = &table.routes[virtual_host.routes.clone()];
    let position = match &virtual_host.index {
        Some(index) if from == 0 => {
            index.find(view, |position| &routes[position as usize].matcher)? as usize
        }
        Some(_) | None => scan(routes, view, from)?,
    };
    Some(RouteId::new(first + position))
}

fn scan(routes: &[Route], view: &RequestView<'_>, from: usize) -> Option<usize> {
    let mut positions = from..routes.len();
    positions.find(|position| routes[*position].matcher.matches(view))
}
