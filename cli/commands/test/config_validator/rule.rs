//! The rule behind a route: what a VirtualService says, and its delegate in its place.

use manifest::virtual_service::{Delegate, HttpRoute};
use manifest::{Spanned, VirtualService};
use proxy::request::RequestHead;
use xds::Origin;

use crate::commands::test::routes::Routes;

/// The rule that takes a request; none: no rule does.
pub(crate) fn that_takes(routes: &Routes, head: &RequestHead) -> Option<Origin> {
    let (_, trace) = routes.table.explain(routes.config, head);
    trace.route.and_then(|route| route.origin).cloned()
}

/// The VirtualService that a rule hands over to.
pub(crate) fn delegate_of<'a>(
    origin: &Origin,
    all: &'a [VirtualService],
) -> Option<&'a Spanned<Delegate>> {
    let (_, rule) = written(origin, all)?;
    rule.delegate.as_ref()
}

/// What a rule says, that of its delegate included.
pub(crate) fn behind(origin: &Origin, all: &[VirtualService]) -> HttpRoute {
    let Some((root, rule)) = written(origin, all) else {
        return HttpRoute::default();
    };
    let Some(delegate) = &rule.delegate else {
        return rule.value.clone();
    };
    let namespace = match delegate.namespace.as_str() {
        "" => &root.meta.namespace,
        namespace => namespace,
    };
    let mut objects = all.iter();
    let owner = objects
        .find(|object| object.meta.namespace == *namespace && object.meta.name == delegate.name);
    let rules = owner.map_or(&[][..], |owner| &owner.spec.http);
    // The place is that of the delegate's own condition, or of the root's where the delegate has none.
    let holds_place =
        |rule: &HttpRoute| rule.matches.iter().any(|block| block.at == origin.location);
    let is_it = |own: &&Spanned<HttpRoute>| {
        own.at == origin.location
            || holds_place(own)
            || (own.matches.is_empty() && holds_place(rule))
    };
    let own = rules.iter().find(is_it);
    let own = own.map(|own| own.value.clone()).unwrap_or_default();
    HttpRoute {
        rewrite: own.rewrite.or_else(|| rule.rewrite.clone()),
        fault: own.fault.or_else(|| rule.fault.clone()),
        headers: own.headers.or_else(|| rule.headers.clone()),
        ..own
    }
}

/// A rule as it is written, and the object that it stands in.
fn written<'a>(
    origin: &Origin,
    all: &'a [VirtualService],
) -> Option<(&'a VirtualService, &'a Spanned<HttpRoute>)> {
    let mut objects = all.iter();
    let root = objects.find(|object| {
        format!("{}/{}", object.meta.namespace, object.meta.name) == *origin.object
    })?;
    Some((root, root.spec.http.get(origin.rule? as usize)?))
}
