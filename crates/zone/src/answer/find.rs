//! Which state a name is in, inside one zone (RFC 1034 section 4.3.2, step 3).

use waymark_wire::RecordType;

use crate::catalog::{RRsetRef, RRsets, SearchName, View, Zone};

/// What a search has found.
pub(super) enum Found<'v> {
    /// The name, or a wildcard that stands for it, has this RRset.
    Hit(RRsetRef<'v>),
    /// The name is the apex, asked for a set that the header gives.
    Apex(ApexSet),
    /// The name is an alias: its CNAME RRset.
    Follow(RRsetRef<'v>),
    /// The name lies at or below a zone cut: the NS RRset there, and how many labels of the name to cut to get to it.
    Referral(RRsetRef<'v>, usize),
    /// The name exists, without such records.
    NoData,
    /// The name does not exist.
    NxDomain,
}

/// A set of the apex that the zone's header gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ApexSet {
    /// The SOA record.
    Soa,
    /// The NS RRset.
    Ns,
}

/// Searches `zone` for `name`, which lies in it.
pub(super) fn find<'v>(view: &'v View<'_>, zone: Zone<'v>, name: &SearchName, record_type: RecordType) -> Found<'v> {
    let Some(apex_at) = name.cut_to(zone.header().apex.as_wire()) else { return Found::NxDomain };
    for cut in (0..apex_at).rev() {
        let Some(rrsets) = view.owner(zone, name, cut) else {
            // The name one label up is the closest encloser (RFC 4592 section 3.3.1).
            return match view.wildcard(zone, name, cut + 1) {
                Some(rrsets) => at_name(rrsets, record_type),
                None => Found::NxDomain,
            };
        };
        // RFC 4035 section 3.1.4.1: the parent answers for DS at the cut itself.
        let answers_at_cut = cut == 0 && record_type == RecordType::DS;
        if let Some(cut_set) = rrsets.get(RecordType::NS).filter(|_| !answers_at_cut) {
            return Found::Referral(cut_set, cut);
        }
        if cut == 0 {
            return at_name(rrsets, record_type);
        }
    }
    match (record_type, view.owner(zone, name, apex_at)) {
        // RFC 8482: one RRset is answer enough to ANY, and the SOA is the smallest that is always there.
        (RecordType::SOA | RecordType::ANY, _) => Found::Apex(ApexSet::Soa),
        (RecordType::NS, _) if !zone.header().nameservers.is_empty() => Found::Apex(ApexSet::Ns),
        (_, Some(rrsets)) => at_name(rrsets, record_type),
        (_, None) => Found::NoData,
    }
}

fn at_name(rrsets: RRsets<'_>, record_type: RecordType) -> Found<'_> {
    if record_type == RecordType::ANY {
        return rrsets.iter().next().map_or(Found::NoData, Found::Hit);
    }
    match rrsets.get(record_type) {
        Some(rrset) => Found::Hit(rrset),
        None => rrsets.get(RecordType::CNAME).map_or(Found::NoData, Found::Follow),
    }
}
