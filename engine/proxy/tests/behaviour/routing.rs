//! What a table makes of request heads.

use crate::config::{cluster, hosts, ms, retries, route, sidecar, target, to_a, virtual_host};
use base::{Location, Ratio};
use proxy::names::Names;
use proxy::problem::ProblemKind;
use proxy::request::RequestHead;
use proxy::response_flag::Details;
use proxy::table::{Outcome, Table};
use std::sync::Arc;
use xds::{
    CorsPolicy, DirectResponse, HeaderAppend, HeaderMatch, HeaderMatcher, HeaderMutation,
    HeaderMutations, HostRewrite, Origin, PathMatch, PathRewrite, QueryMatch, QueryMatcher, Route,
    RouteAction, Snapshot, StringMatch,
};

fn compile(snapshot: &Snapshot) -> (Table, Names) {
    let mut names = Names::default();
    let (table, problems) = Table::compile(snapshot, &mut names);
    assert_eq!(problems, []);
    (table, names)
}

/// A route that answers itself, so that its name alone matters.
fn answering(name: &str, path: PathMatch) -> Route {
    let action = RouteAction::DirectResponse(DirectResponse {
        status: 200,
        body: name.to_owned(),
    });
    let mut route = route(name, "/", action);
    route.match_.path = path;
    route
}

fn exact(text: &str) -> StringMatch {
    StringMatch::Exact(text.to_owned())
}

/// The name of the route that a head matches, `404` if none does.
fn matched(table: &Table, head: &RequestHead) -> String {
    let config = table.route_config("80").expect("it is configured");
    let scanned = table.find_route_by_scan(config, head);
    assert_eq!(table.find_route(config, head), scanned);
    match scanned {
        Some(id) => table.route_name(id).to_owned(),
        None => "404".to_owned(),
    }
}

/// Observed: each kind of path against paths that nearly match.
#[test]
fn paths() {
    let text = |text: &str| text.to_owned();
    let mut folded = answering("ci", PathMatch::Prefix(text("/CI")));
    folded.match_.case_sensitive = false;
    let mut folded_regex = answering("regex", PathMatch::SafeRegex(text("/re/[a-z]+")));
    folded_regex.match_.case_sensitive = false;
    let (table, _) = compile(&sidecar(
        vec![
            answering("exact", PathMatch::Path(text("/exact"))),
            answering("prefix/", PathMatch::Prefix(text("/p/"))),
            answering("prefix", PathMatch::Prefix(text("/pr"))),
            answering("separated", PathMatch::PathSeparatedPrefix(text("/sep"))),
            folded_regex,
            answering("either", PathMatch::SafeRegex(text("/ra|/rab"))),
            folded,
        ],
        vec![],
    ));
    for (path, name) in [
        ("/exact", "exact"),
        ("/exact?x", "exact"),
        ("/exact/", "404"),
        ("/Exact", "404"),
        ("/a/../exact", "exact"),
        ("/exact#a?b", "exact"),
        ("/p/", "prefix/"),
        ("/p", "404"),
        ("/prx", "prefix"),
        ("/sep", "separated"),
        ("/sep/", "separated"),
        ("/sep/x", "separated"),
        ("/sep?a", "separated"),
        ("/sepx", "404"),
        ("/re/abc", "regex"),
        ("/re/abc/", "404"),
        ("/re/ABC", "404"),
        ("/rab", "either"),
        ("/cix", "ci"),
    ] {
        assert_eq!(
            matched(&table, &RequestHead::get("h", path)),
            name,
            "{path}"
        );
    }
}

fn with_header(match_: HeaderMatch, invert: bool, missing_is_empty: bool) -> Table {
    let mut route = answering("yes", PathMatch::Prefix("/".to_owned()));
    route.match_.headers = vec![HeaderMatcher {
        name: "x".to_owned(),
        match_,
        invert_match: invert,
        treat_missing_header_as_empty: missing_is_empty,
    }];
    compile(&sidecar(vec![route], vec![])).0
}

/// Observed: absent, empty, one line, two lines, one line with a comma; `x` marks a match.
#[test]
fn headers() {
    let heads: [&[&str]; 5] = [&[], &[""], &["v1"], &["v0", "v1"], &["v0,v1"]];
    let value = |text: &str| HeaderMatch::Value(exact(text));
    let regex = |text: &str| HeaderMatch::Value(StringMatch::SafeRegex(text.to_owned()));
    for (match_, invert, missing_is_empty, want) in [
        (value("v1"), false, false, "..xx."),
        (value("v1"), true, false, ".x..x"),
        (value("v1"), true, true, "xx..x"),
        (value(""), false, false, ".x..."),
        (value(""), true, true, "..xxx"),
        (HeaderMatch::Present(true), false, false, ".xxxx"),
        (HeaderMatch::Present(false), false, false, "x...."),
        (HeaderMatch::Present(true), true, false, "x...."),
        (HeaderMatch::Present(true), false, true, "xxxxx"),
        (HeaderMatch::Present(false), false, true, "....."),
        (
            HeaderMatch::Value(StringMatch::IgnoreCase(Box::new(exact("V1")))),
            false,
            false,
            "..xx.",
        ),
        (regex(".*"), false, false, ".xxxx"),
        (regex(".*"), true, true, "....."),
        (regex("v[01]"), false, false, "..xx."),
        (
            HeaderMatch::Value(StringMatch::Prefix("v0".to_owned())),
            false,
            false,
            "...xx",
        ),
        (
            HeaderMatch::Value(StringMatch::Suffix("1".to_owned())),
            false,
            false,
            "..xxx",
        ),
        (
            HeaderMatch::Value(StringMatch::Contains(",".to_owned())),
            false,
            false,
            "....x",
        ),
    ] {
        let table = with_header(match_.clone(), invert, missing_is_empty);
        let seen: String = heads
            .iter()
            .map(|values| {
                let mut head = RequestHead::get("h", "/");
                let lines = values.iter().map(|v| ("x".to_owned(), (*v).to_owned()));
                head.headers.extend(lines);
                if matched(&table, &head) == "yes" {
                    'x'
                } else {
                    '.'
                }
            })
            .collect();
        assert_eq!(seen, want, "{match_:?} {invert} {missing_is_empty}");
    }
}

#[test]
fn pseudo_headers_are_headers() {
    for (name, value, want) in [
        (":method", "GET", true),
        (":method", "POST", false),
        (":authority", "h:81", true),
        (":authority", "H:81", false),
        (":authority", "h", false),
        (":scheme", "http", true),
        (":path", "/p?q", true),
        (":path", "/p", false),
    ] {
        let mut route = answering("yes", PathMatch::Prefix("/".to_owned()));
        route.match_.headers = vec![HeaderMatcher {
            name: name.to_owned(),
            match_: HeaderMatch::Value(exact(value)),
            invert_match: false,
            treat_missing_header_as_empty: false,
        }];
        let (table, _) = compile(&sidecar(vec![route], vec![]));
        let head = RequestHead::get("h:81", "/p?q");
        assert_eq!(matched(&table, &head) == "yes", want, "{name} {value}");
    }
}

/// Observed: the first occurrence counts, undecoded; a key without a value has an empty one.
#[test]
fn query_parameters() {
    for (match_, path, want) in [
        (QueryMatch::Value(exact("1")), "/?a=1&a=2", true),
        (QueryMatch::Value(exact("1")), "/?a=2&a=1", false),
        (QueryMatch::Value(exact("1")), "/?a=%31", false),
        (QueryMatch::Value(exact("1")), "/?A=1", false),
        (QueryMatch::Value(exact("")), "/?a", true),
        (QueryMatch::Value(exact("")), "/?a=", true),
        (QueryMatch::Value(exact("")), "/?b", false),
        (QueryMatch::Present(true), "/?b&a", true),
        (QueryMatch::Present(true), "/", false),
        (QueryMatch::Present(false), "/?A=1", true),
        (QueryMatch::Present(false), "/?a", false),
    ] {
        let mut route = answering("yes", PathMatch::Prefix("/".to_owned()));
        route.match_.query_parameters = vec![QueryMatcher {
            name: "a".to_owned(),
            match_: match_.clone(),
        }];
        let (table, _) = compile(&sidecar(vec![route], vec![]));
        let yes = matched(&table, &RequestHead::get("h", path)) == "yes";
        assert_eq!(yes, want, "{match_:?} {path}");
    }
}

/// A chosen virtual host without a matching route is a 404, whatever the others have.
#[test]
fn there_is_no_way_between_virtual_hosts() {
    let mut snapshot = sidecar(vec![], vec![]);
    let only = answering("only", PathMatch::Prefix("/only".to_owned()));
    let rest = answering("rest", PathMatch::Prefix("/".to_owned()));
    Arc::make_mut(&mut snapshot.routes[0]).virtual_hosts = vec![
        virtual_host("a", &["a.test", "a.test:80"], vec![only]),
        virtual_host("any", &["*"], vec![rest]),
    ];
    let (table, _) = compile(&snapshot);
    for (authority, path, name) in [
        ("a.test", "/only", "only"),
        ("A.TEST:8080", "/only", "only"),
        ("a.test", "/", "404"),
        ("b.test", "/", "rest"),
    ] {
        let head = RequestHead::get(authority, path);
        assert_eq!(matched(&table, &head), name, "{authority}{path}");
    }
    let config = table.route_config("80").expect("it is configured");
    let resolution = table.resolve(config, &RequestHead::get("a.test", "/"));
    let Outcome::Reply {
        status,
        flags,
        details,
        body,
        ..
    } = resolution.outcome
    else {
        panic!("it is answered here");
    };
    assert_eq!((status, flags.to_string().as_str()), (404, "NR"));
    assert_eq!((details, body.as_str()), (Details::RouteNotFound, ""));
    assert_eq!(table.route_config("81"), None);
}

#[test]
fn upstream_heads_carry_what_the_route_changes() {
    let mut target = target(&[("a", 1), ("b", 3)]);
    target.path_rewrite = Some(PathRewrite::Prefix("/v2".to_owned()));
    target.host_rewrite = Some(HostRewrite::Literal("other.test".to_owned()));
    target.timeout = ms(2000);
    target.mirrors = vec![crate::config::mirror("m", Ratio::ONE)];
    target.retry_policy = Some(retries("5xx", 1));
    let set = |name: &str, value: &str| HeaderMutation {
        name: name.to_owned(),
        value: value.to_owned(),
        append: HeaderAppend::OverwriteIfExistsOrAdd,
        keep_empty_value: false,
    };
    target.clusters[0].request_headers.add = vec![set("x", "cluster"), set("y", "%REQ(:path)%")];
    let mut route = route("r", "/v1", RouteAction::Route(Box::new(target)));
    route.request_headers = HeaderMutations {
        remove: vec!["secret".to_owned()],
        add: vec![set("x", "route")],
    };
    let mut http2 = cluster("b");
    http2.protocol = xds::HttpProtocol::Http2;
    let (table, _) = compile(&sidecar(
        vec![route],
        vec![(cluster("a"), hosts(&[1])), (http2, hosts(&[2]))],
    ));
    let config = table.route_config("80").expect("it is configured");
    let mut head = RequestHead::get("h.test", "/v1/./x?q=1");
    for (name, value) in [
        ("secret", "1"),
        ("x-envoy-retry-on", "5xx"),
        ("connection", "close"),
        ("user", "anna"),
    ] {
        head.headers.push((name.to_owned(), value.to_owned()));
    }
    let resolution = table.resolve(config, &head);
    assert_eq!(resolution.outcome, Outcome::Forward);
    assert_eq!(resolution.timeout, ms(2000));
    let [a, b, m] = &resolution.upstream_heads[..] else {
        panic!("two clusters and a mirror");
    };
    assert_eq!(
        (a.authority.as_str(), a.path.as_str()),
        ("other.test", "/v2/x?q=1")
    );
    let headers = |head: &RequestHead| -> Vec<String> {
        let lines = head.headers.iter();
        lines
            .map(|(name, value)| format!("{name}: {value}"))
            .collect()
    };
    assert_eq!(
        headers(a),
        [
            "user: anna",
            "x-forwarded-proto: http",
            "x-envoy-expected-rq-timeout-ms: 2000",
            "x-envoy-attempt-count: 1",
            // The route's level comes after the cluster's and wins.
            "x: route",
            "y: /v1/x?q=1",
            "x-envoy-original-host: h.test",
            "x-envoy-original-path: /v1/x?q=1",
        ]
    );
    assert!(!headers(b).iter().any(|line| line.starts_with("y:")));
    assert_eq!(b.protocol, proxy::request::Protocol::Http2);
    assert!(headers(m).contains(&"x-envoy-internal: true".to_owned()));
    assert_eq!(m.path, "/v2/x?q=1");
}

#[test]
fn the_original_destination_is_not_chosen_here() {
    let mut passthrough = cluster("PassthroughCluster");
    passthrough.lb_policy = xds::LbPolicy::ClusterProvided;
    passthrough.type_ = xds::ClusterType::OriginalDst;
    let action = RouteAction::Route(Box::new(target(&[("PassthroughCluster", 1)])));
    let snapshot = sidecar(
        vec![route("allow_any", "/", action)],
        vec![(passthrough, vec![])],
    );
    let (table, mut names) = compile(&snapshot);
    let config = table.route_config("80").expect("it is configured");
    let resolution = table.resolve(config, &RequestHead::get("b", "/"));
    let id = names.cluster("PassthroughCluster");
    assert_eq!(resolution.outcome, Outcome::Passthrough(id));
    assert_eq!(resolution.upstream_heads.len(), 1);
    let mut mesh = crate::mesh::Mesh::new(&snapshot);
    assert_eq!(mesh.request().flags.to_string(), "UH");
}

#[test]
fn preflights_are_answered() {
    let mut route = to_a(|_| {});
    route.cors = Some(CorsPolicy {
        allow_origin: vec![exact("https://a.test")],
        allow_methods: "GET,POST".to_owned(),
        allow_headers: String::new(),
        expose_headers: "x".to_owned(),
        max_age: "60".to_owned(),
        allow_credentials: Some(true),
        forward_not_matching_preflights: true,
    });
    let (table, _) = compile(&sidecar(vec![route], vec![(cluster("a"), hosts(&[1]))]));
    let config = table.route_config("80").expect("it is configured");
    for (method, origin, answered) in [
        ("OPTIONS", "https://a.test", true),
        ("OPTIONS", "https://b.test", false),
        ("GET", "https://a.test", false),
    ] {
        let mut head = RequestHead::get("a", "/");
        head.method = method.to_owned();
        for (name, value) in [("origin", origin), ("access-control-request-method", "GET")] {
            head.headers.push((name.to_owned(), value.to_owned()));
        }
        match table.resolve(config, &head).outcome {
            Outcome::Reply {
                status,
                details,
                headers,
                ..
            } => {
                assert!(answered, "{method} {origin}");
                assert_eq!((status, details), (200, Details::CorsPreflight));
                let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
                assert_eq!(
                    names,
                    [
                        "access-control-allow-origin",
                        "access-control-allow-credentials",
                        "access-control-allow-methods",
                        "access-control-max-age"
                    ]
                );
            }
            Outcome::Forward => assert!(!answered, "{method} {origin}"),
            Outcome::Passthrough(_) => panic!("not a passthrough cluster"),
        }
    }
}

#[test]
fn an_explanation_names_what_did_not_match() {
    let origin = |rule: u32| Origin {
        kind: "VirtualService",
        object: Arc::from("default/reviews"),
        rule: Some(rule),
        match_block: Some(0),
        location: Location {
            file: Arc::from("vs.yaml"),
            line: 10 + rule,
            column: 5,
        },
    };
    let mut jason = to_a(|_| {});
    jason.match_.headers = vec![HeaderMatcher {
        name: "end-user".to_owned(),
        match_: HeaderMatch::Value(exact("jason")),
        invert_match: false,
        treat_missing_header_as_empty: false,
    }];
    jason.origin = Some(origin(0));
    let mut login = route("login", "/login", to_a(|_| {}).action);
    login.origin = Some(origin(1));
    let mut rest = to_a(|target| {
        target.timeout = ms(1000);
        let mut policy = retries("5xx", 2);
        policy.per_try_timeout = Some(ms(300));
        target.retry_policy = Some(policy);
        target.mirrors = vec![crate::config::mirror("m", Ratio::hundred(10))];
    });
    rest.origin = Some(origin(2));
    let snapshot = sidecar(
        vec![jason, login, rest],
        vec![(cluster("a"), hosts(&[1, 2]))],
    );
    let (table, mut names) = compile(&snapshot);
    let config = table.route_config("80").expect("it is configured");
    let mut head = RequestHead::get("a", "/other");
    head.headers
        .push(("end-user".to_owned(), "anna".to_owned()));
    let (resolution, trace) = table.explain(config, &head);
    assert_eq!(resolution, table.resolve(config, &head));
    assert_eq!(trace.virtual_host, Some("all"));
    let rejected: Vec<(Option<u32>, &str)> = trace
        .rejected
        .iter()
        .map(|route| (route.origin.and_then(|o| o.rule), route.reason.as_str()))
        .collect();
    assert_eq!(
        rejected,
        [
            (Some(0), "header end-user: want exact `jason`, got `anna`"),
            (Some(1), "path: want prefix `/login`, got `/other`"),
        ]
    );
    let route = trace.route.expect("the last one matches");
    assert_eq!(route.origin.and_then(|o| o.rule), Some(2));
    assert_eq!(route.timeout, Some(ms(1000)));
    assert_eq!(route.per_try_timeout, Some(ms(300)));
    assert_eq!(route.retry.map(|policy| policy.num_retries), Some(2));
    let a = names.cluster("a");
    let clusters: Vec<_> = route
        .clusters
        .iter()
        .map(|c| (c.id, c.name, c.weight))
        .collect();
    assert_eq!(clusters, [(a, "a", 1)]);
    assert_eq!(table.endpoints(a).count(), 2);
    assert!(table.has_cluster(a) && !table.has_cluster(route.mirrors[0].id));
}

#[test]
fn what_cannot_be_done_is_reported() {
    let mut bad_regex = answering("bad", PathMatch::SafeRegex("(?=x)".to_owned()));
    bad_regex.response_headers.add = vec![HeaderMutation {
        name: "x".to_owned(),
        value: "%HOSTNAME%".to_owned(),
        append: HeaderAppend::AppendIfExistsOrAdd,
        keep_empty_value: false,
    }];
    let mut either = cluster("a");
    either.protocol = xds::HttpProtocol::Downstream;
    let snapshot = sidecar(vec![bad_regex], vec![(either, hosts(&[1]))]);
    let mut names = Names::default();
    let (table, problems) = Table::compile(&snapshot, &mut names);
    let said: Vec<(ProblemKind, String)> = problems
        .iter()
        .map(|problem| (problem.kind, problem.to_string()))
        .collect();
    assert_eq!(
        said,
        [
            (
                ProblemKind::Approximate,
                "cluster `a`: upstream connections speak HTTP/1.1, whatever the client speaks"
                    .to_owned()
            ),
            (
                ProblemKind::Refused,
                "route `bad`: the regular expression `(?=x)` is refused and never matches: \
                 invalid perl operator: (?="
                    .to_owned()
            ),
            (
                ProblemKind::NotSimulated,
                "route `bad`: `%HOSTNAME%` in header `x` is left empty".to_owned()
            ),
        ]
    );
    assert_eq!(matched(&table, &RequestHead::get("h", "/x")), "404");
}
