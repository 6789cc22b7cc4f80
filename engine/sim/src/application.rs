//! What an application makes of requests: which of them an endpoint is for, what they ask for themselves, when calls are
//! made and what their failure leads to.
//!
//! All that depends on a request's head alone is worked out once per head (`shape.rs`); the event loop meets its outcome.

use base::{Ratio, SimDuration};
use proxy::request::RequestHead;

/// What a degraded answer lacks, by its number in [`crate::plan::Plan::marks`]; zero: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(pub u8);

impl Mark {
    /// The answer is whole.
    pub const WHOLE: Self = Self(0);
    /// How many kinds of degraded answers there may be.
    pub const LIMIT: usize = 127;
}

/// What an answer of an application carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// What it lacks.
    pub mark: Mark,
    /// How long its body is.
    pub bytes: u64,
}

impl Content {
    /// Nothing, of which nothing is missing.
    pub const EMPTY: Self = Self {
        mark: Mark::WHOLE,
        bytes: 0,
    };
}

/// Which requests an endpoint is for: all conditions must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestMatch {
    /// The method; none: any.
    pub method: Option<String>,
    /// Its path, without the query.
    pub path: PathPattern,
    /// Conditions on its headers.
    pub headers: Vec<HeaderCondition>,
}

/// A pattern of paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPattern {
    /// How the path begins; empty: any.
    Prefix(String),
    /// The whole path.
    Exact(String),
    /// The whole path, segment by segment.
    Template(Vec<Segment>),
}

impl Default for PathPattern {
    fn default() -> Self {
        Self::Prefix(String::new())
    }
}

/// What stands between two slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// This text.
    Text(String),
    /// Anything but nothing, known by this name.
    Capture(String),
}

/// A condition on a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderCondition {
    /// Its name, in lower case.
    pub name: String,
    /// Its value; none: it is there.
    pub value: Option<String>,
}

/// What a request asks for itself: in its path, or in its query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requested {
    /// The status: one, or several with weights, as in `503`, `200,503` or `503:50,404:10`.
    pub status: Option<Variable>,
    /// How long it is to wait.
    pub delay: Option<RequestedDelay>,
    /// How long the body is to be.
    pub body: Option<RequestedBody>,
}

/// A body that a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestedBody {
    /// Where its size in bytes is written; several with weights as for statuses.
    pub from: Variable,
    /// The largest that is granted; none: any.
    pub at_most: Option<u64>,
    /// Whoever asks for more is answered 400, instead of being granted that much.
    pub refuses_more: bool,
}

/// A wait that a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestedDelay {
    /// Where it is written: a duration, or a number of seconds; several with weights as for statuses.
    pub from: Variable,
    /// The longest that is granted; none: any.
    pub at_most: Option<SimDuration>,
    /// Whoever asks for more is answered 400, instead of being granted that much.
    pub refuses_more: bool,
}

/// A part of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// What a segment of the path's template captures.
    Path(String),
    /// A parameter of the query.
    Query(String),
}

/// What a serving caller makes of a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallRules {
    /// Headers that the request being served must have, or the call is not made.
    pub headers: Vec<HeaderCondition>,
    /// How often it is made; none: always.
    pub probability: Option<Ratio>,
    /// Statuses that are a success; empty: all below 500.
    pub success: Vec<u16>,
    /// What a failure leads to.
    pub failure: Failure,
    /// What the caller's answer lacks after a failure.
    pub mark: Mark,
    /// The call that is made instead after a failure: what it leads to counts then.
    pub fallback: Option<crate::plan::SiteId>,
}

/// What the failure of a call leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failure {
    /// Nothing: the caller goes on.
    #[default]
    Ignored,
    /// The caller's own response fails with this status.
    Status(u16),
    /// The caller's own response fails with the call's status; 500 where it has none.
    Same,
}

impl CallRules {
    /// Whether a call that ended with this status, 0 for none, failed.
    #[inline]
    pub(crate) fn is_failure(&self, status: u16) -> bool {
        if self.success.is_empty() {
            status == 0 || status >= 500
        } else {
            !self.success.contains(&status)
        }
    }

    /// Whether it is made by some requests only.
    pub fn is_conditional(&self) -> bool {
        !self.headers.is_empty() || self.probability.is_some()
    }
}

impl HeaderCondition {
    /// Whether it holds for a request.
    pub(crate) fn holds(&self, head: &RequestHead) -> bool {
        let mut values = head.values(&self.name);
        match &self.value {
            None => values.next().is_some(),
            Some(wanted) => values.any(|value| value == wanted),
        }
    }
}

impl RequestMatch {
    /// Requests whose path begins so, whatever else they say.
    pub fn prefix(path: &str) -> Self {
        Self {
            path: PathPattern::Prefix(path.to_owned()),
            ..Self::default()
        }
    }

    /// Whether a request is meant.
    pub(crate) fn holds(&self, head: &RequestHead) -> bool {
        self.method
            .as_ref()
            .is_none_or(|method| *method == head.method)
            && self.path.holds(head.path_only())
            && self.headers.iter().all(|condition| condition.holds(head))
    }
}

impl PathPattern {
    fn holds(&self, path: &str) -> bool {
        match self {
            Self::Prefix(prefix) => path.starts_with(prefix),
            Self::Exact(exact) => path == exact,
            Self::Template(segments) => {
                let mut parts = path.split('/');
                segments.iter().all(|segment| {
                    parts.next().is_some_and(|part| match segment {
                        Segment::Text(text) => part == text,
                        Segment::Capture(_) => !part.is_empty(),
                    })
                }) && parts.next().is_none()
            }
        }
    }

    /// What the capture of this name is in a path that matches.
    fn capture<'p>(&self, name: &str, path: &'p str) -> Option<&'p str> {
        let Self::Template(segments) = self else {
            return None;
        };
        let is_it = |segment: &Segment| matches!(segment, Segment::Capture(own) if own == name);
        let at = segments.iter().position(is_it)?;
        path.split('/').nth(at)
    }
}

impl Variable {
    /// Whether requests that lack it are as good as others.
    pub(crate) const fn is_optional(&self) -> bool {
        match self {
            Self::Path(_) => false,
            Self::Query(_) => true,
        }
    }

    /// Its text in a request.
    pub(crate) fn text<'h>(&self, pattern: &PathPattern, head: &'h RequestHead) -> Option<&'h str> {
        match self {
            Self::Path(name) => pattern.capture(name, head.path_only()),
            Self::Query(name) => {
                let (_, query) = head.path.split_once('?')?;
                query.split('&').find_map(|pair| {
                    let (key, value) = pair.split_once('=')?;
                    (key == name).then_some(value)
                })
            }
        }
    }
}

/// Alternatives that a request asks for, with the shares up to each out of [`WHOLE`]; none where it cannot be read.
///
/// Without weights all are equally likely. Where `rest` stands for what is missing, weights are percentages (fortio), else
/// parts of their sum, and 1 where they are not written (httpbin).
pub(crate) fn alternatives<T: Copy>(
    text: &str,
    rest: Option<T>,
    read: impl Fn(&str) -> Option<T>,
) -> Option<Vec<(u64, T)>> {
    let mut parts = Vec::new();
    for part in text.split(',') {
        let (value, weight) = match part.split_once(':') {
            Some((value, weight)) => (value, Some(weight.trim_end_matches('%').parse().ok()?)),
            None => (part, None::<f64>),
        };
        parts.push((read(value)?, weight));
    }
    let is_weighted = parts.iter().any(|(_, weight)| weight.is_some());
    let are_percentages = is_weighted && rest.is_some();
    if are_percentages && parts.iter().any(|(_, weight)| weight.is_none()) {
        return None;
    }
    let mut sum: f64 = (parts.iter())
        .map(|(_, weight)| weight.unwrap_or(1.0))
        .sum();
    if !sum.is_finite() || sum <= 0.0 || parts.iter().any(|(_, w)| w.is_some_and(|w| w < 0.0)) {
        return None;
    }
    if are_percentages && sum > 100.0 {
        return None;
    }
    if let (true, Some(rest)) = (are_percentages, rest) {
        parts.push((rest, Some(100.0 - sum)));
        sum = 100.0;
    }
    let mut before = 0.0;
    let shares = parts.into_iter().map(|(value, weight)| {
        before += weight.unwrap_or(1.0) / sum;
        ((before * WHOLE as f64).round() as u64, value)
    });
    Some(shares.collect())
}

/// A status of an answer.
pub(crate) fn read_status(text: &str) -> Option<u16> {
    text.parse()
        .ok()
        .filter(|status| (200..600).contains(status))
}

/// A duration, or a number of seconds.
pub(crate) fn read_delay(text: &str) -> Option<SimDuration> {
    if let Ok(seconds) = text.parse::<f64>() {
        let is_meant = seconds.is_finite() && (0.0..1e9).contains(&seconds);
        return is_meant.then(|| SimDuration::from_nanos((seconds * 1e9).round() as u64));
    }
    text.parse().ok()
}

/// A number of bytes.
pub(crate) fn read_bytes(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// All of the shares of [`alternatives`].
pub(crate) const WHOLE: u64 = 1 << 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn head(method: &str, path: &str) -> RequestHead {
        RequestHead {
            method: method.to_owned(),
            ..RequestHead::get("web", path)
        }
    }

    #[test]
    fn patterns() {
        let capture = |name: &str| Segment::Capture(name.to_owned());
        let text = |text: &str| Segment::Text(text.to_owned());
        let template = PathPattern::Template(vec![text(""), text("status"), capture("code")]);
        for (pattern, path, holds) in [
            (&PathPattern::Prefix("/a".to_owned()), "/ab", true),
            (&PathPattern::Exact("/a".to_owned()), "/ab", false),
            (&PathPattern::Exact("/a".to_owned()), "/a", true),
            (&template, "/status/503", true),
            (&template, "/status/", false),
            (&template, "/status/503/x", false),
            (&template, "/status", false),
        ] {
            assert_eq!(pattern.holds(path), holds, "{pattern:?} {path}");
        }
        let code = Variable::Path("code".to_owned());
        let request = head("GET", "/status/503?status=404&delay=1s");
        assert_eq!(code.text(&template, &request), Some("503"));
        let query = Variable::Query("delay".to_owned());
        assert_eq!(query.text(&template, &request), Some("1s"));
        assert_eq!(
            Variable::Query("size".to_owned()).text(&template, &request),
            None
        );
    }

    #[test]
    fn weights() {
        let percent = |share: u64| (share * 100 + WHOLE / 2) / WHOLE;
        let of = |text: &str, rest| {
            alternatives(text, rest, read_status).map(|shares| {
                let shares = shares.into_iter();
                shares
                    .map(|(share, status)| (percent(share), status))
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(of("503", Some(200)), Some(vec![(100, 503)]));
        assert_eq!(of("200,500", None), Some(vec![(50, 200), (100, 500)]));
        assert_eq!(of("200:3,500:1", None), Some(vec![(75, 200), (100, 500)]));
        let fortio = Some(vec![(50, 503), (60, 404), (100, 200)]);
        assert_eq!(of("503:50,404:10", Some(200)), fortio);
        assert_eq!(of("503:50,404", Some(200)), None);
        assert_eq!(of("503:50,404:60", Some(200)), None);
        for wrong in ["", "abc", "200:x", "99", "200:0", "200:-1,500:2"] {
            assert_eq!(of(wrong, None), None, "{wrong}");
        }
        assert_eq!(read_delay("1.5"), Some(SimDuration::from_millis(1500)));
        assert_eq!(read_delay("100us"), Some(SimDuration::from_micros(100)));
        assert_eq!(read_delay("-1"), None);
    }
}
