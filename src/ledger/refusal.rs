//! Counts checks that were blocked or routed, until somebody takes the counts and keeps them.
//!
//! In memory, in a bounded number of keys. Decides nothing and forgets nothing but what a crash
//! takes.

use std::collections::BTreeMap;

use super::check::PreparedCheck;
use super::state::Ledger;
use crate::domain::Amount;
use crate::domain::check::{
    Answer, Decision, LimitKey, LimitKind, Reason, RefusalCounts, RefusalKey, Subject, Verdict,
};

/// Distinct keys that are kept apart between two takings. Beyond, whom a refusal is for is left
/// out.
pub const REFUSAL_KEYS_MAX: usize = 10_000;
/// Beyond so many more the model is left out as well: callers may spell any number of them.
const KEYS_WITHOUT_USER_MAX: usize = 1_000;
/// Counts by key.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<RefusalKey, RefusalCounts>);

impl Refusals {
    fn add(&mut self, mut key: RefusalKey, counts: &RefusalCounts) {
        if self.0.len() >= REFUSAL_KEYS_MAX && !self.0.contains_key(&key) {
            key.user_id.clear();
            if self.0.len() >= REFUSAL_KEYS_MAX + KEYS_WITHOUT_USER_MAX
                && !self.0.contains_key(&key)
            {
                key.model_id.clear();
            }
        }
        self.0.entry(key).or_default().add(counts);
    }

    fn rename(&mut self, from: &str, to: &str) {
        let renamed = self.0.extract_if(.., |key, _| key.user_id == from);
        let renamed: Vec<(RefusalKey, RefusalCounts)> = renamed.collect();
        for (key, counts) in renamed {
            self.add(RefusalKey { user_id: to.to_owned(), ..key }, &counts);
        }
    }
}

impl Ledger {
    /// Counts a decision once for the request, and once for each limit or rule in its way. What is
    /// granted as asked for, or was only tried, is not counted.
    pub(super) fn count_refusal(
        &mut self,
        prepared: &PreparedCheck,
        need: Amount,
        decision: &Decision,
    ) {
        if prepared.is_dry_run() {
            return;
        }
        let counts = match decision.answer {
            Answer::Allowed => return,
            Answer::Blocked => {
                RefusalCounts { blocked_count: 1, blocked: need, ..RefusalCounts::default() }
            }
            Answer::Routed(_) => RefusalCounts {
                routed_count: 1,
                saved: need - decision.held,
                ..RefusalCounts::default()
            },
        };
        let blocking = decision.verdicts.iter().filter(|verdict| verdict.blocking);
        let mut limits: Vec<LimitKey> = blocking.filter_map(limit_key).collect();
        limits.push(LimitKey::Request);
        limits.sort();
        limits.dedup();
        let asked = prepared.model_id();
        let model = self.catalogue.model(asked);
        let model_id = model.map_or(asked, |entry| &*entry.model().id);
        let hour = self.calendar.hour_start(self.now);
        for limit in limits {
            let (model_id, user_id) = (model_id.to_owned(), prepared.user_id().to_owned());
            self.refusals.add(RefusalKey { hour, limit, model_id, user_id }, &counts);
        }
    }

    /// Hands out at most `limit` counts, by key; each once.
    pub fn take_refusals(&mut self, limit: usize) -> Vec<(RefusalKey, RefusalCounts)> {
        let counts = std::iter::from_fn(|| self.refusals.0.pop_first());
        counts.take(limit).collect()
    }

    /// Whether there is something to take.
    pub fn has_refusals(&self) -> bool {
        !self.refusals.0.is_empty()
    }

    /// What was counted for one user counts for another from now on.
    pub fn rename_refused(&mut self, from: &str, to: &str) {
        self.refusals.rename(from, to);
    }
}

/// What a verdict is counted under.
fn limit_key(verdict: &Verdict) -> Option<LimitKey> {
    let Some(figures) = &verdict.limit else {
        return verdict.reason.map(|reason| LimitKey::Rule(rule_name(reason).to_owned()));
    };
    let id = || figures.id.as_deref().unwrap_or_default().to_owned();
    Some(match (figures.kind, &verdict.subject) {
        (LimitKind::Envelope, _) => LimitKey::Envelope,
        (LimitKind::ModelLimit, Subject::Model(model)) => LimitKey::ModelLimit(model.to_string()),
        (LimitKind::ModelLimit, _) => LimitKey::ModelLimit(String::new()),
        (LimitKind::Quota, _) => LimitKey::Quota(id()),
        (LimitKind::RateLimit, _) => LimitKey::RateLimit(id()),
    })
}

/// Name of a reason as it is kept, for ever.
fn rule_name(reason: Reason) -> &'static str {
    match reason {
        Reason::Exhausted => "EXHAUSTED",
        Reason::HeldInFlight => "HELD_IN_FLIGHT",
        Reason::RequestTooLarge => "REQUEST_TOO_LARGE",
        Reason::ModelLimit => "MODEL_LIMIT",
        Reason::NoAllowedModel => "NO_ALLOWED_MODEL",
        Reason::ModelUnknown => "MODEL_UNKNOWN",
        Reason::ModelDisabled => "MODEL_DISABLED",
        Reason::ModelUnpriced => "MODEL_UNPRICED",
        Reason::PlanNotSet => "PLAN_NOT_SET",
        Reason::CapabilityMissing => "CAPABILITY_MISSING",
        Reason::ContextWindowExceeded => "CONTEXT_WINDOW_EXCEEDED",
        Reason::RateLimited => "RATE_LIMITED",
        Reason::KeyUnknown => "KEY_UNKNOWN",
        Reason::KeyDisabled => "KEY_DISABLED",
        Reason::KeyExpired => "KEY_EXPIRED",
        Reason::ModelNotAllowed => "MODEL_NOT_ALLOWED",
        Reason::Downgrade => "DOWNGRADE",
        Reason::ThresholdCrossed => "THRESHOLD_CROSSED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Time;
    use crate::domain::check::REFUSED_MAX;

    fn key(model: &str, user: &str) -> RefusalKey {
        let (model_id, user_id) = (model.to_owned(), user.to_owned());
        RefusalKey { hour: Time::default(), limit: LimitKey::Request, model_id, user_id }
    }

    fn one() -> RefusalCounts {
        RefusalCounts { blocked_count: 1, blocked: Amount::from_nanos(7), ..Default::default() }
    }

    #[test]
    fn keys_are_bounded_and_no_count_is_lost() {
        let mut refusals = Refusals::default();
        let many = REFUSAL_KEYS_MAX + KEYS_WITHOUT_USER_MAX + 500;
        for number in 0..many {
            refusals.add(key(&format!("m-{number}"), &format!("u-{number}")), &one());
        }
        // Those that are there already are told apart still.
        refusals.add(key("m-0", "u-0"), &one());
        assert_eq!(refusals.0.len(), REFUSAL_KEYS_MAX + KEYS_WITHOUT_USER_MAX + 1);
        assert_eq!(refusals.0[&key("m-0", "u-0")].blocked_count, 2);
        assert_eq!(refusals.0[&key(&format!("m-{REFUSAL_KEYS_MAX}"), "")].blocked_count, 1);
        assert_eq!(refusals.0[&key("", "")].blocked_count, 500);
        let counted: i64 = refusals.0.values().map(|counts| counts.blocked_count).sum();
        assert_eq!(counted, many as i64 + 1);
    }

    #[test]
    fn sums_stop_at_their_bound() {
        let mut refusals = Refusals::default();
        let large = RefusalCounts { saved: -REFUSED_MAX, blocked: REFUSED_MAX, ..one() };
        for _ in 0..200 {
            refusals.add(key("m", "u"), &large);
        }
        let counts = refusals.0[&key("m", "u")];
        assert_eq!((counts.blocked, counts.saved), (REFUSED_MAX, -REFUSED_MAX));
        assert_eq!(counts.blocked_count, 200);
    }

    #[test]
    fn a_renamed_user_meets_what_is_there() {
        let mut refusals = Refusals::default();
        for (model, user) in [("a", "x"), ("a", "y"), ("b", "x"), ("b", "z")] {
            refusals.add(key(model, user), &one());
        }
        refusals.rename("x", "y");
        assert_eq!(refusals.0.len(), 3);
        assert_eq!(refusals.0[&key("a", "y")].blocked_count, 2);
        assert_eq!(refusals.0[&key("b", "y")].blocked_count, 1);
    }
}
