//! What the codec of HTTP/1.1 refuses: such requests never become any.
//!
//! Source: envoyproxy/envoy 1.40, source/common/http/http1/balsa_parser.cc (isMethodValid), codec_impl.cc
//! (checkAndLimitHeaders), source/common/http/header_utility.cc (authorityIsValid).

use super::Refusal;
use crate::request::{Protocol, RequestHead};
use crate::response_flag::Details;

/// Refuses methods that are unknown, and authorities with characters that none has.
pub(super) fn check(head: &RequestHead) -> Result<(), Refusal> {
    let is_sound =
        METHODS.contains(&head.method.as_str()) && head.authority.bytes().all(is_of_authority);
    match head.protocol {
        Protocol::Http1 if !is_sound => Err(Refusal::by_codec(Details::CodecError)),
        Protocol::Http1 | Protocol::Http2 => Ok(()),
    }
}

const fn is_of_authority(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'%'
                | b'['
                | b']'
                | b':'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
        )
}

const METHODS: [&str; 35] = [
    "ACL",
    "BIND",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "M-SEARCH",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];
