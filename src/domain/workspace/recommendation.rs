//! Recommendations as they are stored: what would save money, on which evidence, and what people
//! say of it.
//!
//! What is worth recommending is found elsewhere.

use std::sync::Arc;

use crate::domain::attribution::SubjectKind;
use crate::domain::catalog::price::round_half_even;
use crate::domain::record::Fingerprint;
use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::domain::{Amount, Time};

/// Most recommendations that are made of a workspace in one night.
pub const RECOMMENDATIONS_MAX: usize = 1_000;
/// A recommendation that is open expires so long after it was found last.
pub const EXPIRY: Micros = 7 * MICROS_PER_DAY;
/// It is forgotten so long after it has expired.
pub const KEPT: Micros = 400 * MICROS_PER_DAY;
/// Savings are of a month of so many days.
pub const MONTH_DAYS: i64 = 30;
/// After a recommendation was taken, its saving is measured over so many days.
pub const MEASURED_DAYS: i64 = 28;

coded_enum! {
    pub enum RecommendationKind {
        Model = 0,
        Prompt = 1,
        Cache = 2,
        Batch = 3,
        Idle = 4,
        Price = 5,
    }
}

coded_enum! {
    /// Why it is recommended.
    pub enum RecommendationReason {
        CheaperModel = 0,
        InputAbovePeers = 1,
        InputGrew = 2,
        FewCacheReads = 3,
        NightlyRequests = 4,
        LimitUnused = 5,
        KeyUnused = 6,
        AssistantUnused = 7,
        PriceAboveList = 8,
        Unpriced = 9,
    }
}

impl RecommendationReason {
    pub fn kind(self) -> RecommendationKind {
        use RecommendationKind::{Batch, Cache, Idle, Model, Price, Prompt};
        match self {
            Self::CheaperModel => Model,
            Self::InputAbovePeers | Self::InputGrew => Prompt,
            Self::FewCacheReads => Cache,
            Self::NightlyRequests => Batch,
            Self::LimitUnused | Self::KeyUnused | Self::AssistantUnused => Idle,
            Self::PriceAboveList | Self::Unpriced => Price,
        }
    }
}

coded_enum! {
    /// What a person has said of it.
    pub enum RecommendationState {
        /// Nothing: it expires.
        Open = 0,
        Taken = 1,
        Dismissed = 2,
    }
}

coded_enum! {
    /// How a recommendation stands at a time.
    pub enum RecommendationStatus {
        Open = 0,
        Taken = 1,
        Dismissed = 2,
        /// Open, and not found for a while.
        Expired = 3,
    }
}

/// What a recommendation is about. There is one of each kind for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecommendationTopic {
    pub reason: RecommendationReason,
    pub subject_kind: SubjectKind,
    /// Empty for the workspace itself.
    pub subject_id: Arc<str>,
    /// The model that is used, or whose cap it is; empty for none.
    pub model_id: Arc<str>,
    /// The model to change to, the quota, or the price; empty for none.
    pub target: Arc<str>,
}

impl RecommendationTopic {
    /// The same for the same topic.
    pub fn id(&self) -> Arc<str> {
        let mut print = Fingerprint::default();
        print.int(self.subject_kind as i64);
        for text in [&self.subject_id, &self.model_id, &self.target] {
            print.text(text);
        }
        format!("{}-{:016x}", self.reason.kind().as_str(), print.finish().cast_unsigned()).into()
    }
}

/// Usage of a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecommendationEvidence {
    pub start_time: Time,
    pub end_time: Time,
    pub requests: i64,
    pub tokens: i64,
    pub cost: Amount,
}

/// Money of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saving {
    /// May be below zero.
    pub low: Amount,
    pub expected: Amount,
    pub high: Amount,
}

/// What was used before it was taken: what usage after it is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    pub requests: i64,
    pub cost: Amount,
}

/// What was saved since a recommendation was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasuredSaving {
    pub start_time: Time,
    pub end_time: Time,
    pub requests: i64,
    /// In that time; below zero where it has cost more.
    pub saved: Amount,
}

/// What was found in one night.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    pub topic: RecommendationTopic,
    pub evidence: RecommendationEvidence,
    /// Absent where there is none in money.
    pub saving: Option<Saving>,
    pub baseline: Baseline,
}

/// Who has said something of it, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    pub time: Time,
    pub actor: String,
    /// Of one that is dismissed; else empty.
    pub reason: String,
}

/// A recommendation as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recommendation {
    pub id: Arc<str>,
    pub advice: Advice,
    pub create_time: Time,
    /// When it was found last.
    pub find_time: Time,
    pub expire_time: Time,
    pub state: RecommendationState,
    pub change: Option<StateChange>,
    pub measured: Option<MeasuredSaving>,
}

impl Recommendation {
    /// One that was found, with what is known of it already. The evidence of one that is taken
    /// stays: its saving is measured against it.
    pub fn found(advice: Advice, known: Option<Recommendation>, now: Time) -> Recommendation {
        let new = Recommendation {
            id: advice.topic.id(),
            advice,
            create_time: now,
            find_time: now,
            expire_time: now + EXPIRY,
            state: RecommendationState::Open,
            change: None,
            measured: None,
        };
        let Some(known) = known else { return new };
        let Recommendation { create_time, state, change, measured, .. } = known;
        let is_taken = state == RecommendationState::Taken;
        let advice = if is_taken { known.advice } else { new.advice };
        Recommendation { advice, create_time, state, change, measured, ..new }
    }

    pub fn status(&self, now: Time) -> RecommendationStatus {
        match self.state {
            RecommendationState::Open if self.expire_time <= now => RecommendationStatus::Expired,
            RecommendationState::Open => RecommendationStatus::Open,
            RecommendationState::Taken => RecommendationStatus::Taken,
            RecommendationState::Dismissed => RecommendationStatus::Dismissed,
        }
    }

    /// What lists are ordered by.
    pub fn rank(&self) -> Amount {
        self.advice.saving.map_or(Amount::ZERO, |saving| saving.expected)
    }
}

impl Baseline {
    /// What so many requests would have cost as before, less what they did cost; rounded once, half
    /// to even. None where there was nothing before, or it is more than an amount says.
    pub fn saved(&self, requests: i64, cost: Amount) -> Option<Amount> {
        if self.requests <= 0 {
            return None;
        }
        let before = i128::from(self.cost.nanos()) * i128::from(requests);
        let before = round_half_even(before, i128::from(self.requests));
        i64::try_from(before - i128::from(cost.nanos())).ok().map(Amount::from_nanos)
    }
}

/// An amount of so many days as one of a month, rounded half to even. None if that is more than an
/// amount says.
pub fn a_month(amount: Amount, days: i64) -> Option<Amount> {
    let nanos = i128::from(amount.nanos()) * i128::from(MONTH_DAYS);
    let nanos = round_half_even(nanos, i128::from(days.max(1)));
    i64::try_from(nanos).ok().map(Amount::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(cost: i64) -> Advice {
        let text = |text: &str| Arc::from(text);
        Advice {
            topic: RecommendationTopic {
                reason: RecommendationReason::CheaperModel,
                subject_kind: SubjectKind::Feature,
                subject_id: text("search"),
                model_id: text("big"),
                target: text("small"),
            },
            evidence: RecommendationEvidence {
                start_time: Time::EARLIEST,
                end_time: Time::EARLIEST + MICROS_PER_DAY,
                requests: 1,
                tokens: 2,
                cost: Amount::from_nanos(cost),
            },
            saving: None,
            baseline: Baseline { requests: 1, cost: Amount::from_nanos(cost) },
        }
    }

    #[test]
    fn what_was_said_survives_and_what_was_taken_keeps_its_evidence() {
        let first = Recommendation::found(advice(5), None, Time::EARLIEST);
        let later = Time::EARLIEST + MICROS_PER_DAY;
        assert_eq!(first.status(Time::EARLIEST + EXPIRY - 1), RecommendationStatus::Open);
        assert_eq!(first.status(Time::EARLIEST + EXPIRY), RecommendationStatus::Expired);
        for (state, cost) in [
            (RecommendationState::Open, 6),
            (RecommendationState::Dismissed, 6),
            (RecommendationState::Taken, 5),
        ] {
            let change = StateChange { time: later, actor: "ada".into(), reason: String::new() };
            let known = Recommendation { state, change: Some(change.clone()), ..first.clone() };
            let again = Recommendation::found(advice(6), Some(known), later);
            assert_eq!(again.id, first.id);
            assert_eq!((again.state, again.change.as_ref()), (state, Some(&change)));
            assert_eq!(again.advice, advice(cost), "{state:?}");
            assert_eq!((again.create_time, again.find_time), (Time::EARLIEST, later));
            assert_eq!(again.expire_time, later + EXPIRY);
        }
    }

    #[test]
    fn an_id_is_of_one_topic() {
        let topic = advice(1).topic;
        for other in [
            RecommendationTopic { reason: RecommendationReason::Unpriced, ..topic.clone() },
            RecommendationTopic { subject_kind: SubjectKind::Assistant, ..topic.clone() },
            RecommendationTopic { subject_id: "find".into(), ..topic.clone() },
            RecommendationTopic { model_id: "bigsmall".into(), target: "".into(), ..topic.clone() },
        ] {
            assert_ne!(other.id(), topic.id(), "{other:?}");
        }
        // Of prompts there is one, for whichever reason.
        let of = |reason| RecommendationTopic { reason, ..topic.clone() }.id();
        assert_eq!(of(RecommendationReason::InputGrew), of(RecommendationReason::InputAbovePeers));
    }

    #[test]
    fn savings_are_measured_by_the_cost_of_a_request_before() {
        let baseline = Baseline { requests: 3, cost: Amount::from_nanos(100) };
        // 100 / 3 x 2 is 66.67.
        assert_eq!(baseline.saved(2, Amount::from_nanos(7)), Some(Amount::from_nanos(60)));
        assert_eq!(baseline.saved(0, Amount::from_nanos(7)), Some(Amount::from_nanos(-7)));
        assert_eq!(Baseline::default().saved(2, Amount::ZERO), None);
        assert_eq!(a_month(Amount::from_nanos(28), 28), Some(Amount::from_nanos(30)));
        // 7 x 30 / 28 is 7.5, 9 x 30 / 28 is 9.64.
        assert_eq!(a_month(Amount::from_nanos(7), 28), Some(Amount::from_nanos(8)));
        assert_eq!(a_month(Amount::from_nanos(9), 28), Some(Amount::from_nanos(10)));
    }
}
