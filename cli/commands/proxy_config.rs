//! `meshsim proxy-config`: what Pilot would send a proxy, in istioctl's columns or as Envoy's JSON.

mod clusters;
mod endpoints;
mod listeners;
mod routes;

use comfy_table::presets::NOTHING;
use serde_json::Value;
use xds::{ClusterLoadAssignment, Origin, Snapshot};

use crate::args::{AllArgs, Format, ProxyArgs, ProxyConfigArgs, ProxyConfigPart};
use crate::exit_code::Exit;
use crate::mesh::Mesh;
use crate::output::Output;
use crate::refusal::Failure;

/// Prints a part of a proxy's configuration.
pub(crate) fn run(args: &ProxyConfigArgs, output: &Output) -> Result<Exit, Failure> {
    match &args.part {
        ProxyConfigPart::Listeners(args) => {
            let snapshot = snapshot(&args.proxy, output)?;
            let kept = listeners::select(args, &snapshot.listeners);
            let table = || listeners::table(&kept, &snapshot.routes);
            print(output, &kept, table, |listener| {
                listener.to_json(&snapshot.routes)
            })?;
        }
        ProxyConfigPart::Routes(args) => {
            let snapshot = snapshot(&args.proxy, output)?;
            let kept = routes::select(args, &snapshot.routes);
            print(
                output,
                &kept,
                || routes::table(&kept),
                |routes| routes.to_json(),
            )?;
        }
        ProxyConfigPart::Clusters(args) => {
            let snapshot = snapshot(&args.proxy, output)?;
            let kept = clusters::select(args, &snapshot.clusters);
            print(
                output,
                &kept,
                || clusters::table(&kept),
                |cluster| cluster.to_json(),
            )?;
        }
        ProxyConfigPart::Endpoints(args) => {
            let snapshot = snapshot(&args.proxy, output)?;
            let kept = endpoints::select(args, &snapshot);
            let table = || endpoints::table(&kept);
            print(output, &kept, table, ClusterLoadAssignment::to_json)?;
        }
        ProxyConfigPart::All(args) => all(args, output)?,
    }
    Ok(Exit::Success)
}

fn snapshot(args: &ProxyArgs, output: &Output) -> Result<Snapshot, Failure> {
    Ok(Mesh::proxy(args, output)?.snapshot)
}

/// Prints all parts, one after the other, or Envoy's config dump.
fn all(args: &AllArgs, output: &Output) -> Result<(), Failure> {
    let proxy = Mesh::proxy(&args.proxy, output)?;
    if output.format == Format::Json {
        return output.print_json(&proxy.to_config_dump());
    }
    let snapshot = &proxy.snapshot;
    let tables = [
        clusters::table(&clusters::sorted(&snapshot.clusters)),
        listeners::table(&listeners::sorted(&snapshot.listeners), &snapshot.routes),
        routes::table(&routes::sorted(&snapshot.routes)),
        endpoints::table(&snapshot.load_assignments().cloned().collect::<Vec<_>>()),
    ];
    output.print(&tables.map(|table| table.to_string()).join("\n"))
}

/// Prints what the filters keep, as columns or in Envoy's JSON.
fn print<T>(
    output: &Output,
    kept: &[T],
    table: impl FnOnce() -> Table,
    to_json: impl Fn(&T) -> Value,
) -> Result<(), Failure> {
    match output.format {
        Format::Text | Format::Markdown => output.print(&table().to_string())?,
        Format::Json => output.print_json(&kept.iter().map(to_json).collect::<Vec<_>>())?,
    }
    if kept.is_empty() {
        output.note("the filters keep nothing");
    }
    Ok(())
}

/// Rows under column names, apart by blanks as istioctl prints them.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    fn new<const N: usize>(columns: [&str; N]) -> Self {
        Self::with_gap(columns, 5)
    }

    fn with_gap<const N: usize>(columns: [&str; N], blanks: u16) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(NOTHING).set_header(columns);
        for column in table.column_iter_mut() {
            column.set_padding((0, blanks));
        }
        Self(table)
    }

    fn push<const N: usize>(&mut self, row: [String; N]) {
        self.0.add_row(row);
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.0.trim_fmt())
    }
}

/// The object behind a piece of configuration, as istioctl names it: `reviews.default`.
fn managed_by(origin: Option<&Origin>) -> String {
    origin.map_or_else(String::new, |origin| match origin.object.split_once('/') {
        Some((namespace, name)) => format!("{name}.{namespace}"),
        None => origin.object.to_string(),
    })
}
