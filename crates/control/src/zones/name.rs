//! Which names can be zones.

use waymark_wire::Name;

use crate::error::{Invalid, Refusal};

/// Reads the name of a new zone: at least two labels of letters, digits and hyphens, Unicode as A-labels, with or
/// without a dot at the end (`dns-api.json`, `zones.create`; reverse zones have digits for labels).
pub(super) fn zone_name(text: &str) -> Result<Name, Refusal> {
    let refuse = |why: String| Err(Invalid::ZoneName { name: text.to_owned(), why }.into());
    let name = match Name::from_text(text) {
        Ok(name) => name,
        Err(error) => return refuse(error.to_string()),
    };
    if name.label_count() < 2 {
        return refuse("a domain has at least two labels, as in example.com".to_owned());
    }
    if let Some(label) = name.labels().find(|label| !is_host_label(label)) {
        let label = String::from_utf8_lossy(label).into_owned();
        return refuse(format!("the label {label:?} has other characters than letters, digits and inner hyphens"));
    }
    let top = name.labels().last().unwrap_or_default();
    if top.len() < 2 || top.iter().all(u8::is_ascii_digit) {
        return refuse("there is no such top-level domain".to_owned());
    }
    Ok(name)
}

/// RFC 1123 section 2.1.
fn is_host_label(label: &[u8]) -> bool {
    let inner = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'-';
    label.iter().all(inner) && label.first() != Some(&b'-') && label.last() != Some(&b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_zones_are_domains_in_lower_case() {
        for (text, name) in [
            ("Example.COM", "example.com"),
            ("example.com.", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("a.b.c.example", "a.b.c.example"),
            ("2.0.192.in-addr.arpa", "2.0.192.in-addr.arpa"),
        ] {
            assert_eq!(zone_name(text).unwrap().to_string(), name, "{text}");
        }
    }

    #[test]
    fn other_names_are_refused() {
        let long = format!("{}.com", "a".repeat(64));
        let longer = format!("{}example.com", "abcdefghi.".repeat(25));
        for text in [
            "",
            ".",
            "com",
            "exa mple.com",
            "-a.com",
            "a-.com",
            "a..com",
            ".com",
            "*.example.com",
            "_dmarc.example.com",
            "192.0.2.1",
            "example.c",
            "exa\\.mple.com",
            "example.com/",
            &long,
            &longer,
        ] {
            assert!(matches!(zone_name(text), Err(Refusal::Invalid(Invalid::ZoneName { .. }))), "{text}");
        }
    }
}
