//! `waymark zone list`: each line is printed as it comes.

use std::io::{self, BufWriter, Write};

use super::exchange::begin;
use super::{Failure, load, written};
use crate::cli::{Cli, ZoneList};
use crate::control_socket::frames::Frame;
use crate::operator::exchange::{Told, ZoneQuery};
use crate::operator::{Exchange, ZoneLine};

pub(super) fn list(cli: &Cli, list: &ZoneList) -> Result<(), Failure> {
    let query = ZoneQuery { name: list.name.clone(), account: list.account.clone(), status: list.status.clone() };
    let mut begun = begin(&load(cli)?, &Exchange::ZoneList(query))?;
    let mut printer = Printer { out: BufWriter::new(io::stdout().lock()), json: list.output.json, lines: 0 };
    let mut printed = printer.begin();
    let heard = loop {
        match begun.hearing.frame().map_err(|error| error.to_string()) {
            Ok(Frame::Message(Told::Zone(line))) if printed.is_ok() => printed = printer.line(&line),
            Ok(Frame::Message(Told::Done)) => break Ok(()),
            Ok(Frame::Message(Told::Failed(sentence))) => break Err(sentence),
            // Who reads has seen enough, or the disk is full: what is still to come is of no use.
            Ok(_) if printed.is_err() => break Ok(()),
            Ok(_) => {}
            Err(sentence) => break Err(sentence),
        }
    };
    let printed = printed.and_then(|()| printer.end());
    drop((begun.saying, begun.hearing));
    begun.alone.into_iter().for_each(|alone| alone.end());
    heard.and(written(printed))
}

/// Zones for people, a line each; or for machines, `{"zones": [...]}`.
struct Printer<W: Write> {
    out: W,
    json: bool,
    lines: u64,
}

impl<W: Write> Printer<W> {
    fn begin(&mut self) -> io::Result<()> {
        if self.json { self.out.write_all(b"{\"zones\": [") } else { Ok(()) }
    }

    fn line(&mut self, line: &ZoneLine) -> io::Result<()> {
        self.lines += 1;
        if !self.json {
            return writeln!(self.out, "{line}");
        }
        self.out.write_all(if self.lines == 1 { b"\n  " } else { b",\n  " })?;
        self.out.write_all(&serde_json::to_vec(line)?)
    }

    fn end(&mut self) -> io::Result<()> {
        if self.json {
            self.out.write_all(b"\n]}\n")?;
        }
        self.out.flush()
    }
}
