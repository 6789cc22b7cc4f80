//! What routes of the Gateway API do to requests and responses on their way.

use serde::Deserialize;

use crate::check::Check;
use crate::gateway_api::reference::{BackendReference, check_hostname};
use crate::span::Spanned;
use crate::yaml::path::Path;

/// A filter of a rule or of a backend.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// What it does; exactly the field of this name is given.
    #[serde(rename = "type")]
    pub filter_type: FilterType,
    /// Changes of the request's headers.
    pub request_header_modifier: Option<HeaderFilter>,
    /// Changes of the response's headers.
    pub response_header_modifier: Option<HeaderFilter>,
    /// Copies of requests.
    pub request_mirror: Option<RequestMirror>,
    /// An answer that sends the client elsewhere.
    pub request_redirect: Option<RequestRedirect>,
    /// Changes of path and host.
    pub url_rewrite: Option<UrlRewrite>,
    /// Which scripts of other origins may ask.
    pub cors: Option<Cors>,
    /// A filter of the controller's own; Istio has none.
    pub extension_ref: Option<ExtensionReference>,
}

/// What a filter does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum FilterType {
    /// It changes the request's headers.
    RequestHeaderModifier,
    /// It changes the response's headers.
    ResponseHeaderModifier,
    /// It copies requests.
    RequestMirror,
    /// It sends the client elsewhere.
    RequestRedirect,
    /// It changes path and host.
    #[serde(rename = "URLRewrite")]
    UrlRewrite,
    /// It lets scripts of other origins ask.
    #[serde(rename = "CORS")]
    Cors,
    /// Something of the controller's own.
    ExtensionRef,
}

/// Changes of headers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct HeaderFilter {
    /// Headers that are replaced.
    #[serde(default)]
    pub set: Vec<HttpHeader>,
    /// Headers that are added.
    #[serde(default)]
    pub add: Vec<HttpHeader>,
    /// Headers that are removed.
    #[serde(default)]
    pub remove: Vec<String>,
}

/// A header.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HttpHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Copies of requests.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestMirror {
    /// Who receives them.
    pub backend_ref: Spanned<BackendReference>,
    /// The share of requests, in per cent.
    pub percent: Option<u32>,
    /// The share of requests, as a fraction.
    pub fraction: Option<Fraction>,
}

/// A fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Fraction {
    /// The upper number.
    pub numerator: u32,
    /// The lower number; none means 100.
    pub denominator: Option<u32>,
}

/// An answer that sends the client elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRedirect {
    /// The scheme; none means the request's.
    pub scheme: Option<String>,
    /// The host; none means the request's.
    pub hostname: Option<String>,
    /// The path; none means the request's.
    pub path: Option<PathModifier>,
    /// The port; none means the scheme's, or the request's if no scheme is given.
    pub port: Option<u16>,
    /// The status; none means 302.
    pub status_code: Option<u16>,
}

/// Changes of path and host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct UrlRewrite {
    /// The host.
    pub hostname: Option<String>,
    /// The path.
    pub path: Option<PathModifier>,
}

/// A change of a path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PathModifierFields")]
pub enum PathModifier {
    /// The whole path is replaced.
    ReplaceFullPath(String),
    /// What the rule's prefix matched is replaced.
    ReplacePrefixMatch(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PathModifierFields {
    #[serde(rename = "type")]
    modifier_type: PathModifierType,
    replace_full_path: Option<String>,
    replace_prefix_match: Option<String>,
}

#[derive(Deserialize)]
enum PathModifierType {
    ReplaceFullPath,
    ReplacePrefixMatch,
}

impl TryFrom<PathModifierFields> for PathModifier {
    type Error = &'static str;

    fn try_from(fields: PathModifierFields) -> Result<Self, &'static str> {
        let PathModifierFields {
            modifier_type,
            replace_full_path,
            replace_prefix_match,
        } = fields;
        match (modifier_type, replace_full_path, replace_prefix_match) {
            (PathModifierType::ReplaceFullPath, Some(path), None) => {
                Ok(Self::ReplaceFullPath(path))
            }
            (PathModifierType::ReplacePrefixMatch, None, Some(path)) => {
                Ok(Self::ReplacePrefixMatch(path))
            }
            (PathModifierType::ReplaceFullPath, ..) => {
                Err("the type `ReplaceFullPath` needs `replaceFullPath` and nothing else")
            }
            (PathModifierType::ReplacePrefixMatch, ..) => {
                Err("the type `ReplacePrefixMatch` needs `replacePrefixMatch` and nothing else")
            }
        }
    }
}

/// Which scripts of other origins may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cors {
    /// The origins, `*` wildcards allowed.
    #[serde(default)]
    pub allow_origins: Vec<String>,
    /// Whether requests may carry credentials.
    #[serde(default)]
    pub allow_credentials: bool,
    /// The methods.
    #[serde(default)]
    pub allow_methods: Vec<String>,
    /// The request headers.
    #[serde(default)]
    pub allow_headers: Vec<String>,
    /// The response headers that scripts see.
    #[serde(default)]
    pub expose_headers: Vec<String>,
    /// Seconds that a browser may remember the answer; none means 5.
    pub max_age: Option<u32>,
}

/// A filter of the controller's own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ExtensionReference {
    /// The group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
}

impl FilterType {
    /// The field that must be given for it.
    const fn field(self) -> &'static str {
        match self {
            Self::RequestHeaderModifier => "requestHeaderModifier",
            Self::ResponseHeaderModifier => "responseHeaderModifier",
            Self::RequestMirror => "requestMirror",
            Self::RequestRedirect => "requestRedirect",
            Self::UrlRewrite => "urlRewrite",
            Self::Cors => "cors",
            Self::ExtensionRef => "extensionRef",
        }
    }

    const ALL: [Self; 7] = [
        Self::RequestHeaderModifier,
        Self::ResponseHeaderModifier,
        Self::RequestMirror,
        Self::RequestRedirect,
        Self::UrlRewrite,
        Self::Cors,
        Self::ExtensionRef,
    ];

    /// Whether a rule may have several of the type.
    const fn may_repeat(self) -> bool {
        matches!(self, Self::RequestMirror | Self::ExtensionRef)
    }
}

/// The filters at `path`, and what the schema does not allow of them.
pub(crate) fn check_filters(
    filters: &[Spanned<Filter>],
    path: &Path<'_>,
    check: &mut Check<'_, '_>,
) {
    check.items(path, filters.len(), 0..=16);
    for (index, filter) in filters.iter().enumerate() {
        let place = Path::Index(path, index);
        let own = filter.filter_type;
        for other in FilterType::ALL {
            let field = place.key(other.field());
            match (other == own, check.is_written(&field)) {
                (true, false) => check.missing(&field),
                (false, true) => {
                    let message = format_args!("the filter's type needs `{}` only", own.field());
                    check.invalid(&field, message);
                }
                _ => {}
            }
        }
        let mut earlier = filters[..index].iter();
        if !own.may_repeat() && earlier.any(|other| other.filter_type == own) {
            check.invalid(&place, "the filter is given already");
        }
        filter.check(&place, check);
    }
    let has = |wanted| filters.iter().any(|filter| filter.filter_type == wanted);
    if has(FilterType::RequestRedirect) && has(FilterType::UrlRewrite) {
        let message = "`RequestRedirect` and `URLRewrite` exclude each other: give one";
        check.invalid(path, message);
    }
}

impl Filter {
    fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        for (field, headers) in [
            ("requestHeaderModifier", &self.request_header_modifier),
            ("responseHeaderModifier", &self.response_header_modifier),
        ] {
            if let Some(headers) = headers {
                headers.check(&path.key(field), check);
            }
        }
        if let Some(mirror) = &self.request_mirror {
            mirror.check(&path.key("requestMirror"), check);
        }
        if let Some(redirect) = &self.request_redirect {
            redirect.check(&path.key("requestRedirect"), check);
        }
        if let Some(hostname) = self
            .url_rewrite
            .as_ref()
            .and_then(|rewrite| rewrite.hostname.as_deref())
        {
            let path = path.key("urlRewrite");
            check_hostname(hostname, &path.key("hostname"), check);
        }
        if let Some(cors) = &self.cors {
            cors.check(&path.key("cors"), check);
        }
    }
}

impl HeaderFilter {
    fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        for (field, headers) in [("set", &self.set), ("add", &self.add)] {
            let path = path.key(field);
            check.items(&path, headers.len(), 0..=16);
            for (index, header) in headers.iter().enumerate() {
                let place = Path::Index(&path, index);
                check_header_name(&header.name, &place.key("name"), check);
                if headers[..index]
                    .iter()
                    .any(|other| other.name == header.name)
                {
                    let message = format_args!("`{}` is given already", header.name);
                    check.invalid(&place.key("name"), message);
                }
                check_header_value(&header.value, &place.key("value"), check);
            }
        }
        check.items(&path.key("remove"), self.remove.len(), 0..=16);
    }
}

impl RequestMirror {
    fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        check.exclusive(path, ["percent", "fraction"]);
        self.backend_ref.check(&path.key("backendRef"), check);
        if self.percent.is_some_and(|percent| percent > 100) {
            check.invalid(&path.key("percent"), "must be no more than 100");
        }
        if let Some(fraction) = &self.fraction {
            let path = path.key("fraction");
            let denominator = fraction.denominator.unwrap_or(100);
            if denominator == 0 {
                check.invalid(&path.key("denominator"), "must be at least 1");
            } else if fraction.numerator > denominator {
                check.invalid(&path, "must be no more than 1");
            }
        }
    }
}

impl RequestRedirect {
    fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        let is_scheme = |scheme: &str| ["http", "https"].contains(&scheme);
        if self
            .scheme
            .as_deref()
            .is_some_and(|scheme| !is_scheme(scheme))
        {
            check.invalid(&path.key("scheme"), "expected `http` or `https`");
        }
        if let Some(hostname) = &self.hostname {
            check_hostname(hostname, &path.key("hostname"), check);
        }
        if let Some(port) = self.port {
            check.port(&path.key("port"), u32::from(port));
        }
        let is_redirect = |status| [301, 302, 303, 307, 308].contains(&status);
        if self.status_code.is_some_and(|status| !is_redirect(status)) {
            let rule = "expected 301, 302, 303, 307 or 308";
            check.invalid(&path.key("statusCode"), rule);
        }
    }
}

impl Cors {
    fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        for (field, items, max) in [
            ("allowOrigins", &self.allow_origins, 64),
            ("allowMethods", &self.allow_methods, 9),
            ("allowHeaders", &self.allow_headers, 64),
            ("exposeHeaders", &self.expose_headers, 64),
        ] {
            let path = path.key(field);
            check.items(&path, items.len(), 0..=max);
            let anything = items.iter().any(|item| item == "*");
            if field != "exposeHeaders" && anything && items.len() > 1 {
                check.invalid(&path, "`*` stands alone");
            }
        }
        if self.max_age == Some(0) {
            check.invalid(&path.key("maxAge"), "must be at least 1");
        }
    }
}

/// The name of a header or of a query parameter.
pub(crate) fn check_header_name(name: &str, path: &Path<'_>, check: &mut Check<'_, '_>) {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_letter) {
        check.invalid(path, format_args!("`{name}` is no name of a header"));
    }
    check.length(path, name, 256);
}

/// The value of a header.
pub(crate) fn check_header_value(value: &str, path: &Path<'_>, check: &mut Check<'_, '_>) {
    if value.is_empty() {
        check.missing(path);
    }
    check.length(path, value, 4096);
}
