//! `/healthz`: whether this process does its work.
//!
//! 200 when the store takes writes, the catalog has what was committed, and DNS is answered; 503 otherwise, with the
//! same members, so that a reader sees which part it is. The edge file is shown and does not count: answers do not
//! depend on it. An edge alone is well when it answers; that nothing feeds it, and how old its state is, it says.

use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use waymark_zone::published::Position;

use super::Observed;
use crate::operator::Feed;

/// How long the catalog may take to reach what was committed when the question came.
const CATCH_UP: Duration = Duration::from_secs(1);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(10);

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    roles: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<Store>,
    journal: Journal,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed: Option<Feed>,
    edge_file: EdgeFile,
    dns: Dns,
}

#[derive(Serialize)]
struct Store {
    writable: bool,
    problem: Option<&'static str>,
}

#[derive(Serialize)]
struct Journal {
    #[serde(skip_serializing_if = "Option::is_none")]
    committed: Option<u64>,
    applied: u64,
    problem: Option<String>,
}

#[derive(Serialize)]
struct EdgeFile {
    position: u64,
    problem: Option<String>,
}

#[derive(Serialize)]
struct Dns {
    answering: bool,
    zones: u64,
}

/// The answer to `GET /healthz`.
pub(super) async fn respond(observed: &Observed) -> Response {
    let committed = observed.control.as_ref().map(|control| control.control.journal().position());
    let applied = applied_by_then(observed, committed.unwrap_or_default()).await;
    let store = observed.control.as_ref().map(|control| {
        let problem = control.control.statistics().failing.then_some("the last changes could not be written");
        Store { writable: problem.is_none(), problem }
    });
    let dns = observed.dns.read().is_ok_and(|server| server.is_some());
    let writable = store.as_ref().is_none_or(|store| store.writable);
    let follows = applied >= committed.unwrap_or_default() && observed.progress.stopped().is_none();
    let well = follows && writable && dns;
    let health = Health {
        status: if well { "ok" } else { "failing" },
        version: env!("CARGO_PKG_VERSION"),
        roles: observed.roles().names(),
        store,
        journal: Journal {
            committed: committed.map(|position| position.0),
            applied: applied.0,
            problem: observed.progress.stopped(),
        },
        feed: observed.control.is_none().then(|| observed.feed()),
        edge_file: EdgeFile {
            position: observed.progress.edge_file().0,
            problem: observed.progress.edge_file_problem(),
        },
        dns: Dns { answering: dns, zones: observed.catalog.statistics().zones },
    };
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, serde_json::to_string(&health).unwrap_or_default()).into_response()
}

/// The position that DNS answers with, when it has reached `committed` or its time is over.
async fn applied_by_then(observed: &Observed, committed: Position) -> Position {
    let until = tokio::time::Instant::now() + CATCH_UP;
    loop {
        let applied = observed.progress.applied();
        if applied >= committed || observed.progress.stopped().is_some() || tokio::time::Instant::now() >= until {
            return applied;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
