//! A connection to the API that knows when a request has left: between [`Connection::send`] and the end of
//! [`Connection::receive`] a request is in flight.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use super::site::Site;
use crate::harness::http::{Response, read_response};

/// How long a reply may take before the test is broken off.
const REPLY_WAIT: Duration = Duration::from_secs(60);

pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    head: String,
    request: String,
}

impl Connection {
    pub(crate) fn open(site: &Site) -> std::io::Result<Self> {
        let stream = TcpStream::connect(site.api)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(REPLY_WAIT))?;
        let head = format!("Host: {}\r\nAuthorization: Bearer {}\r\n", site.api, site.token);
        Ok(Self { stream: BufReader::new(stream), head, request: String::new() })
    }

    /// Writes a request, in one piece.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: &Value) -> std::io::Result<()> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (head, length) = (&self.head, body.len());
        self.request = format!(
            "{method} /client/v4{path} HTTP/1.1\r\n{head}Content-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(self.request.as_bytes())
    }

    /// Reads the whole reply.
    pub(crate) fn receive(&mut self) -> std::io::Result<Response> {
        let response = read_response(&mut self.stream)?;
        response.matches_contract(self.request.as_bytes());
        Ok(response)
    }
}
