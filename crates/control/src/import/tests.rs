use waymark_zone::published::{Change, Commit, Position, ZoneHeader};

use super::*;
use crate::error::{Conflict, Quota};
use crate::testing::{Node, name, record};
use crate::{Limits, NewRecord, Page, RecordFilter, Status, Zone, ZoneFilter};

const ALL: Page = Page { page: 1, per_page: 1_000_000 };

/// What an import has told.
#[derive(Default)]
struct Told {
    problems: Vec<ImportProblem>,
    zones: Vec<ImportedZone>,
    ended: Option<Refusal>,
}

impl Told {
    /// Kinds and lines of the problems.
    fn lines(&self) -> Vec<(ImportProblemKind, u32)> {
        self.problems.iter().map(|problem| (problem.kind, problem.line)).collect()
    }

    /// Parsed, added, unchanged, problems of the one zone.
    fn counts(&self) -> [u64; 4] {
        let [zone] = &self.zones[..] else { panic!("not one zone: {:?}", self.zones) };
        [zone.parsed, zone.added, zone.unchanged, zone.problems]
    }
}

fn file(name: &str, text: &str) -> ZoneFile {
    ZoneFile { name: format!("{name}.zone"), origin: Some(crate::testing::name(name)), text: text.as_bytes().to_vec() }
}

async fn import_with(node: &Node, options: ImportOptions, files: Vec<ZoneFile>) -> Told {
    let (into, mut events) = node.control.import_start(Grant::operator(), node.first.account_id, options);
    let pushing = tokio::spawn(async move {
        for file in files {
            if into.push(file).await.is_err() {
                break;
            }
        }
    });
    let mut told = Told::default();
    while let Some(event) = events.next().await {
        match event {
            ImportEvent::Problem(problem) => told.problems.push(problem),
            ImportEvent::Zone(zone) => told.zones.push(zone),
            ImportEvent::Ended(refusal) => told.ended = Some(refusal),
            ImportEvent::Progress { .. } => {}
        }
    }
    pushing.await.unwrap();
    told
}

async fn import(node: &Node, files: Vec<ZoneFile>) -> Told {
    import_with(node, ImportOptions::default(), files).await
}

/// The records of a zone as `name type content ttl`, sorted.
async fn records(node: &Node, zone: PublicId) -> Vec<String> {
    let listed = node.control.record_list(&Grant::operator(), zone, RecordFilter::default(), ALL).await.unwrap();
    let line =
        |record: crate::Record| format!("{} {} {} {}", record.name, record.record_type, record.content, record.ttl);
    let mut lines: Vec<String> = listed.items.into_iter().map(line).collect();
    lines.sort();
    lines
}

async fn zone_named(node: &Node, name: &str) -> Option<Zone> {
    let filter = ZoneFilter { name: Some(name.to_owned()), ..ZoneFilter::default() };
    node.control.zone_list(&Grant::operator(), filter, ALL).await.unwrap().items.pop()
}

async fn count(node: &Node, text: &'static str) -> u64 {
    node.control.store.read(move |sql| sql.number(text, [])).await.unwrap()
}

fn commits(node: &Node, after: Position) -> Vec<Commit> {
    node.control.journal().read_from(after, 100_000).unwrap()
}

/// What the commits leave of a zone: its last header and its RRsets, sorted; and that must be what its image says.
fn check_image(node: &Node, zone: &ImportedZone) {
    let number =
        node.control.store.read_blocking(|sql| sql.number("SELECT id FROM zones WHERE public_id = ?1", [zone.id]));
    let number = waymark_zone::published::ZoneNumber(number.unwrap());
    let (_, image) = node.control.journal().zone_image(number).unwrap();
    let (mut header, mut rrsets): (Option<ZoneHeader>, Vec<_>) = (None, Vec::new());
    let mut version = 0;
    for entry in commits(node, Position(0)).into_iter().flat_map(|commit| commit.entries) {
        if entry.zone != number {
            continue;
        }
        version += 1;
        assert_eq!(entry.version.0, version, "versions have no holes");
        let Change::Delta { header: new, removed, added } = entry.change else { panic!("too large to be inline") };
        header = new.or(header);
        rrsets.retain(|rrset| !removed.contains(rrset));
        rrsets.extend(added);
    }
    rrsets.sort_by(|one, other| (&one.owner, one.record_type).cmp(&(&other.owner, other.record_type)));
    assert_eq!(header.unwrap(), image.header);
    assert_eq!(rrsets, image.rrsets);
}

/// A file of this many records.
fn many(apex: &str, records: usize) -> ZoneFile {
    let lines = (0..records).map(|number| format!("h{number:06} A 10.0.{}.{}\n", number / 250 % 250, number % 250));
    file(apex, &lines.collect::<String>())
}

#[tokio::test]
async fn a_file_makes_a_pending_zone_with_its_records() {
    let node = Node::start().await;
    let text = "$TTL 3600\n@ SOA ns.old.example. dns.old.example. 7 1 2 3 4\n@ NS ns.old.example.\n@ A 192.0.2.1\n\
                www 600 CNAME @\n@ MX 10 mail\n";
    let told = import(&node, vec![file("example.com", text)]).await;
    assert_eq!(told.counts(), [5, 3, 0, 0]);
    assert_eq!(told.lines(), [(ImportProblemKind::Skipped, 2)]);
    let zone = zone_named(&node, "example.com").await.unwrap();
    assert_eq!((zone.status, zone.version, zone.id), (Status::Pending, 1, told.zones[0].id));
    assert_eq!(
        records(&node, zone.id).await,
        [
            "example.com A 192.0.2.1 3600",
            "example.com MX mail.example.com 3600",
            "www.example.com CNAME example.com 600"
        ]
    );
    check_image(&node, &told.zones[0]);
    let statistics = node.control.statistics();
    assert_eq!((statistics.zones_imported, statistics.records_imported), (1, 3));
}

#[tokio::test]
async fn many_files_share_writes_and_each_has_a_row_of_the_trail() {
    let node = Node::start().await;
    let files = (0..200).map(|number| file(&format!("z{number}.example"), "@ A 192.0.2.1\nwww A 192.0.2.2\n"));
    let before = node.control.journal().position();
    let told = import(&node, files.collect()).await;
    assert_eq!((told.zones.len(), told.problems.len()), (200, 0));
    assert!(commits(&node, before).len() < 200, "several zones come in one write");
    assert_eq!(count(&node, "SELECT count(*) FROM audit WHERE action = 'zone.import'").await, 200);
    assert_eq!(count(&node, "SELECT count(DISTINCT object) FROM audit WHERE action = 'zone.import'").await, 200);
    for zone in &told.zones {
        check_image(&node, zone);
    }
}

#[tokio::test]
async fn a_zone_that_is_imported_is_what_the_api_would_have_made() {
    let node = Node::start().await;
    let told = import(&node, vec![file("one.example", "$TTL 300\nwww A 192.0.2.1\n")]).await;
    let made = node.zone("two.example").await;
    let new = NewRecord { ttl: Some(300), ..record("A", "www", "192.0.2.1") };
    node.control.record_create(&Grant::operator(), made.id, new).await.unwrap();
    let imported = node.control.zone_get(&Grant::operator(), told.zones[0].id).await.unwrap();
    assert_eq!(imported.name_servers, made.name_servers);
    let journal = node.control.journal();
    let image = |number| journal.zone_image(waymark_zone::published::ZoneNumber(number)).unwrap().1;
    let (one, two) = (image(imported.number), image(made.number));
    assert_eq!(ZoneHeader { apex: two.header.apex.clone(), ..one.header }, two.header);
    let intent = |number: u64, max| journal.intent(waymark_zone::published::ZoneNumber(number), None, max).unwrap();
    let rows = |entry: &crate::IntentEntry, part: &str| entry.rows.clone().unwrap()[part].clone();
    let (one, two) = (intent(imported.number, 1), intent(made.number, 2));
    let keys = |value: &serde_json::Value| Vec::from_iter(value.as_object().unwrap().keys().cloned());
    let (one_record, two_record) = (rows(&one[0], "records"), rows(&two[0], "records"));
    assert_eq!(keys(&one_record[0]["after"]), keys(&two_record[0]["after"]), "both forms of intent say the same");
    assert_eq!(one_record[0]["after"]["content"], "192.0.2.1");
    assert_eq!(one_record[0]["before"], serde_json::Value::Null);
    assert_eq!(keys(&rows(&one[0], "zone")["after"]), keys(&rows(&two[1], "zone")["after"]));
}

#[tokio::test]
async fn intent_of_imported_records_keeps_what_is_beside_the_content() {
    let node = Node::start().await;
    let text = "www 300 A 192.0.2.1 ; of ours cf_tags=team:dns,cf-proxied:true\n@ MX 5 mail\n";
    let told = import(&node, vec![file("example.com", text)]).await;
    let zone = node.control.zone_get(&Grant::operator(), told.zones[0].id).await.unwrap();
    let entry = node.control.journal().intent(waymark_zone::published::ZoneNumber(zone.number), None, 1).unwrap();
    let rows = entry[0].rows.clone().unwrap();
    let (mail, www) = (&rows["records"][0]["after"], &rows["records"][1]["after"]);
    assert_eq!((&mail["priority"], &mail["proxied"]), (&5.into(), &false.into()));
    assert_eq!((&www["comment"], &www["proxied"], &www["ttl"]), (&"of ours".into(), &true.into(), &1.into()));
    assert_eq!(www["tags"], serde_json::json!(["team:dns"]));
    assert_eq!(www["comment_modified"], www["created"]);
}

#[tokio::test]
async fn each_bad_line_is_told_and_the_rest_goes_on() {
    let node = Node::start().await;
    let text = "$TTL 3600\na A 192.0.2.1\na CNAME b\nb A no.address\nother.example. A 192.0.2.1\nc 5 A 192.0.2.3\n\
                c 5 A 192.0.2.3\nd RRSIG A 8 2 300 20300101000000 20200101000000 1 example.com. AAAA\ne DNAME f\n";
    let told = import(&node, vec![file("example.com", text)]).await;
    use ImportProblemKind::{Adjusted, Refused, Skipped};
    assert_eq!(told.lines(), [(Refused, 3), (Refused, 4), (Refused, 5), (Adjusted, 6), (Adjusted, 7), (Skipped, 8)]);
    assert_eq!(told.counts(), [7, 3, 1, 5]);
    assert_eq!(told.problems[0].refusal, Some(Conflict::AddressOrAliasExists.into()));
    assert!(told.problems[2].text.contains("not inside example.com"), "{}", told.problems[2].text);
    assert_eq!(
        records(&node, told.zones[0].id).await,
        ["a.example.com A 192.0.2.1 3600", "c.example.com A 192.0.2.3 30", "e.example.com DNAME f.example.com 3600"]
    );
}

#[tokio::test]
async fn problems_are_counted_all_and_told_up_to_a_bound() {
    let node = Node::start().await;
    let text = "a A nothing\n".repeat(problems::TOLD_MAX + 5) + "b A 192.0.2.1\n";
    let told = import(&node, vec![file("example.com", &text)]).await;
    assert_eq!(told.counts(), [1, 1, 0, problems::TOLD_MAX as u64 + 5]);
    assert_eq!(told.problems.len(), problems::TOLD_MAX + 1);
    assert!(told.problems.last().unwrap().text.contains("1005 problems"));
}

#[tokio::test]
async fn a_file_that_stops_the_import_writes_nothing() {
    let node = Node::start().await;
    let options = ImportOptions { stop_at_problem: true, ..ImportOptions::default() };
    let good = |name: &str| file(name, "www A 192.0.2.1\n");
    let bad = file("bad.example", "www A 192.0.2.1\nwww CNAME a\n");
    let told = import_with(&node, options, vec![good("one.example"), bad, good("two.example")]).await;
    assert_eq!(told.zones.len(), 1, "what came before is written");
    assert_eq!(told.lines(), [(ImportProblemKind::Refused, 2)]);
    assert!(matches!(told.ended, Some(Refusal::Invalid(Invalid::ZoneFile { line: 2, .. }))));
    assert!(zone_named(&node, "bad.example").await.is_none());
    assert!(zone_named(&node, "two.example").await.is_none());
    // The same beside records that are there.
    let one = told.zones[0].id;
    let again = file("one.example", "new A 192.0.2.9\nwww CNAME a\n");
    let told = import_with(&node, options, vec![again]).await;
    assert!(told.ended.is_some());
    assert_eq!(records(&node, one).await, ["www.one.example A 192.0.2.1 1"]);
}

#[tokio::test]
async fn what_is_there_stays_as_it_is() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    let new = NewRecord { ttl: Some(120), ..record("A", "www", "192.0.2.1") };
    node.control.record_create(&Grant::operator(), zone.id, new).await.unwrap();
    let text = "$TTL 3600\nwww A 192.0.2.1\nwww A 192.0.2.2\nwww CNAME other\n";
    let told = import(&node, vec![file("example.com", text)]).await;
    assert_eq!((told.counts(), told.zones[0].created), ([3, 1, 1, 1], false));
    assert_eq!(told.lines(), [(ImportProblemKind::Refused, 4)]);
    assert_eq!(records(&node, zone.id).await, ["www.example.com A 192.0.2.1 120", "www.example.com A 192.0.2.2 3600"]);
    check_image(&node, &told.zones[0]);
    let position = node.control.journal().position();
    let told = import(&node, vec![file("example.com", "www A 192.0.2.1\n")]).await;
    assert_eq!(told.counts(), [1, 0, 1, 0]);
    assert_eq!(node.control.journal().position(), position, "nothing new is no change");
}

#[tokio::test]
async fn two_files_of_one_zone_come_one_after_the_other() {
    let node = Node::start().await;
    let files = vec![file("example.com", "a A 192.0.2.1\n"), file("example.com", "b A 192.0.2.1\n")];
    let told = import(&node, files).await;
    assert_eq!(told.zones.iter().map(|zone| (zone.created, zone.added)).collect::<Vec<_>>(), [(true, 1), (false, 1)]);
    assert_eq!(told.zones[0].id, told.zones[1].id);
}

#[tokio::test]
async fn a_name_that_others_have_gets_other_nameservers() {
    let node = Node::start().await;
    let new = crate::NewAccount { name: "other".to_owned(), member: None };
    let other = node.control.account_create(crate::Actor::Operator, new).await.unwrap();
    let taken = node.zone_in(other.id, "example.com").await;
    let above = node.zone_in(other.id, "above.example").await;
    let files = vec![
        file("example.com", "www A 192.0.2.1\nwww A 192.0.2.2\n"),
        file("below.above.example", "www A 192.0.2.1\n"),
        file("alone.example", "www A 192.0.2.1\n"),
    ];
    let told = import(&node, files).await;
    assert_eq!(told.zones.iter().map(|zone| zone.added).collect::<Vec<_>>(), [2, 1, 1]);
    for (zone, foreign) in told.zones.iter().zip([&taken, &above]) {
        let zone = node.control.zone_get(&Grant::operator(), zone.id).await.unwrap();
        assert!(zone.name_servers.iter().all(|name| !foreign.name_servers.contains(name)));
    }
    told.zones.iter().for_each(|zone| check_image(&node, zone));
}

#[tokio::test]
async fn a_zone_that_was_deleted_goes_on_with_its_serial() {
    let node = Node::start().await;
    let zone = node.zone("example.com").await;
    for number in 0..3 {
        let new = record("A", &format!("n{number}"), "192.0.2.1");
        node.control.record_create(&Grant::operator(), zone.id, new).await.unwrap();
    }
    node.control.zone_delete(&Grant::operator(), zone.id).await.unwrap();
    let serial =
        |number| node.control.journal().zone_image(waymark_zone::published::ZoneNumber(number)).unwrap().1.serial;
    let before = serial(zone.number);
    let told = import(&node, vec![file("example.com", "www A 192.0.2.1\n")]).await;
    let again = node.control.zone_get(&Grant::operator(), told.zones[0].id).await.unwrap();
    assert!(serial(again.number).is_after(before));
}

#[tokio::test]
async fn a_file_that_is_no_zone_is_refused_alone() {
    let node = Node::start().await;
    let nameless = ZoneFile { name: "x".to_owned(), origin: None, text: b"www A 192.0.2.1\n".to_vec() };
    let ours = file("below.waymark.test", "www A 192.0.2.1\n");
    let told = import(&node, vec![nameless, ours, file("example.com", "www A 192.0.2.1\n")]).await;
    assert_eq!(told.counts(), [1, 1, 0, 0]);
    assert_eq!(told.problems.iter().filter(|problem| problem.line == 0).count(), 2);
}

#[tokio::test]
async fn the_apex_is_where_the_soa_record_is() {
    let node = Node::start().await;
    let text = "example.com. 300 IN SOA ns dns 1 2 3 4 5\nwww 300 A 192.0.2.1\n";
    let told = import(&node, vec![ZoneFile { name: "x".to_owned(), origin: None, text: text.into() }]).await;
    assert_eq!(told.zones[0].apex, name("example.com"));
    assert_eq!(records(&node, told.zones[0].id).await, ["www.example.com A 192.0.2.1 300"]);
}

#[tokio::test]
async fn a_large_new_zone_has_no_scopes_until_it_is_whole() {
    let node = Node::start().await;
    let before = node.control.journal().position();
    let told = import(&node, vec![many("big.example", RECORDS_PER_WRITE_MAX + 500)]).await;
    assert_eq!((told.counts()[1], told.zones[0].created), (RECORDS_PER_WRITE_MAX as u64 + 500, true));
    let commits = commits(&node, before);
    let headers: Vec<_> = commits
        .iter()
        .filter_map(|commit| match &commit.entries[0].change {
            Change::Delta { header, .. } => header.as_ref().map(|header| header.scopes.len()),
            _ => panic!("a piece is told inline"),
        })
        .collect();
    assert_eq!(headers, [0, 3], "made without scopes, and given them by the last step");
    let Change::Delta { added, .. } = &commits[commits.len() - 1].entries[0].change else { panic!() };
    assert!(added.is_empty(), "the last step is a small one");
    check_image(&node, &told.zones[0]);
    let zone = zone_named(&node, "big.example").await.unwrap();
    assert_eq!(zone.status, Status::Pending);
    assert_eq!(count(&node, "SELECT count(*) FROM audit WHERE action = 'zone.import'").await, 1);
    assert_eq!(count(&node, "SELECT record_count FROM zones ORDER BY id DESC LIMIT 1").await, told.counts()[1]);
}

/// Imports a large file up to its first piece, and goes away.
async fn leave_half_filled(node: &Node) -> Zone {
    let (into, mut events) =
        node.control.import_start(Grant::operator(), node.first.account_id, ImportOptions::default());
    into.push(many("big.example", RECORDS_PER_WRITE_MAX * 3)).await.unwrap();
    while !matches!(events.next().await, Some(ImportEvent::Progress { .. })) {}
    drop(events);
    into.files.closed().await;
    zone_named(node, "big.example").await.unwrap()
}

#[tokio::test]
async fn an_import_that_was_broken_off_is_completed_by_the_next() {
    let node = Node::start().await;
    let zone = leave_half_filled(&node).await;
    assert_eq!(zone.status, Status::Initializing);
    let found = records(&node, zone.id).await.len();
    assert!((1..RECORDS_PER_WRITE_MAX * 3).contains(&found), "{found}");
    let activated = node.control.zone_set_status(crate::Actor::Operator, zone.id, Status::Active, false).await;
    assert!(matches!(activated, Err(Refusal::NotAvailable(_))), "nobody makes half a zone answer");
    let told = import(&node, vec![many("big.example", RECORDS_PER_WRITE_MAX * 3)]).await;
    let [parsed, added, unchanged, problems] = told.counts();
    assert_eq!((added + unchanged, problems, unchanged >= found as u64), (parsed, 0, true));
    let zone = zone_named(&node, "big.example").await.unwrap();
    assert_eq!(zone.status, Status::Pending);
    check_image(&node, &told.zones[0]);
}

#[tokio::test]
async fn a_zone_that_is_half_filled_can_be_deleted() {
    let node = Node::start().await;
    let zone = leave_half_filled(&node).await;
    node.control.zone_delete(&Grant::operator(), zone.id).await.unwrap();
    assert!(zone_named(&node, "big.example").await.is_none());
    let told = import(&node, vec![file("big.example", "www A 192.0.2.1\n")]).await;
    assert_eq!(told.counts(), [1, 1, 0, 0]);
}

#[tokio::test]
async fn a_change_meanwhile_is_looked_at() {
    let node = Node::start().await;
    let zone = leave_half_filled(&node).await;
    let importer = Importer { grant: Grant::operator(), account: node.first.account_id, stop: false };
    let row = |line, content| {
        let row = crate::testing::record_row(9, "A", "h.big.example", content);
        KeyedRow {
            key: row.name.sort_key(),
            line,
            row: crate::store::RecordRow { id: PublicId([line as u8; 16]), ..row },
        }
    };
    let version = Arc::new(std::sync::atomic::AtomicU64::new(zone.version));
    let piece = |rows| {
        let fresh = crate::store::Fresh::new(&name("big.example"), rows, crate::Time(0)).unwrap();
        write::Load::Piece { zone: zone.id, version: version.clone(), fresh }
    };
    let (first, second) = (piece(vec![row(1, "192.0.2.1")]), piece(vec![row(2, "192.0.2.2"), row(3, "192.0.2.3")]));
    let run = async |load| {
        let importer = importer.clone();
        let work = move |tx: &mut crate::Tx<'_>| write::write(tx, &importer, vec![load]);
        node.control.write(crate::Actor::Operator, Action::ZoneImport, work).await.unwrap().pop().unwrap()
    };
    assert!(matches!(run(first).await, Outcome::Done(done) if done.added == 1));
    let new = record("A", "h", "192.0.2.2");
    node.control.record_create(&Grant::operator(), zone.id, new).await.unwrap();
    assert!(matches!(run(second).await, Outcome::Done(done) if (done.added, done.unchanged) == (1, 1)));
}

#[tokio::test]
async fn a_zone_may_not_have_more_records_than_its_quota() {
    let node = Node::with_limits(Limits { records_per_zone: 2, ..Limits::default() }).await;
    let text = "a A 192.0.2.1\na A 192.0.2.2\na A 192.0.2.3\n";
    let told = import(&node, vec![file("one.example", text), file("two.example", "a A 192.0.2.1\n")]).await;
    assert_eq!(told.zones.len(), 1, "the other file goes on");
    let refused = Quota::RecordsOfFile { limit: 2, present: 0, added: 3 };
    assert_eq!(told.problems[0].refusal, Some(refused.into()));
    assert!(zone_named(&node, "one.example").await.is_none());
    let told = import(&node, vec![file("two.example", "a A 192.0.2.1\nb A 192.0.2.1\nc A 192.0.2.1\n")]).await;
    assert_eq!(told.problems[0].refusal, Some(Quota::RecordsOfFile { limit: 2, present: 1, added: 2 }.into()));
    let told = import(&node, vec![many("big.example", RECORDS_PER_WRITE_MAX + 1)]).await;
    assert!(matches!(&told.problems[0].refusal, Some(Refusal::Quota(Quota::RecordsOfFile { .. }))));
    assert!(zone_named(&node, "big.example").await.is_none());
}

#[tokio::test]
async fn an_import_ends_when_the_store_is_closed_or_refuses() {
    let node = Node::start().await;
    let (_, mut events) = node.control.import_start(Grant::operator(), PublicId([9; 16]), ImportOptions::default());
    assert!(matches!(events.next().await, Some(ImportEvent::Ended(Refusal::NotFound(_)))));
    assert_eq!(events.next().await, None);
    let (into, mut events) =
        node.control.import_start(Grant::operator(), node.first.account_id, ImportOptions::default());
    node.control.close().await;
    into.push(file("example.com", "www A 192.0.2.1\n")).await.unwrap();
    assert!(matches!(events.next().await, Some(ImportEvent::Ended(Refusal::Unavailable(_)))));
    assert_eq!(events.next().await, None);
    into.files.closed().await;
    assert_eq!(into.push(file("example.com", "")).await, Err(ImportEnded));
}

#[tokio::test]
async fn more_octets_than_may_wait_go_through_all_the_same() {
    let node = Node::start().await;
    let large = format!("www A 192.0.2.1\n;{}\n", "x".repeat(OCTETS_WAITING / 2 + 1));
    let files = (0..4).map(|number| file(&format!("z{number}.example"), &large));
    assert_eq!(import(&node, files.collect()).await.zones.len(), 4);
}

#[tokio::test]
async fn a_file_that_is_no_zone_makes_none() {
    let node = Node::start().await;
    let soa = "@ 300 SOA a.test. b.test. 1 2 3 4 5\n";
    let files =
        [("named.conf.local", "zone {\n"), ("binary.example", "@ 300 A 192.0.2.1\n\0\n"), ("whole.example", soa)];
    let told = import(&node, files.map(|(name, text)| file(name, text)).to_vec()).await;
    let made: Vec<_> = told.zones.iter().map(|zone| zone.apex.to_string()).collect();
    assert_eq!(made, ["whole.example"], "a SOA record is enough");
    let says = |part: &str| told.problems.iter().filter(|problem| problem.text.contains(part)).count();
    assert_eq!((says("is a record of a zone"), says("not a text file")), (1, 1), "{:?}", told.problems);
    assert!(told.problems.iter().filter(|problem| problem.file.starts_with("binary")).count() == 1);
}

#[tokio::test]
async fn the_api_imports_into_a_zone_in_one_write() {
    let node = Node::start().await;
    let grant = node.grant().await;
    let zone = node.zone("example.com").await;
    let import = async |text: &str, proxied| {
        node.control.record_import(&grant, zone.id, text.as_bytes().to_vec(), proxied).await
    };
    let text = "a 300 A 192.0.2.1\nb 300 DNAME c\nd 300 TXT \"x\" ; cf_tags=cf-proxied:false\na 300 CNAME d\n";
    let imported = import(text, true).await.unwrap();
    assert_eq!((imported.parsed, imported.added), (4, 2));
    let refusals: Vec<_> = imported.problems.iter().map(|problem| (problem.line, problem.refusal.clone())).collect();
    let dname = Invalid::RecordType("DNAME".to_owned());
    assert_eq!(refusals, [(2, Some(dname.into())), (4, Some(Conflict::AddressOrAliasExists.into()))]);
    assert_eq!(records(&node, zone.id).await, ["a.example.com A 192.0.2.1 1", "d.example.com TXT \"x\" 300"]);
    assert_eq!(count(&node, "SELECT count(*) FROM audit WHERE action = 'record.import'").await, 1);
    let refused = import("e 300 A 192.0.2.1\nf 300 A nothing\n", false).await.unwrap_err();
    assert!(matches!(refused, Refusal::Invalid(Invalid::ZoneFile { line: 2, .. })), "{refused}");
    assert_eq!(records(&node, zone.id).await.len(), 2, "nothing of a refused text is kept");
    for (text, line) in [("www A 192.0.2.1\n$GENERATE 0-10000 g$ A 192.0.2.1\n", 2), ("@ SOA a b 1 2 3 4 5\n", 0)] {
        let refused = import(text, false).await.err();
        let told = refused
            .as_ref()
            .map(|refusal| matches!(refusal, Refusal::Invalid(Invalid::ZoneFile { line: at, .. }) if *at == line));
        assert_eq!(told, (line > 0).then_some(true), "{text}: {refused:?}");
    }
    let foreign = import("$ORIGIN example.net.\n@ 300 SOA a b 1 2 3 4 5\n@ NS a\n", false).await.unwrap_err();
    assert!(
        matches!(&foreign, Refusal::Invalid(Invalid::ZoneFile { line: 2, why }) if why.contains("example.net")),
        "{foreign}"
    );
    let reader = Grant { policies: Some(Vec::new()), ..grant.clone() };
    let denied = node.control.record_import(&reader, zone.id, Vec::new(), false).await;
    assert_eq!(denied.unwrap_err(), Refusal::Denied(Permission::DnsEdit));
}
