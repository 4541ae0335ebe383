//! A queue in chunks of fixed size: it grows without copying what is in it, and gives memory back as it shrinks.

use std::collections::{LinkedList, VecDeque};

/// Items of a chunk.
const CHUNK: usize = 256;

/// First in, first out. Never without a chunk, so that a short queue comes and goes without allocating.
pub(super) struct Queue<T> {
    chunks: LinkedList<VecDeque<T>>,
    length: usize,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self { chunks: LinkedList::from([VecDeque::with_capacity(CHUNK)]), length: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn push(&mut self, item: T) {
        self.length += 1;
        match self.chunks.back_mut() {
            Some(last) if last.len() < CHUNK => last.push_back(item),
            _ => {
                let mut chunk = VecDeque::with_capacity(CHUNK);
                chunk.push_back(item);
                self.chunks.push_back(chunk);
            }
        }
    }

    /// Takes the first item if `take` says so.
    pub(super) fn pop_if(&mut self, take: impl FnOnce(&T) -> bool) -> Option<T> {
        let first = self.chunks.front_mut()?;
        let item = first.pop_front_if(|item| take(item))?;
        if first.is_empty() && self.chunks.len() > 1 {
            self.chunks.pop_front();
        }
        self.length -= 1;
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_in_order_and_chunks_go() {
        let mut queue = Queue::new();
        let (mut next_in, mut next_out) = (0, 0);
        for round in 0..50 {
            for _ in 0..round * 37 % 700 {
                queue.push(next_in);
                next_in += 1;
            }
            for _ in 0..round * 53 % 700 {
                let taken = queue.pop_if(|_| true);
                assert_eq!(taken, (next_out < next_in).then_some(next_out));
                next_out = next_in.min(next_out + 1);
            }
            assert_eq!(queue.len(), next_in - next_out);
            assert!(queue.chunks.len() <= queue.len() / CHUNK + 2);
        }
        assert_eq!(queue.pop_if(|_| false), None);
        while queue.pop_if(|_| true).is_some() {}
        assert_eq!(queue.chunks.len(), 1);
    }
}
