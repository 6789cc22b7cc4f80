//! Gateways: by name and by pod, and how connections to them end.

use snapbox::str;

use crate::cli::{json, run};

/// The last line of the story of a request to the Gateway `edge`.
fn end(url: &str) -> String {
    let output = run(&["explain", "-f", "edge", "--gateway", "edge", url]).success();
    let told = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    told.trim_end()
        .lines()
        .last()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn the_end_of_a_connection_has_its_reason() {
    for (url, want) in [
        (
            "http://shop.example:81/",
            "→ nobody listens: the connection is refused",
        ),
        (
            "https://other.example/",
            "→ no filter chain takes the server name `other.example`: the connection is closed, response flags NR",
        ),
        (
            "http://shop.example:443/",
            "→ no filter chain takes plain text: the connection is closed, response flags NR",
        ),
        (
            "http://shop.example:9443/",
            "→ TLS is expected, and the client speaks plain text: the connection is closed",
        ),
        (
            "https://shop.example:80/",
            "→ a request is expected, and a TLS handshake comes: the connection is closed, response flags DPE",
        ),
        (
            "tcp://shop.example:3306",
            "→ the route's cluster does not exist: the connection is closed, response flags NC",
        ),
        (
            "https://shop.example/",
            "→ the request reaches its destination",
        ),
    ] {
        assert_eq!(end(url), want, "{url}");
    }
}

#[test]
fn a_gateway_of_the_gateway_api_is_told_as_a_gateway() {
    let url = "http://any.example/cart";
    run(&["explain", "-f", "edge", "--gateway", "kubernetes", url])
        .success()
        .stderr_eq("")
        .stdout_eq(str![[r#"
GET http://any.example/cart

1. default/kubernetes (a gateway)
  port 80 is dialled
  listener     0.0.0.0_80 → http.80 → *:80
  ✓ HTTPRoute default/kubernetes, rule 0, match 0: path is `/cart` or below
      edge/gateway.yaml:51:7
        51 │     - path: {type: PathPrefix, value: /cart}
  timeout      none
  retries      up to 2 on connect-failure, refused-stream, unavailable, cancelled, retriable-status-codes
  cluster      outbound|8000||shop.default.svc.cluster.local
               endpoint default/shop
  sends        GET /cart HTTP/1.1, Host: any.example
               x-forwarded-proto: http
               x-envoy-attempt-count: 1

→ the request reaches its destination

"#]]);
}

#[test]
fn a_gateway_is_called_by_its_name_and_its_namespace() {
    for name in ["edge", "default/edge", "kubernetes", "default/kubernetes"] {
        let url = "http://shop.example/cart";
        let arguments = [
            "explain",
            "-f",
            "edge",
            "-o",
            "json",
            "--gateway",
            name,
            url,
        ];
        let explanation = json(&arguments, 0);
        assert_eq!(explanation["outcome"]["kind"], "forwarded", "{name}");
        assert_eq!(explanation["hops"][0]["direction"], "gateway", "{name}");
    }
    run(&[
        "explain",
        "-f",
        "edge",
        "--gateway",
        "kubernets",
        "http://a/",
    ])
    .code(2)
    .stdout_eq("")
    .stderr_eq(str![[r#"
error: no Gateway is called `default/kubernets`
  help: did you mean `default/kubernetes`?

"#]]);
}
