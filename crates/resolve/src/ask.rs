//! One question to one server.
//!
//! ```text
//!  query (random id) --UDP, own socket--> reply with this id, this question, from this server
//!                         `- TC --TCP--> the same question again
//! ```
//!
//! Over UDP every question has its own socket, so that its source port is one more thing that a forger has to guess
//! (RFC 5452 section 9.2). What does not match is stepped over, not an error: a forger must not be able to end a
//! question. Asking again after a loss is the caller's decision.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use waymark_wire::Rcode;

use crate::question::Question;
use crate::reply::{Reply, ReplyError};

/// The payload size that passes without fragments nearly everywhere (DNS flag day 2020).
pub const UDP_OCTETS: u16 = 1232;

/// What a question travels over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// A datagram each way, at most 65,535 octets.
    Udp,
    /// A stream, each message behind its length (RFC 7766 section 8).
    Tcp,
}

/// How to ask.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long the whole may take, the second try over TCP included.
    pub timeout: Duration,
    /// `Udp` goes on to TCP when the reply is truncated.
    pub transport: Transport,
    /// RD: ask the server to ask others.
    pub recursion_desired: bool,
    /// The largest response over UDP, in octets; none leaves EDNS out.
    pub udp_octets: Option<u16>,
    /// The address to ask from; none leaves it to the system. Port 0 means any.
    pub source: Option<SocketAddr>,
}

impl Options {
    /// UDP first, EDNS with [`UDP_OCTETS`], no recursion: how one asks an authoritative server.
    pub fn authoritative(timeout: Duration) -> Self {
        Self {
            timeout,
            transport: Transport::Udp,
            recursion_desired: false,
            udp_octets: Some(UDP_OCTETS),
            source: None,
        }
    }
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nothing that matched came in time.
    #[error("{server} did not answer in time")]
    Timeout {
        /// Who was asked.
        server: SocketAddr,
    },
    /// The network refused.
    #[error("cannot ask {server}: {why}")]
    Network {
        /// Who was asked.
        server: SocketAddr,
        /// What the system said.
        why: io::Error,
    },
    /// A reply came over TCP that cannot be read, or is not for this question.
    #[error("{server} answered something else: {why}")]
    Reply {
        /// Who was asked.
        server: SocketAddr,
        /// What is wrong with the reply.
        why: ReplyError,
    },
    /// The system has no randomness to give.
    #[error("no randomness for the query's id: {0}")]
    Random(getrandom::Error),
}

/// Asks `server` one question, and says over what the reply came.
pub async fn ask(server: SocketAddr, question: &Question, options: &Options) -> Result<(Reply, Transport), AskError> {
    match timeout(options.timeout, ask_untimed(server, question, options)).await {
        Ok(result) => result,
        Err(_) => Err(AskError::Timeout { server }),
    }
}

async fn ask_untimed(
    server: SocketAddr,
    question: &Question,
    options: &Options,
) -> Result<(Reply, Transport), AskError> {
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(AskError::Random)?;
    let id = u16::from_ne_bytes(id);
    let query = question.to_wire(id, options.recursion_desired, options.udp_octets);
    let network = |why| AskError::Network { server, why };
    if options.transport == Transport::Udp {
        let reply = ask_udp(server, question, id, &query, options.source).await.map_err(network)?;
        if !reply.truncated {
            return Ok((reply, Transport::Udp));
        }
    }
    let message = ask_tcp(server, &query, options.source).await.map_err(network)?;
    let reply = Reply::parse(&message).map_err(|why| AskError::Reply { server, why })?;
    match answers(&reply, id, question) {
        true => Ok((reply, Transport::Tcp)),
        false => Err(AskError::Reply { server, why: ReplyError::Questions }),
    }
}

async fn ask_udp(
    server: SocketAddr,
    question: &Question,
    id: u16,
    query: &[u8],
    source: Option<SocketAddr>,
) -> io::Result<Reply> {
    let socket = UdpSocket::bind(source.unwrap_or_else(|| unspecified(server))).await?;
    // Connected: the kernel drops what comes from anywhere else.
    socket.connect(server).await?;
    socket.send(query).await?;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if let Ok(reply) = Reply::parse(&buffer[..length])
            && answers(&reply, id, question)
        {
            return Ok(reply);
        }
    }
}

async fn ask_tcp(server: SocketAddr, query: &[u8], source: Option<SocketAddr>) -> io::Result<Vec<u8>> {
    let mut stream = match source {
        None => TcpStream::connect(server).await?,
        Some(source) => {
            let socket = match server {
                SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
                SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
            };
            socket.bind(SocketAddr::new(source.ip(), 0))?;
            socket.connect(server).await?
        }
    };
    stream.set_nodelay(true)?;
    // Length and message in one segment: some servers read no further than the first (RFC 7766 section 8).
    let mut framed = Vec::with_capacity(query.len() + 2);
    framed.extend_from_slice(&(query.len() as u16).to_be_bytes());
    framed.extend_from_slice(query);
    stream.write_all(&framed).await?;
    let length = stream.read_u16().await?;
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

/// Whether the reply is for this query (RFC 5452 section 9.1). An error of header alone has no question to compare.
fn answers(reply: &Reply, id: u16, question: &Question) -> bool {
    reply.id == id
        && match &reply.question {
            Some(asked) => asked == question,
            None => reply.rcode != Rcode::NOERROR,
        }
}

fn unspecified(server: SocketAddr) -> SocketAddr {
    match server {
        SocketAddr::V4(_) => SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        SocketAddr::V6(_) => SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0),
    }
}

#[cfg(test)]
mod tests;
