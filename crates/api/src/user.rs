//! `/user`: who the caller is.

use serde::Serialize;
use waymark_control::{Account, AccountFilter, Page, PublicId, User};

use crate::envelope::Reply;
use crate::errors::Failure;
use crate::routes::Call;

/// As many accounts as one page of `/accounts` may have.
const ORGANIZATIONS_MAX: u64 = 50;

/// `dns-api.json`, user.UserGetResponse. Names, address and plans of a user are not kept here, and are null or false.
#[derive(Serialize)]
struct UserView<'u> {
    id: PublicId,
    email: &'u str,
    first_name: Option<&'u str>,
    last_name: Option<&'u str>,
    telephone: Option<&'u str>,
    country: Option<&'u str>,
    zipcode: Option<&'u str>,
    two_factor_authentication_enabled: bool,
    two_factor_authentication_locked: bool,
    created_on: String,
    organizations: Vec<Organization<'u>>,
    has_pro_zones: bool,
    has_business_zones: bool,
    has_enterprise_zones: bool,
    suspended: bool,
    betas: [&'u str; 0],
}

/// `dns-api.json`, user.Organization: an account by its older name.
#[derive(Serialize)]
struct Organization<'u> {
    id: PublicId,
    name: &'u str,
    status: &'static str,
    permissions: [&'u str; 0],
    roles: [&'u str; 0],
}

/// `GET /user`
pub(crate) async fn get(call: Call) -> Result<Reply, Failure> {
    let grant = call.grant()?;
    let user = call.control.user(grant).await?;
    let page = Page { page: 1, per_page: ORGANIZATIONS_MAX };
    let accounts = call.control.account_list(grant, AccountFilter::default(), page).await?;
    Reply::of(UserView::of(&user, &accounts.items))
}

impl<'u> UserView<'u> {
    fn of(user: &'u User, accounts: &'u [Account]) -> Self {
        let organization = |account: &'u Account| Organization {
            id: account.id,
            name: &account.name,
            status: "member",
            permissions: [],
            roles: [],
        };
        Self {
            id: user.id,
            email: &user.email,
            first_name: None,
            last_name: None,
            telephone: None,
            country: None,
            zipcode: None,
            two_factor_authentication_enabled: false,
            two_factor_authentication_locked: false,
            created_on: user.created.to_rfc3339(),
            organizations: accounts.iter().map(organization).collect(),
            has_pro_zones: false,
            has_business_zones: false,
            has_enterprise_zones: false,
            suspended: false,
            betas: [],
        }
    }
}
