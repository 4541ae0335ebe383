//! Frames: how a conversation goes on where one line each way is not enough.
//!
//! ```text
//!  kind (1 octet)  length (4 octets, big-endian)  that many octets
//!  m               a message: JSON                 at most FRAME_OCTETS_MAX
//!  d               data: a piece of a file          likewise
//! ```
//!
//! Neither side holds more than one frame of the other at a time; who is slow to read holds up who writes. The server
//! reads async, the command blocks, so that reading is here in both forms.

use std::io::{self, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest frame, in octets.
pub const FRAME_OCTETS_MAX: usize = 64 * 1024;

const MESSAGE: u8 = b'm';
const DATA: u8 = b'd';
const HEAD_OCTETS: usize = 5;

/// What one side says to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<M> {
    /// A message.
    Message(M),
    /// A piece of a file.
    Data(Vec<u8>),
}

/// Appends a message as a frame.
pub fn message<M: Serialize>(out: &mut Vec<u8>, message: &M) -> io::Result<()> {
    frame(out, MESSAGE, &serde_json::to_vec(message)?)
}

/// Appends data as frames: as many as it takes.
pub fn data(out: &mut Vec<u8>, octets: &[u8]) -> io::Result<()> {
    octets.chunks(FRAME_OCTETS_MAX).try_for_each(|piece| frame(out, DATA, piece))
}

fn frame(out: &mut Vec<u8>, kind: u8, octets: &[u8]) -> io::Result<()> {
    if octets.len() > FRAME_OCTETS_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a message is longer than a frame may be"));
    }
    out.push(kind);
    // Within the bound above, so that the cast loses nothing.
    out.extend_from_slice(&(octets.len() as u32).to_be_bytes());
    out.extend_from_slice(octets);
    Ok(())
}

/// Reads the next frame; none at the end of the stream. An end within a frame is an error.
pub async fn read<M: DeserializeOwned>(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Frame<M>>> {
    let mut head = [0; HEAD_OCTETS];
    if from.read(&mut head[..1]).await? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut head[1..]).await?;
    let mut octets = vec![0; length(head)?];
    from.read_exact(&mut octets).await?;
    parse(head[0], octets).map(Some)
}

/// The same, blocking.
pub fn read_blocking<M: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<Frame<M>>> {
    let mut head = [0; HEAD_OCTETS];
    if from.read(&mut head[..1])? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut head[1..])?;
    let mut octets = vec![0; length(head)?];
    from.read_exact(&mut octets)?;
    parse(head[0], octets).map(Some)
}

fn length([_, a, b, c, d]: [u8; HEAD_OCTETS]) -> io::Result<usize> {
    match u32::from_be_bytes([a, b, c, d]) as usize {
        length @ 0..=FRAME_OCTETS_MAX => Ok(length),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is longer than it may be")),
    }
}

fn parse<M: DeserializeOwned>(kind: u8, octets: Vec<u8>) -> io::Result<Frame<M>> {
    match kind {
        MESSAGE => Ok(Frame::Message(serde_json::from_slice(&octets)?)),
        DATA => Ok(Frame::Data(octets)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is of an unknown kind")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_read_as_they_were_written() {
        let frames = [Frame::Message("say".to_owned()), Frame::Data(vec![7; 3]), Frame::Message(String::new())];
        let mut octets = Vec::new();
        for frame in &frames {
            match frame {
                Frame::Message(text) => message(&mut octets, text).unwrap(),
                Frame::Data(piece) => data(&mut octets, piece).unwrap(),
            }
        }
        let (mut blocking, mut from) = (&octets[..], &octets[..]);
        for frame in &frames {
            assert_eq!(read_blocking(&mut blocking).unwrap().as_ref(), Some(frame));
            assert_eq!(read(&mut from).await.unwrap().as_ref(), Some(frame));
        }
        assert!(
            read::<String>(&mut from).await.unwrap().is_none()
                && read_blocking::<String>(&mut blocking).unwrap().is_none()
        );
    }

    #[tokio::test]
    async fn what_is_cut_too_long_or_unknown_is_an_error() {
        let long = [&b"d"[..], &(FRAME_OCTETS_MAX as u32 + 1).to_be_bytes(), &vec![0; FRAME_OCTETS_MAX + 1]].concat();
        for bad in [&b"m\0\0\0\x04nu"[..], b"m\0\0", b"x\0\0\0\0", b"m\0\0\0\x01{", &long] {
            assert!(read::<String>(&mut &bad[..]).await.is_err(), "{:?}", &bad[..bad.len().min(8)]);
            assert!(read_blocking::<String>(&mut &bad[..]).is_err());
        }
        let mut out = Vec::new();
        assert!(message(&mut out, &"x".repeat(FRAME_OCTETS_MAX)).is_err());
        data(&mut out, &vec![1; 2 * FRAME_OCTETS_MAX + 1]).unwrap();
        assert_eq!(out.len(), 2 * FRAME_OCTETS_MAX + 1 + 3 * HEAD_OCTETS);
    }
}
