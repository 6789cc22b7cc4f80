//! A client's side of an HTTP/1.1 connection.

use super::{Response, halves};
use crate::live::experiment::Step;
use crate::live::http1::{Head, Reader};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::sleep;

pub(super) struct Connection {
    reader: Reader,
    write: OwnedWriteHalf,
    /// It can take another request.
    pub(super) stays: bool,
}

impl Connection {
    pub(super) async fn new(to: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(to).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (read, write) = stream.into_split();
        Some(Self {
            reader: Reader::new(read),
            write,
            stays: true,
        })
    }

    pub(super) async fn exchange(&mut self, step: &Step, id: &str) -> Response {
        let (method, path) = step.method_and_path();
        let mut head = format!("{method} {path} HTTP/1.1\r\nx-experiment: {id}\r\n");
        // A request without a host is asked for by an empty one.
        if !step.host.is_empty() {
            head += &format!("host: {}\r\n", step.host);
        }
        for (name, value) in step.header_lines() {
            head += &format!("{name}: {value}\r\n");
        }
        if step.body > 0 {
            head += &format!("content-length: {}\r\n", step.body);
        }
        if step.connection.is_none() {
            head += "connection: close\r\n";
        }
        let (first, second) = halves(step);
        let write = &mut self.write;
        let sends = async {
            let mut bytes = (head + "\r\n").into_bytes();
            bytes.extend(first);
            write.write_all(&bytes).await?;
            if step.upload > 0 {
                sleep(Duration::from_millis(step.upload)).await;
            }
            write.write_all(&second).await
        };
        let reads = response(&mut self.reader, method == "HEAD");
        // A response may come before the request has gone.
        let response = {
            tokio::pin!(reads);
            tokio::select! {
                response = &mut reads => response,
                _ = sends => reads.await,
            }
        };
        self.note_end(&response);
        response
    }

    /// Sends a request as it is.
    pub(super) async fn raw(&mut self, request: &str) -> Response {
        // Who is gone does not answer either.
        let _ = self.write.write_all(request.as_bytes()).await;
        response(&mut self.reader, false).await
    }

    fn note_end(&mut self, response: &Response) {
        let mut headers = response.headers.iter();
        let closes = headers.any(|(name, value)| name == "connection" && value == "close");
        self.stays = !closes && !response.truncated && response.status != 0;
    }
}

/// The response, after any interim ones.
async fn response(reader: &mut Reader, of_head: bool) -> Response {
    let head = loop {
        match reader.head().await {
            Ok(Some(head)) if (100..200).contains(&head.status()) => {}
            Ok(Some(head)) => break head,
            Ok(None) | Err(_) => return Response::default(),
        }
    };
    let (body, is_whole) = reader.response_body(&head, of_head).await;
    let status = head.status();
    let Head { headers, .. } = head;
    Response {
        status,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        truncated: !is_whole,
    }
}
