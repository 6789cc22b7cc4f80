//! `meshsim schema`: the JSON Schema of scenario files.

use crate::args::SchemaArgs;
use crate::exit_code::Exit;
use crate::output::Output;
use crate::refusal::Failure;

/// Prints the schema.
pub(crate) fn run(_: &SchemaArgs, output: &Output) -> Result<Exit, Failure> {
    output.print_json(&scenario::schema())?;
    Ok(Exit::Success)
}
