//! Which tokens a proxy checks, and how: RequestAuthentications become Envoy's filter for them.
//!
//! All policies that are for a workload count, those of its namespace and those of the root namespace: their rules are
//! put together, sorted by issuer. A request without a token passes; a token that is there must be good. With several
//! rules it is enough that one of them finds its own good, since they may look for tokens in the same place.
//!
//! Source: istio/istio, pilot/pkg/security/authn/policy_applier.go (convertToEnvoyJwtConfig), pilot/pkg/model/
//! authentication.go (getConfigsForWorkload), policyattachment.go (ShouldAttachPolicy), jwks_resolver.go.

use std::collections::BTreeMap;

use manifest::RequestAuthentication;
use manifest::request_authentication::JwtRule;
use xds::{
    ClaimToHeader, Jwks, JwtAuthn, JwtHeader, JwtProvider, JwtRequirement, NodeType, Origin,
    RequirementRule,
};

use crate::mesh_config::MeshConfig;
use crate::proxy::Client;
use crate::route::matching;
use crate::virtual_service::age;

/// All RequestAuthentications, by age.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestAuthentications {
    all: Vec<RequestAuthentication>,
    root: String,
}

impl RequestAuthentications {
    pub(crate) fn new(written: &[RequestAuthentication], mesh: &MeshConfig) -> Self {
        let mut all = written.to_vec();
        all.sort_by(|a, b| age(&a.meta).cmp(&age(&b.meta)));
        Self {
            all,
            root: mesh.root_namespace.clone(),
        }
    }

    /// The places of those that are for a workload: its namespace's, then the root namespace's.
    pub(crate) fn of_workload(
        &self,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> Vec<usize> {
        let in_namespace = |wanted: &str| {
            let all = self.all.iter().enumerate();
            let own = all.filter(|(_, policy)| policy.meta.namespace == wanted);
            let own = own.filter(|(_, policy)| is_for(policy, namespace, labels));
            own.map(|(place, _)| place).collect::<Vec<_>>()
        };
        let mut places = in_namespace(namespace);
        if namespace != self.root {
            places.extend(in_namespace(&self.root));
        }
        places
    }

    /// The filter of a proxy; none where no token is checked.
    pub(crate) fn filter(&self, client: &Client<'_>) -> Option<Box<JwtAuthn>> {
        let places = self.of_workload(client.namespace, client.labels);
        let policies = places.into_iter().map(|place| &self.all[place]);
        let mut rules: Vec<_> = policies
            .flat_map(|policy| {
                let rules = policy.spec.jwt_rules.iter().zip(0..);
                rules.map(move |(rule, index)| (rule, origin(policy, index, &rule.at)))
            })
            .collect();
        if rules.is_empty() {
            return None;
        }
        rules.sort_by(|(a, _), (b, _)| issuer(a).cmp(issuer(b)));
        let providers: Vec<_> = rules
            .into_iter()
            .enumerate()
            .map(|(place, (rule, origin))| {
                provider(format!("origins-{place}"), rule, origin, client)
            })
            .collect();
        Some(Box::new(JwtAuthn {
            rules: vec![RequirementRule {
                match_: matching::everything(),
                requires: Some(requirement(&providers)),
            }],
            providers,
            bypass_cors_preflight: true,
            clock: client.mesh.clock,
        }))
    }
}

/// Whether a policy that is looked at is for a workload.
fn is_for(
    policy: &RequestAuthentication,
    namespace: &str,
    labels: &BTreeMap<String, String>,
) -> bool {
    let gateway = labels.get(GATEWAY_NAME);
    let mut targets = policy.spec.targets().peekable();
    if targets.peek().is_some() {
        return namespace == policy.meta.namespace
            && gateway.is_some_and(|gateway| {
                targets.any(|target| {
                    target.group == GATEWAY_API
                        && target.kind == "Gateway"
                        && target.name == *gateway
                })
            });
    }
    let selector = policy.spec.selector.iter();
    let mut wanted = selector.flat_map(|selector| &selector.match_labels);
    wanted.all(|(key, value)| labels.get(key) == Some(value))
}

/// What all of the rules together ask of a request.
fn requirement(providers: &[JwtProvider]) -> JwtRequirement {
    let named = |provider: &JwtProvider| JwtRequirement::Provider(provider.name.clone());
    let or_missing =
        |provider| JwtRequirement::Any(vec![named(provider), JwtRequirement::AllowMissing]);
    if let [only] = providers {
        return or_missing(only);
    }
    let all = JwtRequirement::All(providers.iter().map(or_missing).collect());
    JwtRequirement::Any(providers.iter().map(named).chain([all]).collect())
}

fn provider(name: String, rule: &JwtRule, origin: Origin, client: &Client<'_>) -> JwtProvider {
    let texts =
        |list: &[manifest::Spanned<String>]| list.iter().map(|text| text.value.clone()).collect();
    let mut lists: Vec<String> = texts(&rule.space_delimited_claims);
    lists.extend(ALWAYS_LISTS.map(str::to_owned));
    lists.sort();
    lists.dedup();
    JwtProvider {
        name,
        issuer: issuer(rule).to_owned(),
        audiences: texts(&rule.audiences),
        jwks: jwks(rule, &client.mesh.jwks),
        forward: rule.forward_original_token,
        from_headers: rule
            .from_headers
            .iter()
            .map(|header| JwtHeader {
                name: header.name.clone(),
                value_prefix: header.prefix.clone(),
            })
            .collect(),
        from_params: texts(&rule.from_params),
        from_cookies: texts(&rule.from_cookies),
        forward_payload_header: rule
            .output_payload_to_header
            .as_ref()
            .map_or_else(String::new, |header| header.value.clone()),
        payload_in_metadata: xds::metadata_match::PAYLOAD.to_owned(),
        space_delimited_claims: lists,
        clock_skew_seconds: None,
        claim_to_headers: rule
            .output_claim_to_headers
            .iter()
            .map(|copy| ClaimToHeader {
                header_name: copy.header.clone(),
                claim_name: copy.claim.clone(),
            })
            .collect(),
        // Only a gateway's routes ask for claims.
        clear_route_cache: client.node_type != NodeType::Sidecar,
        origin: Some(origin),
    }
}

/// The keys of a rule: those that are written, else those that are known to be behind its address. Without an address,
/// the issuer is asked.
fn jwks(rule: &JwtRule, known: &BTreeMap<String, String>) -> Jwks {
    if let Some(written) = rule.jwks.as_ref().filter(|keys| !keys.is_empty()) {
        return Jwks::Inline(written.value.clone());
    }
    let address = rule
        .jwks_uri()
        .map_or_else(|| issuer(rule), |uri| &uri.value);
    match known.get(address) {
        Some(keys) => Jwks::Inline(keys.clone()),
        None => Jwks::Unknown(address.to_owned()),
    }
}

fn issuer(rule: &JwtRule) -> &str {
    rule.issuer.as_ref().map_or("", |issuer| &issuer.value)
}

fn origin(policy: &RequestAuthentication, rule: u32, at: &base::Location) -> Origin {
    Origin {
        kind: "RequestAuthentication",
        object: format!("{}/{}", policy.meta.namespace, policy.meta.name).into(),
        rule: Some(rule),
        match_block: None,
        location: at.clone(),
    }
}

/// The label of pods that are a Gateway's of the Gateway API.
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";
/// That API's group.
const GATEWAY_API: &str = "gateway.networking.k8s.io";
/// Claims that are lists with spaces between their elements, whatever a rule says.
const ALWAYS_LISTS: [&str; 2] = ["permission", "scope"];

#[cfg(test)]
mod tests {
    use super::*;
    use manifest::Source;

    /// Policies: namespace, name, and the rest of `spec`.
    fn policies(written: &[(&str, &str, &str)]) -> RequestAuthentications {
        let documents = written.iter().map(|(namespace, name, spec)| {
            format!(
                "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\n\
                 metadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n---\n"
            )
        });
        let text: String = documents.collect();
        let (resources, problems) = manifest::parse(&[Source::new("p.yaml", text)], "default");
        assert!(problems.is_empty(), "{problems:?}");
        RequestAuthentications::new(&resources.request_authentications, &MeshConfig::default())
    }

    #[test]
    fn policies_of_the_namespace_and_of_the_mesh_are_for_a_workload() {
        let policies = policies(&[
            ("istio-system", "all", "{jwtRules: [{issuer: a}]}"),
            (
                "istio-system",
                "webs",
                "{selector: {matchLabels: {app: web}}}",
            ),
            ("shop", "web", "{selector: {matchLabels: {app: web}}}"),
            (
                "shop",
                "gate",
                "{targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: g}}",
            ),
            ("other", "all", "{}"),
        ]);
        let names = |namespace: &str, labels: &[(&str, &str)]| -> Vec<String> {
            let labels = labels.iter();
            let labels = labels.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            let places = policies.of_workload(namespace, &labels.collect());
            let names = places.into_iter().map(|place| {
                let meta = &policies.all[place].meta;
                format!("{}/{}", meta.namespace, meta.name)
            });
            names.collect()
        };
        assert_eq!(
            names("shop", &[("app", "web")]),
            ["shop/web", "istio-system/all", "istio-system/webs"]
        );
        assert_eq!(names("shop", &[("app", "db")]), ["istio-system/all"]);
        assert_eq!(
            names("shop", &[(GATEWAY_NAME, "g")]),
            ["shop/gate", "istio-system/all"]
        );
        assert_eq!(
            names("istio-system", &[("app", "web")]),
            ["istio-system/all", "istio-system/webs"]
        );
    }
}
