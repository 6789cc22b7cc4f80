//! `meshsim learn serve`: the exercises on a page of this machine, with the same judge and the same files as the command
//! line.
//!
//! `gate` decides who is let in, `files` what may be read and written, `api` what is answered; `page` holds what a browser
//! loads. Requests are served one after the other, so that nothing of a learner's is written twice at a time.

mod api;
mod fields;
mod files;
mod findings;
mod gate;
mod page;

use std::io::Read as _;

use serde_json::{Value, json};
use tiny_http::{Header, Method, Request, Response, Server};

use super::Learner;
use crate::args::{Format, ServeArgs};
use crate::exit_code::Exit;
use crate::refusal::{Failure, Refusal};
use api::Api;
use files::Denied;
use gate::Gate;

/// What is answered: a status, a type and bytes.
struct Answer {
    status: u16,
    content_type: &'static str,
    bytes: Vec<u8>,
}

/// Serves until somebody stops it.
pub(crate) fn run(learner: &Learner<'_>, args: &ServeArgs) -> Result<Exit, Failure> {
    let server = Server::http((LOOPBACK, args.port)).map_err(|error| {
        Refusal::new(format!(
            "cannot listen at {LOOPBACK}:{}: {error}",
            args.port
        ))
        .with_help("`--port 0` takes a free port")
    })?;
    let port = server.server_addr().to_ip().map_or(0, |at| at.port());
    let gate = Gate::new(port)?;
    let url = format!("http://{LOOPBACK}:{port}/#{}", gate.token());
    match learner.output.format {
        Format::Json => learner
            .output
            .print_json(&json!({"schema": "meshsim.learn.serve/1", "url": url}))?,
        Format::Text | Format::Markdown => learner.output.print(&format!("{url}\n"))?,
    }
    learner
        .output
        .note("open it in a browser of this machine; Ctrl-C stops");
    let api = Api::new(learner)?;
    for mut request in server.incoming_requests() {
        let answer = answer(&mut request, &gate, &api);
        // Whoever has gone does not wait for an answer.
        let _ = request.respond(response(answer));
    }
    Ok(Exit::Success)
}

fn answer(request: &mut Request, gate: &Gate, api: &Api<'_>) -> Answer {
    if let Err(why) = gate.admit(request) {
        return Answer::problem(403, &Refusal::new(why));
    }
    let path = request.url().split(['?', '#']).next().unwrap_or_default();
    let Some(path) = path.strip_prefix("/api/") else {
        return match (page::file(path), request.method()) {
            (Some(file), Method::Get) => file,
            (Some(_), _) => Answer::problem(405, &Refusal::new("pages are read with GET")),
            (None, _) => Answer::problem(404, &Refusal::new("there is no such page")),
        };
    };
    if !gate.knows_token(request) {
        return Answer::problem(
            403,
            &Refusal::new(
                "the token is missing or wrong; open the URL that `meshsim learn serve` printed last",
            ),
        );
    }
    let path = path.to_owned();
    if *request.method() != Method::Post {
        return Answer::problem(
            405,
            &Refusal::new("requests of the page are sent with POST"),
        );
    }
    let mut body = Vec::new();
    let read = request.as_reader().take(LONGEST + 1).read_to_end(&mut body);
    if read.is_err() || body.len() as u64 > LONGEST {
        return Answer::problem(413, &Refusal::new("the body is longer than 1 MiB"));
    }
    let body: Value = match serde_json::from_slice(&body) {
        Ok(body) => body,
        Err(error) => {
            return Answer::problem(400, &Refusal::new(format!("the body is no JSON: {error}")));
        }
    };
    match api.answer(&path, &body) {
        Ok(Some(value)) => Answer::json(200, &value),
        Ok(None) => Answer::problem(404, &Refusal::new("there is no such request")),
        Err(Denied::Refused(refusal)) => Answer::problem(422, &refusal),
        Err(Denied::Changed { name, theirs }) => Answer::json(
            409,
            &json!({
                "error": format!("`{name}` was changed elsewhere since the page read it"),
                "help": "keep yours, or take theirs",
                "name": name,
                "theirs": theirs,
            }),
        ),
    }
}

impl Answer {
    fn json(status: u16, value: &Value) -> Self {
        Self {
            status,
            content_type: "application/json",
            bytes: value.to_string().into_bytes(),
        }
    }

    fn problem(status: u16, refusal: &Refusal) -> Self {
        Self::json(
            status,
            &json!({"error": refusal.message, "help": refusal.help}),
        )
    }
}

fn response(answer: Answer) -> Response<std::io::Cursor<Vec<u8>>> {
    let mut response = Response::from_data(answer.bytes).with_status_code(answer.status);
    let fixed = HEADERS.iter().copied();
    for (name, value) in fixed.chain([("content-type", answer.content_type)]) {
        let header = Header::from_bytes(name, value).expect("our headers are ASCII");
        response.add_header(header);
    }
    response
}

const LOOPBACK: &str = "127.0.0.1";
/// How long a body may be.
const LONGEST: u64 = 1 << 20;
/// What goes with each answer: the page loads nothing from elsewhere and stands in no other page.
const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self'; \
         form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];
