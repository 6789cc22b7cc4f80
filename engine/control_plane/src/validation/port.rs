//! The rules for ports: numbers, names and protocols.
//!
//! Source: istio/istio, pkg/config/validation/validation.go (ValidatePortName, ValidateProtocol),
//! agent/validation.go (ValidatePort).

use super::names;
use crate::protocol::Protocol;

/// Why a number is no port.
pub(super) fn number(number: i64) -> Result<(), String> {
    if (1..=65535).contains(&number) {
        Ok(())
    } else {
        Err(format!(
            "port number {number} must be in the range 1..65535"
        ))
    }
}

/// Why a text is no port's name.
pub(super) fn name(name: &str) -> Result<(), String> {
    if names::is_dns_label(name) {
        Ok(())
    } else {
        Err(format!("invalid port name: {name}"))
    }
}

/// Why a text is no protocol; none at all means that the proxy finds out.
pub(super) fn protocol(protocol: &str) -> Result<(), String> {
    if protocol.is_empty() || is_protocol(protocol) {
        Ok(())
    } else {
        Err(format!("unsupported protocol: {protocol}"))
    }
}

/// Whether a text is a protocol.
pub(super) fn is_protocol(text: &str) -> bool {
    Protocol::parse(text) != Protocol::Unsupported
}
