//! Answers on their way out: what one holds until it has been sent, or nobody wants it any more.
//!
//! A client that asks and does not read must not get more than its share of the memory. So the place of its request
//! among those in flight goes with the octets of the answer, and answers of more than a few octets have a budget that
//! all of them share. The octets themselves own both: they come back when the last of them has left, however long the
//! parts of the server below keep them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::statistics::InFlight;

/// Answers of up to so many octets cost nothing of the budget: their number is bounded already.
const SMALL_OCTETS: usize = 64 * 1024;
/// Octets that leave at a time: what the parts below hold of a client that does not read is bounded by it.
const PIECE_OCTETS: usize = 64 * 1024;
/// What the budget is counted in, in octets: a semaphore gives 32 bits of permits at a time.
const UNIT_OCTETS: u64 = 1024;

/// The place of a request among those that are answered.
pub(crate) struct Place {
    _permit: Option<OwnedSemaphorePermit>,
    _in_flight: InFlight,
}

/// The octets of answers that wait to be read.
pub(crate) struct Budget(Option<Arc<Semaphore>>);

/// What an answer holds.
pub(crate) struct Held {
    _place: Place,
    _octets: Option<OwnedSemaphorePermit>,
}

/// An answer of this size does not fit into the budget.
#[derive(Debug)]
pub(crate) struct Full;

impl Budget {
    /// A budget of so many octets, rounded up to 1024; 0: there is no limit.
    pub(crate) fn new(octets: u64) -> Self {
        let units = usize::try_from(octets.div_ceil(UNIT_OCTETS)).unwrap_or(usize::MAX);
        Self((units > 0).then(|| Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS)))))
    }

    /// Takes what an answer of this length costs.
    pub(crate) fn take(&self, octets: usize) -> Result<Option<OwnedSemaphorePermit>, Full> {
        let Some(units) = self.0.as_ref().filter(|_| octets > SMALL_OCTETS) else { return Ok(None) };
        let cost = u32::try_from((octets as u64).div_ceil(UNIT_OCTETS)).map_err(|_| Full)?;
        Arc::clone(units).try_acquire_many_owned(cost).map(Some).map_err(|_| Full)
    }
}

impl Place {
    /// The place, and what counts it. No permit: there is no limit.
    pub(crate) fn new(permit: Option<OwnedSemaphorePermit>, in_flight: InFlight) -> Self {
        Self { _permit: permit, _in_flight: in_flight }
    }
}

impl Held {
    /// An answer holds its place, and of the budget what [`Budget::take`] has given it.
    pub(crate) fn new(place: Place, octets: Option<OwnedSemaphorePermit>) -> Self {
        Self { _place: place, _octets: octets }
    }
}

/// A body of octets that are all there.
pub(crate) fn whole(octets: Vec<u8>, held: Held) -> Body {
    Body::new(Whole { rest: Bytes::from_owner(Owned { octets, _held: held }) })
}

/// A body that is made while it leaves.
pub(crate) fn streamed(body: Body, held: Held) -> Body {
    Body::new(Streamed { body, _held: held })
}

struct Owned {
    octets: Vec<u8>,
    _held: Held,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

struct Whole {
    rest: Bytes,
}

impl HttpBody for Whole {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let piece = self.rest.len().min(PIECE_OCTETS);
        Poll::Ready((piece > 0).then(|| Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

struct Streamed {
    body: Body,
    _held: Held,
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
