//! Random histories of one workspace, applied to the oracle and to the ledger in lockstep.
//!
//! [`Reference`] turns a random [`Step`] into a concrete [`Call`] and the answer that the oracle
//! expects; [`Subject`] makes the call and must give the same answer, and afterwards show the same
//! totals and holds.
#![allow(dead_code, reason = "each test target uses its part of it")]

pub mod draws;
pub mod rates;
pub mod reference;
pub mod rules;
pub mod steps;
pub mod subject;

use std::sync::Arc;

use tollgate::domain::check::{BudgetStatus, Check, Decision};
use tollgate::domain::record::{CreditReport, Record, UsageReport};
use tollgate::domain::workspace::{Workspace, WorkspaceModel};
use tollgate::domain::{Amount, Time};
use tollgate::ledger::Error;

use crate::oracle::Facts;
use crate::oracle::policy::Change;
use crate::oracle::record::{Voided, Written};

/// What the ledger is asked to do.
#[derive(Clone, Debug)]
pub enum Call {
    Nothing,
    Time(Time),
    Check(Check),
    /// Prices a record and puts it on its way.
    Prepare(UsageReport),
    /// Prices a record, and it reaches the log at once.
    Record(UsageReport),
    Learn(Vec<UsageReport>),
    /// The record at this place of those on their way reaches the log.
    Commit(usize),
    /// It does not.
    Lose(usize),
    Release(Arc<str>),
    Extend(Arc<str>, i64),
    ChargeDue,
    Correct(Box<Record>, Amount),
    Credit(CreditReport),
    /// Of a request and attempt.
    Void(Arc<str>, i32),
    Workspace(Box<Workspace>),
    Model(WorkspaceModel),
    Catalog(Box<Facts>),
    /// Changes of quotas, rate limits, keys and boosts.
    Rules(Vec<Change>),
    Restart {
        is_graceful: bool,
    },
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Nothing,
    Decided(Result<Decision, Error>),
    Prepared(Box<Record>),
    Recorded(Box<Record>, Written),
    /// The clock of the caller cannot be right.
    Refused,
    Written(Written),
    Voided(Voided, BudgetStatus),
    Released(Option<Amount>),
    Extended(Option<Time>),
    Charged(usize),
}

impl Answer {
    /// Without what is no rule: the order of what is said of candidates themselves, which no caller
    /// may rely on, and positions in the log. Limits speak in their order.
    pub fn comparable(mut self) -> Answer {
        match &mut self {
            Answer::Decided(Ok(decision)) => {
                decision.verdicts.sort_by_key(|verdict| match verdict.limit {
                    Some(_) => String::new(),
                    None => format!("{verdict:?}"),
                });
            }
            Answer::Prepared(record) | Answer::Recorded(record, _) => record.seq = 0,
            Answer::Voided(Voided::New(voids), _) => {
                voids.iter_mut().for_each(|void| void.seq = 0);
            }
            _ => {}
        }
        self
    }
}
