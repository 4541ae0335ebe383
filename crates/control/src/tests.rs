//! The control plane as a whole: first start, writes in groups, failing commits, what the journal says.

use std::time::Duration;

use rusqlite::params;
use waymark_zone::published::{Change, Position};

use crate::testing::{Directory, Node, options, record};
use crate::*;

#[tokio::test]
async fn the_first_start_makes_everything_and_the_second_nothing() {
    let node = Node::start().await;
    assert_eq!((node.first.token.len(), node.first.key.len()), (40, 37));
    let position = node.control.journal().position();
    assert_eq!(position, Position(1));
    assert!(node.control.bootstrap("other@example.com").await.unwrap().is_none());
    assert_eq!(node.control.journal().position(), position);
    let (grant, by_key) =
        (node.grant().await, node.control.authenticate_key("ADMIN@example.com", &node.first.key).await);
    assert_eq!(by_key.unwrap().owner(), grant.owner());
    assert_eq!(node.control.user(&grant).await.unwrap().email, "admin@example.com");
    let accounts = node.control.account_list(&grant, AccountFilter::default(), PAGE).await.unwrap();
    assert_eq!((accounts.total, accounts.items[0].id), (1, node.first.account_id));
}

const PAGE: Page = Page { page: 1, per_page: 20 };

#[tokio::test]
async fn the_brand_zone_is_published_with_the_addresses_of_all_nameservers() {
    let node = Node::start().await;
    let nameservers = node.control.nameserver_list().await.unwrap();
    assert!(nameservers.len() >= 100);
    assert_eq!(nameservers[0].addresses[0].to_string(), "127.53.0.1");
    assert_eq!(nameservers[0].addresses[1].to_string(), "fd53::1");
    let commits = node.control.journal().read_from(Position(0), 10).unwrap();
    assert_eq!(commits.len(), 1);
    assert_eq!(commits[0].scopes.len(), nameservers.len());
    let Change::Delta { header: Some(header), removed, added } = &commits[0].entries[0].change else { panic!() };
    assert_eq!(header.apex.to_string(), "waymark.test");
    assert!(header.proven && removed.is_empty());
    assert_eq!(header.soa.rname.to_string(), "dns.waymark.test");
    // Their IPv6 addresses are assigned, and not published before the pool is reachable.
    assert_eq!(added.len(), nameservers.len());
}

#[tokio::test]
async fn ipv6_addresses_are_published_once_the_pool_is_reachable() {
    let node = Node::start().await;
    node.control.close().await;
    let (mut options, _) = options(Limits::default());
    options.pools.ipv6_reachable = true;
    let control = Control::open(node.directory.path(), options).unwrap();
    control.bootstrap("admin@example.com").await.unwrap();
    let commits = control.journal().read_from(Position(1), 10).unwrap();
    let Change::Delta { header: None, removed, added } = &commits[0].entries[0].change else { panic!() };
    assert!(removed.is_empty() && added.iter().all(|rrset| rrset.record_type.to_string() == "AAAA"));
    assert_eq!(added.len(), control.nameserver_list().await.unwrap().len());
    control.nameserver_publish_ipv6(true).await.unwrap();
    control.nameserver_publish_ipv6(false).await.unwrap();
    let changed: Vec<_> = control.journal().read_from(Position(2), 10).unwrap();
    let changed: Vec<_> = changed.iter().filter(|commit| !commit.entries.is_empty()).collect();
    let [withdrawn] = &changed[..] else { panic!("{changed:?}") };
    let Change::Delta { header: None, removed, added } = &withdrawn.entries[0].change else { panic!() };
    assert!(added.is_empty() && removed.iter().all(|key| key.record_type.to_string() == "AAAA"), "{removed:?}");
}

#[tokio::test]
async fn a_refused_write_in_a_group_rolls_back_alone() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let before = node.control.statistics();
    let grant = Grant::operator();
    let create = |content: &'static str| node.control.record_create(&grant, zone.id, record("A", "www", content));
    // The writer is held up while the others come together.
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let holding = node.control.write(Actor::System, Action::RecordBatch, move |_| {
        held.recv().unwrap();
        Ok(())
    });
    let released = async {
        while node.control.statistics().writes_waiting < 3 {
            tokio::task::yield_now().await;
        }
        hold.send(()).unwrap();
    };
    let (_, one, two, three, ()) =
        tokio::join!(holding, create("192.0.2.1"), create("not an address"), create("192.0.2.3"), released);
    assert!(one.is_ok() && three.is_ok());
    assert!(matches!(two, Err(Refusal::Invalid(Invalid::Content { .. }))));
    let after = node.control.statistics();
    assert_eq!(after.position, before.position + 2);
    assert_eq!(after.writes_refused, before.writes_refused + 1);
    assert_eq!(after.commits, before.commits + 1, "three writes, one commit");
    let versions: Vec<u64> = entries(&node, before.position).iter().map(|(_, version)| *version).collect();
    assert_eq!(versions, [2, 3]);
}

/// Positions and versions of the entries after a position.
fn entries(node: &Node, after: u64) -> Vec<(u64, u64)> {
    let commits = node.control.journal().read_from(Position(after), 1000).unwrap();
    commits.iter().flat_map(|commit| commit.entries.iter().map(|entry| (commit.position.0, entry.version.0))).collect()
}

#[tokio::test]
async fn a_commit_that_fails_changes_nothing_and_the_next_succeeds() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let before = node.control.statistics();
    let mut subscription = node.control.journal().subscribe();
    let grant = Grant::operator();
    let failing = node.control.write(Actor::System, Action::RecordBatch, |tx| {
        // A reference that dangles when the transaction is committed, and not before.
        tx.execute("PRAGMA defer_foreign_keys = ON", [])?;
        tx.execute("INSERT INTO memberships (user_id, account_id, created_at) VALUES (?1, ?2, 0)", params![99, 99])?;
        Ok(())
    });
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let holding = node.control.write(Actor::System, Action::RecordBatch, move |_| {
        held.recv().unwrap();
        Ok(())
    });
    let released = async {
        while node.control.statistics().writes_waiting < 2 {
            tokio::task::yield_now().await;
        }
        hold.send(()).unwrap();
    };
    let beside = node.control.record_create(&grant, zone.id, record("A", "www", "192.0.2.1"));
    let (_, failed, beside, ()) = tokio::join!(holding, failing, beside, released);
    assert!(matches!(failed, Err(Refusal::Unavailable(_))), "{failed:?}");
    assert!(matches!(beside, Err(Refusal::Unavailable(_))), "its group is lost with it");
    assert_eq!(node.control.statistics().position, before.position);
    assert_eq!(node.control.statistics().commits_failed, 1);
    assert!(subscription.try_recv().unwrap().is_none(), "nothing is published");
    node.control.record_create(&grant, zone.id, record("A", "www", "192.0.2.1")).await.unwrap();
    assert_eq!(subscription.try_recv().unwrap().unwrap().position.0, before.position + 1);
    assert_eq!(entries(&node, before.position), [(before.position + 1, 2)]);
}

#[tokio::test]
async fn a_full_store_refuses_writes_until_there_is_room() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let grant = Grant::operator();
    let pages = |text: &'static str| {
        node.control.write(Actor::System, Action::RecordBatch, move |tx| {
            tx.sql().one(text, [], |row| row.get::<_, i64>(0)).map(|_| ())
        })
    };
    pages("PRAGMA max_page_count = 1").await.unwrap();
    let mut kept = 0;
    let refused = loop {
        let new = record("TXT", &format!("t{kept}"), &"x".repeat(2000));
        match node.control.record_create(&grant, zone.id, new).await {
            Ok(_) => kept += 1,
            Err(refusal) => break refusal,
        }
        assert!(kept < 1000, "the store never fills up");
    };
    assert_eq!(refused, Refusal::Unavailable(Unavailable::DiskFull));
    assert!(node.control.statistics().failing);
    let position = node.control.statistics().position;
    let listed = node.control.record_list(&grant, zone.id, RecordFilter::default(), PAGE).await.unwrap();
    assert_eq!(listed.total, kept);
    pages("PRAGMA max_page_count = 1000000").await.unwrap();
    node.control.record_create(&grant, zone.id, record("A", "www", "192.0.2.1")).await.unwrap();
    assert_eq!(node.control.statistics().position, position + 1);
    assert!(!node.control.statistics().failing);
}

#[tokio::test]
async fn a_write_that_panics_is_taken_back_and_the_writer_lives() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let id = zone.id;
    let panicking: Result<(), _> = node
        .control
        .write(Actor::System, Action::RecordBatch, move |tx| {
            let zone = zones::open(tx, &Grant::operator(), id, Permission::DnsEdit)?;
            records::create(tx, &zone, record("A", "www", "192.0.2.1"))?;
            panic!("on purpose");
        })
        .await;
    assert_eq!(panicking, Err(Refusal::Unavailable(Unavailable::Internal)));
    node.control.record_create(&Grant::operator(), id, record("A", "www", "192.0.2.1")).await.unwrap();
}

#[tokio::test]
async fn small_writes_go_before_pieces_that_wait() {
    let node = Node::start().await;
    let store = &node.control.store;
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let holding = store.write(Actor::System, Action::RecordBatch, move |_| {
        started.send(()).unwrap();
        held.recv().unwrap();
        Ok(())
    });
    let (tell, told) = std::sync::mpsc::channel();
    let telling = |what: &'static str| {
        let tell = tell.clone();
        move |_: &mut Tx<'_>| {
            tell.send(what).unwrap();
            Ok(())
        }
    };
    let others = async {
        has_started.await.unwrap();
        let piece = |what| store.write_piece(Actor::System, Action::ZoneImport, telling(what)).unwrap();
        let pieces = [piece("first piece"), piece("second piece")];
        let released = async {
            while node.control.statistics().writes_waiting < 3 {
                tokio::task::yield_now().await;
            }
            hold.send(()).unwrap();
        };
        let (small, ()) = tokio::join!(store.write(Actor::System, Action::RecordCreate, telling("small")), released);
        small.unwrap();
        for piece in pieces {
            piece.await.unwrap().unwrap();
        }
    };
    let (held, ()) = tokio::join!(holding, others);
    held.unwrap();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), ["small", "first piece", "second piece"]);
}

#[tokio::test]
async fn a_full_queue_refuses() {
    let node = Node::with_limits(Limits { writes_waiting: 1, ..Limits::default() }).await;
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let holding = node.control.write(Actor::System, Action::RecordBatch, move |_| {
        started.send(()).unwrap();
        held.recv().unwrap();
        Ok(())
    });
    let nothing = || node.control.write(Actor::System, Action::RecordBatch, |_| Ok(()));
    let pressing = async {
        has_started.await.unwrap();
        let verdict = tokio::select! {
            biased;
            verdict = async { tokio::join!(nothing(), nothing()).1 } => verdict,
            () = tokio::time::sleep(Duration::from_secs(5)) => panic!("the queue took two"),
        };
        verdict
    };
    let releasing = async {
        while node.control.statistics().writes_unavailable == 0 {
            tokio::task::yield_now().await;
        }
        hold.send(()).unwrap();
    };
    let (_, verdict, ()) = tokio::join!(holding, pressing, releasing);
    assert_eq!(verdict, Err(Refusal::Unavailable(Unavailable::Busy)));
}

#[tokio::test]
async fn a_write_that_changes_nothing_takes_no_position() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let grant = Grant::operator();
    let made = node.control.record_create(&grant, zone.id, record("A", "www", "192.0.2.1")).await.unwrap();
    let position = node.control.journal().position();
    node.clock.advance_seconds(5);
    let same = node.control.record_edit(&grant, zone.id, made.id, RecordEdit::default()).await.unwrap();
    assert_eq!((same, node.control.journal().position()), (made, position));
}

#[tokio::test]
async fn versions_move_with_intent_and_serials_with_what_a_transfer_carries() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let grant = Grant::operator();
    let made = node.control.record_create(&grant, zone.id, record("A", "www", "192.0.2.1")).await.unwrap();
    let last = || {
        let (position, journal) = (node.control.journal().position(), node.control.journal());
        let commit = journal.read_from(Position(position.0 - 1), 1).unwrap().remove(0);
        let entry = commit.entries[0].clone();
        (entry.version.0, entry.serial)
    };
    let (version, serial) = last();
    node.clock.advance_seconds(100);
    let comment = RecordEdit { comment: Some(Some("ours".to_owned())), ..RecordEdit::default() };
    let commented = node.control.record_edit(&grant, zone.id, made.id, comment).await.unwrap();
    assert!(commented.comment_modified.is_some());
    assert_eq!(last(), (version + 1, serial), "a comment is no part of a transfer");
    node.control.zone_set_status(Actor::Operator, zone.id, Status::Active, true).await.unwrap();
    assert_eq!(last(), (version + 2, serial), "nor is the status");
    let content = RecordEdit { content: Some("192.0.2.2".to_owned()), ..RecordEdit::default() };
    node.control.record_edit(&grant, zone.id, made.id, content).await.unwrap();
    let (after, moved) = last();
    assert_eq!(after, version + 3);
    assert_eq!(u64::from(moved.get()), u64::try_from(crate::testing::START / 1_000_000).unwrap() + 100);
    let image = node.control.journal().zone_image(waymark_zone::published::ZoneNumber(zone.number)).unwrap().1;
    assert_eq!((image.version.0, image.serial), (after, moved));
}

#[tokio::test]
async fn a_zone_made_again_does_not_fall_back_behind_its_serial() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let grant = Grant::operator();
    for n in 0..5 {
        node.control.record_create(&grant, zone.id, record("A", &format!("a{n}"), "192.0.2.1")).await.unwrap();
    }
    let journal = node.control.journal();
    let serial_of = |number| journal.zone_image(waymark_zone::published::ZoneNumber(number)).unwrap().1.serial;
    let before = serial_of(zone.number);
    node.control.zone_delete(&grant, zone.id).await.unwrap();
    let again = node.zone("example.com").await;
    assert!(serial_of(again.number).is_after(before));
}

#[tokio::test]
async fn replies_wait_for_the_local_catalog_and_no_longer_than_they_may() {
    let node = Node::with_limits(Limits { reply_wait_ms: 20, ..Limits::default() }).await;
    let zone = node.zone("example.com").await;
    let grant = Grant::operator();
    let follower = node.control.journal().attach_follower();
    node.control.record_create(&grant, zone.id, record("A", "slow", "192.0.2.1")).await.unwrap();
    assert_eq!(node.control.statistics().replies_early, 1);
    let mut subscription = node.control.journal().subscribe();
    let applying = async {
        let commit = subscription.recv().await.unwrap();
        follower.set_applied(commit.position);
    };
    let creating = node.control.record_create(&grant, zone.id, record("A", "quick", "192.0.2.1"));
    let (made, ()) = tokio::join!(creating, applying);
    made.unwrap();
    assert_eq!(node.control.statistics().replies_early, 1);
    drop(follower);
    node.control.record_create(&grant, zone.id, record("A", "alone", "192.0.2.1")).await.unwrap();
    assert_eq!(node.control.statistics().replies_early, 1, "nobody to wait for");
}

#[tokio::test]
async fn the_journal_is_pruned_and_says_what_is_too_old() {
    let limits = Limits { journal_entries_kept: 50, undo_entries_kept: 30, ..Limits::default() };
    let node = Node::with_limits(limits).await;
    let zone = node.zone("example.com").await;
    let grant = Grant::operator();
    for n in 0..1200 {
        node.control.record_create(&grant, zone.id, record("A", &format!("a{n}"), "192.0.2.1")).await.unwrap();
    }
    // Pruning follows the reply: a further write has seen the one before pruned.
    node.control.write(Actor::System, Action::RecordBatch, |_| Ok(())).await.unwrap();
    let journal = node.control.journal();
    let (oldest, position) = (journal.oldest().0, journal.position().0);
    assert!(oldest > 500 && position - oldest >= 50 && position - oldest < 50 + 513, "{oldest} of {position}");
    assert_eq!(node.control.statistics().entries_kept, position + 1 - oldest);
    assert!(matches!(journal.read_from(Position(1), 10), Err(JournalError::TooOld { .. })));
    let kept = journal.read_from(Position(oldest - 1), usize::MAX).unwrap();
    assert_eq!(kept.len() as u64, position + 1 - oldest);
    assert!(kept.windows(2).all(|pair| pair[0].position.next() == pair[1].position));
    assert_eq!(journal.read_from(Position(position + 1), 1), Err(JournalError::Unknown));
    let rows = node
        .control
        .write(Actor::System, Action::RecordBatch, |tx| tx.sql().number("SELECT count(*) FROM entries", []));
    assert!(rows.await.unwrap() < 50 + 2 * 513);
}

#[tokio::test]
async fn what_is_pruned_in_one_go_is_bounded_by_its_size() {
    let limits = Limits { journal_entries_kept: 1, undo_entries_kept: 1, ..Limits::default() };
    let node = Node::with_limits(limits).await;
    let zone = node.zone("example.com").await;
    let text = "x".repeat(2000);
    for n in 0..600 {
        let (id, text) = (zone.id, text.clone());
        let work = move |tx: &mut Tx<'_>| {
            let zone = zones::open(tx, &Grant::operator(), id, Permission::DnsEdit)?;
            for part in 0..4 {
                records::create(tx, &zone, record("TXT", &format!("t{n}-{part}"), &text))?;
            }
            Ok(())
        };
        node.control.write(Actor::System, Action::RecordBatch, work).await.unwrap();
        if node.control.journal().oldest() > Position(1) {
            break;
        }
    }
    let oldest = node.control.journal().oldest();
    assert!(oldest > Position(1) && oldest < Position(400), "{oldest:?}: some, and not all that are too old");
}

#[tokio::test]
async fn a_big_change_is_not_carried_inline() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let id = zone.id;
    node.control
        .write(Actor::System, Action::RecordBatch, move |tx| {
            let zone = zones::open(tx, &Grant::operator(), id, Permission::DnsEdit)?;
            for n in 0..200 {
                records::create(tx, &zone, record("TXT", &format!("t{n}"), &"x".repeat(2000)))?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let journal = node.control.journal();
    let commit = journal.read_from(Position(journal.position().0 - 1), 1).unwrap().remove(0);
    assert_eq!(commit.entries[0].change, Change::Replace);
    let (position, image) = journal.zone_image(commit.entries[0].zone).unwrap();
    assert_eq!((position, image.version, image.rrsets.len()), (journal.position(), commit.entries[0].version, 200));
}

#[tokio::test]
async fn intent_says_what_was_there_before_and_after() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let grant = Grant::operator();
    let made = node.control.record_create(&grant, zone.id, record("A", "www", "192.0.2.1")).await.unwrap();
    let edit = RecordEdit { content: Some("192.0.2.2".to_owned()), ..RecordEdit::default() };
    node.control.record_edit(&grant, zone.id, made.id, edit).await.unwrap();
    node.control.record_delete(&grant, zone.id, made.id).await.unwrap();
    let number = waymark_zone::published::ZoneNumber(zone.number);
    let entries = node.control.journal().intent(number, None, 10).unwrap();
    let contents: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry.rows.as_ref()?.get("records").cloned())
        .map(|records| (records[0]["before"]["content"].clone(), records[0]["after"]["content"].clone()))
        .collect();
    let text = |text: &str| serde_json::Value::from(text);
    let null = serde_json::Value::Null;
    assert_eq!(
        contents,
        [(text("192.0.2.2"), null.clone()), (text("192.0.2.1"), text("192.0.2.2")), (null, text("192.0.2.1")),]
    );
    assert_eq!(entries[3].rows.as_ref().unwrap()["zone"]["after"]["name"], "example.com");
}

#[tokio::test]
async fn everything_is_there_after_closing_and_opening() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let grant = Grant::operator();
    let made = node.control.record_create(&grant, zone.id, record("MX", "@", "mail.example.com")).await.unwrap();
    let (position, incarnation) = (node.control.journal().position(), node.control.journal().incarnation());
    node.control.close().await;
    let late = node.control.record_delete(&grant, zone.id, made.id).await;
    assert_eq!(late, Err(Refusal::Unavailable(Unavailable::Closed)));
    let control = Control::open(node.directory.path(), options(Limits::default()).0).unwrap();
    assert_eq!((control.journal().position(), control.journal().incarnation()), (position, incarnation));
    assert_eq!(control.record_get(&grant, zone.id, made.id).await.unwrap(), made);
}

#[test]
fn a_store_that_cannot_be_opened_says_why() {
    let directory = Directory::new();
    let file = directory.path().join("waymark.sqlite");
    let open = || Control::open(directory.path(), options(Limits::default()).0).map(|_| ());
    std::fs::write(&file, b"this is no database").unwrap();
    assert!(matches!(open(), Err(OpenError::Damaged { .. })));
    std::fs::write(&file, [b"SQLite format 3\0".as_slice(), &[7; 5000]].concat()).unwrap();
    assert!(matches!(open(), Err(OpenError::Damaged { .. })));
    std::fs::remove_file(&file).unwrap();
    open().unwrap();
    let raw = rusqlite::Connection::open(&file).unwrap();
    raw.execute("UPDATE schema_version SET version = 99", []).unwrap();
    assert!(matches!(open(), Err(OpenError::Newer { found: 99, .. })));
    raw.execute("UPDATE schema_version SET version = 1", []).unwrap();
    raw.execute("UPDATE journal SET position = 5", []).unwrap();
    raw.execute(
        "INSERT INTO entries (position, zone_id, version, serial, at, actor) VALUES (7, 1, 1, 1, 1, 'system')",
        [],
    )
    .unwrap();
    assert!(matches!(open(), Err(OpenError::Damaged { .. })));
    drop(raw);
    let under_a_file = Control::open(&file.join("below"), options(Limits::default()).0).map(|_| ());
    assert!(matches!(under_a_file, Err(OpenError::Unwritable { .. })));
}

#[test]
fn the_database_of_another_program_is_refused_and_left_alone() {
    let directory = Directory::new();
    let file = directory.path().join("waymark.sqlite");
    rusqlite::Connection::open(&file).unwrap().execute_batch("CREATE TABLE theirs (a INTEGER)").unwrap();
    let refused = Control::open(directory.path(), options(Limits::default()).0).map(|_| ());
    assert!(matches!(refused, Err(OpenError::Damaged { .. })));
    let tables = "SELECT COUNT(*) FROM sqlite_schema";
    let count: i64 = rusqlite::Connection::open(&file).unwrap().query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}

#[test]
fn a_truncated_store_is_found_to_be_damaged() {
    let directory = Directory::new();
    let file = directory.path().join("waymark.sqlite");
    let open = || Control::open(directory.path(), options(Limits::default()).0).map(|_| ());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let control = Control::open(directory.path(), options(Limits::default()).0).unwrap();
        control.bootstrap("admin@example.com").await.unwrap();
        control.close().await;
    });
    open().unwrap();
    let length = std::fs::metadata(&file).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length / 2).unwrap();
    assert!(matches!(open(), Err(OpenError::Damaged { .. })));
}

#[tokio::test]
async fn another_brand_does_not_open_the_store() {
    let node = Node::start().await;
    node.control.close().await;
    let (mut options, _) = options(Limits::default());
    options.brand = Brand::new(crate::testing::name("other.test"));
    let opened = Control::open(node.directory.path(), options).map(|_| ());
    assert!(matches!(opened, Err(OpenError::Brand { .. })));
}
