//! Accounts: listed and made.

use serde::{Deserialize, Serialize};
use waymark_control::{AccountFilter, Actor, Control, Grant, NewAccount, Page, Refusal};

use super::{Outcome, PER_PAGE};

/// An account in a list.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
pub struct AccountLine {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// The email address of the user that the first start makes.
pub fn first_user(control: &Control) -> String {
    format!("admin@{}", control.brand().domain)
}

pub(super) async fn create(control: &Control, name: String, member: Option<String>) -> Result<Outcome, Refusal> {
    let member = Some(member.unwrap_or_else(|| first_user(control)));
    let made = control.account_create(Actor::Operator, NewAccount { name, member }).await?;
    Ok(Outcome::Accounts(vec![AccountLine { id: made.id.to_string(), name: made.name }]))
}

pub(super) async fn list(control: &Control) -> Result<Outcome, Refusal> {
    let mut lines = Vec::new();
    for page in 1.. {
        let page = Page { page, per_page: PER_PAGE };
        let listing = control.account_list(&Grant::operator(), AccountFilter::default(), page).await?;
        if listing.items.is_empty() {
            break;
        }
        let found = listing.items.into_iter();
        lines.extend(found.map(|account| AccountLine { id: account.id.to_string(), name: account.name }));
    }
    Ok(Outcome::Accounts(lines))
}
