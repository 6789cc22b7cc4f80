//! What of a Rollout has no effect here, said where it is written.

use crate::compile::progressive_delivery::argo::strategy::duration;
use crate::compile::report::{Report, code};
use crate::place::Place;
use base::Location;
use manifest::rollout::{Rollout, RolloutBlueGreen, RolloutCanary, RolloutStep};
use manifest::unread::Unread;

/// Says all of it.
pub(super) fn report(rollout: &Rollout, report: &mut Report) {
    let name = format!("{}/{}", rollout.meta.namespace, rollout.meta.name);
    let spec = &rollout.spec;
    let mut say = |at: &Location, what: &str| {
        let message = format!("Rollout {name}: {what}");
        report.warn(code::NOT_SIMULATED, &Place::at(at), message, None);
    };
    let mut unread = |fields: &[(&Unread, &str)]| {
        for (field, field_name) in fields {
            if let Some(written) = field {
                say(&written.at, &format!("`{field_name}` is not simulated"));
            }
        }
    };
    if let Some(canary) = &spec.strategy.canary {
        unread(&of_canary(canary));
        for step in &canary.steps {
            unread(&[(&step.experiment, "experiment"), (&step.plugin, "plugin")]);
        }
    }
    if let Some(blue_green) = &spec.strategy.blue_green {
        unread(&of_blue_green(blue_green));
    }
    let Some(canary) = &spec.strategy.canary else {
        return;
    };
    if let Some(routing) = &canary.traffic_routing {
        if routing.istio.is_none() {
            let what = "traffic is shared by something other than Istio, so it has no weights here";
            say(&routing.at, what);
        }
        let istio = routing.istio.iter();
        let services =
            istio.flat_map(|istio| istio.virtual_service.iter().chain(&istio.virtual_services));
        for service in services {
            for (field, what) in [
                (&service.tls_routes, "tlsRoutes"),
                (&service.tcp_routes, "tcpRoutes"),
            ] {
                if let Some(written) = field {
                    say(&written.at, &format!("`{what}` is not simulated"));
                }
            }
        }
    }
    let managed = canary
        .traffic_routing
        .iter()
        .flat_map(|one| &one.managed_routes);
    let managed: Vec<&str> = managed.map(|route| route.name.as_str()).collect();
    for step in &canary.steps {
        report_step(
            step,
            &step.at,
            canary.traffic_routing.is_some(),
            &managed,
            &mut say,
        );
    }
    for step in &canary.steps {
        let pause = step
            .pause
            .as_ref()
            .and_then(|pause| pause.duration.as_ref());
        if let Some(written) = pause.filter(|written| duration(written).is_none()) {
            let message = format!("`{}` is not a duration", written.value);
            let help = "write seconds, or a duration such as `10m`";
            report.invalid(&Place::at(&written.at), message, Some(help.to_owned()));
        }
    }
}

/// Says what of it may change from one manifest to the next, and has no effect in any, and what it will wait for.
pub(super) fn report_own(rollout: &Rollout, report: &mut Report) {
    let name = format!("{}/{}", rollout.meta.namespace, rollout.meta.name);
    let spec = &rollout.spec;
    for (field, what) in [
        (&spec.restart_at, "restartAt"),
        (&spec.rollback_window, "rollbackWindow"),
    ] {
        if let Some(written) = field {
            let message = format!("Rollout {name}: `{what}` is not simulated");
            report.warn(code::NOT_SIMULATED, &Place::at(&written.at), message, None);
        }
    }
    let Some(canary) = &spec.strategy.canary else {
        return;
    };
    let replicas = spec.replica_count();
    if let Some(least) = canary.min_pods_per_replica_set
        && canary.traffic_routing.is_some()
        && least > replicas
        && replicas > 0
    {
        let message = format!(
            "Rollout {name}: `minPodsPerReplicaSet` is {least} and `replicas` {replicas}: an update will not end, as it waits \
             until exactly {replicas} pods of the new template are available"
        );
        let help = "so it is in Argo; write `replicas` at most";
        let help = Some(help.to_owned());
        report.warn(
            code::NEVER_ENDS,
            &Place::at(&rollout.location),
            message,
            help,
        );
    }
}

fn report_step(
    step: &RolloutStep,
    at: &Location,
    is_routed: bool,
    managed: &[&str],
    say: &mut dyn FnMut(&Location, &str),
) {
    if let Some(scale) = &step.set_canary_scale
        && !is_routed
    {
        say(
            &scale.at,
            "`setCanaryScale` has no effect without `trafficRouting`",
        );
    }
    let header = step.set_header_route.as_ref().map(|one| &one.name);
    let mirror = step.set_mirror_route.as_ref().map(|one| &one.name);
    if let Some(name) = header.or(mirror)
        && !managed.contains(&name.as_str())
    {
        let what = format!("route `{name}` is not among `managedRoutes`, and is not made");
        say(at, &what);
    }
}

fn of_canary(canary: &RolloutCanary) -> Vec<(&Unread, &str)> {
    let mut fields = vec![
        (&canary.canary_metadata, "canaryMetadata"),
        (&canary.stable_metadata, "stableMetadata"),
        (&canary.anti_affinity, "antiAffinity"),
        (&canary.ping_pong, "pingPong"),
    ];
    if let Some(routing) = &canary.traffic_routing {
        fields.extend([
            (
                &routing.max_traffic_weight,
                "trafficRouting.maxTrafficWeight",
            ),
            (&routing.nginx, "trafficRouting.nginx"),
            (&routing.alb, "trafficRouting.alb"),
            (&routing.smi, "trafficRouting.smi"),
            (&routing.ambassador, "trafficRouting.ambassador"),
            (&routing.app_mesh, "trafficRouting.appMesh"),
            (&routing.traefik, "trafficRouting.traefik"),
            (&routing.apisix, "trafficRouting.apisix"),
            (&routing.plugins, "trafficRouting.plugins"),
        ]);
    }
    fields
}

fn of_blue_green(blue_green: &RolloutBlueGreen) -> Vec<(&Unread, &str)> {
    vec![
        (&blue_green.max_unavailable, "maxUnavailable"),
        (&blue_green.active_metadata, "activeMetadata"),
        (&blue_green.preview_metadata, "previewMetadata"),
        (&blue_green.anti_affinity, "antiAffinity"),
    ]
}
