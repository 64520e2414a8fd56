//! Backtest: what a changed policy would have decided on the usage of the past, beside what today's
//! policy decides on the same.
//!
//! Two ledgers are given the same entries of the usage log, one policy in each; what they decide is
//! counted, and compared at the end. Pure: does not read the log, nor make the ledgers that the
//! replay begins with.

mod replay;
mod tally;

use std::sync::Arc;

use crate::domain::Time;
use crate::domain::record::{Record, RecordKind};
use crate::ledger::Ledger;
use replay::Replay;

pub use replay::IN_FLIGHT_MAX;
pub use tally::{Counts, MEMBERS_MAX, Row, TOP_MAX, Top, Totals};

/// Two replays of the same usage.
pub struct Backtest {
    today: Replay,
    changed: Replay,
    entry_count: i64,
    left_out_count: i64,
}

/// What both replays came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Entries of the log that were read.
    pub entry_count: i64,
    /// Of these, entries that are neither requests nor credits.
    pub left_out_count: i64,
    pub today: Totals,
    pub changed: Totals,
    pub top: Top,
}

impl Backtest {
    /// Of ledgers as they are when the first entry is charged, without holds.
    pub fn new(today: Ledger, changed: Ledger) -> Backtest {
        let (today, changed) = (Replay::new(today), Replay::new(changed));
        Backtest { today, changed, entry_count: 0, left_out_count: 0 }
    }

    /// Replays entries of the workspace: by (`charge_time`, `seq`), and beyond those of the calls
    /// before.
    pub fn replay(&mut self, records: Vec<Record>) {
        for record in records {
            self.entry_count += 1;
            match record.kind {
                RecordKind::Usage => {
                    let record = Arc::new(record);
                    self.today.request(&record);
                    self.changed.request(&record);
                }
                RecordKind::Credit => {
                    self.today.credit(&record);
                    self.changed.credit(&record);
                }
                // A request is billed anew, by what was used.
                RecordKind::Correction | RecordKind::ExpiryCharge | RecordKind::Void => {
                    self.left_out_count += 1;
                }
            }
        }
        self.today.tidy();
        self.changed.tidy();
    }

    /// The time of the last entry, or that the replay began at.
    pub fn now(&self) -> Time {
        self.today.now()
    }

    /// Lets requests in flight end, and compares.
    pub fn finish(self) -> Comparison {
        let Backtest { today, changed, entry_count, left_out_count } = self;
        let (today, changed) = (today.finish(), changed.finish());
        Comparison {
            entry_count,
            left_out_count,
            today: today.totals,
            changed: changed.totals,
            top: Top::of(today, changed),
        }
    }
}
