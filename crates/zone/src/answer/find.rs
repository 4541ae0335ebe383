//! Which state a name is in, inside one zone (RFC 1034 section 4.3.2, step 3; RFC 6672 section 3.2 for DNAME).

use waymark_wire::RecordType;

use crate::catalog::{Content, RRsetRef, RRsets, SearchName, View, Zone};

/// What a search has found. A `cut` says how many labels of the name to take from its left.
pub(super) enum Found<'v> {
    /// The name, or a wildcard that stands for it, has this RRset.
    Hit(Owned<'v>),
    /// The name is the apex, asked for a set that the header gives.
    Apex(ApexSet),
    /// The name is an alias: its CNAME RRset.
    Follow(Owned<'v>),
    /// The name lies below the owner of this DNAME RRset, which is `cut` labels up.
    Redirect(RRsetRef<'v>, usize),
    /// The name lies at or below a zone cut: the NS RRset there, and the `cut` to it.
    Referral(RRsetRef<'v>, usize),
    /// The name exists, or a wildcard stands for it, without such records.
    NoData,
    /// The name does not exist.
    NxDomain,
}

/// An RRset and whose it is.
#[derive(Clone, Copy)]
pub(super) struct Owned<'v> {
    pub(super) rrset: RRsetRef<'v>,
    /// None: the name's own. Else the wildcard's below the closest encloser, which is so many labels up.
    pub(super) encloser: Option<usize>,
}

/// A set of the apex that the zone's header gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ApexSet {
    /// The SOA record.
    Soa,
    /// The NS RRset.
    Ns,
}

/// Searches `zone` for `name`, which lies in it. Walks down from the apex, so that a zone cut or a DNAME hides what
/// lies below it.
pub(super) fn find<'v>(view: &'v View<'_>, zone: Zone<'v>, name: &SearchName, record_type: RecordType) -> Found<'v> {
    let Some(apex_at) = name.cut_to(zone.apex()) else { return Found::NxDomain };
    if apex_at == 0 {
        return at_apex(zone, view.owner(zone, name, 0), record_type);
    }
    // What a zone has none of is not searched for: most have neither DNAME RRsets nor wildcards, and few have cuts above
    // the names that are asked.
    let redirects = zone.may_have(Content::Redirections);
    if (redirects || zone.may_have(Content::Cuts))
        && let Some(hidden) = above(view, zone, name, apex_at, redirects)
    {
        return hidden;
    }
    let Some(rrsets) = view.owner(zone, name, 0) else { return at_encloser(view, zone, name, apex_at, record_type) };
    // RFC 4035 section 3.1.4.1: the parent answers for DS at the cut itself.
    let cut_set = rrsets.get(RecordType::NS).filter(|_| record_type != RecordType::DS);
    match cut_set {
        Some(cut_set) => Found::Referral(cut_set, 0),
        None => at_name(rrsets, None, record_type),
    }
}

/// The cut or DNAME above a name that hides it, looked for from the apex down.
fn above<'v>(
    view: &'v View<'_>,
    zone: Zone<'v>,
    name: &SearchName,
    apex_at: usize,
    redirects: bool,
) -> Option<Found<'v>> {
    for cut in (1..=apex_at).rev() {
        if cut == apex_at && !redirects {
            continue;
        }
        let rrsets = view.owner(zone, name, cut)?;
        if let Some(cut_set) = rrsets.get(RecordType::NS).filter(|_| cut < apex_at) {
            return Some(Found::Referral(cut_set, cut));
        }
        if let Some(dname) = rrsets.get(RecordType::DNAME).filter(|_| redirects) {
            return Some(Found::Redirect(dname, cut));
        }
    }
    None
}

fn at_apex<'v>(zone: Zone<'v>, rrsets: Option<RRsets<'v>>, record_type: RecordType) -> Found<'v> {
    match (record_type, rrsets) {
        // RFC 8482: one RRset is answer enough to ANY, and the SOA is the smallest that is always there.
        (RecordType::SOA | RecordType::ANY, _) => Found::Apex(ApexSet::Soa),
        (RecordType::NS, _) if zone.nameserver_count() > 0 => Found::Apex(ApexSet::Ns),
        (_, Some(rrsets)) => at_name(rrsets, None, record_type),
        (_, None) => Found::NoData,
    }
}

/// The name does not exist: a wildcard below its closest encloser may stand for it (RFC 4592 section 3.3.1).
fn at_encloser<'v>(
    view: &'v View<'_>,
    zone: Zone<'v>,
    name: &SearchName,
    apex_at: usize,
    record_type: RecordType,
) -> Found<'v> {
    if !zone.may_have(Content::Wildcards) {
        return Found::NxDomain;
    }
    // From the apex down, so that names that nobody has cost one step, however many labels they have.
    let missing = (1..apex_at).rev().find(|cut| view.owner(zone, name, *cut).is_none());
    let encloser = missing.map_or(1, |cut| cut + 1);
    match view.wildcard(zone, name, encloser) {
        Some(rrsets) => at_name(rrsets, Some(encloser), record_type),
        None => Found::NxDomain,
    }
}

fn at_name(rrsets: RRsets<'_>, encloser: Option<usize>, record_type: RecordType) -> Found<'_> {
    let owned = |rrset| Owned { rrset, encloser };
    if record_type == RecordType::ANY {
        return rrsets.iter().next().map_or(Found::NoData, |rrset| Found::Hit(owned(rrset)));
    }
    match rrsets.get(record_type) {
        Some(rrset) => Found::Hit(owned(rrset)),
        None => rrsets.get(RecordType::CNAME).map_or(Found::NoData, |rrset| Found::Follow(owned(rrset))),
    }
}
