//! The platform's own nameservers: their names under the brand domain, their addresses from the pools, and which pair
//! of them a zone gets.
//!
//! All given names become nameservers at the first start, so that a pair can be chosen out of 3,600 later. A pair takes
//! one of each of the two lists. Each nameserver has addresses and a scope of its own; addresses that several share are
//! not given out yet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rusqlite::{Row, params};
use waymark_wire::{Name, NameError};
use waymark_zone::published::{ScopeChange, ScopeId};

use crate::Control;
use crate::error::{Quota, Refusal, Unavailable};
use crate::random::below;
use crate::store::{Sql, Tx, name_at};

mod given_names;

use given_names::{FIRST_LIST, SECOND_LIST};

/// The names that belong to the platform itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// The brand domain; every name of the platform is below it.
    pub domain: Name,
}

impl Brand {
    /// The brand of this domain.
    pub fn new(domain: Name) -> Self {
        Self { domain }
    }

    /// The name of the nameserver with this given name: `<given-name>.ns.<brand>`.
    pub fn nameserver(&self, given_name: &str) -> Result<Name, NameError> {
        self.domain.prepend("ns")?.prepend(given_name)
    }

    /// The mailbox in SOA records: `dns.<brand>`.
    pub fn mailbox(&self) -> Result<Name, NameError> {
        self.domain.prepend("dns")
    }
}

/// Where nameservers get their addresses: each its own, in the order of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pools {
    /// The IPv4 network.
    pub ipv4: Ipv4Addr,
    /// Its prefix length, at most 30.
    pub ipv4_prefix: u8,
    /// The IPv6 network.
    pub ipv6: Ipv6Addr,
    /// Its prefix length, at most 112.
    pub ipv6_prefix: u8,
    /// Whether the IPv6 network is reachable: until it is, AAAA records of nameservers are not published.
    pub ipv6_reachable: bool,
}

impl Default for Pools {
    fn default() -> Self {
        Self {
            ipv4: Ipv4Addr::new(127, 53, 0, 0),
            ipv4_prefix: 16,
            ipv6: Ipv6Addr::new(0xfd53, 0, 0, 0, 0, 0, 0, 0),
            ipv6_prefix: 64,
            ipv6_reachable: false,
        }
    }
}

/// A nameserver of the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nameserver {
    /// Its name.
    pub name: Name,
    /// The number of its scope.
    pub scope: u32,
    /// Its addresses, IPv4 before IPv6.
    pub addresses: Vec<IpAddr>,
}

/// A nameserver's key and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameserverRow {
    pub(crate) number: i64,
    pub(crate) name: Name,
    pub(crate) list: u8,
}

/// The two nameservers of a zone, by key: one of each list.
pub(crate) type Pair = (i64, i64);

impl Pools {
    /// The `index`th IPv4 address, from 0; none beyond the pool. First and last of every 256 are left out: some
    /// equipment takes them for a network's or a broadcast address.
    fn ipv4_address(&self, index: u32) -> Option<Ipv4Addr> {
        let offset = u64::from(index / 254 * 256 + index % 254 + 1);
        let size = 1u64 << (32 - u32::from(self.ipv4_prefix.min(30)));
        (offset < size - 1).then(|| Ipv4Addr::from_bits(self.ipv4.to_bits() + offset as u32))
    }

    /// The `index`th IPv6 address, from 0.
    fn ipv6_address(&self, index: u32) -> Ipv6Addr {
        Ipv6Addr::from_bits(self.ipv6.to_bits() + u128::from(index) + 1)
    }
}

impl Control {
    /// Every nameserver of the platform, in the order of their making.
    pub async fn nameserver_list(&self) -> Result<Vec<Nameserver>, Refusal> {
        self.store.read(list).await
    }
}

/// Every nameserver, in the order of their making.
pub(crate) fn list(sql: Sql<'_>) -> Result<Vec<Nameserver>, Refusal> {
    let rows = sql.all(
        "SELECT n.id, n.name, n.scope_id, na.address FROM nameservers n \
         JOIN nameserver_addresses na ON na.nameserver_id = n.id ORDER BY n.id, length(na.address), na.address",
        [],
        |row| Ok((row.get::<_, i64>(0)?, name_at(row, 1)?, row.get(2)?, address_at(row, 3)?)),
    )?;
    Ok(rows
        .chunk_by(|one, other| one.0 == other.0)
        .map(|run| Nameserver {
            name: run[0].1.clone(),
            scope: run[0].2,
            addresses: run.iter().map(|(.., address)| *address).collect(),
        })
        .collect())
}

/// Makes a nameserver of every given name, as far as the IPv4 pool reaches. Of the first start.
pub(crate) fn make_all(tx: &mut Tx<'_>) -> Result<Vec<NameserverRow>, Refusal> {
    let mut made = Vec::new();
    for (index, (first, second)) in (0u32..).step_by(2).zip(FIRST_LIST.iter().zip(SECOND_LIST)) {
        let pools = &tx.shared.pools;
        let (Some(one), Some(other)) = (pools.ipv4_address(index), pools.ipv4_address(index + 1)) else { break };
        made.push(make(tx, first, 1, index, one)?);
        made.push(make(tx, second, 2, index + 1, other)?);
    }
    match made.is_empty() {
        true => Err(Refusal::NotAvailable("the IPv4 pool has no room for two nameservers".to_owned())),
        false => Ok(made),
    }
}

fn make(tx: &mut Tx<'_>, given_name: &str, list: u8, index: u32, ipv4: Ipv4Addr) -> Result<NameserverRow, Refusal> {
    let name = tx.shared.brand.nameserver(given_name).map_err(|_| Unavailable::Internal)?;
    let scope = ScopeId(ScopeId::FIRST_OF_NAMESERVERS.0 + index);
    let number = tx.insert(
        "INSERT INTO nameservers (name, list, scope_id, created_at) VALUES (?1, ?2, ?3, ?4) RETURNING id",
        params![name.sort_key(), list, scope.0, tx.now()],
    )?;
    let addresses = vec![IpAddr::from(ipv4), IpAddr::from(tx.shared.pools.ipv6_address(index))];
    for address in &addresses {
        let octets = address_octets(*address);
        tx.execute("INSERT INTO addresses (address, scope_id) VALUES (?1, ?2)", params![octets, scope.0])?;
        tx.execute(
            "INSERT INTO nameserver_addresses (nameserver_id, address) VALUES (?1, ?2)",
            params![number, octets],
        )?;
    }
    tx.change_scope(ScopeChange { scope, addresses });
    Ok(NameserverRow { number, name, list })
}

/// A random pair: an account's default.
pub(crate) fn random_pair(tx: &Tx<'_>) -> Result<Pair, Refusal> {
    let (firsts, seconds) = both_lists(tx.sql())?;
    match (firsts.get(below(tx.random(), firsts.len())), seconds.get(below(tx.random(), seconds.len()))) {
        (Some(first), Some(second)) => Ok((*first, *second)),
        _ => Err(Quota::NameserverPairs.into()),
    }
}

/// The pair for a new zone of this name: the account's default, unless another live zone of the name has it already;
/// then one that shares no nameserver with any of them, if there is one (docs:
/// dns/nameservers/nameserver-options, "Assignment method").
///
/// A zone of another account that lies above or below shares no nameserver with it: where they shared one, a claim on
/// `www.example.com` would answer there for a name of `example.com`'s owner. Should claims have taken every nameserver,
/// those that are only pending do not count: they must not shut the owner out.
pub(crate) fn pair_for_zone(tx: &Tx<'_>, account: i64, default: Pair, name: &Name) -> Result<Pair, Refusal> {
    let taken = pairs_of_name(tx.sql(), name)?;
    let foreign = pairs_above_and_below(tx.sql(), account, name)?;
    if !taken.contains(&default) && !foreign.iter().any(|(pair, _)| shares(*pair, default)) {
        return Ok(default);
    }
    let (firsts, seconds) = both_lists(tx.sql())?;
    let starts = (below(tx.random(), firsts.len()), below(tx.random(), seconds.len()));
    let active: Vec<Pair> = foreign.iter().filter(|(_, active)| *active).map(|(pair, _)| *pair).collect();
    let foreign: Vec<Pair> = foreign.into_iter().map(|(pair, _)| pair).collect();
    choose(&firsts, &seconds, starts, &taken, &foreign)
        .or_else(|| choose(&firsts, &seconds, starts, &taken, &active))
        .ok_or(Quota::NameserverPairs.into())
}

/// A pair that is not taken and shares no nameserver with a foreign one; one that shares none with a taken one either,
/// if possible. The lists are gone through in a circle from `starts`.
fn choose(firsts: &[i64], seconds: &[i64], starts: (usize, usize), taken: &[Pair], foreign: &[Pair]) -> Option<Pair> {
    let circle = |list: &[i64], start: usize, apart: &dyn Fn(Pair, i64) -> bool| -> Vec<i64> {
        let turned = list.iter().cycle().skip(start).take(list.len()).copied();
        turned.filter(|nameserver| foreign.iter().all(|pair| apart(*pair, *nameserver))).collect()
    };
    let firsts = circle(firsts, starts.0, &|pair, first| pair.0 != first);
    let seconds = circle(seconds, starts.1, &|pair, second| pair.1 != second);
    let free_first = firsts.iter().find(|first| !taken.iter().any(|pair| pair.0 == **first));
    let free_second = seconds.iter().find(|second| !taken.iter().any(|pair| pair.1 == **second));
    if let (Some(first), Some(second)) = (free_first, free_second) {
        return Some((*first, *second));
    }
    let mut pairs = firsts.iter().flat_map(|first| seconds.iter().map(|second| (*first, *second)));
    pairs.find(|pair| !taken.contains(pair))
}

fn shares(one: Pair, other: Pair) -> bool {
    one.0 == other.0 || one.1 == other.1
}

fn both_lists(sql: Sql<'_>) -> Result<(Vec<i64>, Vec<i64>), Refusal> {
    let list = |list: u8| sql.all("SELECT id FROM nameservers WHERE list = ?1 ORDER BY id", [list], |row| row.get(0));
    Ok((list(1)?, list(2)?))
}

const PAIRS: &str = "SELECT DISTINCT one.nameserver_id, two.nameserver_id, z.status FROM zones z \
     JOIN zone_nameservers one ON one.zone_id = z.id AND one.ordinal = 0 \
     JOIN zone_nameservers two ON two.zone_id = z.id AND two.ordinal = 1 \
     WHERE z.deleted_at IS NULL AND ";

fn pairs_of_name(sql: Sql<'_>, name: &Name) -> Result<Vec<Pair>, Refusal> {
    let pairs = sql.all(&format!("{PAIRS} z.name = ?1"), [name.sort_key()], pair_at)?;
    Ok(pairs.into_iter().map(|(pair, _)| pair).collect())
}

/// The pairs of live zones of other accounts whose names lie above or below, and whether the zone is active.
fn pairs_above_and_below(sql: Sql<'_>, account: i64, name: &Name) -> Result<Vec<(Pair, bool)>, Refusal> {
    let mut pairs = Vec::new();
    let mut above = name.parent();
    while let Some(ancestor) = above {
        let text = format!("{PAIRS} z.name = ?1 AND z.account_id <> ?2");
        pairs.extend(sql.all(&text, params![ancestor.sort_key(), account], pair_at)?);
        above = ancestor.parent();
    }
    // Names below have the name's key as the beginning of theirs, and zone names have no octet as large as 0xff.
    let key = name.sort_key();
    let end = [key.as_slice(), &[0xff]].concat();
    let text = format!("{PAIRS} z.name > ?1 AND z.name < ?2 AND z.account_id <> ?3");
    pairs.extend(sql.all(&text, params![key, end, account], pair_at)?);
    Ok(pairs)
}

fn pair_at(row: &Row<'_>) -> rusqlite::Result<(Pair, bool)> {
    Ok(((row.get(0)?, row.get(1)?), row.get_ref(2)?.as_str()? == "active"))
}

/// The octets in which an address is kept: 4 or 16.
pub(crate) fn address_octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// An address out of a column of octets.
pub(crate) fn address_at(row: &Row<'_>, column: usize) -> rusqlite::Result<IpAddr> {
    let octets = row.get_ref(column)?.as_blob()?;
    match (<[u8; 4]>::try_from(octets), <[u8; 16]>::try_from(octets)) {
        (Ok(octets), _) => Ok(Ipv4Addr::from_octets(octets).into()),
        (_, Ok(octets)) => Ok(Ipv6Addr::from_octets(octets).into()),
        _ => Err(rusqlite::types::FromSqlError::InvalidBlobSize { expected_size: 16, blob_size: octets.len() }.into()),
    }
}

#[cfg(test)]
mod tests;
