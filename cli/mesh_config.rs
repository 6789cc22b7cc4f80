//! `--mesh-config`: Istio's MeshConfig as a file, or the ConfigMap `istio` among the manifests.
//!
//! What its fields mean and which are known is decided in `control_plane`.

use std::path::Path;

use control_plane::MeshConfig;
use control_plane::mesh_config::{from_config_map, from_file};
use manifest::{Diagnostic, Resources, Source};

use crate::input;
use crate::manifests;
use crate::output::Output;
use crate::refusal::Refusal;

/// The mesh's configuration: the file that a flag names, else the ConfigMap `istio` of `istio-system`, else Istio's
/// defaults.
pub(crate) fn read(
    path: Option<&Path>,
    resources: &Resources,
    output: &Output,
) -> Result<MeshConfig, Refusal> {
    match path {
        Some(path) => read_file(path, output),
        None => accept(from_config_map(resources), &[], output),
    }
}

/// A file that holds the configuration, or a ConfigMap with it.
pub(crate) fn read_file(path: &Path, output: &Output) -> Result<MeshConfig, Refusal> {
    let file = input::read_file(path)?;
    let read = from_file(&file);
    accept(read, std::slice::from_ref(&file), output)
}

fn accept(
    read: Result<(MeshConfig, Vec<Diagnostic>), Vec<Diagnostic>>,
    sources: &[Source],
    output: &Output,
) -> Result<MeshConfig, Refusal> {
    match read {
        Ok((config, notes)) => {
            manifests::report(&notes, sources, false, output);
            Ok(config)
        }
        Err(problems) => {
            manifests::report(&problems, sources, false, output);
            Err(Refusal::new("the mesh configuration cannot be read"))
        }
    }
}
