//! A jar of cookies: what is kept of `set-cookie` lines, and what is sent at a site.
//!
//! Source: RFC 6265, sections 5.1.3 (domains), 5.1.4 (paths), 5.3 (storage) and 5.4 (what is sent); dates are in `date.rs`.
//!
//! A line is read where it stands, and becomes a cookie of its own where it says something new: the same cookie once more
//! lasts longer at most, and allocates nothing.

use super::date;
use crate::plan::Site;
use base::{SimDuration, SimTime};
use proxy::request::RequestHead;

/// What a user keeps.
#[derive(Debug)]
pub(super) struct Jar {
    kept: Vec<Cookie>,
    /// Grows with each change of what is sent.
    version: u32,
    /// When the first of them is too old.
    lasts: SimTime,
}

/// What is kept of a line.
#[derive(Debug)]
struct Cookie {
    name: String,
    /// As it was written, quotes included.
    value: String,
    /// The host that set it, or the domain for whose hosts it did, in lower case.
    host: String,
    /// It is for hosts below that, too.
    is_for_domain: bool,
    path: String,
    /// It is sent over TLS only.
    is_secure: bool,
    /// When it is too old.
    ends: SimTime,
}

/// A line as it is read.
struct Line<'l> {
    name: &'l str,
    value: &'l str,
    /// In any case of letters.
    host: &'l str,
    is_for_domain: bool,
    path: &'l str,
    is_secure: bool,
    ends: SimTime,
}

impl Default for Jar {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            version: 0,
            lasts: SimTime::MAX,
        }
    }
}

impl Jar {
    /// Whether nothing is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Another one where something else may be sent.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    /// Throws away what is too old.
    pub(super) fn expire(&mut self, now: SimTime) {
        if self.lasts <= now {
            self.kept.retain(|cookie| cookie.ends > now);
            self.changed();
        }
    }

    fn changed(&mut self) {
        self.version += 1;
        self.age();
    }

    fn age(&mut self) {
        let ends = self.kept.iter().map(|cookie| cookie.ends);
        self.lasts = ends.min().unwrap_or(SimTime::MAX);
    }

    /// Keeps the cookie of a `set-cookie` line in the answer to a request that was made at a site, in the place of one that
    /// is called the same, unless it is for others.
    pub(super) fn keep(&mut self, now: SimTime, line: &str, site: &Site) {
        let Some(line) = Line::parse(now, line, site) else {
            return;
        };
        let known = self.kept.iter().position(|known| line.replaces(known));
        match known {
            Some(place) if line.ends <= now => {
                self.kept.remove(place);
            }
            Some(place) if line.says_again(&self.kept[place]) => {
                self.kept[place].ends = line.ends;
                return self.age();
            }
            Some(place) => self.kept[place] = line.kept(),
            None if line.ends <= now => return,
            None => self.kept.push(line.kept()),
        }
        self.changed();
    }

    /// Adds to a request at a site what is for it, behind what it has itself.
    pub(super) fn add_to(&self, head: &mut RequestHead, site: &Site) {
        let own = head.headers.iter_mut().find(|(name, _)| name == COOKIE);
        let written = own.as_ref().map_or("", |(_, line)| line.as_str());
        let is_written = |cookie: &Cookie| {
            let mut pairs = written.split(';');
            pairs.any(|pair| {
                pair.trim()
                    .split_once('=')
                    .is_some_and(|(name, _)| name == cookie.name)
            })
        };
        let mut meant: Vec<&Cookie> = (self.kept.iter())
            .filter(|cookie| cookie.is_for(site) && !is_written(cookie))
            .collect();
        // Longer paths come first, and else what is older.
        meant.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs = meant
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value));
        let line = pairs.collect::<Vec<_>>().join("; ");
        match own {
            _ if line.is_empty() => {}
            Some((_, written)) => *written += &format!("; {line}"),
            None => head.headers.push((COOKIE.to_owned(), line)),
        }
    }
}

impl<'l> Line<'l> {
    /// None where it says nothing that is kept.
    fn parse(now: SimTime, line: &'l str, site: &'l Site) -> Option<Self> {
        let mut parts = line.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let host = host_of(site);
        let mut read = Self {
            name: name.trim(),
            value: value.trim(),
            host,
            is_for_domain: false,
            path: default_path(site.head.path_only()),
            is_secure: false,
            ends: SimTime::MAX,
        };
        let mut has_age = false;
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            let (attribute, value) = (attribute.trim(), value.trim());
            let is = |name: &str| attribute.eq_ignore_ascii_case(name);
            if is("path") && value.starts_with('/') {
                read.path = value;
            } else if is("domain") && !value.is_empty() {
                read.host = value.trim_start_matches('.');
                read.is_for_domain = true;
            } else if is("max-age")
                && let Ok(seconds) = value.parse::<i64>()
            {
                let seconds = u64::try_from(seconds).unwrap_or(0);
                read.ends = now + SimDuration::from_secs(seconds.min(LONGEST));
                has_age = true;
            } else if is("expires")
                && !has_age
                && let Some(ends) = date::read(value)
            {
                read.ends = ends;
            } else if is("secure") {
                read.is_secure = true;
            }
        }
        let is_its_own = is_for_host(host, read.host, read.is_for_domain);
        (!read.name.is_empty() && is_its_own).then_some(read)
    }

    /// Whether it comes in the place of a cookie.
    fn replaces(&self, cookie: &Cookie) -> bool {
        self.name == cookie.name
            && self.path == cookie.path
            && self.host.eq_ignore_ascii_case(&cookie.host)
    }

    /// Whether it says of a cookie in whose place it comes what is known, but for its age.
    fn says_again(&self, cookie: &Cookie) -> bool {
        self.value == cookie.value
            && self.is_for_domain == cookie.is_for_domain
            && self.is_secure == cookie.is_secure
    }

    fn kept(&self) -> Cookie {
        Cookie {
            name: self.name.to_owned(),
            value: self.value.to_owned(),
            host: self.host.to_ascii_lowercase(),
            is_for_domain: self.is_for_domain,
            path: self.path.to_owned(),
            is_secure: self.is_secure,
            ends: self.ends,
        }
    }
}

impl Cookie {
    /// Whether it is sent with what is asked at a site.
    fn is_for(&self, site: &Site) -> bool {
        let path = site.head.path_only();
        let below = path.strip_prefix(self.path.as_str());
        is_for_host(host_of(site), &self.host, self.is_for_domain)
            && below.is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
            })
            && (!self.is_secure || site.head.scheme == "https")
    }
}

/// Whether a host is the one that cookies are for, or below their domain.
fn is_for_host(host: &str, own: &str, is_for_domain: bool) -> bool {
    let below = || {
        let end = host.len().checked_sub(own.len())?;
        let (before, end) = (host.get(..end)?, host.get(end..)?);
        Some(before.ends_with('.') && end.eq_ignore_ascii_case(own))
    };
    host.eq_ignore_ascii_case(own) || (is_for_domain && below() == Some(true))
}

/// The host that is asked at a site, without its port, as it is written.
fn host_of(site: &Site) -> &str {
    let authority = &site.head.authority;
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// The path of a cookie that names none: that of the request up to its last slash.
fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(last) => &path[..last],
    }
}

/// An age beyond that of any run, and below what a time can hold.
const LONGEST: u64 = 1_000_000_000;

const COOKIE: &str = "cookie";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::CallRules;
    use crate::plan::{ApplicationRetries, Dial};
    use proxy::listener::Layer;
    use proxy::request::Protocol;

    fn site(scheme: &str, authority: &str, path: &str) -> Site {
        Site {
            name: "users".to_owned(),
            head: RequestHead {
                scheme: scheme.to_owned(),
                ..RequestHead::get(authority, path)
            },
            layer: Layer::Http(Protocol::Http1),
            body_bytes: 0,
            upload: SimDuration::ZERO,
            dial: Dial {
                host: authority.to_owned(),
                port: 80,
                ip: None,
                service: None,
                pod: None,
                listener: None,
            },
            timeout: None,
            retries: ApplicationRetries::NONE,
            propagate: Vec::new(),
            rules: CallRules::default(),
        }
    }

    fn sent(jar: &Jar, site: &Site) -> String {
        let mut head = site.head.clone();
        jar.add_to(&mut head, site);
        head.values(COOKIE).collect::<Vec<_>>().join(" | ")
    }

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn cookies_go_where_they_belong() {
        let mut jar = Jar::default();
        let page = site("http", "shop.example.com:8080", "/cart/list?x=1");
        for line in [
            "a=1",
            "b=\"2\"; Path=/; HttpOnly",
            "c=3; Path=/cart/list",
            "d=4; Domain=.example.com; Path=/",
            "e=5; Domain=other.com",
            "f=6; Path=/; Secure",
            "no cookie",
            "=7",
        ] {
            jar.keep(at(0), line, &page);
        }
        assert_eq!(sent(&jar, &page), "c=3; a=1; b=\"2\"; d=4");
        for (scheme, authority, path, want) in [
            ("http", "shop.example.com", "/cart", "a=1; b=\"2\"; d=4"),
            ("http", "shop.example.com", "/carts", "b=\"2\"; d=4"),
            ("https", "SHOP.example.com", "/", "b=\"2\"; d=4; f=6"),
            ("http", "pay.example.com", "/", "d=4"),
            ("http", "example.com", "/", "d=4"),
            ("http", "badexample.com", "/", ""),
        ] {
            let page = site(scheme, authority, path);
            assert_eq!(sent(&jar, &page), want, "{scheme}://{authority}{path}");
        }
        let mut own = site("http", "pay.example.com", "/");
        own.head
            .headers
            .push(("cookie".to_owned(), "d=mine; x=1".to_owned()));
        assert_eq!(sent(&jar, &own), "d=mine; x=1", "what is written counts");
    }

    #[test]
    fn cookies_grow_old_and_are_replaced() {
        let mut jar = Jar::default();
        let page = site("http", "web", "/");
        jar.keep(at(0), "a=1; Max-Age=10", &page);
        jar.keep(at(0), "b=1", &page);
        jar.keep(at(5), "a=2; max-age=10", &page);
        jar.expire(at(14));
        assert_eq!(sent(&jar, &page), "a=2; b=1");
        let version = jar.version;
        jar.keep(at(14), "a=2; Max-Age=10", &page);
        assert_eq!(jar.version, version, "requests look the same");
        jar.expire(at(20));
        assert_eq!(sent(&jar, &page), "a=2; b=1", "its age began anew");
        jar.expire(at(24));
        assert_eq!(sent(&jar, &page), "b=1");
        jar.keep(at(25), "b=; Max-Age=0", &page);
        assert_eq!(sent(&jar, &page), "", "it is taken back");
        assert!(jar.version > version);
    }

    #[test]
    fn dates_end_cookies_unless_an_age_does() {
        let mut jar = Jar::default();
        let page = site("http", "web", "/");
        jar.keep(at(0), "a=1; Expires=Thu, 01 Jan 1970 00:00:10 GMT", &page);
        let both = "b=1; Max-Age=30; Expires=Thu, 01 Jan 1970 00:00:10 GMT";
        jar.keep(at(0), both, &page);
        let both = "c=1; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Max-Age=30";
        jar.keep(at(0), both, &page);
        jar.keep(at(0), "d=1; Expires=Wed, 21 Oct 2037 07:28:00 GMT", &page);
        jar.keep(at(0), "e=1; Expires=never", &page);
        jar.expire(at(9));
        assert_eq!(sent(&jar, &page), "a=1; b=1; c=1; d=1; e=1");
        jar.expire(at(10));
        assert_eq!(sent(&jar, &page), "b=1; c=1; d=1; e=1", "its date has come");
        jar.expire(at(30));
        assert_eq!(
            sent(&jar, &page),
            "d=1; e=1",
            "an age counts more than a date"
        );
        jar.keep(at(40), "d=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", &page);
        assert_eq!(sent(&jar, &page), "e=1", "it is taken back");
    }

    #[test]
    fn what_else_is_said_of_a_cookie_counts() {
        let mut jar = Jar::default();
        let page = site("http", "Web.example.com", "/");
        jar.keep(at(0), "a=1", &page);
        jar.keep(at(0), "a=1; Domain=WEB.example.com", &page);
        assert_eq!(jar.kept.len(), 1, "it is the same host");
        let below = site("http", "x.web.EXAMPLE.com", "/");
        assert_eq!(sent(&jar, &below), "a=1");
        let version = jar.version;
        jar.keep(at(0), "a=1; Secure", &page);
        assert!(jar.version > version, "it is not sent without TLS any more");
        assert_eq!(sent(&jar, &page), "");
    }
}
