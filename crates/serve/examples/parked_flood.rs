//! What questions that wait for ever do to others: the latency of ordinary answers while nothing else is asked, while
//! as many ordinary questions come, and while 50,000 a second are parked that nobody supplies.
//!
//! ```text
//!  cargo run --release -p waymark-serve --example parked_flood [ROUNDS] [SECONDS] [QUESTIONS A SECOND]
//! ```
//!
//! Server, flood and probe share this machine, so that only the ratio of the runs says something. Rounds of the three
//! kinds take turns; printed are the medians of the rounds, the memory before and after, and what became of the
//! parked questions.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use waymark_serve::clock::SystemClock;
use waymark_serve::parked::{Order, Supplier};
use waymark_serve::{Options, Server, Surroundings};
use waymark_wire::{Name, Rdata, RecordType, Serial};
use waymark_zone::answer::Needs;
use waymark_zone::catalog::{Catalog, Writer};
use waymark_zone::published::{
    AccountNumber, Incarnation, Position, RRset, ScopeId, Soa, Version, ZoneHeader, ZoneNumber, ZoneStatus,
};

/// Supplies nothing, ever.
struct Nobody;

impl Supplier for Nobody {
    fn supply(&self, _needs: &Needs, _order: Order) {}
}

/// What is asked beside the probe's questions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flood {
    Nothing,
    Ordinary,
    Parked,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<u64> = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let argument = |index: usize, default| arguments.get(index).copied().unwrap_or(default);
    let (rounds, seconds, rate) = (argument(0, 5), argument(1, 4), argument(2, 50_000));
    let runtime = Runtime::new()?;
    let (_writer, catalog) = catalog()?;
    let options = Options { listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))], workers: 1, ..Options::default() };
    let surroundings =
        Surroundings { clock: Arc::new(SystemClock::new()), seed: [7; 16], supplier: Some(Arc::new(Nobody)) };
    let bound = Server::bind(&options)?;
    let server_address = bound.udp_addresses()[0];
    let server = Server::start(bound, catalog, runtime.handle().clone(), surroundings)?;
    let memory = resident_kib()?;
    let mut results: Vec<(Flood, Latencies)> = Vec::new();
    for round in 1..=rounds {
        for flood in [Flood::Nothing, Flood::Ordinary, Flood::Parked] {
            let latencies = run(server_address, flood, rate, Duration::from_secs(seconds))?;
            println!("round {round} {flood:?}: {latencies:?}");
            results.push((flood, latencies));
        }
    }
    let quiet = median(&results, Flood::Nothing, |latencies| latencies.p99);
    for flood in [Flood::Nothing, Flood::Ordinary, Flood::Parked] {
        let (p50, p99) = (median(&results, flood, |l| l.p50), median(&results, flood, |l| l.p99));
        let lost: usize = results.iter().filter(|(kind, _)| *kind == flood).map(|(_, l)| l.lost).sum();
        println!("{flood:?}: p50 {p50} us, p99 {p99} us, {:.2} x quiet, {lost} lost", p99 as f64 / quiet as f64);
    }
    println!("memory: {memory} KiB before, {} KiB after", resident_kib()?);
    println!("{:?}", server.statistics().parked);
    runtime.block_on(server.shutdown());
    Ok(())
}

/// How long answers took, in microseconds.
#[derive(Debug)]
struct Latencies {
    p50: u64,
    p99: u64,
    lost: usize,
}

fn median(results: &[(Flood, Latencies)], flood: Flood, of: impl Fn(&Latencies) -> u64) -> u64 {
    let mut values: Vec<u64> = results.iter().filter(|(kind, _)| *kind == flood).map(|(_, l)| of(l)).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Probes for a while, beside a flood.
fn run(server: SocketAddr, flood: Flood, rate: u64, time: Duration) -> Result<Latencies, Box<dyn Error>> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        if flood != Flood::Nothing {
            scope.spawn(|| flood_with(server, flood, rate, &over));
        }
        let latencies = probe(server, time);
        over.store(true, Relaxed);
        latencies
    })
}

fn probe(server: SocketAddr, time: Duration) -> Result<Latencies, Box<dyn Error>> {
    let client = UdpSocket::bind("127.0.0.1:0")?;
    client.connect(server)?;
    client.set_read_timeout(Some(Duration::from_millis(500)))?;
    let (end, mut taken, mut lost) = (Instant::now() + time, Vec::new(), 0);
    let mut buffer = [0; 1500];
    while Instant::now() < end {
        let request = question(taken.len() as u32, "plain.test", false);
        let start = Instant::now();
        client.send(&request)?;
        match client.recv(&mut buffer) {
            Ok(_) => taken.push(start.elapsed().as_micros() as u64),
            Err(_) => lost += 1,
        }
        thread::sleep(Duration::from_micros(300));
    }
    taken.sort_unstable();
    let at = |part: usize| taken.get(taken.len() * part / 100).copied().unwrap_or_default();
    Ok(Latencies { p50: at(50), p99: at(99), lost })
}

/// Sends so many questions a second, from several networks, as evenly as a sleeping thread can.
fn flood_with(server: SocketAddr, flood: Flood, rate: u64, over: &AtomicBool) {
    let address = |network: u8| IpAddr::V4(Ipv4Addr::new(127, 1, network, 1));
    let clients: Vec<UdpSocket> = (0..16).filter_map(|network| UdpSocket::bind((address(network), 0)).ok()).collect();
    let (apex, signed) = if flood == Flood::Parked { ("signed.test", true) } else { ("plain.test", false) };
    let (start, mut sent) = (Instant::now(), 0u64);
    let mut rubbish = [0; 512];
    while !over.load(Relaxed) {
        let due = start.elapsed().as_micros() as u64 * rate / 1_000_000;
        while sent < due {
            let client = &clients[sent as usize % clients.len()];
            // What the kernel does not take is lost, as on a network.
            let _lost = client.send_to(&question(sent as u32, apex, signed), server);
            sent += 1;
        }
        for client in &clients {
            let _empty = client.set_nonblocking(true);
            while client.recv(&mut rubbish).is_ok() {}
        }
        thread::sleep(Duration::from_micros(50));
    }
}

fn question(number: u32, apex: &str, signed: bool) -> Vec<u8> {
    let mut request = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    let label = format!("h{}", number % 1000);
    for label in [label.as_str()].into_iter().chain(apex.split('.')) {
        request.push(label.len() as u8);
        request.extend_from_slice(label.as_bytes());
    }
    request.extend_from_slice(&[0, 0, 1, 0, 1]);
    request.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, if signed { 0x80 } else { 0 }, 0, 0, 0]);
    request
}

/// Two zones of a thousand names at every address; the answers of one want signatures.
fn catalog() -> Result<(Writer, Arc<Catalog>), Box<dyn Error>> {
    let (mut writer, catalog) = Catalog::new(7);
    for (number, apex, signed) in [(1, "plain.test", false), (2, "signed.test", true)] {
        let apex = Name::from_text(apex)?;
        writer.stage_zone(ZoneNumber(number), Version(1), Serial::new(1), header(apex.clone(), signed));
        for host in 0..1000 {
            let owner = apex.prepend(&format!("h{host}"))?;
            let data = vec![Rdata::from_wire(RecordType::A, &[192, 0, 2, 1])?];
            writer.stage_rrsets(ZoneNumber(number), &[RRset { owner, record_type: RecordType::A, ttl: 300, data }]);
        }
    }
    writer.publish_staged(Incarnation([1; 16]), Position(1), &[]);
    Ok((writer, catalog))
}

fn header(apex: Name, signed: bool) -> ZoneHeader {
    let soa = Soa {
        mname: apex.clone(),
        rname: apex.clone(),
        refresh: 10_000,
        retry: 2_400,
        expire: 604_800,
        minimum: 1_800,
        ttl: 3_600,
    };
    ZoneHeader {
        nameservers: vec![apex.clone()],
        apex,
        account: AccountNumber(1),
        status: ZoneStatus::Active,
        proven: true,
        scopes: vec![ScopeId::ACTIVE, ScopeId::ALL],
        soa,
        ns_ttl: 86_400,
        signed,
    }
}

/// The memory that the process has now, in KiB.
fn resident_kib() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).ok_or("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse()?)
}
