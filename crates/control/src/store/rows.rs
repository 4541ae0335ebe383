//! Rows of zones and records: how they are read and written, and what of them a journal entry says.

use rusqlite::{Row, Statement, params};
use serde::Serialize;
use serde_json::{Map, Value};
use waymark_wire::{Name, Rdata, RecordType, Serial};
use waymark_zone::published::{AccountNumber, ScopeId, Version, ZoneNumber};

use super::Sql;
use super::bulk::type_text;
use crate::error::Refusal;
use crate::plans::Plan;
use crate::zones::{Kind, Status};
use crate::{PublicId, Time};

/// A zone's own row: what the rules need when its records change. Read inside a write, and of no use after it.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneRow {
    pub(crate) number: ZoneNumber,
    pub(crate) id: PublicId,
    pub(crate) account: AccountNumber,
    pub(crate) account_id: PublicId,
    pub(crate) apex: Name,
    pub(crate) kind: Kind,
    pub(crate) plan: Plan,
    pub(crate) status: Status,
    pub(crate) proven: bool,
    pub(crate) version: Version,
    pub(crate) serial: Serial,
    pub(crate) record_count: u64,
    pub(crate) soa: SoaOverrides,
    pub(crate) ns_ttl: u32,
    pub(crate) created: Time,
    pub(crate) modified: Time,
    pub(crate) activated: Option<Time>,
    pub(crate) deleted: Option<Time>,
}

/// What an owner has set of the SOA record; the rest is the platform's default.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct SoaOverrides {
    pub(crate) mname: Option<Name>,
    pub(crate) rname: Option<Name>,
    pub(crate) refresh: Option<u32>,
    pub(crate) retry: Option<u32>,
    pub(crate) expire: Option<u32>,
    pub(crate) minimum: Option<u32>,
    pub(crate) ttl: Option<u32>,
}

/// A zone with everything that its header is made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FullZone {
    pub(crate) row: ZoneRow,
    /// In order; the first is the primary of the SOA record.
    pub(crate) nameservers: Vec<Name>,
    /// Sorted.
    pub(crate) scopes: Vec<ScopeId>,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RecordRow {
    pub(crate) id: PublicId,
    #[serde(serialize_with = "as_text")]
    pub(crate) name: Name,
    #[serde(rename = "type", serialize_with = "as_text")]
    pub(crate) record_type: RecordType,
    pub(crate) content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<u16>,
    #[serde(skip)]
    pub(crate) rdata: Rdata,
    pub(crate) ttl: u32,
    pub(crate) proxied: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) settings: Map<String, Value>,
    pub(crate) created: Time,
    pub(crate) modified: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comment_modified: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tags_modified: Option<Time>,
}

fn as_text<S: serde::Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// The columns of a zone, for queries that name the tables `zones z` and `accounts a`.
pub(crate) const ZONE_COLUMNS: &str = "z.id, z.public_id, z.account_id, a.public_id, z.name, z.kind, z.plan, \
    z.status, z.proven, z.version, z.serial, z.record_count, z.soa_mname, z.soa_rname, z.soa_refresh, z.soa_retry, \
    z.soa_expire, z.soa_minimum, z.soa_ttl, z.ns_ttl, z.created_at, z.modified_at, z.activated_at, z.deleted_at";
/// How many they are: further columns of a query follow them.
pub(crate) const ZONE_COLUMN_COUNT: usize = 24;

/// A literal, so that it can be part of another.
macro_rules! record_columns {
    () => {
        "public_id, name, type, content, priority, rdata, ttl, proxied, comment, tags, settings, created_at, \
         modified_at, comment_modified_at, tags_modified_at"
    };
}

/// The columns of a record, in the order of [`RecordRow::read`].
pub(crate) const RECORD_COLUMNS: &str = record_columns!();
/// How many they are: further columns of a query follow them.
pub(crate) const RECORD_COLUMN_COUNT: usize = 15;

impl ZoneRow {
    /// Reads [`ZONE_COLUMNS`].
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: ZoneNumber(row.get(0)?),
            id: row.get(1)?,
            account: AccountNumber(row.get(2)?),
            account_id: row.get(3)?,
            apex: name_at(row, 4)?,
            kind: word_at(row, 5, Kind::from_word)?,
            plan: word_at(row, 6, Plan::from_word)?,
            status: word_at(row, 7, Status::from_word)?,
            proven: row.get(8)?,
            version: Version(row.get(9)?),
            serial: Serial::new(row.get(10)?),
            record_count: row.get(11)?,
            soa: SoaOverrides {
                mname: optional_name_at(row, 12)?,
                rname: optional_name_at(row, 13)?,
                refresh: row.get(14)?,
                retry: row.get(15)?,
                expire: row.get(16)?,
                minimum: row.get(17)?,
                ttl: row.get(18)?,
            },
            ns_ttl: row.get(19)?,
            created: row.get(20)?,
            modified: row.get(21)?,
            activated: row.get(22)?,
            deleted: row.get(23)?,
        })
    }

    /// The zone of this number, deleted or not.
    pub(crate) fn by_number(sql: Sql<'_>, number: ZoneNumber) -> Result<Option<Self>, Refusal> {
        sql.one(&by_number_text(), [number.0], Self::read)
    }

    /// The public id.
    pub fn id(&self) -> PublicId {
        self.id
    }

    /// The number inside, as the journal names the zone.
    pub fn number(&self) -> ZoneNumber {
        self.number
    }

    /// The apex.
    pub fn apex(&self) -> &Name {
        &self.apex
    }
}

fn by_number_text() -> String {
    format!("SELECT {ZONE_COLUMNS} FROM zones z JOIN accounts a ON a.id = z.account_id WHERE z.id = ?1")
}

impl FullZone {
    /// The zone of this number, deleted or not, with nameservers and scopes.
    pub(crate) fn by_number(sql: Sql<'_>, number: ZoneNumber) -> Result<Option<Self>, Refusal> {
        let Some(row) = ZoneRow::by_number(sql, number)? else { return Ok(None) };
        let nameservers = sql.all(
            "SELECT n.name FROM zone_nameservers zn JOIN nameservers n ON n.id = zn.nameserver_id \
             WHERE zn.zone_id = ?1 ORDER BY zn.ordinal",
            [number.0],
            |row| name_at(row, 0),
        )?;
        let scopes =
            sql.all("SELECT scope_id FROM claims WHERE zone_id = ?1 ORDER BY scope_id", [number.0], |row| {
                row.get(0).map(ScopeId)
            })?;
        Ok(Some(Self { row, nameservers, scopes }))
    }

    /// What a journal entry says of the zone itself, in words.
    pub(crate) fn to_intent(&self) -> Value {
        let row = &self.row;
        let text = |name: &Option<Name>| name.as_ref().map(Name::to_string);
        serde_json::json!({
            "id": row.id, "name": row.apex.to_string(), "account": row.account_id, "type": row.kind.as_str(),
            "plan": row.plan.as_str(), "status": row.status.as_str(), "proven": row.proven,
            "nameservers": self.nameservers.iter().map(Name::to_string).collect::<Vec<_>>(),
            "scopes": self.scopes.iter().map(|scope| scope.0).collect::<Vec<_>>(),
            "soa": {
                "mname": text(&row.soa.mname), "rname": text(&row.soa.rname), "refresh": row.soa.refresh,
                "retry": row.soa.retry, "expire": row.soa.expire, "minimum": row.soa.minimum, "ttl": row.soa.ttl,
            },
            "ns_ttl": row.ns_ttl, "created": row.created, "modified": row.modified, "activated": row.activated,
            "deleted": row.deleted,
        })
    }
}

impl RecordRow {
    /// Reads [`RECORD_COLUMNS`].
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let record_type = word_at(row, 2, RecordType::from_mnemonic)?;
        let rdata = Rdata::from_wire(record_type, row.get_ref(5)?.as_blob()?).map_err(|error| unreadable(5, error))?;
        Ok(Self {
            id: row.get(0)?,
            name: name_at(row, 1)?,
            record_type,
            content: row.get(3)?,
            priority: row.get(4)?,
            rdata,
            ttl: row.get(6)?,
            proxied: row.get(7)?,
            comment: row.get(8)?,
            tags: json_at(row, 9)?,
            settings: json_at(row, 10)?,
            created: row.get(11)?,
            modified: row.get(12)?,
            comment_modified: row.get(13)?,
            tags_modified: row.get(14)?,
        })
    }

    /// The records of one owner name.
    pub(crate) fn at_name(sql: Sql<'_>, zone: ZoneNumber, name: &Name) -> Result<Vec<Self>, Refusal> {
        const TEXT: &str =
            concat!("SELECT ", record_columns!(), " FROM records WHERE zone_id = ?1 AND name = ?2 ORDER BY id");
        sql.all(TEXT, params![zone.0, name.sort_key()], Self::read)
    }

    /// Inserts a row. The key is the table's own business: asking for it would make SQLite keep a statement journal.
    pub(crate) const INSERT: &str = "INSERT INTO records (public_id, zone_id, name, type, content, priority, rdata, \
         ttl, proxied, comment, tags, settings, created_at, modified_at, comment_modified_at, tags_modified_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

    /// Inserts the row.
    pub(crate) fn insert(&self, sql: Sql<'_>, zone: ZoneNumber) -> Result<(), Refusal> {
        self.insert_with(&mut *sql.0.prepare_cached(Self::INSERT)?, zone, &self.name.sort_key())
    }

    /// Inserts the row with [`Self::INSERT`]; `key` is the sort key of its name.
    pub(crate) fn insert_with(
        &self,
        statement: &mut Statement<'_>,
        zone: ZoneNumber,
        key: &[u8],
    ) -> Result<(), Refusal> {
        statement.execute(params![
            self.id,
            zone.0,
            key,
            type_text(self.record_type),
            self.content,
            self.priority,
            self.rdata.wire(),
            self.ttl,
            self.proxied,
            self.comment,
            tags_text(&self.tags),
            settings_text(&self.settings),
            self.created,
            self.modified,
            self.comment_modified,
            self.tags_modified,
        ])?;
        Ok(())
    }

    /// Takes the row with this id away.
    pub(crate) fn delete(&self, sql: Sql<'_>, zone: ZoneNumber) -> Result<(), Refusal> {
        sql.execute("DELETE FROM records WHERE zone_id = ?1 AND public_id = ?2", params![zone.0, self.id])?;
        Ok(())
    }

    /// Writes the row over the one with its id; owner, type and all.
    pub(crate) fn update(&self, sql: Sql<'_>, zone: ZoneNumber) -> Result<(), Refusal> {
        sql.execute(
            "UPDATE records SET name = ?2, type = ?3, content = ?4, priority = ?5, rdata = ?6, ttl = ?7, \
             proxied = ?8, comment = ?9, tags = ?10, settings = ?11, modified_at = ?12, comment_modified_at = ?13, \
             tags_modified_at = ?14 WHERE zone_id = ?15 AND public_id = ?1",
            params![
                self.id,
                self.name.sort_key(),
                self.record_type.to_string(),
                self.content,
                self.priority,
                self.rdata.wire(),
                self.ttl,
                self.proxied,
                self.comment,
                tags_text(&self.tags),
                settings_text(&self.settings),
                self.modified,
                self.comment_modified,
                self.tags_modified,
                zone.0,
            ],
        )?;
        Ok(())
    }

    /// Whether two records say the same, whoever wrote them and when.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.rdata == other.rdata
            && self.content == other.content
            && self.ttl == other.ttl
            && self.proxied == other.proxied
            && self.comment == other.comment
            && self.tags == other.tags
            && self.settings == other.settings
    }
}

fn tags_text(tags: &[String]) -> Option<String> {
    (!tags.is_empty()).then(|| Value::from(tags).to_string())
}

fn settings_text(settings: &Map<String, Value>) -> Option<String> {
    (!settings.is_empty()).then(|| serde_json::to_string(settings).unwrap_or_default())
}

/// A name kept as its sort key.
pub(crate) fn name_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Name> {
    Name::from_sort_key(row.get_ref(column)?.as_blob()?).map_err(|error| unreadable(column, error))
}

fn optional_name_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Name>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => name_at(row, column).map(Some),
    }
}

/// A word of a closed list.
pub(crate) fn word_at<T>(row: &Row<'_>, column: usize, read: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T> {
    let word = row.get_ref(column)?.as_str()?;
    read(word).ok_or_else(|| unreadable(column, format!("unknown word {word:?}")))
}

/// A JSON text; NULL is the empty value.
pub(crate) fn json_at<T: serde::de::DeserializeOwned + Default>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    match row.get_ref(column)?.as_str_or_null()? {
        None => Ok(T::default()),
        Some(text) => serde_json::from_str(text).map_err(|error| unreadable(column, error)),
    }
}

fn unreadable(column: usize, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, error.into())
}
