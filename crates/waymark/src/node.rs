//! A whole Waymark in one process: store, journal, catalog, nameserver and API; and, in `edge`, an edge alone.
//!
//! ```text
//!  start: directory and its lock -> API and DNS sockets, bound -> store -> first start's identities
//!         -> catalog up to date (follow) -> DNS answers -> API answers -> control socket
//!  stop:  API -> control socket -> DNS -> follow, edge file -> store -> directory
//! ```
//!
//! Sockets are bound before the store is touched, so that a port that is taken costs a new installation nothing; what
//! arrives meanwhile waits in the kernel. When `start` returns, everything answers.
//!
//! A node owns its tokio runtime: `start`, `stop` and `block_on` block and belong on a plain thread, not in async code.

mod edge;
mod faces;
mod options;
mod start;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use waymark_control::{Bootstrap, Control};
use waymark_serve::edge_file::{EdgeFileError, Snapshot};
use waymark_zone::Catalog;

use crate::config::Config;
use crate::control_socket::Target;
use crate::directory::Directory;
use crate::follow::{Follow, Progress};
use crate::observe::Observed;
use crate::operator::{NO_CONTROL, Status};

pub use edge::Edge;
pub use faces::reachable;
pub use options::{NodeOptions, control_options};
pub use start::StartError;
pub(crate) use start::certificates;

use faces::Faces;

/// How long tasks may take to end when the runtime ends.
const RUNTIME_END: Duration = Duration::from_secs(5);

/// A running node. Dropping it without [`Node::stop`] ends it as well, but waits for nothing.
pub struct Node {
    control: Control,
    bootstrap: Option<Bootstrap>,
    api_address: SocketAddr,
    api_tls_address: Option<SocketAddr>,
    observed: Arc<Observed>,
    follow: Option<Follow>,
    faces: Faces,
    runtime: Option<Runtime>,
    // Last: the lock goes when everything else has gone.
    directory: Directory,
}

impl Node {
    /// Starts everything; see the module. Blocks until everything answers.
    pub fn start(config: Config, options: NodeOptions) -> Result<Self, StartError> {
        start::start(&config, options)
    }

    /// What the first start has made; none on later starts.
    pub fn bootstrap(&self) -> Option<&Bootstrap> {
        self.bootstrap.as_ref()
    }

    /// Where the API listens, with its real port: without TLS if it does that at all, else with TLS.
    pub fn api_address(&self) -> SocketAddr {
        self.api_address
    }

    /// Where the API listens with TLS, with its real port; none if nowhere.
    pub fn api_tls_address(&self) -> Option<SocketAddr> {
        self.api_tls_address
    }

    /// The base URL of the API over TLS, by its address; none if it does not speak TLS.
    pub fn api_tls_base(&self) -> Option<&str> {
        self.observed.api_tls_base.as_deref()
    }

    /// The base URL of the API, `/client/v4` included.
    pub fn api_base(&self) -> &str {
        self.observed.api_base()
    }

    /// An address at which DNS can be asked from this machine: the first listen address with its real port, loopback
    /// if that is the wildcard.
    pub fn dns_address(&self) -> SocketAddr {
        reachable(self.observed.dns_addresses[0])
    }

    /// Every address on which DNS listens, with its real port.
    pub fn dns_addresses(&self) -> &[SocketAddr] {
        &self.observed.dns_addresses
    }

    /// The control plane.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// What DNS answers from.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.observed.catalog
    }

    /// How far the catalog follows the store.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.observed.progress
    }

    /// How the node is.
    pub fn status(&self) -> Status {
        self.observed.status()
    }

    /// The data directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The node's runtime, for tasks beside it.
    pub fn handle(&self) -> tokio::runtime::Handle {
        match &self.runtime {
            Some(runtime) => runtime.handle().clone(),
            // It is there until `stop` takes the node by value.
            None => tokio::runtime::Handle::current(),
        }
    }

    /// Runs async code on the node's runtime. Blocks.
    pub fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.handle().block_on(work)
    }

    /// Ends everything in order: requests in progress are answered, the edge file has what was applied, the store is
    /// closed. Blocks.
    pub fn stop(mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        runtime.block_on(self.faces.stop());
        if let Some(follow) = self.follow.take() {
            follow.stop();
        }
        runtime.block_on(self.control.close());
        runtime.shutdown_timeout(RUNTIME_END);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Target for Observed {
    fn control(&self) -> Result<&Control, String> {
        self.control.as_ref().map(|control| &control.control).ok_or_else(|| NO_CONTROL.to_owned())
    }

    fn catalog(&self) -> Option<&Catalog> {
        Some(&self.catalog)
    }

    fn status(&self) -> Status {
        Observed::status(self)
    }

    async fn edge_file(&self) -> Result<Option<Snapshot>, EdgeFileError> {
        match &self.control {
            Some(control) => control.edge.read().await,
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
