//! The flags of `meshsim export`.

use std::net::SocketAddr;

use clap::{Args as ArgGroup, Subcommand, ValueEnum};

use super::ProxyArgs;

/// Write what a proxy is told as files of other tools
#[derive(Debug, ArgGroup)]
#[command(disable_help_subcommand = true)]
pub(crate) struct ExportArgs {
    #[command(subcommand)]
    pub(crate) format: ExportFormat,
}

/// A tool whose files are written.
#[derive(Debug, Subcommand)]
pub(crate) enum ExportFormat {
    /// A bootstrap that an Envoy starts with: the proxy's configuration as static resources
    Envoy(ExportEnvoyArgs),
}

#[derive(Debug, ArgGroup)]
#[command(
    after_help = "Prints YAML, or JSON with `-o json`. Without --bind, listeners are as in a pod, where iptables
redirects connections to them. With it, each outbound listener has a port of its own:

  meshsim export envoy default/client -f mesh/ --bind 127.0.0.1:20000 --upstream 127.0.0.1:8080 > envoy.yaml
  envoy -c envoy.yaml &
  curl -H 'Host: reviews' http://127.0.0.1:20000/"
)]
pub(crate) struct ExportEnvoyArgs {
    /// Bind outbound listeners here, each at the next port
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) bind: Option<SocketAddr>,
    /// Send all requests here, whichever endpoint is chosen
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) upstream: Option<SocketAddr>,
    /// Plain text everywhere, or TLS with the certificates of Istio's agent
    #[arg(long, value_name = "TLS", default_value = "off")]
    pub(crate) tls: ExportTls,
    /// The port of Envoy's admin interface, on loopback
    #[arg(long, value_name = "PORT", default_value = "15000")]
    pub(crate) admin_port: u16,
    #[command(flatten)]
    pub(crate) proxy: ProxyArgs,
}

/// What becomes of TLS in an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportTls {
    Off,
    Keep,
}
