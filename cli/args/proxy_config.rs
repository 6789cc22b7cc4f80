//! The flags of `meshsim proxy-config`.

use clap::{Args as ArgGroup, Subcommand, ValueEnum};

use super::ProxyArgs;

/// Print what Pilot would send a proxy: istioctl's columns, or Envoy's JSON
#[derive(Debug, ArgGroup)]
#[command(visible_alias = "pc", disable_help_subcommand = true)]
pub(crate) struct ProxyConfigArgs {
    #[command(subcommand)]
    pub(crate) part: ProxyConfigPart,
}

/// A part of a proxy's configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ProxyConfigPart {
    /// Where it listens, and what follows
    #[command(visible_aliases = ["listener", "l"])]
    Listeners(ListenersArgs),
    /// Which requests go where
    #[command(visible_aliases = ["route", "r"])]
    Routes(RoutesArgs),
    /// Where requests can go
    #[command(visible_aliases = ["cluster", "c"])]
    Clusters(ClustersArgs),
    /// The addresses behind each cluster
    #[command(visible_aliases = ["endpoint", "ep"])]
    Endpoints(EndpointsArgs),
    /// All of it; as JSON, what Envoy's config dump would be
    #[command(visible_alias = "a")]
    All(AllArgs),
}

#[derive(Debug, ArgGroup)]
pub(crate) struct ListenersArgs {
    /// Keep listeners on this address
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// Keep listeners on this port
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Keep listeners of this type
    #[arg(long = "type", value_name = "TYPE", ignore_case = true)]
    pub(crate) type_: Option<ListenerType>,
    #[command(flatten)]
    pub(crate) proxy: ProxyArgs,
}

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum ListenerType {
    Http,
    #[value(name = "http+tcp")]
    HttpAndTcp,
    Tcp,
    /// Neither
    Unknown,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct RoutesArgs {
    /// Keep the route configuration of this name, such as 9080
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) proxy: ProxyArgs,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct ClustersArgs {
    /// Keep clusters whose name contains this
    #[arg(long)]
    pub(crate) fqdn: Option<String>,
    /// Keep clusters of this port
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Keep clusters whose name contains this subset
    #[arg(long)]
    pub(crate) subset: Option<String>,
    /// Keep clusters of this direction
    #[arg(long, ignore_case = true)]
    pub(crate) direction: Option<Direction>,
    #[command(flatten)]
    pub(crate) proxy: ProxyArgs,
}

/// Which side of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Direction {
    Inbound,
    Outbound,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct EndpointsArgs {
    /// Keep endpoints of this cluster
    #[arg(long)]
    pub(crate) cluster: Option<String>,
    /// Keep endpoints with this address
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// Keep endpoints with this port
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Keep endpoints in this state, such as healthy
    #[arg(long)]
    pub(crate) status: Option<String>,
    #[command(flatten)]
    pub(crate) proxy: ProxyArgs,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct AllArgs {
    #[command(flatten)]
    pub(crate) proxy: ProxyArgs,
}
