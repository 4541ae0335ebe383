//! What an answer is about: names that somebody makes up must not each be a subject of their own, or no limit on how
//! often the same is said would hold.

use super::*;

impl Server {
    fn subject(&self, question: &str) -> (Kind, u64) {
        let (request, mut needs, mut out) = (request(question, OPT), Needs::new(), vec![0; 65_535]);
        let (request, circumstances) = (Request::parse(&request), from_stranger(Transport::Udp));
        let mut reader = self.catalog.reader();
        let view = reader.view();
        let outcome = answer(&view, &request, &circumstances, &self.settings, &NoSupplies, &mut needs, &mut out);
        let answered = outcome.answered().unwrap();
        (answered.kind, answered.subject)
    }
}

fn server() -> Server {
    let long = format!("long.example DNAME {}{}.example.", "x".repeat(63) + ".", "y".repeat(63));
    let links: Vec<String> = (0..40).map(|n| format!("a{n}.example CNAME a{}.example.", n + 1)).collect();
    let mut lines = vec![
        "*.plain.example A 192.0.2.1",
        "*.out.example CNAME www.elsewhere.",
        "*.in.example CNAME www.example.",
        "*.loop.example CNAME one.example.",
        "one.example CNAME two.example.",
        "two.example CNAME one.example.",
        "*.far.example CNAME a0.example.",
        "*.none.example CNAME gone.example.",
        "www.example A 192.0.2.1",
        "dout.example DNAME elsewhere.",
        "din.example DNAME plain.example.",
        "spin.example DNAME spin.example.",
        "grow.example DNAME a.grow.example.",
        "cut.example NS ns.elsewhere.",
        long.as_str(),
    ];
    lines.extend(links.iter().map(String::as_str));
    Server::with(&lines)
}

#[test]
fn names_that_are_made_up_share_a_subject_however_their_answer_ends() {
    let server = server();
    for below in ["plain", "out", "in", "loop", "far", "none", "dout", "din", "spin", "grow", "cut", "nothing"] {
        let subject = |label: &str| server.subject(&format!("{label}.{below}.example A"));
        assert_eq!(subject("r1"), subject("r2"), "{below}");
    }
    // Names of 200 octets and more become too long.
    let deep = |label: &str| format!("{}.{}.{label}.long.example A", "p".repeat(63), "q".repeat(63));
    assert_eq!(server.subject(&deep("r1")), server.subject(&deep("r2")));
}

#[test]
fn different_things_are_different_subjects() {
    let server = server();
    let subjects: Vec<(Kind, u64)> = ["www", "r.plain", "r.out", "r.dout", "a0", "r.cut", "nothing"]
        .iter()
        .map(|owner| server.subject(&format!("{owner}.example A")))
        .collect();
    for (index, subject) in subjects.iter().enumerate() {
        assert!(!subjects[..index].contains(subject), "{index}");
    }
}
