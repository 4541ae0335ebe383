//! A node in this process: API and nameserver on free ports, everything in a directory of its own.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::{Value, json};
use waymark::NodeOptions;
use waymark::config::{Config, Count, Limit};
use waymark_control::{Actor, Control, NewAccount, NewToken, Policy};
use waymark_resolve::Reply;

use super::dns::{self, Over};
use super::http::{Client, Credentials};
use super::metrics::Metrics;
use super::scratch::Scratch;

/// UDP workers of a node: more than one, so that what one worker sees and another does not would show.
pub(crate) const WORKERS: u64 = 3;

/// A running node. Dropping it stops it.
pub(crate) struct Node {
    node: Option<waymark::Node>,
    first: Account,
    _directory: Scratch,
}

/// An account and who acts for it.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) credentials: Credentials,
}

/// A zone of a node, and a connection of its owner to the API.
pub(crate) struct Zone<'n> {
    pub(crate) node: &'n Node,
    pub(crate) client: Client,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) name_servers: Vec<String>,
}

impl Node {
    pub(crate) fn start() -> Self {
        Self::start_with(|_, _| {})
    }

    /// Starts a node whose configuration and options `change` has had a hand in.
    pub(crate) fn start_with(change: impl FnOnce(&mut Config, &mut NodeOptions)) -> Self {
        let directory = Scratch::new();
        let mut config = Config::default();
        config.data.dir = directory.join("data");
        config.api.listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        config.dns.listen = vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))];
        config.dns.workers = Count(WORKERS);
        config.limits.requests_per_5_minutes = Limit(0);
        let mut options = NodeOptions::default();
        change(&mut config, &mut options);
        let node = waymark::Node::start(config, options).expect("the node starts");
        let made = node.bootstrap().expect("the directory is new");
        let first = Account { id: made.account_id.to_string(), credentials: Credentials::Token(made.token.clone()) };
        Self { node: Some(node), first, _directory: directory }
    }

    pub(crate) fn inner(&self) -> &waymark::Node {
        self.node.as_ref().expect("the node runs until it is dropped")
    }

    pub(crate) fn control(&self) -> &Control {
        self.inner().control()
    }

    pub(crate) fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.inner().block_on(work)
    }

    /// The account that the first start makes.
    pub(crate) fn first(&self) -> &Account {
        &self.first
    }

    /// A further account, with a user and a token of its own.
    pub(crate) fn account(&self, name: &str) -> Account {
        let email = format!("{name}@example.net");
        let control = self.control();
        let token = NewToken {
            user: email.clone(),
            name: name.to_owned(),
            policies: vec![Policy::everything()],
            not_before: None,
            expires_on: None,
        };
        let (account, token) = self.block_on(async {
            control.user_create(Actor::Operator, &email).await.expect("a new user");
            let account = NewAccount { name: name.to_owned(), member: Some(email.clone()) };
            let account = control.account_create(Actor::Operator, account).await.expect("a new account");
            (account, control.token_create(Actor::Operator, token).await.expect("a new token"))
        });
        Account { id: account.id.to_string(), credentials: Credentials::Token(token.token) }
    }

    /// A connection to the API with these credentials.
    pub(crate) fn client_of(&self, credentials: &Credentials) -> Client {
        Client::new(self.inner().api_address(), credentials.clone())
    }

    /// A connection of the first account to the API.
    pub(crate) fn client(&self) -> Client {
        self.client_of(&self.first.credentials)
    }

    /// A zone of the first account.
    pub(crate) fn zone(&self, name: &str) -> Zone<'_> {
        self.zone_of(&self.first, name)
    }

    /// A zone of this account.
    pub(crate) fn zone_of(&self, account: &Account, name: &str) -> Zone<'_> {
        let mut client = self.client_of(&account.credentials);
        let made = client.post("/zones", &json!({"name": name, "account": {"id": account.id}})).ok();
        Zone {
            node: self,
            client,
            id: text(&made["id"]),
            name: name.to_owned(),
            name_servers: made["name_servers"].as_array().expect("nameservers").iter().map(text).collect(),
        }
    }

    /// Where the nameserver can be asked at this address.
    pub(crate) fn dns_at(&self, address: IpAddr) -> SocketAddr {
        SocketAddr::new(address, self.inner().dns_address().port())
    }

    /// Where the nameserver can be asked at an address that belongs to no nameserver.
    pub(crate) fn dns(&self) -> SocketAddr {
        self.dns_at(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    /// Where a nameserver of the platform can be asked: what DNS says of its name.
    pub(crate) fn nameserver(&self, name: &str) -> SocketAddr {
        let reply = dns::ask(self.dns(), Over::Udp, name, "A");
        let addresses = dns::data(&reply.answers, name, "A");
        let [address] = &addresses[..] else { panic!("{name} has the addresses {addresses:?}") };
        self.dns_at(address.parse().expect("an address"))
    }

    /// What `/metrics` says now.
    pub(crate) fn metrics(&self) -> Metrics {
        let response = Client::new(self.inner().api_address(), Credentials::Nobody).get("/metrics");
        assert_eq!(response.status, 200, "{}", response.text());
        Metrics::parse(&response.text())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            node.stop();
        }
    }
}

impl Zone<'_> {
    /// The path of its records in the API.
    pub(crate) fn records(&self) -> String {
        format!("/zones/{}/dns_records", self.id)
    }

    /// Makes a record and gives it as the API shows it.
    pub(crate) fn record(&mut self, name: &str, record_type: &str, content: &str) -> Value {
        let mut body = json!({"name": name, "type": record_type, "content": content, "ttl": 300});
        if record_type == "MX" {
            body["priority"] = json!(10);
        }
        let path = self.records();
        self.client.post(&path, &body).ok()
    }

    /// The addresses of its nameservers, in their order.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.name_servers.iter().map(|name| self.node.nameserver(name)).collect()
    }

    /// Asks its first nameserver about a name below its apex, or about the apex for `@`.
    pub(crate) fn ask(&self, over: Over, name: &str, record_type: &str) -> Reply {
        dns::ask(self.node.nameserver(&self.name_servers[0]), over, &self.full(name), record_type)
    }

    /// The whole name of one that is relative to the apex.
    pub(crate) fn full(&self, name: &str) -> String {
        if name == "@" { self.name.clone() } else { format!("{name}.{}", self.name) }
    }

    pub(crate) fn delete(mut self) {
        let path = format!("/zones/{}", self.id);
        self.client.delete(&path).ok();
    }

    /// Makes it active or pending, as the operator does.
    pub(crate) fn set_status(&self, status: waymark_control::Status) {
        let id = waymark_control::PublicId::parse(&self.id).expect("an id");
        let control = self.node.control();
        self.node
            .block_on(control.zone_set_status(Actor::Operator, id, status, false))
            .expect("the operator may set a status");
    }
}

/// A JSON string.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}
