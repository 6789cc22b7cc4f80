//! `directResponse` of a VirtualService's HTTP rule: an answer from the proxy itself.

use serde::Deserialize;

use crate::base64;
use crate::one_of::{OneOfError, at_most_one};

/// Istio's HTTPDirectResponse.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HttpDirectResponse {
    /// The status.
    pub status: u32,
    /// The body; none is an empty one.
    #[serde(default)]
    pub body: Option<HttpBody>,
}

/// The body of a direct response.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Fields")]
pub enum HttpBody {
    /// `string`: text.
    Text(String),
    /// `bytes`: anything, written in base64.
    Bytes(Vec<u8>),
    /// `{}`: nothing.
    Empty,
}

#[derive(Deserialize)]
struct Fields {
    string: Option<String>,
    #[serde(default, deserialize_with = "base64::optional")]
    bytes: Option<Vec<u8>>,
}

impl TryFrom<Fields> for HttpBody {
    type Error = OneOfError;
    fn try_from(fields: Fields) -> Result<Self, OneOfError> {
        let body = at_most_one([
            ("string", fields.string.map(Self::Text)),
            ("bytes", fields.bytes.map(Self::Bytes)),
        ])?;
        Ok(body.unwrap_or(Self::Empty))
    }
}

impl HttpBody {
    /// The body's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
            Self::Empty => &[],
        }
    }
}
