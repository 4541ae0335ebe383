//! What is flipped: 1,000 names, a chain of two aliases, and a chain into a second zone, all in one transaction.
//!
//! ```text
//!  name-i.flip.test            A      10.0.n
//!  two.flip.test               CNAME  m-n.flip.test   -> CNAME e-n.flip.test -> A 10.0.n
//!  cross.flip.test             CNAME  o-n.second.test -> A 10.0.n
//! ```
//!
//! The names in the middle are made and deleted with each n, so that a chain that is not whole dangles.

use std::net::SocketAddr;

use waymark_control::{
    Action, Actor, Grant, NewRecord, Permission, PublicId, RecordEdit, Refusal, Tx, ZoneRow, records, zones,
};

use crate::harness::dns;
use crate::harness::{Node, Zone};

/// The TTL that says 0; the smallest one that a record may have.
pub(super) const TTL_OF_ZERO: u32 = 60;

/// The address that says n.
pub(super) fn address(n: u32) -> [u8; 4] {
    let [_, high, middle, low] = n.to_be_bytes();
    [10, high, middle, low]
}

/// The two zones, and where they are.
pub(super) struct Flipping<'n> {
    node: &'n Node,
    flip: PublicId,
    second: PublicId,
    servers: Vec<SocketAddr>,
    n: u32,
    names: Vec<String>,
    made: Made,
}

/// The ids of the records at the present n.
#[derive(Clone)]
struct Made {
    names: Vec<PublicId>,
    two: PublicId,
    cross: PublicId,
    /// m-n, e-n.
    middle: [PublicId; 2],
    /// o-n, in the second zone.
    outside: PublicId,
}

impl<'n> Flipping<'n> {
    /// Makes the two zones and everything in them, with n = 0.
    pub(super) fn prepare(node: &'n Node, names: usize) -> Self {
        let id = |zone: &Zone<'_>| PublicId::parse(&zone.id).expect("an id");
        let zone = node.zone("flip.test");
        let servers = [zone.addresses(), vec![node.dns()]].concat();
        let (flip, second) = (id(&zone), id(&node.zone("second.test")));
        let names: Vec<String> = (0..names).map(|number| format!("name-{number}")).collect();
        let labels = names.clone();
        let made = in_one_write(node, move |tx| {
            let (flip, second) = (open(tx, flip)?, open(tx, second)?);
            let mut ids = Vec::with_capacity(labels.len());
            for label in &labels {
                ids.push(records::create(tx, &flip, new(label, "A", &text(0), 0))?.id);
            }
            let two = records::create(tx, &flip, new("two", "CNAME", "m-0.flip.test", 0))?.id;
            let cross = records::create(tx, &flip, new("cross", "CNAME", "o-0.second.test", 0))?.id;
            let (middle, outside) = middle(tx, &flip, &second, 0)?;
            Ok(Made { names: ids, two, cross, middle, outside })
        });
        Self { node, flip, second, servers, n: 0, names, made }
    }

    /// Queries for everything that may be asked, the two chains last; and how many records the answer to each has.
    pub(super) fn questions(&self) -> Vec<(Vec<u8>, u16)> {
        let query = |name: &str| dns::question(&format!("{name}.flip.test"), "A").to_wire(0, false, None);
        let names = self.names.iter().map(|name| (query(name), 1));
        names.chain([(query("two"), 3), (query("cross"), 2)]).collect()
    }

    /// Where the zones are answered: at their nameservers' addresses, and at one that belongs to nobody.
    pub(super) fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// From n to n + 1 in one transaction.
    pub(super) fn flip(&mut self) {
        let (flip, second, made, n) = (self.flip, self.second, self.made.clone(), self.n + 1);
        self.made = in_one_write(self.node, move |tx| {
            let (flip, second) = (open(tx, flip)?, open(tx, second)?);
            // The chains' ends first, in the middle of the names their heads: torn in any order, something shows.
            let (middle, outside) = middle(tx, &flip, &second, n)?;
            let (first, last) = made.names.split_at(made.names.len() / 2);
            for id in first {
                records::edit(tx, &flip, *id, edit(&text(n), n))?;
            }
            records::edit(tx, &flip, made.two, edit(&format!("m-{n}.flip.test"), n))?;
            records::edit(tx, &flip, made.cross, edit(&format!("o-{n}.second.test"), n))?;
            for id in last {
                records::edit(tx, &flip, *id, edit(&text(n), n))?;
            }
            for id in made.middle {
                records::delete(tx, &flip, id)?;
            }
            records::delete(tx, &second, made.outside)?;
            Ok(Made { middle, outside, ..made })
        });
        self.n = n;
    }
}

fn in_one_write<T: Send + 'static>(
    node: &Node,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, Refusal> + Send + 'static,
) -> T {
    let write = node.control().write(Actor::Operator, Action::RecordEdit, work);
    node.block_on(write).expect("the write is committed")
}

fn open(tx: &mut Tx<'_>, zone: PublicId) -> Result<ZoneRow, Refusal> {
    zones::open(tx, &Grant::operator(), zone, Permission::DnsEdit)
}

/// The names that exist for this n alone.
fn middle(tx: &mut Tx<'_>, flip: &ZoneRow, second: &ZoneRow, n: u32) -> Result<([PublicId; 2], PublicId), Refusal> {
    let m = new(&format!("m-{n}"), "CNAME", &format!("e-{n}.flip.test"), n);
    let m = records::create(tx, flip, m)?.id;
    let e = records::create(tx, flip, new(&format!("e-{n}"), "A", &text(n), n))?.id;
    let o = records::create(tx, second, new(&format!("o-{n}"), "A", &text(n), n))?.id;
    Ok(([m, e], o))
}

fn text(n: u32) -> String {
    std::net::Ipv4Addr::from(address(n)).to_string()
}

fn new(name: &str, record_type: &str, content: &str, n: u32) -> NewRecord {
    NewRecord {
        name: name.to_owned(),
        record_type: record_type.to_owned(),
        content: content.to_owned(),
        ttl: Some(TTL_OF_ZERO + n),
        ..NewRecord::default()
    }
}

fn edit(content: &str, n: u32) -> RecordEdit {
    RecordEdit { content: Some(content.to_owned()), ttl: Some(TTL_OF_ZERO + n), ..RecordEdit::default() }
}
