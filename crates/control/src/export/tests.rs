use proptest::prelude::*;

use crate::testing::{Node, name, record};
use crate::{Export, Grant, ImportEvent, ImportOptions, Limits, NewRecord, PublicId, Refusal, Unavailable, ZoneFile};

async fn start(node: &Node, zone: PublicId) -> Export {
    node.control.record_export(&Grant::operator(), zone).await.unwrap()
}

async fn export(node: &Node, zone: PublicId) -> String {
    read(start(node, zone).await).await
}

async fn read(mut export: Export) -> String {
    let mut text = String::new();
    while let Some(piece) = export.next().await.unwrap() {
        assert!(piece.ends_with('\n'), "pieces are whole lines");
        text.push_str(&piece);
    }
    text
}

/// Imports a text; gives the zone and its problems.
async fn import(node: &Node, apex: &str, text: &str) -> (PublicId, Vec<String>) {
    let options = ImportOptions::default();
    let (into, mut events) = node.control.import_start(Grant::operator(), node.first.account_id, options);
    let file = ZoneFile { name: "zone".to_owned(), origin: Some(name(apex)), text: text.as_bytes().to_vec() };
    into.push(file).await.unwrap();
    drop(into);
    let (mut zone, mut problems) = (None, Vec::new());
    while let Some(event) = events.next().await {
        match event {
            ImportEvent::Zone(imported) => zone = Some(imported.id),
            ImportEvent::Problem(problem) if problem.kind != crate::ImportProblemKind::Skipped => {
                problems.push(format!("{}: {}", problem.line, problem.text));
            }
            ImportEvent::Ended(refusal) => panic!("{refusal}"),
            _ => {}
        }
    }
    (zone.unwrap(), problems)
}

#[tokio::test]
async fn a_zone_is_written_in_canonical_order_with_what_is_beside_the_data() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let proxied = NewRecord { proxied: Some(true), ..record("A", "www", "192.0.2.2") };
    let told = NewRecord {
        comment: Some("of ours".to_owned()),
        tags: vec!["team:dns".to_owned()],
        ttl: Some(300),
        ..record("TXT", "www", "\"a;b\" \"c\"")
    };
    for new in [told, proxied, record("A", "www", "192.0.2.1"), record("MX", "@", "mail.example.com")] {
        node.control.record_create(&Grant::operator(), zone.id, new).await.unwrap();
    }
    let text = export(&node, zone.id).await;
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with(';')).collect();
    let [soa, ns1, ns2, records @ ..] = &lines[..] else { panic!("{text}") };
    assert_eq!(
        *soa,
        format!("example.com.\t3600\tIN\tSOA\t{}. dns.waymark.test. 1 10000 2400 604800 1800", zone.name_servers[0])
    );
    assert!(ns1.contains("\tNS\t") && ns2.contains("\tNS\t"));
    assert_eq!(
        records,
        [
            "example.com.\t1\tIN\tMX\t10 mail.example.com.",
            "www.example.com.\t1\tIN\tA\t192.0.2.1 ; cf_tags=cf-proxied:false",
            "www.example.com.\t1\tIN\tA\t192.0.2.2 ; cf_tags=cf-proxied:true",
            "www.example.com.\t300\tIN\tTXT\t\"a;b\" \"c\" ; of ours cf_tags=team:dns",
        ]
    );
}

#[tokio::test]
async fn an_export_is_of_one_moment_and_large_ones_come_in_pieces() {
    let node = Node::start().await;
    let text: String = (0..9_000).map(|number| format!("h{number:05} A 192.0.2.1\n")).collect();
    let (zone, _) = import(&node, "example.com", &text).await;
    let mut export = node.control.record_export(&Grant::operator(), zone).await.unwrap();
    let mut pieces = vec![export.next().await.unwrap().unwrap()];
    for name in ["a", "zzz"] {
        node.control.record_create(&Grant::operator(), zone, record("A", name, "192.0.2.9")).await.unwrap();
    }
    while let Some(piece) = export.next().await.unwrap() {
        pieces.push(piece);
    }
    assert!(pieces.len() > 2);
    let records = pieces.concat().lines().filter(|line| line.contains("\tA\t")).count();
    assert_eq!(records, 9_000, "what came meanwhile is not part of it");
}

#[tokio::test]
async fn an_export_that_is_dropped_ends_and_others_go_on() {
    let node = Node::start().await;
    let text: String = (0..9_000).map(|number| format!("h{number:05} A 192.0.2.1\n")).collect();
    let (zone, _) = import(&node, "example.com", &text).await;
    for _ in 0..10 {
        // More than may be under way at a time.
        drop(node.control.record_export(&Grant::operator(), zone).await.unwrap());
    }
    assert!(export(&node, zone).await.contains("h08999"));
}

#[tokio::test]
async fn exports_that_nobody_reads_hold_nobody_up() {
    let node = Node::start().await;
    // Long enough for a file.
    let text: String = (0..20_000).map(|number| format!("h{number:05} A 192.0.2.1\n")).collect();
    let (zone, _) = import(&node, "example.com", &text).await;
    let readers = Limits::default().readers;
    let mut unread = Vec::new();
    for _ in 0..3 * readers {
        unread.push(start(&node, zone).await);
    }
    assert_eq!(node.control.store.exporting.available_permits(), readers);
    node.control.record_create(&Grant::operator(), zone, record("A", "later", "192.0.2.9")).await.unwrap();
    let store = rusqlite::Connection::open(node.directory.path().join("waymark.sqlite")).unwrap();
    let checkpoint = store.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| Ok((row.get(0)?, row.get(1)?)));
    assert_eq!(checkpoint, Ok((0, 0)), "(busy, pages left in the WAL): nobody holds an old state");
    let names = std::fs::read_dir(node.directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let others: Vec<_> = names.filter(|name| !name.to_string_lossy().starts_with("waymark.sqlite")).collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(export(&node, zone).await.contains("\nlater.example.com.\t"));
    let old = read(unread.swap_remove(0)).await;
    assert!(old.len() > 1 << 20 && old.contains("\nh19999.example.com.\t") && !old.contains("\nlater.example.com.\t"));
}

#[tokio::test]
async fn exports_beyond_the_limit_are_refused_until_one_is_read_or_dropped() {
    let node = Node::with_limits(Limits { exports: 2, ..Limits::default() }).await;
    let zone = node.zone("example.com").await.id;
    let full = async || match node.control.record_export(&Grant::operator(), zone).await {
        Ok(_) => false,
        Err(refusal) => {
            assert_eq!(refusal, Refusal::Unavailable(Unavailable::Exports));
            true
        }
    };
    let first = start(&node, zone).await;
    assert!(!full().await);
    let mut second = start(&node, zone).await;
    assert!(full().await);
    drop(first);
    let _third = start(&node, zone).await;
    assert!(full().await);
    while second.next().await.unwrap().is_some() {}
    assert!(!full().await, "what is read to its end has no place any more");
    assert_eq!(second.next().await, Ok(None));
    let missing = node.control.record_export(&Grant::operator(), PublicId([9; 16])).await;
    assert!(matches!(missing, Err(Refusal::NotFound(_))));
    assert!(!full().await, "nor has what was refused");
}

#[tokio::test]
async fn an_export_whose_reading_was_given_up_does_not_look_whole() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await.id;
    let mut export = start(&node, zone).await;
    let given_up = tokio::select! {
        biased;
        piece = export.next() => piece.unwrap().is_none(),
        () = std::future::ready(()) => true,
    };
    // Its only piece was taken in time, or is lost.
    assert_eq!(export.next().await.is_err(), given_up);
}

#[tokio::test]
async fn who_may_not_read_a_zone_does_not_export_it() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let grant = Grant { policies: Some(Vec::new()), ..node.grant().await };
    assert!(node.control.record_export(&grant, zone.id).await.is_err());
    assert!(node.control.record_export(&Grant::operator(), PublicId([9; 16])).await.is_err());
}

/// Lines that the rules let pass: of many types, with TTLs and what a comment may carry.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let owner = prop::sample::select(vec!["@", "www", "*.wild", "_dmarc", "a.b.c", "xn--bcher-kva", "1/2", "mail"]);
    let data = prop_oneof![
        any::<[u8; 4]>().prop_map(|[a, b, c, d]| format!("A {a}.{b}.{c}.{d}")),
        any::<u16>().prop_map(|number| format!("AAAA 2001:db8::{number:x}")),
        (any::<u16>(), "[a-z]{1,9}").prop_map(|(priority, host)| format!("MX {priority} {host}.example.")),
        "[ -!#-\\[\\]-~]{0,80}".prop_map(|text| format!("TXT \"{text}\"")),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|octets| {
            let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
            format!("TYPE65280 \\# {} {hex}", octets.len())
        }),
        "[a-z]{1,9}".prop_map(|host| format!("CNAME {host}.example.")),
        "[a-z]{1,9}".prop_map(|host| format!("DNAME {host}.example.")),
        (any::<u16>(), any::<u16>()).prop_map(|(weight, port)| format!("SRV 1 {weight} {port} host.example.")),
        "[a-z.]{0,20}".prop_map(|value| format!("CAA 0 issue \"{value}\"")),
    ];
    let ttl = prop_oneof![Just("1".to_owned()), (30u32..=86_400).prop_map(|ttl| ttl.to_string())];
    let comment = prop_oneof![
        Just(String::new()),
        "[a-zA-Z0-9 ;\"=,\\\\äß]{0,40}".prop_map(|text| format!(" ; {text}")),
        Just(" ; of ours cf_tags=team:dns,empty,odd:\"a,b\"".to_owned()),
        Just(" ; cf_tags=cf-proxied:true".to_owned()),
        Just(" ; a text with cf_tags= in it cf_tags=".to_owned()),
    ];
    let line = (owner, ttl, data, comment)
        .prop_map(|(owner, ttl, data, comment)| format!("{owner} {ttl} IN {data}{comment}\n"));
    prop::collection::vec(line, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_is_exported_and_imported_is_exported_the_same(lines in lines()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let node = Node::start().await;
            let (zone, _) = import(&node, "example.com", &format!("@ 300 SOA a.test. b.test. 1 2 3 4 5\n{}", lines.concat())).await;
            let first = export(&node, zone).await;
            node.control.zone_delete(&Grant::operator(), zone).await.unwrap();
            let (zone, problems) = import(&node, "example.com", &first).await;
            prop_assert_eq!(problems, Vec::<String>::new(), "in {}", &first);
            prop_assert_eq!(export(&node, zone).await, first);
            Ok(())
        })?;
    }
}
