//! What a server does about a try, in a few words.
//!
//! ```text
//! 200                                  a response without a body
//! 503 x-envoy-ratelimited:1            with a header
//! 200 body-5                           with five bytes of body
//! 200 after-400                        after 400 ms
//! 200 body-5 rest-400                  headers at once, the body 400 ms later
//! 200 body-5 cut                       the connection closes within the body; `cut-400`: after 400 ms
//! 200 close                            with `connection: close`; in HTTP/2: GOAWAY before it
//! 200 early                            a 103 first; all deeds may begin so
//! 200 at-once                          without waiting for the request's body
//! grpc-14                              200 with `grpc-status: 14` in its headers
//! 200 body-5 trailer-14                with `grpc-status: 14` in its trailers (HTTP/2)
//! fin, rst                             the connection closes, or is reset, before a response
//! garbage                              an answer that is no HTTP
//! hang                                 three seconds of nothing, then `fin`
//! refuse, cancel                       HTTP/2: the stream is refused, or reset
//! ```

use proxy::response::ResponseHead;

/// What a server does about a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deed {
    /// Milliseconds before anything.
    pub(super) after: u64,
    /// A 103 comes first.
    pub(super) early: bool,
    /// It does not wait for the request's body.
    pub(super) at_once: bool,
    pub(super) act: Act,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Respond(Response),
    Close,
    /// TCP's RST.
    Reset,
    Garbage,
    RefuseStream,
    CancelStream,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    /// Bytes of body.
    pub(super) body: usize,
    pub(super) rest: Rest,
    /// `grpc-status` in trailers.
    pub(super) trailer: Option<u8>,
    /// The connection takes no further request.
    pub(super) closes: bool,
}

/// When the body comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// So many milliseconds after the headers.
    After(u64),
    /// Half of it, and after so many milliseconds the connection closes.
    Cut(u64),
}

/// How long a server hangs, in milliseconds.
const HANG: u64 = 3000;

impl Response {
    pub(super) fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: 0,
            rest: Rest::After(0),
            trailer: None,
            closes: false,
        }
    }

    /// Nothing follows its headers.
    pub(super) fn is_whole(&self) -> bool {
        self.body == 0 && self.trailer.is_none()
    }

    /// Bytes of body that come before it is cut off.
    pub(super) fn body_at_first(&self) -> usize {
        match self.rest {
            Rest::After(_) => 0,
            Rest::Cut(_) => self.body / 2,
        }
    }

    /// What a proxy sees first.
    pub(super) fn head(&self) -> ResponseHead {
        let mut head = ResponseHead::of(self.status);
        for (name, value) in &self.headers {
            match name.as_str() {
                "grpc-status" => head.grpc_status = value.parse().ok(),
                _ => head.headers.push((name.clone(), value.clone())),
            }
        }
        if self.closes {
            let closes = ("connection".to_owned(), "close".to_owned());
            head.headers.push(closes);
        }
        head
    }
}

impl Deed {
    /// Reads a deed.
    pub(super) fn parse(text: &str) -> Self {
        let mut words = text.split(' ');
        let mut deed = Self::of_word(words.next().unwrap_or_default());
        for word in words {
            deed.add(word);
        }
        deed
    }

    /// The deed for a try, which counts from one; the last goes for all further ones.
    pub(super) fn of_try(deeds: &[String], number: usize) -> Self {
        let place = number.clamp(1, deeds.len().max(1)) - 1;
        Self::parse(deeds.get(place).map_or("200", String::as_str))
    }

    fn of_word(word: &str) -> Self {
        let (act, after) = match word {
            "fin" => (Act::Close, 0),
            "rst" => (Act::Reset, 0),
            "garbage" => (Act::Garbage, 0),
            "hang" => (Act::Close, HANG),
            "refuse" => (Act::RefuseStream, 0),
            "cancel" => (Act::CancelStream, 0),
            _ => (Act::Respond(response_of_word(word)), 0),
        };
        Self {
            after,
            early: false,
            at_once: false,
            act,
        }
    }

    fn add(&mut self, word: &str) {
        if let Some((name, value)) = word.split_once(':')
            && let Act::Respond(response) = &mut self.act
        {
            response.headers.push((name.to_owned(), value.to_owned()));
            return;
        }
        let (word, number) = match word.rsplit_once('-') {
            Some((word, number)) if number.parse::<u64>().is_ok() => (word, number.parse().ok()),
            _ => (word, None),
        };
        let number = number.unwrap_or(0);
        match (word, &mut self.act) {
            ("after", _) => self.after = number,
            ("early", _) => self.early = true,
            ("at-once", _) => self.at_once = true,
            ("body", Act::Respond(response)) => {
                response.body = usize::try_from(number).expect("a small body");
            }
            ("rest", Act::Respond(response)) => response.rest = Rest::After(number),
            ("cut", Act::Respond(response)) => response.rest = Rest::Cut(number),
            ("trailer", Act::Respond(response)) => response.trailer = u8::try_from(number).ok(),
            ("close", Act::Respond(response)) => response.closes = true,
            _ => panic!("`{word}` says nothing about a deed"),
        }
    }
}

fn response_of_word(word: &str) -> Response {
    if let Some(status) = word.strip_prefix("grpc-") {
        let mut response = Response::new(200);
        let header = ("grpc-status".to_owned(), status.to_owned());
        response.headers.push(header);
        return response;
    }
    match word.parse() {
        Ok(status) => Response::new(status),
        Err(_) => panic!("`{word}` is no deed"),
    }
}
