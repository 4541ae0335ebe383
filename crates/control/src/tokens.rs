//! API tokens and global keys: made here, shown once, and kept only as SHA-256.
//!
//! A secret has more than 140 random bits, so that one round of a fast hash is enough: there is nothing to guess.

use rusqlite::{Row, params};
use sha2::{Digest, Sha256};

use crate::error::{Credential, Noun, Refusal, Unavailable};
use crate::identity::{Grant, Owner, Policy, user_by_email};
use crate::random::token_text;
use crate::store::{Tx, json_at};
use crate::{Action, Actor, Control, PublicId, Time};

/// Characters of a token.
pub(crate) const TOKEN_LENGTH: usize = 40;
/// Hex digits of a global key.
pub(crate) const KEY_LENGTH: usize = 37;

/// What the API says of a token that is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenStatus {
    /// The token's id.
    pub id: PublicId,
    /// Whether it can be used.
    pub status: TokenState,
    /// When it ends, if ever.
    pub expires_on: Option<Time>,
    /// When it begins, if later than its making.
    pub not_before: Option<Time>,
}

/// Whether a token can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// It can.
    Active,
    /// It was switched off.
    Disabled,
    /// Its time is over.
    Expired,
}

impl TokenState {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
        }
    }
}

/// A token to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// The email address of the user whose token it is.
    pub user: String,
    /// What it is called.
    pub name: String,
    /// What it allows.
    pub policies: Vec<Policy>,
    /// When it begins, if not at once.
    pub not_before: Option<Time>,
    /// When it ends, if ever.
    pub expires_on: Option<Time>,
}

/// A token just made. Its secret is shown this once.
#[derive(Clone, PartialEq, Eq)]
pub struct CreatedToken {
    /// The id.
    pub id: PublicId,
    /// The secret.
    pub token: String,
}

/// A token in a list. Its secret is not known any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The id.
    pub id: PublicId,
    /// What it is called.
    pub name: String,
    /// The email address of its user.
    pub user: String,
    /// Whether it can be used.
    pub status: TokenState,
    /// When it was made.
    pub created: Time,
    /// When it ends, if ever.
    pub expires_on: Option<Time>,
    /// What it allows.
    pub policies: Vec<Policy>,
}

impl Control {
    /// What a bearer token grants.
    pub async fn authenticate_token(&self, token: &str) -> Result<Grant, Refusal> {
        let now = self.store.shared.clock.now();
        let found = self.find_token(token).await?;
        let begun = found.not_before.is_none_or(|begin| begin <= now);
        match found.state(now) {
            TokenState::Active if begun => {
                Ok(Grant { owner: found.owner, policies: Some(found.policies), token: Some(found.id) })
            }
            _ => Err(Refusal::Unauthenticated(Credential::Token)),
        }
    }

    /// Whether a token can be used; unauthenticated if there is none like it.
    pub async fn token_verify(&self, token: &str) -> Result<TokenStatus, Refusal> {
        let found = self.find_token(token).await?;
        Ok(TokenStatus {
            id: found.id,
            status: found.state(self.store.shared.clock.now()),
            expires_on: found.expires_on,
            not_before: found.not_before,
        })
    }

    /// Makes a token for a user. An operator's call.
    pub async fn token_create(&self, actor: Actor, new: NewToken) -> Result<CreatedToken, Refusal> {
        self.write(actor, Action::TokenCreate, move |tx| {
            let (user, _) = user_by_email(tx.sql(), &new.user)?.ok_or(Refusal::NotFound(Noun::User))?;
            create(tx, user, &new)
        })
        .await
    }

    /// Every token of every user, the oldest first. An operator's call.
    pub async fn token_list(&self) -> Result<Vec<Token>, Refusal> {
        let now = self.store.shared.clock.now();
        self.store
            .read(move |sql| {
                sql.all(
                    "SELECT t.public_id, t.name, u.email, t.disabled, t.expires_at, t.created_at, t.policies \
                     FROM tokens t JOIN users u ON u.id = t.user_id ORDER BY t.id",
                    [],
                    |row| {
                        let expires_on = row.get(4)?;
                        Ok(Token {
                            id: row.get(0)?,
                            name: row.get(1)?,
                            user: row.get(2)?,
                            status: state(row.get(3)?, expires_on, now),
                            created: row.get(5)?,
                            expires_on,
                            policies: json_at(row, 6)?,
                        })
                    },
                )
            })
            .await
    }

    /// Deletes a token: whoever has it has nothing from then on. An operator's call.
    pub async fn token_delete(&self, actor: Actor, id: PublicId) -> Result<(), Refusal> {
        self.write(actor, Action::TokenDelete, move |tx| {
            one_token(tx, id)?;
            tx.execute("DELETE FROM tokens WHERE public_id = ?1", params![id])?;
            tx.audit_object(None, id);
            Ok(())
        })
        .await
    }

    /// Gives a token a new secret; the old one is good for nothing from then on. An operator's call.
    pub async fn token_roll(&self, actor: Actor, id: PublicId) -> Result<CreatedToken, Refusal> {
        self.write(actor, Action::TokenRoll, move |tx| {
            one_token(tx, id)?;
            let rolled = CreatedToken { id, token: token_text(tx.random(), TOKEN_LENGTH) };
            tx.execute("UPDATE tokens SET secret_hash = ?1 WHERE public_id = ?2", params![hash(&rolled.token), id])?;
            tx.audit_object(None, id);
            Ok(rolled)
        })
        .await
    }

    async fn find_token(&self, token: &str) -> Result<TokenRow, Refusal> {
        let secret = hash(token);
        let found = self.store.read(move |sql| {
            sql.one(
                "SELECT t.public_id, u.id, u.public_id, t.disabled, t.not_before, t.expires_at, t.policies \
                 FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.secret_hash = ?1",
                [secret],
                TokenRow::read,
            )
        });
        found.await?.ok_or(Refusal::Unauthenticated(Credential::Token))
    }
}

struct TokenRow {
    id: PublicId,
    owner: Owner,
    disabled: bool,
    not_before: Option<Time>,
    expires_on: Option<Time>,
    policies: Vec<Policy>,
}

impl TokenRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            owner: Owner::User { number: row.get(1)?, id: row.get(2)? },
            disabled: row.get(3)?,
            not_before: row.get(4)?,
            expires_on: row.get(5)?,
            policies: json_at(row, 6)?,
        })
    }

    fn state(&self, now: Time) -> TokenState {
        state(self.disabled, self.expires_on, now)
    }
}

fn state(disabled: bool, expires_on: Option<Time>, now: Time) -> TokenState {
    match expires_on {
        _ if disabled => TokenState::Disabled,
        Some(end) if end <= now => TokenState::Expired,
        _ => TokenState::Active,
    }
}

fn one_token(tx: &Tx<'_>, id: PublicId) -> Result<(), Refusal> {
    let found = tx.sql().one("SELECT 1 FROM tokens WHERE public_id = ?1", [id], |_| Ok(()))?;
    found.ok_or(Refusal::NotFound(Noun::Token))
}

/// Makes a token for the user with this key.
pub(crate) fn create(tx: &mut Tx<'_>, user: i64, new: &NewToken) -> Result<CreatedToken, Refusal> {
    let created = CreatedToken { id: PublicId::new(tx.random()), token: token_text(tx.random(), TOKEN_LENGTH) };
    let policies = serde_json::to_string(&new.policies).map_err(|_| Unavailable::Internal)?;
    tx.insert(
        "INSERT INTO tokens (public_id, user_id, name, secret_hash, disabled, not_before, expires_at, policies, \
         created_at) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8) RETURNING id",
        params![created.id, user, new.name, hash(&created.token), new.not_before, new.expires_on, policies, tx.now()],
    )?;
    tx.audit_object(None, created.id);
    Ok(created)
}

/// What is kept of a secret.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Compares in a time that does not depend on where the hashes differ.
pub(crate) fn same_hash(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.iter().zip(other).fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
}
