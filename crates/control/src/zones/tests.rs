//! Zones through the control plane: making, finding, listing, deleting, and who answers where.

use std::collections::BTreeMap;

use waymark_zone::published::{Change, Position, ScopeId, ZoneHeader};

use crate::testing::Node;
use crate::*;

const PAGE: Page = Page { page: 1, per_page: 50 };

fn new_zone(account: PublicId, name: &str) -> NewZone {
    NewZone { account, name: name.to_owned(), kind: Kind::Full }
}

async fn account(node: &Node, name: &str, member: Option<&str>) -> Account {
    let new = NewAccount { name: name.to_owned(), member: member.map(str::to_owned) };
    node.control.account_create(Actor::Operator, new).await.unwrap()
}

/// The last header that the journal tells of every zone.
fn headers(node: &Node) -> BTreeMap<u64, ZoneHeader> {
    let mut headers = BTreeMap::new();
    for commit in node.control.journal().read_from(Position(0), usize::MAX).unwrap() {
        for entry in commit.entries {
            if let Change::Delta { header: Some(header), .. } = entry.change {
                headers.insert(entry.zone.0, header);
            }
        }
    }
    headers
}

fn scopes(node: &Node, zone: &Zone) -> Vec<u32> {
    headers(node)[&zone.number].scopes.iter().map(|scope| scope.0).collect()
}

/// The scopes of the zone's nameservers, sorted.
async fn own_scopes(node: &Node, zone: &Zone) -> Vec<u32> {
    let all = node.control.nameserver_list().await.unwrap();
    let mut own: Vec<u32> =
        all.iter().filter(|one| zone.name_servers.contains(&one.name)).map(|one| one.scope).collect();
    own.sort_unstable();
    own
}

#[tokio::test]
async fn a_new_zone_is_pending_with_two_nameservers_and_answers_at_them() {
    let node = Node::start().await;
    let grant = node.grant().await;
    let zone = node.control.zone_create(&grant, new_zone(node.first.account_id, "Example.COM.")).await.unwrap();
    assert_eq!(
        (zone.name.to_string(), zone.status, zone.plan),
        ("example.com".into(), Status::Pending, Plan::Enterprise)
    );
    assert_eq!((zone.name_servers.len(), zone.version), (2, 1));
    let scopes = scopes(&node, &zone);
    assert_eq!(scopes[0], ScopeId::ALL.0);
    assert_eq!(scopes[1..], own_scopes(&node, &zone).await);
    assert_eq!(node.control.zone_get(&grant, zone.id).await.unwrap(), zone);
    let other = node.zone("other.example").await;
    assert_eq!(other.name_servers, zone.name_servers, "the account's default pair");
}

#[tokio::test]
async fn names_that_cannot_be_zones_are_refused() {
    let node = Node::start().await;
    let grant = node.grant().await;
    node.zone("example.com").await;
    let create = |name: &'static str| node.control.zone_create(&grant, new_zone(node.first.account_id, name));
    let exists = Conflict::ZoneExists { name: "example.com".to_owned() };
    assert_eq!(create("EXAMPLE.com").await, Err(exists.into()));
    assert!(create("sub.example.com").await.is_ok(), "a child of another zone is a zone");
    for reserved in ["waymark.test", "ns.waymark.test"] {
        let refusal = create(reserved).await.unwrap_err();
        assert_eq!(refusal, Invalid::ZoneNameReserved { name: reserved.to_owned() }.into());
    }
    assert!(matches!(create("nodots").await, Err(Refusal::Invalid(Invalid::ZoneName { .. }))));
    let partial = NewZone { kind: Kind::Partial, ..new_zone(node.first.account_id, "partial.example") };
    assert!(matches!(node.control.zone_create(&grant, partial).await, Err(Refusal::NotAvailable(_))));
    let nobody = create_in_unknown_account(&node, &grant).await;
    assert_eq!(nobody, Err(Refusal::NotFound(Noun::Account)));
}

async fn create_in_unknown_account(node: &Node, grant: &Grant) -> Result<Zone, Refusal> {
    node.control.zone_create(grant, new_zone(PublicId([9; 16]), "unknown.example")).await
}

#[tokio::test]
async fn a_name_goes_from_scope_to_scope() {
    let node = Node::start().await;
    let first = node.zone("example.com").await;
    let other = account(&node, "other", None).await;
    // So that the default pairs collide.
    let pair_of_first = "SELECT first_nameserver_id, second_nameserver_id FROM accounts WHERE public_id = ?1";
    let (from, to) = (node.first.account_id, other.id);
    node.control
        .write(Actor::System, Action::AccountCreate, move |tx| {
            let pair: (i64, i64) = tx.sql().one(pair_of_first, [from], |row| Ok((row.get(0)?, row.get(1)?)))?.unwrap();
            let text = "UPDATE accounts SET first_nameserver_id = ?1, second_nameserver_id = ?2 WHERE public_id = ?3";
            tx.execute(text, rusqlite::params![pair.0, pair.1, to])
        })
        .await
        .unwrap();
    let below = node.zone_in(other.id, "www.example.com").await;
    let above = [node.zone("deep.shop.example").await, node.zone_in(other.id, "shop.example").await];
    for (zone, neighbour) in [(&below, &first), (&above[1], &above[0])] {
        let shares = zone.name_servers.iter().any(|name| neighbour.name_servers.contains(name));
        assert!(!shares, "{} shares no nameserver with another account's {}", zone.name, neighbour.name);
    }
    node.clock.advance_seconds(1);
    let second = node.zone_in(other.id, "example.com").await;
    assert!(second.name_servers.iter().all(|name| !first.name_servers.contains(name)), "another pair, disjoint");
    let (own_first, own_second) = (own_scopes(&node, &first).await, own_scopes(&node, &second).await);
    let with = |special: &[u32], own: &[u32]| [special, own].concat();
    assert_eq!((scopes(&node, &first), scopes(&node, &second)), (with(&[1], &own_first), own_second.clone()));

    node.control.zone_set_status(Actor::Operator, second.id, Status::Active, true).await.unwrap();
    assert_eq!((scopes(&node, &first), scopes(&node, &second)), (own_first.clone(), with(&[0, 1], &own_second)));

    let now = node.control.zone_set_status(Actor::Operator, first.id, Status::Active, false).await.unwrap();
    assert!(now.activated.is_some() && !now.proven);
    assert_eq!((scopes(&node, &first), scopes(&node, &second)), (with(&[0, 1], &own_first), own_second.clone()));
    let left = node.control.zone_get(&Grant::operator(), second.id).await.unwrap();
    assert_eq!((left.status, left.activated, left.proven), (Status::Pending, None, false));

    node.control.zone_delete(&Grant::operator(), first.id).await.unwrap();
    assert_eq!((scopes(&node, &first), scopes(&node, &second)), (vec![], with(&[1], &own_second)));
    assert_eq!(headers(&node)[&first.number].status, waymark_zone::published::ZoneStatus::Deleted);
}

#[tokio::test]
async fn a_deleted_zone_is_not_found_and_its_name_is_free() {
    let node = Node::start().await;
    let (zone, grant) = (node.zone("example.com").await, node.grant().await);
    assert_eq!(node.control.zone_delete(&grant, zone.id).await, Ok(zone.id));
    let missing = Refusal::NotFound(Noun::Zone);
    assert_eq!(node.control.zone_get(&grant, zone.id).await.as_ref(), Err(&missing));
    assert_eq!(node.control.zone_delete(&grant, zone.id).await.as_ref(), Err(&missing));
    let records = node.control.record_list(&grant, zone.id, RecordFilter::default(), PAGE).await;
    assert_eq!(records.as_ref().map(|listing| listing.total), Err(&missing));
    let listed = node.control.zone_list(&grant, ZoneFilter::default(), PAGE).await.unwrap();
    assert_eq!(listed.total, 0, "nor is the platform's own zone anybody's");
    let again = node.zone("example.com").await;
    assert_ne!((again.id, again.number), (zone.id, zone.number));
}

#[tokio::test]
async fn another_plan_is_intent_and_its_limits_hold_from_then_on() {
    let node = Node::start().await;
    let (zone, grant) = (node.zone("example.com").await, node.grant().await);
    let head = || node.control.journal().zone_image(waymark_zone::published::ZoneNumber(zone.number)).unwrap().1;
    let short = crate::records::NewRecord { ttl: Some(30), ..crate::testing::record("A", "www", "192.0.2.1") };
    let record = node.control.record_create(&grant, zone.id, short.clone()).await.unwrap();
    let before = head();
    node.clock.advance_seconds(60);
    let free = ZoneEdit { plan: Some(Plan::Free), ..ZoneEdit::default() };
    let changed = node.control.zone_edit(&grant, zone.id, free.clone()).await.unwrap();
    assert_eq!((changed.plan, changed.version), (Plan::Free, before.version.0 + 1));
    assert!(changed.modified > zone.modified);
    assert_eq!(node.control.zone_get(&grant, zone.id).await.as_ref(), Ok(&changed));
    assert_eq!((head().version.0, head().serial), (before.version.0 + 1, before.serial), "no secondary has to know");
    // The record keeps the TTL that it had; nothing new gets one that is too short for the plan.
    assert_eq!(node.control.record_get(&grant, zone.id, record.id).await.unwrap().ttl, 30);
    let other = crate::records::NewRecord { name: "other".to_owned(), ..short };
    let refused = node.control.record_create(&grant, zone.id, other).await;
    assert_eq!(refused, Err(Invalid::Ttl { minimum: 60, maximum: 86_400 }.into()));
    for same in [free, ZoneEdit::default()] {
        assert_eq!(node.control.zone_edit(&grant, zone.id, same).await.as_ref(), Ok(&changed));
    }
    assert_eq!(actions(&node).await, ["bootstrap", "zone.create", "record.create", "zone.edit"]);
}

#[tokio::test]
async fn what_a_zone_cannot_have_is_refused_whole() {
    let node = Node::start().await;
    let (zone, grant) = (node.zone("example.com").await, node.grant().await);
    let plan = Some(Plan::Pro);
    for unavailable in [
        ZoneEdit { plan, paused: Some(true), ..ZoneEdit::default() },
        ZoneEdit { plan, kind: Some(Kind::Partial), ..ZoneEdit::default() },
        ZoneEdit { plan, vanity_name_servers: Some(vec!["ns1.example.com".to_owned()]), ..ZoneEdit::default() },
    ] {
        let refused = node.control.zone_edit(&grant, zone.id, unavailable.clone()).await;
        assert!(matches!(refused, Err(Refusal::NotAvailable(_))), "{unavailable:?}: {refused:?}");
    }
    let as_it_is =
        ZoneEdit { plan: None, paused: Some(false), kind: Some(Kind::Full), vanity_name_servers: Some(Vec::new()) };
    assert_eq!(node.control.zone_edit(&grant, zone.id, as_it_is).await, Ok(zone));
    assert_eq!(actions(&node).await, ["bootstrap", "zone.create"]);
}

async fn actions(node: &Node) -> Vec<String> {
    let text = "SELECT action FROM audit ORDER BY id";
    let read = node.control.write(Actor::System, Action::RecordBatch, |tx| tx.sql().all(text, [], |row| row.get(0)));
    read.await.unwrap()
}

#[tokio::test]
async fn zones_are_listed_by_filter_order_and_page() {
    let node = Node::start().await;
    let grant = node.grant().await;
    for name in ["b.example", "a.example", "a.test", "c.example"] {
        node.zone(name).await;
    }
    let list = async |filter: ZoneFilter, page: Page| {
        let listing = node.control.zone_list(&grant, filter, page).await.unwrap();
        (listing.items.iter().map(|zone| zone.name.to_string()).collect::<Vec<_>>().join(" "), listing.total)
    };
    let named = |name: &str| ZoneFilter { name: Some(name.to_owned()), ..ZoneFilter::default() };
    // Canonical order: by the last label first.
    assert_eq!(list(ZoneFilter::default(), PAGE).await, ("a.example b.example c.example a.test".to_owned(), 4));
    assert_eq!(list(named("A.example"), PAGE).await, ("a.example".to_owned(), 1));
    assert_eq!(list(named("not a name"), PAGE).await, (String::new(), 0));
    let descending = ZoneFilter { descending: true, ..ZoneFilter::default() };
    assert_eq!(list(descending, Page { page: 2, per_page: 3 }).await, ("a.example".to_owned(), 4));
    assert_eq!(list(ZoneFilter::default(), Page { page: 9, per_page: 3 }).await, (String::new(), 4));
    let any = ZoneFilter { status: Some("active".to_owned()), match_any: true, ..named("a.test") };
    assert_eq!(list(any.clone(), PAGE).await, ("a.test".to_owned(), 1));
    assert_eq!(list(ZoneFilter { match_any: false, ..any }, PAGE).await, (String::new(), 0));
    let account_id = ZoneFilter { account_id: Some(node.first.account_id), ..ZoneFilter::default() };
    assert_eq!(list(account_id, PAGE).await.1, 4);
    // By the plans' ids: free, pro, enterprise, business.
    for (name, plan) in [("b.example", Plan::Business), ("a.test", Plan::Free), ("c.example", Plan::Pro)] {
        let id = node.control.zone_list(&grant, named(name), PAGE).await.unwrap().items[0].id;
        node.control.zone_edit(&grant, id, ZoneEdit { plan: Some(plan), ..ZoneEdit::default() }).await.unwrap();
    }
    let by_plan = ZoneFilter { order: ZoneOrder::PlanId, ..ZoneFilter::default() };
    assert_eq!(list(by_plan, PAGE).await.0, "a.test c.example a.example b.example");
    let kinds = ZoneFilter { kinds: vec![Kind::Partial, Kind::Internal], ..ZoneFilter::default() };
    assert_eq!(list(kinds, PAGE).await.1, 0);
}

#[tokio::test]
async fn others_objects_are_not_found_and_ones_own_may_be_denied() {
    let node = Node::start().await;
    let (control, operator) = (&node.control, Grant::operator());
    let (mine, second) = (node.zone("mine.example").await, node.zone("second.example").await);
    control.user_create(Actor::Operator, "Other@Example.com").await.unwrap();
    let theirs = account(&node, "theirs", Some("other@example.com")).await;
    let token = async |user: &str, permissions: &[Permission], resources: &[Resource]| {
        let policies = vec![Policy { permissions: permissions.to_vec(), resources: resources.to_vec() }];
        let (user, name) = (user.to_owned(), "t".to_owned());
        let new = NewToken { user, name, policies, not_before: None, expires_on: None };
        let made = control.token_create(Actor::Operator, new).await.unwrap();
        control.authenticate_token(&made.token).await.unwrap()
    };
    let other = token("other@example.com", &Permission::ALL, &[Resource::AllAccounts]).await;
    assert_eq!(control.zone_get(&other, mine.id).await, Err(Refusal::NotFound(Noun::Zone)));
    assert_eq!(control.account_get(&other, node.first.account_id).await, Err(Refusal::NotFound(Noun::Account)));
    assert_eq!(control.account_get(&other, theirs.id).await.unwrap().name, "theirs");

    let certbot = token("admin@example.com", &[Permission::DnsEdit], &[Resource::Zone(mine.id)]).await;
    let listed = control.zone_list(&certbot, ZoneFilter::default(), PAGE).await.unwrap();
    assert_eq!(listed.items, [control.zone_get(&operator, mine.id).await.unwrap()]);
    assert!(control.zone_get(&certbot, mine.id).await.is_ok());
    let denied = Err(Refusal::Denied(Permission::ZoneEdit));
    assert_eq!(control.zone_delete(&certbot, mine.id).await, denied);
    let new = crate::testing::record("A", "www", "192.0.2.1");
    assert!(control.record_create(&certbot, mine.id, new.clone()).await.is_ok());
    let beyond = control.record_create(&certbot, second.id, new.clone()).await;
    assert_eq!(beyond, Err(Refusal::Denied(Permission::DnsEdit)), "one's own, without the permission");

    let reader = token("admin@example.com", &[Permission::DnsRead], &[Resource::AllZones]).await;
    assert!(control.record_list(&reader, mine.id, RecordFilter::default(), PAGE).await.is_ok());
    let written = control.record_create(&reader, mine.id, new).await;
    assert_eq!(written, Err(Refusal::Denied(Permission::DnsEdit)));
    assert_eq!(control.user(&reader).await, Err(Refusal::Denied(Permission::UserRead)));
    let blind = token("admin@example.com", &[Permission::UserRead], &[Resource::User]).await;
    assert!(control.user(&blind).await.is_ok());
    let listed = control.zone_list(&blind, ZoneFilter::default(), PAGE).await;
    assert_eq!(listed, Err(Refusal::Denied(Permission::DnsRead)));
    assert_eq!(control.account_list(&blind, AccountFilter::default(), PAGE).await.unwrap().total, 0);
}

#[tokio::test]
async fn tokens_begin_and_end() {
    let node = Node::start().await;
    let unknown = Err(Refusal::Unauthenticated(Credential::Token));
    assert_eq!(node.control.authenticate_token("no such token").await.map(|_| ()), unknown);
    let now = Time(crate::testing::START);
    let new = NewToken {
        user: "admin@example.com".to_owned(),
        name: "later".to_owned(),
        policies: vec![Policy::everything()],
        not_before: Some(Time(now.0 + 10_000_000)),
        expires_on: Some(Time(now.0 + 20_000_000)),
    };
    let made = node.control.token_create(Actor::Operator, new).await.unwrap();
    let usable = async || node.control.authenticate_token(&made.token).await.is_ok();
    let state = async || node.control.token_verify(&made.token).await.unwrap().status;
    assert!(!usable().await);
    node.clock.advance_seconds(10);
    assert!(usable().await);
    assert_eq!(state().await, TokenState::Active);
    node.clock.advance_seconds(10);
    assert!(!usable().await);
    assert_eq!(state().await, TokenState::Expired);
    let key = node.control.authenticate_key("admin@example.com", "0000").await.map(|_| ());
    assert_eq!(key, Err(Refusal::Unauthenticated(Credential::Key)));
}

#[tokio::test]
async fn every_write_that_changes_something_leaves_an_audit_row() {
    let node = Node::start().await;
    let (zone, grant) = (node.zone("example.com").await, node.grant().await);
    let new = crate::testing::record("A", "www", "192.0.2.1");
    let made = node.control.record_create(&grant, zone.id, new.clone()).await.unwrap();
    node.control.record_create(&grant, zone.id, new).await.unwrap_err();
    let rows = node.control.write(Actor::System, Action::RecordBatch, |tx| {
        let text = "SELECT actor, action, object, position FROM audit ORDER BY id";
        tx.sql().all(text, [], |row| {
            let (actor, action, object): (String, String, Option<PublicId>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((actor, action, object, row.get::<_, Option<u64>>(3)?))
        })
    });
    let rows = rows.await.unwrap();
    let actions: Vec<&str> = rows.iter().map(|(_, action, ..)| action.as_str()).collect();
    assert_eq!(actions, ["bootstrap", "zone.create", "record.create"]);
    let actor = format!("token:{}", grant.token().unwrap());
    assert_eq!(rows[2], (actor, "record.create".to_owned(), Some(made.id), Some(3)));
}
