//! `/zones/{zone_id}/pagerules`: there are no page rules, and clients that look for them (octodns) are told so.

use crate::envelope::Reply;
use crate::errors::Failure;
use crate::routes::Call;

/// `GET /zones/{zone_id}/pagerules`: none, whatever the query filters.
pub(crate) async fn list(call: Call) -> Result<Reply, Failure> {
    call.control.zone_get(call.grant()?, call.identifier(0)?).await?;
    Reply::of([(); 0])
}
