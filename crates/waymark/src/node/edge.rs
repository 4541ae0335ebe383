//! An edge alone: it answers from its own file while control is somewhere else, or gone.
//!
//! ```text
//!  start: directory and its lock -> sockets, bound -> edge's file --load_once--> catalog -> DNS answers
//!         -> health, metrics and the control socket answer
//!  stop:  these -> DNS -> directory
//! ```
//!
//! No store is opened or looked for, and the file stays as it is. Nothing feeds it: the feed over a network comes with
//! more than one machine. Memory is the catalog's and little else: the file is closed once it is loaded, and there are
//! no more threads than the nameserver has.

use std::net::SocketAddr;
use std::sync::{Arc, RwLock};

use tokio::runtime::Runtime;
use waymark_serve::Server;

use super::faces::{Faces, Listening, bind, reachable};
use super::options::{serve_options, surroundings};
use super::{NodeOptions, RUNTIME_END, StartError, certificates};
use crate::config::Config;
use crate::directory::Directory;
use crate::follow::{Alone, AloneError};
use crate::observe::{self, Observed};
use crate::operator::Status;

/// A running edge. Dropping it without [`Edge::stop`] ends it as well, but waits for nothing.
pub struct Edge {
    observed: Arc<Observed>,
    faces: Faces,
    http_address: SocketAddr,
    runtime: Option<Runtime>,
    // Last: the lock goes when everything else has gone.
    _directory: Directory,
}

impl Edge {
    /// Starts everything; see the module. Blocks until DNS answers.
    pub fn start(config: &Config, options: &NodeOptions) -> Result<Self, StartError> {
        crate::descriptors::raise(config);
        // Whoever names the wrong directory should not find one made.
        if !Directory::holds_an_edge(&config.data.dir) {
            let path = Directory::edge_file_of(&config.data.dir);
            return Err(AloneError::Missing { path }.into());
        }
        let directory = Directory::open(&config.data.dir, options.directory_wait)?;
        let of_server = serve_options(config, &*options.random);
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        if of_server.workers > 0 {
            runtime.worker_threads(of_server.workers);
        }
        let runtime = runtime.enable_all().thread_name("io").build().map_err(StartError::System)?;
        let certificates = certificates(config, Arc::clone(&options.clock))?;
        let listening = Listening::bind(&runtime, config, certificates.clone())?;
        let bound = bind(of_server)?;
        let dns_addresses = bound.udp_addresses().to_vec();
        let mut seed = [0; 8];
        options.random.fill(&mut seed);
        let Alone { catalog, progress } = Alone::start(&directory.edge_file(), u64::from_ne_bytes(seed))?;
        let server = Server::start(bound, Arc::clone(&catalog), runtime.handle().clone(), surroundings(options));
        let observed = Arc::new(Observed {
            control: None,
            catalog,
            progress,
            edge_file: directory.edge_file(),
            api_server: Arc::default(),
            certificates,
            dns: Arc::new(RwLock::new(Some(server.map_err(StartError::System)?))),
            origin: listening.origin(config),
            api_tls_base: None,
            dns_addresses,
            clock: Arc::clone(&options.clock),
            started: options.clock.now(),
        });
        let http_address = listening.address();
        let router = observe::router(Arc::clone(&observed));
        let faces = Faces::start(&runtime, listening, router, &observed, (config, &directory))?;
        Ok(Self { observed, faces, http_address, runtime: Some(runtime), _directory: directory })
    }

    /// Where health and metrics are asked, with its real port.
    pub fn http_address(&self) -> SocketAddr {
        self.http_address
    }

    /// An address at which DNS can be asked from this machine.
    pub fn dns_address(&self) -> SocketAddr {
        reachable(self.observed.dns_addresses[0])
    }

    /// How the edge is.
    pub fn status(&self) -> Status {
        self.observed.status()
    }

    /// Ends everything in order. Blocks.
    pub fn stop(mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        runtime.block_on(self.faces.stop());
        runtime.shutdown_timeout(RUNTIME_END);
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
