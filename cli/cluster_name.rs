//! The parts of Istio's cluster names: `outbound|9080|v2|reviews.default.svc.cluster.local`.

/// The parts of a cluster's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClusterName<'a> {
    /// `outbound` or `inbound`.
    pub(crate) direction: &'a str,
    /// The service's port.
    pub(crate) port: u16,
    /// The subset; empty: none.
    pub(crate) subset: &'a str,
    /// The host; empty for inbound clusters.
    pub(crate) host: &'a str,
}

impl<'a> ClusterName<'a> {
    /// The parts of a name; none for names such as `PassthroughCluster`.
    pub(crate) fn parse(name: &'a str) -> Option<Self> {
        let mut parts = name.split('|');
        let (direction, port) = (parts.next()?, parts.next()?.parse().ok()?);
        let (subset, host) = (parts.next()?, parts.next()?);
        parts.next().is_none().then_some(Self {
            direction,
            port,
            subset,
            host,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_four_parts() {
        let name = ClusterName::parse("outbound|80|v1|a.b.svc.cluster.local").expect("four parts");
        assert_eq!(
            (name.direction, name.port, name.subset, name.host),
            ("outbound", 80, "v1", "a.b.svc.cluster.local")
        );
        let inbound = ClusterName::parse("inbound|8080||").expect("four parts, two of them empty");
        assert_eq!((inbound.subset, inbound.host), ("", ""));
        for other in [
            "PassthroughCluster",
            "a|b|c|d",
            "outbound|80|v1",
            "outbound|80||a|b",
        ] {
            assert_eq!(ClusterName::parse(other), None, "{other}");
        }
    }
}
