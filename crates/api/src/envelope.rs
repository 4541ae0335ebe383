//! The envelope around every JSON answer.
//!
//! A handler's result goes in by [`Reply`], a failure by [`failed`]; both come out as a response with the members that
//! clients rely on: `result` (null on failure, and present), `success`, `errors`, `messages`, and `result_info` for
//! lists. Which codes a failure carries is decided in `errors.rs`, not here.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use serde::Serialize;
use waymark_control::PublicId;

use crate::errors::{Failure, Reported};
use crate::pagination::ResultInfo;

/// The type of every JSON answer (`dns-api.json`, `conventions.headers_out`).
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");

/// What stands when an envelope itself could not be written.
const BROKEN: &[u8] =
    br#"{"result":null,"success":false,"errors":[{"code":10013,"message":"Internal error"}],"messages":[]}"#;

/// An element of `messages`.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Message {
    /// The number that goes with the text.
    pub(crate) code: u32,
    /// The text.
    pub(crate) message: &'static str,
    /// Always null, and present, in what clients have seen.
    #[serde(rename = "type")]
    pub(crate) kind: Option<&'static str>,
}

/// A successful answer, already written.
#[derive(Debug)]
pub(crate) struct Reply(Vec<u8>);

/// The result of a DELETE.
#[derive(Debug, Serialize)]
pub(crate) struct Deleted {
    /// What there was.
    pub(crate) id: PublicId,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    result: T,
    success: bool,
    errors: &'a [Reported],
    messages: &'a [Message],
    #[serde(skip_serializing_if = "Option::is_none")]
    result_info: Option<ResultInfo>,
}

impl Reply {
    /// One object.
    pub(crate) fn of<T: Serialize>(result: T) -> Result<Self, Failure> {
        Self::write(result, &[], None)
    }

    /// One object, with something to say beside it.
    pub(crate) fn with_message<T: Serialize>(result: T, message: Message) -> Result<Self, Failure> {
        Self::write(result, &[message], None)
    }

    /// A page of a list.
    pub(crate) fn page<T: Serialize>(items: &[T], info: ResultInfo) -> Result<Self, Failure> {
        Self::write(items, &[], Some(info))
    }

    /// The whole response, status 200.
    pub(crate) fn into_response(self) -> Response<Body> {
        response(StatusCode::OK, self.0)
    }

    fn write<T: Serialize>(result: T, messages: &[Message], result_info: Option<ResultInfo>) -> Result<Self, Failure> {
        let envelope = Envelope { result, success: true, errors: &[], messages, result_info };
        serde_json::to_vec(&envelope).map(Self).map_err(|_| Failure::Unwritable)
    }
}

/// A failure's response.
pub(crate) fn failed(status: StatusCode, errors: &[Reported]) -> Response<Body> {
    let envelope = Envelope { result: (), success: false, errors, messages: &[], result_info: None };
    response(status, serde_json::to_vec(&envelope).unwrap_or_else(|_| BROKEN.to_vec()))
}

fn response(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
