//! Route tables at random, and requests at random to them: the first route that matches answers.
//!
//! Words are few, so that predicates overlap.

use super::suite::Suite;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

const TABLES: u64 = 12;
const ROUTES: usize = 20;
const REQUESTS: usize = 40;

/// Each table is a virtual host.
pub(super) fn suite() -> Suite {
    let mut virtual_hosts = Vec::new();
    let mut experiments = Vec::new();
    for table in 0..TABLES {
        let mut dice = Dice(ChaCha8Rng::seed_from_u64(table));
        let host = format!("table-{table}");
        let routes: Vec<Value> = (0..ROUTES).map(|number| dice.route(number)).collect();
        virtual_hosts.push(json!({"name": host, "domains": [host], "routes": routes}));
        for number in 0..REQUESTS {
            experiments.push(json!({
                "name": format!("table {table} and request {number}"),
                "send": format!("{} {}", dice.one(&METHODS), dice.target()),
                "host": host,
                "headers": dice.headers(),
            }));
        }
    }
    let suite = json!({
        "feature": "Route tables and requests at random",
        "shows": ["Whatever the predicates, the first route that matches answers."],
        "shared": true,
        "clusters": [],
        "virtualHosts": virtual_hosts,
        "experiments": experiments,
    });
    Suite::read("random-routes", suite)
}

const METHODS: [&str; 3] = ["GET", "PUT", "DELETE"];
const SEGMENTS: [&str; 6] = ["a", "b", "ab", "A", "a.b", "1"];
const NAMES: [&str; 3] = ["x-a", "x-b", "x-c"];
const VALUES: [&str; 6] = ["", "a", "ab", "b", "A", "12"];
const PATTERNS: [&str; 7] = ["a", "a*", "[a-b]+", ".*b", "(?i)a", "[0-9]{2}", "a|ab"];

struct Dice(ChaCha8Rng);

impl Dice {
    fn one<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words.choose(&mut self.0).expect("some words")
    }

    fn happens(&mut self, percent: u32) -> bool {
        self.0.random_ratio(percent, 100)
    }

    fn path(&mut self, most: usize) -> String {
        let count = self.0.random_range(1..=most);
        (0..count)
            .map(|_| format!("/{}", self.one(&SEGMENTS)))
            .collect()
    }

    /// Path and query of a request.
    fn target(&mut self) -> String {
        let mut target = self.path(3);
        if self.happens(15) {
            target.push('/');
        }
        if self.happens(40) {
            let count = self.0.random_range(1..=3);
            let pairs: Vec<String> = (0..count).map(|_| self.pair()).collect();
            target += &format!("?{}", pairs.join("&"));
        }
        target
    }

    fn pair(&mut self) -> String {
        let (name, value) = (self.one(&SEGMENTS), self.one(&VALUES));
        match self.happens(30) {
            true => name.to_owned(),
            false => format!("{name}={value}"),
        }
    }

    fn headers(&mut self) -> Vec<String> {
        let count = self.0.random_range(0..=3);
        let lines = (0..count).map(|_| {
            let (name, value) = (self.one(&NAMES), self.one(&VALUES));
            format!("{name}: {value}")
        });
        lines.collect()
    }

    /// A route that says its name.
    fn route(&mut self, number: usize) -> Value {
        let mut matching = match self.0.random_range(0..5) {
            0 => json!({"path": self.path(2)}),
            1 | 2 => json!({"prefix": self.path(2)}),
            3 => json!({"pathSeparatedPrefix": self.path(2)}),
            _ => {
                let pattern = format!("/{}(/.*)?", self.one(&PATTERNS));
                json!({"safeRegex": {"regex": pattern}})
            }
        };
        if matching.get("safeRegex").is_none() && self.happens(25) {
            matching["caseSensitive"] = json!(false);
        }
        if self.happens(50) {
            let count = self.0.random_range(1..=2);
            let headers: Vec<Value> = (0..count).map(|_| self.header_matcher()).collect();
            matching["headers"] = json!(headers);
        }
        if self.happens(25) {
            matching["queryParameters"] = json!([self.query_matcher()]);
        }
        let name = format!("route-{number}");
        json!({
            "name": name,
            "match": matching,
            "directResponse": {"status": 200, "body": {"inlineString": name}},
        })
    }

    fn header_matcher(&mut self) -> Value {
        if self.happens(15) {
            let method = self.one(&METHODS);
            return json!({"name": ":method", "stringMatch": {"exact": method}});
        }
        let mut matcher = json!({"name": self.one(&NAMES)});
        match self.happens(25) {
            true => matcher["presentMatch"] = json!(self.happens(70)),
            false => matcher["stringMatch"] = self.string_matcher(),
        }
        if self.happens(25) {
            matcher["invertMatch"] = json!(true);
        }
        if self.happens(25) {
            matcher["treatMissingHeaderAsEmpty"] = json!(true);
        }
        matcher
    }

    fn query_matcher(&mut self) -> Value {
        let name = self.one(&SEGMENTS);
        match self.happens(40) {
            true => json!({"name": name, "presentMatch": true}),
            false => json!({"name": name, "stringMatch": self.string_matcher()}),
        }
    }

    fn string_matcher(&mut self) -> Value {
        match self.0.random_range(0..4) {
            0 => json!({"exact": self.one(&VALUES)}),
            1 => json!({"prefix": self.one(&VALUES[1..])}),
            2 => json!({"suffix": self.one(&VALUES[1..])}),
            _ => json!({"safeRegex": {"regex": self.one(&PATTERNS)}}),
        }
    }
}
