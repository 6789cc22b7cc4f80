//! Copies of requests.
//!
//! Source: istio/istio, pilot/pkg/networking/core/route/route.go (MirrorPercent, MirrorPercentByPolicy).

use base::Ratio;
use xds::RequestMirror;

use super::RouteContext;
use super::destination::cluster_name;
use crate::virtual_service::{HttpRule, VirtualService};

/// Who receives copies: all requests' unless a share is written, none if the share is 0.
pub(crate) fn mirrors(
    virtual_service: &VirtualService,
    rule: &HttpRule,
    context: RouteContext<'_>,
) -> Vec<RequestMirror> {
    let written = &rule.route;
    let percent = written
        .mirror_percent
        .or(written.mirror_percent_snake_case)
        .map(Ratio::hundred);
    let share = written
        .mirror_percentage
        .map(|share| (share.value > 0.0, share.ratio()));
    let share = share.or(percent.map(|share| (!share.is_zero(), share)));
    let single = written
        .mirror
        .iter()
        .map(|destination| (destination, share));
    let listed = written.mirrors.iter().map(|mirror| {
        let share = mirror
            .percentage
            .map(|share| (share.value > 0.0, share.ratio()));
        (&mirror.destination, share)
    });
    single
        .chain(listed)
        .filter_map(|(destination, share)| {
            let (is_positive, fraction) = share.unwrap_or((true, Ratio::ONE));
            is_positive.then(|| RequestMirror {
                cluster: cluster_name(destination, &virtual_service.namespace, context),
                fraction,
                disable_shadow_host_suffix_append: true,
                origin: Some(rule.origin(virtual_service, None, &destination.at)),
            })
        })
        .collect()
}
