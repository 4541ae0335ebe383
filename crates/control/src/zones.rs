//! Zones: made, listed, changed, deleted, given a status.
//!
//! A zone belongs to an account; accounts may have zones of the same name, and `scopes` decides which of them answers
//! where. Deleting is a status: the rows stay, the claims on scopes go.

mod edit;
mod list;
mod name;

use rusqlite::{Row, params};
use waymark_wire::{Name, Serial};
use waymark_zone::published::{Version, ZoneNumber};

use crate::error::{Conflict, Invalid, Noun, Refusal, Unavailable};
use crate::identity::{Grant, Permission};
use crate::nameservers::{self, Pair};
use crate::plans::Plan;
use crate::store::{Sql, Tx, ZONE_COLUMN_COUNT, ZONE_COLUMNS, ZoneRow, name_at};
use crate::{Action, Actor, Brand, Control, Listing, Page, PublicId, Time, accounts, publish, scopes};

/// The TTL of a zone's NS RRset, in seconds (docs: dns/nameservers/nameserver-options, "Nameserver TTL").
pub(crate) const NS_TTL: u32 = 86_400;
/// What a new zone may use.
pub(crate) const PLAN_OF_NEW: Plan = Plan::Enterprise;

/// Where a zone stands in its life (docs: dns/zone-setups/reference/domain-status).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Being filled by an import: answers nowhere until it is whole.
    Initializing,
    /// Waits for its delegation.
    Pending,
    /// In force.
    Active,
    /// Deleted: not found through the API any more.
    Deleted,
}

impl Status {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Deleted => "deleted",
        }
    }

    /// What the API's word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "initializing" => Some(Self::Initializing),
            "pending" => Some(Self::Pending),
            "active" => Some(Self::Active),
            "deleted" => Some(Self::Deleted),
            _ => None,
        }
    }
}

/// How a zone is set up (`dns-api.json`, `zones.Zone.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// This platform is the primary.
    Full,
    /// Only some names are served here (CNAME setup).
    Partial,
    /// The records come from another primary.
    Secondary,
    /// For internal resolvers only.
    Internal,
}

impl Kind {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::Secondary => "secondary",
            Self::Internal => "internal",
        }
    }

    /// What the API's word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "full" => Some(Self::Full),
            "partial" => Some(Self::Partial),
            "secondary" => Some(Self::Secondary),
            "internal" => Some(Self::Internal),
            _ => None,
        }
    }
}

/// A zone as the API shows one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// The id.
    pub id: PublicId,
    /// The number inside, which the journal and the catalog use.
    pub number: u64,
    /// The apex.
    pub name: Name,
    /// Whose it is.
    pub account_id: PublicId,
    /// What that account is called.
    pub account_name: String,
    /// The tenant of that account.
    pub tenant_id: PublicId,
    /// What the tenant is called.
    pub tenant_name: String,
    /// How it is set up.
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
    /// What it may use.
    pub plan: Plan,
    /// Active because a check saw its delegation, not because somebody said so.
    pub proven: bool,
    /// Its nameservers, in order.
    pub name_servers: Vec<Name>,
    /// How often it has changed.
    pub version: u64,
    /// Records that its owner has made.
    pub records: u64,
    /// Since when.
    pub created: Time,
    /// When the zone itself (not its records) last changed.
    pub modified: Time,
    /// When it became active, if it is.
    pub activated: Option<Time>,
}

/// A zone to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewZone {
    /// The account that will own it.
    pub account: PublicId,
    /// The name, as written.
    pub name: String,
    /// How it is set up.
    pub kind: Kind,
}

/// A change of a zone (PATCH): what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneEdit {
    /// The plan.
    pub plan: Option<Plan>,
    /// Whether traffic passes by the proxy; there is none, so only `false` can be had.
    pub paused: Option<bool>,
    /// How it is set up; only what it is already can be had.
    pub kind: Option<Kind>,
    /// Nameservers of the owner's own; only none can be had.
    pub vanity_name_servers: Option<Vec<String>>,
}

/// What zones are listed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZoneOrder {
    /// The name, in canonical order.
    #[default]
    Name,
    /// The status.
    Status,
    /// The account's id.
    AccountId,
    /// The account's name.
    AccountName,
    /// The plan's id.
    PlanId,
}

/// Which zones a listing shows, and in which order. What is not set filters nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneFilter {
    /// The whole name, in any case, Unicode or not.
    pub name: Option<String>,
    /// The account's id.
    pub account_id: Option<PublicId>,
    /// The account's whole name.
    pub account_name: Option<String>,
    /// The status, as the API writes it; one that no zone has matches none.
    pub status: Option<String>,
    /// The kinds.
    pub kinds: Vec<Kind>,
    /// Zones that meet any of the filters instead of all.
    pub match_any: bool,
    /// The order.
    pub order: ZoneOrder,
    /// From the last to the first.
    pub descending: bool,
}

impl Control {
    /// Makes a zone, pending, with two nameservers.
    pub async fn zone_create(&self, grant: &Grant, new: NewZone) -> Result<Zone, Refusal> {
        let grant = grant.clone();
        self.write(grant.actor(), Action::ZoneCreate, move |tx| {
            let zone = create(tx, &grant, &new)?;
            shown_after(tx, &zone, true)
        })
        .await
    }

    /// The zones that the caller may see.
    pub async fn zone_list(&self, grant: &Grant, filter: ZoneFilter, page: Page) -> Result<Listing<Zone>, Refusal> {
        let grant = grant.clone();
        self.store.read(move |sql| list::list(sql, &grant, &filter, page)).await
    }

    /// The same in canonical order of names, behind the zone of this name and number: for those who want all of many.
    pub async fn zone_list_after(
        &self,
        grant: &Grant,
        filter: ZoneFilter,
        after: Option<(Name, u64)>,
        count: u64,
    ) -> Result<Vec<Zone>, Refusal> {
        let grant = grant.clone();
        self.store
            .read(move |sql| {
                let after = after.as_ref().map(|(name, number)| (name, *number));
                list::list_after(sql, &grant, &filter, after, count)
            })
            .await
    }

    /// One zone.
    pub async fn zone_get(&self, grant: &Grant, id: PublicId) -> Result<Zone, Refusal> {
        let grant = grant.clone();
        self.store
            .read(move |sql| {
                let zone = find(sql, &grant, id, &[Permission::ZoneRead, Permission::DnsRead])?;
                show(sql, zone.number)
            })
            .await
    }

    /// Changes a zone. What is said of it and holds already changes nothing.
    pub async fn zone_edit(&self, grant: &Grant, id: PublicId, change: ZoneEdit) -> Result<Zone, Refusal> {
        let grant = grant.clone();
        self.write(grant.actor(), Action::ZoneEdit, move |tx| {
            let zone = open(tx, &grant, id, Permission::ZoneEdit)?;
            let changed = edit::edit(tx, &zone, &change)?;
            shown_after(tx, &zone, changed)
        })
        .await
    }

    /// Deletes a zone: it is not found any more, and answers nowhere.
    pub async fn zone_delete(&self, grant: &Grant, id: PublicId) -> Result<PublicId, Refusal> {
        let grant = grant.clone();
        self.write(grant.actor(), Action::ZoneDelete, move |tx| {
            let zone = open(tx, &grant, id, Permission::ZoneEdit)?;
            delete(tx, &zone)?;
            Ok(id)
        })
        .await
    }

    /// Gives a zone a status, pending or active; `proven` if our own check has seen its delegation. Another zone of
    /// that name that was active becomes pending in the same step. An operator's call.
    pub async fn zone_set_status(
        &self,
        actor: Actor,
        id: PublicId,
        status: Status,
        proven: bool,
    ) -> Result<Zone, Refusal> {
        self.write(actor, Action::ZoneStatus, move |tx| {
            let zone = open(tx, &Grant::operator(), id, Permission::ZoneEdit)?;
            let changed = set_status(tx, &zone, status, proven)?;
            shown_after(tx, &zone, changed)
        })
        .await
    }
}

/// The zone, for a write, if the grant's owner is a member of its account and has the permission.
pub fn open(tx: &Tx<'_>, grant: &Grant, id: PublicId, permission: Permission) -> Result<ZoneRow, Refusal> {
    find(tx.sql(), grant, id, &[permission])
}

/// The same for reading; any of the permissions will do.
pub(crate) fn find(sql: Sql<'_>, grant: &Grant, id: PublicId, any_of: &[Permission]) -> Result<ZoneRow, Refusal> {
    let text = format!(
        "SELECT {ZONE_COLUMNS} FROM zones z JOIN accounts a ON a.id = z.account_id \
         WHERE z.public_id = ?1 AND z.deleted_at IS NULL AND (?2 IS NULL OR EXISTS \
         (SELECT 1 FROM memberships m WHERE m.user_id = ?2 AND m.account_id = z.account_id))"
    );
    let found = sql.one(&text, params![id, grant.member()], ZoneRow::read)?;
    let zone = found.ok_or(Refusal::NotFound(Noun::Zone))?;
    let mut verdict = Ok(());
    for permission in any_of {
        verdict = grant.require_on_zone(zone.account_id, zone.id, *permission);
        if verdict.is_ok() {
            break;
        }
    }
    verdict.map(|()| zone)
}

/// The live zone of this name that belongs to the platform.
pub(crate) fn of_platform(sql: Sql<'_>, apex: &Name) -> Result<ZoneRow, Refusal> {
    let text = format!(
        "SELECT {ZONE_COLUMNS} FROM zones z JOIN accounts a ON a.id = z.account_id \
         WHERE z.name = ?1 AND z.deleted_at IS NULL AND a.platform = 1"
    );
    sql.one(&text, [apex.sort_key()], ZoneRow::read)?.ok_or(Refusal::NotFound(Noun::Zone))
}

/// Makes a zone in one of the caller's accounts.
pub fn create(tx: &mut Tx<'_>, grant: &Grant, new: &NewZone) -> Result<ZoneRow, Refusal> {
    let account = accounts::open(tx.sql(), grant, new.account, Permission::ZoneEdit)?;
    if new.kind != Kind::Full {
        return Err(Refusal::NotAvailable(format!("zones of type {} cannot be made here", new.kind.as_str())));
    }
    let apex = name_of_new(&tx.shared.brand, &new.name)?;
    let there = "SELECT 1 FROM zones WHERE account_id = ?1 AND name = ?2 AND deleted_at IS NULL";
    if tx.sql().one(there, params![account.number, apex.sort_key()], |_| Ok(()))?.is_some() {
        return Err(Conflict::ZoneExists { name: apex.to_string() }.into());
    }
    let pair = nameservers::pair_for_zone(tx, account.number, account.pair, &apex)?;
    insert(tx, &NewZoneRow { account: account.number, apex: &apex, pair, status: Status::Pending, proven: false })
}

/// The name of a new zone: a domain that does not belong to the platform itself.
pub(crate) fn name_of_new(brand: &Brand, text: &str) -> Result<Name, Refusal> {
    let apex = name::zone_name(text)?;
    match apex.is_at_or_below(&brand.domain) {
        true => Err(Invalid::ZoneNameReserved { name: apex.to_string() }.into()),
        false => Ok(apex),
    }
}

/// A zone to be inserted as it is.
pub(crate) struct NewZoneRow<'n> {
    pub(crate) account: i64,
    pub(crate) apex: &'n Name,
    pub(crate) pair: Pair,
    pub(crate) status: Status,
    pub(crate) proven: bool,
}

/// Inserts a zone, whatever its name, with its nameservers and claims.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &NewZoneRow<'_>) -> Result<ZoneRow, Refusal> {
    let id = PublicId::new(tx.random());
    let serial = serial_before(tx.sql(), new.account, new.apex)?;
    let number = insert_row(tx, new, id, (Version(0), serial), 0)?;
    let zone = ZoneRow::by_number(tx.sql(), number)?.ok_or(Unavailable::Internal)?;
    tx.touch_created(&zone);
    scopes::settle(tx, new.apex)?;
    tx.audit_object(Some(zone.account.0), zone.id);
    Ok(zone)
}

/// Inserts the row of a zone and those of its nameservers.
pub(crate) fn insert_row(
    tx: &mut Tx<'_>,
    new: &NewZoneRow<'_>,
    id: PublicId,
    (version, serial): (Version, Serial),
    record_count: usize,
) -> Result<ZoneNumber, Refusal> {
    let now = tx.now();
    let active_since = (new.status == Status::Active).then_some(now);
    let number = tx.insert_one(
        "INSERT INTO zones (public_id, account_id, name, kind, plan, status, proven, version, serial, \
         publish_number, record_count, ns_ttl, created_at, modified_at, activated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?14)",
        params![
            id,
            new.account,
            new.apex.sort_key(),
            Kind::Full.as_str(),
            PLAN_OF_NEW.as_str(),
            new.status.as_str(),
            new.proven,
            version.0,
            serial.get(),
            publish::NUMBER,
            record_count,
            NS_TTL,
            now,
            active_since
        ],
    )?;
    for (ordinal, nameserver) in [new.pair.0, new.pair.1].into_iter().enumerate() {
        tx.execute(
            "INSERT INTO zone_nameservers (zone_id, ordinal, nameserver_id) VALUES (?1, ?2, ?3)",
            params![number, ordinal, nameserver],
        )?;
    }
    Ok(ZoneNumber(number as u64))
}

/// The newest serial that a zone of this name has had in the account: a zone that is deleted and made again does not
/// fall back behind what its secondaries have seen.
fn serial_before(sql: Sql<'_>, account: i64, apex: &Name) -> Result<Serial, Refusal> {
    let text = "SELECT serial FROM zones WHERE account_id = ?1 AND name = ?2";
    let serials = sql.all(text, params![account, apex.sort_key()], |row| row.get(0).map(Serial::new))?;
    let newer = |one: Serial, other: Serial| if other.is_after(one) { other } else { one };
    Ok(serials.into_iter().reduce(newer).unwrap_or_default())
}

/// Deletes a zone: a status, from which a later one may bring it back; its claims go to others.
pub fn delete(tx: &mut Tx<'_>, zone: &ZoneRow) -> Result<(), Refusal> {
    tx.touch_header(zone.number)?;
    tx.execute(
        "UPDATE zones SET status = ?2, deleted_at = ?3, modified_at = ?3 WHERE id = ?1",
        params![zone.number.0, Status::Deleted.as_str(), tx.now()],
    )?;
    scopes::settle(tx, &zone.apex)?;
    tx.audit_object(Some(zone.account.0), zone.id);
    Ok(())
}

/// Gives a live zone the status pending or active; false: it has it already.
pub fn set_status(tx: &mut Tx<'_>, zone: &ZoneRow, status: Status, proven: bool) -> Result<bool, Refusal> {
    tx.audit_object(Some(zone.account.0), zone.id);
    let proven = proven && status == Status::Active;
    if zone.status == Status::Initializing {
        let why = format!("{} is being filled by an import; import its file again to complete it", zone.apex);
        return Err(Refusal::NotAvailable(why));
    }
    match status {
        Status::Deleted | Status::Initializing => return Err(Invalid::ZoneStatus(status.as_str()).into()),
        _ if zone.status == status && zone.proven == proven => return Ok(false),
        Status::Active => {
            // At most one zone of a name is active; an index holds it.
            let text = "SELECT id FROM zones WHERE name = ?1 AND status = 'active' AND id <> ?2";
            let others: Vec<u64> =
                tx.sql().all(text, params![zone.apex.sort_key(), zone.number.0], |row| row.get(0))?;
            for other in others {
                write_status(tx, ZoneNumber(other), Status::Pending, false)?;
            }
        }
        Status::Pending => {}
    }
    write_status(tx, zone.number, status, proven)?;
    scopes::settle(tx, &zone.apex)?;
    Ok(true)
}

/// Ends the filling of a zone: it is pending, and answers in its scopes. Changes nothing if it was filled before.
pub(crate) fn complete(tx: &mut Tx<'_>, zone: &ZoneRow) -> Result<(), Refusal> {
    if zone.status != Status::Initializing {
        return Ok(());
    }
    write_status(tx, zone.number, Status::Pending, false)?;
    scopes::settle(tx, &zone.apex)
}

fn write_status(tx: &mut Tx<'_>, zone: ZoneNumber, status: Status, proven: bool) -> Result<(), Refusal> {
    tx.touch_header(zone)?;
    let now = tx.now();
    tx.execute(
        "UPDATE zones SET status = ?2, proven = ?3, modified_at = ?4, \
         activated_at = CASE WHEN ?5 THEN COALESCE(activated_at, ?4) ELSE NULL END WHERE id = ?1",
        params![zone.0, status.as_str(), proven, now, status == Status::Active],
    )?;
    Ok(())
}

/// A zone as the API shows it.
pub(crate) fn show(sql: Sql<'_>, number: ZoneNumber) -> Result<Zone, Refusal> {
    let text = format!("SELECT {ZONE_COLUMNS}, {FURTHER_COLUMNS} FROM {SHOWN_TABLES} WHERE z.id = ?1");
    let mut zone = sql.one(&text, [number.0], read_shown)?.ok_or(Refusal::NotFound(Noun::Zone))?;
    add_nameservers(sql, &mut zone)?;
    Ok(zone)
}

/// The same inside a write that has `changed` it: the version moves when the write ends.
fn shown_after(tx: &Tx<'_>, zone: &ZoneRow, changed: bool) -> Result<Zone, Refusal> {
    let shown = show(tx.sql(), zone.number)?;
    Ok(Zone { version: zone.version.0 + u64::from(changed), ..shown })
}

/// What a zone as shown has beside its own columns.
const FURTHER_COLUMNS: &str = "a.name, t.public_id, t.name";
const SHOWN_TABLES: &str = "zones z JOIN accounts a ON a.id = z.account_id JOIN tenants t ON t.id = a.tenant_id";

fn read_shown(row: &Row<'_>) -> rusqlite::Result<Zone> {
    let zone = ZoneRow::read(row)?;
    Ok(Zone {
        id: zone.id,
        number: zone.number.0,
        name: zone.apex,
        account_id: zone.account_id,
        account_name: row.get(ZONE_COLUMN_COUNT)?,
        tenant_id: row.get(ZONE_COLUMN_COUNT + 1)?,
        tenant_name: row.get(ZONE_COLUMN_COUNT + 2)?,
        kind: zone.kind,
        status: zone.status,
        plan: zone.plan,
        proven: zone.proven,
        name_servers: Vec::new(),
        version: zone.version.0,
        records: zone.record_count,
        created: zone.created,
        modified: zone.modified,
        activated: zone.activated,
    })
}

fn add_nameservers(sql: Sql<'_>, zone: &mut Zone) -> Result<(), Refusal> {
    zone.name_servers = sql.all(
        "SELECT n.name FROM zone_nameservers zn JOIN nameservers n ON n.id = zn.nameserver_id \
         WHERE zn.zone_id = ?1 ORDER BY zn.ordinal",
        [zone.number],
        |row| name_at(row, 0),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
