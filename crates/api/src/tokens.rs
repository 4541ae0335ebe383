//! `/user/tokens`: what a token is. Making and changing tokens is not here: the operator makes them.

use std::borrow::Cow;

use serde::Serialize;
use waymark_control::{PublicId, TokenState};

use crate::envelope::{Message, Reply};
use crate::errors::Failure;
use crate::routes::Call;

/// The message that clients have seen beside an active token (`errors.md`, "Envelope").
const ACTIVE: Message =
    Message { code: 10000, message: Cow::Borrowed("This API Token is valid and active"), kind: Some(()) };

/// `dns-api.json`, user.TokenVerifyResponse.
#[derive(Serialize)]
struct TokenStatusView {
    id: PublicId,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<String>,
}

/// `GET /user/tokens/verify`
pub(crate) async fn verify(call: Call) -> Result<Reply, Failure> {
    let token = call.verified()?;
    let view = TokenStatusView {
        id: token.id,
        status: token.status.as_str(),
        not_before: token.not_before.map(|time| time.to_rfc3339()),
        expires_on: token.expires_on.map(|time| time.to_rfc3339()),
    };
    match token.status {
        TokenState::Active => Reply::with_message(view, ACTIVE),
        TokenState::Disabled | TokenState::Expired => Reply::of(view),
    }
}
