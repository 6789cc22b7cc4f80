//! Clusters of experiments: Envoy's JSON, and the hosts in them by name.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Where each host is.
pub(super) type Addresses = BTreeMap<String, SocketAddr>;

/// `envoy.config.cluster.v3.Cluster`, and who is in it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ClusterSpec {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) members: Members,
    /// `ClusterLoadAssignment.Policy`.
    pub(super) policy: Option<Value>,
    #[serde(flatten)]
    pub(super) settings: Map<String, Value>,
}

/// Who is in a cluster: hosts of one place, and of places of their own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Members {
    hosts: Vec<HostSpec>,
    localities: Vec<LocalitySpec>,
}

/// Hosts of one place and priority.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LocalitySpec {
    #[serde(default)]
    pub(super) region: String,
    #[serde(default)]
    pub(super) zone: String,
    #[serde(default)]
    pub(super) priority: u32,
    pub(super) weight: Option<u32>,
    pub(super) hosts: Vec<HostSpec>,
}

/// A host, by its name alone or with what EDS says of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum HostSpec {
    Name(String),
    Told {
        host: String,
        weight: Option<u32>,
        /// `envoy.config.core.v3.HealthStatus`.
        health: Option<String>,
        /// What it is hashed by instead of its address.
        key: Option<String>,
        hostname: Option<String>,
    },
}

impl Members {
    pub(super) fn of(hosts: Vec<HostSpec>, localities: Vec<LocalitySpec>) -> Self {
        Self { hosts, localities }
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = &HostSpec> {
        let placed = self.localities.iter().flat_map(|locality| &locality.hosts);
        self.hosts.iter().chain(placed)
    }

    /// `envoy.config.endpoint.v3.LocalityLbEndpoints`, each.
    fn endpoints(&self, at: &Addresses) -> Vec<Value> {
        let mut endpoints = Vec::new();
        if self.localities.is_empty() {
            endpoints.push(json!({"lbEndpoints": lb_endpoints(&self.hosts, at)}));
        }
        endpoints.extend(self.localities.iter().map(|locality| locality.json(at)));
        endpoints
    }
}

fn lb_endpoints(hosts: &[HostSpec], at: &Addresses) -> Vec<Value> {
    hosts.iter().map(|host| host.json(at)).collect()
}

impl LocalitySpec {
    fn json(&self, at: &Addresses) -> Value {
        let mut json = json!({
            "locality": {"region": self.region, "zone": self.zone},
            "priority": self.priority,
            "lbEndpoints": lb_endpoints(&self.hosts, at),
        });
        if let Some(weight) = self.weight {
            json["loadBalancingWeight"] = json!(weight);
        }
        json
    }
}

impl HostSpec {
    pub(super) fn new(name: &str) -> Self {
        Self::Name(name.to_owned())
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Told { host: name, .. } => name,
        }
    }

    fn json(&self, at: &Addresses) -> Value {
        let address = socket_address(at[self.name()]);
        let mut json = json!({"endpoint": {"address": address}});
        if let Self::Told {
            weight,
            health,
            key,
            hostname,
            ..
        } = self
        {
            if let Some(weight) = weight {
                json["loadBalancingWeight"] = json!(weight);
            }
            if let Some(health) = health {
                json["healthStatus"] = json!(health);
            }
            if let Some(key) = key {
                json["metadata"] = json!({"filterMetadata": {"envoy.lb": {"hash_key": key}}});
            }
            if let Some(hostname) = hostname {
                json["endpoint"]["hostname"] = json!(hostname);
            }
        }
        json
    }
}

impl ClusterSpec {
    /// The cluster with its endpoints in it.
    pub(super) fn json(&self, at: &Addresses) -> Value {
        let mut json = json!({
            "name": self.name,
            "type": "STATIC",
            "connectTimeout": "1s",
            "loadAssignment": self.load_assignment(at),
        });
        for (name, value) in &self.settings {
            json[name] = value.clone();
        }
        json
    }

    /// Whether it speaks HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        let options = self.settings.get("typedExtensionProtocolOptions");
        options.is_some_and(|options| options.to_string().contains("http2ProtocolOptions"))
    }

    /// `envoy.config.endpoint.v3.ClusterLoadAssignment`.
    pub(super) fn load_assignment(&self, at: &Addresses) -> Value {
        let endpoints = self.members.endpoints(at);
        let mut json = json!({"clusterName": self.name, "endpoints": endpoints});
        if let Some(policy) = &self.policy {
            json["policy"] = policy.clone();
        }
        json
    }
}

pub(super) fn socket_address(at: SocketAddr) -> Value {
    json!({"socketAddress": {"address": at.ip().to_string(), "portValue": at.port()}})
}
