//! A reader: it asks without pause, and holds every answer against all that it has seen before.
//!
//! A round is a number of questions sent at once over one socket, and their answers. The next round is sent when these
//! have been read, over the next socket: another UDP worker, or TCP. What a round has shown is the least that the next
//! may show. Within a round the answers come in the order of the questions, from one worker or connection, so they may
//! not go back either.

use std::net::UdpSocket;
use std::sync::atomic::Ordering;

use super::Race;
use super::chains::{Flipping, TTL_OF_ZERO};
use crate::harness::dns::{self, Stream};
use crate::harness::random::Random;

/// Questions of one round. Few enough that a socket's buffer holds their answers.
const ROUND: usize = 16;
/// UDP sockets of a reader, each with a source port of its own: so many that every worker has some of them.
const SOCKETS: usize = 24;
/// One round in so many goes over TCP.
const TCP_EVERY: usize = 8;
/// How often names are asked, rather than chains: so many of 8.
const NAMES_OF_EIGHT: usize = 5;

pub(super) struct Reader {
    udp: Vec<UdpSocket>,
    tcp: Stream,
    /// Queries, and how many records the answer to each must have.
    questions: Vec<(Vec<u8>, u16)>,
    random: Random,
    /// The highest n that has been seen.
    seen: u32,
    message: Vec<u8>,
}

impl Reader {
    pub(super) fn new(flipping: &Flipping<'_>, seed: u64) -> Self {
        let servers = flipping.servers();
        let socket = |number: usize| dns::udp_socket(servers[number % servers.len()]).expect("a socket");
        Self {
            udp: (0..SOCKETS).map(socket).collect(),
            tcp: Stream::connect(servers[0]).expect("a connection"),
            questions: flipping.questions(),
            random: Random::new(seed),
            seen: 0,
            message: vec![0; 512],
        }
    }

    /// Asks until the race is over. An error is what must not be seen.
    pub(super) fn run(&mut self, race: &Race) -> Result<(), String> {
        let mut round = 0;
        while !race.over.load(Ordering::Relaxed) {
            let chosen: [usize; ROUND] = std::array::from_fn(|_| self.choose());
            match round % TCP_EVERY {
                0 => self.over_tcp(&chosen)?,
                _ => self.over_udp(round % SOCKETS, &chosen)?,
            }
            round += 1;
            race.answers.fetch_add(ROUND as u64, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Mostly names, and often one of the two chains, which stand at the end.
    fn choose(&mut self) -> usize {
        let names = self.questions.len() - 2;
        if self.random.below(8) < NAMES_OF_EIGHT { self.random.below(names) } else { names + self.random.below(2) }
    }

    fn over_udp(&mut self, socket: usize, chosen: &[usize]) -> Result<(), String> {
        for (id, question) in (0u16..).zip(chosen) {
            let query = &mut self.questions[*question].0;
            query[..2].copy_from_slice(&id.to_be_bytes());
            self.udp[socket].send(query).map_err(|why| format!("sending over UDP: {why}"))?;
        }
        let floor = self.seen;
        for (id, question) in (0u16..).zip(chosen) {
            let mut message = std::mem::take(&mut self.message);
            message.resize(512, 0);
            let length = self.udp[socket].recv(&mut message).map_err(|why| format!("receiving over UDP: {why}"))?;
            message.truncate(length);
            self.message = message;
            self.see(id, *question, floor)?;
        }
        Ok(())
    }

    fn over_tcp(&mut self, chosen: &[usize]) -> Result<(), String> {
        for (id, question) in (0u16..).zip(chosen) {
            self.questions[*question].0[..2].copy_from_slice(&id.to_be_bytes());
        }
        // The same question twice in a round would have one id: each gets its own copy.
        let queries: Vec<Vec<u8>> = (0u16..)
            .zip(chosen)
            .map(|(id, question)| [&id.to_be_bytes(), &self.questions[*question].0[2..]].concat())
            .collect();
        let queries: Vec<&[u8]> = queries.iter().map(Vec::as_slice).collect();
        self.tcp.send(&queries).map_err(|why| format!("sending over TCP: {why}"))?;
        let floor = self.seen;
        for (id, question) in (0u16..).zip(chosen) {
            self.tcp.receive(&mut self.message).map_err(|why| format!("receiving over TCP: {why}"))?;
            self.see(id, *question, floor)?;
        }
        Ok(())
    }

    /// Holds the answer in `message` against what was seen: `floor` when it was asked, more by the answers since.
    fn see(&mut self, id: u16, question: usize, floor: u32) -> Result<(), String> {
        let (query, records) = &self.questions[question];
        let n = says(&self.message, id, query, *records).map_err(|why| format!("{why}: {:02x?}", self.message))?;
        if n < floor {
            return Err(format!("{n} was answered to a question asked after {floor} had been seen"));
        }
        if n < self.seen {
            return Err(format!("{n} was answered after {} to an earlier question", self.seen));
        }
        self.seen = n;
        Ok(())
    }
}

/// The n that an answer says, if all of it says the same.
pub(super) fn says(message: &[u8], id: u16, query: &[u8], records: u16) -> Result<u32, String> {
    let number = |at: usize| message.get(at..at + 2).map(|octets| u16::from_be_bytes([octets[0], octets[1]]));
    let cut = || "the message is cut off".to_owned();
    if number(0) != Some(id) {
        return Err(format!("the answer to {id} has the id {:?}", number(0)));
    }
    // QR, AA; no TC; NOERROR.
    if message.get(2..4) != Some(&[0x84, 0]) {
        return Err(format!("not a plain positive answer: {:02x?}", message.get(2..4)));
    }
    if number(6) != Some(records) {
        return Err(format!("{:?} records, not {records}: the chain is not whole", number(6)));
    }
    if message.get(12..query.len()) != Some(&query[12..]) {
        return Err("the answer is to another question".to_owned());
    }
    let (mut at, mut said) = (query.len(), None);
    for record in 1..=records {
        at = end_of_name(message, at).ok_or_else(cut)?;
        let ttl = message.get(at + 4..at + 8).ok_or_else(cut)?;
        let ttl = u32::from_be_bytes([ttl[0], ttl[1], ttl[2], ttl[3]]);
        let (record_type, length) = (number(at).ok_or_else(cut)?, usize::from(number(at + 8).ok_or_else(cut)?));
        let data = at + 10;
        at = data + length;
        let in_data = match record_type {
            1 => message.get(data..at).filter(|data| data.len() == 4 && data[0] == 10).map(number_of_address),
            5 => number_of_label(message, data),
            _ => None,
        };
        let in_data = in_data.ok_or_else(|| format!("record {record} says nothing"))?;
        for n in [ttl.wrapping_sub(TTL_OF_ZERO), in_data] {
            if *said.get_or_insert(n) != n {
                return Err(format!("an answer mixes {said:?} and {n}"));
            }
        }
        if (record == records) != (record_type == 1) {
            return Err("the chain does not end where it should".to_owned());
        }
    }
    said.ok_or_else(cut)
}

fn number_of_address(data: &[u8]) -> u32 {
    u32::from_be_bytes([0, data[1], data[2], data[3]])
}

/// The number at the end of a name's first label, as in `m-17`.
fn number_of_label(message: &[u8], mut at: usize) -> Option<u32> {
    // A name that was in the message before is only pointed at.
    if *message.get(at)? >= 0xc0 {
        at = usize::from(u16::from_be_bytes([message[at] & 0x3f, *message.get(at + 1)?]));
    }
    let length = usize::from(*message.get(at)?);
    let label = std::str::from_utf8(message.get(at + 1..at + 1 + length)?).ok()?;
    label.split_once('-')?.1.parse().ok()
}

fn end_of_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length if length >= 0xc0 => return Some(at + 2),
            length => at += usize::from(length) + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chains::address;
    use super::*;

    /// An answer to `x. A`: a chain of aliases with these TTLs and numbers, and an address at its end.
    fn message(aliases: &[(u32, u32)], end: (u32, u32)) -> (Vec<u8>, Vec<u8>) {
        let mut query = vec![0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        query.extend(b"\x01x\0\0\x01\0\x01");
        let mut message = query.clone();
        message[2] = 0x84;
        message[7] = aliases.len() as u8 + 1;
        let mut put = |record_type: u8, n: u32, data: &[u8]| {
            message.extend([0xc0, 12, 0, record_type, 0, 1]);
            message.extend((TTL_OF_ZERO + n).to_be_bytes());
            message.extend([0, data.len() as u8]);
            message.extend(data);
        };
        for (ttl, number) in aliases {
            let label = format!("m-{number}");
            put(5, *ttl, &[&[label.len() as u8], label.as_bytes(), &[0]].concat());
        }
        put(1, end.0, &address(end.1));
        (message, query)
    }

    fn said(aliases: &[(u32, u32)], end: (u32, u32)) -> Result<u32, String> {
        let (message, query) = message(aliases, end);
        says(&message, 9, &query, aliases.len() as u16 + 1)
    }

    #[test]
    fn a_whole_answer_says_its_number() {
        assert_eq!(said(&[], (7, 7)), Ok(7));
        assert_eq!(said(&[(700, 700), (700, 700)], (700, 700)), Ok(700));
    }

    #[test]
    fn a_mixed_answer_is_noticed_wherever_it_is_mixed() {
        assert!(said(&[], (7, 8)).is_err());
        assert!(said(&[(8, 8)], (7, 7)).is_err());
        assert!(said(&[(7, 8)], (7, 7)).is_err());
        assert!(said(&[(7, 7), (8, 8)], (7, 7)).is_err());
        assert!(said(&[(7, 7), (7, 7)], (7, 8)).is_err());
    }

    #[test]
    fn a_chain_that_dangles_is_noticed() {
        let (message, query) = message(&[(7, 7)], (7, 7));
        assert!(says(&message, 9, &query, 3).is_err());
        assert!(says(&message, 8, &query, 2).is_err(), "another id");
        assert!(says(&message[..message.len() - 1], 9, &query, 2).is_err(), "cut off");
    }
}
