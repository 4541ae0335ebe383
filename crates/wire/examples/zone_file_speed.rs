//! How fast a zone file of simple records is read and written: `cargo run --release -p waymark-wire --example
//! zone_file_speed`.

use std::fmt::Write;
use std::time::Instant;

use waymark_wire::zone_file::{Reader, ReaderOptions, write_record};

const RECORDS: u32 = 1_000_000;

fn main() {
    let origin = "example.com".parse().ok();
    let mut text = String::from("$ORIGIN example.com.\n$TTL 3600\n");
    for number in 0..RECORDS / 10 {
        let _ = write!(
            text,
            "host-{number}\t300\tIN\tA\t192.0.2.{octet}\nhost-{number}.example.com.\t300\tIN\tA\t198.51.100.{octet}\n\
             \tIN\tAAAA\t2001:db8::{high:x}:{octet:x}\nalias-{number}\tIN\tCNAME\thost-{number}\n\
             mail-{number} 3600 IN MX 10 mx1.example.net.\nmail-{number} 3600 IN MX 20 mx2\n\
             mail-{number} TXT \"v=spf1 include:_spf.example.net -all\"\nsub-{number} NS ns1.example.net.\n\
             sub-{number} NS ns2.example.net.\nweb-{number} 60 IN A 203.0.113.{octet} ; cf_tags=cf-proxied:true\n",
            high = number / 256,
            octet = number % 256
        );
    }
    let mut out = String::with_capacity(text.len() * 2);
    for round in 1..=3 {
        let start = Instant::now();
        let mut entries = Vec::with_capacity(RECORDS as usize);
        entries.extend(Reader::new(text.as_bytes(), origin.clone(), ReaderOptions::default()).flatten());
        let read = start.elapsed();
        out.clear();
        let start = Instant::now();
        for entry in &entries {
            write_record(&mut out, &entry.owner, entry.ttl.unwrap_or(1), &entry.rdata, entry.comment.as_deref());
        }
        let written = start.elapsed();
        assert_eq!(entries.len(), RECORDS as usize, "every line is a record");
        let rate = |seconds: f64| entries.len() as f64 / seconds / 1e6;
        println!(
            "round {round}: {} records of {} octets read at {:.2} and written at {:.2} million a second",
            entries.len(),
            text.len(),
            rate(read.as_secs_f64()),
            rate(written.as_secs_f64())
        );
    }
}
