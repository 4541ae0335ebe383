use super::*;

fn take(places: &Arc<Places>, address: &str) -> Result<Place, Full> {
    Places::take(places, address.parse().unwrap())
}

/// A place of a connection that has something to do.
fn take_busy(places: &Arc<Places>, address: &str) -> Place {
    let place = take(places, address).unwrap();
    place.busy().unwrap();
    place
}

#[test]
fn a_place_that_is_given_back_can_be_taken_again() {
    let places = Places::new(2, 0);
    let first = take_busy(&places, "192.0.2.1");
    let _second = take_busy(&places, "192.0.2.1");
    assert_eq!(take(&places, "192.0.2.2").err(), Some(Full::InAll));
    drop(first);
    assert_eq!(places.taken(), 1);
    let _third = take(&places, "192.0.2.2").unwrap();
}

#[test]
fn one_client_does_not_take_the_places_of_others() {
    let places = Places::new(0, 2);
    let held: Vec<Place> = (0..2).map(|_| take_busy(&places, "192.0.2.1")).collect();
    assert_eq!(take(&places, "192.0.2.1").err(), Some(Full::Client));
    assert_eq!(take(&places, "::ffff:192.0.2.1").err(), Some(Full::Client), "the same address, mapped");
    let _other = take(&places, "192.0.2.2").unwrap();
    drop(held);
    assert_eq!(places.lock().by_client.len(), 1, "a client without connections leaves nothing");
}

#[test]
fn an_ipv6_client_is_a_network() {
    let places = Places::new(0, 1);
    let _held = take_busy(&places, "2001:db8::1");
    assert_eq!(take(&places, "2001:db8::ffff:1").err(), Some(Full::Client));
    let _other = take(&places, "2001:db8:0:1::1").unwrap();
}

#[test]
fn zero_lifts_both_limits() {
    let places = Places::new(0, 0);
    let held: Vec<Place> = (0..1000).map(|_| take(&places, "192.0.2.1").unwrap()).collect();
    assert_eq!((held.len(), places.taken()), (1000, 1000));
    assert!(held.iter().all(|place| place.busy().is_ok()));
}

/// RFC 9210 section 4.2.
#[tokio::test]
async fn the_connection_that_is_idle_longest_makes_room() {
    let places = Places::new(3, 0);
    let [first, second, third] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|client| take(&places, client).unwrap());
    // The first one asks something and is then idle for the shortest time; the second one is still at it.
    first.busy().unwrap();
    first.idle();
    second.busy().unwrap();
    let _fourth = take(&places, "192.0.2.4").unwrap();
    third.evicted().await;
    assert_eq!((third.busy(), first.busy(), second.busy()), (Err(Evicted), Ok(()), Ok(())));
    assert_eq!(places.taken(), 3);
    drop(third);
    assert_eq!(places.taken(), 3, "its place was given away once");
}

#[test]
fn nobody_loses_a_place_while_one_is_free() {
    let places = Places::new(3, 2);
    let held = ["192.0.2.1", "192.0.2.1", "192.0.2.2"].map(|client| take(&places, client).unwrap());
    assert!(held.iter().all(|place| place.busy().is_ok()));
}

#[test]
fn who_is_not_idle_keeps_the_place() {
    let places = Places::new(2, 1);
    let held = ["192.0.2.1", "192.0.2.2"].map(|client| take_busy(&places, client));
    assert_eq!(take(&places, "192.0.2.3").err(), Some(Full::InAll));
    assert_eq!(take(&places, "192.0.2.2").err(), Some(Full::Client));
    held[1].idle();
    let _third = take(&places, "192.0.2.3").unwrap();
    assert_eq!([held[0].busy(), held[1].busy()], [Ok(()), Err(Evicted)]);
}

/// RFC 7766 section 6.2.2 with RFC 9210 section 4.2.
#[test]
fn a_client_at_its_own_limit_loses_its_own_oldest_idle_connection() {
    let places = Places::new(0, 2);
    let other = take(&places, "192.0.2.2").unwrap();
    let held = [0, 1].map(|_| take(&places, "192.0.2.1").unwrap());
    let third = take(&places, "192.0.2.1").unwrap();
    assert_eq!([held[0].busy(), held[1].busy()], [Err(Evicted), Ok(())]);
    assert_eq!((other.busy(), third.busy()), (Ok(()), Ok(())), "nobody else does");
    assert_eq!(take(&places, "192.0.2.1").err(), Some(Full::Client));
    drop(held);
    let _fourth = take(&places, "192.0.2.1").unwrap();
    assert_eq!(places.taken(), 3);
}

#[test]
fn only_so_many_close_at_a_time() {
    let places = Places::new(LEAVING_MAX + 1, 0);
    let mut held: Vec<Place> = (0..=LEAVING_MAX).map(|_| take(&places, "192.0.2.1").unwrap()).collect();
    let newcomers: Vec<Place> = (0..LEAVING_MAX).map(|_| take(&places, "192.0.2.2").unwrap()).collect();
    assert_eq!(take(&places, "192.0.2.3").err(), Some(Full::InAll), "though {} is idle", LEAVING_MAX);
    held.remove(0);
    let _last = take(&places, "192.0.2.3").unwrap();
    drop((held, newcomers));
    assert_eq!(places.taken(), 1);
}

#[test]
fn connections_that_end_in_any_way_leave_nothing() {
    let places = Places::new(2, 2);
    let idle = take(&places, "192.0.2.1").unwrap();
    let evicted = take_busy(&places, "192.0.2.1");
    evicted.idle();
    drop(take(&places, "192.0.2.1"));
    drop((idle, evicted, take_busy(&places, "192.0.2.9")));
    let table = places.lock();
    assert_eq!((table.in_all, table.leaving, table.by_client.len(), table.idle.len()), (0, 0, 0, 0));
}
