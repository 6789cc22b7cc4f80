//! A client's side of an HTTP/2 connection.

use super::{Response, halves};
use crate::live::experiment::Step;
use crate::live::server::headers;
use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use http::Request;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::sleep;

#[derive(Clone)]
pub(super) struct Connection {
    send: SendRequest<Bytes>,
}

impl Connection {
    pub(super) async fn new(to: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(to).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (send, connection) = h2::client::handshake(stream).await.ok()?;
        // It ends with its last stream; how is seen by those.
        tokio::spawn(async {
            let _ = connection.await;
        });
        Some(Self { send })
    }

    /// None where there is no response at all.
    pub(super) async fn exchange(self, step: &Step, id: &str) -> Option<Response> {
        let (method, path) = step.method_and_path();
        let uri = format!("http://{}{path}", step.host);
        let mut request = Request::builder().method(method).uri(uri);
        request = request.header("x-experiment", id);
        for (name, value) in step.header_lines() {
            request = request.header(name.to_ascii_lowercase(), value);
        }
        let mut send = self.send.ready().await.ok()?;
        let request = request.body(()).ok()?;
        let (response, mut body) = send.send_request(request, step.body == 0).ok()?;
        let sends = async {
            if step.body > 0 {
                let (first, second) = halves(step);
                body.send_data(first.into(), false).ok()?;
                sleep(Duration::from_millis(step.upload)).await;
                body.send_data(second.into(), true).ok()?;
            }
            Some(())
        };
        let reads = async { Some(whole(response.await.ok()?).await) };
        tokio::pin!(reads);
        tokio::select! {
            response = &mut reads => response,
            _ = sends => reads.await,
        }
    }
}

/// A response with its body, and its trailers after its headers.
async fn whole(response: http::Response<RecvStream>) -> Response {
    let (parts, mut stream) = response.into_parts();
    let mut body = Vec::new();
    let mut truncated = false;
    while let Some(chunk) = stream.data().await {
        match chunk {
            Ok(chunk) => {
                // The window is wide enough for all that servers send.
                let _ = stream.flow_control().release_capacity(chunk.len());
                body.extend_from_slice(&chunk);
            }
            Err(_) => {
                truncated = true;
                break;
            }
        }
    }
    let mut headers = headers(&parts.headers);
    if let Ok(Some(trailers)) = stream.trailers().await {
        let trailers = headers_of_trailers(&trailers);
        headers.extend(trailers);
    }
    Response {
        status: parts.status.as_u16(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        truncated,
    }
}

/// Trailers by names that tell them from headers.
fn headers_of_trailers(trailers: &http::HeaderMap) -> Vec<(String, String)> {
    let trailers = headers(trailers).into_iter();
    trailers
        .map(|(name, value)| (format!("trailer {name}"), value))
        .collect()
}
