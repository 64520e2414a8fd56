//! Batch of report questions: storage answers all of them from one snapshot.
//!
//! Adding a question returns a typed ticket, [`Pending`]. Only a ticket takes an answer, and only
//! once, so an answer cannot be read as that of another question.

use super::{Error, Result, Scope};
use crate::domain::Time;
use crate::domain::attribution::{Dimension, EntryKind};
use crate::domain::time::calendar::Window;
use crate::storage;
use crate::storage::reports::{
    DistinctQuery, DistinctRow, ROWS_MAX, RefusalsQuery, RefusalsRow, ReportQuery, ReportResult,
    SignUp, Source, SumsQuery, SumsRow,
};
use crate::storage::rollup::Sums;

/// Questions in the order in which they were added.
#[derive(Default)]
pub struct Batch {
    questions: Vec<ReportQuery>,
}

/// Ticket for the answer of one question of a batch.
pub struct Pending<T> {
    index: usize,
    decode: fn(ReportResult) -> Option<T>,
}

/// The answers of a batch that was run.
pub struct Answers {
    answers: Vec<Option<ReportResult>>,
}

/// The value of an answer of one kind.
macro_rules! answer_of {
    ($kind:ident) => {
        |answer| match answer {
            ReportResult::$kind(value) => Some(value),
            _ => None,
        }
    };
}

impl Batch {
    pub fn sums(&mut self, question: SumsQuery) -> Pending<Vec<SumsRow>> {
        self.add(ReportQuery::Sums(question), answer_of!(Sums))
    }

    pub fn distinct(&mut self, question: DistinctQuery) -> Pending<Vec<DistinctRow>> {
        self.add(ReportQuery::Distinct(question), answer_of!(Distinct))
    }

    pub fn refusals(&mut self, question: RefusalsQuery) -> Pending<Vec<RefusalsRow>> {
        self.add(ReportQuery::Refusals(question), answer_of!(Refusals))
    }

    /// Number of entries of a kind that are known at each of these times.
    pub fn known(&mut self, kind: EntryKind, times: Vec<Time>) -> Pending<Vec<i64>> {
        self.add(ReportQuery::Known(kind, times), answer_of!(Known))
    }

    /// Users who signed up in a window, of one department if given.
    pub fn sign_ups(
        &mut self,
        window: Window,
        department_id: Option<String>,
    ) -> Pending<Vec<SignUp>> {
        self.add(ReportQuery::SignUps { window, department_id }, answer_of!(SignUps))
    }

    /// Number of records that [`Source::Records`] would read for a window.
    pub fn record_count(&mut self, window: Window) -> Pending<i64> {
        self.add(ReportQuery::RecordCount(window), answer_of!(RecordCount))
    }

    /// Sums of any span of time, from the usage log.
    pub fn sums_between(&mut self, start: Time, end: Time) -> Pending<Sums> {
        self.add(ReportQuery::SumsBetween(start, end), answer_of!(SumsBetween))
    }

    /// Display names of ids, as pairs.
    pub fn names(
        &mut self,
        dimension: Dimension,
        ids: Vec<String>,
    ) -> Pending<Vec<(String, String)>> {
        self.add(ReportQuery::Names(dimension, ids), answer_of!(Names))
    }

    /// Start of the retained part of the usage log; absent if nothing was dropped.
    pub fn dropped_before(&mut self) -> Pending<Option<Time>> {
        self.add(ReportQuery::DroppedBefore, answer_of!(DroppedBefore))
    }

    fn add<T>(
        &mut self,
        question: ReportQuery,
        decode: fn(ReportResult) -> Option<T>,
    ) -> Pending<T> {
        self.questions.push(question);
        Pending { index: self.questions.len() - 1, decode }
    }

    /// Whether a question needs the records of the usage log, because no rollup answers it.
    pub fn reads_records(&self) -> bool {
        self.questions.iter().any(|question| match question {
            ReportQuery::Sums(question) => question.source == Source::Records,
            ReportQuery::Distinct(question) => question.source == Source::Records,
            _ => false,
        })
    }

    /// Answers all questions from one snapshot.
    ///
    /// # Errors
    /// If storage fails.
    pub async fn run(self, scope: &Scope<'_>) -> Result<Answers> {
        if self.questions.is_empty() {
            return Ok(Answers { answers: Vec::new() });
        }
        let answers = scope.store.report(&scope.workspace.id, &self.questions).await?;
        Ok(Answers { answers: answers.into_iter().map(Some).collect() })
    }
}

impl Answers {
    /// The answer that a ticket of this batch stands for.
    ///
    /// # Errors
    /// If it has too many rows, or storage broke its contract.
    pub fn take<T>(&mut self, pending: Pending<T>) -> Result<T> {
        match self.answers.get_mut(pending.index).and_then(Option::take) {
            Some(ReportResult::TooMany) => {
                Err(Error::TooManyRows { row_count_max: ROWS_MAX as i64 })
            }
            answer => answer.and_then(pending.decode).ok_or_else(broken_contract),
        }
    }

    /// The sums of a question without groups; zero if nothing was used.
    ///
    /// # Errors
    /// As [`Answers::take`].
    pub fn take_total(&mut self, pending: Pending<Vec<SumsRow>>) -> Result<Sums> {
        Ok(self.take(pending)?.pop().map(|row| row.sums).unwrap_or_default())
    }

    /// The count of a question without groups; zero if there is nothing to count.
    ///
    /// # Errors
    /// As [`Answers::take`].
    pub fn take_count(&mut self, pending: Pending<Vec<DistinctRow>>) -> Result<i64> {
        Ok(self.take(pending)?.pop().map_or(0, |row| row.count))
    }
}

fn broken_contract() -> Error {
    let cause = "a question of a report has no answer of its kind".to_owned();
    storage::Error::Corrupt(cause).into()
}
