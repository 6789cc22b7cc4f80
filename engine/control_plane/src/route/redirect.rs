//! Redirects.
//!
//! Source: istio/istio, pilot/pkg/networking/core/route/route.go (ApplyRedirect).

use manifest::redirect::{HttpRedirect, RedirectPort};
use xds::{PathRedirect, Redirect};

use super::RouteContext;

/// The redirect; none where Envoy has no such status, so that the route is left without an action.
pub(crate) fn redirect(written: &HttpRedirect, context: RouteContext<'_>) -> Option<Redirect> {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let port = match written.port {
        Some(RedirectPort::Number(number)) => u16::try_from(number).ok(),
        // Envoy cannot derive it, but the table is made for one port.
        Some(RedirectPort::FromRequestPort) => Some(context.port),
        Some(RedirectPort::FromProtocolDefault) | None => None,
    };
    let scheme = text(&written.scheme);
    let own_scheme = if context.is_tls { "https" } else { "http" };
    let is_default = matches!(
        (port, scheme.as_deref().unwrap_or(own_scheme)),
        (Some(80), "http") | (Some(443), "https")
    );
    Some(Redirect {
        response_code: match written.redirect_code {
            0 | 301 => 301,
            302 => 302,
            303 => 303,
            307 => 307,
            308 => 308,
            _ => return None,
        },
        scheme,
        host: text(&written.authority),
        port: port.filter(|port| *port != 0 && !is_default),
        path: text(&written.prefix_rewrite)
            .map(PathRedirect::Prefix)
            .or_else(|| text(&written.uri).map(PathRedirect::Path)),
        strip_query: false,
    })
}
