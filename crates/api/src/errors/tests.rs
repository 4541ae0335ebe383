//! The table against the error contract (`errors.md`).

use super::*;

fn report(failure: Failure) -> Report {
    failure.report(&Texts { brand: "Example Hosting".to_owned() })
}

fn refused(refusal: impl Into<Refusal>) -> Failure {
    Failure::Refused(refusal.into())
}

fn some_content(record_type: RecordType, why: RecordError) -> Failure {
    refused(Invalid::Content { record_type, why })
}

/// Each failure with the status and code that the contract gives it, and the text where it gives one.
fn table() -> Vec<(Failure, u16, u32, &'static str)> {
    let name = || "example.com".to_owned();
    let text = || "x".to_owned();
    let ipv4 = || RecordError::Ipv4("x".to_owned());
    let host = || RecordError::AddressAsHost("192.0.2.1".to_owned());
    vec![
        (Failure::NoCredentials, 400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers"),
        (Failure::MissingHeader("X-Auth-Key"), 400, 9107, "Missing X-Auth-Key header"),
        (Failure::MalformedToken, 400, 6003, "Invalid request headers"),
        (Failure::MalformedKey, 400, 6003, "Invalid request headers"),
        (Failure::MalformedEmail, 400, 6003, "Invalid request headers"),
        (Failure::UnverifiedToken, 401, 1000, "Invalid API Token"),
        (Failure::Scheme, 405, 10405, "Method not allowed for this authentication scheme"),
        (refused(Refusal::Unauthenticated(Credential::Token)), 403, 9109, "Invalid access token"),
        (refused(Refusal::Unauthenticated(Credential::Key)), 403, 9103, "Unknown X-Auth-Key or X-Auth-Email"),
        (refused(Refusal::Denied(Permission::DnsEdit)), 403, 10000, "Authentication error"),
        (refused(Refusal::Denied(Permission::UserRead)), 403, 9109, "Unauthorized to access requested resource"),
        (
            Failure::Lacks {
                actor: "id".to_owned(),
                name: "com.cloudflare.api.account.zone.list",
                purpose: "list zones",
            },
            403,
            0,
            "Actor 'com.cloudflare.api.token.id' requires permission 'com.cloudflare.api.account.zone.list' to list zones",
        ),
        (
            Failure::NoRoute { path: "/client/v4/x".to_owned() },
            404,
            7003,
            "Could not route to /client/v4/x, perhaps your object identifier is invalid?",
        ),
        (Failure::Method(Method::PATCH), 405, 7001, "Method PATCH not available for that URI."),
        (Failure::body("it is empty"), 400, 9207, "Request body is invalid. It is empty."),
        (
            Failure::Member { name: "tags", needed: "an array of strings" },
            400,
            9207,
            "Request body is invalid. tags must be an array of strings.",
        ),
        (
            Failure::TooMany { limit: 1200, window_seconds: 300, retry_after_seconds: 7 },
            429,
            971,
            "More than 1200 requests per 300 seconds reached. Please wait and consider throttling your request speed",
        ),
        (Failure::Busy, 503, 10013, ""),
        (Failure::TooSlow { milliseconds: 5 }, 503, 10013, ""),
        (Failure::BodyTooSlow { milliseconds: 5 }, 408, 9207, ""),
        (Failure::BodyTooLarge { octets_max: 5 }, 413, 9207, ""),
        (Failure::ZoneFileTooLarge { octets_max: 5 }, 413, 9207, ""),
        (Failure::Unwritable, 500, 10013, ""),
        (refused(Refusal::NotFound(Noun::Zone)), 404, 1001, "Invalid zone identifier"),
        (refused(Refusal::NotFound(Noun::Account)), 404, 1001, "Invalid account identifier"),
        (refused(Refusal::NotFound(Noun::Record)), 404, 81044, "Record does not exist."),
        (
            refused(Refusal::NotAvailable("partial zones are not available".to_owned())),
            400,
            9207,
            "Request body is invalid. Partial zones are not available.",
        ),
        (refused(Refusal::NotFound(Noun::Plan)), 404, 1001, "Invalid plan identifier"),
        (
            refused(Invalid::Plan(text())),
            400,
            9207,
            "Request body is invalid. \"x\" is not the id of a plan; the zone's available_plans has them.",
        ),
        (
            refused(Invalid::RatePlan(text())),
            400,
            9207,
            "Request body is invalid. \"x\" is not a plan that can be had here: free, pro, business and enterprise are.",
        ),
        (refused(Conflict::ZoneExists { name: name() }), 400, 1061, "example.com already exists"),
        (refused(Invalid::ZoneName { name: text(), why: text() }), 400, 1002, ""),
        (refused(Invalid::ZoneNameReserved { name: name() }), 400, 1097, ""),
        (
            refused(Quota::NameserverPairs),
            400,
            1093,
            "This zone cannot be added to Example Hosting at this time, please contact Example Hosting Support.",
        ),
        (refused(Invalid::RecordName { name: text(), why: text() }), 400, 9000, ""),
        (Failure::Proxied, 400, 9003, "Invalid 'proxied' value, must be a boolean"),
        (refused(Invalid::NotProxiable(RecordType::TXT)), 400, 9004, "This record type cannot be proxied."),
        (some_content(RecordType::A, ipv4()), 400, 9005, "Content for A record must be a valid IPv4 address."),
        (some_content(RecordType::AAAA, ipv4()), 400, 9006, "Content for AAAA record must be a valid IPv6 address."),
        (some_content(RecordType::CNAME, host()), 400, 9007, ""),
        (some_content(RecordType::MX, host()), 400, 9009, ""),
        (some_content(RecordType::NS, host()), 400, 9009, ""),
        (some_content(RecordType::TXT, RecordError::Quotes), 400, 9102, ""),
        (some_content(RecordType::MX, RecordError::Missing("priority")), 400, 9100, "priority is a required field."),
        (refused(Invalid::PriorityMissing), 400, 9100, "priority is a required field."),
        (Failure::Priority, 400, 9102, "priority is an invalid value."),
        (Failure::Ttl, 400, 9021, "Invalid TTL. Must be between 30 and 86400 seconds, or 1 for Automatic."),
        (
            refused(Invalid::Ttl { minimum: 30, maximum: 86400 }),
            400,
            9021,
            "Invalid TTL. Must be between 30 and 86400 seconds, or 1 for Automatic.",
        ),
        (refused(Quota::Tags { count: 3, limit: 0 }), 400, 9300, "DNS record has 3 tags, exceeding the quota of 0."),
        (refused(Invalid::CommentTooLong { limit: 100 }), 400, 9303, ""),
        (refused(Quota::Records { limit: 9 }), 400, 81045, "Record quota exceeded."),
        (
            refused(Quota::RRset { record_type: RecordType::TXT, limit: 64_240 }),
            400,
            81045,
            "Record quota exceeded. The TXT records of one name can have at most 64240 octets together in DNS.",
        ),
        (
            refused(Conflict::AddressOrAliasExists),
            400,
            81053,
            "An A, AAAA, or CNAME record with that host already exists.",
        ),
        (refused(Conflict::AliasExists), 400, 81054, "A CNAME record with that host already exists."),
        (refused(Conflict::DelegationBesideAddress), 400, 81055, ""),
        (refused(Conflict::DelegationExists), 400, 81056, "NS records with that host already exist."),
        (refused(Conflict::RecordExists), 400, 81057, "Record already exists."),
        (refused(Conflict::IdenticalRecord), 400, 81058, "An identical record already exists."),
        (refused(Unavailable::Busy), 503, 10013, ""),
        (refused(Unavailable::Exports), 503, 10013, "Too many exports are being read; try again shortly."),
        (refused(Unavailable::DiskFull), 503, 10013, ""),
        (refused(Unavailable::Store("UNIQUE constraint failed: secret".to_owned())), 500, 10013, ""),
    ]
}

#[test]
fn every_failure_has_its_status_code_and_text() {
    for (failure, status, code, text) in table() {
        let report = report(failure.clone());
        assert_eq!((report.status.as_u16(), report.errors[0].code), (status, code), "{failure:?}");
        assert!(!report.errors[0].message.is_empty(), "{failure:?}");
        if !text.is_empty() {
            assert_eq!(report.errors[0].message, text, "{failure:?}");
        }
    }
}

#[test]
fn nothing_is_409_and_nothing_names_the_original() {
    for (failure, ..) in table() {
        let report = report(failure);
        assert_ne!(report.status, StatusCode::CONFLICT);
        let said = report.errors[0].message.replace("com.cloudflare.api", "");
        assert!(!said.to_lowercase().contains("cloudflare"), "{said}");
        assert!(!said.contains("UNIQUE"), "{said}");
    }
}

#[test]
fn malformed_headers_have_a_chain() {
    let table = [(Failure::MalformedToken, 6111), (Failure::MalformedKey, 6103), (Failure::MalformedEmail, 6102)];
    for (failure, code) in table {
        assert_eq!(report(failure).errors[0].error_chain[0].code, code);
    }
}

#[test]
fn an_unknown_route_has_a_second_error_and_a_bounded_text() {
    let long = format!("/{}", "a".repeat(10_000)).parse().unwrap();
    let report = report(Failure::no_route(&long));
    assert_eq!((report.errors[1].code, report.errors[1].message.as_str()), (7000, "No route for that URI"));
    assert!(report.errors[0].message.len() < 700);
}

#[test]
fn who_must_wait_is_told_how_long() {
    assert_eq!(
        report(Failure::TooMany { limit: 1, window_seconds: 60, retry_after_seconds: 7 }).retry_after_seconds,
        Some(7)
    );
    assert!(report(Failure::Busy).retry_after_seconds.is_some());
    assert!(report(refused(Unavailable::Busy)).retry_after_seconds.is_some());
    assert!(report(refused(Unavailable::Exports)).retry_after_seconds.is_some());
}

#[test]
fn a_wrong_member_is_pointed_at() {
    let source = |failure| report(failure).errors[0].source.clone().map(|source| source.pointer);
    assert_eq!(source(Failure::Ttl).as_deref(), Some("/ttl"));
    assert_eq!(source(some_content(RecordType::A, RecordError::Missing("content"))).as_deref(), Some("/content"));
    assert_eq!(source(Failure::Busy), None);
}
