//! Starting a node, step by step, and why that can fail.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use tokio::runtime::Runtime;
use waymark_api::ApiStatistics;
use waymark_control::{AccountFilter, Bootstrap, Clock, Control, Grant, OpenError, Page, Refusal};
use waymark_serve::{BindCause, BindError, Server};

use super::faces::{Faces, Listening, bind, reachable};
use super::options::{api_options, control_options, queue, serve_options, surroundings};
use super::{Node, NodeOptions};
use crate::addresses;
use crate::api_server::certificates::{CertificateError, Certificates, Files};
use crate::config::{Config, Reachable};
use crate::directory::{Directory, DirectoryError};
use crate::first_run::BootstrapFile;
use crate::follow::{self, AloneError, Follow, FollowError};
use crate::observe::{self, Observed, OfControl};

/// Why a node does not start. Each is one sentence, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The store, damaged.
    #[error("{0}: put back a copy of it, or start with an empty data directory")]
    Damaged(OpenError),
    /// The store, otherwise.
    #[error(transparent)]
    Store(OpenError),
    /// The API's socket.
    #[error(
        "the API cannot listen on {address}: {}: choose another address with {option}, or stop the process that has it",
        cause(why)
    )]
    ApiListen {
        /// What says the address.
        option: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        why: io::Error,
    },
    /// The files of the API's TLS.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The nameserver's sockets.
    #[error("{0}: choose another address with --dns-listen, or stop the process that has it")]
    DnsListen(BindError),
    /// A port that is not for this user.
    #[error("cannot listen on port {} of {}: this user may not use ports below 1024: {}, or choose another port with {option}", address.port(), address.ip(), allow_ports())]
    PortNotPermitted {
        /// What says the address.
        option: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// The bootstrap file.
    #[error("cannot write the bootstrap file {}: {why}: name a file that does not exist yet, in a directory that can be written", path.display())]
    BootstrapFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// The file of replies.
    #[error("cannot record replies in {}: {why}: name a file that can be written", path.display())]
    RecordReplies {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// What the first start makes.
    #[error("cannot set up the new installation: {0}")]
    Bootstrap(#[source] Refusal),
    /// The journal.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The file of an edge alone.
    #[error(transparent)]
    Alone(#[from] AloneError),
    /// Threads or descriptors.
    #[error("the system does not give what is needed: {0}")]
    System(#[source] io::Error),
}

impl From<BindError> for StartError {
    fn from(error: BindError) -> Self {
        match error.cause {
            BindCause::NotPermitted => Self::PortNotPermitted { option: "--dns-listen", address: error.address },
            _ => Self::DnsListen(error),
        }
    }
}

/// What gives this program the right to ports below 1024.
fn allow_ports() -> String {
    let binary = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("waymark"));
    format!(
        "as root, run `setcap cap_net_bind_service=+ep {}` once, or start it by systemd with \
         AmbientCapabilities=CAP_NET_BIND_SERVICE",
        binary.display()
    )
}

impl From<OpenError> for StartError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Damaged { .. } => Self::Damaged(error),
            other => Self::Store(other),
        }
    }
}

fn cause(why: &io::Error) -> String {
    match why.kind() {
        io::ErrorKind::AddrInUse => "another process uses the port".to_owned(),
        io::ErrorKind::AddrNotAvailable => "no interface of this machine has the address".to_owned(),
        _ => why.to_string(),
    }
}

pub(super) fn start(config: &Config, options: NodeOptions) -> Result<Node, StartError> {
    crate::descriptors::raise(config);
    let directory = Directory::open(&config.data.dir, options.directory_wait)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("io")
        .build()
        .map_err(StartError::System)?;
    let certificates = certificates(config, Arc::clone(&options.clock))?;
    let listening = Listening::bind(&runtime, config, certificates.clone())?;
    let bound = bind(serve_options(config, &*options.random))?;
    let dns_addresses = bound.udp_addresses().to_vec();
    let origin = listening.origin(config);
    let api_base = format!("{origin}{}", waymark_api::BASE_PATH);
    let mut of_control = control_options(config, &options);
    if config.pools.nameserver_v6_reachable == Reachable::Auto {
        of_control.pools.ipv6_reachable = addresses::reaches_this_machine(&config.pools.nameserver_v6);
    }
    let control = Control::open(directory.path(), of_control)?;
    follow::check_store(control.journal(), &directory.edge_file())?;
    let entered = Entered { runtime: &runtime, control: &control };
    let bootstrap = entered.bootstrap(&options, &api_base, reachable(dns_addresses[0]))?;
    let follow = entered.follow(config, &options, &directory)?;
    let server = Server::start(bound, Arc::clone(follow.catalog()), runtime.handle().clone(), surroundings(&options));
    let statistics = Arc::new(ApiStatistics::default());
    let observed = Arc::new(Observed {
        control: Some(OfControl {
            control: control.clone(),
            edge: follow.edge_reader(),
            api: Arc::clone(&statistics),
            api_base,
        }),
        catalog: Arc::clone(follow.catalog()),
        progress: Arc::clone(follow.progress()),
        edge_file: directory.edge_file(),
        api_server: Arc::default(),
        certificates,
        dns: Arc::new(RwLock::new(Some(server.map_err(StartError::System)?))),
        origin,
        api_tls_base: listening.tls_base(),
        dns_addresses,
        clock: Arc::clone(&options.clock),
        started: options.clock.now(),
    });
    let router = waymark_api::router(control.clone(), api_options(config, &options, statistics));
    let router = recorded(observe::router(Arc::clone(&observed)).merge(router), options.record_replies.as_deref())?;
    let (api_address, api_tls_address) = (listening.address(), listening.tls);
    let faces = Faces::start(&runtime, listening, router, &observed, (config, &directory))?;
    Ok(Node {
        control,
        bootstrap,
        api_address,
        api_tls_address,
        observed,
        follow: Some(follow),
        faces,
        runtime: Some(runtime),
        directory,
    })
}

/// The router, with its replies on record if that is asked for.
fn recorded(router: axum::Router, path: Option<&Path>) -> Result<axum::Router, StartError> {
    let Some(path) = path else { return Ok(router) };
    let recorder = observe::Recorder::open(path);
    Ok(recorder.map_err(|why| StartError::RecordReplies { path: path.to_owned(), why })?.around(router))
}

/// The parts that the next steps need.
struct Entered<'s> {
    runtime: &'s Runtime,
    control: &'s Control,
}

impl Entered<'_> {
    /// On the first start, makes tenant, account, user and token, and writes them to the file at once: nothing else
    /// can show them again.
    fn bootstrap(
        &self,
        options: &NodeOptions,
        api_base: &str,
        dns: SocketAddr,
    ) -> Result<Option<Bootstrap>, StartError> {
        let first = Page { page: 1, per_page: 1 };
        let operator = Grant::operator();
        let accounts = self.control.account_list(&operator, AccountFilter::default(), first);
        let bootstrap = || self.runtime.block_on(self.control.bootstrap(&crate::operator::first_user(self.control)));
        if self.runtime.block_on(accounts).map_err(StartError::Bootstrap)?.total > 0 {
            // Nothing is made any more, but the nameservers' addresses follow the configuration.
            return bootstrap().map_err(StartError::Bootstrap);
        }
        let failed = |path: &Path, why| StartError::BootstrapFile { path: path.to_owned(), why };
        let file = match &options.bootstrap_file {
            Some(path) => Some((path, BootstrapFile::create(path).map_err(|why| failed(path, why))?)),
            None => None,
        };
        let made = bootstrap();
        if let (Err(_) | Ok(None), Some((path, _))) = (&made, &file) {
            // It would stand in the way of the next attempt.
            let _ = std::fs::remove_file(path);
        }
        let made = made.map_err(StartError::Bootstrap)?;
        if let (Some(made), Some((path, file))) = (&made, file) {
            file.write(made, api_base, dns).map_err(|why| failed(path, why))?;
        }
        Ok(made)
    }

    fn follow(&self, config: &Config, options: &NodeOptions, directory: &Directory) -> Result<Follow, StartError> {
        let mut seed = [0; 8];
        options.random.fill(&mut seed);
        let following = follow::Options {
            edge_file: directory.edge_file(),
            edge_commits_waiting: queue(config.limits.edge_file_commits_waiting),
            visibility: options.visibility,
            seed: u64::from_ne_bytes(seed),
        };
        Ok(Follow::start(self.control.journal(), &following)?)
    }
}

/// The certificate of the API, if it speaks TLS.
pub(crate) fn certificates(config: &Config, clock: Arc<dyn Clock>) -> Result<Option<Arc<Certificates>>, StartError> {
    let api = &config.api;
    let (Some(_), Some(certificate), Some(key)) = (api.tls_listen, &api.tls_certificate, &api.tls_key) else {
        return Ok(None);
    };
    let files = Files { certificate: certificate.clone(), key: key.clone() };
    Ok(Some(Arc::new(Certificates::load(files, clock)?)))
}
