//! Which files are imported, and which zone the name of each stands for.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use waymark_wire::Name;

use super::{Failure, shown};
use crate::cli::ZoneImport;
use crate::config::Limit;

/// What names of zone files end in.
const ENDINGS: [&str; 4] = [".zone", ".db", ".txt", ".hosts"];
/// What they begin with, as BIND's do.
const BEGINNING: &str = "db.";
/// What else is in the directories of a nameserver: configuration, keys, journals.
const BEGINNINGS_OF_OTHERS: [&str; 3] = ["named.conf", "rndc.", "managed-keys"];
const ENDINGS_OF_OTHERS: [&str; 6] = [".conf", ".key", ".keys", ".private", ".jnl", ".jbk"];
const OTHERS: [&str; 1] = ["zones.rfc1918"];
/// How deep directories are followed.
const DEPTH_MAX: u32 = 64;

/// A file to be imported.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Where it is; none: standard input.
    pub(super) path: Option<PathBuf>,
    /// What messages call it.
    pub(super) name: String,
    /// The zone that its name stands for, or that the operator has given.
    pub(super) origin: Option<String>,
    /// Its size in octets, if that can be known.
    pub(super) octets: u64,
    /// What has been read of standard input.
    pub(super) text: Vec<u8>,
}

/// What there is to import.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The files, in the order of the command line.
    pub(super) sources: Vec<Source>,
    /// How many files of directories are no zone's by their names.
    pub(super) passed_over: u64,
}

/// All files that the command line means.
pub(super) fn find(import: &ZoneImport) -> Result<Found, Failure> {
    let mut found = Found::default();
    for path in &import.paths {
        if path.as_os_str() == "-" {
            found.sources.push(Source { path: None, name: "-".to_owned(), origin: None, octets: 0, text: Vec::new() });
            continue;
        }
        let unreadable = |why: io::Error| format!("{} cannot be read: {why}", shown(path));
        let metadata = fs::metadata(path).map_err(unreadable)?;
        match metadata.is_dir() {
            true => directory(path, import.recursive, DEPTH_MAX, &mut found)?,
            false => found.sources.push(source(path.clone(), metadata.len())),
        }
    }
    if let Some(origin) = &import.origin {
        let [only] = &mut found.sources[..] else {
            return Err(format!("--origin is for one file, and there are {}", found.sources.len()));
        };
        Name::from_text(origin).map_err(|why| format!("{origin:?} is not a domain name: {why}"))?;
        only.origin = Some(origin.clone());
    }
    match found.sources.is_empty() {
        true => Err("there is no file to import".to_owned()),
        false => Ok(found),
    }
}

/// Reads standard input to its end, if it is among the sources, and up to the size that a server takes.
pub(super) fn read_standard_input(
    sources: &mut [Source],
    input: &mut impl Read,
    octets_max: Limit,
) -> Result<(), Failure> {
    for source in sources.iter_mut().filter(|source| source.path.is_none()) {
        let most = octets_max.get().unwrap_or(u64::MAX);
        let mut bounded = input.take(most.saturating_add(1));
        bounded.read_to_end(&mut source.text).map_err(|why| format!("standard input cannot be read: {why}"))?;
        source.octets = source.text.len() as u64;
        if source.octets > most {
            return Err(format!(
                "standard input has more than {most} octets: divide it, or raise limits.import_file_octets"
            ));
        }
    }
    Ok(())
}

/// The regular files of a directory in order of names, hidden ones aside, and those that are no zone's.
fn directory(path: &Path, recursive: bool, depth: u32, found: &mut Found) -> Result<(), Failure> {
    let unreadable = |why: io::Error| format!("{} cannot be read: {why}", shown(path));
    let entries: Vec<_> = fs::read_dir(path).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.retain(|path| path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b".")));
    paths.sort();
    for path in paths {
        // What has gone meanwhile is not there.
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_file() {
            match is_other(&path) {
                true => found.passed_over += 1,
                false => found.sources.push(source(path, metadata.len())),
            }
        } else if metadata.is_dir() && recursive && depth > 0 {
            directory(&path, recursive, depth - 1, found)?;
        }
    }
    Ok(())
}

/// Whether the name of a file says that it is none of a zone.
fn is_other(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    OTHERS.contains(&name)
        || BEGINNINGS_OF_OTHERS.iter().any(|beginning| name.starts_with(beginning))
        || ENDINGS_OF_OTHERS.iter().any(|ending| name.ends_with(ending))
}

fn source(path: PathBuf, octets: u64) -> Source {
    let origin = path.file_name().and_then(|name| guess(name.to_str()?));
    Source { name: shown(&path), path: Some(path), origin, octets, text: Vec::new() }
}

/// The zone that the name of a file stands for: `example.com`, `db.example.com`, `example.com.zone`.
fn guess(file: &str) -> Option<String> {
    let mut name = file;
    for ending in ENDINGS {
        name = name.strip_suffix(ending).unwrap_or(name);
    }
    name = name.strip_prefix(BEGINNING).unwrap_or(name);
    // A word alone is a file's name like any other.
    let has_labels = name.trim_end_matches('.').contains('.');
    (has_labels && Name::from_text(name).is_ok()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn the_name_of_a_file_stands_for_a_zone() {
        for (file, zone) in [
            ("example.com", Some("example.com")),
            ("db.example.com", Some("example.com")),
            ("example.com.zone", Some("example.com")),
            ("db.example.com.txt", Some("example.com")),
            ("example.com.hosts", Some("example.com")),
            ("2.0.192.in-addr.arpa.db", Some("2.0.192.in-addr.arpa")),
            ("zone", None),
            ("named.db", None),
            ("a..b", None),
        ] {
            assert_eq!(guess(file).as_deref(), zone, "{file}");
        }
    }

    fn found(import: &ZoneImport) -> Vec<String> {
        find(import)
            .unwrap()
            .sources
            .into_iter()
            .map(|source| source.name.rsplit('/').next().unwrap().to_owned())
            .collect()
    }

    fn of(paths: Vec<PathBuf>) -> ZoneImport {
        ZoneImport {
            paths,
            account: None,
            origin: None,
            on_problem: crate::cli::OnProblem::GoOn,
            proxied: false,
            activate: false,
            recursive: false,
            quiet: true,
            output: crate::cli::Output::default(),
        }
    }

    #[test]
    fn a_directory_stands_for_its_files_in_order() {
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.path().join("below/.hidden")).unwrap();
        for name in ["b.test", "a.test", ".hidden.test", "below/c.test", "below/.hidden/d.test"] {
            fs::write(scratch.path().join(name), "").unwrap();
        }
        let import = of(vec![scratch.path().to_owned()]);
        assert_eq!(found(&import), ["a.test", "b.test"]);
        assert_eq!(found(&ZoneImport { recursive: true, ..import }), ["a.test", "b.test", "c.test"]);
    }

    #[test]
    fn standard_input_is_read_once_and_to_its_end() {
        let mut sources = find(&of(vec!["-".into(), "-".into()])).unwrap().sources;
        read_standard_input(&mut sources, &mut &b"text"[..], Limit(4)).unwrap();
        assert_eq!((&sources[0].text[..], sources[0].octets, &sources[1].text[..]), (&b"text"[..], 4, &b""[..]));
        let mut sources = find(&of(vec!["-".into()])).unwrap().sources;
        assert!(read_standard_input(&mut sources, &mut &b"longer"[..], Limit(4)).unwrap_err().contains("4 octets"));
        read_standard_input(&mut sources, &mut &b"any"[..], Limit(0)).unwrap();
    }

    #[test]
    fn configuration_keys_and_journals_of_a_directory_are_passed_over() {
        let scratch = Scratch::new();
        let others = [
            "named.conf.local",
            "rndc.key",
            "bind.keys",
            "zones.rfc1918",
            "a.test.signed.jnl",
            "a.test.jbk",
            "managed-keys.bind",
            "Ka.test.+013+00001.private",
        ];
        for name in others.iter().chain(&["a.test"]) {
            fs::write(scratch.path().join(name), "").unwrap();
        }
        let import = of(vec![scratch.path().to_owned()]);
        assert_eq!(found(&import), ["a.test"]);
        assert_eq!(find(&import).unwrap().passed_over, others.len() as u64);
        assert_eq!(found(&of(vec![scratch.path().join("rndc.key")])), ["rndc.key"], "who names it wants it");
    }

    #[test]
    fn an_origin_is_for_one_file_and_a_path_must_be_there() {
        let origin = Some("example.com".to_owned());
        let one = ZoneImport { origin: origin.clone(), ..of(vec!["-".into()]) };
        assert_eq!(find(&one).unwrap().sources[0].origin, origin);
        assert!(find(&ZoneImport { origin, ..of(vec!["-".into(), "-".into()]) }).unwrap_err().contains("one file"));
        assert!(find(&ZoneImport { origin: Some("a..b".to_owned()), ..of(vec!["-".into()]) }).is_err());
        assert!(find(&of(vec!["/nowhere/at/all".into()])).unwrap_err().contains("/nowhere/at/all"));
        let scratch = Scratch::new();
        assert!(find(&of(vec![scratch.path().to_owned()])).is_err(), "an empty directory");
    }
}
