//! Asking the nameserver: one question, one new source port, no second try.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use waymark_resolve::{Question, Record, Reply};
use waymark_wire::{Name, Rcode, RecordType};

/// How long an answer may take before the test is broken off. Nothing is asked again: a lost answer is a failure.
const ANSWER_WAIT: Duration = Duration::from_secs(20);
/// What the questions offer over UDP.
pub(crate) const UDP_OCTETS: u16 = 1232;

/// What a question travels over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Over {
    Udp,
    Tcp,
}

pub(crate) const BOTH: [Over; 2] = [Over::Udp, Over::Tcp];

pub(crate) fn name(text: &str) -> Name {
    Name::from_text(text).unwrap_or_else(|why| panic!("{text}: {why}"))
}

/// `A`, `SOA`, `DS`...
pub(crate) fn record_type(mnemonic: &str) -> RecordType {
    RecordType::from_mnemonic(mnemonic).expect("a record type")
}

pub(crate) fn question(owner: &str, mnemonic: &str) -> Question {
    Question { name: name(owner), record_type: record_type(mnemonic) }
}

/// Asks from a new source port, with EDNS.
pub(crate) fn ask(server: SocketAddr, over: Over, owner: &str, mnemonic: &str) -> Reply {
    ask_with(server, over, owner, mnemonic, Some(UDP_OCTETS))
}

/// Asks from a new source port; `udp_octets` none leaves EDNS out.
pub(crate) fn ask_with(server: SocketAddr, over: Over, owner: &str, mnemonic: &str, udp_octets: Option<u16>) -> Reply {
    let question = question(owner, mnemonic);
    let id = random_id();
    let query = question.to_wire(id, false, udp_octets);
    let message = exchange(server, over, &query).unwrap_or_else(|why| panic!("{question} at {server} {over:?}: {why}"));
    let reply = Reply::parse(&message).unwrap_or_else(|why| panic!("{question} at {server} {over:?}: {why}"));
    assert_eq!((reply.id, reply.question.as_ref()), (id, Some(&question)), "the answer is to another question");
    reply
}

/// Sends the message from a new source port and gives the octets of the one that comes back.
pub(crate) fn exchange(server: SocketAddr, over: Over, query: &[u8]) -> std::io::Result<Vec<u8>> {
    match over {
        Over::Udp => {
            let socket = udp_socket(server)?;
            socket.send(query)?;
            let mut buffer = vec![0; 65_535];
            let length = socket.recv(&mut buffer)?;
            buffer.truncate(length);
            Ok(buffer)
        }
        Over::Tcp => Stream::connect(server)?.exchange(query),
    }
}

/// A socket with a port of its own that takes answers from this server's address alone: an answer from another
/// address than the one that was asked is not seen.
pub(crate) fn udp_socket(server: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind(unspecified(server))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(ANSWER_WAIT))?;
    Ok(socket)
}

/// A TCP connection to the nameserver.
pub(crate) struct Stream(TcpStream);

impl Stream {
    pub(crate) fn connect(server: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        Ok(Self(stream))
    }

    pub(crate) fn exchange(&mut self, query: &[u8]) -> std::io::Result<Vec<u8>> {
        self.send(&[query])?;
        let mut message = Vec::new();
        self.receive(&mut message)?;
        Ok(message)
    }

    /// Sends the messages in one piece.
    pub(crate) fn send(&mut self, queries: &[&[u8]]) -> std::io::Result<()> {
        let mut framed = Vec::with_capacity(queries.iter().map(|query| query.len() + 2).sum());
        for query in queries {
            framed.extend_from_slice(&u16::try_from(query.len()).expect("a short query").to_be_bytes());
            framed.extend_from_slice(query);
        }
        self.0.write_all(&framed)
    }

    /// Receives one message.
    pub(crate) fn receive(&mut self, message: &mut Vec<u8>) -> std::io::Result<()> {
        let mut length = [0; 2];
        self.0.read_exact(&mut length)?;
        message.resize(usize::from(u16::from_be_bytes(length)), 0);
        self.0.read_exact(message)
    }
}

fn unspecified(server: SocketAddr) -> SocketAddr {
    match server {
        SocketAddr::V4(_) => "0.0.0.0:0".parse().expect("an address"),
        SocketAddr::V6(_) => "[::]:0".parse().expect("an address"),
    }
}

pub(crate) fn random_id() -> u16 {
    let mut id = [0; 2];
    getrandom::fill(&mut id).expect("the system has randomness");
    u16::from_ne_bytes(id)
}

/// The data of these records as text, sorted; `records` is a section of a reply.
pub(crate) fn data(records: &[Record], owner: &str, mnemonic: &str) -> Vec<String> {
    let (owner, record_type) = (name(owner), record_type(mnemonic));
    let own = records.iter().filter(|record| record.owner == owner && record.record_type == record_type);
    let mut data: Vec<String> = own.map(|record| record.rdata.to_string()).collect();
    data.sort();
    data
}

/// A reply in a line: the response code, AA, and the answer section's records without owners and TTLs, sorted.
pub(crate) fn line(reply: &Reply) -> String {
    let mut records: Vec<String> =
        reply.answers.iter().map(|record| format!("{} {}", record.record_type, record.rdata)).collect();
    records.sort();
    let mut parts = vec![rcode_text(reply.rcode).to_owned()];
    parts.extend(reply.authoritative.then(|| "aa".to_owned()));
    parts.extend(records);
    parts.join(", ")
}

fn rcode_text(rcode: Rcode) -> &'static str {
    match rcode {
        Rcode::NOERROR => "NOERROR",
        Rcode::FORMERR => "FORMERR",
        Rcode::SERVFAIL => "SERVFAIL",
        Rcode::NXDOMAIN => "NXDOMAIN",
        Rcode::NOTIMP => "NOTIMP",
        Rcode::REFUSED => "REFUSED",
        Rcode::BADVERS => "BADVERS",
        _ => "another code",
    }
}
