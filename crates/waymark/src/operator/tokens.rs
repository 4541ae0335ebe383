//! API tokens: made, listed, ended, given new secrets.

use std::fmt;

use serde::{Deserialize, Serialize};
use waymark_control::{
    Actor, Control, CreatedToken, NewToken, Permission, Policy, PublicId, Refusal, Resource, Time, Token,
};

use super::{Outcome, accounts, first_user};

/// The words for permissions, one for each.
const WORDS: [(&str, Permission); 8] = [
    ("zone-read", Permission::ZoneRead),
    ("zone-edit", Permission::ZoneEdit),
    ("dns-read", Permission::DnsRead),
    ("dns-edit", Permission::DnsEdit),
    ("account-read", Permission::AccountRead),
    ("account-edit", Permission::AccountEdit),
    ("user-read", Permission::UserRead),
    ("user-edit", Permission::UserEdit),
];

/// A token to be made.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq, Default)]
pub struct TokenOrder {
    /// The email address of its user; none: the user of the first start.
    pub user: Option<String>,
    /// What it is called.
    pub name: String,
    /// The only account that it is for, by name or id, if it is for one.
    pub account: Option<String>,
    /// What it allows, in the words of [`permission_words`]; empty: everything.
    pub permissions: Vec<String>,
    /// When it ends, as RFC 3339 or a date; none: never.
    pub expires: Option<String>,
}

/// A token in a list.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
pub struct TokenLine {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The email address of its user.
    pub user: String,
    /// Whether it can be used: active, disabled or expired.
    pub status: String,
    /// When it was made.
    pub created: String,
    /// When it ends; none: never.
    pub expires: Option<String>,
    /// What it allows.
    pub permissions: Vec<String>,
    /// Ids of the accounts and zones that it is for; empty: all of its user's.
    pub only: Vec<String>,
}

/// The words for permissions.
pub fn permission_words() -> [&'static str; 8] {
    WORDS.map(|(word, _)| word)
}

/// The words for what only reads.
pub fn read_only_words() -> Vec<String> {
    permission_words().iter().filter(|word| word.ends_with("-read")).map(|word| (*word).to_owned()).collect()
}

pub(super) async fn create(control: &Control, order: TokenOrder) -> Result<Outcome, String> {
    let permissions = match order.permissions.is_empty() {
        true => Permission::ALL.to_vec(),
        false => order.permissions.iter().map(|word| permission(word)).collect::<Result<_, _>>()?,
    };
    let accounts = match &order.account {
        None => Resource::AllAccounts,
        Some(text) => Resource::Account(accounts::find(control, text).await?),
    };
    let expires_on = match &order.expires {
        None => None,
        Some(text) => Some(Time::from_rfc3339(text).ok_or_else(|| {
            format!("{text:?} is neither a date nor a time: give one like 2030-01-01 or 2030-01-01T12:00:00Z")
        })?),
    };
    let user = order.user.unwrap_or_else(|| first_user(control));
    let new = NewToken {
        user: user.clone(),
        name: order.name,
        policies: vec![Policy { permissions, resources: vec![Resource::User, accounts] }],
        not_before: None,
        expires_on,
    };
    let created = control.token_create(Actor::Operator, new).await;
    created.map(made).map_err(|refusal| accounts::about_user(&refusal, &user))
}

pub(super) async fn list(control: &Control) -> Result<Outcome, Refusal> {
    Ok(Outcome::Tokens(control.token_list().await?.into_iter().map(line).collect()))
}

pub(super) async fn revoke(control: &Control, id: &str) -> Result<Outcome, String> {
    let deleted = control.token_delete(Actor::Operator, parse_id(id)?).await;
    deleted.map(|()| Outcome::Done).map_err(|refusal| refusal.to_string())
}

pub(super) async fn roll(control: &Control, id: &str) -> Result<Outcome, String> {
    control.token_roll(Actor::Operator, parse_id(id)?).await.map(made).map_err(|refusal| refusal.to_string())
}

fn made(token: CreatedToken) -> Outcome {
    Outcome::Token { id: token.id.to_string(), token: token.token }
}

fn parse_id(text: &str) -> Result<PublicId, String> {
    PublicId::parse(text).ok_or_else(|| format!("{text:?} is not the id of a token: `waymark token list` shows them"))
}

fn permission(word: &str) -> Result<Permission, String> {
    let found = WORDS.iter().find(|(own, _)| *own == word).map(|(_, permission)| *permission);
    found.ok_or_else(|| format!("{word:?} is no permission: there are {}", permission_words().join(", ")))
}

fn line(token: Token) -> TokenLine {
    let has = |permission| token.policies.iter().any(|policy| policy.permissions.contains(&permission));
    let resources = token.policies.iter().flat_map(|policy| &policy.resources);
    let only = resources.filter_map(|resource| match resource {
        Resource::Account(id) | Resource::Zone(id) => Some(id.to_string()),
        Resource::User | Resource::AllAccounts | Resource::AllZones => None,
    });
    TokenLine {
        only: only.collect(),
        permissions: WORDS.iter().filter(|(_, own)| has(*own)).map(|(word, _)| (*word).to_owned()).collect(),
        id: token.id.to_string(),
        name: token.name,
        user: token.user,
        status: token.status.as_str().to_owned(),
        created: token.created.to_string(),
        expires: token.expires_on.map(|time| time.to_string()),
    }
}

impl fmt::Display for TokenLine {
    /// For people: columns two blanks apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, status, user, name, .. } = self;
        let end = self.expires.as_deref().unwrap_or("never");
        let permissions = match self.permissions.len() == WORDS.len() {
            true => "everything".to_owned(),
            false => self.permissions.join(","),
        };
        write!(f, "{id}  {status:<8}  {end:<27}  {user}  {name}  {permissions}")
    }
}
