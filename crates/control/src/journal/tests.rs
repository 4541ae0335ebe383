//! Snapshots against images, and subscriptions.

use waymark_zone::published::{Position, ScopeId, ZoneImage};

use crate::testing::{Node, record};
use crate::*;

/// Reads a snapshot out, in pieces of `max`.
fn read_out(mut snapshot: Snapshot, max: usize) -> Vec<ZoneImage> {
    let mut images = Vec::new();
    while let Some(ZoneHead { zone, version, serial, header }) = snapshot.next_zone().unwrap() {
        let mut rrsets = Vec::new();
        loop {
            let piece = snapshot.next_rrsets(max).unwrap();
            if piece.is_empty() {
                break;
            }
            rrsets.extend(piece);
        }
        images.push(ZoneImage { zone, version, serial, header, rrsets });
    }
    images
}

#[tokio::test]
async fn a_snapshot_has_every_zone_as_its_image_has_it() {
    let node = Node::start().await;
    let grant = Grant::operator();
    for n in 0..5 {
        let zone = node.zone(&format!("zone{n}.example")).await;
        for m in 0..n * 3 {
            let new = record("TXT", &format!("n{}", m / 2), &format!("text {m}"));
            node.control.record_create(&grant, zone.id, new).await.unwrap();
        }
    }
    let deleted = node.zone("deleted.example").await;
    node.control.zone_delete(&grant, deleted.id).await.unwrap();
    let journal = node.control.journal();
    let snapshot = journal.snapshot().unwrap();
    assert_eq!((snapshot.position(), snapshot.incarnation()), (journal.position(), journal.incarnation()));
    assert_eq!(snapshot.scopes().len(), node.control.nameserver_list().await.unwrap().len());
    assert!(snapshot.scopes().iter().all(|scope| scope.addresses.len() == 2));
    let images = read_out(snapshot, 2);
    assert_eq!(images.len(), 7, "five, the brand's and the deleted one");
    for image in &images {
        assert_eq!(&journal.zone_image(image.zone).unwrap().1, image);
    }
    assert_eq!(images, read_out(journal.snapshot().unwrap(), usize::MAX));
    let empty = images.iter().find(|image| image.zone.0 == deleted.number).unwrap();
    assert!(empty.header.scopes.is_empty());
}

#[tokio::test]
async fn a_snapshot_stays_at_its_position() {
    let node = Node::start().await;
    let (zone, grant) = (node.zone("example.com").await, Grant::operator());
    let mut snapshot = node.control.journal().snapshot().unwrap();
    node.control.record_create(&grant, zone.id, record("A", "www", "192.0.2.1")).await.unwrap();
    node.zone("later.example").await;
    assert_eq!(snapshot.position(), Position(node.control.journal().position().0 - 2));
    // What is not read of a zone is left out.
    let mut zones = Vec::new();
    while let Some(head) = snapshot.next_zone().unwrap() {
        zones.push(head.header.apex.to_string());
    }
    assert_eq!(zones, ["waymark.test", "example.com"]);
    assert!(snapshot.next_rrsets(10).unwrap().is_empty());
}

#[tokio::test]
async fn a_name_with_more_records_than_a_run_comes_whole() {
    let node = Node::start().await;
    let (zone, after) = (node.zone("big.example").await, node.zone("small.example").await);
    let (id, after) = (zone.id, after.id);
    let fill = node.control.write(Actor::System, Action::RecordBatch, move |tx| {
        let grant = Grant::operator();
        let zone = zones::open(tx, &grant, id, Permission::DnsEdit)?;
        for n in 0u32..10_000 {
            let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + n).to_string();
            let owner = if n < 9_000 { "many".to_owned() } else { format!("n{}", n / 2) };
            tx.insert_record(&zone, crate::testing::numbered_row(tx.random(), &owner, &address))?;
        }
        let zone = zones::open(tx, &grant, after, Permission::DnsEdit)?;
        records::create(tx, &zone, record("A", "www", "192.0.2.1")).map(|_| ())
    });
    fill.await.unwrap();
    let images = read_out(node.control.journal().snapshot().unwrap(), 100);
    let big = images.iter().find(|image| image.zone.0 == zone.number).unwrap();
    assert_eq!(big.rrsets.len(), 501);
    assert_eq!(big.rrsets.iter().map(|rrset| rrset.data.len()).sum::<usize>(), 10_000);
    assert_eq!(images.last().unwrap().rrsets.len(), 1);
}

#[tokio::test]
async fn a_subscription_has_the_commits_in_order_and_says_when_it_missed_some() {
    let node = Node::with_limits(Limits { commits_subscribed: 4, ..Limits::default() }).await;
    let (zone, grant) = (node.zone("example.com").await, Grant::operator());
    let mut subscription = node.control.journal().subscribe();
    let start = node.control.journal().position();
    for n in 0..3 {
        node.control.record_create(&grant, zone.id, record("A", &format!("a{n}"), "192.0.2.1")).await.unwrap();
    }
    let mut expected = start;
    while let Some(commit) = subscription.try_recv().unwrap() {
        expected = expected.next();
        assert_eq!(commit.position, expected);
        let kept = node.control.journal().read_from(Position(expected.0 - 1), 1).unwrap();
        assert_eq!(kept, [(*commit).clone()], "the table says the same");
    }
    assert_eq!(expected, node.control.journal().position());
    for n in 0..9 {
        node.control.record_create(&grant, zone.id, record("A", &format!("b{n}"), "192.0.2.1")).await.unwrap();
    }
    assert_eq!(subscription.try_recv(), Err(Missed::Lagged));
    assert!(subscription.recv().await.unwrap().position > expected);
    node.control.close().await;
    while let Ok(Some(_)) = subscription.try_recv() {}
    assert_eq!(subscription.recv().await, Err(Missed::Closed));
    assert_eq!(node.control.journal().subscribe().recv().await, Err(Missed::Closed));
}

#[tokio::test]
async fn scopes_of_nameservers_begin_behind_the_special_ones() {
    let node = Node::start().await;
    let snapshot = node.control.journal().snapshot().unwrap();
    assert_eq!(snapshot.scopes()[0].scope, ScopeId::FIRST_OF_NAMESERVERS);
}
