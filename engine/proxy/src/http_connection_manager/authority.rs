//! What an authority becomes before it is matched and forwarded: optionally without a dot at its end and without a port.
//!
//! Source: envoyproxy/envoy 1.40, source/common/http/header_utility.cc (stripTrailingHostDot, stripPortFromHost,
//! getPortStart).

use crate::request::RequestHead;
use xds::{HttpConnectionManager, PortStripping};

/// Takes away what is configured.
pub(super) fn normalize(manager: &HttpConnectionManager, head: &mut RequestHead) {
    let dialled = head.downstream.map(|connection| connection.local.port());
    if manager.strip_trailing_host_dot {
        strip_dot(&mut head.authority);
    }
    let strips = |port: u32| match manager.strip_port {
        PortStripping::Never => false,
        PortStripping::Any => true,
        PortStripping::Matching => dialled.is_some_and(|own| u32::from(own) == port),
    };
    if let Some((host, port)) = split_port(&head.authority)
        && strips(port)
    {
        let length = host.len();
        head.authority.truncate(length);
    }
}

/// Takes away a dot at the end, or right before the port.
fn strip_dot(authority: &mut String) {
    let Some(dot) = authority.rfind('.') else {
        return;
    };
    if matches!(authority.as_bytes().get(dot + 1), None | Some(b':')) {
        authority.remove(dot);
    }
}

/// The host and the port behind the last colon, unless that belongs to an IPv6 address.
fn split_port(authority: &str) -> Option<(&str, u32)> {
    let (host, port) = authority.rsplit_once(':')?;
    if port.contains(']') {
        return None;
    }
    Some((host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Downstream;

    #[test]
    fn ports_and_dots_are_stripped() {
        let check = |strip_port, dot, authority: &str, want: &str| {
            let manager = HttpConnectionManager {
                strip_port,
                strip_trailing_host_dot: dot,
                ..HttpConnectionManager::default()
            };
            let mut head = RequestHead::get(authority, "/");
            head.downstream = Some(Downstream {
                remote: ([10, 0, 0, 2], 4321).into(),
                local: ([10, 0, 0, 1], 80).into(),
            });
            normalize(&manager, &mut head);
            assert_eq!(head.authority, want, "{authority}");
        };
        check(PortStripping::Never, false, "shop.:80", "shop.:80");
        check(PortStripping::Any, false, "shop:81", "shop");
        check(PortStripping::Any, false, "shop:", "shop:");
        check(PortStripping::Any, false, "shop:x", "shop:x");
        check(PortStripping::Any, false, "[fd00::1]", "[fd00::1]");
        check(PortStripping::Any, false, "[fd00::1]:80", "[fd00::1]");
        check(PortStripping::Matching, false, "shop:80", "shop");
        check(PortStripping::Matching, false, "shop:81", "shop:81");
        check(PortStripping::Never, true, "shop.", "shop");
        check(PortStripping::Never, true, "shop.:81", "shop:81");
        check(PortStripping::Any, true, "shop.:81", "shop");
        check(PortStripping::Never, true, "a.shop", "a.shop");
    }
}
