//! HTTP/1.1 as far as experiments need it: heads, and bodies of known length or in chunks.

use std::io::{Error, Result};
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;

/// The first lines of a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) first_line: String,
    pub(super) headers: Vec<(String, String)>,
}

impl Head {
    fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let first_line = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        Self {
            first_line,
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// The status of a response.
    pub(super) fn status(&self) -> u16 {
        let status = self.first_line.split(' ').nth(1);
        status.and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

/// Reads messages from one side of a connection.
pub(super) struct Reader {
    read: OwnedReadHalf,
    bytes: Vec<u8>,
}

impl Reader {
    pub(super) fn new(read: OwnedReadHalf) -> Self {
        Self {
            read,
            bytes: Vec::new(),
        }
    }

    /// The next head; none where the connection ends before it.
    pub(super) async fn head(&mut self) -> Result<Option<Head>> {
        loop {
            let end = self.bytes.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                let head = Head::parse(&String::from_utf8_lossy(&self.bytes[..end]));
                self.bytes.drain(..end + 4);
                return Ok(Some(head));
            }
            if !self.more().await? {
                return Ok(None);
            }
        }
    }

    /// The body below a request's head.
    pub(super) async fn body(&mut self, head: &Head) -> Result<Vec<u8>> {
        match (
            head.header("content-length"),
            head.header("transfer-encoding"),
        ) {
            (Some(length), _) => self.sized(length.parse().map_err(Error::other)?).await,
            (None, Some("chunked")) => self.chunked().await,
            (None, _) => Ok(Vec::new()),
        }
    }

    /// The body below a response's head, and whether it is whole.
    pub(super) async fn response_body(&mut self, head: &Head, of_head: bool) -> (Vec<u8>, bool) {
        let is_bodiless = of_head || matches!(head.status(), 204 | 304);
        let is_framed =
            head.header("content-length").is_some() || head.header("transfer-encoding").is_some();
        let body = match (is_bodiless, is_framed) {
            (true, _) => Ok(Vec::new()),
            (false, true) => self.body(head).await,
            (false, false) => {
                while self.more().await.is_ok_and(|more| more) {}
                Ok(std::mem::take(&mut self.bytes))
            }
        };
        match body {
            Ok(body) => (body, true),
            Err(_) => (std::mem::take(&mut self.bytes), false),
        }
    }

    async fn sized(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.bytes.len() < length {
            self.must().await?;
        }
        Ok(self.bytes.drain(..length).collect())
    }

    async fn chunked(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            let length = usize::from_str_radix(&line, 16).map_err(Error::other)?;
            body.extend(self.sized(length).await?);
            self.line().await?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    async fn line(&mut self) -> Result<String> {
        loop {
            let end = self.bytes.windows(2).position(|two| two == b"\r\n");
            if let Some(end) = end {
                let line = String::from_utf8_lossy(&self.bytes[..end]).into_owned();
                self.bytes.drain(..end + 2);
                return Ok(line);
            }
            self.must().await?;
        }
    }

    async fn must(&mut self) -> Result<()> {
        match self.more().await? {
            true => Ok(()),
            false => Err(Error::other("the connection ended")),
        }
    }

    /// Reads on; false where the connection has ended.
    async fn more(&mut self) -> Result<bool> {
        let mut chunk = [0; 4096];
        let count = self.read.read(&mut chunk).await?;
        self.bytes.extend_from_slice(&chunk[..count]);
        Ok(count > 0)
    }
}
