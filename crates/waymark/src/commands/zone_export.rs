//! `waymark zone export` and `waymark zone dump`: zones as text, to standard output or into files.
//!
//! A file takes the place of the one that is there when it is whole, and not before. What is no regular file (a device,
//! a pipe) stays what it is and is written to; a symbolic link stays, and the file that it leads to is replaced.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;

use super::exchange::begin;
use super::{Failure, load, progress, written};
use crate::cli::{Cli, ZoneDump, ZoneExport};
use crate::control_socket::frames::Frame;
use crate::operator::Exchange;
use crate::operator::exchange::Told;

pub(super) fn export(cli: &Cli, export: &ZoneExport) -> Result<(), Failure> {
    let place = match (&export.output, export.all) {
        (None, _) => Place::Output,
        (Some(path), false) => Place::File(path.clone()),
        (Some(path), true) => Place::Directory(path.clone()),
    };
    let quiet = export.quiet || !export.all;
    receive(cli, Exchange::ZoneExport { zone: export.zone.clone() }, place, quiet)
}

pub(super) fn dump(cli: &Cli, dump: &ZoneDump) -> Result<(), Failure> {
    let place = dump.output.clone().map_or(Place::Output, Place::File);
    receive(cli, Exchange::ZoneDump { zone: dump.zone.clone() }, place, true)
}

/// Where text goes.
enum Place {
    Output,
    File(PathBuf),
    Directory(PathBuf),
}

fn receive(cli: &Cli, exchange: Exchange, place: Place, quiet: bool) -> Result<(), Failure> {
    let mut begun = begin(&load(cli)?, &exchange)?;
    let mut writer = Writer { place, open: None, last: String::new(), bar: progress::bar(quiet) };
    let mut done = Ok(());
    let heard = loop {
        match begun.hearing.frame().map_err(|error| error.to_string()) {
            Ok(Frame::Message(Told::Files(count))) => writer.bar.set_length(count),
            Ok(Frame::Message(Told::File { name, id })) => done = writer.next(&name, &id),
            Ok(Frame::Data(text)) => done = writer.write(&text),
            Ok(Frame::Message(Told::Done)) => break Ok(()),
            Ok(Frame::Message(Told::Failed(sentence))) => break Err(sentence),
            Ok(_) => {}
            Err(sentence) => break Err(sentence),
        }
        if done.is_err() {
            break Ok(());
        }
    };
    if heard.is_ok() {
        done = done.and_then(|()| writer.finish());
    }
    writer.bar.finish_and_clear();
    drop((begun.saying, begun.hearing));
    begun.alone.into_iter().for_each(|alone| alone.end());
    heard.and(written(done))
}

struct Writer {
    place: Place,
    open: Option<Open>,
    /// The zone before: those of one name come one after another.
    last: String,
    bar: ProgressBar,
}

/// A file that is being written, beside the one that it will replace.
struct Open {
    file: Box<dyn Write>,
    part: Option<(PathBuf, PathBuf)>,
}

impl Writer {
    fn next(&mut self, name: &str, id: &str) -> io::Result<()> {
        self.finish()?;
        self.open = Some(match &self.place {
            Place::Output => Open { file: Box::new(BufWriter::new(io::stdout())), part: None },
            Place::File(path) => Open::beside(path)?,
            Place::Directory(directory) => {
                std::fs::create_dir_all(directory)?;
                let name = if self.last == name { format!("{name}.{id}.zone") } else { format!("{name}.zone") };
                Open::beside(&directory.join(name))?
            }
        });
        name.clone_into(&mut self.last);
        Ok(())
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), |open| open.file.write_all(text))
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        open.file.flush()?;
        if let Some((part, path)) = open.part.take() {
            std::fs::rename(part, path)?;
        }
        self.bar.inc(1);
        Ok(())
    }
}

impl Open {
    fn beside(path: &Path) -> io::Result<Self> {
        let named = |path: &Path, why: io::Error| io::Error::new(why.kind(), format!("{}: {why}", path.display()));
        let Some(target) = replaceable(path) else {
            let file = File::options().write(true).create(is_missing(path)).truncate(true).open(path);
            let file = file.map_err(|why| named(path, why))?;
            return Ok(Self { file: Box::new(BufWriter::new(file)), part: None });
        };
        let mut part = target.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(|why| named(&part, why))?;
        Ok(Self { file: Box::new(BufWriter::new(file)), part: Some((part, target)) })
    }
}

/// The regular file that a finished one may replace, or the place where there is nothing yet; none if what is there must
/// be written to as it is.
fn replaceable(path: &Path) -> Option<PathBuf> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => path.canonicalize().ok(),
        Err(_) if is_missing(path) && path.symlink_metadata().is_err() => Some(path.to_owned()),
        _ => None,
    }
}

/// Whether nothing is there, or a symbolic link that leads to nothing.
fn is_missing(path: &Path) -> bool {
    std::fs::metadata(path).is_err_and(|why| why.kind() == io::ErrorKind::NotFound)
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some((part, _)) = &self.part {
            let _ = std::fs::remove_file(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt, symlink};
    use std::process::Command;
    use std::thread;

    use super::*;
    use crate::scratch::Scratch;

    fn write(path: &Path) -> io::Result<()> {
        let place = Place::File(path.to_owned());
        let mut writer = Writer { place, open: None, last: String::new(), bar: ProgressBar::hidden() };
        writer.next("example.com", "id")?;
        writer.write(b"text")?;
        writer.finish()
    }

    #[test]
    fn a_link_stays_and_its_file_is_replaced() {
        let scratch = Scratch::new();
        let [file, link, loose, target] = ["file", "link", "loose", "target"].map(|name| scratch.path().join(name));
        std::fs::write(&file, "what was there, and longer").unwrap();
        symlink("file", &link).unwrap();
        symlink("target", &loose).unwrap();
        for (path, written) in [(&link, &file), (&loose, &target)] {
            write(path).unwrap();
            assert!(path.symlink_metadata().unwrap().is_symlink());
            assert_eq!(std::fs::read(written).unwrap(), b"text");
        }
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 4, "no part is left");
    }

    #[test]
    fn a_pipe_is_written_to_and_stays_one() {
        let scratch = Scratch::new();
        let pipe = scratch.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read(pipe).unwrap()
        });
        write(&pipe).unwrap();
        assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
        assert_eq!(reader.join().unwrap(), b"text");
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let scratch = Scratch::new();
        assert!(write(scratch.path()).unwrap_err().to_string().contains(&*scratch.path().to_string_lossy()));
    }
}
