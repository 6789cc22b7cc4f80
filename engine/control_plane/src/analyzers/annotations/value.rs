//! What the values of annotations must be. `proxy.istio.io/config` is not looked into.
//!
//! Source: istio/istio, pkg/kube/inject/validate.go; the words of numbers and addresses are Go's.

use std::net::IpAddr;

use manifest::quantity;

/// Why a value cannot be read.
pub(super) fn check(annotation: &str, value: &str) -> Result<(), String> {
    match annotation {
        "sidecar.istio.io/interceptionMode" => match value {
            "REDIRECT" | "TPROXY" | "NONE" => Ok(()),
            _ => Err(format!(
                "interceptionMode invalid, use REDIRECT,TPROXY,NONE: {value}"
            )),
        },
        "status.sidecar.istio.io/port" => {
            port(value).map_err(|why| format!("excludeInboundPorts invalid: {why}"))
        }
        "readiness.status.sidecar.istio.io/initialDelaySeconds"
        | "readiness.status.sidecar.istio.io/periodSeconds"
        | "readiness.status.sidecar.istio.io/failureThreshold" => number(value, u32::MAX.into()),
        "traffic.sidecar.istio.io/includeOutboundIPRanges" => match value {
            "*" => Ok(()),
            _ => ranges(value).map_err(|why| format!("includeIPRanges invalid: {why}")),
        },
        "traffic.sidecar.istio.io/excludeOutboundIPRanges" => {
            ranges(value).map_err(|why| format!("excludeIPRanges invalid: {why}"))
        }
        "traffic.sidecar.istio.io/includeInboundPorts" => match value {
            "*" => Ok(()),
            _ => ports(value).map_err(|why| format!("includeInboundPorts invalid: {why}")),
        },
        "traffic.sidecar.istio.io/excludeInboundPorts" => {
            ports(value).map_err(|why| format!("excludeInboundPorts invalid: {why}"))
        }
        "traffic.sidecar.istio.io/excludeOutboundPorts" => {
            ports(value).map_err(|why| format!("excludeOutboundPorts invalid: {why}"))
        }
        "prometheus.istio.io/merge-metrics" => match value {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(()),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(()),
            _ => Err(format!(
                "strconv.ParseBool: parsing {value:?}: invalid syntax"
            )),
        },
        "sidecar.istio.io/proxyCPU"
        | "sidecar.istio.io/proxyMemory"
        | "sidecar.istio.io/proxyCPULimit"
        | "sidecar.istio.io/proxyMemoryLimit" => match quantity::parse(value) {
            Some(_) => Ok(()),
            None => Err(
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                    .to_owned(),
            ),
        },
        _ => Ok(()),
    }
}

fn number(text: &str, max: u64) -> Result<(), String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let why = match text.parse::<u64>() {
        Ok(number) if is_number && number <= max => return Ok(()),
        _ if is_number => "value out of range",
        _ => "invalid syntax",
    };
    Err(format!("strconv.ParseUint: parsing {text:?}: {why}"))
}

fn port(text: &str) -> Result<(), String> {
    number(text.trim(), u16::MAX.into())
        .map_err(|why| format!("failed parsing port '{text}': {why}"))
}

fn ports(list: &str) -> Result<(), String> {
    let list = list.trim();
    if list.is_empty() {
        return Ok(());
    }
    list.split(',').try_for_each(|text| {
        port(text).map_err(|why| format!("failed parsing port '{text}': {why}"))
    })
}

fn ranges(list: &str) -> Result<(), String> {
    if list.is_empty() {
        return Ok(());
    }
    list.split(',').try_for_each(|range| {
        let fail = |why: &str| {
            Err(format!(
                "failed parsing cidr '{range}': netip.ParsePrefix({range:?}): {why}"
            ))
        };
        let Some((address, length)) = range.rsplit_once('/') else {
            return fail("no '/'");
        };
        let longest = match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return fail("unable to parse IP"),
        };
        match length.parse::<u8>() {
            Ok(length) if length <= longest => Ok(()),
            Ok(_) => fail("prefix length out of range"),
            Err(_) => fail(&format!("bad bits after slash: {length:?}")),
        }
    })
}
