//! The flags of `meshsim explain`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use base::SimDuration;
use clap::{Args as ArgGroup, ValueHint};

use super::{Direction, MeshArgs};

/// Tell where one request goes and why, without a simulation
#[derive(Debug, ArgGroup)]
#[command(after_help = "Examples:
  meshsim explain -f mesh/ --from default/productpage-v1 http://reviews:9080/reviews/1
  meshsim explain -f mesh/ --from shop/web http://api/ -X POST -H 'end-user: jason' --count 1000
  meshsim explain -f mesh/ --gateway istio-system/main https://shop.example/cart
  meshsim explain --scenario shop.yaml --at 30s --from shop/web http://api/
  istioctl pc all web-0.shop -o json | meshsim explain --config-dump - http://api/
  meshsim explain --envoy envoy.yaml --listener main http://localhost/")]
pub(crate) struct ExplainArgs {
    /// Who sends the request: a pod or a workload
    #[arg(long, value_name = "NS/NAME")]
    pub(crate) from: Option<String>,
    /// The Gateway through which the request enters the mesh; the URL's port is one of its servers'
    #[arg(
        long,
        value_name = "NS/NAME",
        conflicts_with_all = ["from", "config_dump", "envoy"]
    )]
    pub(crate) gateway: Option<String>,
    /// The scenario in whose world the request is made, instead of manifests: its workloads say what is answered
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = ["files", "config_dump", "envoy"]
    )]
    pub(crate) scenario: Option<PathBuf>,
    /// When in the scenario, such as `30s`; at its start if not given
    #[arg(long, value_name = "DURATION", requires = "scenario")]
    pub(crate) at: Option<SimDuration>,
    /// What is dialled: http, https, grpc or tcp
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// The method; GET if not given
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub(crate) method: Option<String>,
    /// A header, as curl takes it: `name: value`, `name;` for an empty one; `Host: x` sets the authority
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    pub(crate) headers: Vec<String>,
    /// Draw what is left to chance N times and count what happens
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<NonZeroU32>,
    /// Where randomness begins
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) running: RunningArgs,
    #[command(flatten)]
    pub(crate) mesh: MeshArgs,
}

/// A proxy that runs somewhere, instead of manifests.
#[derive(Debug, ArgGroup)]
#[command(next_help_heading = "A proxy that runs")]
pub(crate) struct RunningArgs {
    /// What `istioctl proxy-config all -o json` or Envoy's /config_dump?include_eds gives; `-` for standard input
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = ["files", "from", "envoy"]
    )]
    pub(crate) config_dump: Option<PathBuf>,
    /// An Envoy bootstrap with static resources, in YAML or JSON; `-` for standard input
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = ["files", "from"]
    )]
    pub(crate) envoy: Option<PathBuf>,
    /// The listener that takes the request; if not given, the one that the address leads to
    #[arg(long, value_name = "NAME", conflicts_with_all = ["files", "from"])]
    pub(crate) listener: Option<String>,
    /// Which side of the sidecar takes it
    #[arg(
        long,
        ignore_case = true,
        default_value = "outbound",
        conflicts_with_all = ["files", "from", "listener"]
    )]
    pub(crate) direction: Direction,
}
