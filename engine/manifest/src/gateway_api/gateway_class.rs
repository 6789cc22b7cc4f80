//! GatewayClass: which controller serves a Gateway.

use serde::Deserialize;

use crate::check::Check;
use crate::gateway_api::V1_AND_BETA;
use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::span::Spanned;
use crate::yaml::path::Path;

/// A GatewayClass.
pub type GatewayClass = Resource<GatewayClassSpec>;

/// `spec` of a GatewayClass.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayClassSpec {
    /// The controller, such as `istio.io/gateway-controller`.
    pub controller_name: Spanned<String>,
    /// The controller's own parameters.
    pub parameters_ref: Option<ParametersReference>,
    /// A word about it.
    pub description: Option<String>,
}

/// An object with parameters of a controller.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ParametersReference {
    /// The group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The namespace, if the kind has one.
    pub namespace: Option<String>,
}

impl Kind for GatewayClassSpec {
    type Status = ();
    const KIND: &'static str = "GatewayClass";
    const API_VERSIONS: &'static [&'static str] = V1_AND_BETA;
    const NAMESPACED: bool = false;
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<GatewayClass> {
        &mut all.gateway_api.gateway_classes
    }

    fn check(class: &GatewayClass, check: &mut Check<'_, '_>) {
        let spec = Path::Root.key("spec");
        if !class.spec.controller_name.contains('/') {
            let rule = "expected a domain and a path, such as `istio.io/gateway-controller`";
            check.invalid(&spec.key("controllerName"), rule);
        }
        let description = class.spec.description.as_deref().unwrap_or_default();
        check.length(&spec.key("description"), description, 64);
    }
}
