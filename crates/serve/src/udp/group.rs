//! Some datagrams of a batch, read together, so that what their answers need of the catalog is fetched for all of them
//! at the same time (`zone::catalog`).

use std::net::IpAddr;
use std::ops::Range;

use waymark_wire::{Reject, Request};
use waymark_zone::answer::Way;
use waymark_zone::catalog::{Approach, SearchName, View};
use waymark_zone::published::ScopeId;

use super::batch::{Datagram, Incoming};
use crate::handler::Handler;

/// Datagrams of a group. Processors have about so many fetches under way at once, and what is fetched for a group stays
/// in the nearest cache until it is used.
pub(super) const GROUP: usize = 32;

/// A datagram that has been read.
#[derive(Clone, Copy)]
pub(super) struct Received<'b> {
    pub(super) datagram: Datagram<'b>,
    pub(super) request: Result<Request<'b>, Reject<'b>>,
}

/// See the module's description.
pub(super) struct Group<'b, 'v> {
    /// None: it cannot be answered.
    received: [Option<Received<'b>>; GROUP],
    approaches: [Option<Approach<'v>>; GROUP],
}

impl<'b, 'v> Group<'b, 'v> {
    /// Reads the datagrams with these numbers, at most [`GROUP`], and goes the way of each question among them.
    pub(super) fn read(
        view: &'v View<'_>,
        handler: &Handler,
        incoming: Incoming<'b>,
        numbers: Range<usize>,
        names: &mut [SearchName; GROUP],
        scopes: &mut LastScope,
    ) -> Self {
        let mut group = Self { received: [const { None }; GROUP], approaches: [None; GROUP] };
        let places = group.received.iter_mut().zip(&mut group.approaches).zip(names.iter_mut());
        for (((received, approach), name), number) in places.zip(numbers) {
            let Some(datagram) = incoming.datagram(number) else { continue };
            let request = Request::parse(datagram.octets);
            if let Ok(Request::Query(query)) = &request
                && view.read_name(query.name, name)
            {
                *approach = Some(view.begin(scopes.of(view, datagram.asked.address), name));
                handler.expect(datagram.client.ip(), name.identity());
            }
            *received = Some(Received { datagram, request });
        }
        view.approach(names, &mut group.approaches);
        group
    }

    /// A datagram by its place in the group, if it can be answered, and the way to its answer.
    pub(super) fn get<'g, 'r, 'n>(
        &'g self,
        view: &'v View<'r>,
        names: &'n [SearchName; GROUP],
        place: usize,
    ) -> Option<(&'g Received<'b>, Way<'v, 'r, 'n>)> {
        let approach = self.approaches[place].map(|approach| (&names[place], approach));
        Some((self.received[place].as_ref()?, Way { view, approach }))
    }
}

/// The address that was asked last and its scope: often the next question is asked there too.
#[derive(Default)]
pub(super) struct LastScope(Option<(IpAddr, Option<ScopeId>)>);

impl LastScope {
    fn of(&mut self, view: &View<'_>, address: IpAddr) -> Option<ScopeId> {
        match self.0 {
            Some((last, scope)) if last == address => scope,
            _ => {
                let scope = view.scope_of(address);
                self.0 = Some((address, scope));
                scope
            }
        }
    }
}
