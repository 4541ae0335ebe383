//! A body of each type of record: what it has besides name, TTL, comment and tags. Numbers are not 0 and not what would be
//! there without them, so that each is seen to count.

/// Type and members.
pub(super) const BODIES: [(&str, &str); 21] = [
    ("A", r#"{"content": "192.0.2.1"}"#),
    ("AAAA", r#"{"content": "2001:db8::1"}"#),
    ("CAA", r#"{"data": {"flags": 128, "tag": "issue", "value": "ca.example.net"}}"#),
    ("CERT", r#"{"data": {"type": 9, "key_tag": 7, "algorithm": 8, "certificate": "MIIB"}}"#),
    ("CNAME", r#"{"content": "target.example.net"}"#),
    ("DNSKEY", r#"{"data": {"flags": 257, "protocol": 3, "algorithm": 13, "public_key": "MIIB"}}"#),
    (
        "DS",
        r#"{"data": {"key_tag": 7, "algorithm": 13, "digest_type": 2,
            "digest": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}"#,
    ),
    ("HTTPS", r#"{"data": {"priority": 2, "target": "www.example.net", "value": "alpn=\"h2\""}}"#),
    (
        "LOC",
        r#"{"data": {"lat_degrees": 37, "lat_minutes": 46, "lat_seconds": 46.5, "lat_direction": "S",
            "long_degrees": 122, "long_minutes": 23, "long_seconds": 35.5, "long_direction": "E",
            "altitude": 12.5, "size": 100, "precision_horz": 200, "precision_vert": 300}}"#,
    ),
    ("MX", r#"{"content": "mx.example.net", "priority": 10}"#),
    (
        "NAPTR",
        r#"{"data": {"order": 100, "preference": 10, "flags": "S", "service": "SIP+D2U",
            "regex": "!^.*$!sip:x@example.net!", "replacement": "_sip._udp.example.net"}}"#,
    ),
    ("NS", r#"{"content": "ns1.example.net"}"#),
    ("OPENPGPKEY", r#"{"content": "bWlpYg=="}"#),
    ("PTR", r#"{"content": "host.example.net"}"#),
    (
        "SMIMEA",
        r#"{"data": {"usage": 3, "selector": 1, "matching_type": 1,
            "certificate": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}"#,
    ),
    ("SRV", r#"{"data": {"priority": 10, "weight": 5, "port": 8806, "target": "host.example.net"}}"#),
    (
        "SSHFP",
        r#"{"data": {"algorithm": 4, "type": 2,
            "fingerprint": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}"#,
    ),
    ("SVCB", r#"{"data": {"priority": 2, "target": "www.example.net", "value": "alpn=\"h2\""}}"#),
    (
        "TLSA",
        r#"{"data": {"usage": 3, "selector": 1, "matching_type": 1,
            "certificate": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}"#,
    ),
    ("TXT", r#"{"content": "\"some text\""}"#),
    ("URI", r#"{"priority": 10, "data": {"weight": 5, "target": "https://example.net/"}}"#),
];
