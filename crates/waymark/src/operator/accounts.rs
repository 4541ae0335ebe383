//! Accounts: found by name or id, listed, made, shown, renamed.

use serde::{Deserialize, Serialize};
use waymark_control::{
    Account, AccountFilter, Actor, Control, Grant, NewAccount, Noun, Page, PublicId, Refusal, ZoneFilter,
};

use super::{Outcome, PER_PAGE};

/// An account in a list.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
pub struct AccountLine {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// One account, in full.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
pub struct AccountDetails {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Since when.
    pub created: String,
    /// How many zones it has.
    pub zones: u64,
}

/// The email address of the user that the first start makes.
pub fn first_user(control: &Control) -> String {
    format!("admin@{}", control.brand().domain)
}

/// A refusal as a sentence; one that misses a user names him.
pub(super) fn about_user(refusal: &Refusal, email: &str) -> String {
    match refusal {
        Refusal::NotFound(Noun::User) => format!("there is no user {email:?}: give the email address of one there is"),
        other => other.to_string(),
    }
}

pub(super) async fn create(control: &Control, name: String, member: Option<String>) -> Result<Outcome, String> {
    let member = member.unwrap_or_else(|| first_user(control));
    let new = NewAccount { name, member: Some(member.clone()) };
    let made = control.account_create(Actor::Operator, new).await;
    made.map(one).map_err(|refusal| about_user(&refusal, &member))
}

pub(super) async fn list(control: &Control) -> Result<Outcome, Refusal> {
    Ok(Outcome::Accounts(all(control, &AccountFilter::default()).await?.into_iter().map(line).collect()))
}

pub(super) async fn show(control: &Control, text: &str) -> Result<Outcome, String> {
    let id = find(control, text).await?;
    let filter = ZoneFilter { account_id: Some(id), ..ZoneFilter::default() };
    let shown = async {
        let account = control.account_get(&Grant::operator(), id).await?;
        let zones = control.zone_list(&Grant::operator(), filter, Page { page: 1, per_page: 1 }).await?.total;
        let (id, created) = (account.id.to_string(), account.created.to_string());
        Ok::<_, Refusal>(Outcome::Account(AccountDetails { id, name: account.name, created, zones }))
    };
    shown.await.map_err(|refusal| refusal.to_string())
}

pub(super) async fn rename(control: &Control, text: &str, name: String) -> Result<Outcome, String> {
    let id = find(control, text).await?;
    control.account_rename(Actor::Operator, id, name).await.map(one).map_err(|refusal| refusal.to_string())
}

/// The account with this id or whole name. A name that several accounts have is not enough.
pub(super) async fn find(control: &Control, text: &str) -> Result<PublicId, String> {
    if let Some(id) = PublicId::parse(text) {
        let found = control.account_get(&Grant::operator(), id).await;
        return found.map(|account| account.id).map_err(|refusal| refusal.to_string());
    }
    let found = all(control, &AccountFilter::default()).await.map_err(|refusal| refusal.to_string())?;
    let named: Vec<&Account> = found.iter().filter(|account| account.name == text).collect();
    match &named[..] {
        [] => Err(format!("there is no account {text:?}: `waymark account list` shows names and ids")),
        [account] => Ok(account.id),
        several => {
            let ids: Vec<String> = several.iter().map(|account| account.id.to_string()).collect();
            Err(format!("several accounts are called {text:?}; give one of these ids: {}", ids.join(", ")))
        }
    }
}

/// The only account there is, for commands that need one and are not told which.
pub(super) async fn only(control: &Control) -> Result<PublicId, String> {
    let found = all(control, &AccountFilter::default()).await.map_err(|refusal| refusal.to_string())?;
    match &found[..] {
        [account] => Ok(account.id),
        _ => Err("there are several accounts: say which with --account; `waymark account list` shows them".to_owned()),
    }
}

async fn all(control: &Control, filter: &AccountFilter) -> Result<Vec<Account>, Refusal> {
    let mut found = Vec::new();
    for page in 1.. {
        let page = Page { page, per_page: PER_PAGE };
        let listing = control.account_list(&Grant::operator(), filter.clone(), page).await?;
        if listing.items.is_empty() {
            break;
        }
        found.extend(listing.items);
    }
    Ok(found)
}

fn one(account: Account) -> Outcome {
    Outcome::Accounts(vec![line(account)])
}

fn line(account: Account) -> AccountLine {
    AccountLine { id: account.id.to_string(), name: account.name }
}
