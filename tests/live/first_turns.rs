//! Where turns begin: anywhere, for each cluster by itself.

use super::suite::Suite;
use serde_json::{Value, json};

/// How many clusters there are.
const CLUSTERS: usize = 240;

/// One request to each of many clusters of four hosts: each host is the first of a quarter of them.
pub(super) fn suite() -> Suite {
    let numbers = || 0..CLUSTERS;
    let name = |number: usize| format!("turns-{number}");
    let clusters = numbers().map(|number| {
        let weights = if number % 2 == 0 {
            [1, 1, 1, 1]
        } else {
            [2, 2, 2, 2]
        };
        let hosts = ["a", "b", "c", "d"].iter().zip(weights);
        let hosts = hosts.map(|(host, weight)| json!({"host": host, "weight": weight}));
        json!({"name": name(number), "hosts": hosts.collect::<Vec<_>>(), "lbPolicy": "ROUND_ROBIN"})
    });
    let routes = numbers().map(|number| {
        let path = format!("/{number}");
        json!({"name": name(number), "match": {"path": path}, "route": {"cluster": name(number)}})
    });
    let steps = numbers().map(|number| json!({"send": format!("GET /{number}")}));
    let suite = json!({
        "feature": "Where turns begin",
        "shows": ["Each cluster begins its turns with any of its hosts."],
        "clusters": clusters.collect::<Vec<Value>>(),
        "virtualHosts": [{
            "name": "turns",
            "domains": ["shop"],
            "routes": routes.collect::<Vec<Value>>(),
        }],
        "experiments": [{
            "name": "the first host of each cluster",
            "shares": {"a": 25, "b": 25, "c": 25, "d": 25},
            "steps": steps.collect::<Vec<Value>>(),
        }],
    });
    Suite::read("first-turns", suite)
}
