//! Where a request is found: its live hold, or the last attempt that was recorded for it lately.
//!
//! Both are in one table, so that a check looks once. Of requests that were recorded there is the
//! hash of the id alone: were two ever the same, a request would get a higher attempt than it
//! needs, and nothing else.

/// How many requests the ledger remembers after they were recorded. Of those that it has forgotten
/// the usage log knows the attempts: they are looked up when a record needs it.
pub const RECORDED_REQUESTS_MAX: usize = 10_000;

/// Position of a node, or of a remembered request: one bit tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u32);

const REMEMBERED: u32 = 1 << 31;

impl Place {
    pub fn live(node: u32) -> Place {
        assert!(node < REMEMBERED, "holds are bounded");
        Place(node)
    }

    pub fn remembered(position: usize) -> Place {
        let position = u32::try_from(position).expect("requests that are remembered are bounded");
        Place(position | REMEMBERED)
    }

    pub fn get(self) -> Found {
        match self.0 & REMEMBERED {
            0 => Found::Live(self.0),
            _ => Found::Remembered((self.0 & !REMEMBERED) as usize),
        }
    }
}

/// What is at a [`Place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Live(u32),
    Remembered(usize),
}

/// A request that was recorded.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    pub hash: u64,
    /// Its last attempt.
    pub attempt: i32,
    /// Whether it is in the table: not once it has a live hold again.
    pub is_in_table: bool,
}

/// The requests that were recorded last, the oldest overwritten first.
#[derive(Default)]
pub struct RecordedRequests {
    requests: Vec<Recorded>,
    /// Position of the oldest, once there are as many as are kept.
    oldest: usize,
}

impl RecordedRequests {
    pub fn get(&self, position: usize) -> &Recorded {
        &self.requests[position]
    }

    pub fn get_mut(&mut self, position: usize) -> &mut Recorded {
        &mut self.requests[position]
    }

    /// Adds a request. Returns its position, and the request that it overwrites.
    pub fn add(&mut self, hash: u64, attempt: i32) -> (usize, Option<Recorded>) {
        let recorded = Recorded { hash, attempt, is_in_table: true };
        if self.requests.len() < RECORDED_REQUESTS_MAX {
            self.requests.push(recorded);
            return (self.requests.len() - 1, None);
        }
        let position = self.oldest;
        self.oldest = (position + 1) % RECORDED_REQUESTS_MAX;
        let before = std::mem::replace(&mut self.requests[position], recorded);
        (position, Some(before))
    }
}
