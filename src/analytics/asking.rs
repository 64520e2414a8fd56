//! Collects questions, so that they are put to storage at once, and hands out the answers by kind.

use super::{Error, Result, Scope};
use crate::domain::Time;
use crate::storage;
use crate::storage::reports::{
    Answer, DistinctQuestion, DistinctRow, Question, ROWS_MAX, RefusalsQuestion, RefusalsRow,
    SignUp, SumsQuestion, SumsRow,
};
use crate::storage::rollup::Sums;

/// Questions in order; each is answered at the place that adding it returned.
#[derive(Default)]
pub struct Asking {
    questions: Vec<Question>,
}

/// Answers by place, each handed out once.
pub struct Answers {
    answers: Vec<Option<Answer>>,
}

impl Asking {
    pub fn add(&mut self, question: Question) -> usize {
        self.questions.push(question);
        self.questions.len() - 1
    }

    pub fn sums(&mut self, question: SumsQuestion) -> usize {
        self.add(Question::Sums(question))
    }

    pub fn distinct(&mut self, question: DistinctQuestion) -> usize {
        self.add(Question::Distinct(question))
    }

    pub fn refusals(&mut self, question: RefusalsQuestion) -> usize {
        self.add(Question::Refusals(question))
    }

    /// All answers, from one state of the data.
    ///
    /// # Errors
    /// If storage fails.
    pub async fn ask(self, scope: &Scope<'_>) -> Result<Answers> {
        if self.questions.is_empty() {
            return Ok(Answers { answers: Vec::new() });
        }
        let id = &scope.workspace.id;
        let answers = scope.store.report(id, &self.questions).await?;
        Ok(Answers { answers: answers.into_iter().map(Some).collect() })
    }
}

/// Takes the answer of one kind.
macro_rules! take {
    ($name:ident, $kind:ident, $type:ty) => {
        /// # Errors
        /// If there are too many rows, or storage answered something else.
        pub fn $name(&mut self, place: usize) -> Result<$type> {
            match self.answers.get_mut(place).and_then(Option::take) {
                Some(Answer::$kind(answer)) => Ok(answer),
                Some(Answer::TooMany) => Err(too_many()),
                _ => Err(mismatch(stringify!($kind))),
            }
        }
    };
}

impl Answers {
    take!(sums, Sums, Vec<SumsRow>);
    take!(distinct, Distinct, Vec<DistinctRow>);
    take!(refusals, Refusals, Vec<RefusalsRow>);
    take!(known_users, KnownUsers, Vec<i64>);
    take!(sign_ups, SignUps, Vec<SignUp>);
    take!(record_count, RecordCount, i64);
    take!(sums_between, SumsBetween, Sums);
    take!(names, Names, Vec<(String, String)>);
    take!(dropped_before, DroppedBefore, Option<Time>);
}

fn too_many() -> Error {
    Error::TooManyRows { row_count_max: ROWS_MAX as i64 }
}

fn mismatch(kind: &str) -> Error {
    storage::Error::Corrupt(format!("a question of kind {kind} was answered by another")).into()
}
