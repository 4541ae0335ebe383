//! Questions about the server itself, in class CH.

use super::*;

fn ask(server: &Server, question: &str) -> (u16, bool, Vec<String>) {
    let mut request = request(question, OPT);
    let class_at = request.len() - OPT.len() - 1;
    request[class_at] = 3;
    let reply = Reply::read(&server.exchange(&request, Transport::Udp).unwrap());
    (reply.rcode, reply.authoritative, reply.answer)
}

const NAMES: [&str; 4] = ["version.bind", "version.server", "id.server", "hostname.bind"];

#[test]
fn rfc4892_2_nothing_is_told_unless_it_is_set() {
    let server = Server::with(&[]);
    for name in NAMES.into_iter().chain(["authors.bind", "example"]) {
        for record_type in ["TXT", "ANY", "A", "SOA"] {
            assert_eq!(ask(&server, &format!("{name} {record_type}")), (5, false, vec![]), "{name} {record_type}");
        }
    }
}

#[test]
fn rfc4892_2_the_version_and_the_id_of_the_server() {
    let mut server = Server::with(&[]);
    server.settings.version = Some("a version".into());
    server.settings.server_id = Some("ns1".into());
    for (name, text) in NAMES.into_iter().zip(["a version", "a version", "ns1", "ns1"]) {
        let expected = (0, true, vec![format!("{name} 0 TXT \"{text}\"")]);
        assert_eq!(ask(&server, &format!("{name} TXT")), expected);
        assert_eq!(ask(&server, &format!("{name} ANY")), expected);
        assert_eq!(ask(&server, &format!("{name} A")), (5, false, vec![]));
    }
    assert_eq!(ask(&server, "VERSION.Bind TXT").2, ["VERSION.Bind 0 TXT \"a version\""]);
    assert_eq!(ask(&server, "other.bind TXT").0, 5);
    assert_eq!(server.ask("version.bind TXT").rcode, 5, "class IN is another world");
}

#[test]
fn rfc5001_2_nsid_is_told_to_who_asks_if_it_is_set() {
    let mut server = Server::with(&[]);
    let asking = opt(1232, 0, 0, b"\0\x03\0\0");
    let options = |server: &Server, opt: &[u8]| {
        Opt::read(&server.exchange(&request("example SOA", opt), Transport::Udp).unwrap()).unwrap().options
    };
    assert_eq!(options(&server, &asking), b"");
    server.settings.nsid = Some((*b"ns1").into());
    assert_eq!(options(&server, &asking), b"\0\x03\0\x03ns1");
    assert_eq!(options(&server, OPT), b"", "nobody asked");
    assert_eq!(
        options(&server, &opt(1232, 0, 0, b"\0\x03\0\x02xx")),
        b"\0\x03\0\x03ns1",
        "what comes with it is ignored"
    );
}

#[test]
fn an_id_that_does_not_fit_is_not_told() {
    let mut server = Server::with(&[]);
    server.settings.nsid = Some([b'x'; 255].into());
    let label = "x".repeat(63);
    let long = format!("{label}.{label}.{label}.{}.example A", "x".repeat(50));
    let asking = opt(512, 0, 0, b"\0\x03\0\0");
    let response = server.exchange(&request(&long, &asking), Transport::Udp).unwrap();
    assert_eq!((Reply::read(&response).rcode, Opt::read(&response).unwrap().options), (3, vec![]));
    let response = server.exchange(&request(&long, &asking), Transport::Tcp).unwrap();
    assert_eq!(Opt::read(&response).unwrap().options.len(), 4 + 255);
}
