//! `meshsim export`: what a proxy is told as files of other tools.

use std::net::SocketAddr;

use xds::BootstrapOptions;

use crate::args::{ExportArgs, ExportEnvoyArgs, ExportFormat, ExportTls, Format};
use crate::exit_code::Exit;
use crate::mesh::Mesh;
use crate::output::Output;
use crate::refusal::Failure;
use crate::yaml::to_yaml;

/// Prints a proxy's configuration for another tool.
pub(crate) fn run(args: &ExportArgs, output: &Output) -> Result<Exit, Failure> {
    match &args.format {
        ExportFormat::Envoy(args) => envoy(args, output)?,
    }
    Ok(Exit::Success)
}

/// A bootstrap on standard output, what to know about it on standard error.
fn envoy(args: &ExportEnvoyArgs, output: &Output) -> Result<(), Failure> {
    let proxy = Mesh::proxy(&args.proxy, output)?;
    let bootstrap = proxy.snapshot.to_bootstrap(&BootstrapOptions {
        bind: args.bind.map(socket_address),
        upstream: args.upstream.map(socket_address),
        keeps_tls: args.tls == ExportTls::Keep,
        admin_port: args.admin_port,
    });
    for note in &bootstrap.notes {
        output.note(note);
    }
    match output.format {
        Format::Json => output.print_json(&bootstrap.json),
        Format::Text | Format::Markdown => output.print(&to_yaml(&bootstrap.json)),
    }
}

fn socket_address(address: SocketAddr) -> xds::SocketAddress {
    xds::SocketAddress {
        address: address.ip().to_string(),
        port: address.port(),
    }
}
