//! `--mesh-config`: Istio's MeshConfig as a file, or a ConfigMap that holds it under `mesh`.
//!
//! Fields that decide about traffic here are read, the others of Istio's are said not to be simulated, and unknown
//! ones are refused. Source: istio/api, mesh/v1alpha1/config.proto.

use std::collections::BTreeMap;
use std::path::Path;

use base::SimDuration;
use control_plane::{MeshConfig, OutboundTrafficPolicy};
use manifest::{Diagnostic, Resources, Source, Spanned, from_yaml};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::input;
use crate::manifests;
use crate::output::Output;
use crate::refusal::Refusal;
use crate::similar::most_similar;

type Fields = BTreeMap<String, Spanned<Value>>;

/// The mesh's configuration: the file that a flag names, else the ConfigMap `istio` of `istio-system`, else Istio's
/// defaults.
pub(crate) fn read(
    path: Option<&Path>,
    resources: &Resources,
    output: &Output,
) -> Result<MeshConfig, Refusal> {
    if let Some(path) = path {
        return read_file(path, output);
    }
    let config_map = resources
        .config_maps
        .iter()
        .find(|map| map.meta.name == "istio" && map.meta.namespace == "istio-system");
    match config_map.and_then(|map| map.spec.data.get("mesh")) {
        Some(mesh) => from_text(mesh.at.file.to_string(), &mesh.value, output),
        None => Ok(MeshConfig::default()),
    }
}

/// A file that holds the configuration, or a ConfigMap with it.
pub(crate) fn read_file(path: &Path, output: &Output) -> Result<MeshConfig, Refusal> {
    let file = input::read_file(path)?;
    let fields = parse(&file, output)?;
    if fields
        .get("kind")
        .is_none_or(|kind| kind.value != "ConfigMap")
    {
        return from_fields(fields, output);
    }
    let data = fields.get("data");
    match data.and_then(|data| data.value.get("mesh")?.as_str()) {
        Some(mesh) => from_text(file.name.to_string(), mesh, output),
        None => Err(Refusal::new(format!(
            "the ConfigMap in `{}` has no text under `data.mesh`",
            path.display()
        ))),
    }
}

/// The text under `mesh` of a ConfigMap; places in it count from its own first line.
fn from_text(file: String, text: &str, output: &Output) -> Result<MeshConfig, Refusal> {
    from_fields(
        parse(&Source::new(format!("{file}#mesh"), text), output)?,
        output,
    )
}

fn from_fields(fields: Fields, output: &Output) -> Result<MeshConfig, Refusal> {
    let mut config = MeshConfig::default();
    for (name, value) in fields {
        set(&mut config, &name, &value, output)?;
    }
    Ok(config)
}

fn parse(file: &Source, output: &Output) -> Result<Fields, Refusal> {
    let (fields, diagnostics): (Option<Fields>, Vec<Diagnostic>) = from_yaml(file);
    manifests::report(&diagnostics, std::slice::from_ref(file), false, output);
    fields.ok_or_else(|| Refusal::new("the mesh configuration cannot be read"))
}

/// Sets one field.
fn set(
    config: &mut MeshConfig,
    name: &str,
    value: &Spanned<Value>,
    output: &Output,
) -> Result<(), Refusal> {
    match name {
        "outboundTrafficPolicy" => config.outbound_traffic_policy = outbound_policy(value)?,
        "defaultHttpRetryPolicy" => config.default_http_retry_policy = Some(typed(name, value)?),
        "defaultServiceExportTo" => config.default_service_export_to = typed(name, value)?,
        "defaultVirtualServiceExportTo" => {
            config.default_virtual_service_export_to = typed(name, value)?;
        }
        "defaultDestinationRuleExportTo" => {
            config.default_destination_rule_export_to = typed(name, value)?;
        }
        "connectTimeout" => config.connect_timeout = duration(name, value)?,
        "h2UpgradePolicy" => config.h2_upgrade_policy = typed(name, value)?,
        "enableAutoMtls" => config.enable_auto_mtls = typed(name, value)?,
        "localityLbSetting" => config.locality_lb_setting = typed(name, value)?,
        "rootNamespace" => config.root_namespace = typed(name, value)?,
        "proxyListenPort" => config.proxy_listen_port = typed(name, value)?,
        "proxyInboundListenPort" => config.proxy_inbound_listen_port = typed(name, value)?,
        name if NOT_SIMULATED.contains(&name) => {
            output.note(format_args!(
                "{}: note: `{name}` is not simulated",
                value.at
            ));
        }
        unknown => {
            let refusal = Refusal::new(format!("{}: unknown field \"{unknown}\"", value.at));
            let names = SIMULATED.iter().chain(&NOT_SIMULATED).copied();
            return Err(match most_similar(unknown, names) {
                Some(meant) => refusal.with_help(format!("did you mean `{meant}`?")),
                None => refusal,
            });
        }
    }
    Ok(())
}

fn typed<T: DeserializeOwned>(name: &str, value: &Spanned<Value>) -> Result<T, Refusal> {
    serde_json::from_value(value.value.clone())
        .map_err(|error| Refusal::new(format!("{}: {name}: {error}", value.at)))
}

fn duration(name: &str, value: &Spanned<Value>) -> Result<SimDuration, Refusal> {
    let text: String = typed(name, value)?;
    text.parse().map_err(|_| {
        Refusal::new(format!("{}: {name}: `{text}` is no duration", value.at))
            .with_help("write it as in `10s`")
    })
}

fn outbound_policy(value: &Spanned<Value>) -> Result<OutboundTrafficPolicy, Refusal> {
    // The first value of the protobuf enum is what an empty message means.
    match value
        .value
        .get("mode")
        .map_or(Some("REGISTRY_ONLY"), Value::as_str)
    {
        Some("ALLOW_ANY") => Ok(OutboundTrafficPolicy::AllowAny),
        Some("REGISTRY_ONLY") => Ok(OutboundTrafficPolicy::RegistryOnly),
        _ => Err(Refusal::new(format!(
            "{}: outboundTrafficPolicy.mode: expected `ALLOW_ANY` or `REGISTRY_ONLY`",
            value.at
        ))),
    }
}

/// The fields that decide something here.
const SIMULATED: [&str; 12] = [
    "outboundTrafficPolicy",
    "defaultHttpRetryPolicy",
    "defaultServiceExportTo",
    "defaultVirtualServiceExportTo",
    "defaultDestinationRuleExportTo",
    "connectTimeout",
    "h2UpgradePolicy",
    "enableAutoMtls",
    "localityLbSetting",
    "rootNamespace",
    "proxyListenPort",
    "proxyInboundListenPort",
];

/// Fields of MeshConfig that decide nothing here.
const NOT_SIMULATED: [&str; 35] = [
    "accessLogEncoding",
    "accessLogFile",
    "accessLogFormat",
    "ca",
    "caCertificates",
    "certificates",
    "configSources",
    "defaultConfig",
    "defaultProviders",
    "disableEnvoyListenerLog",
    "discoverySelectors",
    "dnsRefreshRate",
    "enableEnvoyAccessLogService",
    "enablePrometheusMerge",
    "enableTracing",
    "extensionProviders",
    "hboneIdleTimeout",
    "inboundClusterStatName",
    "inboundTrafficPolicy",
    "ingressClass",
    "ingressControllerMode",
    "ingressSelector",
    "ingressService",
    "meshMTLS",
    "outboundClusterStatName",
    "pathNormalization",
    "protocolDetectionTimeout",
    "proxyHttpPort",
    "serviceScopeConfigs",
    "serviceSettings",
    "tcpKeepalive",
    "tlsDefaults",
    "trustDomain",
    "trustDomainAliases",
    "verifyCertificateAtClient",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Verbosity;

    fn config(text: &str) -> Result<MeshConfig, Refusal> {
        let output = Output {
            format: crate::args::Format::Text,
            verbosity: Verbosity::Quiet,
        };
        from_fields(parse(&Source::new("mesh.yaml", text), &output)?, &output)
    }

    #[test]
    fn fields_that_decide_are_read() {
        let read = config(
            "outboundTrafficPolicy: {mode: REGISTRY_ONLY}\nconnectTimeout: 1s\n\
             defaultHttpRetryPolicy: {attempts: 0}\ntrustDomain: td\n",
        )
        .expect("all of it is known");
        assert_eq!(
            read.outbound_traffic_policy,
            OutboundTrafficPolicy::RegistryOnly
        );
        assert_eq!(read.connect_timeout, SimDuration::from_secs(1));
        assert_eq!(
            read.default_http_retry_policy.map(|policy| policy.attempts),
            Some(0)
        );
    }

    #[test]
    fn fields_that_are_unknown_or_wrong_are_refused() {
        let table = [
            ("outboundTraficPolicy: {}", "mesh.yaml:1:23: unknown field"),
            (
                "outboundTrafficPolicy: {mode: NONE}",
                "expected `ALLOW_ANY`",
            ),
            ("connectTimeout: soon", "`soon` is no duration"),
            ("enableAutoMtls: 3", "enableAutoMtls: invalid type"),
        ];
        for (text, want) in table {
            match config(text) {
                Err(refusal) => assert!(refusal.message.contains(want), "{refusal}"),
                Ok(config) => panic!("{text}: {config:?}"),
            }
        }
    }

    #[test]
    fn simulated_fields_are_those_that_are_set() {
        for name in SIMULATED {
            assert!(!NOT_SIMULATED.contains(&name), "{name}");
        }
    }
}
