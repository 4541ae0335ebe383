//! An API in process: a store in a directory that goes away with it, requests without sockets, and answers that are
//! checked for what every answer must have.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::response::Parts;
use axum::http::{HeaderMap, Request};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;
use waymark_api::{ApiOptions, ApiStatistics};
use waymark_contract::{Exchange, Observations, contract};
use waymark_control::{
    Actor, Bootstrap, Brand, Clock, Control, CreatedToken, Durability, Limits, NewAccount, NewToken, Options,
    Permission, Policy, Pools, PublicId, Resource, SystemRandom, Time,
};

/// A clock that stands until it is moved.
pub(crate) struct HeldClock(AtomicI64);

impl Clock for HeldClock {
    fn now(&self) -> Time {
        Time(self.0.load(Ordering::Relaxed))
    }
}

impl HeldClock {
    pub(crate) fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}

pub(crate) struct Node {
    pub(crate) router: Router,
    pub(crate) control: Control,
    pub(crate) bootstrap: Bootstrap,
    pub(crate) clock: Arc<HeldClock>,
    pub(crate) statistics: Arc<ApiStatistics>,
    /// What its replies have shown.
    pub(crate) seen: Mutex<Observations>,
    /// Of a name that no other test has had: process ids come again, and what another left must not be found.
    _directory: TempDir,
}

/// A user besides the first one, with an account and a token that may do everything there.
pub(crate) struct Other {
    pub(crate) email: String,
    pub(crate) key: String,
    pub(crate) token: String,
    pub(crate) account: PublicId,
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::with(|options| options.limits.requests_per_5_minutes = 0).await
    }

    /// A node whose API has the options as changed.
    pub(crate) async fn with(change: impl FnOnce(&mut ApiOptions)) -> Self {
        let directory = tempfile::Builder::new().prefix("waymark-api-").tempdir().unwrap();
        let clock = Arc::new(HeldClock(AtomicI64::new(1_750_000_000_123_456)));
        let control = Control::open(
            directory.path(),
            Options {
                clock: clock.clone(),
                random: Arc::new(SystemRandom),
                brand: Brand::new("waymark.test".parse().unwrap()),
                pools: Pools::default(),
                limits: Limits::default(),
                durability: Durability::Off,
            },
        )
        .unwrap();
        let bootstrap = control.bootstrap("admin@example.net").await.unwrap().unwrap();
        let mut options = ApiOptions { clock: clock.clone(), ..ApiOptions::default() };
        change(&mut options);
        let statistics = options.statistics.clone();
        let router = waymark_api::router(control.clone(), options);
        Self { router, control, bootstrap, clock, statistics, seen: Mutex::default(), _directory: directory }
    }

    /// Sends a request as the first user.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send_as(&self.bootstrap.token, method, path, body).await
    }

    pub(crate) async fn send_as(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request =
            Request::builder().method(method).uri(uri(path)).header("authorization", format!("Bearer {token}"));
        self.request(request.body(body).unwrap()).await
    }

    /// Sends a request with these headers and no others.
    pub(crate) async fn send_with(&self, headers: &[(&str, &str)], method: &str, path: &str) -> Answer {
        let request = Request::builder().method(method).uri(uri(path));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.request(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn request(&self, request: Request<Body>) -> Answer {
        let head = request.method() == "HEAD";
        let (parts, body) = self.respond(request).await;
        let text = parts.headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
        let json = if head || text { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, json, body: body.into() };
        if !head && !text {
            answer.check();
        }
        answer
    }

    /// Sends a request whose answer need not be an envelope.
    pub(crate) async fn respond(&self, request: Request<Body>) -> (Parts, Bytes) {
        let (method, target) = (request.method().to_string(), request.uri().to_string());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let exchange = Exchange {
            method: &method,
            target: &target,
            status: parts.status.as_u16(),
            content_type: parts.headers.get("content-type").and_then(|kind| kind.to_str().ok()),
            body: &body,
        };
        let findings = self.seen.lock().unwrap().reply(contract().unwrap(), &exchange);
        let findings: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "{method} {target}:\n{}", findings.join("\n"));
        (parts, body)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None).await
    }

    /// Makes a zone of the first account and gives its path.
    pub(crate) async fn zone(&self, name: &str) -> String {
        let body = json!({"account": {"id": self.bootstrap.account_id}, "name": name});
        let zone = self.post("/zones", body).await.result();
        format!("/zones/{}", zone["id"].as_str().unwrap())
    }

    pub(crate) async fn other(&self, email: &str) -> Other {
        let (_, key) = self.control.user_create(Actor::Operator, email).await.unwrap();
        let new = NewAccount { name: format!("Account of {email}"), member: Some(email.to_owned()) };
        let account = self.control.account_create(Actor::Operator, new).await.unwrap().id;
        let token = self.token(email, vec![Policy::everything()]).await.token;
        Other { email: email.to_owned(), key, token, account }
    }

    pub(crate) async fn token(&self, email: &str, policies: Vec<Policy>) -> CreatedToken {
        let name = "for a test".to_owned();
        let new = NewToken { user: email.to_owned(), name, policies, not_before: None, expires_on: None };
        self.control.token_create(Actor::Operator, new).await.unwrap()
    }

    /// A token of the first user with these permissions on everything he has.
    pub(crate) async fn token_with(&self, permissions: &[Permission]) -> CreatedToken {
        let resources = vec![Resource::User, Resource::AllAccounts];
        self.token(&self.bootstrap.email, vec![Policy { permissions: permissions.to_vec(), resources }]).await
    }
}

fn uri(path: &str) -> String {
    format!("/client/v4{path}")
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The result of an answer that must be good.
    #[track_caller]
    pub(crate) fn result(self) -> Value {
        assert_eq!((self.status, &self.json["success"]), (200, &json!(true)), "{}", self.json);
        self.json["result"].clone()
    }

    /// The body of an answer that is text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Status and first code of an answer that must be bad.
    #[track_caller]
    pub(crate) fn refused(&self) -> (u16, u64) {
        assert_eq!(self.json["success"], json!(false), "{}", self.json);
        (self.status, self.json["errors"][0]["code"].as_u64().unwrap())
    }

    #[track_caller]
    pub(crate) fn message(&self) -> &str {
        self.json["errors"][0]["message"].as_str().unwrap()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}")).to_str().unwrap()
    }

    /// What every answer has (`errors.md`, "Envelope").
    #[track_caller]
    fn check(&self) {
        assert_eq!(self.header("content-type"), "application/json; charset=UTF-8");
        assert!(self.header("cf-ray").len() > 16);
        let members = self.json.as_object().unwrap();
        let success = members["success"].as_bool().unwrap();
        assert_eq!(success, self.status == 200, "{}", self.json);
        assert!(members["messages"].is_array());
        let errors = members["errors"].as_array().unwrap();
        assert_eq!(errors.is_empty(), success);
        for error in errors {
            assert!(error["code"].is_u64() && error["message"].is_string(), "{error}");
        }
        assert!(success || members["result"].is_null());
        assert!(members.contains_key("result"));
    }
}
