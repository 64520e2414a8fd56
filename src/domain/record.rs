//! Entries of the usage log: the source of truth. Append-only; corrections are entries too.

use std::sync::Arc;

use crate::domain::attribution::{Attribution, PackedAttribution};
use crate::domain::catalog::names::Hint;
use crate::domain::catalog::price::Rate;
use crate::domain::time::Micros;
use crate::domain::usage::{Extras, Outcome, ServiceTier, Usage, UsageSource};
use crate::domain::{Amount, Time};

/// How far back a record's `start_time` may lie. Keys are never deleted, so no late replay
/// counts twice (I5).
pub const RECORD_AGE_MAX: Micros = 35 * crate::domain::time::MICROS_PER_DAY;
/// How far ahead a record's `start_time` is kept as it is, for clocks that differ.
pub const RECORD_AHEAD_MAX: Micros = 5 * crate::domain::time::MICROS_PER_MINUTE;
/// How far ahead a record's `start_time` may lie without a live hold: then it counts as now.
pub const CLOCK_AHEAD_MAX: Micros = crate::domain::time::MICROS_PER_DAY;

/// The highest number of an attempt of one request.
pub const ATTEMPT_MAX: i32 = 1_000;
/// Attempt number of the entries that charge expired holds of a request and take such charges back.
/// At most one charge is in force: these entries add up to it.
pub const EXPIRY_ATTEMPT: i32 = -1;

/// Attempt number of a credit: above those that callers count, so that the id of a credit may be
/// that of a request.
pub const CREDIT_ATTEMPT: i32 = 1_001;
/// Where an answer counts that cannot be read, without a hold.
pub const UNREAD_MODEL_ID: &str = "unread";
/// Where a credit counts that names no model.
pub const CREDIT_MODEL_ID: &str = "credit";

/// One entry of the log. Its key is (workspace, request, attempt, revision).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Position in the log: grows with each entry, with gaps.
    pub seq: i64,
    pub workspace_id: Arc<str>,
    pub request_id: Arc<str>,
    /// 0 to [`ATTEMPT_MAX`]; [`EXPIRY_ATTEMPT`] for the charge of an expired hold.
    pub attempt: i32,
    /// 0 for the entry itself, 1 and up for its corrections; of [`EXPIRY_ATTEMPT`] also for further
    /// charges.
    pub revision: i32,
    pub kind: RecordKind,
    /// As the caller or provider named it.
    pub model_id: Arc<str>,
    /// Model whose spend and cap this entry counts in: the catalog's id of `model_id`; where the
    /// catalog does not know it, the hold's model, or else `model_id` itself.
    pub metered_model_id: Arc<str>,
    pub tier: ServiceTier,
    pub usage: Usage,
    /// Units and factors; absent where there are none, as mostly.
    pub extras: Option<Box<Extras>>,
    /// The provider answer that the usage was read in; absent if the caller counted.
    pub answer: Option<Box<KeptAnswer>>,
    pub outcome: Outcome,
    pub source: UsageSource,
    /// In the workspace's currency; of a correction the difference.
    pub cost: Amount,
    /// The model was unknown or had no price or no exchange rate; or its price has no rate for
    /// units or tokens that were used, or no factor of a name: then the cost lacks these.
    pub unpriced: bool,
    /// The cost named by the workspace that this entry was above when it was written: it is a large
    /// record. Absent if it was not, and of what an administrator makes.
    pub large_above: Option<Amount>,
    /// Price it was billed at; absent if it was billed at zero for lack of one.
    pub price_id: Option<Arc<str>>,
    /// Exchange rate it was billed at; [`Rate::ONE`] where the currencies are the same.
    pub exchange_rate: Rate,
    /// Time whose windows are charged.
    pub charge_time: Time,
    /// Start of the workspace's local hour of `charge_time`: the rollup it is folded into.
    pub hour: Time,
    /// Start of the workspace's local day of `charge_time`: the rollup by day it is folded into.
    pub day: Time,
    pub start_time: Time,
    /// The clock of the caller was out of range: `start_time` was put right.
    pub start_time_adjusted: bool,
    pub record_time: Time,
    pub latency: Micros,
    pub attribution: Attribution,
    /// Group that the API key was in when the request was checked; empty if in none.
    pub key_group_id: Arc<str>,
    /// Hash of what the caller sent: tells a repeat from another record under the same key.
    pub fingerprint: i64,
}

/// A provider answer as it is kept with its record: without content. It can be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Provider that answered: as the caller named it, or inferred from the answer; empty if it is
    /// not known.
    pub provider: String,
    /// One JSON text.
    pub json: String,
    /// Names of what should be known of the reading beside its figures.
    pub flags: Vec<String>,
    /// Tokens of other models that were used for the same answer, such as an advisor, each billed
    /// at its own price.
    pub others: Vec<(String, Usage)>,
    /// No usage was found in it: the estimate of the hold is charged.
    pub is_unread: bool,
    /// Contexts that the provider keeps of it: the answer's id, and the one that the caller names.
    pub context_ids: Vec<String>,
    pub given: Given,
}

impl KeptAnswer {
    /// The provider whose model is billed.
    pub fn hint(&self) -> Hint<'_> {
        match self.given.provider {
            true => Hint::Named(&self.provider),
            false => Hint::Inferred(&self.provider),
        }
    }
}

/// What a caller said itself beside a provider answer: it counts before what is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    pub provider: bool,
    pub tier: Option<ServiceTier>,
    pub extras: Option<Box<Extras>>,
}

/// What a report has of a provider answer beside its usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerReport {
    pub kept: KeptAnswer,
    /// Hash of what the caller sent: another version may read it differently.
    pub fingerprint: i64,
}

impl Record {
    /// Whether it ends the hold of its request.
    pub fn ends_hold(&self) -> bool {
        self.kind == RecordKind::Usage
    }

    /// Whether it is the record of a report with this content.
    pub fn is_usage_of(&self, fingerprint: i64) -> bool {
        self.kind == RecordKind::Usage && self.fingerprint == fingerprint
    }
}

coded_enum! {
    pub enum RecordKind {
        Usage = 0,
        Correction = 1,
        ExpiryCharge = 2,
        /// Cost that was taken back without a record of its own: a refund, a free tier.
        Credit = 3,
        /// A correction that takes back all that a wrong record has cost.
        Void = 4,
    }
}

impl RecordKind {
    /// Whether it corrects an earlier entry.
    pub fn corrects(self) -> bool {
        matches!(self, RecordKind::Correction | RecordKind::Void)
    }
}

/// Cost to be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditReport {
    pub credit_id: Arc<str>,
    /// Above 0.
    pub amount: Amount,
    pub reason: String,
    pub reference: String,
    /// Model whose spend it lowers; empty for none.
    pub model_id: String,
    /// Whose windows it lowers; absent for now.
    pub time: Option<Time>,
    pub attribution: Option<Box<Attribution>>,
}

impl CreditReport {
    /// Hash of the content, stable for ever: kept in the log.
    pub fn fingerprint(&self) -> i64 {
        let mut print = Fingerprint::default();
        print.int(self.amount.nanos());
        for text in [&self.reason, &self.reference, &self.model_id] {
            print.text(text);
        }
        print.int(self.time.map_or(-1, Time::micros));
        let attribution = self.attribution.as_deref().and_then(PackedAttribution::new);
        print.attribution(attribution.as_ref());
        print.finish()
    }
}

/// What a caller says about one billed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageReport {
    pub request_id: Arc<str>,
    /// 0 also where the caller names none.
    pub attempt: i32,
    pub model_id: String,
    pub tier: ServiceTier,
    pub usage: Usage,
    pub extras: Option<Box<Extras>>,
    /// The provider answer that usage, model and tier were read in.
    pub answer: Option<Box<AnswerReport>>,
    pub outcome: Outcome,
    pub source: UsageSource,
    pub start_time: Option<Time>,
    pub latency: Micros,
    pub attribution: Option<Box<Attribution>>,
}

impl UsageReport {
    /// Provider that answered.
    pub fn provider(&self) -> Hint<'_> {
        self.answer.as_deref().map_or(Hint::Named(""), |answer| answer.kept.hint())
    }

    /// Whether it has a provider answer in which no usage was found.
    pub fn is_unread(&self) -> bool {
        self.answer.as_deref().is_some_and(|answer| answer.kept.is_unread)
    }

    /// Tokens of other models in the same answer.
    pub fn others(&self) -> &[(String, Usage)] {
        self.answer.as_deref().map_or(&[], |answer| &answer.kept.others)
    }

    /// Hash of the content, stable for ever: kept in the log.
    pub fn fingerprint(&self) -> i64 {
        let mut print = Fingerprint::default();
        if let Some(answer) = &self.answer {
            print.int(answer.fingerprint);
        } else {
            print.text(&self.model_id);
            print.int(self.tier as i64);
            for count in self.usage.tokens {
                print.int(count);
            }
        }
        print.int(self.outcome as i64);
        print.int(self.source as i64);
        print.int(self.start_time.map_or(-1, Time::micros));
        print.int(self.latency);
        let attribution = self.attribution.as_deref().and_then(PackedAttribution::new);
        print.attribution(attribution.as_ref());
        if let Some(extras) = self.extras.as_deref().filter(|_| self.answer.is_none()) {
            extras.print(&mut print);
        }
        print.finish()
    }
}

/// Hash of what a caller sent, to tell a repeat from another request under the same id.
///
/// It is stored, so its input and algorithm (XXH3, 64 bits, numbers of 8 bytes, little endian,
/// texts prefixed with their length) must never change.
pub struct Fingerprint {
    bytes: Vec<u8>,
}

impl Default for Fingerprint {
    fn default() -> Fingerprint {
        // As much as is usual.
        Fingerprint { bytes: Vec::with_capacity(256) }
    }
}

impl Fingerprint {
    pub fn int(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.int(text.len() as i64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// An absent attribution counts as an empty one.
    pub fn attribution(&mut self, attribution: Option<&PackedAttribution>) {
        match attribution {
            None => self.int(-1),
            Some(packed) => {
                self.int(packed.as_bytes().len() as i64);
                self.bytes.extend_from_slice(packed.as_bytes());
            }
        }
    }

    pub fn finish(self) -> i64 {
        xxhash_rust::xxh3::xxh3_64(&self.bytes).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change of these values would make every repeat after an upgrade look like other content.
    #[test]
    fn never_changes() {
        let mut print = Fingerprint::default();
        print.text("gpt-4o");
        print.int(-7);
        print.attribution(None);
        assert_eq!(print.finish(), NEVER_CHANGES);
    }

    const NEVER_CHANGES: i64 = -7_902_438_400_023_155_366;

    #[test]
    fn boundaries_between_texts_count() {
        let of = |texts: &[&str]| {
            let mut print = Fingerprint::default();
            for text in texts {
                print.text(text);
            }
            print.finish()
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
    }
}
