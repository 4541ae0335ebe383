//! Who is asking, and what they may do: users, memberships of accounts, and the grant that a credential gives.
//!
//! A [`Grant`] is made when a request is authenticated and handed to every function that acts for somebody. Which
//! accounts its owner is a member of is asked of the store each time, so that a membership that ends, ends at once.
//!
//! Another's object is not found; one's own without the permission is denied (DESIGN, "Compatibility contract").

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use crate::error::{Conflict, Credential, Invalid, Noun, Refusal};
use crate::random::hex_text;
use crate::store::{Sql, Tx};
use crate::tokens::{KEY_LENGTH, hash, same_hash};
use crate::{Action, Control, PublicId, Time};

/// The longest email address (RFC 5321 section 4.5.3.1.3, less the angle brackets).
const EMAIL_OCTETS_MAX: usize = 254;

/// What a permission group of the API allows, as far as it is used here. A write permission includes its read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// See zones.
    ZoneRead,
    /// Make, change and delete zones.
    ZoneEdit,
    /// See DNS records.
    DnsRead,
    /// Make, change and delete DNS records.
    DnsEdit,
    /// See the account.
    AccountRead,
    /// Change the account.
    AccountEdit,
    /// See one's own user.
    UserRead,
    /// Change one's own user.
    UserEdit,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 8] = [
        Self::ZoneRead,
        Self::ZoneEdit,
        Self::DnsRead,
        Self::DnsEdit,
        Self::AccountRead,
        Self::AccountEdit,
        Self::UserRead,
        Self::UserEdit,
    ];

    /// The name of the permission group.
    pub fn group_name(self) -> &'static str {
        match self {
            Self::ZoneRead => "Zone Read",
            Self::ZoneEdit => "Zone Write",
            Self::DnsRead => "DNS Read",
            Self::DnsEdit => "DNS Write",
            Self::AccountRead => "Account Settings Read",
            Self::AccountEdit => "Account Settings Write",
            Self::UserRead => "User Details Read",
            Self::UserEdit => "User Details Write",
        }
    }

    /// Whether who has `self` may do what needs `needed`.
    pub fn includes(self, needed: Self) -> bool {
        self == needed
            || matches!(
                (self, needed),
                (Self::ZoneEdit, Self::ZoneRead)
                    | (Self::DnsEdit, Self::DnsRead)
                    | (Self::AccountEdit, Self::AccountRead)
                    | (Self::UserEdit, Self::UserRead)
            )
    }
}

/// What a policy of a token is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resource {
    /// The token's user.
    User,
    /// Every account that the owner is a member of, and their zones.
    AllAccounts,
    /// One account and its zones.
    Account(PublicId),
    /// Every zone of the owner's accounts.
    AllZones,
    /// One zone.
    Zone(PublicId),
}

/// Permissions on resources, as a token carries them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// What is allowed.
    pub permissions: Vec<Permission>,
    /// On what.
    pub resources: Vec<Resource>,
}

impl Policy {
    /// Everything that the owner may do.
    pub fn everything() -> Self {
        Self { permissions: Permission::ALL.to_vec(), resources: vec![Resource::User, Resource::AllAccounts] }
    }

    fn allows(&self, permission: Permission) -> bool {
        self.permissions.iter().any(|own| own.includes(permission))
    }
}

/// Who is behind a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The operator of the installation: sees and may do everything.
    Operator,
    /// A user.
    User {
        /// The key inside.
        number: i64,
        /// The id outside.
        id: PublicId,
    },
}

/// What somebody may do. Made by authentication, or by [`Grant::operator`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub(crate) owner: Owner,
    /// None: everything that the owner may do.
    pub(crate) policies: Option<Vec<Policy>>,
    pub(crate) token: Option<PublicId>,
}

impl Grant {
    /// The grant of whoever operates this installation (the CLI, tests): every object, every permission.
    pub fn operator() -> Self {
        Self { owner: Owner::Operator, policies: None, token: None }
    }

    /// Who is behind it.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// The token it came from, if it was one.
    pub fn token(&self) -> Option<PublicId> {
        self.token
    }

    /// Whom audit and journal name.
    pub fn actor(&self) -> Actor {
        match (self.token, self.owner) {
            (Some(token), _) => Actor::Token(token),
            (None, Owner::User { id, .. }) => Actor::User(id),
            (None, Owner::Operator) => Actor::Operator,
        }
    }

    /// Denied unless the permission is granted on any resource at all. Functions that act on one object check that
    /// object themselves; this is for routes that have none.
    pub fn require(&self, permission: Permission) -> Result<(), Refusal> {
        self.check(permission, |_| true)
    }

    /// Denied unless the permission is granted on the user behind this grant.
    pub fn require_on_user(&self, permission: Permission) -> Result<(), Refusal> {
        self.check(permission, |resource| matches!(resource, Resource::User))
    }

    /// Denied unless the permission is granted on the account. Does not ask whether the owner is a member.
    pub fn require_on_account(&self, account: PublicId, permission: Permission) -> Result<(), Refusal> {
        self.check(permission, |resource| match resource {
            Resource::AllAccounts => true,
            Resource::Account(id) => *id == account,
            _ => false,
        })
    }

    /// Denied unless the permission is granted on the zone. Does not ask whether the owner is a member of its account.
    pub fn require_on_zone(&self, account: PublicId, zone: PublicId, permission: Permission) -> Result<(), Refusal> {
        self.check(permission, |resource| match resource {
            Resource::AllAccounts | Resource::AllZones => true,
            Resource::Account(id) => *id == account,
            Resource::Zone(id) => *id == zone,
            Resource::User => false,
        })
    }

    fn check(&self, permission: Permission, covers: impl Fn(&Resource) -> bool) -> Result<(), Refusal> {
        let Some(policies) = &self.policies else { return Ok(()) };
        let granted = policies.iter().any(|policy| policy.allows(permission) && policy.resources.iter().any(&covers));
        if granted { Ok(()) } else { Err(Refusal::Denied(permission)) }
    }

    /// The resources on which any of the permissions is granted; none: everything.
    pub(crate) fn resources(&self, any_of: &[Permission]) -> Option<Vec<Resource>> {
        let policies = self.policies.as_ref()?;
        let granted = policies.iter().filter(|policy| any_of.iter().any(|permission| policy.allows(*permission)));
        Some(granted.flat_map(|policy| policy.resources.iter().copied()).collect())
    }

    /// The key of the user whose memberships count; none for the operator, who needs none.
    pub(crate) fn member(&self) -> Option<i64> {
        match self.owner {
            Owner::Operator => None,
            Owner::User { number, .. } => Some(number),
        }
    }
}

/// Whom audit and journal name as the one who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The operator of the installation.
    Operator,
    /// The program itself.
    System,
    /// A user, by the global key.
    User(PublicId),
    /// A token.
    Token(PublicId),
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::System => f.write_str("system"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Token(id) => write!(f, "token:{id}"),
        }
    }
}

/// A user as the API shows one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: PublicId,
    /// The email address, in lower case.
    pub email: String,
    /// Since when.
    pub created: Time,
}

impl Control {
    /// The user behind the grant. The operator is none.
    pub async fn user(&self, grant: &Grant) -> Result<User, Refusal> {
        grant.require_on_user(Permission::UserRead)?;
        let number = grant.member().ok_or(Refusal::NotFound(Noun::User))?;
        let found = self.store.read(move |sql| {
            let text = "SELECT public_id, email, created_at FROM users WHERE id = ?1";
            sql.one(text, [number], read_user)
        });
        found.await?.ok_or(Refusal::NotFound(Noun::User))
    }

    /// Makes a user; gives the global key, which is shown this once. An operator's call.
    pub async fn user_create(&self, actor: Actor, email: &str) -> Result<(User, String), Refusal> {
        let email = email.to_owned();
        self.write(actor, Action::UserCreate, move |tx| create_user(tx, &email).map(|(_, user, key)| (user, key))).await
    }

    /// What the email address and its global key grant: everything that the user may do.
    pub async fn authenticate_key(&self, email: &str, key: &str) -> Result<Grant, Refusal> {
        let (email, key) = (email.trim().to_lowercase(), hash(key));
        let found = self.store.read(move |sql| {
            sql.one("SELECT id, public_id, key_hash FROM users WHERE email = ?1", [email], |row| {
                Ok((Owner::User { number: row.get(0)?, id: row.get(1)? }, row.get::<_, [u8; 32]>(2)?))
            })
        });
        match found.await? {
            Some((owner, stored)) if same_hash(&stored, &key) => Ok(Grant { owner, policies: None, token: None }),
            _ => Err(Refusal::Unauthenticated(Credential::Key)),
        }
    }
}

/// Makes a user with a new global key.
pub(crate) fn create_user(tx: &mut Tx<'_>, email: &str) -> Result<(i64, User, String), Refusal> {
    let email = email.trim().to_lowercase();
    let parts = email.split_once('@').filter(|(local, host)| !local.is_empty() && !host.is_empty());
    if parts.is_none()
        || email.len() > EMAIL_OCTETS_MAX
        || email.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return Err(Invalid::Email(email).into());
    }
    if user_by_email(tx.sql(), &email)?.is_some() {
        return Err(Conflict::UserExists { email }.into());
    }
    let key = hex_text(tx.random(), KEY_LENGTH);
    let user = User { id: PublicId::new(tx.random()), email, created: tx.now() };
    let number = tx.insert(
        "INSERT INTO users (public_id, email, key_hash, created_at) VALUES (?1, ?2, ?3, ?4) RETURNING id",
        params![user.id, user.email, hash(&key), user.created],
    )?;
    tx.audit_object(None, user.id);
    Ok((number, user, key))
}

/// The key and id of the user with this email address.
pub(crate) fn user_by_email(sql: Sql<'_>, email: &str) -> Result<Option<(i64, PublicId)>, Refusal> {
    let text = "SELECT id, public_id FROM users WHERE email = ?1";
    sql.one(text, [email.trim().to_lowercase()], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn read_user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User { id: row.get(0)?, email: row.get(1)?, created: row.get(2)? })
}
