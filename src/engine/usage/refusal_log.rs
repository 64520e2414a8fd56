//! The latest checks of a workspace that were blocked or routed, with their verdicts, so that there
//! is an answer afterwards to why. In memory alone: a restart empties it. How many there were is
//! counted elsewhere and kept, see [`crate::engine::rollups`].

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::Time;
use crate::domain::attribution::{Attribution, AttributionField, PackedAttribution, SubjectKind};
use crate::domain::check::{Answer, Decision, Reason, Subject, Verdict};
use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::engine::error::Result;
use crate::engine::{Engine, InCurrency};

/// Most refusals that are kept of one workspace.
pub const REFUSALS_MAX: usize = 1_000;
/// How long they are kept.
pub const REFUSAL_AGE_MAX: Micros = MICROS_PER_DAY;
/// Most bytes that they take, of all workspaces; beyond that a workspace keeps its latest few.
pub const REFUSAL_BYTES_MAX: usize = 64 * 1024 * 1024;
/// That many of each workspace are kept in any case.
const REFUSALS_MIN: usize = 10;
/// Most verdicts of one that are kept.
const VERDICTS_KEPT_MAX: usize = 16;
/// How far back a repeated check is looked for.
const REPEATS_MAX: usize = 32;

/// A check that did not allow its request on the requested model.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Grows with each refusal of its workspace.
    pub number: u64,
    pub time: Time,
    pub request_id: Arc<str>,
    /// As it was named.
    pub requested_model_id: String,
    pub answer: Answer,
    pub reason: Option<Reason>,
    attribution: Option<PackedAttribution>,
    pub verdicts: Vec<Verdict>,
}

/// Which refusals to list. Absent parts do not restrict.
#[derive(Clone, Debug, Default)]
pub struct RefusalFilter {
    pub is_blocked: Option<bool>,
    pub user_id: Option<String>,
    pub api_key_id: Option<String>,
    /// The requested model, by its name or its id.
    pub model_ids: Vec<String>,
    pub request_id: Option<String>,
    pub from: Option<Time>,
    pub to: Option<Time>,
}

/// A part of the refusals of a workspace, newest first.
#[derive(Clone, Debug)]
pub struct RefusalPage {
    pub refusals: Vec<Arc<Refusal>>,
    /// How many match in all.
    pub total_count: usize,
    /// All of them are kept from this time on.
    pub kept_from: Time,
}

/// Bytes that are kept of all workspaces.
#[derive(Clone, Default)]
pub(in crate::engine) struct RefusalBytes(Arc<AtomicUsize>);

/// The refusals of one workspace.
pub(in crate::engine) struct RefusalLog {
    kept: Mutex<Kept>,
}

struct Kept {
    refusals: VecDeque<Arc<Refusal>>,
    next_number: u64,
    bytes: usize,
    total: RefusalBytes,
    /// Those of before are not kept.
    since: Time,
}

impl Refusal {
    pub(in crate::engine) fn new(
        time: Time,
        request_id: &Arc<str>,
        requested_model_id: &str,
        attribution: Option<&PackedAttribution>,
        decision: &Decision,
    ) -> Refusal {
        let verdicts = decision.verdicts.iter().take(VERDICTS_KEPT_MAX);
        Refusal {
            number: 0,
            time,
            request_id: request_id.clone(),
            requested_model_id: requested_model_id.to_owned(),
            answer: decision.answer.clone(),
            reason: decision.reason,
            attribution: attribution.cloned(),
            verdicts: verdicts.cloned().collect(),
        }
    }

    pub fn attribution(&self) -> Attribution {
        self.attribution.as_ref().map(PackedAttribution::unpack).unwrap_or_default()
    }

    /// What it takes, roughly: what texts and lists take, and a bit.
    fn bytes(&self) -> usize {
        let packed = self.attribution.as_ref().map_or(0, |packed| packed.as_bytes().len());
        let texts = self.request_id.len() + self.requested_model_id.len();
        size_of::<Refusal>() + self.verdicts.len() * size_of::<Verdict>() + packed + texts
    }

    fn field(&self, field: AttributionField) -> &str {
        self.attribution.as_ref().map_or("", |attribution| attribution.get(field))
    }

    fn names_user(&self, user_id: &str) -> bool {
        let is_it = |verdict: &Verdict| match &verdict.subject {
            Subject::Member { kind, id } => *kind == SubjectKind::User && **id == *user_id,
            _ => false,
        };
        self.field(AttributionField::User) == user_id || self.verdicts.iter().any(is_it)
    }
}

impl RefusalFilter {
    fn matches(&self, refusal: &Refusal) -> bool {
        let is_it = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        let is_blocked = refusal.answer == Answer::Blocked;
        self.is_blocked.is_none_or(|wanted| wanted == is_blocked)
            && is_it(&self.user_id, refusal.field(AttributionField::User))
            && is_it(&self.api_key_id, refusal.field(AttributionField::ApiKey))
            && is_it(&self.request_id, &refusal.request_id)
            && (self.model_ids.is_empty() || self.model_ids.contains(&refusal.requested_model_id))
            && self.from.is_none_or(|from| refusal.time >= from)
            && self.to.is_none_or(|to| refusal.time < to)
    }
}

impl RefusalLog {
    /// None, from this time on.
    pub fn new(since: Time) -> RefusalLog {
        let kept = Kept {
            refusals: VecDeque::new(),
            next_number: 1,
            bytes: 0,
            total: RefusalBytes::default(),
            since,
        };
        RefusalLog { kept: Mutex::new(kept) }
    }

    /// Keeps a refusal, unless it repeats one.
    pub fn add(&self, mut refusal: Refusal, total: &RefusalBytes) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes == 0 {
            kept.total = total.clone();
        }
        // A check whose hold lives is answered again and again with the same.
        let is_repeat = |other: &Arc<Refusal>| {
            other.answer == refusal.answer && other.request_id == refusal.request_id
        };
        let is_routed = matches!(refusal.answer, Answer::Routed(_));
        if is_routed && kept.refusals.iter().rev().take(REPEATS_MAX).any(is_repeat) {
            return;
        }
        refusal.number = kept.next_number;
        kept.next_number += 1;
        kept.drop_old(refusal.time);
        let bytes = refusal.bytes();
        kept.bytes += bytes;
        kept.total.0.fetch_add(bytes, Ordering::Relaxed);
        kept.refusals.push_back(Arc::new(refusal));
        kept.drop_surplus();
    }

    /// Drops those that name a user.
    pub fn forget_user(&self, user_id: &str) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (named, others): (VecDeque<_>, VecDeque<_>) =
            kept.refusals.drain(..).partition(|refusal| refusal.names_user(user_id));
        kept.refusals = others;
        named.iter().for_each(|refusal| kept.free(refusal.bytes()));
    }

    /// At most `limit` that match, before a number.
    fn page(
        &self,
        now: Time,
        filter: &RefusalFilter,
        before: Option<u64>,
        limit: usize,
    ) -> RefusalPage {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.drop_old(now);
        let matching = kept.refusals.iter().rev().filter(|refusal| filter.matches(refusal));
        let (mut refusals, mut total_count) = (Vec::new(), 0);
        for refusal in matching {
            total_count += 1;
            if refusals.len() < limit && before.is_none_or(|before| refusal.number < before) {
                refusals.push(refusal.clone());
            }
        }
        let kept_from = kept.since.max(now - REFUSAL_AGE_MAX);
        RefusalPage { refusals, total_count, kept_from }
    }
}

impl Kept {
    fn drop_old(&mut self, now: Time) {
        let oldest = now - REFUSAL_AGE_MAX;
        while self.refusals.front().is_some_and(|refusal| refusal.time < oldest) {
            self.drop_first();
        }
    }

    fn drop_surplus(&mut self) {
        while self.refusals.len() > REFUSALS_MAX
            || self.refusals.len() > REFUSALS_MIN
                && self.total.0.load(Ordering::Relaxed) > REFUSAL_BYTES_MAX
        {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        let Some(first) = self.refusals.pop_front() else { return };
        self.free(first.bytes());
        // Others of the same moment may be dropped, too.
        self.since = self.since.max(first.time + 1);
    }

    fn free(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.total.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.total.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Engine {
    /// The latest refusals that match, newest first, before a number.
    pub async fn refusals(
        &self,
        workspace_id: &str,
        mut filter: RefusalFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<InCurrency<RefusalPage>> {
        let workspace = self.workspace(workspace_id).await?;
        let currency = workspace.lock().workspace().currency;
        // A model is found by whatever name it was asked for under.
        let catalog = self.catalog();
        let named = filter.model_ids.first().and_then(|id| catalog.by_id_or_alias(id));
        if let Some(entry) = named {
            let model = entry.model();
            filter.model_ids.push(model.id.to_string());
            filter.model_ids.extend(model.aliases.iter().cloned());
        }
        let value = workspace.refusals().page(self.now(), &filter, before, limit);
        Ok(InCurrency { currency, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Amount;
    use crate::domain::check::BudgetState;

    fn decision(answer: Answer) -> Decision {
        Decision {
            answer,
            attempt: 0,
            held: Amount::ZERO,
            expire_time: None,
            state: BudgetState::NoPlan,
            reason: Some(Reason::PlanNotSet),
            verdicts: Vec::new(),
            retry_after: None,
            limits: Vec::new(),
        }
    }

    fn refusal(id: usize, time: i64) -> Refusal {
        let id = format!("r-{id}").into();
        Refusal::new(Time::from_micros(time), &id, "big", None, &decision(Answer::Blocked))
    }

    fn all(log: &RefusalLog, now: i64) -> RefusalPage {
        log.page(Time::from_micros(now), &RefusalFilter::default(), None, usize::MAX)
    }

    #[test]
    fn the_latest_are_kept_by_number_and_age_and_the_time_from_which_they_are_is_known() {
        let (log, total) = (RefusalLog::new(Time::from_micros(5)), RefusalBytes::default());
        let day = REFUSAL_AGE_MAX;
        for index in 0..REFUSALS_MAX {
            log.add(refusal(index, day + index as i64), &total);
        }
        let page = all(&log, day + 2_000);
        assert_eq!((page.total_count, page.kept_from.micros()), (REFUSALS_MAX, 2_000));
        assert_eq!(&*page.refusals[0].request_id, "r-999");
        log.add(refusal(1_000, day + 3_000), &total);
        let page = all(&log, day + 3_000);
        assert_eq!(page.total_count, REFUSALS_MAX);
        assert_eq!(page.kept_from.micros(), day + 1);
        let page = all(&log, 2 * day + 3_000);
        assert_eq!((page.total_count, page.kept_from.micros()), (1, day + 3_000));
        assert_eq!(all(&log, 2 * day + 3_001).total_count, 0);
        assert_eq!(total.0.load(Ordering::Relaxed), 0, "nothing is counted that is not kept");
    }

    #[test]
    fn all_workspaces_together_are_bounded_and_each_keeps_a_few() {
        let total = RefusalBytes::default();
        total.0.store(REFUSAL_BYTES_MAX, Ordering::Relaxed);
        let log = RefusalLog::new(Time::EARLIEST);
        for index in 0..100 {
            log.add(refusal(index, index as i64), &total);
        }
        assert_eq!(all(&log, 100).total_count, REFUSALS_MIN);
        drop(log);
        assert_eq!(total.0.load(Ordering::Relaxed), REFUSAL_BYTES_MAX);
    }

    #[test]
    fn a_check_that_is_answered_again_is_kept_once() {
        let (log, total) = (RefusalLog::new(Time::EARLIEST), RefusalBytes::default());
        let routed = decision(Answer::Routed("small".into()));
        for (id, time) in [("a", 1), ("b", 2), ("a", 3)] {
            let time = Time::from_micros(time);
            log.add(Refusal::new(time, &id.into(), "big", None, &routed), &total);
        }
        let ids: Vec<Arc<str>> =
            all(&log, 9).refusals.iter().map(|refusal| refusal.request_id.clone()).collect();
        assert_eq!(ids, ["b".into(), "a".into()]);
    }
}
