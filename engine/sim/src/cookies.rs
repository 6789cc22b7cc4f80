//! What the users of a traffic source keep of the cookies that they receive, and send again.
//!
//! Users are those of `sessions`: each has a jar, as a browser has one. A cookie comes from a proxy that chooses hosts by
//! it, or from an application's `set-cookie`; it is sent to the host that set it, below its path, until its age ends. Dates
//! (`Expires`) mean nothing in a simulated world: such a cookie lasts as long as the run.
//!
//! Source: RFC 6265, sections 5.1.3 (domains), 5.1.4 (paths), 5.3 (storage) and 5.4 (what is sent).
//!
//! A head with cookies is made when a jar or its age changes, and looked up otherwise: nothing is allocated while jars stay
//! as they are.

use crate::call::Call;
use crate::delivery::SentFor;
use crate::observation::Observer;
use crate::plan::{Plan, Site, SiteId, TrafficId};
use crate::shape::{HeadId, Shape};
use crate::world::World;
use base::rng::mix;
use base::{SimDuration, SimTime};
use proxy::effect::Reply;
use proxy::request::RequestHead;
use proxy::response::ResponseHead;
use proxy::response_flag::Details;
use rustc_hash::FxHashMap;

/// The cookies of all traffic sources whose users keep any.
#[derive(Debug)]
pub(crate) struct Cookies<'a> {
    /// By traffic source.
    sources: Vec<Jars>,
    /// Responses of applications that set cookies, by the call that they are on their way to.
    answered: FxHashMap<u32, &'a ResponseHead>,
    /// Proxies make cookies of connections.
    are_made_by_proxies: bool,
}

/// The jars of one traffic source's users.
#[derive(Debug, Default)]
struct Jars {
    of_users: Vec<Jar>,
    /// Heads as users send them at sites, and the version of the jar that they show.
    heads: FxHashMap<(u32, SiteId), (u32, HeadId)>,
}

/// What a user keeps.
#[derive(Debug)]
struct Jar {
    kept: Vec<Cookie>,
    /// Grows with each change.
    version: u32,
    /// When the first of them is too old.
    lasts: SimTime,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cookie {
    name: String,
    /// As it was written, quotes included.
    value: String,
    /// The host that set it, or the domain for whose hosts it did.
    host: String,
    /// It is for hosts below that, too.
    is_for_domain: bool,
    path: String,
    /// It is sent over TLS only.
    is_secure: bool,
    /// When it is too old.
    ends: SimTime,
}

impl<'a> Cookies<'a> {
    /// Empty jars; none where nobody keeps any.
    pub(crate) fn of(plan: &Plan) -> Option<Box<Self>> {
        let mut sources = plan.traffic.iter();
        sources.any(|traffic| traffic.sessions.is_some()).then(|| {
            let tables = &mut plan.tables.iter();
            Box::new(Self {
                sources: plan.traffic.iter().map(|_| Jars::default()).collect(),
                answered: FxHashMap::default(),
                are_made_by_proxies: tables.any(|table| table.makes_cookies()),
            })
        })
    }
}

impl<'a, O: Observer> World<'a, O> {
    /// The head of a request that a user of a traffic source makes at a site.
    #[inline]
    pub(crate) fn head_of_user(
        &mut self,
        now: SimTime,
        traffic: TrafficId,
        site: SiteId,
        user: Option<u32>,
    ) -> HeadId {
        match (&self.cookies, user) {
            (Some(_), Some(user)) => self.head_with_cookies(now, traffic, site, user),
            _ => self.site_heads[site.index()],
        }
    }

    fn head_with_cookies(
        &mut self,
        now: SimTime,
        traffic: TrafficId,
        site: SiteId,
        user: u32,
    ) -> HeadId {
        let plain = self.site_heads[site.index()];
        let Some(cookies) = &mut self.cookies else {
            return plain;
        };
        let are_made = cookies.are_made_by_proxies;
        let jars = &mut cookies.sources[traffic.index()];
        let jar = jars.jar(user);
        jar.expire(now);
        if jar.kept.is_empty() && !are_made {
            return plain;
        }
        let version = jar.version;
        if let Some((made, head)) = jars.heads.get(&(user, site))
            && *made == version
        {
            return *head;
        }
        let at = &self.plan.sites[site.index()];
        let mut head = at.head.clone();
        if are_made {
            // A user has one connection, of which a proxy makes the same cookie again.
            head.connection = Some(mix(traffic.index() as u64 ^ mix(u64::from(user))));
        }
        jars.jar(user).add_to(&mut head, at);
        let head = self.shapes.head_id(head);
        if let Some(cookies) = &mut self.cookies {
            let heads = &mut cookies.sources[traffic.index()].heads;
            heads.insert((user, site), (version, head));
        }
        head
    }

    /// An application answers a request of a traffic source's user, perhaps with cookies.
    #[inline]
    pub(crate) fn note_cookies(&mut self, slot: u32, head: &'a ResponseHead) {
        if self.cookies.is_some() && head.values(SET_COOKIE).next().is_some() {
            self.note_answer(slot, head);
        }
    }

    fn note_answer(&mut self, slot: u32, head: &'a ResponseHead) {
        let Some(call) = self.call_behind(slot) else {
            return;
        };
        if self.calls[call as usize].is_traffic()
            && let Some(cookies) = &mut self.cookies
        {
            cookies.answered.insert(call, head);
        }
    }

    /// The call that a delivery leads back to.
    fn call_behind(&self, slot: u32) -> Option<u32> {
        let mut at = slot;
        loop {
            match self.deliveries.get(at as usize)?.sent_for() {
                SentFor::Call(call) => return Some(call),
                SentFor::Delivery(parent) => at = parent,
                SentFor::Nothing => return None,
            }
        }
    }

    /// A user has been answered, and keeps the cookies of the response.
    #[inline]
    pub(crate) fn keep_cookies(
        &mut self,
        now: SimTime,
        traffic: TrafficId,
        (slot, call): (u32, &Call),
        reply: &Reply,
    ) {
        if self.cookies.is_some() {
            self.keep_cookies_of(now, traffic, (slot, call), reply);
        }
    }

    fn keep_cookies_of(
        &mut self,
        now: SimTime,
        traffic: TrafficId,
        (slot, call): (u32, &Call),
        reply: &Reply,
    ) {
        let Some(cookies) = &mut self.cookies else {
            return;
        };
        let answered = cookies.answered.remove(&slot);
        let Some(user) = call.request.user() else {
            return;
        };
        if reply.details != Details::ViaUpstream {
            return;
        }
        let plan = self.plan;
        let site = &plan.sites[call.request.site.index()];
        let jar = cookies.sources[traffic.index()].jar(user);
        let is_proxied = self.pods[call.request.source.index()].has_proxy();
        if is_proxied
            && let Shape::Routed {
                table, resolution, ..
            } = self.shapes.get(call.shape)
            && let Some(cluster) = reply.cluster
            && !resolution.cookies.is_empty()
            && plan.tables[table.index()].hashes(cluster)
        {
            for line in &resolution.cookies {
                jar.keep(now, line, site);
            }
        }
        if let Some(head) = answered {
            for line in head.values(SET_COOKIE) {
                jar.keep(now, line, site);
            }
        }
    }
}

impl Jars {
    fn jar(&mut self, user: u32) -> &mut Jar {
        let user = user as usize;
        if user >= self.of_users.len() {
            self.of_users.resize_with(user + 1, Jar::default);
        }
        &mut self.of_users[user]
    }
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
    /// Throws away what is too old.
    fn expire(&mut self, now: SimTime) {
        if self.lasts <= now {
            self.kept.retain(|cookie| cookie.ends > now);
            self.changed();
        }
    }

    fn changed(&mut self) {
        self.version += 1;
        let ends = self.kept.iter().map(|cookie| cookie.ends);
        self.lasts = ends.min().unwrap_or(SimTime::MAX);
    }

    /// Keeps the cookie of a `set-cookie` line, in the place of one that is called the same, unless it is for others.
    fn keep(&mut self, now: SimTime, line: &str, site: &Site) {
        let Some(cookie) = Cookie::parse(now, line, site) else {
            return;
        };
        let known = self
            .kept
            .iter()
            .position(|known| known.is_replaced_by(&cookie));
        match known {
            Some(place) if cookie.ends <= now => {
                self.kept.remove(place);
            }
            Some(place) if self.kept[place] == cookie => return,
            Some(place) => {
                // Its value alone is what requests show.
                let is_seen = self.kept[place].value != cookie.value;
                self.kept[place] = cookie;
                if !is_seen {
                    let ends = self.kept.iter().map(|cookie| cookie.ends);
                    self.lasts = ends.min().unwrap_or(SimTime::MAX);
                    return;
                }
            }
            None if cookie.ends <= now => return,
            None => self.kept.push(cookie),
        }
        self.changed();
    }

    /// Adds to a request at a site what is for it, behind what it has itself.
    fn add_to(&self, head: &mut RequestHead, site: &Site) {
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

impl Cookie {
    /// A `set-cookie` line in the answer to a request that was made at a site; none where it says nothing that is kept.
    fn parse(now: SimTime, line: &str, site: &Site) -> Option<Self> {
        let mut parts = line.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let host = host_of(site);
        let mut cookie = Self {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            host: host.clone(),
            is_for_domain: false,
            path: default_path(site.head.path_only()).to_owned(),
            is_secure: false,
            ends: SimTime::MAX,
        };
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match attribute.trim().to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => cookie.path = value.to_owned(),
                "domain" if !value.is_empty() => {
                    cookie.host = value.trim_start_matches('.').to_ascii_lowercase();
                    cookie.is_for_domain = true;
                }
                "max-age" => {
                    if let Ok(seconds) = value.parse::<i64>() {
                        let seconds = u64::try_from(seconds).unwrap_or(0);
                        let age = SimDuration::from_secs(seconds.min(LONGEST));
                        cookie.ends = now + age;
                    }
                }
                "secure" => cookie.is_secure = true,
                _ => {}
            }
        }
        (!cookie.name.is_empty() && cookie.is_for_host(&host)).then_some(cookie)
    }

    fn is_replaced_by(&self, other: &Self) -> bool {
        (&self.name, &self.host, &self.path) == (&other.name, &other.host, &other.path)
    }

    /// Whether it is sent with what is asked at a site.
    fn is_for(&self, site: &Site) -> bool {
        let path = site.head.path_only();
        let below = path.strip_prefix(self.path.as_str());
        self.is_for_host(&host_of(site))
            && below.is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
            })
            && (!self.is_secure || site.head.scheme == "https")
    }

    fn is_for_host(&self, host: &str) -> bool {
        let below = || {
            host.strip_suffix(self.host.as_str())
                .is_some_and(|rest| rest.ends_with('.'))
        };
        host == self.host || (self.is_for_domain && below())
    }
}

/// The host that is asked at a site, without its port.
fn host_of(site: &Site) -> String {
    let authority = &site.head.authority;
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    host.to_ascii_lowercase()
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
const SET_COOKIE: &str = "set-cookie";

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
}
