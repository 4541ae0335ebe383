use proptest::prelude::*;

use super::*;

fn octets<const N: usize>(hex: &str) -> [u8; N] {
    let octet = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let all: Vec<u8> = (0..hex.len()).step_by(2).map(octet).collect();
    all.try_into().unwrap()
}

fn cookies(secrets: &[&str]) -> Cookies {
    let secrets: Vec<Secret> = secrets.iter().map(|hex| Secret::new(octets(hex))).collect();
    Cookies::new(&secrets[0], &secrets[1..])
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The secret of RFC 9018 appendix A.1 to A.3.
const SECRET: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";
/// The secrets of appendix A.4.
const OLD_SECRET: &str = "dd3bdf9344b678b185a6f5cb60fca715";
const NEW_SECRET: &str = "445536bcd2513298075a5d379663c962";

/// The cookie of appendix A.1, its client, and when it was made.
const COOKIE: &str = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
const CLIENT: &str = "198.51.100.100";
const MADE: u32 = 1_559_731_985;

fn check(option: &[u8], client: &str, now: u32) -> Checked {
    cookies(&[SECRET]).check(Some(option), ip(client), now)
}

#[test]
fn rfc9018_appendix_a_1_learning_a_new_server_cookie() {
    let client_cookie: [u8; 8] = octets("2464c4abcf10c957");
    assert_eq!(check(&client_cookie, CLIENT, MADE), Checked::ClientOnly(octets(COOKIE)));
}

#[test]
fn rfc9018_appendix_a_2_the_same_client_learning_a_renewed_server_cookie() {
    let renewed = octets("2464c4abcf10c957010000005cf7a871d4a564a1442aca77");
    assert_eq!(check(&octets::<24>(COOKIE), CLIENT, 1_559_734_385), Checked::Good(renewed));
}

#[test]
fn rfc9018_appendix_a_3_another_client_with_reserved_octets_set() {
    let (client, sent): (_, [u8; 24]) = ("203.0.113.203", octets("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"));
    let renewed = octets("fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e");
    assert_eq!(check(&sent, client, 1_559_727_985), Checked::Good(sent), "its hash counts the reserved octets");
    // The example's cookie is almost two hours old: beyond the hour of section 4.3, so that the reply is the same and
    // the cookie is not good any more.
    assert_eq!(check(&sent, client, 1_559_734_700), Checked::Bad(renewed));
}

#[test]
fn rfc9018_appendix_a_4_an_ipv6_client_after_the_secret_was_rolled_over() {
    let (client, now) = ("2001:db8:220:1:59de:d0f4:8769:82b8", 1_559_741_961);
    let sent: [u8; 24] = octets("22681ab97d52c298010000005cf7c57926556bd0934c72f8");
    let renewed = octets("22681ab97d52c298010000005cf7c609a6bb79d16625507a");
    let check = |secrets: &[&str]| cookies(secrets).check(Some(&sent), ip(client), now);
    assert_eq!(check(&[NEW_SECRET, OLD_SECRET]), Checked::Good(renewed));
    assert_eq!(check(&[NEW_SECRET]), Checked::Bad(renewed), "the last step: the old secret is gone");
    assert_eq!(check(&[OLD_SECRET, NEW_SECRET]), Checked::Good(sent), "the first step: the new one only checks");
}

#[test]
fn rfc7873_section_5_2_1_without_the_option_there_is_nothing_to_reply() {
    let checked = cookies(&[SECRET]).check(None, ip(CLIENT), MADE);
    assert_eq!((checked, checked.reply()), (Checked::Absent, None));
}

#[test]
fn rfc7873_section_5_2_2_only_8_and_16_to_40_octets_are_well_formed() {
    for length in 0..=64 {
        let checked = check(&vec![7; length], CLIENT, MADE);
        let well_formed = length == 8 || (16..=40).contains(&length);
        assert_eq!(checked == Checked::Malformed, !well_formed, "{length} octets: {checked:?}");
        assert_eq!(checked.reply().is_some(), well_formed, "{length} octets");
        assert!(!checked.is_good());
    }
}

#[test]
fn rfc7873_section_5_2_4_what_is_not_ours_is_bad_and_gets_a_good_one() {
    let good: [u8; 24] = octets(COOKIE);
    let bad = |option: &[u8], client: &str| match check(option, client, MADE + 5) {
        Checked::Bad(reply) => assert_eq!(check(&reply, client, MADE + 5), Checked::Good(reply)),
        other => panic!("{option:02x?} of {client}: {other:?}"),
    };
    for octet in 0..good.len() {
        let mut other = good;
        other[octet] ^= 1;
        bad(&other, CLIENT);
    }
    bad(&good, "198.51.100.101");
    bad(&good, "2001:db8::1");
    for length in (16..24).chain(25..=40) {
        let mut other = good.to_vec();
        other.resize(length, 0);
        bad(&other, CLIENT);
    }
}

#[test]
fn rfc7873_section_5_2_5_a_good_cookie_is_replied_as_it_came() {
    let sent: [u8; 24] = octets(COOKIE);
    assert_eq!(check(&sent, CLIENT, MADE), Checked::Good(sent));
    assert_eq!(check(&sent, "::ffff:198.51.100.100", MADE), Checked::Good(sent), "the same address, mapped");
}

#[test]
fn rfc9018_section_4_3_a_cookie_is_good_for_an_hour_and_five_minutes_ahead() {
    let sent: [u8; 24] = octets(COOKIE);
    let at = |now: u32| check(&sent, CLIENT, now).is_good();
    assert!(at(MADE + 3600) && !at(MADE + 3601));
    assert!(at(MADE - 300) && !at(MADE - 301));
    assert!(!at(MADE + (1 << 31)) && !at(MADE.wrapping_sub(1 << 31)));
}

#[test]
fn rfc9018_section_4_3_a_cookie_is_renewed_after_half_an_hour() {
    let sent: [u8; 24] = octets(COOKIE);
    assert_eq!(check(&sent, CLIENT, MADE + 1800).reply(), Some(&sent));
    let renewed = *check(&sent, CLIENT, MADE + 1801).reply().unwrap();
    assert_eq!(u32::from_be_bytes(renewed[12..16].try_into().unwrap()), MADE + 1801);
}

#[test]
fn rfc9018_section_4_3_times_are_compared_on_a_circle() {
    let cookies = cookies(&[SECRET]);
    let made = u32::MAX - 100;
    let cookie = *cookies.check(Some(&[5; 8]), ip(CLIENT), made).reply().unwrap();
    assert_eq!(cookies.check(Some(&cookie), ip(CLIENT), 200), Checked::Good(cookie), "301 seconds old");
    assert!(!cookies.check(Some(&cookie), ip(CLIENT), 3600).is_good(), "3701 seconds old");
    let cookie = *cookies.check(Some(&[5; 8]), ip(CLIENT), 100).reply().unwrap();
    assert!(cookies.check(Some(&cookie), ip(CLIENT), u32::MAX - 100).is_good(), "201 seconds ahead");
}

#[test]
fn rfc9018_section_5_a_rollover_loses_no_client() {
    let (old, new) = (SECRET, NEW_SECRET);
    // Each step at one of two servers first: whoever has made a cookie, the other takes it.
    let steps: [&[&str]; 4] = [&[old], &[old, new], &[new, old], &[new]];
    for pair in steps.windows(2) {
        for (maker, checker) in [(pair[0], pair[1]), (pair[1], pair[0])] {
            let made = *cookies(maker).check(Some(&[9; 8]), ip(CLIENT), MADE).reply().unwrap();
            assert!(cookies(checker).check(Some(&made), ip(CLIENT), MADE).is_good(), "{maker:?} {checker:?}");
        }
    }
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?} {:?}", Secret::new([0xab; 16]), cookies(&[SECRET, OLD_SECRET]));
    assert_eq!(shown, "Secret Cookies { secrets: 2 }");
}

proptest! {
    #[test]
    fn a_reply_is_good_at_once_for_its_client_alone(
        client_cookie: [u8; 8],
        secret: [u8; 16],
        client: IpAddr,
        other: IpAddr,
        now: u32,
    ) {
        let cookies = Cookies::new(&Secret::new(secret), &[]);
        let reply = *cookies.check(Some(&client_cookie), client, now).reply().unwrap();
        prop_assert_eq!(cookies.check(Some(&reply), client, now), Checked::Good(reply));
        if other.to_canonical() != client.to_canonical() {
            prop_assert!(!cookies.check(Some(&reply), other, now).is_good());
        }
    }

    #[test]
    fn any_octets_are_judged(option in prop::collection::vec(any::<u8>(), 0..64), client: IpAddr, now: u32) {
        let checked = cookies(&[SECRET]).check(Some(&option), client, now);
        prop_assert!(!checked.is_good());
        if let Some(reply) = checked.reply() {
            prop_assert_eq!(&reply[..8], &option[..8]);
        }
    }
}
