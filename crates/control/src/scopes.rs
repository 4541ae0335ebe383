//! Which zone a name stands for in a scope (DESIGN, "Who answers what: scopes").
//!
//! A nameserver has one scope, and its addresses ask in it. Every live zone claims the scopes of its nameservers and
//! the scope of all (but one that an import has not filled yet); an active one claims the scope of the active ones as well. At most one zone of a name holds a
//! scope: the active one, else the oldest claim. Table `claims` keeps the holders, and its key says "at most one".

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;
use waymark_wire::Name;
use waymark_zone::published::{ScopeId, ZoneNumber};

use crate::error::Refusal;
use crate::store::{Sql, Tx};

/// A live zone of a name, with the scopes of its nameservers.
#[derive(Clone, Debug)]
struct Claimant {
    zone: ZoneNumber,
    active: bool,
    scopes: Vec<ScopeId>,
}

/// Says anew who holds which scope for this name. To be called whenever a zone of the name comes, goes, or changes its
/// status or nameservers. The headers of zones whose scopes change are touched.
pub fn settle(tx: &mut Tx<'_>, name: &Name) -> Result<(), Refusal> {
    let wanted = holders(&claimants(tx.sql(), name)?);
    let present: BTreeMap<ScopeId, ZoneNumber> = tx
        .sql()
        .all("SELECT scope_id, zone_id FROM claims WHERE name = ?1", [name.sort_key()], |row| {
            Ok((ScopeId(row.get(0)?), ZoneNumber(row.get(1)?)))
        })?
        .into_iter()
        .collect();
    let scopes: BTreeSet<ScopeId> = wanted.keys().chain(present.keys()).copied().collect();
    let differing: Vec<ScopeId> = scopes.into_iter().filter(|scope| wanted.get(scope) != present.get(scope)).collect();
    for scope in &differing {
        for zone in [present.get(scope), wanted.get(scope)].into_iter().flatten() {
            tx.touch_header(*zone)?;
        }
    }
    for scope in &differing {
        tx.execute("DELETE FROM claims WHERE scope_id = ?1 AND name = ?2", params![scope.0, name.sort_key()])?;
        if let Some(zone) = wanted.get(scope) {
            tx.execute(
                "INSERT INTO claims (scope_id, name, zone_id) VALUES (?1, ?2, ?3)",
                params![scope.0, name.sort_key(), zone.0],
            )?;
        }
    }
    Ok(())
}

/// The live zones of a name, the oldest first.
fn claimants(sql: Sql<'_>, name: &Name) -> Result<Vec<Claimant>, Refusal> {
    let rows = sql.all(
        "SELECT z.id, z.status, n.scope_id FROM zones z \
         JOIN zone_nameservers zn ON zn.zone_id = z.id JOIN nameservers n ON n.id = zn.nameserver_id \
         WHERE z.name = ?1 AND z.deleted_at IS NULL AND z.status <> 'initializing' ORDER BY z.created_at, z.id, n.scope_id",
        [name.sort_key()],
        |row| Ok((ZoneNumber(row.get(0)?), row.get::<_, String>(1)?, ScopeId(row.get(2)?))),
    )?;
    Ok(rows
        .chunk_by(|one, other| one.0 == other.0)
        .map(|run| Claimant {
            zone: run[0].0,
            active: run[0].1 == "active",
            scopes: run.iter().map(|(.., scope)| *scope).collect(),
        })
        .collect())
}

/// Who holds which scope. Claimants come with the oldest first.
fn holders(claimants: &[Claimant]) -> BTreeMap<ScopeId, ZoneNumber> {
    let mut holders = BTreeMap::new();
    let (active, others): (Vec<_>, Vec<_>) = claimants.iter().partition(|claimant| claimant.active);
    for claimant in active.into_iter().chain(others) {
        let special = [Some(ScopeId::ALL), claimant.active.then_some(ScopeId::ACTIVE)];
        for scope in special.into_iter().flatten().chain(claimant.scopes.iter().copied()) {
            holders.entry(scope).or_insert(claimant.zone);
        }
    }
    holders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimant(zone: u64, active: bool, scopes: [u32; 2]) -> Claimant {
        Claimant { zone: ZoneNumber(zone), active, scopes: scopes.map(ScopeId).to_vec() }
    }

    fn held(claimants: &[Claimant]) -> Vec<(u32, u64)> {
        holders(claimants).into_iter().map(|(scope, zone)| (scope.0, zone.0)).collect()
    }

    #[test]
    fn a_pending_zone_alone_holds_its_scopes_and_all_but_not_active() {
        assert_eq!(held(&[claimant(7, false, [2, 3])]), [(1, 7), (2, 7), (3, 7)]);
    }

    #[test]
    fn the_oldest_claim_holds_what_two_pending_zones_share() {
        let claimants = [claimant(7, false, [2, 3]), claimant(8, false, [3, 4])];
        assert_eq!(held(&claimants), [(1, 7), (2, 7), (3, 7), (4, 8)]);
    }

    #[test]
    fn the_active_zone_comes_before_an_older_claim() {
        let claimants = [claimant(7, false, [2, 3]), claimant(8, true, [3, 4])];
        assert_eq!(held(&claimants), [(0, 8), (1, 8), (2, 7), (3, 8), (4, 8)]);
    }

    #[test]
    fn nobody_claims_nothing() {
        assert_eq!(held(&[]), []);
    }
}
