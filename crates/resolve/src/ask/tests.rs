use tokio::net::TcpListener;
use waymark_wire::edns::ResponseOpt;
use waymark_wire::message::Section;
use waymark_wire::{MessageWriter, Query, Rdata, RecordType};

use super::*;

const LONG: Duration = Duration::from_secs(20);

fn question() -> Question {
    Question { name: "www.example.com".parse().unwrap(), record_type: RecordType::A }
}

/// The response to `request` with one address, changed by `change`.
fn respond(request: &[u8], address: &str, change: impl Fn(&mut MessageWriter<'_>)) -> Vec<u8> {
    let query = Query::parse(request).unwrap();
    let opt = query.edns.map(|_| ResponseOpt { udp_size: 1232, ..ResponseOpt::default() });
    let mut buffer = vec![0; 512];
    let mut writer = MessageWriter::respond(&mut buffer, 512, &query.head, query.question, opt).unwrap();
    let data = Rdata::from_text(RecordType::A, address, &"example".parse().unwrap()).unwrap();
    writer.put(Section::Answer, query.name, RecordType::A, 60, data.wire()).unwrap();
    change(&mut writer);
    let length = writer.finish(Rcode::NOERROR, None);
    buffer.truncate(length);
    buffer
}

fn address(reply: &Reply) -> String {
    reply.answers[0].rdata.to_string()
}

#[tokio::test]
async fn what_does_not_match_is_stepped_over() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = server.local_addr().unwrap();
    let serving = async {
        let mut buffer = [0; 512];
        let (length, from) = server.recv_from(&mut buffer).await.unwrap();
        let request = &buffer[..length];
        let mut other_id = respond(request, "192.0.2.66", |_| {});
        other_id[0] ^= 1;
        let mut other_name = respond(request, "192.0.2.66", |_| {});
        other_name[13] = b'x';
        let no_question = [request[0], request[1], 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        stranger.send_to(&respond(request, "192.0.2.66", |_| {}), from).await.unwrap();
        for message in [&other_id[..], &other_name, b"garbage", &no_question] {
            server.send_to(message, from).await.unwrap();
        }
        server.send_to(&respond(request, "192.0.2.1", |_| {}), from).await.unwrap();
    };
    let (question, options) = (question(), Options::authoritative(LONG));
    let (asked, ()) = tokio::join!(ask(at, &question, &options), serving);
    let (reply, transport) = asked.unwrap();
    assert_eq!((address(&reply).as_str(), transport), ("192.0.2.1", Transport::Udp));
}

#[tokio::test]
async fn a_truncated_reply_is_asked_for_over_tcp() {
    let (stream, datagrams) = loop {
        let stream = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // Another test may hold the UDP port of that number.
        if let Ok(datagrams) = UdpSocket::bind(stream.local_addr().unwrap()).await {
            break (stream, datagrams);
        }
    };
    let at = stream.local_addr().unwrap();
    let serving = async {
        let mut buffer = [0; 512];
        let (length, from) = datagrams.recv_from(&mut buffer).await.unwrap();
        let truncated = respond(&buffer[..length], "192.0.2.66", |writer| writer.set_truncated());
        datagrams.send_to(&truncated, from).await.unwrap();
        let (mut connection, _) = stream.accept().await.unwrap();
        let length = usize::from(connection.read_u16().await.unwrap());
        connection.read_exact(&mut buffer[..length]).await.unwrap();
        let response = respond(&buffer[..length], "192.0.2.2", |_| {});
        connection.write_u16(response.len() as u16).await.unwrap();
        connection.write_all(&response).await.unwrap();
    };
    let (question, options) = (question(), Options::authoritative(LONG));
    let (asked, ()) = tokio::join!(ask(at, &question, &options), serving);
    let (reply, transport) = asked.unwrap();
    assert_eq!((address(&reply).as_str(), transport), ("192.0.2.2", Transport::Tcp));
}

#[tokio::test]
async fn a_foreign_answer_over_tcp_is_an_error() {
    let stream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = stream.local_addr().unwrap();
    let serving = async {
        let mut buffer = [0; 512];
        let (mut connection, _) = stream.accept().await.unwrap();
        let length = usize::from(connection.read_u16().await.unwrap());
        connection.read_exact(&mut buffer[..length]).await.unwrap();
        let mut response = respond(&buffer[..length], "192.0.2.2", |_| {});
        response[0] ^= 1;
        connection.write_u16(response.len() as u16).await.unwrap();
        connection.write_all(&response).await.unwrap();
    };
    let options = Options { transport: Transport::Tcp, ..Options::authoritative(LONG) };
    let question = question();
    let (asked, ()) = tokio::join!(ask(at, &question, &options), serving);
    assert!(matches!(asked, Err(AskError::Reply { .. })), "{asked:?}");
}

#[tokio::test]
async fn silence_is_a_time_out() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = server.local_addr().unwrap();
    let asked = ask(at, &question(), &Options::authoritative(Duration::from_millis(20))).await;
    assert!(matches!(asked, Err(AskError::Timeout { server }) if server == at), "{asked:?}");
}

#[tokio::test]
async fn a_closed_port_is_a_network_error() {
    let at = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let options = Options { transport: Transport::Tcp, ..Options::authoritative(LONG) };
    let asked = ask(at, &question(), &options).await;
    assert!(matches!(asked, Err(AskError::Network { .. })), "{asked:?}");
}

#[tokio::test]
async fn the_source_address_can_be_chosen() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = server.local_addr().unwrap();
    let serving = async {
        let mut buffer = [0; 512];
        let (length, from) = server.recv_from(&mut buffer).await.unwrap();
        server.send_to(&respond(&buffer[..length], "192.0.2.1", |_| {}), from).await.unwrap();
        from
    };
    let options = Options { source: Some("127.7.7.7:0".parse().unwrap()), ..Options::authoritative(LONG) };
    let question = question();
    let (asked, from) = tokio::join!(ask(at, &question, &options), serving);
    asked.unwrap();
    assert_eq!(from.ip().to_string(), "127.7.7.7");
}
