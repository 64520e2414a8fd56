//! Judges every reply by its own books, which know nothing of the engine: what clients sent, what
//! they were told, and what is on the disk.
//!
//! During a run much is open: a record whose caller was told nothing may be there or not. The
//! books then count what is certain. At a *quiet point* nothing is open and everything must agree
//! exactly, see `audit.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tollgate::domain::check::{Answer, Check, Decision};
use tollgate::domain::record::{RECORD_AGE_MAX, Record, RecordKind, UsageReport};
use tollgate::domain::time::calendar::Window;
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND};
use tollgate::domain::{Amount, Time};
use tollgate::engine::{Error, Recorded};

use super::credits::Credits;
use super::rules;
use super::store::{Disk, SimStore};
use super::world::{COMMITTED, OUTAGE_DURATION, OUTAGE_HELD};
use crate::oracle::facts;

/// A request of a workspace.
pub type Request = (String, String);

pub struct Auditor {
    pub store: SimStore,
    /// Which start of the server runs; replies of an earlier one come from the dead.
    pub life: u64,
    /// Contents that were sent, by request.
    pub sent: BTreeMap<Request, BTreeSet<i64>>,
    /// Records that were acknowledged, by the attempt that was answered, with their cost.
    pub acknowledged: BTreeMap<(Request, i32), Amount>,
    /// Records that were acknowledged as new.
    pub counted: BTreeSet<(Request, i32)>,
    pub credits: Credits,
    /// Holds that the running server has, as far as the books know.
    pub holds: BTreeMap<Request, Held>,
    /// Checks and extensions in flight: those of some workspaces wait until the hold is stored.
    checking: BTreeMap<Request, u32>,
    /// Of their requests, those that something else was answered about meanwhile.
    overlapped: BTreeSet<Request>,
    /// Requests whose holds had ended, and may live again after a crash.
    pub revived: BTreeSet<Request>,
    /// Every amount that was ever held, and when it was up.
    pub granted: BTreeSet<(Request, Amount)>,
    /// What was held in an outage for certain, by its start and the workspace.
    in_outage: BTreeMap<(Time, String), Amount>,
    /// Records whose outcome is open.
    pub open: BTreeMap<Request, u32>,
    /// Entries of the log that the running server has certainly counted.
    pub settled: BTreeSet<i64>,
    /// Changes of policy whose outcome is open.
    pub open_policies: u32,
    /// When each user of each workspace was admitted for certain.
    pub admitted: BTreeMap<(String, String), Vec<Time>>,
    /// Checks that were blocked, by workspace.
    pub refused: BTreeMap<String, Refused>,
    /// Latest time that the running server may have seen: its time does not run back.
    pub latest: Time,
    pub trace: Vec<String>,
}

/// How many checks of a workspace were blocked, as their callers were told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Refused {
    /// By servers that have stopped gracefully.
    pub kept: i64,
    /// By servers that crashed, which may have kept some.
    pub lost: i64,
    /// By the one that runs.
    pub running: i64,
}

#[derive(Clone, Debug)]
pub struct Held {
    pub attempt: i32,
    pub model: Arc<str>,
    pub held: Amount,
    pub check: Check,
    pub check_time: Time,
    pub expire_time: Time,
    /// End of the log when it was granted: a later record of the request has ended it.
    pub granted_after: i64,
    /// A record of the request was on its way when it was granted, and may have ended it.
    pub is_unsure: bool,
}

impl Auditor {
    pub fn new(store: SimStore) -> Auditor {
        Auditor {
            store,
            life: 0,
            sent: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            counted: BTreeSet::new(),
            credits: Credits::default(),
            holds: BTreeMap::new(),
            checking: BTreeMap::new(),
            overlapped: BTreeSet::new(),
            revived: BTreeSet::new(),
            granted: BTreeSet::new(),
            in_outage: BTreeMap::new(),
            open: BTreeMap::new(),
            settled: BTreeSet::new(),
            open_policies: 0,
            admitted: BTreeMap::new(),
            refused: BTreeMap::new(),
            latest: Time::EARLIEST,
            trace: Vec::new(),
        }
    }

    pub fn note(&mut self, now: Time, what: impl FnOnce() -> String) {
        self.latest = self.latest.max(now);
        self.trace.push(format!("{} {}", now.to_utc().format("%m-%dT%H:%M:%S%.3f"), what()));
    }

    /// A check is answered: in an outage of storage, before and after it, as far as the workspace
    /// lets it.
    pub fn in_outage(
        &mut self,
        life: u64,
        (sent, now): (Time, Time),
        (before, after): (Option<Time>, Option<Time>),
        (workspace, check): (&str, &Check),
        reply: &Result<Decision, Error>,
    ) {
        let is_out = before.is_some() || after.is_some();
        let is_refused = matches!(reply, Err(Error::StorageOutage { .. }));
        // What waited for its workspace to be loaded may have seen another one.
        assert!(is_out || !is_refused || sent != now, "checks are refused in an outage alone");
        let Some(since) = before.filter(|_| before == after && sent == now && life == self.life)
        else {
            return;
        };
        let Ok(decision) = reply else { return };
        let request = (workspace.to_owned(), check.request_id.to_string());
        // One that is repeated was held before, maybe by another check that waits.
        let is_new = !self.granted.contains(&(request, decision.held));
        let holds = !check.dry_run && decision.answer != Answer::Blocked;
        if !holds || !is_new || workspace == COMMITTED {
            return;
        }
        assert!(now - since < OUTAGE_DURATION, "outage: a check is decided after its end");
        let held = self.in_outage.entry((since, workspace.to_owned())).or_default();
        *held += decision.held;
        assert!(*held <= OUTAGE_HELD, "outage: {held} is held since {since:?}");
    }

    /// The reply to a check, at the instant of the decision.
    pub fn checked(
        &mut self,
        life: u64,
        (sent, now): (Time, Time),
        workspace: &str,
        check: &Check,
        reply: &Result<Decision, Error>,
    ) {
        self.note(now, || format!("{workspace} check {} {}", check.request_id, short(reply)));
        if life != self.life {
            return;
        }
        let request = (workspace.to_owned(), check.request_id.to_string());
        let is_overlapped = self.end_checking(&request);
        match reply {
            Err(Error::RequestIdReused { .. }) => {
                let is_other = self
                    .holds
                    .get(&request)
                    .is_none_or(|hold| hold.is_unsure || !same_content(&hold.check, check));
                // One that waits, this one or another, may have met another content.
                let may_be_other = sent != now || self.checking.contains_key(&request);
                assert!(is_other || may_be_other, "the same content is no other content");
            }
            Err(Error::StorageUnavailable | Error::StorageOutage { .. } | Error::Stopping) => {}
            Err(other) => panic!("a check failed: {other}"),
            Ok(Decision { answer: Answer::Blocked, .. }) if check.dry_run => {}
            Ok(Decision { answer: Answer::Blocked, .. }) => {
                self.refused.entry(workspace.to_owned()).or_default().running += 1;
            }
            // What was true when it was decided need not be true when it is answered.
            Ok(decision) => {
                self.let_run(request, now, check, decision, (sent == now, is_overlapped));
            }
        }
    }

    /// A check is answered with a hold, at the instant of the decision or later, and perhaps
    /// overlapped by something else.
    fn let_run(
        &mut self,
        request: Request,
        now: Time,
        check: &Check,
        decision: &Decision,
        (is_at_once, is_overlapped): (bool, bool),
    ) {
        let known = self.holds.get(&request).filter(|hold| hold.expire_time > now).cloned();
        let is_open = self.open.contains_key(&request);
        let model = match &decision.answer {
            Answer::Routed(model) => model.clone(),
            Answer::Allowed | Answer::Blocked => check.model_id.as_str().into(),
        };
        let Some(expire_time) = decision.expire_time else { return };
        if expire_time <= now {
            // Up, and about to be charged: the same answer as before, or one that waited while the
            // clock jumped.
            self.granted.insert((request, decision.held));
            return;
        }
        if let Some(known) = known {
            let is_same = (&known.model, known.held, known.expire_time)
                == (&model, decision.held, expire_time);
            // It may have been extended, and that not be answered yet.
            let is_checking = self.checking.contains_key(&request);
            let may_be_other = is_overlapped || is_checking || !is_at_once;
            let may_be_new = known.is_unsure || is_open || may_be_other;
            assert!(
                is_same || may_be_new,
                "I2: a request that is held is held once: {request:?} {known:?}"
            );
            if is_same && !is_open {
                return;
            }
        }
        if !is_open && !is_overlapped {
            self.assert_attempt(&request, decision.attempt);
        }
        let granted = (decision.attempt, decision.held, expire_time);
        self.grant(request.clone(), now, model, granted, check, is_at_once);
        if is_overlapped && let Some(hold) = self.holds.get_mut(&request) {
            hold.is_unsure = true;
        }
    }

    /// A check or an extension is sent.
    pub fn checking(&mut self, life: u64, request: Request) {
        if life == self.life {
            *self.checking.entry(request).or_default() += 1;
        }
    }

    /// It is answered: whether something else was answered about its request meanwhile.
    fn end_checking(&mut self, request: &Request) -> bool {
        let count = self.checking.get_mut(request).expect("it was sent");
        *count -= 1;
        if *count > 0 {
            return self.overlapped.contains(request);
        }
        self.checking.remove(request);
        self.overlapped.remove(request)
    }

    /// Something that is no check is answered about a request.
    fn overlap(&mut self, request: &Request) {
        if self.checking.contains_key(request) {
            self.overlapped.insert(request.clone());
        }
    }

    /// Nothing is in flight after a start.
    pub fn end_checks(&mut self) {
        self.checking.clear();
        self.overlapped.clear();
    }

    /// The attempt that is answered comes after those in the log, exactly.
    fn assert_attempt(&self, request: &Request, attempt: i32) {
        let disk = self.store.disk();
        let of_request = disk.log.iter().filter(|record| {
            *record.workspace_id == *request.0
                && *record.request_id == *request.1
                && record.kind == RecordKind::Usage
        });
        let next = of_request.map(|record| record.attempt + 1).max().unwrap_or(0);
        assert_eq!(attempt, next, "the next attempt of {}", request.1);
    }

    fn grant(
        &mut self,
        request: Request,
        now: Time,
        model: Arc<str>,
        (attempt, held, expire_time): (i32, Amount, Time),
        check: &Check,
        is_at_once: bool,
    ) {
        let granted_after = self.store.disk().log.last().map_or(0, |record| record.seq);
        self.granted.insert((request.clone(), held));
        // One that ends at the same time is the same: it was answered again.
        let same = self.holds.get(&request).filter(|known| known.expire_time == expire_time);
        let check_time = same.map_or(now, |known| known.check_time);
        let hold = Held {
            attempt,
            model: model.clone(),
            held,
            check: check.clone(),
            check_time,
            expire_time,
            granted_after,
            is_unsure: self.open.contains_key(&request) || self.holds.contains_key(&request),
        };
        let is_sure = !hold.is_unsure && is_at_once;
        if is_sure {
            let user = check.attribution.as_ref().map(|said| said.user_id.clone());
            // By the server's clock, which stands still where the clients' steps back.
            let time = expire_time - check.hold_duration;
            self.assert_rate(&request.0, &user.unwrap_or_default(), time);
        }
        self.holds.insert(request.clone(), hold);
        if !held.is_zero() && is_sure && self.open_policies == 0 {
            self.assert_admission(&request.0, now, &model);
        }
    }

    /// I1: spent and held, as far as both are certain, are within the limits.
    fn assert_admission(&self, workspace: &str, now: Time, model: &str) {
        let disk = self.store.disk();
        let settings = &disk.workspaces[workspace];
        let cycle = facts::cycle(settings, now);
        if is_near_an_edge(cycle, now) {
            return;
        }
        let plan = settings.plan.expect("a plan is set before the first check");
        let (spent, held) = self.certain(&disk, workspace, cycle, None);
        let envelope = plan.budget + plan.overage + rules::boosted(&disk, workspace, now);
        assert!(
            spent + held <= envelope,
            "I1: {workspace} has spent {spent} and holds {held} of {envelope}"
        );
        let key = (workspace.to_owned(), model.to_owned());
        let Some(settings) = disk.models.get(&key).filter(|set| set.limit_enabled) else { return };
        let Some(cap) = settings.limit else { return };
        let (spent, held) = self.certain(&disk, workspace, cycle, Some(model));
        assert!(
            spent + held <= cap,
            "I1: {model} of {workspace} has spent {spent} and holds {held} of {cap}"
        );
    }

    /// What the server has certainly counted as spent, and certainly holds.
    fn certain(
        &self,
        disk: &Disk,
        workspace: &str,
        cycle: Window,
        model: Option<&str>,
    ) -> (Amount, Amount) {
        let is_certain = |record: &&Record| {
            // What is open may have been counted: only what makes room is taken as counted.
            self.settled.contains(&record.seq) || record.cost < Amount::ZERO
        };
        let records = disk.log.iter().filter(|record| {
            *record.workspace_id == *workspace
                && cycle.contains(record.charge_time)
                && model.is_none_or(|model| *record.metered_model_id == *model)
        });
        let holds = self.holds.iter().filter(|(request, hold)| {
            request.0 == workspace
                && cycle.contains(hold.check_time)
                && hold.expire_time > self.latest
                && !hold.is_unsure
                && !self.open.contains_key(*request)
                && model.is_none_or(|model| *hold.model == *model)
        });
        let spent = records.filter(is_certain).map(|record| record.cost).sum();
        (spent, holds.map(|(_, hold)| hold.held).sum())
    }

    /// A record is handed in.
    pub fn recording(&mut self, now: Time, workspace: &str, report: &UsageReport) {
        self.note(now, || {
            format!("{workspace} record {}/{} ...", report.request_id, report.attempt)
        });
        let request = (workspace.to_owned(), report.request_id.to_string());
        *self.open.entry(request.clone()).or_default() += 1;
        self.sent.entry(request).or_default().insert(report.fingerprint());
    }

    /// And answered, with the times of both.
    pub fn recorded(
        &mut self,
        life: u64,
        (sent, now): (Time, Time),
        workspace: &str,
        report: &UsageReport,
        reply: &Result<Recorded, Error>,
    ) {
        self.note(now, || {
            let reply = reply.as_ref().map(|reply| (reply.cost, reply.duplicate));
            format!("{workspace} record {}/{} {reply:?}", report.request_id, report.attempt)
        });
        let request = (workspace.to_owned(), report.request_id.to_string());
        match reply {
            Ok(recorded) => {
                let key = (request.clone(), recorded.attempt);
                let seq = self.assert_durable(workspace, report, recorded);
                self.acknowledged.insert(key.clone(), recorded.cost);
                if !recorded.duplicate {
                    assert!(self.counted.insert(key), "I5: counted twice");
                }
                if life != self.life {
                    return;
                }
                self.close(&request);
                self.overlap(&request);
                if !recorded.duplicate {
                    self.settled.insert(seq);
                    self.assert_hold_was_enough(&request, report, recorded);
                }
                // Also of a repeat: the record may have ended the hold when its answer was lost. A
                // hold that was granted since the entry was written may be a new one.
                let ends =
                    |hold: &Held| hold.granted_after < seq && hold.attempt <= recorded.attempt;
                if self.holds.get(&request).is_some_and(ends) {
                    self.holds.remove(&request);
                }
            }
            Err(Error::RequestIdReused { .. }) => {
                let contents = &self.sent[&request];
                assert!(contents.len() > 1, "I5: the same content is no other content");
                if life == self.life {
                    self.close(&request);
                }
            }
            Err(Error::Field { field, .. }) if field == "start_time" => {
                // The clock may have jumped meanwhile.
                let start = report.start_time.expect("it was said");
                let near = -MICROS_PER_HOUR..RECORD_AGE_MAX - MICROS_PER_DAY;
                let is_near = [sent, now].iter().all(|at| near.contains(&(*at - start)));
                assert!(!is_near, "a record of these days is accepted");
                if life == self.life {
                    self.close(&request);
                }
            }
            Err(Error::StorageUnavailable | Error::Stopping) => {}
            Err(other) => panic!("a record failed: {other}"),
        }
    }

    /// I13, I5: what was acknowledged is on the disk, once, as it was sent. Answers where.
    fn assert_durable(&self, workspace: &str, report: &UsageReport, reply: &Recorded) -> i64 {
        let disk = self.store.disk();
        let mut entries = disk.log.iter().filter(|record| {
            *record.workspace_id == *workspace
                && record.request_id == report.request_id
                && record.attempt == reply.attempt
                && record.revision == 0
        });
        let entry = entries.next().expect("I13: an acknowledged record is durable");
        assert!(entries.next().is_none(), "I5: a key is in the log once");
        assert_eq!(entry.fingerprint, report.fingerprint(), "the record is the one that was sent");
        assert_eq!(entry.cost, reply.cost, "the cost is the one that was answered");
        entry.seq
    }

    /// I10: a record that keeps to what its check declared costs no more than was held.
    fn assert_hold_was_enough(&self, request: &Request, report: &UsageReport, reply: &Recorded) {
        let Some(hold) = self.holds.get(request) else { return };
        let cost = reply.cost;
        let keeps_to_its_word = *report.model_id == *hold.model
            && hold.attempt <= reply.attempt
            && hold.expire_time > self.latest
            && !hold.is_unsure
            && report.usage.total_input() <= hold.check.input.total_input()
            && hold.check.max_output.is_some_and(|most| report.usage.total_output() <= most);
        assert!(!keeps_to_its_word || cost <= hold.held, "I10: {cost} of {} held", hold.held);
    }

    fn close(&mut self, request: &Request) {
        let count = self.open.get_mut(request).expect("it was opened");
        *count -= 1;
        if *count == 0 {
            self.open.remove(request);
        }
    }

    pub fn released(
        &mut self,
        life: u64,
        now: Time,
        request: &Request,
        reply: &Result<Amount, Error>,
    ) {
        self.note(now, || format!("{} release {} {reply:?}", request.0, request.1));
        if life != self.life {
            return;
        }
        let latest = self.latest;
        let is_checking = self.checking.contains_key(request);
        self.overlap(request);
        match (reply, self.holds.get(request)) {
            (Ok(released), Some(hold)) => {
                assert_eq!(*released, hold.held, "I7: gives back what it took");
                self.holds.remove(request);
            }
            (Ok(_), None) => {
                let may_be = is_checking || self.revived.contains(request);
                assert!(may_be, "I7: a hold that nobody was granted was released");
            }
            (Err(Error::HoldNotFound { .. }), Some(hold)) => {
                let is_up = hold.expire_time <= latest;
                let may_be_gone = is_up || hold.is_unsure || self.open.contains_key(request);
                assert!(may_be_gone, "I7: a live hold is there");
            }
            (Err(_), _) => {}
        }
    }

    pub fn extended(
        &mut self,
        life: u64,
        (sent, now): (Time, Time),
        request: &Request,
        reply: &Result<Time, Error>,
    ) {
        self.note(now, || format!("{} extend {} {reply:?}", request.0, request.1));
        if life != self.life {
            return;
        }
        let is_overlapped = self.end_checking(request);
        if let Ok(expire_time) = reply {
            let is_checking = self.checking.contains_key(request);
            self.overlap(request);
            let Some(hold) = self.holds.get_mut(request) else {
                let may_be = is_checking || self.revived.contains(request);
                assert!(may_be, "I7: only a granted hold is extended");
                return;
            };
            // An earlier one may be answered later.
            let is_longer = *expire_time >= hold.expire_time;
            let may_be_late = is_overlapped || is_checking || sent != now;
            assert!(is_longer || may_be_late, "an extension never shortens");
            hold.expire_time = hold.expire_time.max(*expire_time);
        } else if matches!(reply, Err(Error::StorageUnavailable))
            && let Some(hold) = self.holds.remove(request)
        {
            // It is longer, and that is not stored; or nothing was done.
            self.granted.insert((request.clone(), hold.held));
            self.revived.insert(request.clone());
        }
    }
}

/// Whether clocks that differ by seconds may see two cycles.
pub fn is_near_an_edge(cycle: Window, now: Time) -> bool {
    let near = 30 * MICROS_PER_SECOND;
    now - cycle.start < near || cycle.end - now < near
}

fn short(reply: &Result<Decision, Error>) -> String {
    match reply {
        Ok(decision) => {
            let Decision { answer, held, reason, expire_time, .. } = decision;
            let until = expire_time.map(|time| time.to_utc().format("%m-%dT%H:%M:%S").to_string());
            format!("{answer:?} {reason:?} held {held} until {until:?}")
        }
        Err(error) => format!("{error:?}"),
    }
}

/// Whether two checks ask for the same; `dry_run` is not part of what is asked.
fn same_content(a: &Check, b: &Check) -> bool {
    let asked = |check: &Check| Check { dry_run: false, ..check.clone() };
    asked(a) == asked(b)
}
