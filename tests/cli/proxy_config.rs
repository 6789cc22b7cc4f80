//! `meshsim proxy-config`: istioctl's columns and Envoy's JSON.

use serde_json::Value;
use snapbox::str;

use super::{json, run};

#[test]
fn proxy_config_prints_istioctls_columns() {
    let part = |name| {
        let files = ["-f", "lesson"];
        run(&[&["pc", name, "frontend/app-deployment-0"], &files[..]].concat()).success()
    };
    part("routes").stdout_eq(str![[r#"
NAME                          VHOST NAME                                DOMAINS                                                      MATCH       VIRTUAL SERVICE
80                            app-svc.frontend.svc.cluster.local:80     app-svc.frontend.svc.cluster.local., app-svc + 2 more...     /login*     app-vs.frontend
80                            app-svc.frontend.svc.cluster.local:80     app-svc.frontend.svc.cluster.local., app-svc + 2 more...     /*          app-vs.frontend
InboundPassthroughCluster     inbound|http|0                            *                                                            /*
inbound|80||                  inbound|http|80                           *                                                            /*

"#]]);
    part("clusters").stdout_eq(str![[r#"
SERVICE FQDN                           PORT     SUBSET     DIRECTION     TYPE             DESTINATION RULE
                                       80       -          inbound       ORIGINAL_DST
BlackHoleCluster                       -        -          -             STATIC
InboundPassthroughCluster              -        -          -             ORIGINAL_DST
PassthroughCluster                     -        -          -             ORIGINAL_DST
app-svc.frontend.svc.cluster.local     80       -          outbound      EDS

"#]]);
    part("endpoints").stdout_eq(str![[r#"
ENDPOINT              STATUS      OUTLIER CHECK     CLUSTER
10.217.220.228:80     HEALTHY     OK                outbound|80||app-svc.frontend.svc.cluster.local

"#]]);
    part("listeners").stdout_eq(str![[r#"
ADDRESSES PORT  MATCH                                                                                         DESTINATION
0.0.0.0   80    Trans: raw_buffer; App: http/1.1,h2c                                                          Route: 80
0.0.0.0   80    ALL                                                                                           PassthroughCluster
0.0.0.0   15001 ALL                                                                                           PassthroughCluster
0.0.0.0   15001 Addr: *:15001                                                                                 Non-HTTP/Non-TCP
0.0.0.0   15006 Addr: *:15006                                                                                 Non-HTTP/Non-TCP
0.0.0.0   15006 Trans: tls; App: istio-http/1.0,istio-http/1.1,istio-h2                                       InboundPassthroughCluster
0.0.0.0   15006 Trans: raw_buffer; App: http/1.1,h2c                                                          InboundPassthroughCluster
0.0.0.0   15006 Trans: tls; App: TCP TLS                                                                      InboundPassthroughCluster
0.0.0.0   15006 Trans: raw_buffer                                                                             InboundPassthroughCluster
0.0.0.0   15006 Trans: tls                                                                                    InboundPassthroughCluster
0.0.0.0   15006 Trans: tls; App: istio,istio-peer-exchange,istio-http/1.0,istio-http/1.1,istio-h2; Addr: *:80 Cluster: inbound|80||
0.0.0.0   15006 Trans: raw_buffer; Addr: *:80                                                                 Cluster: inbound|80||

"#]]);
}

#[test]
fn proxy_config_filters_as_istioctl_does() {
    let of = |arguments: &[&str]| {
        let all = [
            &["pc"],
            arguments,
            &["default/productpage-v1", "-f", "reviews"],
        ]
        .concat();
        run(&all).success()
    };
    of(&["clusters", "--fqdn", "reviews", "--subset", "v2"]).stdout_eq(str![[r#"
SERVICE FQDN                          PORT     SUBSET     DIRECTION     TYPE     DESTINATION RULE
reviews.default.svc.cluster.local     9080     v2         outbound      EDS      reviews.default

"#]]);
    of(&[
        "endpoints",
        "--cluster",
        "outbound|9080|v2|reviews.default.svc.cluster.local",
    ])
    .stdout_eq(str![[r#"
ENDPOINT               STATUS      OUTLIER CHECK     CLUSTER
10.193.228.24:9080     HEALTHY     OK                outbound|9080|v2|reviews.default.svc.cluster.local
10.254.226.35:9080     HEALTHY     OK                outbound|9080|v2|reviews.default.svc.cluster.local

"#]]);
    of(&["routes", "--name", "9080"]).stdout_eq(str![[r#"
NAME     VHOST NAME                                 DOMAINS                                                     MATCH         VIRTUAL SERVICE
9080     reviews.default.svc.cluster.local:9080     reviews.default.svc.cluster.local., reviews + 2 more...     /*            reviews.default
9080     reviews.default.svc.cluster.local:9080     reviews.default.svc.cluster.local., reviews + 2 more...     /old          reviews.default
9080     reviews.default.svc.cluster.local:9080     reviews.default.svc.cluster.local., reviews + 2 more...     /health       reviews.default
9080     reviews.default.svc.cluster.local:9080     reviews.default.svc.cluster.local., reviews + 2 more...     /broken*      reviews.default
9080     reviews.default.svc.cluster.local:9080     reviews.default.svc.cluster.local., reviews + 2 more...     /nowhere*     reviews.default
9080     reviews.default.svc.cluster.local:9080     reviews.default.svc.cluster.local., reviews + 2 more...     /shared*      reviews.default
9080     reviews.default.svc.cluster.local:9080     reviews.default.svc.cluster.local., reviews + 2 more...     /*            reviews.default
9080     unused.default.svc.cluster.local:9080      unused.default.svc.cluster.local., unused + 2 more...       /*

"#]]);
    of(&["listeners", "--port", "3306"]).stdout_eq(str![[r#"
ADDRESSES PORT MATCH DESTINATION
10.0.0.20 3306 ALL   Cluster: outbound|3306||database.default.svc.cluster.local

"#]]);
    of(&["routes", "--name", "1"]).stderr_eq(str![[r#"
the filters keep nothing

"#]]);
}

#[test]
fn proxy_config_prints_envoys_json() {
    let of = |part| {
        json(
            &[
                "pc",
                part,
                "default/productpage-v1",
                "-f",
                "reviews",
                "-o",
                "json",
            ],
            0,
        )
    };
    let routes = of("routes");
    assert_eq!(routes[0]["name"], "9080");
    let host = &routes[0]["virtualHosts"][0];
    assert_eq!(host["name"], "reviews.default.svc.cluster.local:9080");
    assert_eq!(host["routes"][1]["redirect"]["pathRedirect"], "/new");
    let names = |list: &Value, field: &str| -> Vec<String> {
        let list = list.as_array().expect("a list");
        list.iter().map(|item| item[field].to_string()).collect()
    };
    let clusters = of("clusters");
    let subset = "\"outbound|9080|v2|reviews.default.svc.cluster.local\"".to_owned();
    assert!(names(&clusters, "name").contains(&subset));
    assert!(names(&of("endpoints"), "clusterName").contains(&subset));
    assert!(names(&of("listeners"), "name").contains(&"\"virtualOutbound\"".to_owned()));
}

#[test]
fn all_of_it_is_a_config_dump() {
    let dump = json(
        &[
            "pc",
            "all",
            "default/productpage-v1",
            "-f",
            "reviews",
            "-o",
            "json",
        ],
        0,
    );
    let kinds: Vec<_> = dump["configs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|config| config["@type"].as_str().expect("a type"))
        .collect();
    assert_eq!(
        kinds,
        [
            "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump",
            "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
            "type.googleapis.com/envoy.admin.v3.EndpointsConfigDump",
            "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
            "type.googleapis.com/envoy.admin.v3.RoutesConfigDump",
        ]
    );
    let text = run(&["pc", "all", "default/productpage-v1", "-f", "reviews"]).success();
    let text = String::from_utf8_lossy(&text.get_output().stdout).into_owned();
    for column in ["SERVICE FQDN", "ADDRESSES", "VHOST NAME", "ENDPOINT"] {
        assert!(text.contains(column), "{column}");
    }
}

#[test]
fn listeners_are_filtered_by_their_whole_type() {
    let of = |type_: &str| {
        let arguments = ["pc", "listeners", "default/productpage-v1", "-f", "reviews"];
        let output = run(&[&arguments[..], &["--type", type_]].concat()).success();
        String::from_utf8_lossy(&output.get_output().stdout).into_owned()
    };
    assert!(of("TCP").contains("10.0.0.20 3306"));
    assert!(!of("tcp").contains("Route: 9080"));
    assert!(of("http+tcp").contains("Route: 9080"));
}
