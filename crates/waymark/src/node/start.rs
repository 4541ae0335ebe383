//! Starting a node, step by step, and why that can fail.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use waymark_api::ApiStatistics;
use waymark_control::{AccountFilter, Bootstrap, Clock, Control, Grant, OpenError, Page, Refusal};
use waymark_serve::{BindCause, BindError, Bound, Server};

use super::options::{api_options, api_server_limits, control_options, queue, serve_options, surroundings};
use super::{Node, NodeOptions};
use crate::addresses;
use crate::api_server::certificates::{CertificateError, Certificates, Files};
use crate::api_server::{ApiServer, Face};
use crate::config::{Config, Reachable};
use crate::control_socket::ControlSocket;
use crate::directory::{Directory, DirectoryError};
use crate::first_run::BootstrapFile;
use crate::follow::{self, Follow, FollowError};
use crate::observe::{self, Observed};
use crate::operator::exchange::Desk;

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
    let api_base = listening.base(config);
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
    let dns = Arc::new(RwLock::new(Some(server.map_err(StartError::System)?)));
    let statistics = Arc::new(ApiStatistics::default());
    let observed = Arc::new(Observed {
        control: control.clone(),
        catalog: Arc::clone(follow.catalog()),
        progress: Arc::clone(follow.progress()),
        edge: follow.edge_reader(),
        api: Arc::clone(&statistics),
        api_server: Arc::default(),
        certificates: certificates.clone(),
        dns: Arc::clone(&dns),
        api_base,
        api_tls_base: listening.tls_base(),
        dns_addresses,
    });
    let router = waymark_api::router(control, api_options(config, &options, statistics));
    let router = recorded(observe::router(Arc::clone(&observed)).merge(router), options.record_replies.as_deref())?;
    let (stop, stopped) = watch::channel(false);
    let running = runtime.enter();
    let socket = ControlSocket::bind(&directory.control_socket()).map_err(StartError::System)?;
    let desk = Desk::new(config.limits.import_file_octets.0);
    let control_socket = tokio::spawn(socket.serve(Arc::clone(&observed), desk, stopped));
    if let (Some(certificates), Some(seconds)) = (certificates, config.api.tls_reload_seconds.get()) {
        tokio::spawn(certificates.watch(Duration::from_secs(seconds)));
    }
    let (api_address, api_tls_address) = (listening.address(), listening.tls);
    let api = ApiServer::start(listening.faces, router, api_server_limits(config), Arc::clone(&observed.api_server));
    drop(running);
    Ok(Node {
        bootstrap,
        api_address,
        api_tls_address,
        observed,
        dns,
        follow: Some(follow),
        api: Some(api),
        stop,
        control_socket: Some(control_socket),
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

/// The API's sockets, and their addresses with real ports.
struct Listening {
    faces: Vec<Face>,
    plain: Option<SocketAddr>,
    tls: Option<SocketAddr>,
}

impl Listening {
    fn bind(runtime: &Runtime, config: &Config, certificates: Option<Arc<Certificates>>) -> Result<Self, StartError> {
        let mut faces = Vec::new();
        let mut bind = |option, address: Option<SocketAddr>, certificates| -> Result<_, StartError> {
            let Some(address) = address else { return Ok(None) };
            let refused = |why: io::Error| match why.kind() {
                io::ErrorKind::PermissionDenied => StartError::PortNotPermitted { option, address },
                _ => StartError::ApiListen { option, address, why },
            };
            let listener = runtime.block_on(TcpListener::bind(address)).map_err(refused)?;
            let address = listener.local_addr().map_err(refused)?;
            faces.push(Face { listener, certificates });
            Ok(Some(address))
        };
        let plain = bind("--api-listen", config.api.listen, None)?;
        let tls = match certificates {
            Some(certificates) => bind("--api-tls-listen", config.api.tls_listen, Some(certificates))?,
            None => None,
        };
        Ok(Self { faces, plain, tls })
    }

    /// Where the API is asked; the configuration has at least one address.
    fn address(&self) -> SocketAddr {
        self.plain.or(self.tls).unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// The base URL of the API.
    fn base(&self, config: &Config) -> String {
        let base = match (config.api.base_url.as_str(), self.plain) {
            ("", Some(address)) => format!("http://{}", reachable(address)),
            ("", None) => format!("https://{}", reachable(self.address())),
            (url, _) => url.to_owned(),
        };
        format!("{base}{}", waymark_api::BASE_PATH)
    }

    /// The same over TLS, by its address.
    fn tls_base(&self) -> Option<String> {
        self.tls.map(|address| format!("https://{}{}", reachable(address), waymark_api::BASE_PATH))
    }
}

/// Binds the nameserver's sockets. A machine without IPv6 does without the IPv6 wildcard, which the default lists.
fn bind(mut options: waymark_serve::Options) -> Result<Bound, BindError> {
    match Server::bind(&options) {
        Err(BindError { cause: BindCause::NoSuchProtocol, address, .. })
            if address.ip() == Ipv6Addr::UNSPECIFIED && options.listen.len() > 1 =>
        {
            tracing::warn!(%address, "this machine does not speak IPv6; DNS listens without it");
            options.listen.retain(|other| *other != address);
            Server::bind(&options)
        }
        bound => bound,
    }
}

/// An address at which what listens at `address` can be reached from this machine.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
