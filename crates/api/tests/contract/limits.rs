//! The limits of the API: each is reached here once, and each can be lifted.

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::harness::Node;

#[tokio::test]
async fn a_user_or_token_has_so_many_requests_in_five_minutes() {
    let node = Node::with(|options| options.limits.requests_per_5_minutes = 3).await;
    for left in [2, 1, 0] {
        let answer = node.get("/user").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit"), format!("\"default\";r={left};t=300"));
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=3;w=300");
    }
    node.clock.advance_seconds(100);
    let answer = node.get("/user").await;
    assert_eq!(answer.refused(), (429, 971));
    let text = "More than 3 requests per 300 seconds reached. Please wait and consider throttling your request speed";
    assert_eq!((answer.message(), answer.header("retry-after")), (text, "200"));
    assert_eq!(node.get("/user/tokens/verify").await.refused(), (429, 971));
    assert_eq!(node.statistics.rate_limited(), 2);

    let pair = [("x-auth-email", node.bootstrap.email.as_str()), ("x-auth-key", node.bootstrap.key.as_str())];
    assert_eq!(node.send_with(&pair, "GET", "/user").await.status, 200, "the key is another caller");
    node.clock.advance_seconds(200);
    assert_eq!(node.get("/user").await.status, 200);
}

#[tokio::test]
async fn bad_credentials_are_not_counted_and_no_limit_means_no_headers() {
    let node = Node::with(|options| options.limits.requests_per_5_minutes = 1).await;
    for _ in 0..5 {
        let answer = node.send_with(&[("authorization", "Bearer unknown")], "GET", "/user").await;
        assert_eq!(answer.refused(), (403, 9109));
        assert!(answer.headers.get("ratelimit").is_none());
    }
    assert_eq!(node.get("/user").await.status, 200);
    let lifted = Node::start().await;
    for _ in 0..5 {
        let answer = lifted.get("/user").await;
        assert!(answer.status == 200 && answer.headers.get("ratelimit").is_none());
    }
}

/// Serves a node on a socket, and opens a request there whose body never comes.
async fn stuck(node: &Node) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = node.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let token = &node.bootstrap.token;
    let head = format!(
        "POST /client/v4/zones HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 10\r\n\
         Connection: close\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// The status and the JSON of a response on a socket.
async fn response(mut stream: TcpStream) -> (u16, Value) {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let node = Node::with(|options| options.limits.body_receive_ms = 20).await;
    let (status, json) = response(stuck(&node).await).await;
    assert_eq!((status, &json["success"], &json["errors"][0]["code"]), (408, &Value::from(false), &Value::from(9207)));
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_503() {
    let node = Node::with(|options| {
        options.limits.body_receive_ms = 0;
        options.limits.request_ms = 20;
    })
    .await;
    let (status, json) = response(stuck(&node).await).await;
    assert_eq!((status, &json["errors"][0]["code"]), (503, &Value::from(10013)));
}

#[tokio::test]
async fn so_many_requests_are_answered_at_a_time() {
    let node = Node::with(|options| options.limits.requests_in_flight_max = 1).await;
    let stuck = stuck(&node).await;
    while node.statistics.in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    // Counted as in flight just before the place is taken: the other request may still win it once.
    let mut answer = node.get("/user").await;
    while answer.status == 200 {
        tokio::task::yield_now().await;
        answer = node.get("/user").await;
    }
    assert_eq!(answer.refused(), (503, 10013));
    assert_eq!(answer.header("retry-after"), "1");
    assert!(node.statistics.busy() > 0);
    drop(stuck);
    while node.statistics.in_flight() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.get("/user").await.status, 200);
}

/// An answer of which nothing is read.
async fn unread(node: &Node, path: &str) -> Response<Body> {
    let token = format!("Bearer {}", node.bootstrap.token);
    let request = Request::get(format!("/client/v4{path}")).header("authorization", token);
    node.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn an_answer_has_its_place_until_it_has_been_sent() {
    let node = Node::with(|options| options.limits.requests_in_flight_max = 2).await;
    let zone = node.zone("example.com").await;
    let waiting = unread(&node, "/user").await;
    // One that is made while it leaves has a place as well.
    let export = unread(&node, &format!("{zone}/dns_records/export")).await;
    assert_eq!((waiting.status(), export.status(), node.statistics.in_flight()), (StatusCode::OK, StatusCode::OK, 2));
    assert_eq!(node.get("/user").await.refused(), (503, 10013));
    assert_eq!(node.statistics.busy(), 1);
    drop(export);
    assert_eq!(node.get("/user").await.status, 200);
    // The octets hold it, wherever they are: a queue below may have them long after the body has ended.
    let octets = axum::body::to_bytes(waiting.into_body(), usize::MAX).await.unwrap();
    assert_eq!(node.statistics.in_flight(), 1);
    drop(octets);
    assert_eq!(node.statistics.in_flight(), 0);
}

#[tokio::test]
async fn answers_that_wait_to_be_sent_have_so_many_octets() {
    let node = Node::with(|options| {
        options.limits.answer_octets_max = 150 << 10;
        options.limits.requests_per_5_minutes = 0;
    })
    .await;
    let zone = node.zone("example.com").await;
    let text = "x".repeat(2000);
    for number in 0..40 {
        let record = json!({"type": "TXT", "name": format!("n{number}"), "content": text, "ttl": 1});
        node.post(&format!("{zone}/dns_records"), record).await.result();
    }
    let list = format!("{zone}/dns_records?per_page=100");
    let octets = node.get(&list).await.body.len();
    assert!(octets > 76 << 10 && octets < 150 << 10, "{octets}: one fits and two do not");
    let waiting = unread(&node, &list).await;
    assert_eq!(waiting.status(), 200);
    assert_eq!(node.get(&list).await.refused(), (503, 10013));
    assert_eq!(node.get("/user").await.status, 200, "a small answer is no matter");
    drop(waiting);
    assert_eq!(node.get(&list).await.status, 200);
}
