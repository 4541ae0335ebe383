//! Measures an import by itself: `import_speed ZONES RECORDS [DIRECTORY]`, or `import_speed FILES...` of zone files.
//!
//! A store in a directory of its own, on disk as a node's is; ZONES files of RECORDS records each are handed in, and
//! meanwhile one small record is made every 20 ms in another zone. It prints records a second and how long the small
//! writes waited.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use waymark_control::{
    Brand, Control, Durability, Grant, ImportEvent, ImportOptions, Kind, Limits, NewRecord, NewZone, Options, Pools,
    PublicId, SystemClock, SystemRandom, ZoneFile,
};
use waymark_wire::Name;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<usize>().ok());
    let files: Box<dyn Iterator<Item = ZoneFile> + Send> = match (number(0), number(1)) {
        (Some(zones), Some(records)) => Box::new((0..zones).map(move |zone| made(zone, records))),
        _ => Box::new(arguments.into_iter().map(PathBuf::from).flat_map(read)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure(files))
}

/// A file of this many records, in no order.
fn made(zone: usize, records: usize) -> ZoneFile {
    let origin = format!("z{zone:06}.example");
    let mut text =
        format!("$ORIGIN {origin}.\n$TTL 3600\n@ SOA ns hostmaster 1 7200 3600 1209600 300\n@ NS ns.other.example.\n");
    for record in 0..records {
        let mixed = (record as u32).wrapping_mul(0x9e37_79b1);
        let [a, b, c, d] = mixed.to_be_bytes();
        text.push_str(&format!("h{mixed:08x} A 10.{b}.{c}.{d}\n"));
        let _ = a;
    }
    ZoneFile { name: origin, origin: None, text: text.into_bytes() }
}

/// The file, or all files of the directory, at a path; sorted by name.
fn read(path: PathBuf) -> Vec<ZoneFile> {
    let mut paths = match std::fs::read_dir(&path) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => vec![path],
    };
    paths.sort();
    let file = |path: PathBuf| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        let origin = Name::from_text(&name).ok();
        Some(ZoneFile { name, origin, text: std::fs::read(path).ok()? })
    };
    paths.into_iter().filter_map(file).collect()
}

async fn measure(files: Box<dyn Iterator<Item = ZoneFile> + Send>) -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let options = Options {
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        brand: Brand::new(Name::from_text("waymark.test")?),
        pools: Pools::default(),
        limits: Limits::default(),
        durability: Durability::Full,
    };
    let control = Control::open(directory.path(), options)?;
    let first = control.bootstrap("admin@example.com").await?.ok_or("not a new store")?;
    let account = first.account_id;
    let zone = NewZone { account, name: "probe.example".to_owned(), kind: Kind::Full };
    let probe = control.zone_create(&Grant::operator(), zone).await?;
    let done = Arc::new(AtomicBool::new(false));
    let waits = tokio::spawn(small_writes(control.clone(), probe.id, done.clone()));

    let began = Instant::now();
    let (into, mut events) = control.import_start(Grant::operator(), account, ImportOptions::default());
    tokio::spawn(async move {
        for file in files {
            if into.push(file).await.is_err() {
                return;
            }
        }
    });
    let (mut zones, mut parsed, mut added) = (0, 0, 0);
    while let Some(event) = events.next().await {
        match event {
            ImportEvent::Zone(zone) => {
                zones += 1;
                parsed += zone.parsed;
                added += zone.added;
            }
            ImportEvent::Ended(refusal) => return Err(refusal.into()),
            ImportEvent::Problem(_) | ImportEvent::Progress { .. } => {}
        }
    }
    let took = began.elapsed();
    done.store(true, Ordering::Relaxed);
    let (all, writer) = (cpu("/proc/self/stat"), writer_cpu());
    println!("processor time: {all:.2} s, of which the store's writer {writer:.2} s");
    let mut waits = waits.await?;
    waits.sort();
    let rate = |records: u64| records as f64 / took.as_secs_f64();
    println!(
        "{zones} zones, {parsed} records in {:.2} s: {:.0} a second ({added} added: {:.0} a second)",
        took.as_secs_f64(),
        rate(parsed),
        rate(added)
    );
    let at = |part: usize| waits.get(waits.len().saturating_sub(1) * part / 1000).copied().unwrap_or_default();
    println!("{} small writes: {:?} half, {:?} of 99 %, {:?} longest", waits.len(), at(500), at(990), at(1000));
    for name in ["waymark.sqlite", "waymark.sqlite-wal"] {
        println!("{name}: {} MiB", std::fs::metadata(directory.path().join(name)).map_or(0, |file| file.len() >> 20));
    }
    control.close().await;
    directory.close()?;
    Ok(())
}

/// Seconds of processor time in a `stat` file of Linux; 0 elsewhere.
fn cpu(path: &str) -> f64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let Some((_, fields)) = text.rsplit_once(") ") else { return 0.0 };
    fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn writer_cpu() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let is_writer =
        |path: &PathBuf| std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == "store-writer");
    tasks.map(|task| task.path()).filter(is_writer).map(|task| cpu(&task.join("stat").to_string_lossy())).sum()
}

async fn small_writes(control: Control, zone: PublicId, done: Arc<AtomicBool>) -> Vec<Duration> {
    let mut waits = Vec::new();
    let mut number = 0u32;
    while !done.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let began = Instant::now();
        number += 1;
        let new = NewRecord {
            name: format!("n{number}"),
            record_type: "A".to_owned(),
            content: "192.0.2.1".to_owned(),
            ..NewRecord::default()
        };
        if let Err(refusal) = control.record_create(&Grant::operator(), zone, new).await {
            eprintln!("{refusal}");
        }
        waits.push(began.elapsed());
    }
    waits
}
