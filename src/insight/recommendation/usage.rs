//! Usage of a window, summed up from records as recommendations need it: by model, and by feature
//! or assistant and model.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SHARE_PERCENT_MIN;
use crate::domain::attribution::SubjectKind;
use crate::domain::record::{Record, RecordKind};
use crate::domain::time::calendar::Window;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR};
use crate::domain::usage::{Outcome, ServiceTier, TokenClass, Usage};
use crate::domain::workspace::recommendation::{Baseline, RecommendationEvidence};
use crate::domain::{Amount, Time};

/// Most subjects with a model that are judged: those with the greatest cost.
pub const SUBJECTS_MAX: usize = 200;

/// Tokens of so many requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    pub requests: i64,
    pub by_class: [i64; TokenClass::COUNT],
}

/// By [`ServiceTier`].
pub type ByTier = [Tokens; ServiceTier::COUNT];

impl Tokens {
    pub fn is_empty(&self) -> bool {
        *self == Tokens::default()
    }

    pub fn total(&self) -> i64 {
        self.by_class.iter().fold(0, |sum: i64, count| sum.saturating_add(*count))
    }

    pub fn input(&self) -> i64 {
        Usage { tokens: self.by_class }.total_input()
    }

    fn merge(&mut self, other: &Tokens) {
        self.requests += other.requests;
        for (sum, count) in self.by_class.iter_mut().zip(other.by_class) {
            *sum += count;
        }
    }
}

/// All tokens, whatever their tier.
pub fn of_all_tiers(tokens: &ByTier) -> Tokens {
    let mut all = Tokens::default();
    tokens.iter().for_each(|tokens| all.merge(tokens));
    all
}

/// The same requests with another part of the tokens, rounded down.
pub fn scaled(tokens: &ByTier, (part, of): (i64, i64)) -> ByTier {
    tokens.map(|tokens| {
        let count = |count: i64| scale(count, (part, of));
        Tokens { requests: tokens.requests, by_class: tokens.by_class.map(count) }
    })
}

pub(super) fn scale(count: i64, (part, of): (i64, i64)) -> i64 {
    let scaled = i128::from(count) * i128::from(part) / i128::from(of.max(1));
    i64::try_from(scaled).unwrap_or(i64::MAX)
}

/// What was used.
#[derive(Clone, Debug, Default)]
pub struct Used {
    pub cost: Amount,
    pub tokens: ByTier,
    /// Input and output of each request that succeeded.
    sizes: Vec<[u32; 2]>,
}

impl Used {
    fn add(&mut self, record: &Record) {
        let requests = i64::from(record.kind == RecordKind::Usage);
        let tokens = Tokens { requests, by_class: record.usage.tokens };
        self.tokens[record.tier as usize].merge(&tokens);
        self.cost = sum([self.cost, record.cost]);
        if requests == 1 && record.outcome == Outcome::Success {
            let sizes = [record.usage.total_input(), record.usage.total_output()];
            self.sizes.push(sizes.map(|size| u32::try_from(size).unwrap_or(u32::MAX)));
        }
    }

    pub fn requests(&self) -> i64 {
        self.tokens.iter().map(|tokens| tokens.requests).sum()
    }

    pub fn baseline(&self) -> Baseline {
        Baseline { requests: self.requests(), cost: self.cost }
    }

    /// Of input and of output the size that so many percent of the requests do not exceed; none
    /// without requests that succeeded.
    pub fn sizes_at(&self, percent: usize) -> Option<[u32; 2]> {
        let place = (self.sizes.len() * percent).div_ceil(100).checked_sub(1)?;
        let at = |index: usize| {
            let mut sizes: Vec<u32> = self.sizes.iter().map(|sizes| sizes[index]).collect();
            *sizes.select_nth_unstable(place).1
        };
        Some([at(0), at(1)])
    }
}

/// A feature or an assistant with a model that it uses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SubjectModel {
    pub kind: SubjectKind,
    pub id: Arc<str>,
    pub model_id: Arc<str>,
}

/// What was used in a window of whole local days.
#[derive(Clone, Debug)]
pub struct Usages {
    pub window: Window,
    pub by_model: BTreeMap<Arc<str>, Used>,
    pub by_subject: BTreeMap<SubjectModel, Used>,
    /// Of the models those records whose cost lacks something.
    pub unpriced: BTreeMap<Arc<str>, Used>,
}

impl Usages {
    pub fn new(window: Window) -> Usages {
        let (by_model, by_subject, unpriced) = Default::default();
        Usages { window, by_model, by_subject, unpriced }
    }

    /// Adds an entry of the log, which lies in the window. What has no tokens of its own counts
    /// nothing: charges of expired holds and credits.
    pub fn add(&mut self, record: &Record) {
        if matches!(record.kind, RecordKind::ExpiryCharge | RecordKind::Credit) {
            return;
        }
        let model_id = &record.metered_model_id;
        self.by_model.entry(model_id.clone()).or_default().add(record);
        if record.unpriced {
            self.unpriced.entry(model_id.clone()).or_default().add(record);
        }
        for kind in [SubjectKind::Feature, SubjectKind::Assistant] {
            let Some(id) = kind.field().map(|field| record.attribution.get(field)) else {
                continue;
            };
            if !id.is_empty() {
                let key = SubjectModel { kind, id: id.into(), model_id: model_id.clone() };
                self.by_subject.entry(key).or_default().add(record);
            }
        }
    }

    /// Local days, also where one has 23 or 25 hours.
    pub fn days(&self) -> i64 {
        let length = self.window.end - self.window.start;
        ((length + 12 * MICROS_PER_HOUR) / MICROS_PER_DAY).max(1)
    }

    /// The subjects that have enough of the cost and of requests to be judged; the greatest cost
    /// first.
    pub fn heaviest(&self, requests_min: i64) -> Vec<(&SubjectModel, &Used)> {
        let all = sum(self.by_model.values().map(|used| used.cost));
        let least = i128::from(all.nanos()) * i128::from(SHARE_PERCENT_MIN);
        let is_heavy = |used: &Used| {
            i128::from(used.cost.nanos()) * 100 >= least
                && used.cost > Amount::ZERO
                && used.requests() >= requests_min
        };
        let mut heaviest: Vec<_> =
            self.by_subject.iter().filter(|(_, used)| is_heavy(used)).collect();
        heaviest.sort_by_key(|(_, used)| std::cmp::Reverse(used.cost));
        heaviest.truncate(SUBJECTS_MAX);
        heaviest
    }

    pub fn evidence(&self, used: &Used) -> RecommendationEvidence {
        let (start_time, end_time): (Time, Time) = (self.window.start, self.window.end);
        let Tokens { requests, .. } = of_all_tiers(&used.tokens);
        let tokens = of_all_tiers(&used.tokens).total();
        RecommendationEvidence { start_time, end_time, requests, tokens, cost: used.cost }
    }
}

/// Of what is more than an amount says, that.
pub(super) fn sum(amounts: impl IntoIterator<Item = Amount>) -> Amount {
    let nanos = amounts.into_iter().fold(0_i64, |sum, it| sum.saturating_add(it.nanos()));
    Amount::from_nanos(nanos)
}
