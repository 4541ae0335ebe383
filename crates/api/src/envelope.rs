//! The envelope around every JSON answer.
//!
//! A handler's result goes in by [`Reply`], a failure by [`failed`]; both come out as a response with the members that
//! clients rely on: `result` (null on failure, and present), `success`, `errors`, `messages`, and `result_info` for
//! lists. Which codes a failure carries is decided in `errors.rs`, not here.
//!
//! One answer has no envelope: the zone file of an export, which leaves in pieces.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use serde::Serialize;
use waymark_control::PublicId;

use crate::answer::{self, Held};
use crate::errors::{Failure, Reported};
use crate::pagination::ResultInfo;

/// The type of every JSON answer (`dns-api.json`, `conventions.headers_out`).
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");

/// The type of a zone file: comments may be in any language.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// What stands when an envelope itself could not be written.
const BROKEN: &[u8] =
    br#"{"result":null,"success":false,"errors":[{"code":10013,"message":"Internal error"}],"messages":[]}"#;

/// An element of `messages`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Message {
    /// The number that goes with the text.
    pub(crate) code: u32,
    /// The text.
    pub(crate) message: Cow<'static, str>,
    /// Null, where clients have seen the member; else left out.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<()>,
}

/// How long the work took, which the import says beside its result.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Timing {
    /// When it began (RFC 3339).
    pub(crate) start_time: String,
    /// When it was done.
    pub(crate) end_time: String,
    /// Seconds between the two.
    pub(crate) process_time: f64,
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Reply(Content);

#[derive(Debug)]
enum Content {
    /// An envelope, already written.
    Json(Vec<u8>),
    /// Text that is written while it leaves.
    Text(Body),
}

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
    #[serde(skip_serializing_if = "Option::is_none")]
    timing: Option<Timing>,
}

impl Reply {
    /// One object.
    pub(crate) fn of<T: Serialize>(result: T) -> Result<Self, Failure> {
        Self::write(Envelope::of(result))
    }

    /// One object, with something to say beside it.
    pub(crate) fn with_message<T: Serialize>(result: T, message: Message) -> Result<Self, Failure> {
        Self::write(Envelope { messages: &[message], ..Envelope::of(result) })
    }

    /// One object, with what was noticed on the way to it and how long that took.
    pub(crate) fn timed<T: Serialize>(result: T, messages: &[Message], timing: Timing) -> Result<Self, Failure> {
        Self::write(Envelope { messages, timing: Some(timing), ..Envelope::of(result) })
    }

    /// A page of a list.
    pub(crate) fn page<T: Serialize>(items: &[T], info: ResultInfo) -> Result<Self, Failure> {
        Self::write(Envelope { result_info: Some(info), ..Envelope::of(items) })
    }

    /// Text without an envelope.
    pub(crate) fn text(body: Body) -> Self {
        Self(Content::Text(body))
    }

    /// Octets that are in memory until they are sent.
    pub(crate) fn octets(&self) -> usize {
        match &self.0 {
            Content::Json(envelope) => envelope.len(),
            Content::Text(_) => 0,
        }
    }

    /// The whole response, status 200. It holds what it is given until it has been sent.
    pub(crate) fn into_response(self, held: Held) -> Response<Body> {
        match self.0 {
            Content::Json(envelope) => response(StatusCode::OK, answer::whole(envelope, held), JSON),
            Content::Text(body) => response(StatusCode::OK, answer::streamed(body, held), TEXT),
        }
    }

    fn write<T: Serialize>(envelope: Envelope<'_, T>) -> Result<Self, Failure> {
        serde_json::to_vec(&envelope).map(|text| Self(Content::Json(text))).map_err(|_| Failure::Unwritable)
    }
}

impl<T> Envelope<'_, T> {
    fn of(result: T) -> Self {
        Self { result, success: true, errors: &[], messages: &[], result_info: None, timing: None }
    }
}

/// A failure's response.
pub(crate) fn failed(status: StatusCode, errors: &[Reported]) -> Response<Body> {
    let envelope = Envelope { success: false, errors, ..Envelope::of(()) };
    response(status, Body::from(serde_json::to_vec(&envelope).unwrap_or_else(|_| BROKEN.to_vec())), JSON)
}

fn response(status: StatusCode, body: Body, content_type: HeaderValue) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
