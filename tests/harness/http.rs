//! A client of the HTTP API: one connection, kept alive, one request at a time, nothing retried. Every reply is held
//! against the API's contract.
//!
//! Small on purpose: a test must know which request left when. What a full client makes of the API is the matter of
//! `interop/`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use waymark_contract::Exchange;

/// How long an answer may take before the test is broken off.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Credentials {
    Nobody,
    Token(String),
    Key { email: String, key: String },
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("the body is text")
    }

    /// The body as JSON; null if there is none.
    pub(crate) fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_else(|why| panic!("no JSON ({why}): {}", self.text()))
    }

    /// Panics if this is not what the API's contract has for this request.
    #[track_caller]
    pub(crate) fn matches_contract(&self, request: &[u8]) {
        let line = request.split(|octet| *octet == b'\r').next().and_then(|line| std::str::from_utf8(line).ok());
        let mut words = line.unwrap_or_default().split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let content_type = self.header("content-type");
        let exchange = Exchange { method, target, status: self.status, content_type, body: &self.body };
        let mismatches = waymark_contract::mismatches(&exchange);
        assert!(mismatches.is_empty(), "{method} {target}:\n{}", mismatches.join("\n"));
    }

    /// The numeric codes of the envelope's errors.
    pub(crate) fn codes(&self) -> Vec<u64> {
        let body = self.json();
        body["errors"].as_array().into_iter().flatten().filter_map(|error| error["code"].as_u64()).collect()
    }

    /// The envelope's `result` of a success. Panics with the whole answer if it is none.
    pub(crate) fn ok(self) -> Value {
        let body = self.json();
        assert!(self.status == 200 && body["success"] == true, "{} {body}", self.status);
        body["result"].clone()
    }
}

/// A connection to the API.
pub(crate) struct Client {
    address: SocketAddr,
    credentials: Credentials,
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, credentials: Credentials) -> Self {
        Self { address, credentials, connection: None }
    }

    /// The same server and caller, another connection.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.address, self.credentials.clone())
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.send("GET", path, None)
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Response {
        self.send("POST", path, Some(body.to_string().as_bytes()))
    }

    pub(crate) fn put(&mut self, path: &str, body: &Value) -> Response {
        self.send("PUT", path, Some(body.to_string().as_bytes()))
    }

    pub(crate) fn patch(&mut self, path: &str, body: &Value) -> Response {
        self.send("PATCH", path, Some(body.to_string().as_bytes()))
    }

    pub(crate) fn delete(&mut self, path: &str) -> Response {
        self.send("DELETE", path, None)
    }

    /// Posts a form of plain fields.
    pub(crate) fn post_form(&mut self, path: &str, fields: &[(&str, &str)]) -> Response {
        let boundary = "form-of-a-test";
        let part = |(name, value): &(&str, &str)| {
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body = fields.iter().map(part).collect::<String>() + &format!("--{boundary}--\r\n");
        let kind = format!("multipart/form-data; boundary={boundary}");
        self.send_as("POST", path, Some((&kind, body.as_bytes())))
    }

    /// One request. A path that does not begin with `/client/v4` or name one of the program's own pages is below
    /// `/client/v4`.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: Option<&[u8]>) -> Response {
        self.send_as(method, path, body.map(|body| ("application/json", body)))
    }

    fn send_as(&mut self, method: &str, path: &str, body: Option<(&str, &[u8])>) -> Response {
        let own = ["/client", "/healthz", "/metrics"].iter().any(|start| path.starts_with(start));
        let path = if own { path.to_owned() } else { format!("/client/v4{path}") };
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        match &self.credentials {
            Credentials::Nobody => {}
            Credentials::Token(token) => head.push_str(&format!("Authorization: Bearer {token}\r\n")),
            Credentials::Key { email, key } => {
                head.push_str(&format!("X-Auth-Email: {email}\r\nX-Auth-Key: {key}\r\n"));
            }
        }
        if let Some((kind, body)) = body {
            head.push_str(&format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        self.raw(&[head.as_bytes(), body.map_or(&[][..], |(_, body)| body)].concat())
            .unwrap_or_else(|why| panic!("{method} {path}: {why}"))
    }

    /// Sends these octets as they are and reads one response.
    pub(crate) fn raw(&mut self, request: &[u8]) -> std::io::Result<Response> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let stream = TcpStream::connect(self.address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(ANSWER_WAIT))?;
                stream.set_write_timeout(Some(ANSWER_WAIT))?;
                BufReader::new(stream)
            }
        };
        // A server may refuse a body and answer before it has read all of it: what counts is the answer.
        let sent = connection.get_mut().write_all(request);
        let response = read_response(&mut connection).map_err(|why| sent.err().unwrap_or(why))?;
        response.matches_contract(request);
        if response.header("connection") != Some("close") {
            self.connection = Some(connection);
        }
        Ok(response)
    }
}

/// Reads a body that comes in pieces (RFC 9112 section 7.1).
fn read_chunks(connection: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim_end(), 16).map_err(std::io::Error::other)?;
        let start = body.len();
        body.resize(start + length + 2, 0);
        connection.read_exact(&mut body[start..])?;
        body.truncate(start + length);
        if length == 0 {
            return Ok(body);
        }
    }
}

/// Reads one response, whole.
pub(crate) fn read_response(connection: &mut BufReader<TcpStream>) -> std::io::Result<Response> {
    let cut = || std::io::Error::other("the connection ended before the response did");
    let mut line = || -> std::io::Result<String> {
        let mut line = String::new();
        match connection.read_line(&mut line)? {
            0 => Err(cut()),
            _ => Ok(line.trim_end().to_owned()),
        }
    };
    let status = line()?.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(cut)?;
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked") {
        return Ok(Response { status, headers, body: read_chunks(connection)? });
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(Ok(0), |(_, value)| value.parse::<usize>().map_err(|_| cut()))?;
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    Ok(Response { status, headers, body })
}
