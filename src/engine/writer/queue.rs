//! The queue of the writer: fair between workspaces, and bounded.
//!
//! Records wait by workspace, and workspaces take turns (round robin): one that sends many waits
//! for itself, and a quiet one for a turn of each other at most. Jobs, which are changes of
//! configuration, loads and parts of long work, come before records, one at a time: after each a
//! group of records has its turn. The records of a workspace, and jobs, keep their order.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Job;
use crate::engine::error::{Error, Result};

/// Most records of a workspace that wait.
pub const QUEUED_RECORDS_MAX: usize = 8_192;
/// When so many records wait in all, a workspace may have no more than its share of them.
pub const QUEUED_RECORDS_IN_ALL_MAX: usize = 65_536;
/// Most jobs that wait.
pub const QUEUED_JOBS_MAX: usize = 16_384;
/// Most records of a workspace in one turn.
const TURN_RECORDS: usize = 64;
/// Buffers of workspaces without records that are kept for others.
const SPARE_LANES_MAX: usize = 64;

/// What the writer is to do next.
pub(super) enum Work<R> {
    Job(Job),
    Group(Vec<R>),
}

/// With records `R`.
pub(super) struct Queue<R> {
    state: Mutex<State<R>>,
    arrived: Notify,
}

struct State<R> {
    jobs: VecDeque<Job>,
    /// Records by workspace, none of them empty.
    lanes: HashMap<Arc<str>, VecDeque<R>>,
    /// The workspaces of `lanes`, in the order of their turns.
    turns: VecDeque<Arc<str>>,
    spare_lanes: Vec<VecDeque<R>>,
    record_count: usize,
    last_was_job: bool,
    is_closed: bool,
}

impl<R> Default for Queue<R> {
    fn default() -> Queue<R> {
        Queue { state: Mutex::new(State::new()), arrived: Notify::new() }
    }
}

impl<R> Queue<R> {
    /// # Errors
    /// If the workspace has too many records that wait, or the writer stops.
    pub fn push_record(&self, workspace_id: &Arc<str>, record: R) -> Result<()> {
        self.lock().push_record(workspace_id, record)?;
        self.arrived.notify_one();
        Ok(())
    }

    /// # Errors
    /// If too many wait, or the writer stops.
    pub fn push_job(&self, job: Job) -> Result<()> {
        {
            let mut state = self.lock();
            state.require_open()?;
            if state.jobs.len() >= QUEUED_JOBS_MAX {
                return Err(overloaded("changes and loads of workspaces", QUEUED_JOBS_MAX));
            }
            state.jobs.push_back(job);
        }
        self.arrived.notify_one();
        Ok(())
    }

    /// The next job, or a group of at most so many records. Nothing once the queue is closed and
    /// empty.
    pub async fn next(&self, records_max: usize) -> Option<Work<R>> {
        loop {
            {
                let mut state = self.lock();
                if let Some(work) = state.next(records_max) {
                    return Some(work);
                }
                if state.is_closed {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Records and jobs that wait.
    pub fn waiting(&self) -> usize {
        let state = self.lock();
        state.record_count + state.jobs.len()
    }

    /// Takes nothing more; what waits is done.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.arrived.notify_one();
    }

    /// Drops the queue of a writer that has ended: its callers get [`Error::Stopping`].
    pub fn abandon(&self) {
        let empty = State { is_closed: true, ..State::new() };
        // Dropped without the lock, and in a defined order, so that a simulation is deterministic.
        let mut waiting = std::mem::replace(&mut *self.lock(), empty);
        waiting.jobs.clear();
        drop(waiting.take_group(usize::MAX));
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R> State<R> {
    fn new() -> State<R> {
        State {
            jobs: VecDeque::new(),
            lanes: HashMap::new(),
            turns: VecDeque::new(),
            spare_lanes: Vec::new(),
            record_count: 0,
            last_was_job: false,
            is_closed: false,
        }
    }

    fn require_open(&self) -> Result<()> {
        if self.is_closed { Err(Error::Stopping) } else { Ok(()) }
    }

    fn push_record(&mut self, id: &Arc<str>, record: R) -> Result<()> {
        self.require_open()?;
        if let Some(lane) = self.lanes.get_mut(id) {
            let share = QUEUED_RECORDS_IN_ALL_MAX / self.turns.len();
            let is_full = self.record_count >= QUEUED_RECORDS_IN_ALL_MAX && lane.len() >= share;
            if is_full || lane.len() >= QUEUED_RECORDS_MAX {
                return Err(overloaded("records of this workspace", lane.len()));
            }
            lane.push_back(record);
        } else {
            let mut lane = self.spare_lanes.pop().unwrap_or_default();
            lane.push_back(record);
            self.turns.push_back(id.clone());
            self.lanes.insert(id.clone(), lane);
        }
        self.record_count += 1;
        Ok(())
    }

    fn next(&mut self, records_max: usize) -> Option<Work<R>> {
        let is_turn_of_jobs = !self.last_was_job || self.record_count == 0;
        if is_turn_of_jobs && let Some(job) = self.jobs.pop_front() {
            self.last_was_job = true;
            return Some(Work::Job(job));
        }
        self.last_was_job = false;
        if self.record_count == 0 {
            return None;
        }
        Some(Work::Group(self.take_group(records_max)))
    }

    fn take_group(&mut self, records_max: usize) -> Vec<R> {
        let mut group = Vec::with_capacity(records_max.min(self.record_count));
        while group.len() < records_max
            && let Some(id) = self.turns.pop_front()
        {
            let lane = self.lanes.get_mut(&id).expect("each workspace with a turn has records");
            let count = lane.len().min(TURN_RECORDS).min(records_max - group.len());
            group.extend(lane.drain(..count));
            if !lane.is_empty() {
                self.turns.push_back(id);
                continue;
            }
            let lane = self.lanes.remove(&id);
            self.spare_lanes.extend(lane.filter(|_| self.spare_lanes.len() < SPARE_LANES_MAX));
        }
        self.record_count -= group.len();
        group
    }
}

fn overloaded(what: &'static str, max: usize) -> Error {
    Error::Overloaded { what, max }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue of numbers.
    type Numbers = Queue<usize>;

    fn push(queue: &Numbers, workspace: &str, numbers: std::ops::Range<usize>) {
        let id = Arc::from(workspace);
        for number in numbers {
            queue.push_record(&id, number).unwrap();
        }
    }

    fn group(queue: &Numbers, max: usize) -> Vec<usize> {
        match queue.lock().next(max) {
            Some(Work::Group(group)) => group,
            Some(Work::Job(_)) => panic!("a job was not expected"),
            None => Vec::new(),
        }
    }

    fn push_job(queue: &Numbers) {
        queue.push_job(Box::new(|_| Box::pin(async {}))).unwrap();
    }

    fn is_job(queue: &Numbers) -> bool {
        matches!(queue.lock().next(1), Some(Work::Job(_)))
    }

    #[test]
    fn a_quiet_workspace_waits_for_one_turn_of_each_other() {
        let queue = Numbers::default();
        push(&queue, "flood", 0..1_000);
        push(&queue, "other", 2_000..2_100);
        push(&queue, "quiet", 9_000..9_001);
        let first = group(&queue, 200);
        let expected: Vec<usize> = (0..64)
            .chain(2_000..2_064)
            .chain(9_000..9_001)
            .chain(64..128)
            .chain(2_064..2_071)
            .collect();
        assert_eq!(first, expected);
        // Each goes on where it was, and in its order.
        let next: Vec<usize> = (128..192).chain(2_071..2_100).chain(192..227).collect();
        assert_eq!(group(&queue, 128), next);
        assert_eq!(group(&queue, usize::MAX), (227..1_000).collect::<Vec<usize>>());
        assert_eq!(group(&queue, usize::MAX), Vec::<usize>::new());
    }

    #[test]
    fn jobs_and_groups_alternate() {
        let queue = Numbers::default();
        push(&queue, "flood", 0..300);
        (0..3).for_each(|_| push_job(&queue));
        assert!(is_job(&queue));
        assert_eq!(group(&queue, 100).len(), 100);
        assert!(is_job(&queue));
        assert_eq!(group(&queue, 200).len(), 200);
        assert!(is_job(&queue));
        push_job(&queue);
        // Nothing else waits.
        assert!(is_job(&queue));
    }

    #[test]
    fn what_waits_is_bounded_by_workspace() {
        let queue = Numbers::default();
        push(&queue, "flood", 0..QUEUED_RECORDS_MAX);
        let refused = queue.push_record(&"flood".into(), 0).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "8192 records of this workspace wait to be written already: try again later"
        );
        push(&queue, "quiet", 0..1);
        group(&queue, 100);
        push(&queue, "flood", 0..1);
    }

    #[test]
    fn what_waits_is_bounded_in_all_and_everyone_has_a_share() {
        let queue = Numbers::default();
        for index in 0..8 {
            push(&queue, &format!("flood-{index}"), 0..QUEUED_RECORDS_MAX);
        }
        assert!(queue.push_record(&"flood-0".into(), 0).is_err());
        // A ninth has its share, and no more.
        let share = QUEUED_RECORDS_IN_ALL_MAX / 9;
        push(&queue, "late", 0..share);
        assert!(queue.push_record(&"late".into(), 0).is_err());
        push(&queue, "quiet", 0..1);
    }

    #[test]
    fn jobs_are_bounded() {
        let queue = Numbers::default();
        (0..QUEUED_JOBS_MAX).for_each(|_| push_job(&queue));
        let refused = queue.push_job(Box::new(|_| Box::pin(async {}))).unwrap_err();
        assert!(matches!(refused, Error::Overloaded { .. }), "{refused:?}");
    }

    #[tokio::test]
    async fn a_closed_queue_is_emptied_and_takes_nothing() {
        let queue = Numbers::default();
        push(&queue, "a", 0..1);
        queue.close();
        assert!(matches!(queue.push_record(&"a".into(), 1), Err(Error::Stopping)));
        assert!(matches!(queue.next(9).await, Some(Work::Group(group)) if group == [0]));
        assert!(queue.next(9).await.is_none());
    }
}
