//! What Istio says about where a piece of configuration came from.

use super::ReadError;
use super::fields::Fields;
use crate::{ClusterService, Origin};
use base::Location;

/// `filterMetadata.istio`.
#[derive(Default)]
pub(super) struct IstioMetadata {
    /// The object behind the configuration.
    pub(super) origin: Option<Origin>,
    /// The services behind a cluster.
    pub(super) services: Vec<ClusterService>,
}

impl IstioMetadata {
    /// Reads `metadata`; an object is said to stand where its configuration does.
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let at = fields.at();
        let metadata = fields.message("metadata", |metadata| {
            let istio = metadata.message("filterMetadata", |filters| {
                let istio = filters.message("istio", |istio| Self::read_istio(istio, at));
                filters.ignore_all();
                istio
            });
            metadata.ignore_all();
            istio
        })?;
        Ok(metadata.flatten().flatten().unwrap_or_default())
    }

    fn read_istio(istio: &Fields<'_>, at: &Location) -> Result<Self, ReadError> {
        let services = istio.messages("services", |service| {
            let read = ClusterService {
                host: service.text("host")?,
                namespace: service.text("namespace")?,
                name: service.text("name")?,
            };
            service.ignore_all();
            Ok(read)
        })?;
        let config = istio.optional_text("config")?;
        istio.ignore_all();
        Ok(Self {
            origin: config.and_then(|config| origin(&config, at)),
            services,
        })
    }
}

/// The object of `/apis/networking.istio.io/v1/namespaces/NS/virtual-service/NAME`.
fn origin(config: &str, at: &Location) -> Option<Origin> {
    let mut parts = config.rsplit('/');
    let (name, kind, namespace) = (parts.next()?, parts.next()?, parts.next()?);
    let kind = match kind {
        "virtual-service" => "VirtualService",
        "destination-rule" => "DestinationRule",
        "gateway" => "Gateway",
        "service-entry" => "ServiceEntry",
        "sidecar" => "Sidecar",
        _ => return None,
    };
    Some(Origin {
        kind,
        object: format!("{namespace}/{name}").into(),
        rule: None,
        match_block: None,
        location: at.clone(),
    })
}
