//! Accounts: who owns zones. An account belongs to the tenant, and users are its members.

use rusqlite::types::Value;
use rusqlite::{Row, params, params_from_iter};

use crate::error::{Invalid, Noun, Refusal};
use crate::identity::{Grant, Permission, Resource, user_by_email};
use crate::nameservers::{self, Pair};
use crate::store::{Sql, Tx};
use crate::{Action, Actor, Control, Listing, Page, PublicId, Time};

/// The longest name of an account, in characters (`dns-api.json`, `accounts.Account`).
const NAME_CHARACTERS_MAX: usize = 100;

/// An account as the API shows one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The id.
    pub id: PublicId,
    /// What it is called.
    pub name: String,
    /// The API's type: `standard` or `enterprise`.
    pub kind: String,
    /// Since when.
    pub created: Time,
}

/// Which accounts a listing shows; nothing set shows all that the caller may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// The whole name.
    pub name: Option<String>,
    /// From the last name to the first.
    pub descending: bool,
}

/// An account to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// What it is called: 1 to 100 characters, none of them a control character.
    pub name: String,
    /// The email address of the user who becomes its member, if any.
    pub member: Option<String>,
}

/// What the rules need of an account.
#[derive(Clone, Debug)]
pub(crate) struct AccountRow {
    pub(crate) number: i64,
    pub(crate) account: Account,
    /// The default pair of nameservers.
    pub(crate) pair: Pair,
}

const COLUMNS: &str = "a.id, a.public_id, a.name, a.kind, a.created_at, a.first_nameserver_id, a.second_nameserver_id";

impl AccountRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            account: Account { id: row.get(1)?, name: row.get(2)?, kind: row.get(3)?, created: row.get(4)? },
            pair: (row.get(5)?, row.get(6)?),
        })
    }
}

impl Control {
    /// The accounts that the caller may see, by name; none if the credential has no permission on any.
    pub async fn account_list(
        &self,
        grant: &Grant,
        filter: AccountFilter,
        page: Page,
    ) -> Result<Listing<Account>, Refusal> {
        let grant = grant.clone();
        self.store.read(move |sql| list(sql, &grant, &filter, page)).await
    }

    /// One account.
    pub async fn account_get(&self, grant: &Grant, id: PublicId) -> Result<Account, Refusal> {
        let grant = grant.clone();
        self.store.read(move |sql| Ok(open(sql, &grant, id, Permission::AccountRead)?.account)).await
    }

    /// Makes an account. An operator's call.
    pub async fn account_create(&self, actor: Actor, new: NewAccount) -> Result<Account, Refusal> {
        self.write(actor, Action::AccountCreate, move |tx| create(tx, &new).map(|row| row.account)).await
    }

    /// Gives an account another name. An operator's call.
    pub async fn account_rename(&self, actor: Actor, id: PublicId, name: String) -> Result<Account, Refusal> {
        self.write(actor, Action::AccountEdit, move |tx| {
            let row = open(tx.sql(), &Grant::operator(), id, Permission::AccountEdit)?;
            let name = checked_name(&name)?;
            tx.execute("UPDATE accounts SET name = ?1 WHERE id = ?2", params![name, row.number])?;
            tx.audit_object(Some(row.number as u64), id);
            Ok(Account { name, ..row.account })
        })
        .await
    }
}

/// The account, if the grant's owner is a member of it and has the permission.
pub(crate) fn open(sql: Sql<'_>, grant: &Grant, id: PublicId, permission: Permission) -> Result<AccountRow, Refusal> {
    let text = format!(
        "SELECT {COLUMNS} FROM accounts a WHERE a.public_id = ?1 AND (?2 IS NULL OR EXISTS \
         (SELECT 1 FROM memberships m WHERE m.user_id = ?2 AND m.account_id = a.id))"
    );
    let found = sql.one(&text, params![id, grant.member()], AccountRow::read)?;
    let account = found.ok_or(Refusal::NotFound(Noun::Account))?;
    grant.require_on_account(id, permission)?;
    Ok(account)
}

/// Makes an account of the first tenant, with a random default pair of nameservers, and its first member.
pub(crate) fn create(tx: &mut Tx<'_>, new: &NewAccount) -> Result<AccountRow, Refusal> {
    let member = match &new.member {
        Some(email) => Some(user_by_email(tx.sql(), email)?.ok_or(Refusal::NotFound(Noun::User))?),
        None => None,
    };
    let pair = nameservers::random_pair(tx)?;
    let row = insert(tx, &new.name, false, pair)?;
    if let Some((user, _)) = member {
        tx.execute(
            "INSERT INTO memberships (user_id, account_id, created_at) VALUES (?1, ?2, ?3)",
            params![user, row.number, tx.now()],
        )?;
    }
    tx.audit_object(Some(row.number as u64), row.account.id);
    Ok(row)
}

fn checked_name(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARACTERS_MAX || name.chars().any(char::is_control) {
        return Err(Invalid::AccountName.into());
    }
    Ok(name.to_owned())
}

/// Inserts an account; `platform` marks the platform's own.
pub(crate) fn insert(tx: &mut Tx<'_>, name: &str, platform: bool, pair: Pair) -> Result<AccountRow, Refusal> {
    let name = checked_name(name)?;
    let tenant: Option<i64> = tx.sql().one("SELECT id FROM tenants ORDER BY id LIMIT 1", [], |row| row.get(0))?;
    let tenant = tenant.ok_or(Refusal::NotFound(Noun::Tenant))?;
    let account = Account { id: PublicId::new(tx.random()), name, kind: "standard".to_owned(), created: tx.now() };
    let number = tx.insert(
        "INSERT INTO accounts (public_id, tenant_id, name, kind, platform, first_nameserver_id, second_nameserver_id, \
         created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
        params![account.id, tenant, account.name, account.kind, platform, pair.0, pair.1, account.created],
    )?;
    Ok(AccountRow { number, account, pair })
}

fn list(sql: Sql<'_>, grant: &Grant, filter: &AccountFilter, page: Page) -> Result<Listing<Account>, Refusal> {
    let mut conditions = vec!["a.platform = 0".to_owned()];
    let mut values: Vec<Value> = Vec::new();
    if let Some(user) = grant.member() {
        values.push(user.into());
        conditions.push("a.id IN (SELECT m.account_id FROM memberships m WHERE m.user_id = ?)".to_owned());
    }
    if let Some(resources) = grant.resources(&[Permission::AccountRead])
        && !resources.contains(&Resource::AllAccounts)
    {
        let ids = resources.iter().filter_map(|resource| match resource {
            Resource::Account(id) => Some(Value::from(id.0.to_vec())),
            _ => None,
        });
        let before = values.len();
        values.extend(ids);
        conditions.push(match values.len() - before {
            0 => "1 = 0".to_owned(),
            count => format!("a.public_id IN ({})", vec!["?"; count].join(", ")),
        });
    }
    if let Some(name) = &filter.name {
        values.push(name.clone().into());
        conditions.push("a.name = ?".to_owned());
    }
    let condition = conditions.join(" AND ");
    let direction = if filter.descending { "DESC" } else { "ASC" };
    let total = sql.number(
        &format!("SELECT count(*) FROM accounts a WHERE {condition}"),
        params_from_iter(values.iter().cloned()),
    )?;
    values.extend(page.limit_and_offset());
    let text = format!(
        "SELECT {COLUMNS} FROM accounts a WHERE {condition} ORDER BY a.name {direction}, a.id {direction} LIMIT ? OFFSET ?"
    );
    let rows = sql.all(&text, params_from_iter(values), AccountRow::read)?;
    Ok(Listing { items: rows.into_iter().map(|row| row.account).collect(), total })
}
