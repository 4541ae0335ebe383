//! `waymark ask`: one question to a DNS server, and the reply as a zone file would have it.

use std::time::Duration;

use waymark_resolve::{Question, Reply, Transport};
use waymark_wire::record_type::RecordType;

use super::{Failure, load, print, runtime};
use crate::cli::{Ask, Cli};
use crate::observe;

/// `waymark ask`.
pub fn ask(cli: &Cli, ask: &Ask) -> Result<(), Failure> {
    let name = ask.name.parse().map_err(|why| format!("{:?} is not a domain name: {why}", ask.name))?;
    let record_type = RecordType::from_mnemonic(&ask.record_type)
        .ok_or_else(|| format!("{:?} is not a record type: give a mnemonic, or TYPE and a number", ask.record_type))?;
    let server = match ask.server {
        Some(server) => server,
        None => load(cli)?.dns.listen.first().copied().map(crate::node::reachable).ok_or("no server is configured")?,
    };
    let transport = if ask.tcp { Transport::Tcp } else { Transport::Udp };
    let wait = Duration::from_secs(ask.timeout);
    let options = waymark_resolve::Options {
        transport,
        recursion_desired: true,
        ..waymark_resolve::Options::authoritative(wait)
    };
    let question = Question { name, record_type };
    let asked = runtime()?.block_on(waymark_resolve::ask(server, &question, &options));
    let (reply, transport) = asked.map_err(|error| error.to_string())?;
    print(&reply_text(&reply, transport))
}

/// A reply as a zone file would have it, its header in comments.
fn reply_text(reply: &Reply, transport: Transport) -> String {
    let flag = |set: bool, name: &'static str| if set { name } else { "" };
    let flags =
        [flag(reply.authoritative, " aa"), flag(reply.truncated, " tc"), flag(reply.recursion_available, " ra")];
    let over = match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
    };
    let rcode = observe::metrics::rcode_name(usize::from(reply.rcode.0));
    let mut text = format!("; {rcode}{}, {} octets over {over}\n", flags.concat(), reply.octets);
    for (section, records) in
        [("answer", &reply.answers), ("authority", &reply.authority), ("additional", &reply.additional)]
    {
        if !records.is_empty() {
            text += &format!("; {section}\n");
        }
        for record in records {
            let dot = if record.owner.is_root() { "" } else { "." };
            text += &format!("{}{dot}\t{}\tIN\t{}\t{}\n", record.owner, record.ttl, record.record_type, record.rdata);
        }
    }
    text
}
