//! Clients: what they send is a step of an experiment, what they receive a response.

mod http1;
mod http2;

use super::experiment::Step;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

/// What a client received.
#[derive(Clone, Debug, Default)]
pub(super) struct Response {
    /// Zero where there was none.
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    /// The connection, or the stream, ended before the response did.
    pub(super) truncated: bool,
}

/// The clients of one experiment, and their connections.
#[derive(Clone)]
pub(super) struct Clients {
    to: SocketAddr,
    shared: Arc<std::sync::Mutex<BTreeMap<u16, Arc<Mutex<Connection>>>>>,
}

/// A connection that is made when it is needed.
#[derive(Default)]
enum Connection {
    #[default]
    None,
    Http1(http1::Connection),
    Http2(http2::Connection),
}

impl Clients {
    pub(super) fn new(to: SocketAddr) -> Self {
        Self {
            to,
            shared: Arc::default(),
        }
    }

    /// Sends a step's request, marked with an id.
    pub(super) async fn send(&self, step: &Step, id: &str) -> Response {
        let connection = match step.connection {
            None => Arc::default(),
            Some(name) => {
                let mut shared = self.shared.lock().expect("no task panics");
                Arc::clone(shared.entry(name).or_default())
            }
        };
        let exchange = self.exchange(&connection, step, id);
        let response = match step.leaves {
            Some(span) => {
                tokio::select! {
                    response = exchange => response,
                    () = sleep(Duration::from_millis(span)) => {
                        // It goes away, and its connection with it.
                        None
                    }
                }
            }
            None => timeout(PATIENCE, exchange).await.ok().flatten(),
        };
        if step.leaves.is_some() && !step.http2 {
            *connection.lock().await = Connection::None;
        }
        response.unwrap_or_default()
    }

    async fn exchange(
        &self,
        connection: &Mutex<Connection>,
        step: &Step,
        id: &str,
    ) -> Option<Response> {
        if step.http2 {
            // Streams share the connection, and do not wait for each other.
            let sender = {
                let mut connection = connection.lock().await;
                if !matches!(*connection, Connection::Http2(_)) {
                    *connection = Connection::Http2(http2::Connection::new(self.to).await?);
                }
                match &*connection {
                    Connection::Http2(connection) => connection.clone(),
                    Connection::None | Connection::Http1(_) => return None,
                }
            };
            return sender.exchange(step, id).await;
        }
        let mut connection = connection.lock().await;
        let mut http1 = match std::mem::take(&mut *connection) {
            Connection::Http1(connection) => connection,
            Connection::None | Connection::Http2(_) => http1::Connection::new(self.to).await?,
        };
        let response = http1.exchange(step, id).await;
        if http1.stays {
            *connection = Connection::Http1(http1);
        }
        Some(response)
    }
}

/// How long a client waits at most.
const PATIENCE: Duration = Duration::from_secs(15);

/// The body of a step's request, in two halves.
fn halves(step: &Step) -> (Vec<u8>, Vec<u8>) {
    let first = step.body / 2;
    (vec![b'x'; first], vec![b'x'; step.body - first])
}

/// Asks an admin interface; none where it does not answer.
pub(super) async fn get(to: SocketAddr, path: &str) -> Option<String> {
    let mut connection = http1::Connection::new(to).await?;
    let head = format!("GET {path} HTTP/1.1\r\nhost: admin\r\n\r\n");
    let response = timeout(PATIENCE, connection.raw(&head)).await.ok()?;
    (!response.truncated).then_some(response.body)
}
