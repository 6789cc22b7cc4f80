//! A server's side of an HTTP/1.1 connection.

use super::Server;
use crate::live::conduct::Conduct;
use crate::live::deed::{Act, Deed, Response, Rest};
use crate::live::http1::{Head, Reader};
use crate::live::outcome::Received;
use std::io::{Error, Result};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::{sleep, timeout};

/// Serves one request after the other, until a deed or the client ends the connection.
pub(super) async fn serve(server: &Server, stream: TcpStream, connection: usize) -> Option<()> {
    let linger = socket2::SockRef::from(&stream).try_clone().ok()?;
    let (read, mut write) = stream.into_split();
    let mut reader = Reader::new(read);
    loop {
        let idle = server.conduct.as_ref().and_then(Conduct::keep_alive);
        let head = match idle {
            Some(idle) => timeout(idle, reader.head()).await.ok()?,
            None => reader.head().await,
        };
        let head = head.ok()??;
        let deed = server.deed(received(server, &head, connection));
        if !deed.at_once {
            reader.body(&head).await.ok()?;
        }
        sleep(Duration::from_millis(deed.after)).await;
        if matches!(deed.act, Act::Reset) {
            linger.set_linger(Some(Duration::ZERO)).ok()?;
            // Or else it would say goodbye first.
            write.forget();
            return None;
        }
        answer(&mut write, &deed).await.ok()?;
        if deed.at_once {
            reader.body(&head).await.ok()?;
        }
    }
}

fn received(server: &Server, head: &Head, connection: usize) -> Received {
    let mut words = head.first_line.split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    Received {
        host: server.host.clone(),
        connection,
        is_copy: server.is_copy(&head.headers),
        method: word(),
        path: word(),
        authority: head.header("host").unwrap_or_default().to_owned(),
        headers: head.headers.clone(),
    }
}

/// Does a deed; an error ends the connection.
async fn answer(write: &mut OwnedWriteHalf, deed: &Deed) -> Result<()> {
    if deed.early {
        write
            .write_all(b"HTTP/1.1 103 X\r\nlink: </a>\r\n\r\n")
            .await?;
        // The two are not to come as one.
        sleep(Duration::from_millis(50)).await;
    }
    match &deed.act {
        Act::Respond(response) => respond(write, response).await,
        Act::Garbage => {
            write.write_all(b"this is no HTTP\r\n\r\n").await?;
            Err(ends())
        }
        Act::Close | Act::Reset | Act::RefuseStream | Act::CancelStream => Err(ends()),
    }
}

async fn respond(write: &mut OwnedWriteHalf, response: &Response) -> Result<()> {
    let status = response.status;
    let mut head = format!("HTTP/1.1 {status} X\r\n");
    for (name, value) in &response.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if response.closes {
        head += "connection: close\r\n";
    }
    if status != 204 && status != 304 {
        head += &format!("content-length: {}\r\n", response.body);
    }
    write.write_all((head + "\r\n").as_bytes()).await?;
    let body = "x".repeat(response.body);
    match response.rest {
        Rest::After(span) => {
            if span > 0 {
                sleep(Duration::from_millis(span)).await;
            }
            write.write_all(body.as_bytes()).await?;
        }
        Rest::Cut(span) => {
            write
                .write_all(&body.as_bytes()[..response.body / 2])
                .await?;
            sleep(Duration::from_millis(span)).await;
            return Err(ends());
        }
    }
    match response.closes {
        true => Err(ends()),
        false => Ok(()),
    }
}

/// The connection ends here.
fn ends() -> Error {
    Error::other("the connection ends")
}
