//! A server's side of an HTTP/2 connection.

use super::Server;
use crate::live::deed::{Act, Response, Rest};
use crate::live::outcome::Received;
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::sleep;

/// What a stream does to its connection.
enum Command {
    /// GOAWAY: streams end, none begins.
    GoAway,
    /// It ends at once.
    Close,
}

/// Serves streams, until a deed or the client ends the connection.
pub(super) async fn serve(server: &Server, stream: TcpStream, connection: usize) -> Option<()> {
    let linger = socket2::SockRef::from(&stream).try_clone().ok()?;
    let mut builder = h2::server::Builder::new();
    if let Some(streams) = server.streams {
        builder.max_concurrent_streams(streams);
    }
    let mut connected = builder.handshake::<_, Bytes>(stream).await.ok()?;
    let (commands, mut commanded) = unbounded_channel();
    loop {
        let accepted = tokio::select! {
            command = commanded.recv() => match command? {
                Command::GoAway => {
                    connected.graceful_shutdown();
                    continue;
                }
                Command::Close => {
                    linger.set_linger(Some(Duration::ZERO)).ok()?;
                    return None;
                }
            },
            accepted = connected.accept() => accepted,
        };
        let (request, respond) = accepted?.ok()?;
        let task = answer(
            server.clone(),
            connection,
            request,
            respond,
            commands.clone(),
        );
        tokio::spawn(task);
    }
}

async fn answer(
    server: Server,
    connection: usize,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    commands: UnboundedSender<Command>,
) -> Option<()> {
    let (parts, mut body) = request.into_parts();
    let authority = parts.uri.authority();
    let path = parts.uri.path_and_query();
    let headers = headers(&parts.headers);
    let deed = server.deed(Received {
        host: server.host.clone(),
        connection,
        is_copy: server.is_copy(&headers),
        method: parts.method.to_string(),
        authority: authority.map_or_else(String::new, ToString::to_string),
        path: path.map_or_else(String::new, ToString::to_string),
        headers,
    });
    if !deed.at_once {
        while let Some(chunk) = body.data().await {
            let chunk = chunk.ok()?;
            body.flow_control().release_capacity(chunk.len()).ok()?;
        }
    }
    sleep(Duration::from_millis(deed.after)).await;
    match &deed.act {
        Act::Respond(response) => {
            if response.closes {
                commands.send(Command::GoAway).ok()?;
            }
            send(&mut respond, response, &commands).await?;
        }
        Act::RefuseStream => respond.send_reset(Reason::REFUSED_STREAM),
        Act::CancelStream => respond.send_reset(Reason::CANCEL),
        Act::Close | Act::Reset | Act::Garbage => {
            commands.send(Command::Close).ok()?;
            // Or else the stream would be reset before its connection ends.
            sleep(Duration::from_secs(1)).await;
        }
    }
    Some(())
}

/// Sends a response; none where the client is gone.
async fn send(
    respond: &mut SendResponse<Bytes>,
    response: &Response,
    commands: &UnboundedSender<Command>,
) -> Option<()> {
    let mut head = http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        head = head.header(name, value);
    }
    let mut stream = respond
        .send_response(head.body(()).ok()?, response.is_whole())
        .ok()?;
    if response.is_whole() {
        return Some(());
    }
    let body = Bytes::from("x".repeat(response.body));
    match response.rest {
        Rest::After(span) => {
            sleep(Duration::from_millis(span)).await;
            stream.send_data(body, response.trailer.is_none()).ok()?;
        }
        Rest::Cut(span) => {
            stream
                .send_data(body.slice(..response.body / 2), false)
                .ok()?;
            sleep(Duration::from_millis(span)).await;
            commands.send(Command::Close).ok()?;
        }
    }
    if let Some(status) = response.trailer {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", u16::from(status).into());
        stream.send_trailers(trailers).ok()?;
    }
    Some(())
}

/// Headers in the order in which they came.
pub(in crate::live) fn headers(map: &HeaderMap) -> Vec<(String, String)> {
    let pairs = map.iter();
    pairs
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        })
        .collect()
}
