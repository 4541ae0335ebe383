//! Forms (`multipart/form-data`, RFC 7578): what the import of a zone file takes in place of JSON.
//!
//! A field is the same to us whether it is a file or plain text: some clients send a zone file as the one, some as the
//! other (`clients.md`, "Records"). The body was received within its own bounds before it comes here.

use multer::{Constraints, Multipart, SizeLimit};

use crate::errors::Failure;

/// The fields of a form, in their order. Of two fields of a name the first counts.
pub(crate) struct Form(Vec<(String, Vec<u8>)>);

impl Form {
    /// The octets of the field of this name.
    pub(crate) fn take(&mut self, name: &str) -> Option<Vec<u8>> {
        let at = self.0.iter().position(|(own, _)| own == name)?;
        Some(self.0.remove(at).1)
    }
}

/// Takes a form apart. A field of more than `octets_max` octets is refused as a zone file that is too large: no honest
/// field is longer than the one that holds it. 0 lifts the limit.
pub(crate) async fn fields(content_type: Option<&str>, body: &[u8], octets_max: u64) -> Result<Form, Failure> {
    let boundary = content_type.and_then(|content_type| multer::parse_boundary(content_type).ok());
    let boundary = boundary.ok_or_else(|| {
        Failure::body("a form is needed (multipart/form-data, with its boundary in the Content-Type)")
    })?;
    let limit = match octets_max {
        0 => SizeLimit::new(),
        octets => SizeLimit::new().per_field(octets),
    };
    let mut parts = Multipart::with_reader_with_constraints(body, boundary, Constraints::new().size_limit(limit));
    let mut form = Form(Vec::new());
    let failure = |why: multer::Error| match why {
        multer::Error::FieldSizeExceeded { limit, .. } => Failure::ZoneFileTooLarge { octets_max: limit },
        why => Failure::body(format!("it is no form: {why}")),
    };
    while let Some(part) = parts.next_field().await.map_err(failure)? {
        let name = part.name().unwrap_or_default().to_owned();
        form.0.push((name, part.bytes().await.map_err(failure)?.to_vec()));
    }
    Ok(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=--x";

    fn part(disposition: &str, text: &str) -> String {
        format!("----x\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{text}\r\n")
    }

    #[tokio::test]
    async fn a_field_is_a_field_whether_it_is_a_file_or_text() {
        let body =
            part("name=\"file\"; filename=\"zone.txt\"", "a\r\nb\n") + &part("name=\"proxied\"", "true") + "----x--";
        let mut form = fields(Some(TYPE), body.as_bytes(), 10).await.ok().unwrap();
        assert_eq!(form.take("proxied"), Some(b"true".to_vec()));
        assert_eq!(form.take("file"), Some(b"a\r\nb\n".to_vec()));
        assert_eq!(form.take("file"), None);
    }

    #[tokio::test]
    async fn a_field_over_the_limit_and_what_is_no_form_are_refused() {
        let body = part("name=\"file\"", "12345678901") + "----x--";
        let refused = fields(Some(TYPE), body.as_bytes(), 10).await.err();
        assert_eq!(refused, Some(Failure::ZoneFileTooLarge { octets_max: 10 }));
        assert!(fields(Some(TYPE), body.as_bytes(), 0).await.is_ok());
        let cut = part("name=\"file\"", "1");
        for (content_type, body) in [(None, "x"), (Some("text/plain"), "x"), (Some(TYPE), ""), (Some(TYPE), &cut)] {
            let refused = fields(content_type, body.as_bytes(), 10).await.err();
            assert!(matches!(refused, Some(Failure::Body(_))), "{content_type:?} {body:?}");
        }
    }
}
