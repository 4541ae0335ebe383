//! Records through the control plane: PUT and PATCH, lists, and that the journal follows every change.

use std::collections::BTreeMap;

use proptest::prelude::*;
use waymark_wire::{Name, RecordType};
use waymark_zone::published::{Change, Position, RRset, ZoneNumber};

use crate::testing::{Node, record};
use crate::*;

const PAGE: Page = Page { page: 1, per_page: 100 };

#[tokio::test]
async fn put_resets_what_is_absent_and_patch_keeps_it() {
    let node = Node::start().await;
    let (zone, grant) = (node.zone("example.com").await, node.grant().await);
    let new = NewRecord {
        ttl: Some(600),
        comment: Some("ours".to_owned()),
        tags: vec!["team:dns".to_owned()],
        ..record("A", "www", "192.0.2.1")
    };
    let made = node.control.record_create(&grant, zone.id, new).await.unwrap();
    assert_eq!((made.name.to_string(), made.ttl, made.proxiable), ("www.example.com".into(), 600, true));
    assert!(made.comment_modified.is_some() && made.tags_modified.is_some());
    node.clock.advance_seconds(1);
    let edit = RecordEdit { content: Some("192.0.2.2".to_owned()), ..RecordEdit::default() };
    let patched = node.control.record_edit(&grant, zone.id, made.id, edit).await.unwrap();
    let expected = Record { content: "192.0.2.2".to_owned(), modified: patched.modified, ..made.clone() };
    assert_eq!(patched, expected);
    assert!(patched.modified > made.modified);
    let put = node.control.record_update(&grant, zone.id, made.id, record("A", "www", "192.0.2.2")).await.unwrap();
    assert_eq!((put.id, put.ttl, put.comment, put.tags.len(), put.created), (made.id, 1, None, 0, made.created));
    assert!(put.comment_modified.is_none() && put.tags_modified.is_none());
    assert_eq!(node.control.record_get(&grant, zone.id, made.id).await.unwrap().ttl, 1);
    node.control.record_delete(&grant, zone.id, made.id).await.unwrap();
    let missing = Err(Refusal::NotFound(Noun::Record));
    assert_eq!(node.control.record_get(&grant, zone.id, made.id).await, missing);
    assert_eq!(node.control.record_delete(&grant, zone.id, made.id).await.map(|_| ()), missing.map(|_| ()));
}

#[tokio::test]
async fn a_patch_can_change_type_and_name() {
    let node = Node::start().await;
    let (zone, grant) = (node.zone("example.com").await, node.grant().await);
    let new = NewRecord { proxied: Some(true), ..record("A", "www", "192.0.2.1") };
    let made = node.control.record_create(&grant, zone.id, new).await.unwrap();
    let edit = RecordEdit {
        name: Some("text".to_owned()),
        record_type: Some("TXT".to_owned()),
        content: Some("hello".to_owned()),
        ..RecordEdit::default()
    };
    let changed = node.control.record_edit(&grant, zone.id, made.id, edit).await.unwrap();
    assert_eq!((changed.name.to_string(), changed.record_type), ("text.example.com".into(), RecordType::TXT));
    assert!(!changed.proxied && !changed.proxiable);
    let image = node.control.journal().zone_image(ZoneNumber(zone.number)).unwrap().1;
    assert_eq!(image.rrsets.len(), 1);
    assert_eq!(image.rrsets[0].owner, changed.name);
}

#[tokio::test]
async fn a_change_keeps_the_rules_of_the_name_it_goes_to() {
    let node = Node::start().await;
    let (zone, grant) = (node.zone("example.com").await, node.grant().await);
    node.control.record_create(&grant, zone.id, record("CNAME", "alias", "else.test")).await.unwrap();
    let made = node.control.record_create(&grant, zone.id, record("A", "www", "192.0.2.1")).await.unwrap();
    let edit = RecordEdit { name: Some("alias".to_owned()), ..RecordEdit::default() };
    let refused = node.control.record_edit(&grant, zone.id, made.id, edit).await;
    assert_eq!(refused, Err(Conflict::AliasExists.into()));
    assert_eq!(node.control.record_get(&grant, zone.id, made.id).await.unwrap(), made);
}

#[tokio::test]
async fn the_quota_counts_what_is_there() {
    let node = Node::with_limits(Limits { records_per_zone: 2, ..Limits::default() }).await;
    let error = Refusal::from(Quota::Records { limit: 2 });
    // The platform's own zone has more than that, and is not bound by it.
    let (zone, grant) = (node.zone("example.com").await, node.grant().await);
    let create = |n: u8| node.control.record_create(&grant, zone.id, record("A", "www", &format!("192.0.2.{n}")));
    let first = create(1).await.unwrap();
    create(2).await.unwrap();
    assert_eq!(create(3).await, Err(error));
    node.control.record_delete(&grant, zone.id, first.id).await.unwrap();
    create(3).await.unwrap();
}

#[tokio::test]
async fn an_rrset_has_so_many_octets() {
    // An A record takes 16.
    let node = Node::with_limits(Limits { rrset_octets: 3 * 16, ..Limits::default() }).await;
    let error = Refusal::from(Quota::RRset { record_type: RecordType::A, limit: 48 });
    let (zone, grant) = (node.zone("example.com").await, node.grant().await);
    let new = |name: &str, n: u8| record("A", name, &format!("192.0.2.{n}"));
    let create = |new: NewRecord| node.control.record_create(&grant, zone.id, new);
    for n in 1..=3 {
        create(new("www", n)).await.unwrap();
    }
    let before = node.control.zone_get(&grant, zone.id).await.unwrap();
    assert_eq!(create(new("www", 4)).await, Err(error.clone()));
    let other = create(new("other", 4)).await.unwrap();
    create(record("AAAA", "www", "2001:db8::1")).await.unwrap();
    // By a change of the name, too; a change of one of the three is none of the size.
    let edit = |name: &str| RecordEdit { name: Some(name.to_owned()), ..RecordEdit::default() };
    assert_eq!(node.control.record_edit(&grant, zone.id, other.id, edit("www")).await, Err(error));
    node.control.record_edit(&grant, zone.id, other.id, edit("another")).await.unwrap();
    let after = node.control.zone_get(&grant, zone.id).await.unwrap();
    assert_eq!(after.version, before.version + 3, "nothing of what was refused is kept");
    let long = record("TXT", "text", &format!("\"{}\"", "x".repeat(36)));
    assert!(matches!(create(long).await, Err(Refusal::Quota(Quota::RRset { .. }))), "one record alone");
    create(record("TXT", "text", &format!("\"{}\"", "x".repeat(35)))).await.unwrap();
}

#[tokio::test]
async fn no_limit_on_an_rrset_is_above_what_a_message_carries() {
    for rrset_octets in [0, 1_000_000] {
        let limits = Limits { rrset_octets, ..Limits::default() };
        assert_eq!(limits.rrset_octets_max(), 64_240);
    }
}

#[tokio::test]
async fn records_are_listed_by_filter_order_and_page() {
    let node = Node::start().await;
    let (zone, grant) = (node.zone("example.com").await, node.grant().await);
    for new in [
        record("TXT", "_acme", "Token-One"),
        record("TXT", "quoted", "\"Token-Two\""),
        record("A", "www", "192.0.2.1"),
        NewRecord { proxied: Some(true), ..record("A", "api", "192.0.2.2") },
        NewRecord { comment: Some("the mail one".to_owned()), ..record("MX", "@", "mail.example.com") },
        record("CNAME", "alias", "www.example.com"),
    ] {
        node.control.record_create(&grant, zone.id, new).await.unwrap();
    }
    let list = async |filter: RecordFilter| {
        let listing = node.control.record_list(&grant, zone.id, filter, PAGE).await.unwrap();
        assert_eq!(listing.items.len() as u64, listing.total);
        let names = listing.items.iter().map(|record| match record.name.labels().next() {
            Some(label) if record.name.label_count() > 2 => String::from_utf8_lossy(label).into_owned(),
            _ => "@".to_owned(),
        });
        names.collect::<Vec<_>>().join(" ")
    };
    let all = RecordFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let named = |name: TextFilter| RecordFilter { name, ..all() };
    let content = |content: TextFilter| RecordFilter { content, ..all() };
    let exact = |value: &str| TextFilter { exact: text(value), ..TextFilter::default() };
    let contains = |value: &str| TextFilter { contains: text(value), ..TextFilter::default() };
    assert_eq!(list(all()).await, "api www alias @ _acme quoted", "by type, then name");
    assert_eq!(list(RecordFilter { order: RecordOrder::Name, ..all() }).await, "@ _acme alias api quoted www");
    assert_eq!(list(RecordFilter { descending: true, ..all() }).await, "quoted _acme @ alias www api");
    assert_eq!(list(RecordFilter { record_type: text("txt"), ..all() }).await, "_acme quoted");
    assert_eq!(list(RecordFilter { proxied: Some(true), ..all() }).await, "api");
    assert_eq!(list(named(exact("WWW.example.com"))).await, "www");
    assert_eq!(list(named(exact("other.test."))).await, "");
    assert_eq!(list(named(contains("A"))).await, "api www alias @ _acme quoted", "example has an a");
    assert_eq!(list(named(TextFilter { startswith: text("A"), ..TextFilter::default() })).await, "api alias");
    assert_eq!(list(named(TextFilter { endswith: text("w.example.COM"), ..TextFilter::default() })).await, "www");
    // Certbot and lexicon filter by the text without quotes, octodns by its quoted strings.
    assert_eq!(list(content(exact("token-one"))).await, "_acme");
    assert_eq!(list(content(exact("\"Token-One\""))).await, "_acme");
    assert_eq!(list(content(exact("Token-Two"))).await, "quoted");
    assert_eq!(list(content(exact("www.example.com."))).await, "alias");
    assert_eq!(list(content(contains("token"))).await, "_acme quoted");
    assert_eq!(list(RecordFilter { search: text("MAIL ONE"), ..all() }).await, "@");
    let two = RecordFilter { record_type: text("MX"), ..content(contains("token-one")) };
    assert_eq!(list(two.clone()).await, "");
    assert_eq!(list(RecordFilter { match_any: true, ..two }).await, "@ _acme");
    let any = RecordFilter { match_any: true, proxied: Some(true), ..named(exact("www.example.com")) };
    assert_eq!(list(any).await, "api www");
    let page = async |filter: RecordFilter, page: Page| {
        let listing = node.control.record_list(&grant, zone.id, filter, page).await.unwrap();
        (listing.items.len(), listing.total)
    };
    for filter in [all(), content(contains("."))] {
        let total = page(filter.clone(), PAGE).await.1;
        assert_eq!(page(filter.clone(), Page { page: 1, per_page: 3 }).await, (3, total));
        assert_eq!(page(filter, Page { page: 99, per_page: 3 }).await, (0, total));
    }
}

/// One request of a random run.
#[derive(Clone, Debug)]
enum Request {
    Create(&'static str, &'static str, &'static str),
    Edit(usize, Option<&'static str>, u32),
    Comment(usize),
    Delete(usize),
    Activate,
    Several(Vec<(&'static str, u8)>),
}

fn request() -> impl Strategy<Value = Request> {
    let name = prop::sample::select(vec!["@", "www", "*", "a.b", "sub"]);
    let content = prop::sample::select(vec![
        ("A", "192.0.2.1"),
        ("A", "192.0.2.2"),
        ("AAAA", "2001:db8::1"),
        ("CNAME", "www.example.com"),
        ("MX", "mail.example.com"),
        ("TXT", "text"),
        ("NS", "ns.else.test"),
    ]);
    let several = prop::collection::vec((prop::sample::select(vec!["x", "y", "z"]), 0u8..4), 1..5);
    prop_oneof![
        5 => (name.clone(), content).prop_map(|(name, (kind, content))| Request::Create(kind, name, content)),
        2 => (0usize..8, prop::option::of(name), 60u32..90).prop_map(|(at, name, ttl)| Request::Edit(at, name, ttl)),
        1 => (0usize..8).prop_map(Request::Comment),
        2 => (0usize..8).prop_map(Request::Delete),
        1 => Just(Request::Activate),
        1 => several.prop_map(Request::Several),
    ]
}

/// Carries out a request, whether it is refused or not.
async fn carry_out(node: &Node, zone: &Zone, request: Request) {
    let (control, grant) = (&node.control, Grant::operator());
    let records = control.record_list(&grant, zone.id, RecordFilter::default(), PAGE).await.unwrap().items;
    let at = |index: usize| records.get(index).map_or(PublicId([0; 16]), |record| record.id);
    let edit = |index: usize, edit: RecordEdit| control.record_edit(&grant, zone.id, at(index), edit);
    let _ = match request {
        Request::Create(kind, name, content) => {
            control.record_create(&grant, zone.id, record(kind, name, content)).await.map(|_| ())
        }
        Request::Edit(index, name, ttl) => {
            let change = RecordEdit { name: name.map(str::to_owned), ttl: Some(ttl), ..RecordEdit::default() };
            edit(index, change).await.map(|_| ())
        }
        Request::Comment(index) => {
            let comment = Some(Some(node.control.journal().position().0.to_string()));
            edit(index, RecordEdit { comment, ..RecordEdit::default() }).await.map(|_| ())
        }
        Request::Delete(index) => control.record_delete(&grant, zone.id, at(index)).await.map(|_| ()),
        Request::Activate => {
            let proven = control.journal().position().0 % 2 == 0;
            control.zone_set_status(Actor::Operator, zone.id, Status::Active, proven).await.map(|_| ())
        }
        Request::Several(names) => {
            let id = zone.id;
            let work = move |tx: &mut Tx<'_>| {
                let zone = zones::open(tx, &grant, id, Permission::DnsEdit)?;
                for (name, last) in names {
                    // Some repeat what an earlier one has done: then nothing of the batch is kept.
                    records::create(tx, &zone, record("A", name, &format!("192.0.2.{last}")))?;
                }
                Ok(())
            };
            control.write(Actor::Operator, Action::RecordBatch, work).await
        }
    };
}

/// Applies everything that the journal tells of a zone, and holds it against the zone's image.
fn follow(node: &Node, zone: &Zone) {
    let journal = node.control.journal();
    let number = ZoneNumber(zone.number);
    let (mut header, mut last): (_, Option<(u64, waymark_wire::Serial)>) = (None, None);
    let mut rrsets: BTreeMap<(Name, RecordType), RRset> = BTreeMap::new();
    for (expected, commit) in (1..).zip(journal.read_from(Position(0), usize::MAX).unwrap()) {
        assert_eq!(commit.position, Position(expected), "no hole");
        for entry in commit.entries.into_iter().filter(|entry| entry.zone == number) {
            let Change::Delta { header: changed, removed, added } = entry.change else { panic!("too small for that") };
            if let Some((version, serial)) = last {
                assert_eq!(entry.version.0, version + 1, "no hole");
                assert!(entry.serial == serial || entry.serial.is_after(serial), "never back");
                let moved = !removed.is_empty() || !added.is_empty();
                assert_eq!(entry.serial != serial, moved, "exactly when a transfer would carry something else");
            }
            last = Some((entry.version.0, entry.serial));
            header = changed.or(header);
            for rrset in removed {
                assert_eq!(rrsets.remove(&(rrset.owner.clone(), rrset.record_type)), Some(rrset));
            }
            for rrset in added {
                assert_eq!(rrsets.insert((rrset.owner.clone(), rrset.record_type), rrset), None);
            }
        }
    }
    let (position, image) = journal.zone_image(number).unwrap();
    assert_eq!(position, journal.position());
    assert_eq!(Some((image.version.0, image.serial)), last);
    assert_eq!(Some(image.header), header);
    assert_eq!(image.rrsets, rrsets.into_values().collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_journal_followed_from_the_start_is_the_zone_as_it_is(requests in prop::collection::vec(request(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let node = Node::start().await;
            let zone = node.zone("example.com").await;
            for request in requests {
                carry_out(&node, &zone, request).await;
            }
            follow(&node, &zone);
        });
    }
}
