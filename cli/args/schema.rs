//! The flags of `meshsim schema`.

use clap::Args as ArgGroup;

/// Print the JSON Schema of scenario files, for editors
#[derive(Debug, ArgGroup)]
#[command(after_help = "Example: meshsim schema > scenario.schema.json")]
pub(crate) struct SchemaArgs {}
