//! `/accounts/{account_id}/dns_settings/views`: no account has views yet, and clients that look for internal zones in
//! them (octodns) are told so.

use crate::envelope::Reply;
use crate::errors::Failure;
use crate::pagination::{DNS_VIEWS, ResultInfo};
use crate::routes::Call;

/// `GET /accounts/{account_id}/dns_settings/views`: none, whatever the query filters.
pub(crate) async fn list(call: Call) -> Result<Reply, Failure> {
    let page = DNS_VIEWS.page(&call.query);
    call.control.account_get(call.grant()?, call.identifier(0)?).await?;
    Reply::page::<()>(&[], ResultInfo::of(&page, 0, 0))
}
