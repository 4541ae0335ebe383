//! Request bodies: received within bounds, then read as a JSON object.
//!
//! Every body is received, also on GET and DELETE where it is ignored (one client always sends `{}`), so that the
//! connection stays usable. Size, time and depth are bounded before a tree is built. The content type is not looked at.
//! Members that nobody asks for are ignored; which members an object has is said in the file of the resource.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use serde_json::{Map, Value};

use crate::errors::Failure;

/// Bounds of a body. 0 lifts each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The most octets.
    pub(crate) octets_max: u64,
    /// The longest time from the first look at the body to its end, in milliseconds.
    pub(crate) receive_ms: u64,
}

/// Receives a whole body.
pub(crate) async fn receive(body: Body, bounds: Bounds) -> Result<Vec<u8>, Failure> {
    if bounds.receive_ms == 0 {
        return collect(body, bounds.octets_max).await;
    }
    match tokio::time::timeout(Duration::from_millis(bounds.receive_ms), collect(body, bounds.octets_max)).await {
        Ok(received) => received,
        Err(_) => Err(Failure::BodyTooSlow { milliseconds: bounds.receive_ms }),
    }
}

async fn collect(mut body: Body, octets_max: u64) -> Result<Vec<u8>, Failure> {
    let too_large = |octets: u64| octets_max > 0 && octets > octets_max;
    if too_large(body.size_hint().lower()) {
        return Err(Failure::BodyTooLarge { octets_max });
    }
    let mut received = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Failure::body("it was cut off"))?;
        if let Ok(data) = frame.into_data() {
            if too_large(received.len() as u64 + data.len() as u64) {
                return Err(Failure::BodyTooLarge { octets_max });
            }
            received.extend_from_slice(&data);
        }
    }
    Ok(received)
}

/// Reads a body as a JSON object. An empty body is none.
pub(crate) fn object(text: &[u8], depth_max: u32) -> Result<Map<String, Value>, Failure> {
    if depth_max > 0 && depth(text) > depth_max {
        return Err(Failure::body(format!("it is nested more than {depth_max} levels deep")));
    }
    match serde_json::from_slice(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Failure::body("a JSON object is needed")),
        Err(_) if text.trim_ascii().is_empty() => Err(Failure::body("it is empty, and a JSON object is needed")),
        Err(why) => Err(Failure::body(format!("it is not JSON: {why}"))),
    }
}

/// A member that is a string; null is absent.
pub(crate) fn member_text(members: &Map<String, Value>, name: &'static str) -> Result<Option<String>, Failure> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Failure::Member { name, needed: "a string" }),
    }
}

/// A member that is an object; null is absent.
pub(crate) fn member_object<'m>(
    members: &'m Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'m Map<String, Value>>, Failure> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(Failure::Member { name, needed: "an object" }),
    }
}

/// The deepest nesting of brackets outside strings; in what is not JSON the number only has to be safe.
fn depth(text: &[u8]) -> u32 {
    let (mut deepest, mut now, mut in_string, mut escaped) = (0u32, 0u32, false, false);
    for octet in text {
        match (in_string, octet) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => {
                now += 1;
                deepest = deepest.max(now);
            }
            (false, b']' | b'}') => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_strings() {
        let table: &[(&str, u32)] =
            &[("", 0), ("1", 0), ("{}", 1), (r#"{"a":[[1],{"b":2}]}"#, 3), (r#"["[[[\"[[["]"#, 1), ("]]]]{", 1)];
        for (text, expected) in table {
            assert_eq!(depth(text.as_bytes()), *expected, "{text}");
        }
    }

    #[test]
    fn an_object_within_the_depth_is_read_and_nothing_else() {
        assert!(object(br#" {"a":{"b":1}} "#, 2).is_ok());
        for bad in [&b""[..], b"  ", b"[]", b"null", b"3", b"{", b"{}{}", b"\xff", br#"{"a":{"b":{}}}"#] {
            assert!(matches!(object(bad, 2), Err(Failure::Body(_))), "{bad:?}");
        }
        let deep = "[".repeat(1_000_000);
        assert!(matches!(object(deep.as_bytes(), 32), Err(Failure::Body(_))));
        assert!(matches!(object(deep.as_bytes(), 0), Err(Failure::Body(_))), "the parser has a bound of its own");
    }

    #[tokio::test]
    async fn octets_are_bounded_with_and_without_a_declared_length() {
        let bounds = Bounds { octets_max: 8, receive_ms: 0 };
        assert_eq!(receive(Body::from("12345678"), bounds).await.ok(), Some(b"12345678".to_vec()));
        assert!(matches!(receive(Body::from("123456789"), bounds).await, Err(Failure::BodyTooLarge { octets_max: 8 })));
        let lifted = Bounds { octets_max: 0, ..bounds };
        assert_eq!(receive(Body::from(vec![b'x'; 1 << 20]), lifted).await.ok().map(|body| body.len()), Some(1 << 20));
    }
}
