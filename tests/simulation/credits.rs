//! Credits and voids in a run: what is made by hand, what its caller is told, and what the logs
//! must say of it.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand::rngs::StdRng;
use tollgate::domain::record::{CREDIT_ATTEMPT, CREDIT_MODEL_ID, CreditReport, Record, RecordKind};
use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::domain::usage::Usage;
use tollgate::domain::{Amount, Currency, Time};
use tollgate::engine::{Actor, Clock, Credited, Error, VoidRequest};

use super::auditor::{Auditor, Request};
use super::clients::{Client, attribution};
use super::store::Disk;
use super::world::{MODELS, START};

/// Who makes entries by hand.
const ACTOR: &str = "simulation";

/// What was said and answered of credits.
#[derive(Default)]
pub struct Credits {
    /// What was sent, by id and content.
    sent: BTreeMap<(Request, i64), CreditReport>,
    /// Credits that were acknowledged.
    acknowledged: BTreeMap<Request, Amount>,
    /// Credits that were acknowledged as new.
    counted: BTreeSet<Request>,
    /// Voids that were acknowledged, by request and attempt, with what they have taken back.
    voided: BTreeMap<(Request, i32), Amount>,
    /// Voids that were acknowledged as new.
    counted_voids: BTreeSet<(Request, i32)>,
}

impl Client {
    /// A credit; its caller may send it twice.
    pub async fn credit(&self, luck: &mut StdRng, workspace: &str, number: u32) {
        let mut report = credit(number);
        if luck.random_range(0..8) == 0 {
            report.reason = "another reason".to_owned();
        }
        for _ in 0..luck.random_range(1..3) {
            self.auditor().crediting(self.clock.now(), workspace, &report);
            let by = Actor::new(ACTOR, "RecordCredit");
            let call = self.engine.record_credit(by, workspace, Currency::EUR, report.clone());
            let reply = call.await.map(|reply| reply.value);
            self.auditor().credited(self.life, self.clock.now(), workspace, &report, &reply);
        }
    }
}

impl Client {
    /// Voids an attempt, which may have been recorded or not; its caller may send it twice.
    pub async fn void(&self, luck: &mut StdRng, workspace: &str, number: u32) {
        let request: Request = (workspace.to_owned(), format!("r{number}"));
        let attempt = luck.random_range(0..5) / 3;
        for _ in 0..luck.random_range(1..3) {
            let known = self.auditor().acknowledged.get(&(request.clone(), attempt)).copied();
            let void = VoidRequest {
                workspace_id: request.0.clone(),
                request_id: request.1.clone(),
                attempt,
                reason: "a mistake".to_owned(),
            };
            let reply = self.engine.void_usage(Actor::new(ACTOR, "VoidUsage"), void).await;
            let reply = reply.map(|reply| reply.value);
            let now = self.clock.now();
            self.auditor().voided(self.life, now, (request.clone(), attempt), known, &reply);
        }
    }
}

/// What is credited under a number: always the same, and under the id of a request.
fn credit(number: u32) -> CreditReport {
    let model = number as usize % 5;
    CreditReport {
        credit_id: format!("r{number}").into(),
        amount: Amount::from_nanos(i64::from(1 + number % 3) * 500_000_000),
        reason: "a refund".to_owned(),
        reference: String::new(),
        model_id: MODELS.get(model).map_or_else(String::new, |id| (*id).to_owned()),
        time: (number % 3 == 1).then(|| START - i64::from(number % 7) * 20 * MICROS_PER_HOUR),
        attribution: attribution(number),
    }
}

impl Auditor {
    /// A credit is handed in.
    fn crediting(&mut self, now: Time, workspace: &str, report: &CreditReport) {
        self.note(now, || format!("{workspace} credit {} ...", report.credit_id));
        let request = (workspace.to_owned(), report.credit_id.to_string());
        self.credits.sent.insert((request, report.fingerprint()), report.clone());
    }

    /// And answered.
    fn credited(
        &mut self,
        life: u64,
        now: Time,
        workspace: &str,
        report: &CreditReport,
        reply: &Result<Credited, Error>,
    ) {
        self.note(now, || format!("{workspace} credit {} {reply:?}", report.credit_id));
        let request = (workspace.to_owned(), report.credit_id.to_string());
        match reply {
            Ok(credited) => {
                assert_eq!(credited.amount, report.amount, "all of a credit is credited");
                let seq = self.assert_credit_is_durable(&request, report);
                self.credits.acknowledged.insert(request.clone(), credited.amount);
                if !credited.duplicate {
                    assert!(self.credits.counted.insert(request), "I5: credited twice");
                }
                if life == self.life {
                    self.settled.insert(seq);
                }
            }
            Err(Error::RequestIdReused { .. }) => {
                let sent = self.credits.sent.keys().filter(|(id, _)| *id == request);
                assert!(sent.count() > 1, "I5: the same credit is no other credit");
            }
            Err(Error::StorageUnavailable | Error::Stopping) => {}
            Err(other) => panic!("a credit failed: {other}"),
        }
    }

    /// I13: an acknowledged credit is on the disk, as it was sent. Answers where.
    fn assert_credit_is_durable(&self, request: &Request, report: &CreditReport) -> i64 {
        let disk = self.store.disk();
        let entry = credit_of(&disk, request).expect("I13: an acknowledged credit is durable");
        assert_eq!(entry.fingerprint, report.fingerprint(), "the credit is the one that was sent");
        entry.seq
    }

    /// The answer to a void of an attempt, which was known to cost `known` before it was sent.
    fn voided(
        &mut self,
        life: u64,
        now: Time,
        key: (Request, i32),
        known: Option<Amount>,
        reply: &Result<Credited, Error>,
    ) {
        self.note(now, || format!("{} void {}/{} {reply:?}", key.0.0, key.0.1, key.1));
        match reply {
            Ok(voided) => {
                let is_known = known.is_none_or(|cost| cost == voided.amount);
                assert!(is_known, "I4: {known:?} is taken back whole");
                let seq = {
                    let disk = self.store.disk();
                    let entry = void_of(&disk, &key);
                    let entry = entry.expect("I13: an acknowledged void is durable");
                    assert_eq!(entry.cost, -voided.amount, "the void is the one that was answered");
                    entry.seq
                };
                self.credits.voided.insert(key.clone(), voided.amount);
                if !voided.duplicate {
                    assert!(self.credits.counted_voids.insert(key), "I5: voided twice");
                }
                if life == self.life {
                    self.settled.insert(seq);
                }
            }
            Err(Error::ResourceNotFound { .. }) => {
                assert!(known.is_none(), "I13: an acknowledged record can be voided");
            }
            Err(Error::StorageUnavailable | Error::Stopping) => {}
            Err(other) => panic!("a void failed: {other}"),
        }
    }

    /// An entry of the log says what somebody credited.
    pub fn assert_credit(&self, record: &Record) {
        let request = (record.workspace_id.to_string(), record.request_id.to_string());
        let sent = self.credits.sent.get(&(request, record.fingerprint));
        let sent = sent.expect("I4: no credit is invented");
        assert_eq!(record.cost, -sent.amount, "I4: a credit is what was sent");
        let time = sent.time.unwrap_or(record.charge_time);
        assert_eq!(record.charge_time, time, "in the windows of the time that was sent");
        let model = if sent.model_id.is_empty() { CREDIT_MODEL_ID } else { &sent.model_id };
        assert_eq!(*record.metered_model_id, *model, "on the model that was sent");
        assert_eq!((record.attempt, record.revision), (CREDIT_ATTEMPT, 0));
        assert_eq!(record.usage, Usage::default(), "nothing is used by a credit");
    }

    /// What was acknowledged is never lost, and every entry that was made by hand has its audit
    /// event, as every such event its entry.
    pub fn assert_made_by_hand(&self, disk: &Disk) {
        for (request, amount) in &self.credits.acknowledged {
            let entry =
                credit_of(disk, request).expect("I13: an acknowledged credit is never lost");
            assert_eq!(entry.cost, -*amount, "nothing in the log changes");
        }
        for (key, amount) in &self.credits.voided {
            let entry = void_of(disk, key).expect("I13: an acknowledged void is never lost");
            assert_eq!(entry.cost, -*amount, "nothing in the log changes");
        }
        let by_hand = disk.log.iter().filter_map(|record| match record.kind {
            RecordKind::Credit => Some(("RecordCredit", record)),
            RecordKind::Void => Some(("VoidUsage", record)),
            RecordKind::Usage | RecordKind::ExpiryCharge | RecordKind::Correction => None,
        });
        let entries: Vec<_> = by_hand
            .map(|(action, record)| {
                let note = record.extras.as_ref().and_then(|extras| extras.note.as_ref());
                let actor = note.map(|note| note.actor.clone());
                let cost = record.cost.to_string();
                let request = (record.workspace_id.to_string(), record.request_id.to_string());
                (action, request, record.attempt, (actor, cost))
            })
            .collect();
        let of_log = disk.audit_events.values().filter(|it| it.resource_type == "usage_record");
        let events: Vec<_> = of_log
            .map(|event| {
                let after = event.after.as_deref().expect("an entry is made");
                let after: serde_json::Value = serde_json::from_str(after).expect("it is JSON");
                let attempt = after["attempt"].as_i64().unwrap_or(-1);
                let cost = after["amount"].as_str().unwrap_or_default().to_owned();
                let request = (event.workspace_id.clone(), event.resource_id.clone());
                let actor = Some(event.actor.clone());
                (&*event.action, request, attempt as i32, (actor, cost))
            })
            .collect();
        assert_eq!(sorted(events), sorted(entries), "audit events are those of the entries");
    }
}

fn credit_of<'d>(disk: &'d Disk, request: &Request) -> Option<&'d Record> {
    disk.log.iter().find(|record| {
        *record.workspace_id == *request.0
            && *record.request_id == *request.1
            && record.kind == RecordKind::Credit
    })
}

fn void_of<'d>(disk: &'d Disk, (request, attempt): &(Request, i32)) -> Option<&'d Record> {
    disk.log.iter().find(|record| {
        *record.workspace_id == *request.0
            && *record.request_id == *request.1
            && record.attempt == *attempt
            && record.kind == RecordKind::Void
    })
}

/// A void takes back all that its record has cost, where that was charged: nothing of a simulation
/// is priced again.
pub fn assert_void(disk: &Disk, record: &Record) {
    let voided = disk.log.iter().find(|entry| {
        entry.workspace_id == record.workspace_id
            && entry.request_id == record.request_id
            && (entry.attempt, entry.revision) == (record.attempt, 0)
            && entry.kind == RecordKind::Usage
    });
    let voided = voided.expect("I4: a void is of a record");
    assert_eq!(record.cost, -voided.cost, "I4: all of a record is taken back");
    let place = |entry: &Record| {
        let Record { metered_model_id, charge_time, attribution, key_group_id, .. } = entry;
        (metered_model_id.clone(), *charge_time, attribution.clone(), key_group_id.clone())
    };
    assert_eq!(place(record), place(voided), "in the windows that it was charged to");
    assert_eq!((record.revision, record.usage), (1, Usage::default()), "once, and money alone");
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}
