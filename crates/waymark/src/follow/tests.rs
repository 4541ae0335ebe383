use waymark_control::{Action, Actor, Control, Grant, ImportEvent, NewRecord, Permission, ZoneFile};
use waymark_zone::published::INLINE_OCTETS_MAX;

use crate::config::Limit;
use crate::node::control_options;
use crate::scratch::{Scratch, answers, ask, eventually, put, record, zone};
use crate::{Node, NodeOptions};

/// Opens the store of a node that does not run.
fn offline<T>(config: &crate::Config, work: impl AsyncFnOnce(&Control) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let control = Control::open(&config.data.dir, control_options(config, &NodeOptions::default())).unwrap();
    runtime.block_on(async {
        let result = work(&control).await;
        control.close().await;
        result
    })
}

/// Many records in one write.
async fn put_all(control: &Control, zone: waymark_control::PublicId, new: Vec<NewRecord>) {
    let work = move |tx: &mut waymark_control::Tx<'_>| {
        let row = waymark_control::zones::open(tx, &Grant::operator(), zone, Permission::DnsEdit)?;
        for new in new {
            waymark_control::records::create(tx, &row, new)?;
        }
        Ok(())
    };
    control.write(Actor::Operator, Action::RecordBatch, work).await.unwrap();
}

/// Records of about 1 KiB each that together are too much to be said in a journal entry.
fn a_lot(generation: u32) -> Vec<NewRecord> {
    let text = format!("{generation} {}", "x".repeat(240));
    let count = INLINE_OCTETS_MAX / 240 + 1;
    (0..count).map(|number| record(&format!("g{generation}-{number}"), "TXT", &format!("\"{text}\""))).collect()
}

#[test]
fn what_was_written_while_nobody_followed_is_replayed() {
    let scratch = Scratch::new();
    let node = scratch.start();
    let example = zone(&node, "example.com");
    node.stop();
    offline(&scratch.config(), async |control| {
        for number in 1..=5 {
            let new = record(&format!("n{number}"), "A", "192.0.2.1");
            control.record_create(&Grant::operator(), example.id, new).await.unwrap();
        }
    });
    let node = scratch.start();
    assert_eq!(node.progress().edge_file_fills(), 0, "the journal reached back");
    assert_eq!(answers(&node, "n5.example.com", "A"), ["192.0.2.1"]);
    node.stop();
}

#[test]
fn a_journal_that_does_not_reach_back_means_a_snapshot() {
    let scratch = Scratch::new();
    let mut config = scratch.config();
    config.limits.journal_entries_kept = Limit(5);
    let node = Node::start(config.clone(), NodeOptions::default()).unwrap();
    let example = zone(&node, "example.com");
    node.stop();
    offline(&config, async |control| {
        // The journal is pruned in pieces of some hundreds.
        for number in 1..=600 {
            let new = record(&format!("n{number}"), "A", "192.0.2.1");
            control.record_create(&Grant::operator(), example.id, new).await.unwrap();
        }
    });
    let node = Node::start(config, NodeOptions::default()).unwrap();
    assert_eq!(node.progress().edge_file_fills(), 1);
    assert_eq!(answers(&node, "n1.example.com", "A"), ["192.0.2.1"]);
    assert_eq!(answers(&node, "n600.example.com", "A"), ["192.0.2.1"]);
    node.stop();
}

#[test]
fn another_incarnation_means_a_snapshot() {
    let (one, other) = (Scratch::new(), Scratch::new());
    for (scratch, name) in [(&one, "one.example"), (&other, "other.example")] {
        let node = scratch.start();
        let zone = zone(&node, name);
        put(&node, &zone, "www", "A", "192.0.2.1");
        node.stop();
    }
    std::fs::copy(one.config().data.dir.join("edge.redb"), other.config().data.dir.join("edge.redb")).unwrap();
    let node = other.start();
    assert_eq!(node.progress().edge_file_fills(), 1);
    assert_eq!(answers(&node, "www.other.example", "A"), ["192.0.2.1"]);
    assert!(answers(&node, "www.one.example", "A").is_empty());
    node.stop();
}

#[test]
fn a_damaged_edge_file_costs_a_snapshot_and_nothing_else() {
    let scratch = Scratch::new();
    let node = scratch.start();
    let example = zone(&node, "example.com");
    put(&node, &example, "www", "A", "192.0.2.1");
    node.stop();
    let file = scratch.config().data.dir.join("edge.redb");
    std::fs::write(&file, vec![0x5a; 100_000]).unwrap();
    let node = scratch.start();
    assert_eq!(answers(&node, "www.example.com", "A"), ["192.0.2.1"]);
    assert!(node.progress().edge_file_errors() > 0);
    assert_eq!(node.progress().edge_file_problem(), None, "a new one is in its place");
    node.stop();
    let node = scratch.start();
    assert_eq!(node.progress().edge_file_fills(), 0);
    assert_eq!(answers(&node, "www.example.com", "A"), ["192.0.2.1"]);
    node.stop();
}

#[test]
fn what_is_too_much_for_an_entry_is_fetched() {
    let scratch = Scratch::new();
    let node = scratch.start();
    let example = zone(&node, "example.com");
    for generation in 1..=2 {
        let new = a_lot(generation);
        let last = format!("{}.example.com", new[new.len() - 1].name);
        node.block_on(put_all(node.control(), example.id, new));
        assert_eq!(answers(&node, &last, "TXT").len(), 1, "visible when the reply comes");
        assert_eq!(answers(&node, "g1-0.example.com", "TXT").len(), 1);
    }
    put(&node, &example, "after", "A", "192.0.2.1");
    assert_eq!(answers(&node, "after.example.com", "A"), ["192.0.2.1"]);
    assert_eq!(node.progress().snapshots(), 0, "an image of the zone was enough");
    node.stop();
    let node = scratch.start();
    assert_eq!(node.progress().edge_file_fills(), 0);
    assert_eq!(answers(&node, "g2-0.example.com", "TXT").len(), 1);
    assert_eq!(answers(&node, "after.example.com", "A"), ["192.0.2.1"]);
    node.stop();
}

#[test]
fn a_full_queue_to_the_edge_file_loses_nothing() {
    let scratch = Scratch::new();
    let mut config = scratch.config();
    config.limits.edge_file_commits_waiting = Limit(1);
    let node = Node::start(config.clone(), NodeOptions::default()).unwrap();
    let example = zone(&node, "example.com");
    for number in 1..=30 {
        put(&node, &example, &format!("n{number}"), "A", "192.0.2.1");
    }
    eventually("the edge file is where DNS is", || node.progress().edge_file() == node.progress().applied());
    node.stop();
    let node = Node::start(config, NodeOptions::default()).unwrap();
    assert_eq!(node.progress().edge_file_fills(), 0);
    assert_eq!(answers(&node, "n30.example.com", "A"), ["192.0.2.1"]);
    node.stop();
}

#[test]
fn a_slow_subscriber_reads_the_table() {
    let scratch = Scratch::new();
    let mut config = scratch.config();
    config.limits.commits_waiting = Limit(1);
    let node = Node::start(config, NodeOptions::default()).unwrap();
    let example = zone(&node, "example.com");
    node.block_on(async {
        let operator = Grant::operator();
        let writes = (1..=50).map(|number| {
            let new = record(&format!("n{number}"), "A", "192.0.2.1");
            node.control().record_create(&operator, example.id, new)
        });
        // All at once, so that many share a transaction and come out of it together.
        let mut tasks = Vec::from_iter(writes.map(Box::pin));
        std::future::poll_fn(|context| {
            tasks.retain_mut(|task| task.as_mut().poll(context).map(Result::unwrap).is_pending());
            if tasks.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    });
    for number in 1..=50 {
        assert_eq!(answers(&node, &format!("n{number}.example.com"), "A"), ["192.0.2.1"]);
    }
    node.stop();
}

/// A zone of more records than one write takes.
fn large_file() -> ZoneFile {
    let records = waymark_control::RECORDS_PER_WRITE_MAX * 2;
    let lines = (0..records).map(|number| format!("h{number} 300 A 10.0.{}.{}\n", number / 250 % 250, number % 250));
    let text = lines.collect::<String>().into_bytes();
    ZoneFile { name: "large".to_owned(), origin: Some("large.example".parse().unwrap()), text }
}

/// Begins to import it; breaks off behind the first piece, or goes on to the end.
fn import_large(node: &Node, whole: bool) {
    node.block_on(async {
        let control = node.control();
        let page = waymark_control::Page { page: 1, per_page: 1 };
        let account = control.account_list(&Grant::operator(), Default::default(), page).await.unwrap().items[0].id;
        let (files, mut events) = control.import_start(Grant::operator(), account, Default::default());
        files.push(large_file()).await.unwrap();
        drop(files);
        while let Some(event) = events.next().await {
            assert!(!matches!(event, ImportEvent::Ended(_) | ImportEvent::Problem(_)), "{event:?}");
            if !whole && matches!(event, ImportEvent::Progress { .. }) {
                break;
            }
        }
    });
}

#[test]
fn a_zone_that_is_being_filled_answers_nowhere() {
    let scratch = Scratch::new();
    let refused = |node: &Node| ask(node, "h0.large.example", "A").rcode == waymark_wire::Rcode::REFUSED;
    let node = scratch.start();
    import_large(&node, false);
    assert!(refused(&node));
    // From the edge's file, then from a snapshot.
    node.stop();
    let node = scratch.start();
    assert!(refused(&node));
    node.stop();
    std::fs::remove_file(scratch.config().data.dir.join("edge.redb")).unwrap();
    let node = scratch.start();
    assert!(refused(&node));
    import_large(&node, true);
    assert_eq!(answers(&node, "h0.large.example", "A"), ["10.0.0.0"], "all of it, with the last step");
    assert_eq!(answers(&node, "h19999.large.example", "A"), ["10.0.79.249"]);
    assert_eq!(node.progress().snapshots(), 0, "no piece was too large to be told inline");
    node.stop();
    let node = scratch.start();
    assert_eq!(answers(&node, "h19999.large.example", "A"), ["10.0.79.249"]);
    node.stop();
}
