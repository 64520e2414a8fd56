//! Holds that storage keeps too: which are to be written there, and which to be deleted.
//!
//! A hold that has ended before it was written is never written. What is taken to be written is
//! answered with [`Holds::end_writing`], before more is taken.

use std::sync::Arc;

use super::{Hold, Holds};

/// A live hold, as storage has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stored {
    state: State,
    /// Whether it is being written, perhaps as it was before it changed.
    is_being_written: bool,
    /// Whether storage has it, perhaps as it was before it changed.
    pub is_there: bool,
    /// Whether a caller may have been answered that it is held before storage had it.
    is_promised: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// It is not to be written.
    #[default]
    None,
    /// It is to be written.
    Unwritten,
    /// It has not changed since it was taken to be written.
    Taken,
    /// A record that is being written ends it, also in storage.
    Ending,
}

/// What is to be written and deleted.
#[derive(Default)]
pub struct Unstored {
    /// Whether storage keeps the holds of this workspace.
    is_kept: bool,
    /// Whether callers are answered once it has them.
    is_committed: bool,
    /// Nodes with holds to be written, each perhaps twice; of some the hold has ended.
    unwritten: Vec<u32>,
    writing: Vec<u32>,
    /// Requests whose holds have ended that storage may have.
    ended: Vec<Arc<str>>,
    /// How many live holds storage has.
    there: usize,
}

impl Holds {
    /// Whether storage keeps these holds, from now on, and callers are answered once it has them.
    pub fn set_kept(&mut self, is_kept: bool, is_committed: bool) {
        let was_committed = std::mem::replace(&mut self.unstored.is_committed, is_committed);
        if is_committed && !was_committed {
            self.nodes.iter_mut().for_each(|(_, kept)| kept.stored.is_promised = true);
        }
        if self.unstored.is_kept == is_kept {
            return;
        }
        self.unstored.is_kept = is_kept;
        for (node, kept) in &mut self.nodes {
            if is_kept {
                kept.stored.state = State::Unwritten;
                self.unstored.unwritten.push(u32::try_from(node).expect("holds are bounded"));
            } else if std::mem::take(&mut kept.stored).may_be_there() {
                self.unstored.ended.push(kept.hold.request_id.clone());
            }
        }
        if !is_kept {
            self.unstored.there = 0;
        }
    }

    /// How many live holds storage has, perhaps as they were before they changed.
    pub fn stored_count(&self) -> usize {
        self.unstored.there
    }

    /// Whether something is to be written or deleted.
    pub fn has_unstored(&self) -> bool {
        !self.unstored.unwritten.is_empty() || !self.unstored.ended.is_empty()
    }

    /// What storage has of the live hold of a request, if that is for this attempt.
    pub fn stored(&self, request_id: &str, attempt: Option<i32>) -> Option<Stored> {
        let node = &self.nodes[self.find(request_id)? as usize];
        attempt.is_none_or(|attempt| node.hold.attempt == attempt).then_some(node.stored)
    }

    /// Notes that a hold comes from storage.
    pub fn note_written(&mut self, request_id: &str) {
        let Some(node) = self.find(request_id).filter(|_| self.unstored.is_kept) else { return };
        let stored = &mut self.nodes[node as usize].stored;
        self.unstored.there += usize::from(!stored.is_there);
        *stored = Stored { state: State::Taken, is_there: true, ..Stored::default() };
    }

    /// Notes that storage has a hold that has ended.
    pub fn note_stale(&mut self, request_id: &Arc<str>) {
        if self.unstored.is_kept {
            self.unstored.ended.push(request_id.clone());
        }
    }

    /// Takes at most `limit` holds that are to be written.
    pub fn take_unwritten(&mut self, limit: usize) -> Vec<&Hold> {
        while self.unstored.writing.len() < limit
            && let Some(node) = self.unstored.unwritten.pop()
        {
            if let Some(kept) = self.nodes.get_mut(node as usize)
                && kept.stored.state == State::Unwritten
            {
                kept.stored.state = State::Taken;
                kept.stored.is_being_written = true;
                self.unstored.writing.push(node);
            }
        }
        let nodes = self.unstored.writing.iter().map(|node| &self.nodes[*node as usize].hold);
        nodes.collect()
    }

    /// Takes the requests whose holds are to be deleted, before any is written: a request may have
    /// another hold by now.
    pub fn take_ended(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.unstored.ended)
    }

    /// What was taken has been written and deleted, or none of it.
    pub fn end_writing(&mut self, is_written: bool, ended: Vec<Arc<str>>) {
        for node in std::mem::take(&mut self.unstored.writing) {
            let Some(kept) = self.nodes.get_mut(node as usize) else { continue };
            // Its hold may have ended, and the node be that of another.
            if std::mem::take(&mut kept.stored.is_being_written) {
                self.unstored.there += usize::from(is_written && !kept.stored.is_there);
                kept.stored.is_there |= is_written;
                if !is_written && kept.stored.state == State::Taken {
                    self.mark_unwritten(node);
                }
            }
        }
        if !is_written {
            self.unstored.ended.extend(ended);
        }
    }

    /// A record of this attempt is being written: it ends the hold, and what storage has of it.
    /// Returns whether that may be something.
    pub fn begin_ending(&mut self, request_id: &str, attempt: i32) -> bool {
        let Some(node) = self.find(request_id) else { return false };
        let kept = &mut self.nodes[node as usize];
        if kept.stored.state == State::None || kept.hold.attempt > attempt {
            return false;
        }
        kept.stored.state = State::Ending;
        kept.stored.may_be_there()
    }

    /// The record was not written.
    pub fn cancel_ending(&mut self, request_id: &str) {
        let Some(node) = self.find(request_id) else { return };
        if self.nodes[node as usize].stored.state == State::Ending {
            self.mark_unwritten(node);
        }
    }

    /// A hold is new, or has changed.
    pub(super) fn note_changed(&mut self, node: u32) {
        if self.unstored.is_kept && self.nodes[node as usize].stored.state != State::Unwritten {
            self.mark_unwritten(node);
        }
    }

    /// A hold has ended.
    pub(super) fn note_ended(&mut self, stored: Stored, request_id: &Arc<str>) {
        self.unstored.there -= usize::from(stored.is_there);
        // A record deletes what it ends.
        if stored.state != State::Ending && stored.may_be_there() {
            self.unstored.ended.push(request_id.clone());
        }
    }

    fn mark_unwritten(&mut self, node: u32) {
        self.nodes[node as usize].stored.state = State::Unwritten;
        self.unstored.unwritten.push(node);
    }
}

impl Stored {
    /// Whether storage has it as it is.
    pub fn is_current(self) -> bool {
        self.is_there && !self.is_being_written && self.state != State::Unwritten
    }

    /// Whether a caller may have been answered that it is held.
    pub fn is_answered(self) -> bool {
        self.is_there || self.is_promised
    }

    /// Whether storage has it, or will.
    fn may_be_there(self) -> bool {
        self.is_there || self.is_being_written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Time;
    use crate::ledger::holds::hold::tests::hold;

    const ALL: usize = usize::MAX;

    fn kept(requests: &[&str]) -> Holds {
        let mut holds = Holds::default();
        holds.set_kept(true, false);
        requests.iter().for_each(|id| holds.insert(hold(id, Time::default())));
        holds
    }

    fn taken(holds: &mut Holds) -> Vec<String> {
        let mut taken: Vec<String> =
            holds.take_unwritten(ALL).iter().map(|hold| hold.request_id.to_string()).collect();
        taken.sort();
        taken
    }

    fn ended(holds: &mut Holds) -> Vec<Arc<str>> {
        holds.take_ended()
    }

    fn write_all(holds: &mut Holds) {
        taken(holds);
        let ended = ended(holds);
        holds.end_writing(true, ended);
        assert!(!holds.has_unstored());
    }

    fn is_there(holds: &Holds, request: &str) -> bool {
        let there = holds.nodes.iter().filter(|(_, kept)| kept.stored.is_there).count();
        assert_eq!(holds.stored_count(), there);
        holds.stored(request, None).unwrap().is_there
    }

    #[test]
    fn each_is_written_once_and_deleted_when_it_has_ended() {
        let mut holds = kept(&["a", "b"]);
        assert!(holds.has_unstored() && !is_there(&holds, "a"));
        assert_eq!(taken(&mut holds), ["a", "b"]);
        assert!(!is_there(&holds, "a"), "not yet");
        holds.end_writing(true, Vec::new());
        assert!(!holds.has_unstored() && is_there(&holds, "a"));
        assert_eq!(holds.stored_count(), 2);
        holds.remove("a");
        assert!(is_there(&holds, "b") && holds.stored_count() == 1);
        assert_eq!(ended(&mut holds), [Arc::from("a")]);
        assert!(!holds.has_unstored());
    }

    #[test]
    fn one_that_ends_before_it_is_written_is_never_written() {
        let mut holds = kept(&["a"]);
        holds.remove("a");
        assert_eq!(ended(&mut holds), []);
        // In the same node.
        holds.insert(hold("b", Time::default()));
        assert_eq!(taken(&mut holds), ["b"]);
    }

    #[test]
    fn one_that_ends_while_it_is_written_is_deleted() {
        let mut holds = kept(&["a"]);
        taken(&mut holds);
        holds.remove("a");
        holds.insert(hold("b", Time::default()));
        holds.end_writing(true, Vec::new());
        assert_eq!(ended(&mut holds), [Arc::from("a")]);
        assert!(!is_there(&holds, "b"), "another one in the same node");
        assert_eq!(taken(&mut holds), ["b"]);
    }

    #[test]
    fn one_that_changes_while_it_is_written_is_there_and_written_again() {
        let mut holds = kept(&["a", "b"]);
        taken(&mut holds);
        for request in ["a", "b"] {
            holds.extend(request, Time::from_micros(9_000_000));
        }
        holds.end_writing(true, Vec::new());
        let stored = holds.stored("a", None).unwrap();
        assert!(stored.is_there && !stored.is_current());
        assert!(holds.begin_ending("a", 0), "the record deletes it");
        assert_eq!(taken(&mut holds), ["b"]);
        holds.end_writing(true, Vec::new());
        assert!(holds.stored("b", None).unwrap().is_current());
    }

    #[test]
    fn what_was_not_written_is_taken_again() {
        let mut holds = kept(&["a", "b"]);
        write_all(&mut holds);
        holds.remove("a");
        holds.insert(hold("c", Time::default()));
        assert_eq!(taken(&mut holds), ["c"]);
        let deleted = ended(&mut holds);
        holds.end_writing(false, deleted);
        assert_eq!(taken(&mut holds), ["c"]);
        assert_eq!(ended(&mut holds), [Arc::from("a")]);
    }

    #[test]
    fn no_more_than_a_part_is_taken_at_once() {
        let mut holds = kept(&["a", "b", "c"]);
        assert_eq!(holds.take_unwritten(2).len(), 2);
        holds.end_writing(true, Vec::new());
        assert!(holds.has_unstored());
        assert_eq!(holds.take_unwritten(2).len(), 1);
    }

    #[test]
    fn a_record_deletes_what_it_ends() {
        let mut holds = kept(&["stored", "new"]);
        write_all(&mut holds);
        holds.remove("new");
        write_all(&mut holds);
        holds.insert(hold("new", Time::default()));
        assert!(holds.begin_ending("stored", 0) && !holds.begin_ending("new", 0));
        assert_eq!(taken(&mut holds), [] as [&str; 0], "the record ends it");
        holds.end_writing(true, Vec::new());
        holds.note_recorded("stored", 0);
        holds.note_recorded("new", 0);
        assert!(!holds.has_unstored());
    }

    #[test]
    fn one_whose_record_was_not_written_is_written_again() {
        let mut holds = kept(&["a"]);
        write_all(&mut holds);
        assert!(holds.begin_ending("a", 0));
        holds.cancel_ending("a");
        assert_eq!(taken(&mut holds), ["a"], "the record may have deleted it");
        holds.end_writing(true, Vec::new());
        // A record of an earlier attempt ends nothing.
        holds.remove("a");
        holds.insert(Hold { attempt: 2, ..hold("a", Time::default()) });
        assert!(!holds.begin_ending("a", 1));
        assert_eq!(holds.stored("a", Some(1)).map(|stored| stored.is_there), None);
        assert_eq!(taken(&mut holds), ["a"]);
    }

    #[test]
    fn one_that_is_extended_is_written_again() {
        let mut holds = kept(&["a"]);
        write_all(&mut holds);
        holds.extend("a", Time::from_micros(9_000_000));
        let stored = holds.stored("a", None).unwrap();
        assert!(stored.is_there && !stored.is_current());
        assert_eq!(taken(&mut holds), ["a"]);
        holds.end_writing(false, Vec::new());
        holds.remove("a");
        assert_eq!(ended(&mut holds), [Arc::from("a")], "storage has the shorter one");
    }

    #[test]
    fn what_was_answered_before_answers_waited_stays_answered() {
        let mut holds = kept(&["before"]);
        let is_answered = |holds: &Holds, id: &str| holds.stored(id, None).unwrap().is_answered();
        holds.set_kept(true, true);
        holds.insert(hold("after", Time::default()));
        assert!(is_answered(&holds, "before") && !is_answered(&holds, "after"));
        write_all(&mut holds);
        assert!(is_answered(&holds, "after"));
    }

    #[test]
    fn storage_has_none_where_it_does_not_keep_them() {
        let mut holds = Holds::default();
        holds.insert(hold("a", Time::default()));
        assert!(!holds.has_unstored());
        holds.set_kept(true, false);
        assert_eq!(taken(&mut holds), ["a"]);
        holds.end_writing(true, Vec::new());
        holds.insert(hold("b", Time::default()));
        assert_eq!(holds.stored_count(), 1);
        holds.set_kept(false, false);
        assert_eq!(holds.stored_count(), 0);
        assert_eq!(taken(&mut holds), [] as [&str; 0]);
        assert_eq!(ended(&mut holds), [Arc::from("a")]);
        holds.remove("a");
        assert!(!holds.has_unstored());
    }
}
