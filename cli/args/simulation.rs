//! What all verbs that simulate share.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args as ArgGroup, ValueHint};
use scenario::MOST_REPLICATIONS;

/// What all verbs that simulate share.
#[derive(Debug, ArgGroup)]
pub(crate) struct SimulationArgs {
    /// Override one field of the scenario, such as `traffic[0].rate=500/s`; repeatable
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// Threads; changes how long it takes and nothing else
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// The mesh's configuration, as in the ConfigMap `istio`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) mesh_config: Option<PathBuf>,
    /// Leave invalid objects out with a warning, as a cluster that refused them would
    #[arg(long)]
    pub(crate) skip_invalid: bool,
}

/// A number of replications.
pub(super) fn replications(text: &str) -> Result<NonZeroU32, String> {
    let count: NonZeroU32 = text.parse().map_err(|error| format!("{error}"))?;
    if count.get() > MOST_REPLICATIONS {
        return Err(format!("at most {MOST_REPLICATIONS} are run"));
    }
    Ok(count)
}
