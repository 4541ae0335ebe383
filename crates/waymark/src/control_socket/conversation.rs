//! The command's end of an exchange with the server. Everything blocks.

use std::io::{self, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use super::{Answer, RequestError, ask, frames};
use crate::operator::Exchange;
use crate::operator::exchange::{Said, Told};

/// What the server says.
pub struct Hearing(BufReader<UnixStream>);

/// What the command says. Dropped before [`Said::End`] is sent: an interruption.
pub struct Saying {
    stream: UnixStream,
    parcel: Vec<u8>,
}

/// Octets that are gathered before they are sent.
const PARCEL_OCTETS: usize = 64 * 1024;

/// Asks whoever is at the other end of `stream` for an exchange.
pub fn begin(stream: UnixStream, exchange: &Exchange) -> Result<(Saying, Hearing), RequestError> {
    let mut reader = BufReader::with_capacity(PARCEL_OCTETS, stream);
    match ask(&mut reader, exchange)? {
        Answer::Go => {}
        Answer::Ok(_) => return Err(io::Error::from(io::ErrorKind::InvalidData).into()),
        Answer::Error(sentence) => return Err(RequestError::Refused(sentence)),
    }
    let stream = reader.get_ref().try_clone()?;
    Ok((Saying { stream, parcel: Vec::new() }, Hearing(reader)))
}

impl Hearing {
    /// The next frame. The server's last word is [`Told::Done`] or [`Told::Failed`]; an end before it is an error.
    pub fn frame(&mut self) -> Result<frames::Frame<Told>, RequestError> {
        let cut = || io::Error::new(io::ErrorKind::UnexpectedEof, "it ended before all was done");
        Ok(frames::read_blocking(&mut self.0)?.ok_or_else(cut)?)
    }
}

impl Saying {
    /// Says something; it is sent when there is more of it, or by [`Self::send`].
    pub fn say(&mut self, said: &Said) -> io::Result<()> {
        frames::message(&mut self.parcel, said)?;
        self.send_if_full()
    }

    /// Sends a piece of a file.
    pub fn data(&mut self, octets: &[u8]) -> io::Result<()> {
        frames::data(&mut self.parcel, octets)?;
        self.send_if_full()
    }

    /// Sends what has been said.
    pub fn send(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.parcel)?;
        self.parcel.clear();
        Ok(())
    }

    /// Another handle, with which somebody else can end what is said here.
    pub fn interrupter(&self) -> io::Result<Interrupter> {
        self.stream.try_clone().map(Interrupter)
    }

    fn send_if_full(&mut self) -> io::Result<()> {
        if self.parcel.len() >= PARCEL_OCTETS { self.send() } else { Ok(()) }
    }
}

impl Drop for Saying {
    fn drop(&mut self) {
        // It fails if the conversation is over already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// Ends what the command says; what the server says is still heard.
pub struct Interrupter(UnixStream);

impl Interrupter {
    /// Ends it.
    pub fn interrupt(&self) {
        // It fails if the conversation is over already.
        let _ = self.0.shutdown(Shutdown::Write);
    }
}
