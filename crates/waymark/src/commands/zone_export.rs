//! `waymark zone export` and `waymark zone dump`: zones as text, to standard output or into files.
//!
//! A file takes the place of the one that is there when it is whole, and not before.

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
        let mut part = path.to_owned().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let file =
            File::create(&part).map_err(|why| io::Error::new(why.kind(), format!("{}: {why}", part.display())))?;
        Ok(Self { file: Box::new(BufWriter::new(file)), part: Some((part, path.to_owned())) })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some((part, _)) = &self.part {
            let _ = std::fs::remove_file(part);
        }
    }
}
