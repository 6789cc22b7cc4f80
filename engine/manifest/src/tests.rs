//! Manifests and what is said about them, line by line.

mod documents;
mod gateway_api;
mod istio;
mod istio_gateways;
mod kubernetes;
mod mutations;
mod policies;
mod truth;

use crate::{Resources, Source, parse};

/// What is said about one file, and what is read from it.
fn read(text: &str) -> (Resources, Vec<String>) {
    let (resources, diagnostics) = parse(&[Source::new("a.yaml", text)], "default");
    let lines = diagnostics.iter().map(ToString::to_string).collect();
    (resources, lines)
}

/// Asserts what is said about one file.
fn check(text: &str, expected: &[&str]) {
    assert_eq!(read(text).1, expected, "{text}");
}

/// `text` with every line moved to the right.
fn indent(text: &str, by: usize) -> String {
    let space = " ".repeat(by);
    text.lines()
        .map(|line| format!("{space}{line}\n"))
        .collect()
}

/// An object whose `spec` begins in line 5.
fn object(api_version: &str, kind: &str, spec: &str) -> String {
    format!(
        "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: x}}\nspec:\n{}",
        indent(spec, 2)
    )
}

/// Asserts what is said about an object with this `spec`.
fn check_object(api_version: &str, kind: &str, spec: &str, expected: &[&str]) {
    let expected: Vec<String> = expected
        .iter()
        .map(|line| format!("a.yaml:{line}"))
        .collect();
    let text = object(api_version, kind, spec);
    assert_eq!(read(&text).1, expected, "{spec}");
}

/// What is read from a valid object with this `spec`.
fn read_valid(api_version: &str, kind: &str, spec: &str) -> Resources {
    let (resources, lines) = read(&object(api_version, kind, spec));
    assert_eq!(lines, [""; 0], "{spec}");
    resources
}

const WORKLOAD: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-deployment
  namespace: frontend
spec:
  replicas: 1
  selector:
    matchLabels:
      app: app
  template:
    metadata:
      labels:
        app: app
    spec:
      containers:
      - name: app
        image: app:1.1
        ports:
        - containerPort: 80
---
apiVersion: v1
kind: Service
metadata:
  name: app-svc
  namespace: frontend
spec:
  ports:
  - port: 80
    name: http
    targetPort: 80
  selector:
    app: app
";

const VIRTUAL_SERVICE: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: app-vs
  namespace: frontend
spec:
  hosts:
  - app-svc
  http:
  - match:
    - uri:
        prefix: /login
    rewrite:
      uri: /
    route:
    - destination:
        host: app-svc.frontend.svc.cluster.local
        port:
          number: 80
  - match:
    - uri:
        prefix: /
    route:
    - destination:
        host: app-svc.frontend.svc.cluster.local
        port:
          number: 80
";
