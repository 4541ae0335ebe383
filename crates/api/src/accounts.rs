//! `/accounts`: the accounts that the caller can see.

use serde::Serialize;
use waymark_control::{Account, AccountFilter, PublicId};

use crate::envelope::Reply;
use crate::errors::Failure;
use crate::pagination::{ACCOUNTS, ResultInfo};
use crate::routes::Call;

/// `dns-api.json`, accounts.Account.
#[derive(Serialize)]
struct AccountView<'a> {
    id: PublicId,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    settings: Settings<'a>,
    created_on: String,
}

#[derive(Serialize)]
struct Settings<'a> {
    abuse_contact_email: Option<&'a str>,
    enforce_twofactor: bool,
}

/// `GET /accounts`
pub(crate) async fn list(call: Call) -> Result<Reply, Failure> {
    let page = ACCOUNTS.page(&call.query);
    let filter = AccountFilter {
        name: call.query.text("name").map(str::to_owned),
        descending: call.query.text("direction") == Some("desc"),
    };
    let listing = call.control.account_list(call.grant()?, filter, page).await?;
    let views: Vec<_> = listing.items.iter().map(AccountView::of).collect();
    Reply::page(&views, ResultInfo::of(&page, views.len(), listing.total))
}

/// `GET /accounts/{account_id}`
pub(crate) async fn get(call: Call) -> Result<Reply, Failure> {
    let account = call.control.account_get(call.grant()?, call.identifier(0)?).await?;
    Reply::of(AccountView::of(&account))
}

impl<'a> AccountView<'a> {
    fn of(account: &'a Account) -> Self {
        Self {
            id: account.id,
            name: &account.name,
            kind: &account.kind,
            settings: Settings { abuse_contact_email: None, enforce_twofactor: false },
            created_on: account.created.to_rfc3339(),
        }
    }
}
