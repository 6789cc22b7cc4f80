//! Addresses that something listens on or leads to: IP addresses, ranges of them, Unix sockets.
//!
//! Source: istio/istio, pkg/config/validation/validation.go (ValidateUnixAddress), agent/validation.go
//! (ValidateIPAddress, ValidateIPSubnet).

use crate::host::is_ip;
use std::net::IpAddr;

/// Why a text is no IP address.
pub(super) fn ip(text: &str) -> Result<(), String> {
    if is_ip(text) {
        Ok(())
    } else {
        Err(format!("{text} is not a valid IP"))
    }
}

/// Why a text is neither an address nor a range of addresses.
pub(super) fn ip_subnet(subnet: &str) -> Result<(), String> {
    if subnet.matches('/').count() != 1 {
        return ip(subnet);
    }
    let (address, length) = subnet.split_once('/').unwrap_or((subnet, ""));
    let longest = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return Err(format!("{subnet} is not a valid CIDR block")),
    };
    match length.parse::<u8>() {
        Ok(length) if length <= longest => Ok(()),
        _ => Err(format!("{subnet} is not a valid CIDR block")),
    }
}

/// Why a text, [`UNIX`](crate::host::UNIX) taken off, names no Unix socket.
pub(super) fn unix_socket(path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Err("unix address must not be empty".to_owned());
    }
    // An abstract socket is no file.
    if path.starts_with('@') || (path.starts_with('/') && !path.ends_with('/')) {
        return Ok(());
    }
    Err(format!("{path} is not an absolute path to a file"))
}

/// Parts an address into host and port, as Go's `net.SplitHostPort` does: hosts with colons stand in brackets.
pub(super) fn split_host_port(address: &str) -> Result<(&str, &str), String> {
    let refuse = |why: &str| {
        Err(match address {
            "" => why.to_owned(),
            _ => format!("address {address}: {why}"),
        })
    };
    let Some((before, port)) = address.rsplit_once(':') else {
        return refuse("missing port in address");
    };
    let host = match address.strip_prefix('[') {
        None if before.contains(':') => return refuse("too many colons in address"),
        None => before,
        Some(inner) => {
            let Some((host, rest)) = inner.split_once(']') else {
                return refuse("missing ']' in address");
            };
            match rest.strip_prefix(':') {
                Some(rest) if !rest.contains(':') => host,
                Some(_) => return refuse("too many colons in address"),
                None => return refuse("missing port in address"),
            }
        }
    };
    for (mark, why) in [
        ('[', "unexpected '[' in address"),
        (']', "unexpected ']' in address"),
    ] {
        if host.contains(mark) || port.contains(mark) {
            return refuse(why);
        }
    }
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_colons_stand_in_brackets() {
        for (address, expected) in [
            ("127.0.0.1:80", Ok(("127.0.0.1", "80"))),
            ("[::1]:80", Ok(("::1", "80"))),
            (":80", Ok(("", "80"))),
            ("a:", Ok(("a", ""))),
            ("80", Err("address 80: missing port in address")),
            ("::1:80", Err("address ::1:80: too many colons in address")),
            ("[::1]", Err("address [::1]: missing port in address")),
            ("[::1:80", Err("address [::1:80: missing ']' in address")),
            ("", Err("missing port in address")),
        ] {
            assert_eq!(
                split_host_port(address),
                expected.map_err(str::to_owned),
                "{address}"
            );
        }
    }
}
