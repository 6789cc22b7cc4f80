//! The flags of `meshsim completions`.

use clap::Args as ArgGroup;
use clap_complete::Shell;

/// Print the completions of a shell
#[derive(Debug, ArgGroup)]
#[command(
    after_help = "Example: meshsim completions bash > ~/.local/share/bash-completion/completions/meshsim"
)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}
