//! What the clients know: every write that was sent, what became of it, and therefore what must be true.
//!
//! Each writer changes facts of its own only, one request at a time. So whatever happens to the program, the facts of a
//! writer must be those after some number of its steps: at least all that were acknowledged, at most all that were sent.
//! That one rule says that nothing acknowledged is lost, nothing refused is kept, and nothing is there in part.

use super::facts::{Change, Fact, Facts, difference};

/// A write.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) change: Change,
    /// When it was sent, and how it ended, in the clock of the run.
    pub(crate) sent: u64,
    pub(crate) end: End,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// The client has read the whole reply of a success.
    Acknowledged(u64),
    /// The client has read a refusal: the step changes nothing.
    Refused,
    /// There was no reply.
    Open,
}

/// A writer's steps.
#[derive(Clone, Default, Debug)]
pub(crate) struct History {
    steps: Vec<Step>,
    refused: Vec<Step>,
}

/// The histories of all writers.
#[derive(Default, Debug)]
pub(crate) struct Ledger {
    /// What was made before the writers began, and stays.
    pub(crate) given: Facts,
    pub(crate) writers: Vec<History>,
}

/// What is not as it must be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Finding {
    /// Acknowledged writes are gone: of one writer, or of all together.
    Lost { writer: Option<usize>, writes: usize },
    /// Something else is wrong.
    Wrong(String),
}

impl History {
    pub(crate) fn push(&mut self, step: Step) {
        match step.end {
            End::Refused => self.refused.push(step),
            _ => self.steps.push(step),
        }
    }

    /// The steps that were not refused.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub(crate) fn refused(&self) -> usize {
        self.refused.len()
    }

    /// Steps that must have been carried out when the clock shows `now`, and that may have been.
    fn bounds(&self, now: u64) -> (usize, usize) {
        let must = self.steps.iter().take_while(|step| matches!(step.end, End::Acknowledged(at) if at <= now)).count();
        let may = self.steps.iter().take_while(|step| step.sent <= now).count();
        (must, may)
    }

    /// Steps that were acknowledged when the clock showed `now`, and that change what is published.
    pub(crate) fn acknowledged_changes(&self, now: u64) -> usize {
        self.steps[..self.bounds(now).0].iter().filter(|step| step.change.published().is_some()).count()
    }

    /// How many steps the facts show.
    fn find(&self, writer: usize, found: &Facts, now: u64) -> Result<usize, Finding> {
        let (must, may) = self.bounds(now);
        let mut facts = Facts::new();
        let mut earlier = None;
        let mut expected = Facts::new();
        for count in 0..=may {
            if count > 0 {
                self.steps[count - 1].change.apply(&mut facts);
            }
            match facts == *found {
                true if count >= must => return Ok(count),
                true => earlier = Some(count),
                false => {}
            }
            if count == must {
                expected = facts.clone();
            }
        }
        Err(match earlier {
            Some(count) => Finding::Lost { writer: Some(writer), writes: must - count },
            None => {
                let difference = difference(&expected, found).unwrap_or_default();
                let open = may - must;
                Finding::Wrong(format!("writer {writer}, {must} acknowledged and {open} open: {difference}"))
            }
        })
    }
}

impl Ledger {
    pub(crate) fn new(writers: usize, given: Facts) -> Self {
        Self { given, writers: vec![History::default(); writers] }
    }

    /// Steps that every writer's facts show when the clock is at `now`; or what is wrong.
    pub(crate) fn check(&self, found: &Facts, now: u64) -> Result<Vec<usize>, Vec<Finding>> {
        let mut own = vec![Facts::new(); self.writers.len()];
        let mut findings = Vec::new();
        if let Some(given) = self.given.iter().find(|given| !found.contains(given)) {
            findings.push(Finding::Wrong(format!("{given:?} is gone")));
        }
        for fact in found.difference(&self.given) {
            match fact.writer().and_then(|writer| own.get_mut(writer)) {
                Some(facts) => drop(facts.insert(fact.clone())),
                None => findings.push(Finding::Wrong(format!("nobody wrote {fact:?}"))),
            }
        }
        let mut shown = Vec::new();
        for (number, (writer, facts)) in self.writers.iter().zip(&own).enumerate() {
            match writer.find(number, facts, now) {
                Ok(count) => shown.push(count),
                Err(finding) => findings.push(finding),
            }
        }
        if findings.is_empty() { Ok(shown) } else { Err(findings) }
    }

    /// What open steps became is known now: those shown count as acknowledged, the others never were.
    pub(crate) fn settle(&mut self, shown: &[usize]) {
        for (writer, shown) in self.writers.iter_mut().zip(shown) {
            writer.steps.truncate(*shown);
            for step in &mut writer.steps {
                if step.end == End::Open {
                    step.end = End::Acknowledged(step.sent);
                }
            }
        }
    }

    /// Every fact that was ever written, or would have been had it not been refused.
    pub(crate) fn mentioned(&self) -> Facts {
        let steps = self.writers.iter().flat_map(|writer| writer.steps.iter().chain(&writer.refused));
        let changes = steps.flat_map(|step| step.change.removed.iter().chain(&step.change.added));
        changes.map(Fact::published).collect()
    }

    pub(crate) fn steps(&self) -> usize {
        self.writers.iter().map(|writer| writer.steps.len()).sum()
    }

    pub(crate) fn refused(&self) -> usize {
        self.writers.iter().map(History::refused).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Fact {
        Fact::Zone(format!("{name}.w0.test"))
    }

    fn add(name: &str, sent: u64, end: End) -> Step {
        Step { change: Change { removed: vec![], added: vec![zone(name)] }, sent, end }
    }

    fn ledger(steps: Vec<Step>) -> Ledger {
        let mut ledger = Ledger::new(1, Facts::new());
        steps.into_iter().for_each(|step| ledger.writers[0].push(step));
        ledger
    }

    fn facts(names: &[&str]) -> Facts {
        names.iter().map(|name| zone(name)).collect()
    }

    #[test]
    fn what_was_acknowledged_before_the_cut_must_be_there() {
        let ledger = ledger(vec![add("a", 1, End::Acknowledged(2)), add("b", 3, End::Acknowledged(4))]);
        assert_eq!(ledger.check(&facts(&["a", "b"]), 4), Ok(vec![2]));
        assert_eq!(ledger.check(&facts(&["a"]), 3), Ok(vec![1]));
        assert_eq!(ledger.check(&facts(&["a"]), 4), Err(vec![Finding::Lost { writer: Some(0), writes: 1 }]));
        assert_eq!(ledger.check(&facts(&[]), 4), Err(vec![Finding::Lost { writer: Some(0), writes: 2 }]));
    }

    #[test]
    fn what_was_not_sent_before_the_cut_must_not_be_there() {
        let ledger = ledger(vec![add("a", 1, End::Acknowledged(2)), add("b", 3, End::Acknowledged(4))]);
        assert!(ledger.check(&facts(&["a", "b"]), 2).is_err());
        assert!(ledger.check(&facts(&["b"]), 4).is_err());
    }

    #[test]
    fn what_was_refused_must_not_be_there() {
        let mut ledger = ledger(vec![add("a", 1, End::Refused)]);
        assert_eq!(ledger.check(&facts(&[]), 9), Ok(vec![0]));
        assert!(ledger.check(&facts(&["a"]), 9).is_err());
        ledger.writers[0].push(add("b", 2, End::Acknowledged(3)));
        assert!(ledger.check(&facts(&["a", "b"]), 9).is_err());
    }

    #[test]
    fn an_open_write_is_whole_or_not_at_all() {
        let mut open = add("b", 3, End::Open);
        open.change.added.push(zone("c"));
        let mut ledger = ledger(vec![add("a", 1, End::Acknowledged(2)), open]);
        assert_eq!(ledger.check(&facts(&["a"]), 9), Ok(vec![1]));
        assert!(ledger.check(&facts(&["a", "b"]), 9).is_err());
        assert_eq!(ledger.check(&facts(&["a", "b", "c"]), 9), Ok(vec![2]));
        ledger.settle(&[2]);
        assert_eq!(ledger.check(&facts(&["a"]), 9), Err(vec![Finding::Lost { writer: Some(0), writes: 1 }]));
        ledger.settle(&[1]);
        assert!(ledger.check(&facts(&["a", "b", "c"]), 9).is_err());
    }

    #[test]
    fn facts_of_nobody_are_found() {
        let stranger = [Fact::Zone("stranger.test".to_owned())].into();
        assert!(Ledger::new(1, Facts::new()).check(&stranger, 0).is_err());
    }
}
