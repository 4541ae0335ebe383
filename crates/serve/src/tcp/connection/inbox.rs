//! What a connection has read and not yet answered: requests, each with its length in front (RFC 1035 section 4.2.2).

use crate::REQUEST_OCTETS_MAX;

/// The length in front of each message.
pub(super) const PREFIX_OCTETS: usize = 2;

/// A request longer than is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong(pub(super) usize);

/// Octets as they came. There is always room for one request of the greatest length.
pub(super) struct Inbox {
    buffer: Box<[u8; PREFIX_OCTETS + REQUEST_OCTETS_MAX]>,
    start: usize,
    end: usize,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { buffer: Box::new([0; PREFIX_OCTETS + REQUEST_OCTETS_MAX]), start: 0, end: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Forgets what has been read.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// The next whole request, taken out.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let rest = &self.buffer[self.start..self.end];
        let Some((prefix, rest)) = rest.split_first_chunk::<PREFIX_OCTETS>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes(*prefix));
        if length > REQUEST_OCTETS_MAX {
            return Err(TooLong(length));
        }
        let Some(request) = rest.get(..length) else { return Ok(None) };
        self.start += PREFIX_OCTETS + length;
        Ok(Some(request))
    }

    /// Where the next octets go. Never empty once every whole request has been taken out.
    pub(super) fn space(&mut self) -> &mut [u8] {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        &mut self.buffer[self.end..]
    }

    /// So many octets have been put into the space.
    pub(super) fn filled(&mut self, octets: usize) {
        self.end += octets;
    }
}
