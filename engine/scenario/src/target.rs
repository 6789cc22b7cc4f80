//! Which pods an entry speaks about: all conditions that are written must hold.

use crate::object_name::{ObjectName, matches_pattern};
use crate::place::{Place, Placed};
use crate::reader::{Fields, Reader};
use crate::shape::{Field, Shape, field};
use std::collections::BTreeMap;

/// Conditions on a pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its workload; `*` stands for any characters.
    pub workload: Option<Placed<ObjectName>>,
    /// Its own name; `*` stands for any characters.
    pub pod: Option<Placed<ObjectName>>,
    /// Labels that it must have.
    pub selector: BTreeMap<String, String>,
    /// Its namespace.
    pub namespace: Option<Placed<String>>,
    /// Any of these images of one of its containers, with or without registry and tag; `*` stands for any characters.
    pub images: Vec<Placed<String>>,
    /// Variables of the environment of one of its containers.
    pub env: BTreeMap<String, String>,
    /// The address at which it serves, `ip:port` or `host:port`; `*` stands for any characters.
    pub address: Option<Placed<String>>,
    /// Where the conditions are written.
    pub place: Place,
}

/// A pod, as far as a target looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub pod: &'a str,
    /// The name of its workload.
    pub workload: &'a str,
    /// Its labels.
    pub labels: &'a BTreeMap<String, String>,
    /// The images of its containers.
    pub images: &'a [String],
    /// The environment of its containers.
    pub env: &'a [(String, String)],
    /// The address at which an Envoy reaches it, `ip:port` or `host:port`; empty in a mesh.
    pub address: &'a str,
}

/// `workload`
pub(crate) const WORKLOAD: Field = field(
    "workload",
    Shape::Text,
    "The pods of this Deployment, StatefulSet, ReplicaSet or lone Pod, written `namespace/name`; without a namespace, \
     the scenario's. `*` stands for any characters.",
);
/// `pod`
pub(crate) const POD: Field = field(
    "pod",
    Shape::Text,
    "This pod, written `namespace/name`. The pods of a Deployment are named `<deployment>-0`, `<deployment>-1`, ….",
);
/// `selector`
pub(crate) const SELECTOR: Field = field("selector", Shape::Texts, "Pods with these labels.");
/// `namespace`
pub(crate) const NAMESPACE: Field = field("namespace", Shape::Text, "Pods of this namespace.");
/// `image`
pub(crate) const IMAGE: Field = field(
    "image",
    Shape::OneOrMore(&Shape::Text),
    "Pods with a container of this image, or one of these, with or without registry and tag. `*` stands for any \
     characters.",
);
/// `env`
pub(crate) const ENV: Field = field(
    "env",
    Shape::Texts,
    "Pods with a container whose manifest sets these variables of its environment.",
);
/// `address`
pub(crate) const ADDRESS: Field = field(
    "address",
    Shape::Text,
    "A server outside of the mesh, as DNS or an address leads to it: `api.example.com`, `api.example.com:443` where ports \
     differ, or `203.0.113.7:5432`. With `envoy`, the server at this endpoint address, such as `127.0.0.1:9001`; there `*` \
     stands for any characters.",
);

impl Target {
    /// Reads the conditions of a map; none is an error.
    pub(crate) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Option<Self> {
        let target = Self {
            workload: fields
                .get("workload")
                .and_then(|node| reader.object_name(&node)),
            pod: fields.get("pod").and_then(|node| reader.object_name(&node)),
            selector: fields
                .get("selector")
                .map(|node| reader.texts(&node).into_iter().collect())
                .unwrap_or_default(),
            namespace: fields
                .get("namespace")
                .and_then(|node| reader.placed_text(&node)),
            images: fields
                .get("image")
                .map(|node| reader.one_or_more(&node, Reader::placed_text))
                .unwrap_or_default(),
            env: fields
                .get("env")
                .map(|node| reader.texts(&node).into_iter().collect())
                .unwrap_or_default(),
            address: fields
                .get("address")
                .and_then(|node| reader.placed_text(&node)),
            place: fields.place(),
        };
        let written = [
            "workload",
            "pod",
            "selector",
            "namespace",
            "image",
            "env",
            "address",
        ]
        .iter()
        .any(|name| fields.get(name).is_some());
        if !written {
            reader.missing(
                fields,
                "`workload`, `pod`, `selector`, `namespace`, `image` or `address`",
            );
            return None;
        }
        Some(target)
    }

    /// Whether the same conditions are written elsewhere.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let other = Self {
            place: self.place.clone(),
            ..other.clone()
        };
        *self == other
    }

    /// No conditions.
    pub(crate) const fn of_all(place: Place) -> Self {
        Self {
            workload: None,
            pod: None,
            selector: BTreeMap::new(),
            namespace: None,
            images: Vec::new(),
            env: BTreeMap::new(),
            address: None,
            place,
        }
    }

    /// Whether the conditions hold.
    pub fn matches(&self, candidate: Candidate<'_>) -> bool {
        let named = |pattern: &ObjectName, name: &str| {
            matches_pattern(&pattern.namespace, candidate.namespace)
                && matches_pattern(&pattern.name, name)
        };
        self.workload
            .as_ref()
            .is_none_or(|pattern| named(pattern, candidate.workload))
            && self
                .pod
                .as_ref()
                .is_none_or(|pattern| named(pattern, candidate.pod))
            && self
                .selector
                .iter()
                .all(|(key, value)| candidate.labels.get(key) == Some(value))
            && self
                .namespace
                .as_ref()
                .is_none_or(|pattern| matches_pattern(pattern, candidate.namespace))
            && self
                .address
                .as_ref()
                .is_none_or(|pattern| matches_pattern(pattern, candidate.address))
            && (self.images.is_empty()
                || self.images.iter().any(|pattern| {
                    let mut images = candidate.images.iter();
                    images.any(|image| matches_image(pattern, image))
                }))
            && self.env.iter().all(|(name, value)| {
                let mut variables = candidate.env.iter();
                variables.any(|(own, set)| own == name && set == value)
            })
    }
}

/// Whether an image is meant: `reviews`, `reviews:1.20`, `istio/reviews:*`, `docker.io/istio/reviews:1.20`.
fn matches_image(pattern: &str, image: &str) -> bool {
    let without_digest = image.split('@').next().unwrap_or(image);
    let name_start = without_digest.rfind('/').map_or(0, |at| at + 1);
    let untagged = match without_digest[name_start..].find(':') {
        Some(at) => &without_digest[..name_start + at],
        None => without_digest,
    };
    [image, without_digest, untagged].iter().any(|form| {
        std::iter::once(0)
            .chain(form.match_indices('/').map(|(at, _)| at + 1))
            .any(|start| matches_pattern(pattern, &form[start..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images() {
        let image = "docker.io/istio/examples-bookinfo-reviews-v2:1.20.2";
        for (pattern, matches) in [
            ("examples-bookinfo-reviews-v2", true),
            ("istio/examples-bookinfo-reviews-v2", true),
            ("*reviews-v2", true),
            ("*reviews-*:1.20.*", true),
            (image, true),
            ("reviews-v2", false),
            ("*reviews-v2:1.19*", false),
        ] {
            assert_eq!(matches_image(pattern, image), matches, "{pattern}");
        }
        assert!(matches_image("app", "localhost:5000/app"));
        assert!(matches_image("app", "app@sha256:0123"));
    }
}
