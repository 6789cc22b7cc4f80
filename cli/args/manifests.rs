//! The manifests that verbs work on, and a proxy among them.

use std::path::PathBuf;

use clap::{Args as ArgGroup, ValueHint};

/// The manifests that a verb works on.
#[derive(Debug, ArgGroup)]
#[command(next_help_heading = "Manifests")]
pub(crate) struct ManifestArgs {
    /// A file, a folder with all its *.yaml, *.yml and *.json, or `-` for standard input; repeatable
    #[arg(short = 'f', long = "filename", value_name = "FILE|FOLDER", value_hint = ValueHint::AnyPath)]
    pub(crate) files: Vec<PathBuf>,
    /// The namespace of objects that name none
    #[arg(short, long, value_name = "NS", default_value = "default")]
    pub(crate) namespace: String,
    /// The mesh's configuration, as in the ConfigMap `istio`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) mesh_config: Option<PathBuf>,
}

/// The manifests of a mesh that is to be compiled.
#[derive(Debug, ArgGroup)]
pub(crate) struct MeshArgs {
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    /// Leave invalid objects out with a warning, as a cluster that refused them would
    #[arg(long)]
    pub(crate) skip_invalid: bool,
}

/// A proxy, and the manifests that say what it is told.
#[derive(Debug, ArgGroup)]
pub(crate) struct ProxyArgs {
    /// The proxy: a pod, or a workload for its first pod
    #[arg(value_name = "NS/POD")]
    pub(crate) proxy: String,
    #[command(flatten)]
    pub(crate) mesh: MeshArgs,
}
