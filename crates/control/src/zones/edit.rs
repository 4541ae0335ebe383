//! Changing a zone. A change is intent: the version moves, the serial does not.

use rusqlite::params;

use super::ZoneEdit;
use crate::error::Refusal;
use crate::store::{Tx, ZoneRow};

/// Changes a zone; false: it is so already. All of the change is carried out, or nothing.
pub(super) fn edit(tx: &mut Tx<'_>, zone: &ZoneRow, change: &ZoneEdit) -> Result<bool, Refusal> {
    check_available(zone, change)?;
    tx.audit_object(Some(zone.account.0), zone.id);
    let plan = change.plan.unwrap_or(zone.plan);
    if plan == zone.plan {
        return Ok(false);
    }
    // Records that keep the rules of the old plan alone stay as they are; their next change must keep the new one's.
    tx.touch_header(zone.number)?;
    tx.execute(
        "UPDATE zones SET plan = ?2, modified_at = ?3 WHERE id = ?1",
        params![zone.number.0, plan.as_str(), tx.now()],
    )?;
    Ok(true)
}

/// Refuses what a zone cannot have here.
fn check_available(zone: &ZoneRow, change: &ZoneEdit) -> Result<(), Refusal> {
    let refuse = |text: String| Err(Refusal::NotAvailable(text));
    if change.paused == Some(true) {
        return refuse(
            "a zone cannot be paused: there is no proxy here that would stand before its records".to_owned(),
        );
    }
    if let Some(kind) = change.kind.filter(|kind| *kind != zone.kind) {
        let (from, to) = (zone.kind.as_str(), kind.as_str());
        return refuse(format!("a zone of type {from} cannot become one of type {to} here"));
    }
    if change.vanity_name_servers.as_ref().is_some_and(|names| !names.is_empty()) {
        return refuse("vanity nameservers cannot be had here: leave vanity_name_servers empty".to_owned());
    }
    Ok(())
}
