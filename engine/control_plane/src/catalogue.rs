//! The findings of `meshsim analyze` that have codes: how grave each is, and what raises it.

use std::fmt::Write;

use manifest::Level;

/// A sort of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FindingKind {
    /// Its code: istioctl's, or (`MS`) our own.
    pub code: &'static str,
    /// How grave it is.
    pub level: Level,
    /// What raises it, in Markdown.
    pub when: &'static str,
}

/// The catalogue as a page of the documentation.
pub fn to_markdown() -> String {
    let mut page = "# Findings of `meshsim analyze`\n\n\
        Codes that begin with `IST` are istioctl's, and so are their levels and words; those that begin with `MS` are our\n\
        own. This page is made from the code: `MESHSIM_UPDATE=1 cargo test -p meshsim-control-plane --test analysis`.\n\n\
        | code | level | what raises it |\n| --- | --- | --- |\n"
        .to_owned();
    for kind in CATALOGUE {
        let level = match kind.level {
            Level::Error => "Error",
            Level::Warning => "Warning",
            Level::Info => "Info",
        };
        writeln!(page, "| {} | {level} | {} |", kind.code, kind.when)
            .expect("writing to a text never fails");
    }
    page
}

const fn kind(code: &'static str, level: Level, when: &'static str) -> FindingKind {
    FindingKind { code, level, when }
}

/// All of them, by code.
pub const CATALOGUE: &[FindingKind] = &[
    kind(
        "IST0002",
        Level::Warning,
        "A field that Istio has deprecated: `fault.delay.percent` of a VirtualService, `egressProxy` of a Sidecar.",
    ),
    kind(
        "IST0101",
        Level::Error,
        "Something that is named is not there: a host, a port or a subset of a destination or a mirror, a gateway, pods for the selector of a Gateway or a Sidecar, the secret of a Gateway.",
    ),
    kind(
        "IST0102",
        Level::Info,
        "A namespace of which nobody said whether its pods get sidecars.",
    ),
    kind(
        "IST0103",
        Level::Warning,
        "A pod without the sidecar that its namespace asks for.",
    ),
    kind(
        "IST0106",
        Level::Error,
        "What the API server or Istio's webhook refuses.",
    ),
    kind(
        "IST0107",
        Level::Warning,
        "An annotation of Istio on an object of the wrong kind.",
    ),
    kind(
        "IST0108",
        Level::Warning,
        "An annotation in Istio's domain that Istio does not know.",
    ),
    kind(
        "IST0109",
        Level::Error,
        "Several VirtualServices of the sidecars claim one host; only the first is used.",
    ),
    kind(
        "IST0110",
        Level::Error,
        "Two Sidecars with selectors select one pod.",
    ),
    kind(
        "IST0111",
        Level::Error,
        "Two Sidecars without selectors in one namespace.",
    ),
    kind(
        "IST0112",
        Level::Error,
        "A destination without port, where the host has several.",
    ),
    kind(
        "IST0116",
        Level::Warning,
        "Services of one Deployment use a port with different transports.",
    ),
    kind(
        "IST0118",
        Level::Info,
        "A port whose name says no protocol, so that the proxy sniffs.",
    ),
    kind(
        "IST0123",
        Level::Warning,
        "A namespace with more than one label about injection.",
    ),
    kind(
        "IST0125",
        Level::Warning,
        "An annotation whose value cannot be read.",
    ),
    kind(
        "IST0127",
        Level::Warning,
        "An AuthorizationPolicy that selects no pod of the mesh.",
    ),
    kind(
        "IST0128",
        Level::Warning,
        "TLS to a server whose certificate nobody checks.",
    ),
    kind("IST0129", Level::Warning, "The same, on one port."),
    kind(
        "IST0130",
        Level::Warning,
        "A rule that no request reaches, since an earlier one takes all.",
    ),
    kind(
        "IST0131",
        Level::Info,
        "A match that an earlier one covers.",
    ),
    kind(
        "IST0132",
        Level::Warning,
        "None of a VirtualService's hosts is served by its Gateway.",
    ),
    kind(
        "IST0133",
        Level::Warning,
        "What Istio's webhook takes with a warning.",
    ),
    kind(
        "IST0134",
        Level::Warning,
        "A ServiceEntry for bytes without an address, by which alone its traffic could be told from others'.",
    ),
    kind("IST0135", Level::Info, "An annotation that is deprecated."),
    kind(
        "IST0137",
        Level::Warning,
        "Services of one Deployment lead to one container port by different numbers.",
    ),
    kind(
        "IST0138",
        Level::Warning,
        "Several Gateways of the same pods use one certificate.",
    ),
    kind(
        "IST0140",
        Level::Warning,
        "A gateway routes to a host whose subsets are chosen by the sidecars' VirtualService only.",
    ),
    kind(
        "IST0144",
        Level::Warning,
        "A container runs as user 1337, the sidecar's own.",
    ),
    kind(
        "IST0145",
        Level::Error,
        "Two Gateways open the same host on the same port of the same pods.",
    ),
    kind(
        "IST0146",
        Level::Warning,
        "A Deployment with the image `auto`, whose pods the injector never sees.",
    ),
    kind("IST0147", Level::Error, "A pod with the image `auto`."),
    kind(
        "IST0148",
        Level::Info,
        "A namespace whose pods get sidecars since the mesh injects wherever nothing is said.",
    ),
    kind(
        "IST0149",
        Level::Error,
        "A gateway routes by claims of a token that it does not check.",
    ),
    kind(
        "IST0150",
        Level::Warning,
        "An ExternalName service with a port named `tcp`, or one whose name says no protocol.",
    ),
    kind(
        "IST0162",
        Level::Warning,
        "A Gateway's port that no Service of its pods leads to.",
    ),
    kind(
        "IST0165",
        Level::Warning,
        "A VirtualService for a Gateway that Istio made from one of the Gateway API.",
    ),
    kind(
        "IST0167",
        Level::Warning,
        "A Sidecar for workloads in ambient mode, which have no sidecars.",
    ),
    kind(
        "IST0171",
        Level::Warning,
        "An object whose status says that a controller refused it, or cannot make it work.",
    ),
    kind("IST0173", Level::Error, "A subset that selects no pod."),
    kind(
        "IST0174",
        Level::Warning,
        "A DestinationRule for a host that nothing answers to.",
    ),
    kind(
        "IST0177",
        Level::Warning,
        "ServiceEntries that disagree about the protocol of a host's port.",
    ),
    kind(
        "MS0001",
        Level::Info,
        "A field that is used and not simulated.",
    ),
    kind(
        "MS0101",
        Level::Warning,
        "A VirtualService or DestinationRule that no client acts on, since none that sees it has a sidecar.",
    ),
    kind(
        "MS0102",
        Level::Warning,
        "HTTP rules for a service none of whose ports speaks HTTP.",
    ),
    kind(
        "MS0103",
        Level::Warning,
        "A host such as `reviews.prod`, which looks like a service and is completed by nobody.",
    ),
    kind(
        "MS0104",
        Level::Warning,
        "A redirect with a status that Envoy has not: it refuses the whole route table.",
    ),
    kind(
        "MS0105",
        Level::Warning,
        "A destination without port is called on the port that the client dialled, which it has not.",
    ),
    kind(
        "MS0106",
        Level::Warning,
        "Outlier detection that can eject no host, since one is already more than `maxEjectionPercent`.",
    ),
    kind(
        "MS0107",
        Level::Warning,
        "Rules for a host that an older VirtualService has already: sidecars use none of them.",
    ),
    kind(
        "MS0108",
        Level::Warning,
        "A client's own DestinationRule, because of which its pods use nothing of the one beside the service.",
    ),
];
