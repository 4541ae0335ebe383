//! What can be seen from outside: log lines, `/healthz`, `/metrics`.
//!
//! - [`log`]: structured lines on standard error.
//! - [`health`]: one JSON object that says whether this process does its work, with status 200 or 503.
//! - [`metrics`]: every number, from one table.
//! - `record`: every reply of the API in a file, for tests.
//!
//! Everything is read when somebody asks: nothing here runs by itself, and no query path knows of it.

pub mod health;
pub mod log;
pub mod metrics;
mod record;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::SystemTime;

use waymark_api::ApiStatistics;
use waymark_control::{Clock, Control, Time};
use waymark_serve::Server;
use waymark_zone::Catalog;

use crate::api_server;
use crate::api_server::certificates::Certificates;
use crate::config::Roles;
use crate::follow::{EdgeReader, Progress};
use crate::operator::{Feed, Status};

pub(crate) use record::Recorder;

/// The parts of a running node that are looked at.
pub struct Observed {
    /// What there is of control; none on an edge alone.
    pub control: Option<OfControl>,
    /// What is answered.
    pub catalog: Arc<Catalog>,
    /// How far the catalog follows the store.
    pub progress: Arc<Progress>,
    /// Where the edge's file is.
    pub edge_file: PathBuf,
    /// What the connections over HTTP come to.
    pub api_server: Arc<api_server::Statistics>,
    /// The certificate of HTTP; none without TLS.
    pub certificates: Option<Arc<Certificates>>,
    /// The nameserver; none while it is not running.
    pub dns: Arc<RwLock<Option<Server>>>,
    /// The URL of everything over HTTP, without a path.
    pub origin: String,
    /// The API's base URL over TLS, by its address; none without TLS or without the API.
    pub api_tls_base: Option<String>,
    /// Where DNS is answered.
    pub dns_addresses: Vec<SocketAddr>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When this process started.
    pub started: Time,
}

/// What only a node with the role control has.
pub struct OfControl {
    /// The store.
    pub control: Control,
    /// Where the edge's file can be read while it is written.
    pub edge: EdgeReader,
    /// The API's counters.
    pub api: Arc<ApiStatistics>,
    /// The API's base URL.
    pub api_base: String,
}

impl Observed {
    /// What this process does.
    pub fn roles(&self) -> Roles {
        if self.control.is_some() { Roles::Both } else { Roles::Edge }
    }

    /// The API's base URL; empty without the API.
    pub fn api_base(&self) -> &str {
        self.control.as_ref().map_or("", |control| &control.api_base)
    }

    /// When the edge's file was last written: what an edge alone answers with is of that time or before. None: it
    /// cannot be said.
    pub fn edge_file_written(&self) -> Option<Time> {
        let written = std::fs::metadata(&self.edge_file).and_then(|file| file.modified()).ok()?;
        let since = written.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_micros()).ok().map(Time)
    }

    /// What brings changes to this process. The journal of its own store is connected for as long as it is followed.
    pub fn feed(&self) -> Feed {
        let connected = self.control.is_some() && self.progress.stopped().is_none();
        let age = |written: Time| self.clock.now().unix_seconds().saturating_sub(written.unix_seconds());
        let written = if self.control.is_some() { None } else { self.edge_file_written() };
        Feed {
            connected,
            since: self.control.is_none().then(|| self.started.to_rfc3339()),
            state_of: written.map(Time::to_rfc3339),
            state_age_seconds: written.map(age),
        }
    }

    /// How the server is, for the operator.
    pub fn status(&self) -> Status {
        let catalog = self.catalog.statistics();
        Status {
            running: true,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            roles: self.roles().names().iter().map(|name| (*name).to_owned()).collect(),
            origin: self.origin.clone(),
            api_base: self.api_base().to_owned(),
            api_tls_base: self.api_tls_base.clone(),
            dns: self.dns_addresses.iter().map(ToString::to_string).collect(),
            committed: self.control.as_ref().map(|control| control.control.journal().position().0),
            applied: self.progress.applied().0,
            edge_file: self.progress.edge_file().0,
            zones: catalog.zones,
            rrsets: catalog.rrsets,
            octets: catalog.zone_octets,
            feed: Some(self.feed()),
            problem: self.progress.stopped().or_else(|| self.progress.edge_file_problem()),
        }
    }
}

/// The routes `/healthz` and `/metrics`.
pub fn router(observed: Arc<Observed>) -> axum::Router {
    use axum::extract::State;
    use axum::routing::get;
    axum::Router::new()
        .route("/healthz", get(|State(observed): State<Arc<Observed>>| async move { health::respond(&observed).await }))
        .route("/metrics", get(|State(observed): State<Arc<Observed>>| async move { metrics::respond(observed) }))
        .with_state(observed)
}
