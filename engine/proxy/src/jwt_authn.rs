//! The filter that checks tokens: whether a request may go on, and which claims its route may be chosen by.
//!
//! A request without a token goes on where the requirement allows it; a token that is there is taken apart, its issuer,
//! its time and its audience are looked at, and at last its signature. The first thing that is wrong is what the client is
//! told, by 401, or by 403 where the token is good, but meant for others.
//!
//! What keys nobody has fetched are for is taken at its word. Time is that of the configuration ([`xds::JwtAuthn::clock`]):
//! no token becomes valid, or expires, while a simulation runs.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/filters/http/jwt_authn (filter.cc, verifier.cc, authenticator.cc);
//! a running one was asked: tests/live/experiments/tokens.

mod extract;
mod keys;
mod status;
mod token;

use crate::re2::Re2Error;
use crate::request::RequestHead;
use crate::router::matching::{RequestView, RouteMatcher};
use crate::router::redirect::LocalAnswer;
use crate::router::rewrite;
use crate::trace::{GoodToken, RefusedToken};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extract::{Place, places};
use keys::Keys;
use serde_json::{Map, Value};
pub use status::JwtStatus;
use std::collections::BTreeSet;
use token::Token;
use xds::{Jwks, JwtProvider, JwtRequirement};

/// The compiled filter.
#[derive(Clone, Debug)]
pub(crate) struct JwtAuthn {
    providers: Vec<Provider>,
    rules: Vec<Rule>,
    bypass_cors_preflight: bool,
    now: u64,
}

#[derive(Clone, Debug)]
struct Provider {
    source: JwtProvider,
    places: BTreeSet<Place>,
    /// None where nobody has them.
    keys: Option<Keys>,
}

#[derive(Clone, Debug)]
struct Rule {
    matcher: RouteMatcher,
    requires: Option<JwtRequirement>,
}

/// What the claims of a request's token are, by the key under which its provider leaves them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Claims(Map<String, Value>);

/// What becomes of a request.
pub(crate) enum Verdict {
    /// It goes on.
    Passed(Box<Checked>),
    /// It is refused, whatever was good about it.
    Refused(RefusedToken, Box<Checked>),
}

/// A request that was looked at.
pub(crate) struct Checked {
    /// What is left of it, and added to it.
    pub(crate) head: RequestHead,
    pub(crate) claims: Claims,
    /// The route is looked for once more, by all of this.
    pub(crate) is_routed_again: bool,
    /// The tokens that were good, in words.
    pub(crate) good: Vec<GoodToken>,
}

/// A request while it is looked at.
struct Check<'a> {
    filter: &'a JwtAuthn,
    head: RequestHead,
    claims: Claims,
    is_routed_again: bool,
    good: Vec<GoodToken>,
}

impl JwtAuthn {
    /// Compiles the filter. `refused` is told expressions that Envoy would not take, `wrong` what is wrong with keys.
    pub(crate) fn new(
        source: &xds::JwtAuthn,
        refused: &mut dyn FnMut(&str, Re2Error),
        wrong: &mut dyn FnMut(&JwtProvider, String),
    ) -> Self {
        let rules = source.rules.iter().map(|rule| Rule {
            matcher: RouteMatcher::new(&rule.match_, refused),
            requires: rule.requires.clone(),
        });
        let rules = rules.collect();
        let providers = source.providers.iter().map(|provider| Provider {
            places: places(provider),
            keys: match &provider.jwks {
                Jwks::Unknown(_) => None,
                Jwks::Inline(text) => Some(Keys::parse(text).unwrap_or_else(|why| {
                    wrong(provider, why);
                    Keys::default()
                })),
            },
            source: provider.clone(),
        });
        Self {
            providers: providers.collect(),
            rules,
            bypass_cors_preflight: source.bypass_cors_preflight,
            now: source.clock,
        }
    }

    /// What becomes of a request that is received so.
    pub(crate) fn check(&self, head: &RequestHead) -> Verdict {
        let mut check = Check {
            filter: self,
            head: head.clone(),
            claims: Claims::default(),
            is_routed_again: false,
            good: Vec::new(),
        };
        let view = RequestView::new(head);
        let mut rules = self.rules.iter();
        let rule = rules.find(|rule| rule.matcher.matches(&view));
        let requires = rule.and_then(|rule| rule.requires.as_ref());
        let passes = match requires {
            Some(requires) if !(self.bypass_cors_preflight && is_preflight(head)) => {
                check.require(requires, &[])
            }
            Some(_) | None => Ok(()),
        };
        let checked = Box::new(Checked {
            head: check.head,
            claims: check.claims,
            is_routed_again: check.is_routed_again,
            good: check.good,
        });
        match passes {
            Ok(()) => Verdict::Passed(checked),
            Err(refused) => Verdict::Refused(refused, checked),
        }
    }

    fn provider(&self, name: &str) -> Option<&Provider> {
        let mut providers = self.providers.iter();
        providers.find(|provider| provider.source.name == name)
    }
}

impl Check<'_> {
    /// Whether a requirement is met. `beside` are the providers that stand beside it among alternatives.
    fn require(&mut self, requires: &JwtRequirement, beside: &[&str]) -> Result<(), RefusedToken> {
        match requires {
            JwtRequirement::Provider(name) => self.token_of(name, None),
            JwtRequirement::ProviderAndAudiences(name, audiences) => {
                self.token_of(name, Some(audiences))
            }
            JwtRequirement::All(all) => all.iter().try_for_each(|one| self.require(one, &[])),
            JwtRequirement::Any(any) => self.any(any),
            JwtRequirement::AllowMissing => self.missing_or_good(beside),
            JwtRequirement::AllowMissingOrFailed => {
                let _looked_at = self.missing_or_good(beside);
                Ok(())
            }
        }
    }

    /// Alternatives: what is wrong with a token is told rather than that another provider's is missing. Whether there may
    /// be none is asked last.
    fn any(&mut self, any: &[JwtRequirement]) -> Result<(), RefusedToken> {
        let is_last = |one: &JwtRequirement| match one {
            JwtRequirement::AllowMissing | JwtRequirement::AllowMissingOrFailed => true,
            JwtRequirement::Provider(_)
            | JwtRequirement::ProviderAndAudiences(..)
            | JwtRequirement::Any(_)
            | JwtRequirement::All(_) => false,
        };
        let beside: Vec<&str> =
            any.iter()
                .filter_map(|one| match one {
                    JwtRequirement::Provider(name)
                    | JwtRequirement::ProviderAndAudiences(name, _) => Some(name.as_str()),
                    JwtRequirement::Any(_)
                    | JwtRequirement::All(_)
                    | JwtRequirement::AllowMissing
                    | JwtRequirement::AllowMissingOrFailed => None,
                })
                .collect();
        let first = any.iter().filter(|one| !is_last(one));
        let last = any.iter().filter(|one| is_last(one));
        let mut told: Option<RefusedToken> = None;
        for one in first.chain(last) {
            let Err(refused) = self.require(one, &beside) else {
                return Ok(());
            };
            let is_vague = [JwtStatus::Missing, JwtStatus::UnknownIssuer].contains(&refused.status);
            let replaces = |told: &RefusedToken| !is_vague || told.status == JwtStatus::Missing;
            if told.as_ref().is_none_or(replaces) {
                told = Some(refused);
            }
        }
        told.map_or(Ok(()), Err)
    }

    /// A provider's token must be there, and good.
    fn token_of(&mut self, name: &str, audiences: Option<&[String]>) -> Result<(), RefusedToken> {
        let filter = self.filter;
        let Some(provider) = filter.provider(name) else {
            return Ok(());
        };
        // What the provider adds, no client can have added before.
        let added = &provider.source;
        let copies = added.claim_to_headers.iter().map(|copy| &copy.header_name);
        let payload = std::iter::once(&added.forward_payload_header);
        for name in copies.chain(payload) {
            let headers = &mut self.head.headers;
            headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        }
        let tokens: Vec<_> = provider
            .places
            .iter()
            .filter_map(|place| Some((place, place.token(&self.head)?)))
            .collect();
        if tokens.is_empty() {
            return Err(RefusedToken {
                status: JwtStatus::Missing,
                place: None,
                origin: provider.source.origin.clone(),
            });
        }
        // The last is taken first; all must be good.
        for (place, text) in tokens.into_iter().rev() {
            self.good_token(provider, place, &text, audiences)?;
        }
        Ok(())
    }

    /// No token, or one that is good in the eyes of who issued it.
    fn missing_or_good(&mut self, beside: &[&str]) -> Result<(), RefusedToken> {
        let filter = self.filter;
        let mut providers: Vec<&Provider> = beside
            .iter()
            .filter_map(|name| filter.provider(name))
            .collect();
        if providers.is_empty() {
            providers = filter.providers.iter().collect();
        }
        let places: BTreeSet<&Place> = providers.iter().flat_map(|one| &one.places).collect();
        let tokens: Vec<_> = places
            .into_iter()
            .filter_map(|place| Some((place, place.token(&self.head)?)))
            .collect();
        for (place, text) in tokens.into_iter().rev() {
            let issuer = Token::parse(&text).map(|token| token.issuer().to_owned());
            let by_issuer = |provider: &&&Provider| match &issuer {
                Ok(issuer) => provider.source.issuer == *issuer,
                Err(_) => true,
            };
            let provider = match providers.as_slice() {
                [only] => Some(only),
                several => several.iter().find(by_issuer),
            };
            let Some(provider) = provider else {
                return Err(RefusedToken {
                    status: JwtStatus::UnknownIssuer,
                    place: Some(place.describe()),
                    origin: None,
                });
            };
            self.good_token(provider, place, &text, None)?;
        }
        Ok(())
    }

    /// A token that is good leaves its claims, and the request.
    fn good_token(
        &mut self,
        provider: &Provider,
        place: &Place,
        text: &str,
        audiences: Option<&[String]>,
    ) -> Result<(), RefusedToken> {
        let source = &provider.source;
        let token = provider.check(text, audiences, self.filter.now);
        let token = token.map_err(|status| RefusedToken {
            status,
            place: Some(place.describe()),
            origin: source.origin.clone(),
        })?;
        if !source.forward_payload_header.is_empty() {
            let payload = token.payload.trim_end_matches('=').to_owned();
            let name = source.forward_payload_header.to_ascii_lowercase();
            rewrite::set(&mut self.head.headers, &name, payload);
        }
        for copy in &source.claim_to_headers {
            let names = copy.claim_name.split('.');
            if let Some(text) = lookup(&token.claims, names).and_then(header_text) {
                let name = copy.header_name.to_ascii_lowercase();
                rewrite::set(&mut self.head.headers, &name, text);
            }
        }
        if !source.forward {
            place.remove(&mut self.head);
        }
        if !source.payload_in_metadata.is_empty() {
            let claims = Value::Object(source_claims(source, token.claims));
            self.claims
                .0
                .insert(source.payload_in_metadata.clone(), claims);
        }
        self.is_routed_again |= source.clear_route_cache;
        self.good.push(GoodToken {
            place: place.describe(),
            issuer: source.issuer.clone(),
            is_believed: provider.keys.is_none(),
            origin: source.origin.clone(),
        });
        Ok(())
    }
}

impl Provider {
    /// The token, if it is good.
    fn check(
        &self,
        text: &str,
        audiences: Option<&[String]>,
        now: u64,
    ) -> Result<Token, JwtStatus> {
        let source = &self.source;
        let token = Token::parse(text)?;
        if !source.issuer.is_empty() && token.issuer() != source.issuer {
            return Err(JwtStatus::UnknownIssuer);
        }
        let skew = source.clock_skew_seconds.unwrap_or(CLOCK_SKEW_SECONDS);
        token.check_time(now, u64::from(skew))?;
        if !token.is_meant_for(audiences.unwrap_or(&source.audiences)) {
            return Err(JwtStatus::AudienceNotAllowed);
        }
        if let Some(keys) = &self.keys {
            keys.verify(&token)?;
        }
        Ok(token)
    }
}

impl Claims {
    /// The value behind these keys.
    pub(crate) fn value<'a>(&self, path: impl Iterator<Item = &'a str>) -> Option<&Value> {
        lookup(&self.0, path)
    }
}

/// What a client that is refused is told.
pub(crate) fn answer(status: JwtStatus, head: &RequestHead) -> LocalAnswer {
    let path: String = head.path.chars().take(LONGEST_PATH).collect();
    let realm = format!("{}://{}{path}", head.scheme, head.authority);
    let error = if status == JwtStatus::Missing {
        ""
    } else {
        ", error=\"invalid_token\""
    };
    let challenge = format!("Bearer realm=\"{realm}\"{error}");
    LocalAnswer {
        status: status.response_code(),
        body: status.message().to_owned(),
        headers: vec![("www-authenticate".to_owned(), challenge)],
    }
}

/// The claims as they are left for others: some that are texts become lists.
fn source_claims(source: &JwtProvider, mut claims: Map<String, Value>) -> Map<String, Value> {
    for name in &source.space_delimited_claims {
        if let Some(Value::String(text)) = claims.get(name) {
            let words = text.split(' ').filter(|word| !word.is_empty());
            let words = words.map(Value::from).collect();
            claims.insert(name.clone(), Value::Array(words));
        }
    }
    claims
}

fn lookup<'a, 'v>(
    object: &'v Map<String, Value>,
    mut path: impl Iterator<Item = &'a str>,
) -> Option<&'v Value> {
    let mut value = object.get(path.next()?)?;
    for key in path {
        value = value.as_object()?.get(key)?;
    }
    Some(value)
}

/// A claim in a header: objects and lists as JSON in base64.
fn header_text(claim: &Value) -> Option<String> {
    match claim {
        Value::Null => None,
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => Some(STANDARD.encode(claim.to_string())),
    }
}

/// Whether a browser asks whether it may ask.
fn is_preflight(head: &RequestHead) -> bool {
    let has = |name: &str| {
        head.values(name)
            .next()
            .is_some_and(|value| !value.is_empty())
    };
    head.method == "OPTIONS" && has("origin") && has("access-control-request-method")
}

/// How far clocks may differ where nothing is said.
const CLOCK_SKEW_SECONDS: u32 = 60;
/// As much of a request's path as a challenge names.
const LONGEST_PATH: usize = 256;
