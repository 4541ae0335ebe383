//! Every reply of the API, written to a file: only for tests, which hold what real clients got against the contract.
//!
//! A line is a JSON object: `method`, `target`, `status`, `content_type`, `body` (text). It is written before the client
//! gets the reply, so who has read a reply finds it in the file. Replies can hold secrets: the file is its owner's alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Response, StatusCode};
use axum::middleware::{self, Next};
use serde::Serialize;

/// What a line says.
#[derive(Serialize)]
struct Line<'l> {
    method: &'l str,
    target: &'l str,
    status: u16,
    content_type: Option<&'l str>,
    body: &'l str,
}

/// A file that replies are appended to.
#[derive(Clone)]
pub(crate) struct Recorder(Arc<Mutex<File>>);

impl Recorder {
    /// Opens the file, or makes it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    /// The router, with everything that it replies on record.
    pub(crate) fn around(self, router: axum::Router) -> axum::Router {
        router.layer(middleware::from_fn_with_state(self, record))
    }

    fn write(&self, line: &Line<'_>) -> io::Result<()> {
        let text = serde_json::to_string(line).map_err(io::Error::other)?;
        let mut file = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(format!("{text}\n").as_bytes())
    }
}

async fn record(State(recorder): State<Recorder>, request: Request, next: Next) -> Response<Body> {
    // HTTP/2 has the whole URL there.
    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let method = request.method().clone();
    let (head, body) = next.run(request).await.into_parts();
    let whole = async {
        let octets = to_bytes(body, usize::MAX).await.map_err(io::Error::other)?;
        let content_type = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let body = &String::from_utf8_lossy(&octets);
        recorder.write(&Line {
            method: method.as_str(),
            target: &target,
            status: head.status.as_u16(),
            content_type,
            body,
        })?;
        Ok::<_, io::Error>(octets)
    };
    match whole.await {
        Ok(octets) => Response::from_parts(head, Body::from(octets)),
        Err(error) => {
            tracing::error!(%error, "a reply could not be recorded");
            let mut failed = Response::new(Body::empty());
            *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            failed
        }
    }
}
