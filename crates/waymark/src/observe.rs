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
use std::sync::{Arc, RwLock};

use waymark_api::ApiStatistics;
use waymark_control::Control;
use waymark_serve::Server;
use waymark_zone::Catalog;

use crate::api_server;
use crate::api_server::certificates::Certificates;
use crate::follow::{EdgeReader, Progress};
use crate::operator::Status;

pub(crate) use record::Recorder;

/// The parts of a running node that are looked at.
pub struct Observed {
    /// The store.
    pub control: Control,
    /// What is answered.
    pub catalog: Arc<Catalog>,
    /// How far the catalog follows the store.
    pub progress: Arc<Progress>,
    /// The edge's file.
    pub edge: EdgeReader,
    /// The API's counters.
    pub api: Arc<ApiStatistics>,
    /// What the API's connections come to.
    pub api_server: Arc<api_server::Statistics>,
    /// The certificate of the API; none without TLS.
    pub certificates: Option<Arc<Certificates>>,
    /// The nameserver; none while it is not running.
    pub dns: Arc<RwLock<Option<Server>>>,
    /// The API's base URL.
    pub api_base: String,
    /// The same over TLS, by its address; none without TLS.
    pub api_tls_base: Option<String>,
    /// Where DNS is answered.
    pub dns_addresses: Vec<SocketAddr>,
}

impl Observed {
    /// How the server is, for the operator.
    pub fn status(&self) -> Status {
        let catalog = self.catalog.statistics();
        Status {
            running: true,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            api_base: self.api_base.clone(),
            api_tls_base: self.api_tls_base.clone(),
            dns: self.dns_addresses.iter().map(ToString::to_string).collect(),
            committed: self.control.journal().position().0,
            applied: self.progress.applied().0,
            edge_file: self.progress.edge_file().0,
            zones: catalog.zones,
            rrsets: catalog.rrsets,
            octets: catalog.zone_octets,
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
