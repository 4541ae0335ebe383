//! From rows to what the world is told. Pure: the same rows always publish the same.
//!
//! The work goes name by name; what holds for a whole zone is a field of its header, carried out at answer time.
//! A change of what these functions give for the same rows needs a new [`NUMBER`], so that what was published by an
//! earlier release can be found and published again.

use waymark_wire::{Name, RecordType};
use waymark_zone::published::{RRset, Soa, ZoneHeader, ZoneStatus};

use crate::store::{FullZone, RecordRow};
use crate::zones::Status;

/// The number of these functions.
pub(crate) const NUMBER: u32 = 1;

/// The TTL that "automatic" stands for, in seconds (docs: dns/manage-dns-records/reference/ttl).
const AUTOMATIC_TTL: u32 = 300;

/// The header of a zone. `mailbox` is the SOA's RNAME where the owner has set none.
pub(crate) fn header(zone: &FullZone, mailbox: &Name) -> ZoneHeader {
    let row = &zone.row;
    let overrides = &row.soa;
    let primary = || zone.nameservers.first().unwrap_or(&row.apex).clone();
    ZoneHeader {
        apex: row.apex.clone(),
        account: row.account,
        status: match row.status {
            // It has no scopes: edges need not know more.
            Status::Initializing | Status::Pending => ZoneStatus::Pending,
            Status::Active => ZoneStatus::Active,
            Status::Deleted => ZoneStatus::Deleted,
        },
        proven: row.proven,
        scopes: zone.scopes.clone(),
        // Defaults: docs, dns/manage-dns-records/reference/dns-record-types, "SOA".
        soa: Soa {
            mname: overrides.mname.clone().unwrap_or_else(primary),
            rname: overrides.rname.clone().unwrap_or_else(|| mailbox.clone()),
            refresh: overrides.refresh.unwrap_or(10_000),
            retry: overrides.retry.unwrap_or(2_400),
            expire: overrides.expire.unwrap_or(604_800),
            minimum: overrides.minimum.unwrap_or(1_800),
            ttl: overrides.ttl.unwrap_or(3_600),
        },
        nameservers: zone.nameservers.clone(),
        ns_ttl: row.ns_ttl,
        // Nothing makes signatures yet.
        signed: false,
    }
}

/// Whether a zone transfer would carry something else. Status, account and scopes are no part of it.
pub(crate) fn transfer_differs(before: &ZoneHeader, after: &ZoneHeader) -> bool {
    before.soa != after.soa || before.nameservers != after.nameservers || before.ns_ttl != after.ns_ttl
}

/// The RRsets of one owner name: sorted by type, each with the smallest TTL of its records (RFC 2181 section 5.2),
/// data sorted and each once (RFC 2181 section 5).
///
/// A proxied record is published with its own content: there is no proxy yet that could stand before it.
pub(crate) fn name<'r>(
    apex: &Name,
    owner: &Name,
    records: impl IntoIterator<Item = &'r RecordRow> + Clone,
) -> Vec<RRset> {
    let is_apex = owner == apex;
    // The API lets other types stand beside a CNAME; the world must see the CNAME alone (RFC 1034 section 3.6.2).
    let alias = !is_apex && records.clone().into_iter().any(|record| record.record_type == RecordType::CNAME);
    let mut rrsets: Vec<RRset> = Vec::new();
    for record in records {
        let hidden = match record.record_type {
            // An alias at the apex cannot stand beside SOA and NS: flattening answers for it, and does not exist yet.
            // NS records at the apex are kept and ignored until multi-provider DNS can be switched on.
            RecordType::CNAME | RecordType::NS => is_apex || (alias && record.record_type != RecordType::CNAME),
            _ => alias,
        };
        if hidden {
            continue;
        }
        let ttl = if record.proxied || record.ttl == 1 { AUTOMATIC_TTL } else { record.ttl };
        match rrsets.binary_search_by_key(&record.record_type, |rrset| rrset.record_type) {
            Ok(at) => {
                rrsets[at].ttl = rrsets[at].ttl.min(ttl);
                rrsets[at].data.push(record.rdata.clone());
            }
            Err(at) => {
                let (owner, record_type, data) = (owner.clone(), record.record_type, vec![record.rdata.clone()]);
                rrsets.insert(at, RRset { owner, record_type, ttl, data });
            }
        }
    }
    for rrset in &mut rrsets {
        rrset.data.sort();
        rrset.data.dedup();
    }
    rrsets
}

/// What stands in `before` alone, and what in `after` alone, both sorted by type.
pub(crate) fn difference(before: Vec<RRset>, after: Vec<RRset>) -> (Vec<RRset>, Vec<RRset>) {
    let added = after.iter().filter(|rrset| !has(&before, rrset)).cloned().collect();
    let removed = before.into_iter().filter(|rrset| !has(&after, rrset)).collect();
    (removed, added)
}

fn has(sorted: &[RRset], rrset: &RRset) -> bool {
    sorted.binary_search_by_key(&rrset.record_type, |other| other.record_type).is_ok_and(|at| sorted[at] == *rrset)
}

#[cfg(test)]
mod tests;
