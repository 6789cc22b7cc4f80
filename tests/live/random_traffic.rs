//! Clusters, policies and failures at random, one request after the other: all that is counted is equal.

use super::suite::Suite;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

const SEEDS: u64 = 24;
const REQUESTS: usize = 25;

/// Each seed is an experiment.
pub(super) fn suite() -> Suite {
    let experiments: Vec<Value> = (0..SEEDS).map(experiment).collect();
    let routes: Vec<Value> = ROUTES
        .iter()
        .map(|(path, cluster, retry)| {
            let retry_on = retry.split(' ').next().unwrap_or_default();
            let retries: u32 = retry
                .split(' ')
                .nth(1)
                .and_then(|n| n.parse().ok())
                .unwrap_or(0);
            let mut action = json!({"cluster": cluster, "timeout": "0.400s"});
            if !retry.is_empty() {
                action["retryPolicy"] = json!({
                    "retryOn": retry_on,
                    "numRetries": retries,
                    "retriableStatusCodes": [409],
                    "retryBackOff": {"baseInterval": "0.001s", "maxInterval": "0.001s"},
                });
            }
            json!({"name": path, "match": {"prefix": path}, "route": action})
        })
        .collect();
    let options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let two_requests = json!({options: {
        "@type": format!("type.googleapis.com/{options}"),
        "commonHttpProtocolOptions": {"maxRequestsPerConnection": 2},
        "explicitHttpConfig": {"httpProtocolOptions": {}},
    }});
    let suite = json!({
        "feature": "Clusters, policies and failures at random",
        "shows": [
            "After any sequence of requests all counters are equal, of clusters and of the listener.",
            "Each try is counted once, by what becomes of it.",
        ],
        "clusters": [
            {"name": "plain", "hosts": ["a"]},
            {"name": "two", "hosts": ["b"], "typedExtensionProtocolOptions": two_requests},
            {"name": "ejecting", "hosts": ["a"], "outlierDetection": {
                "consecutive5xx": 3, "maxEjectionPercent": 100, "interval": "300s", "baseEjectionTime": "300s",
            }, "commonLbConfig": {"healthyPanicThreshold": {"value": 0}, "updateMergeWindow": "0s"}},
            {"name": "gone", "hosts": ["dead"]},
            {"name": "none", "hosts": []},
            {"name": "no-retry", "hosts": ["a"], "circuitBreakers": {"thresholds": [{"maxRetries": 0}]}},
        ],
        "virtualHosts": [{
            "name": "random",
            "domains": ["shop"],
            "includeRequestAttemptCount": true,
            "routes": routes,
        }],
        "experiments": experiments,
    });
    Suite::read("random-traffic", suite)
}

/// Path, cluster, and what is retried how often.
const ROUTES: [(&str, &str, &str); 9] = [
    ("/plain", "plain", ""),
    ("/retried", "plain", "5xx 2"),
    (
        "/gateway",
        "plain",
        "gateway-error,retriable-status-codes 1",
    ),
    ("/two", "two", "connect-failure,reset 1"),
    ("/ejecting", "ejecting", ""),
    ("/gone", "gone", "connect-failure 2"),
    ("/none", "none", "5xx 2"),
    ("/no-retry", "no-retry", "5xx 2"),
    ("/zero", "plain", "5xx 0"),
];

const DEEDS: [&str; 16] = [
    "200",
    "200",
    "200 body-9",
    "404",
    "409",
    "500",
    "502 body-3",
    "503",
    "503 close",
    "grpc-14",
    "fin",
    "rst",
    "garbage",
    "200 close",
    "200 after-600",
    "200 body-9 cut",
];

fn experiment(seed: u64) -> Value {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let steps: Vec<Value> = (0..REQUESTS)
        .flat_map(|_| {
            let path = match dice.random_ratio(1, 20) {
                true => "/elsewhere",
                false => ROUTES.choose(&mut dice).expect("routes").0,
            };
            let count = dice.random_range(1..=3);
            let deeds = (0..count).map(|_| *DEEDS.choose(&mut dice).expect("deeds"));
            let deeds: Vec<&str> = deeds.collect();
            // An ejection takes its time to reach the workers.
            [
                json!({"send": format!("GET {path}"), "deeds": deeds}),
                json!({"wait": 20}),
            ]
        })
        .collect();
    json!({
        "name": format!("seed {seed}"),
        "steps": steps,
        "counters": ["all"],
        "compare": {"accounts": true, "connections": true},
    })
}
