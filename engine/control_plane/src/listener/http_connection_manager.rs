//! HTTP over a connection, as all proxies of a mesh take it.
//!
//! Istio switches Envoy's idle timeout of streams off and normalises paths; `connectionSettings` of the proxy's
//! configuration win over the mesh's `pathNormalization`.
//!
//! Source: istio/istio, pilot/pkg/networking/core/listener_builder.go (buildHTTPConnectionManager),
//! connection_settings.go (applyConnectionSettingsToHCM), gateway.go (buildGatewayConnectionManager),
//! pilot/pkg/networking/util/proxy_headers.go.

use base::SimDuration;
use xds::{EscapedSlashes, HttpConnectionManager, HttpTimeouts, PathNormalization, ServerHeader};

use crate::mesh_config;
use crate::proxy::Client;

/// Requests that leave a sidecar.
pub(super) fn outbound(
    client: &Client<'_>,
    route_config_name: String,
    stat_prefix: String,
) -> HttpConnectionManager {
    let settings = client.proxy_config.connection_settings(client.node_type);
    let headers = client.proxy_config.headers();
    let path = path_normalization(client.mesh.path_normalization);
    HttpConnectionManager {
        stat_prefix,
        route_config_name,
        path: PathNormalization {
            escaped_slashes: settings.escaped_slashes().unwrap_or(path.escaped_slashes),
            merge_slashes: settings.http_merge_slashes.unwrap_or(path.merge_slashes),
            ..path
        },
        headers_with_underscores: settings.headers_with_underscores().unwrap_or_default(),
        append_x_forwarded_port: headers.tells_port(),
        upgrade_types: vec!["websocket".to_owned()],
        server_name: match headers.server.disabled {
            true => String::new(),
            false => headers.server.value.clone(),
        },
        server_header: match headers.server.disabled {
            true => ServerHeader::PassThrough,
            false => ServerHeader::Overwrite,
        },
        timeouts: HttpTimeouts {
            stream_idle: Some(
                settings
                    .http_stream_idle_timeout
                    .unwrap_or(SimDuration::ZERO),
            ),
            request: settings.http_request_timeout,
            request_headers: settings.http_request_headers_timeout,
            max_stream_duration: settings.http_max_stream_duration,
            idle: settings.http_idle_timeout,
            max_connection_duration: settings.http_max_connection_duration,
            drain: settings.http_drain_timeout,
        },
        ..HttpConnectionManager::default()
    }
}

/// Requests to a sidecar's own application.
pub(super) fn inbound(
    client: &Client<'_>,
    route_config_name: String,
    stat_prefix: String,
) -> HttpConnectionManager {
    HttpConnectionManager {
        forward_client_cert_details: client.proxy_config.client_cert_at_server(),
        jwt_authn: client.request_authentications.filter(client),
        ..with_istios_name(outbound(client, route_config_name, stat_prefix))
    }
}

/// Requests as an edge takes them: it believes no client about where it comes from.
pub(super) fn edge(
    client: &Client<'_>,
    route_config_name: String,
    stat_prefix: String,
) -> HttpConnectionManager {
    HttpConnectionManager {
        use_remote_address: true,
        xff_num_trusted_hops: client.proxy_config.num_trusted_proxies(),
        internal_addresses: client.mesh.internal_networks.clone(),
        forward_client_cert_details: client.proxy_config.client_cert_at_gateway(),
        jwt_authn: client.request_authentications.filter(client),
        ..with_istios_name(outbound(client, route_config_name, stat_prefix))
    }
}

/// Clients' sidecars call themselves as Envoy does, all others as Istio says.
fn with_istios_name(mut manager: HttpConnectionManager) -> HttpConnectionManager {
    let is_unnamed = manager.server_name.is_empty();
    if is_unnamed && manager.server_header == ServerHeader::Overwrite {
        ISTIOS_NAME.clone_into(&mut manager.server_name);
    }
    manager
}

/// What a mode of the mesh means to Envoy.
const fn path_normalization(mode: mesh_config::PathNormalization) -> PathNormalization {
    use mesh_config::PathNormalization as Mode;
    let normalize = !matches!(mode, Mode::None);
    let merge_slashes = matches!(mode, Mode::MergeSlashes | Mode::DecodeAndMergeSlashes);
    let escaped_slashes = match mode {
        Mode::None | Mode::Base | Mode::MergeSlashes => EscapedSlashes::Keep,
        Mode::DecodeAndMergeSlashes => EscapedSlashes::UnescapeAndForward,
    };
    PathNormalization {
        rejects_fragments: false,
        escaped_slashes,
        normalize,
        merge_slashes,
    }
}

/// The `server` header of responses.
const ISTIOS_NAME: &str = "istio-envoy";
