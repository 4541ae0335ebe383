//! Every socket of the nameserver is made here.
//!
//! Each listen address gets one TCP listener, and one UDP socket per worker: those share the address (SO_REUSEPORT), and
//! the kernel spreads the datagrams over them by the asker's address and port. SO_REUSEPORT alone would also let a
//! second server of the same user take a share of the questions unseen. So the TCP listener comes first, which never
//! shares a port, and a UDP socket without SO_REUSEPORT tries the address before the real ones are made.
//!
//! Port 0 means any port that is free on all listen addresses over both transports; addresses with port 0 share it.
//!
//! Not here: reading and writing, and sockets inherited from a predecessor, which will be taken over in this module.

#![allow(unsafe_code)]

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use libc::c_int;
use socket2::{Domain, Protocol, Socket, Type};

/// Datagrams that wait in the kernel while a worker answers others: a burst at 100,000 a second lasts 40 ms at 1 KiB
/// of kernel memory each. The kernel may grant less (`net.core.rmem_max`).
const UDP_BUFFER_OCTETS: usize = 4 << 20;
/// Connections that wait to be accepted; the kernel caps it (`net.core.somaxconn`).
const TCP_BACKLOG: c_int = 4096;
/// How often another port is tried when the one that the kernel gave is taken elsewhere.
const ANY_PORT_ATTEMPTS: usize = 32;
/// How long a worker waits for its socket before it looks whether it should end.
pub(crate) const WAIT: Duration = Duration::from_millis(200);

/// All sockets of a server, listening; nothing reads them yet.
#[derive(Debug)]
pub struct Bound {
    /// The UDP sockets of each worker: one per listen address, in their order.
    pub(crate) udp: Vec<Vec<UdpSocket>>,
    /// One listener per listen address, in their order.
    pub(crate) tcp: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    /// For [`crate::Server::start`].
    pub(crate) options: crate::Options,
}

impl Bound {
    /// The UDP addresses in the order of the listen addresses, with their real ports.
    pub fn udp_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The TCP addresses: the same.
    pub fn tcp_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

/// A listen address that cannot be had; its text is one sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {transport} port {} of {}: {cause}", address.port(), address.ip())]
pub struct BindError {
    /// The listen address.
    pub address: SocketAddr,
    /// "UDP" or "TCP".
    pub transport: &'static str,
    /// Why.
    pub cause: BindCause,
}

/// Why a listen address cannot be had.
#[derive(Debug)]
pub enum BindCause {
    /// Another process has the port.
    InUse,
    /// The user may not have this port.
    NotPermitted,
    /// No interface has this address.
    NoSuchAddress,
    /// The machine does not speak this version of IP.
    NoSuchProtocol,
    /// There is no listen address at all.
    NothingToListenOn,
    /// What else the system says.
    System(io::Error),
}

impl fmt::Display for BindCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => f.write_str("another process uses it"),
            Self::NotPermitted => f.write_str("this user may not"),
            Self::NoSuchAddress => f.write_str("no interface of this machine has the address"),
            Self::NoSuchProtocol => f.write_str("this machine does not speak this version of IP"),
            Self::NothingToListenOn => f.write_str("no listen address is configured"),
            Self::System(error) => write!(f, "{error}"),
        }
    }
}

impl From<io::Error> for BindCause {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EADDRINUSE) => Self::InUse,
            Some(libc::EACCES | libc::EPERM) => Self::NotPermitted,
            Some(libc::EADDRNOTAVAIL) => Self::NoSuchAddress,
            Some(libc::EAFNOSUPPORT) => Self::NoSuchProtocol,
            _ => Self::System(error),
        }
    }
}

/// Binds every listen address for `workers` workers. Addresses that stand there twice count once.
pub(crate) fn bind(options: &crate::Options, workers: usize) -> Result<Bound, BindError> {
    let mut wanted: Vec<SocketAddr> = Vec::new();
    for address in &options.listen {
        if !wanted.contains(address) {
            wanted.push(*address);
        }
    }
    let any_port = wanted.iter().any(|address| address.port() == 0);
    let mut attempts = if any_port { ANY_PORT_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        match bind_once(&wanted, workers, options) {
            Err(BindError { cause: BindCause::InUse, .. }) if attempts > 0 => {}
            outcome => return outcome,
        }
    }
}

fn bind_once(wanted: &[SocketAddr], workers: usize, options: &crate::Options) -> Result<Bound, BindError> {
    let mut bound = Bound { udp: Vec::new(), tcp: Vec::new(), addresses: Vec::new(), options: options.clone() };
    let mut any_port = 0;
    for &address in wanted {
        let mut address = address;
        if address.port() == 0 {
            address.set_port(any_port);
        }
        let failed = |error: io::Error| BindError { address, transport: "TCP", cause: error.into() };
        let listener = tcp_listener(address).map_err(failed)?;
        let real = listener.local_addr().map_err(failed)?;
        if address.port() == 0 {
            any_port = real.port();
        }
        bound.addresses.push(real);
        bound.tcp.push(listener);
    }
    if bound.addresses.is_empty() {
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        return Err(BindError { address, transport: "UDP", cause: BindCause::NothingToListenOn });
    }
    let failed = |address, error: io::Error| BindError { address, transport: "UDP", cause: error.into() };
    // All tries before all real sockets: a wildcard address and another one of the same port may both be wanted.
    for &address in &bound.addresses {
        udp_try(address).map_err(|error| failed(address, error))?;
    }
    for _ in 0..workers.max(1) {
        let sockets =
            bound.addresses.iter().map(|&address| udp_socket(address).map_err(|error| failed(address, error)));
        let sockets = sockets.collect::<Result<Vec<_>, _>>()?;
        bound.udp.push(sockets);
    }
    Ok(bound)
}

fn tcp_listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    only_own_version(&socket, address)?;
    // For a restart while connections of the predecessor linger; Linux still refuses a second listener.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(TCP_BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn udp_try(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    only_own_version(&socket, address)?;
    socket.bind(&address.into())
}

fn udp_socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    only_own_version(&socket, address)?;
    socket.set_reuse_port(true)?;
    grow_buffer(&socket, libc::SO_RCVBUFFORCE, libc::SO_RCVBUF)?;
    grow_buffer(&socket, libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)?;
    socket.set_read_timeout(Some(WAIT))?;
    if address.is_ipv6() {
        set_option(&socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?;
        // Answers are small; a forged "fragmentation needed" must not make us remember a tiny path.
        set_option(&socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_OMIT)?;
    } else {
        set_option(&socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?;
        set_option(&socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_OMIT)?;
    }
    socket.bind(&address.into())?;
    if address.is_ipv6() {
        // A network can lead here by a local route without any interface having its addresses. For IPv4 the kernel
        // then lets us answer from them; for IPv6 it wants to be told. After `bind`, which is to refuse addresses that
        // are not this machine's.
        set_option(&socket, libc::IPPROTO_IPV6, libc::IPV6_FREEBIND, 1)?;
    }
    Ok(socket.into())
}

/// An IPv6 socket takes IPv6 only: with both wildcard addresses bound, each asked address has one form.
fn only_own_version(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv6() { socket.set_only_v6(true) } else { Ok(()) }
}

/// Asks for the whole buffer, which needs CAP_NET_ADMIN, and else for as much as the kernel grants everybody.
fn grow_buffer(socket: &Socket, force: c_int, ask: c_int) -> io::Result<()> {
    let octets = UDP_BUFFER_OCTETS as c_int;
    set_option(socket, libc::SOL_SOCKET, force, octets).or_else(|_| set_option(socket, libc::SOL_SOCKET, ask, octets))
}

fn set_option(socket: &Socket, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open while `socket` is borrowed, and the kernel reads `size_of::<c_int>()` octets from
    // the address of `value`, which lives until the call returns.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            size_of::<c_int>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests;
