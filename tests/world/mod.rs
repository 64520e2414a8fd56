//! One ledger with the simplest possible writer and log around it: what the engine is to the
//! ledger in production, without tasks, batches or failures.
//!
//! It decides nothing. After every step the ledger must agree with itself, see
//! `Ledger::assert_invariants`.
#![allow(dead_code, reason = "each test target uses its part of it")]

use std::collections::HashMap;
use std::sync::Arc;

use tollgate::ledger::calendar::Window;
use tollgate::ledger::catalogue::Catalogue;
use tollgate::ledger::decision::{Check, Decision, Error, Standing, UsageReport};
use tollgate::ledger::hold::Quote;
use tollgate::ledger::record::{EXPIRY_ATTEMPT, Record, RecordKind};
use tollgate::ledger::usage::Usage;
use tollgate::ledger::workspace::{Workspace, WorkspaceModel};
use tollgate::ledger::{Amount, Ledger, RestoredHold, Time, WindowSpend};

pub struct World {
    pub now: Time,
    pub workspace: Workspace,
    pub models: Vec<WorkspaceModel>,
    pub catalogue: Arc<Catalogue>,
    pub ledger: Ledger,
    /// The usage log.
    pub log: Vec<Record>,
    seq: i64,
}

/// What became of an entry that was handed to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    New(Standing),
    /// Its key is there already, with the same content: the entry that is there.
    Duplicate(Box<Record>, Standing),
    /// Its key is there already, with other content.
    Reused,
}

impl World {
    pub fn new(workspace: Workspace, now: Time) -> World {
        let catalogue = Arc::new(Catalogue::default());
        let spend = Vec::new();
        let ledger = Ledger::new(workspace.clone(), Vec::new(), catalogue.clone(), spend, now);
        World { now, workspace, models: Vec::new(), catalogue, ledger, log: Vec::new(), seq: 0 }
    }

    pub fn check(&mut self, check: Check) -> Result<Decision, Error> {
        let decision = self.ledger.check(self.now, check);
        self.ledger.assert_invariants();
        decision
    }

    /// A whole record: priced, written, settled.
    pub fn record(&mut self, report: UsageReport) -> Result<(Record, Outcome), Error> {
        let record = self.prepare(report)?;
        let outcome = self.commit(&record);
        Ok((record, outcome))
    }

    /// Prices a record. It is on its way until it is committed or lost.
    pub fn prepare(&mut self, report: UsageReport) -> Result<Record, Error> {
        let check_time = self.charge_to_take_back(&report.request_id);
        let check_time = check_time.map(|charge| charge.charge_time);
        self.seq += 1;
        let record = self.ledger.prepare(self.now, self.seq, report, check_time);
        self.ledger.assert_invariants();
        record
    }

    /// Writes a record that was prepared and settles it. Where the estimate of its expired hold
    /// was charged, that is taken back.
    pub fn commit(&mut self, record: &Record) -> Outcome {
        let taken_back = match record.kind {
            RecordKind::Usage => self.charge_to_take_back(&record.request_id),
            RecordKind::Correction | RecordKind::ExpiryCharge => None,
        };
        let outcome = self.append(record);
        if let (Some(charge), Outcome::New(_)) = (taken_back, &outcome) {
            let back = -charge.cost;
            self.correct(&charge, back);
        }
        outcome
    }

    /// A record that was prepared does not reach the log.
    pub fn lose(&mut self, record: &Record) {
        self.ledger.abandon(record);
        self.ledger.assert_invariants();
    }

    /// Writes a correction of `cost` to an entry of the log.
    pub fn correct(&mut self, of: &Record, cost: Amount) {
        let same = self.log.iter().filter(|entry| same_attempt(entry, of));
        let revision = same.map(|entry| entry.revision).max().expect("it is in the log") + 1;
        self.seq += 1;
        let correction = Record {
            seq: self.seq,
            revision,
            kind: RecordKind::Correction,
            usage: Usage::default(),
            cost,
            latency: 0,
            record_time: self.now,
            ..of.clone()
        };
        if self.ledger.expect(&correction).is_ok() {
            self.append(&correction);
        }
    }

    /// Writes what expired holds are to be charged. Answers how many were.
    pub fn charge_due(&mut self) -> usize {
        let due = self.ledger.take_due_charges(self.now);
        let mut charged = 0;
        for request_id in due {
            self.seq += 1;
            let record = self.ledger.prepare_expiry_charge(self.now, self.seq, &request_id);
            if let Some(record) = record.expect("spend stays below its bound") {
                self.append(&record);
                charged += 1;
            }
        }
        self.ledger.assert_invariants();
        charged
    }

    pub fn set_workspace(&mut self, workspace: Workspace) {
        self.workspace = workspace.clone();
        let spend = self.spend(Ledger::windows_to_load(&workspace, self.now));
        self.ledger.set_workspace(self.now, workspace, spend);
        self.ledger.assert_invariants();
    }

    pub fn set_model(&mut self, model: WorkspaceModel) {
        self.models.retain(|other| other.model_id != model.model_id);
        self.models.push(model.clone());
        self.ledger.set_model(self.now, model);
        self.ledger.assert_invariants();
    }

    pub fn set_catalogue(&mut self, catalogue: Catalogue) {
        self.catalogue = Arc::new(catalogue);
        self.ledger.set_catalogue(self.catalogue.clone());
        self.ledger.assert_invariants();
    }

    /// A new process: all it has is what was stored. Live holds only if they were written down.
    pub fn restart(&mut self, keep_holds: bool) {
        let views = self.ledger.hold_views(self.now);
        let spend = self.spend(Ledger::windows_to_load(&self.workspace, self.now));
        let (workspace, models) = (self.workspace.clone(), self.models.clone());
        self.ledger = Ledger::new(workspace, models, self.catalogue.clone(), spend, self.now);
        for entry in &self.log {
            if entry.kind == RecordKind::Usage
                && entry.outcome == tollgate::ledger::usage::Outcome::Success
            {
                let output = entry.usage.total_output();
                self.ledger.learn_output(&entry.metered_model_id, output);
            }
        }
        for view in views.into_iter().filter(|view| view.live && keep_holds) {
            let quote = view.hold.quote.as_ref().map(|quote| Quote {
                card: self.catalogue.price_by_id(&quote.card.price().id).expect("kept").clone(),
                rate: quote.rate,
            });
            let hold = RestoredHold {
                request_id: view.hold.request_id.clone(),
                fingerprint: view.hold.fingerprint,
                held: view.hold.held,
                check_time: view.hold.check_time,
                expire_time: view.hold.expire_time,
                tier: view.hold.tier,
                routed: view.hold.routed,
                attribution: view.hold.attribution().map(Box::new),
            };
            self.ledger.restore_hold(self.now, &view.model_id, quote, hold);
        }
        self.ledger.assert_invariants();
    }

    /// What the log says of some windows.
    fn spend(&self, windows: [Window; 2]) -> Vec<WindowSpend> {
        let of = |window: Window| {
            let mut by_model: HashMap<String, Amount> = HashMap::new();
            for entry in self.log.iter().filter(|entry| window.contains(entry.charge_time)) {
                *by_model.entry(entry.metered_model_id.to_string()).or_default() += entry.cost;
            }
            WindowSpend { window, by_model }
        };
        windows.map(of).into()
    }

    fn append(&mut self, record: &Record) -> Outcome {
        let there =
            |entry: &&Record| same_attempt(entry, record) && entry.revision == record.revision;
        let outcome = match self.log.iter().find(there) {
            None => {
                self.log.push(record.clone());
                Outcome::New(self.ledger.settle(self.now, record))
            }
            Some(existing) => {
                self.ledger.abandon(record);
                if record.kind == RecordKind::ExpiryCharge {
                    self.ledger.expire_charged(&record.request_id);
                }
                if existing.fingerprint == record.fingerprint {
                    Outcome::Duplicate(Box::new(existing.clone()), self.ledger.standing())
                } else {
                    Outcome::Reused
                }
            }
        };
        self.ledger.assert_invariants();
        outcome
    }

    /// The charge of the request's expired hold, if it was not taken back.
    fn charge_to_take_back(&self, request_id: &str) -> Option<Record> {
        let charges = self
            .log
            .iter()
            .filter(|entry| &*entry.request_id == request_id && entry.attempt == EXPIRY_ATTEMPT);
        let net: Amount = charges.clone().map(|entry| entry.cost).sum();
        charges.into_iter().next().filter(|_| !net.is_zero()).cloned()
    }
}

fn same_attempt(a: &Record, b: &Record) -> bool {
    a.request_id == b.request_id && a.attempt == b.attempt
}
