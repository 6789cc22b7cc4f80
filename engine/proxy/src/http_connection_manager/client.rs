//! Who a request's client is: the connection's other end, or whom trusted proxies name in `x-forwarded-for`.
//!
//! Source: envoyproxy/envoy 1.40, source/common/http/conn_manager_utility.cc (mutateRequestHeaders), utility.cc
//! (getLastAddressFromXFF, appendXff), source/extensions/http/original_ip_detection/xff.

use super::{HttpConnectionManager, joined, set};
use crate::request::RequestHead;
use crate::sanitize::Trust;
use std::net::IpAddr;

/// A request's client.
pub(super) struct Client {
    /// Its address, if it is known.
    pub(super) address: Option<IpAddr>,
    /// How far its headers are believed.
    pub(super) trust: Trust,
}

impl Client {
    /// Writes into a request what upstreams and routes are told of its client.
    pub(super) fn tell(
        &self,
        manager: &HttpConnectionManager,
        head: &mut RequestHead,
        is_tls: bool,
    ) {
        let connection = head.downstream;
        let source = manager.source();
        let own = if is_tls { "https" } else { "http" };
        let is_told = head.values(FORWARDED_PROTO).next().is_some();
        let distrusts = source.use_remote_address && source.xff_num_trusted_hops == 0;
        if distrusts || !is_told {
            set(head, FORWARDED_PROTO, own);
        }
        if source.use_remote_address {
            if let (Some(connection), false) = (connection, source.skip_xff_append) {
                let peer = connection.remote.ip();
                let all = match joined(head, FORWARDED_FOR) {
                    Some(before) => format!("{before},{peer}"),
                    None => peer.to_string(),
                };
                set(head, FORWARDED_FOR, all);
            }
            let is_told = head.values(FORWARDED_PORT).next().is_some();
            if let (Some(connection), true) = (connection, source.append_x_forwarded_port)
                && (distrusts || !is_told)
            {
                set(head, FORWARDED_PORT, connection.local.port().to_string());
            }
        }
        match (self.trust, self.address) {
            (Trust::Internal, _) => set(head, "x-envoy-internal", "true"),
            (Trust::Edge, Some(address)) => {
                set(head, "x-envoy-external-address", address.to_string());
            }
            (Trust::Edge, None) | (Trust::External, _) => {}
        }
    }
}

/// The last address of `x-forwarded-for` before the last `skipped` ones, and whether it is the only one.
pub(super) fn last_address(forwarded_for: &str, skipped: u32) -> Option<(IpAddr, bool)> {
    let mut rest = forwarded_for;
    for _ in 0..skipped {
        rest = rest.rsplit_once(',')?.0;
    }
    let last = rest.rsplit_once(',');
    let (address, is_first) = match last {
        Some((_, last)) => (last, false),
        None => (rest, true),
    };
    let address = address.trim_matches([' ', '\t']).parse().ok()?;
    Some((address, is_first && skipped == 0))
}

pub(super) const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";
const FORWARDED_PORT: &str = "x-forwarded-port";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_address_is_found_behind_those_of_trusted_proxies() {
        let check = |text: &str, skipped, want: Option<(&str, bool)>| {
            let found = last_address(text, skipped);
            let want = want.map(|(address, only)| (address.parse().expect("an address"), only));
            assert_eq!(found, want, "{text} {skipped}");
        };
        check("1.2.3.4", 0, Some(("1.2.3.4", true)));
        check(" 1.2.3.4 ", 0, Some(("1.2.3.4", true)));
        check("1.1.1.1, 2.2.2.2", 0, Some(("2.2.2.2", false)));
        check("1.1.1.1, 2.2.2.2", 1, Some(("1.1.1.1", false)));
        check("1.1.1.1", 1, None);
        check("fd00::1", 0, Some(("fd00::1", true)));
        check("unknown", 0, None);
        check("", 0, None);
    }
}
