//! Requests of HTTP/1.1 that ask for another protocol on their connection.
//!
//! Source: envoyproxy/envoy 1.40, source/common/http/utility.cc (isUpgrade), conn_manager_impl.cc
//! (createFilterChain), http1/codec_impl.cc (h2c is ignored).

use super::{Refusal, set};
use crate::request::{Protocol, RequestHead};
use crate::response_flag::Details;

/// The protocol that a request asks for.
pub(super) fn asked_for(head: &RequestHead) -> Option<String> {
    let mut tokens = head
        .values("connection")
        .flat_map(|value| value.split(','))
        .map(str::trim);
    let is_asked = head.protocol == Protocol::Http1
        && tokens.any(|token| token.eq_ignore_ascii_case("upgrade"));
    let protocol = head.values("upgrade").next().filter(|_| is_asked)?;
    (!protocol.eq_ignore_ascii_case("h2c")).then(|| protocol.to_owned())
}

/// Refuses what is not configured, and passes on the wish for what is.
pub(super) fn admit(
    configured: &[String],
    asked: String,
    head: &mut RequestHead,
) -> Result<(), Refusal> {
    let mut known = configured.iter();
    if !known.any(|known| known.eq_ignore_ascii_case(&asked)) {
        return Err(Refusal::empty(403, Details::UpgradeFailed));
    }
    set(head, "connection", "upgrade");
    set(head, "upgrade", asked);
    Ok(())
}
