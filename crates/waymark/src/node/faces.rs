//! What others speak to: HTTP, the nameserver, the control socket.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use waymark_serve::{BindCause, BindError, Bound, Server};

use super::StartError;
use super::options::api_server_limits;
use crate::api_server::certificates::Certificates;
use crate::api_server::{ApiServer, Face};
use crate::config::Config;
use crate::control_socket::ControlSocket;
use crate::directory::Directory;
use crate::observe::Observed;
use crate::operator::exchange::Desk;

/// The faces of a running node. Dropped without [`Faces::stop`] they end as well, and wait for nothing.
pub(super) struct Faces {
    http: Option<ApiServer>,
    control_socket: Option<JoinHandle<()>>,
    dns: Arc<RwLock<Option<Server>>>,
    stop: watch::Sender<bool>,
}

impl Faces {
    /// Answers HTTP by `router`, and commands by what is `observed`. The nameserver, which runs already, is from now on
    /// ended with them.
    pub(super) fn start(
        runtime: &Runtime,
        listening: Listening,
        router: axum::Router,
        observed: &Arc<Observed>,
        (config, directory): (&Config, &Directory),
    ) -> Result<Self, StartError> {
        let (stop, stopped) = watch::channel(false);
        let _running = runtime.enter();
        let socket = ControlSocket::bind(&directory.control_socket()).map_err(StartError::System)?;
        let desk = Desk::new(config.limits.import_file_octets.0);
        let control_socket = tokio::spawn(socket.serve(Arc::clone(observed), desk, stopped));
        if let (Some(certificates), Some(seconds)) = (&observed.certificates, config.api.tls_reload_seconds.get()) {
            tokio::spawn(Arc::clone(certificates).watch(Duration::from_secs(seconds)));
        }
        let limits = api_server_limits(config);
        let http = ApiServer::start(listening.faces, router, limits, Arc::clone(&observed.api_server));
        let dns = Arc::clone(&observed.dns);
        Ok(Self { http: Some(http), control_socket: Some(control_socket), dns, stop })
    }

    /// Ends them in order: requests in progress are answered.
    pub(super) async fn stop(&mut self) {
        if let Some(http) = self.http.take() {
            http.stop().await;
        }
        self.stop.send_replace(true);
        if let Some(task) = self.control_socket.take() {
            let _ = task.await;
        }
        let server = self.dns.write().ok().and_then(|mut server| server.take());
        if let Some(server) = server {
            server.shutdown().await;
        }
    }
}

impl Drop for Faces {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// The sockets of HTTP, and their addresses with real ports.
pub(super) struct Listening {
    faces: Vec<Face>,
    plain: Option<SocketAddr>,
    pub(super) tls: Option<SocketAddr>,
}

impl Listening {
    pub(super) fn bind(
        runtime: &Runtime,
        config: &Config,
        certificates: Option<Arc<Certificates>>,
    ) -> Result<Self, StartError> {
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

    /// Where HTTP is asked; the configuration has at least one address.
    pub(super) fn address(&self) -> SocketAddr {
        self.plain.or(self.tls).unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// The URL of everything that is answered, without a path.
    pub(super) fn origin(&self, config: &Config) -> String {
        match (config.api.base_url.as_str(), self.plain) {
            ("", Some(address)) => format!("http://{}", reachable(address)),
            ("", None) => format!("https://{}", reachable(self.address())),
            (url, _) => url.to_owned(),
        }
    }

    /// The base URL of the API over TLS, by its address.
    pub(super) fn tls_base(&self) -> Option<String> {
        self.tls.map(|address| format!("https://{}{}", reachable(address), waymark_api::BASE_PATH))
    }
}

/// Binds the nameserver's sockets. A machine without IPv6 does without the IPv6 wildcard, which the default lists.
pub(super) fn bind(mut options: waymark_serve::Options) -> Result<Bound, BindError> {
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
