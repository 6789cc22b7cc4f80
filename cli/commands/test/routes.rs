//! What tests of routes are about: the route table of one proxy, which the simulator's own matcher asks.
//!
//! Envoy's route configuration is taken as it is. From Istio's manifests comes the table of a gateway to which all
//! VirtualServices are bound: such tests name neither a proxy nor a port, so that what depends on them is left out.

use std::path::Path;
use std::sync::Arc;

use base::Location;
use control_plane::MeshConfig;
use manifest::direct_response::HttpDirectResponse;
use manifest::{Invalid, Resources, Source, Spanned, VirtualService, parse};
use proxy::names::Names;
use proxy::table::{RouteConfigId, Table};
use scenario::envoy_json;
use xds::{Json, JsonValue, RouteConfiguration, RunningProxy, Snapshot};

use super::files::has_field;
use crate::args::{ManifestArgs, TestArgs};
use crate::envoy_file::accept;
use crate::input;
use crate::manifests::Manifests;
use crate::mesh_config;
use crate::output::Output;
use crate::refusal::{Failure, Refusal};

/// The routes that tests are about.
pub(crate) struct Routes {
    pub(crate) table: Table,
    pub(crate) config: RouteConfigId,
    /// The rules behind them; none where they are Envoy's own.
    pub(crate) rules: Option<Rules>,
}

/// The rules of Istio behind routes.
pub(crate) struct Rules {
    pub(crate) virtual_services: Vec<VirtualService>,
    /// The same routes, in which rules that delegate stand for themselves, whatever their delegates say.
    pub(crate) roots: Box<Routes>,
}

impl Routes {
    /// Reads what `-f` names.
    pub(crate) fn read(args: &TestArgs, output: &Output) -> Result<Self, Failure> {
        if let [file] = args.files.as_slice()
            && let Some(source) = envoy_source(file)
        {
            let json = envoy_json::read(&source);
            let json = json.map_err(|problem| Refusal::new(problem.to_string()))?;
            return Ok(Self::of_envoy(json, &source.name, output)?);
        }
        Self::of_istio(args, output)
    }

    /// Envoy's route configuration, or that of a bootstrap which has one.
    fn of_envoy(json: Json, file: &str, output: &Output) -> Result<Self, Refusal> {
        let is_bootstrap =
            json.get("static_resources").is_some() || json.get("staticResources").is_some();
        let json = if is_bootstrap { json } else { around(json) };
        let proxy = accept(RunningProxy::from_bootstrap(&json), output)?;
        let mut names = proxy
            .snapshot
            .routes
            .iter()
            .map(|routes| routes.name.clone());
        match (names.next(), names.next()) {
            (Some(only), None) => Self::compile(&proxy.snapshot, &only, output),
            (None, _) => Err(Refusal::new(format!("`{file}` has no routes"))),
            (Some(_), Some(_)) => Err(Refusal::new(format!(
                "`{file}` has more than one route configuration"
            ))
            .with_help("give the one that is meant as a file of its own")),
        }
    }

    fn of_istio(args: &TestArgs, output: &Output) -> Result<Self, Failure> {
        let read = ManifestArgs {
            files: args.files.clone(),
            namespace: args.namespace.clone(),
            mesh_config: args.simulation.mesh_config.clone(),
        };
        let manifests = Manifests::read(&read, &[], Invalid::LeftOut, output)?;
        manifests.accept(args.simulation.skip_invalid, output)?;
        let mut resources = manifests.resources.clone();
        let virtual_services = resources.virtual_services.clone();
        for place in bind_to_one_gateway(&mut resources) {
            output.note(format_args!("{place}: what this rule says of clients, gateways and ports is taken to hold: tests of routes name none"));
        }
        let config = mesh_config::read(read.mesh_config.as_deref(), &resources, output)?;
        let roots = Self::at_gateway(&without_delegation(&resources), &config, output)?;
        let routes = Self::at_gateway(&resources, &config, output)?;
        Ok(Self {
            rules: Some(Rules {
                virtual_services,
                roots: Box::new(roots),
            }),
            ..routes
        })
    }

    /// What the Gateway that was added is told.
    fn at_gateway(
        resources: &Resources,
        config: &MeshConfig,
        output: &Output,
    ) -> Result<Self, Refusal> {
        let mesh = control_plane::compile(resources, config);
        let edge = mesh
            .edge_of_gateway(NAMESPACE, NAME)
            .expect("the Gateway was added");
        let mut snapshot = edge.snapshot;
        let Some(routes) = snapshot.routes.first_mut() else {
            return Err(Refusal::new("the manifests have no routes"));
        };
        let routes = Arc::make_mut(routes);
        add_short_names(routes, &resources.virtual_services, &config.domain_suffix);
        let name = routes.name.clone();
        Self::compile(&snapshot, &name, output)
    }

    fn compile(snapshot: &Snapshot, name: &str, output: &Output) -> Result<Self, Refusal> {
        let (table, problems) = Table::compile(snapshot, &mut Names::default());
        for problem in problems {
            match &problem.origin {
                Some(origin) => output.note(format_args!("{}: {problem}", origin.location)),
                None => output.detail(&problem),
            }
        }
        let config = table.route_config(name);
        Ok(Self {
            config: config
                .ok_or_else(|| Refusal::new(format!("no listener uses the routes `{name}`")))?,
            table,
            rules: None,
        })
    }

    /// The routes of a configuration that is made here and known to be right.
    pub(crate) fn of_json(json: Json) -> Result<Self, String> {
        let proxy =
            RunningProxy::from_bootstrap(&around(json)).map_err(|error| error.to_string())?;
        if let Some(unmodelled) = proxy.unmodelled.first() {
            return Err(unmodelled.to_string());
        }
        let (table, problems) = Table::compile(&proxy.value.snapshot, &mut Names::default());
        match (problems.first(), table.route_config("asked")) {
            (None, Some(config)) => Ok(Self {
                config,
                table,
                rules: None,
            }),
            (Some(problem), _) => Err(problem.to_string()),
            (None, None) => Err("there are no routes".to_owned()),
        }
    }
}

/// A file of Envoy's, if it is one.
fn envoy_source(path: &Path) -> Option<Source> {
    let source = input::read_file(path).ok()?;
    let names = [
        "virtual_hosts",
        "virtualHosts",
        "static_resources",
        "staticResources",
    ];
    let is_envoy = names.iter().any(|name| has_field(&source.text, name));
    (is_envoy && !has_field(&source.text, "kind")).then_some(source)
}

/// A bootstrap whose only listener has these routes, and does nothing to requests before they are routed.
fn around(routes: Json) -> Json {
    let at = routes.at.clone();
    let text = |text: &str| JsonValue::Text(text.to_owned());
    let object = |entries: Vec<(&str, JsonValue)>| {
        let entries = entries.into_iter();
        let entries = entries.map(|(name, value)| (name.to_owned(), placed(&at, value)));
        JsonValue::Object(entries.collect())
    };
    let list = |value| JsonValue::List(vec![placed(&at, value)]);
    let internal = object(vec![(
        "cidr_ranges",
        list(object(vec![
            ("address_prefix", text(INTERNAL_CLIENT)),
            ("prefix_len", JsonValue::Number(32.into())),
        ])),
    )]);
    let JsonValue::Object(mut manager) = object(vec![
        ("@type", text(MANAGER)),
        ("stat_prefix", text("test")),
        ("internal_address_config", internal),
        (
            "http_filters",
            list(object(vec![
                ("name", text("router")),
                ("typed_config", object(vec![("@type", text(ROUTER))])),
            ])),
        ),
    ]) else {
        unreachable!("it was made of entries");
    };
    manager.push(("route_config".to_owned(), routes));
    let socket = object(vec![
        ("address", text("0.0.0.0")),
        ("port_value", JsonValue::Number(80.into())),
    ]);
    let filter = object(vec![
        ("name", text("http")),
        ("typed_config", JsonValue::Object(manager)),
    ]);
    let listener = object(vec![
        ("name", text("test")),
        ("address", object(vec![("socket_address", socket)])),
        (
            "filter_chains",
            list(object(vec![("filters", list(filter))])),
        ),
    ]);
    let resources = object(vec![("listeners", list(listener))]);
    placed(&at, object(vec![("static_resources", resources)]))
}

/// Whose requests are internal, where tests say that they are.
pub(crate) const INTERNAL_CLIENT: &str = "127.0.0.1";

fn placed(at: &Location, value: JsonValue) -> Json {
    Json {
        at: at.clone(),
        value,
    }
}

const MANAGER: &str = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";

/// Binds all VirtualServices to a Gateway that is added, and drops what their rules say of clients, gateways and ports;
/// gives the places of the rules that said so.
fn bind_to_one_gateway(resources: &mut Resources) -> Vec<Location> {
    let text = format!(
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: {NAME}, namespace: {NAMESPACE}}}\n\
         spec: {{servers: [{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: ['*']}}]}}\n"
    );
    let (added, _) = parse(&[Source::new("gateway", text)], NAMESPACE);
    resources.gateways = added.gateways;
    let mut places = Vec::new();
    for virtual_service in &mut resources.virtual_services {
        let spec = &mut virtual_service.spec;
        let at = &virtual_service.location;
        if !spec.hosts.is_empty() {
            let bound = Spanned::new(format!("{NAMESPACE}/{NAME}"), at.clone());
            spec.gateways = vec![bound];
            spec.export_to.clear();
        }
        for block in spec
            .http
            .iter_mut()
            .flat_map(|rule| &mut rule.value.matches)
        {
            let match_ = &mut block.value;
            let depends = !match_.gateways.is_empty()
                || !match_.source_labels.is_empty()
                || !match_.source_namespace.is_empty()
                || match_.port != 0;
            if depends {
                places.push(block.at.clone());
            }
            match_.gateways.clear();
            match_.source_labels.clear();
            match_.source_namespace.clear();
            match_.port = 0;
        }
    }
    places
}

/// The same with answers of the proxy's own in the place of delegates.
fn without_delegation(resources: &Resources) -> Resources {
    let mut resources = resources.clone();
    let all = resources.virtual_services.iter_mut();
    for rule in all.flat_map(|object| &mut object.spec.http) {
        if let Some(delegate) = rule.value.delegate.take() {
            let answer = HttpDirectResponse {
                status: 200,
                body: None,
            };
            rule.value.direct_response = Some(Spanned::new(answer, delegate.at));
        }
    }
    resources
}

/// Lets short hosts be asked for as they are written.
fn add_short_names(routes: &mut RouteConfiguration, all: &[VirtualService], suffix: &str) {
    for virtual_service in all {
        let namespace = &virtual_service.meta.namespace;
        for host in virtual_service
            .spec
            .hosts
            .iter()
            .filter(|host| !host.contains('.'))
        {
            let short = host.to_ascii_lowercase();
            let full = format!("{short}.{namespace}.svc.{suffix}");
            let mut hosts = routes.virtual_hosts.iter();
            if hosts.any(|known| known.domains.contains(&short)) {
                continue;
            }
            let mut hosts = routes.virtual_hosts.iter_mut();
            if let Some(found) = hosts.find(|known| known.domains.contains(&full)) {
                found.domains.push(short);
            }
        }
    }
}

/// A Gateway that no manifest has.
const NAMESPACE: &str = "istio-system";
const NAME: &str = "meshsim-test-of-routes";

/// Why tests of routes cannot be judged without `-f`.
pub(crate) fn not_named(file: &Path) -> Refusal {
    Refusal::new(format!(
        "`{}` holds tests of routes, and no routes are given",
        file.display()
    ))
    .with_help("name the manifests, or Envoy's route configuration, with `-f`")
}
