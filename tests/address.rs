//! `waymark address` and ports below 1024, each test in a network of its own.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::program::{Program, binary};
use crate::harness::{Namespace, Scratch};

/// Who serves without being root: nobody.
const USER: &[&str] = &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/// A network with a directory.
struct Site {
    network: Namespace,
    directory: Scratch,
}

impl Site {
    fn new() -> Self {
        Self { network: Namespace::new(), directory: Scratch::new() }
    }

    fn told(&self, arguments: &[&str]) -> String {
        self.network.told(self.directory.path(), arguments)
    }

    fn waymark(&self, arguments: &[&str]) -> String {
        self.told(&[&[binary(), "--data-dir", "data"], arguments].concat())
    }

    fn serve(&self, more: &[&str]) -> Program {
        self.network.serve(self.directory.path(), &[], more)
    }

    /// What a server answers at an address, or nothing.
    fn ask(&self, server: &str, name: &str, record_type: &str, more: &[&str]) -> Option<String> {
        let ask = [binary(), "ask", name, record_type, "--timeout", "2", "--server", server];
        let output = self.network.run(self.directory.path(), &[&ask, more].concat());
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    fn published(&self) -> bool {
        let told = self.ask("127.0.0.1:1053", "ada.ns.waymark.test", "AAAA", &[]).expect("an answer");
        told.contains("fd53::1")
    }

    /// Whether the network of this text leads here, and each of its addresses.
    fn leads_here(&self, network: &str) -> (bool, Vec<bool>) {
        let pools: Value = serde_json::from_str(&self.waymark(&["address", "list", "--json"])).unwrap();
        let pool = pools.as_array().unwrap().iter().find(|pool| pool["network"] == network).expect("the network");
        let addresses = pool["addresses"].as_array().unwrap().iter();
        (pool["leads_here"] == true, addresses.map(|address| address["leads_here"] == true).collect())
    }
}

fn end(mut server: Program) {
    server.signal("TERM");
    assert!(server.wait().success(), "{}", server.stderr());
}

#[test]
fn the_ipv6_pool_is_led_here_published_and_let_go() {
    let site = Site::new();
    let server = site.serve(&[]);
    // Somebody else's, which stays.
    site.told(&["ip", "-6", "route", "add", "local", "fd99::/64", "dev", "lo"]);
    assert_eq!(site.leads_here("fd53::/64"), (false, vec![false; 120]));
    assert_eq!(site.leads_here("127.53.0.0/16"), (true, vec![true; 120]));
    assert!(!site.published());
    assert_eq!(site.ask("[fd53::1]:1053", "waymark.test", "SOA", &[]), None);
    let up = site.waymark(&["address", "up"]);
    assert!(up.contains("127.53.0.0/16: leads here already") && up.contains("fd53::/64: leads here now"), "{up}");
    assert!(site.published(), "{up}");
    assert_eq!(site.leads_here("fd53::/64"), (true, vec![true; 120]));
    for over in [&[][..], &["--tcp"]] {
        let told = site.ask("[fd53::1]:1053", "waymark.test", "SOA", over).expect("an answer from that address");
        assert!(told.contains(" aa"), "{told}");
    }
    assert!(site.waymark(&["address", "up"]).contains("fd53::/64: leads here already"), "nothing is added twice");
    let list = site.waymark(&["address", "list"]);
    assert!(list.contains("fd53::1 ") && list.contains("ada.ns.waymark.test"), "{list}");
    let down = site.waymark(&["address", "down"]);
    assert!(down.contains("fd53::/64: does not lead here any more"), "{down}");
    assert!(!site.published());
    assert!(!site.leads_here("fd53::/64").0);
    assert!(site.told(&["ip", "-6", "route", "show", "table", "local"]).contains("fd99::/64"));
    assert!(site.waymark(&["address", "down"]).contains("there is no route"));
    end(server);
}

#[test]
fn a_start_finds_out_whether_the_ipv6_pool_leads_here() {
    let site = Site::new();
    assert!(site.waymark(&["address", "up"]).contains("no server runs"));
    assert!(!site.directory.join("data").exists(), "no data directory of root's in the way of the first start");
    let server = site.serve(&[]);
    assert!(site.published());
    end(server);
    site.waymark(&["address", "down"]);
    let server = site.serve(&[]);
    assert!(!site.published());
    end(server);
    let server = site.serve(&["--set", "pools.nameserver_v6_reachable=true"]);
    assert!(site.published(), "what the configuration says is not looked at");
    end(server);
}

#[test]
fn pools_that_are_not_loopback_and_further_addresses_are_led_here() {
    let site = Site::new();
    let file = "[pools]\nnameserver_v4 = '198.51.100.0/28'\nextra_addresses = ['192.0.2.53/32', '2001:db8::53/128']\n";
    std::fs::write(site.directory.join("waymark.toml"), file).unwrap();
    let server = site.serve(&[]);
    let addresses = ["198.51.100.1:1053", "192.0.2.53:1053", "[2001:db8::53]:1053"];
    let answered = || addresses.map(|address| site.ask(address, "waymark.test", "SOA", &[]).is_some());
    assert_eq!(answered(), [false; 3]);
    let up = site.waymark(&["address", "up"]);
    assert_eq!(answered(), [true; 3], "{up}");
    site.waymark(&["address", "down"]);
    assert_eq!(answered(), [false; 3]);
    end(server);
}

#[test]
fn only_root_changes_routes() {
    let site = Site::new();
    let copy = copy_for_everybody(&site);
    let refused = [USER, &[&copy, "--data-dir", "data", "address", "up"]].concat();
    let output = site.network.run(site.directory.path(), &refused);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), told.lines().count()), (Some(1), 1), "{told}");
    assert!(told.contains("sudo") && told.contains("ip -6 route add local fd53::/64"), "{told}");
}

/// The binary in a place where every user may run it, and a data directory for the user without rights.
fn copy_for_everybody(site: &Site) -> String {
    let copy: PathBuf = site.directory.join("waymark");
    std::fs::copy(binary(), &copy).unwrap();
    for path in [site.directory.path(), &copy] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let data = site.directory.join("data");
    std::fs::create_dir(&data).unwrap();
    std::os::unix::fs::chown(&data, Some(65534), Some(65534)).unwrap();
    copy.to_string_lossy().into_owned()
}

#[test]
fn port_53_is_for_whoever_has_the_capability() {
    let site = Site::new();
    let copy = copy_for_everybody(&site);
    let ports = ["--dns-listen", "127.0.0.1:53"];
    let serve = [USER, &[&copy, "serve", "--data-dir", "data"], &ports].concat();
    let refused = site.network.run(site.directory.path(), &serve);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!((refused.status.code(), told.lines().count()), (Some(1), 1), "{told}");
    for part in ["port 53 of 127.0.0.1", &format!("setcap cap_net_bind_service=+ep {copy}"), "AmbientCapabilities"] {
        assert!(told.contains(part), "{told}");
    }
    let api = [USER, &[&copy, "serve", "--data-dir", "data", "--api-listen", "127.0.0.1:443"]].concat();
    let told = String::from_utf8(site.network.run(site.directory.path(), &api).stderr).unwrap();
    assert!(told.contains("port 443") && told.contains("--api-listen"), "{told}");
    // As systemd gives it.
    let ambient = ["--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service", &copy];
    let server = site.network.serve(site.directory.path(), &[USER, &ambient].concat(), &ports);
    assert!(site.ask("127.0.0.1:53", "waymark.test", "SOA", &[]).is_some());
    end(server);
    // As the sentence says.
    site.told(&["setcap", "cap_net_bind_service=+ep", &copy]);
    let server = site.network.serve(site.directory.path(), &[USER, &[&copy]].concat(), &ports);
    assert!(site.ask("127.0.0.1:53", "waymark.test", "SOA", &[]).is_some());
    end(server);
}
