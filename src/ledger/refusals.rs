//! Counts of checks that were blocked or routed, kept in memory until they are taken to be stored.
//! The number of keys of an hour is bounded, because refused callers may spell users and models in
//! any number of ways. A crash loses what was not taken.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::context::Context;
use crate::domain::check::{
    Answer, Decision, LimitKey, LimitKind, Reason, RefusalCounts, RefusalKey, Subject, Verdict,
};
use crate::domain::{Amount, Time};

/// Distinct keys of an hour. Beyond that, refusals are counted without their user.
const KEYS_MAX: usize = 10_000;
/// Beyond so many more they are counted without the model as well.
const KEYS_WITHOUT_USER_MAX: usize = 1_000;
/// Names of an hour that the catalog does not have. Refusals of further ones are counted without
/// the model.
const UNKNOWN_MODELS_MAX: usize = 100;

#[derive(Debug, Default)]
pub struct Refusals {
    counts: BTreeMap<RefusalKey, RefusalCounts>,
    seen: Seen,
}

/// What was counted in the latest hour, by its hash: also what is stored already.
#[derive(Debug, Default)]
struct Seen {
    hour: Time,
    keys: HashSet<u64>,
    unknown_models: HashSet<u64>,
}

impl Seen {
    /// Of one hour; what it knows of an earlier one is dropped.
    fn of(&mut self, hour: Time) -> &mut Seen {
        if self.hour != hour {
            *self = Seen { hour, ..Seen::default() };
        }
        self
    }

    /// Whether there is room for a key, or it is there already.
    fn takes_key(&mut self, key: &RefusalKey, max: usize) -> bool {
        takes(&mut self.keys, key, max)
    }
}

fn takes<T: Hash + ?Sized>(seen: &mut HashSet<u64>, value: &T, max: usize) -> bool {
    // Without random keys, so that a simulation is deterministic.
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    let hash = hasher.finish();
    seen.contains(&hash) || (seen.len() < max && seen.insert(hash))
}

impl Refusals {
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Takes at most `count` entries, in the order of their keys.
    pub fn take(&mut self, count: usize) -> Vec<(RefusalKey, RefusalCounts)> {
        std::iter::from_fn(|| self.counts.pop_first()).take(count).collect()
    }

    /// Counts a decision once for the request, and once for each limit or rule that blocked it. One
    /// that allows the request is not counted.
    pub fn count(
        &mut self,
        context: &Context,
        (model_name, user_id): (&str, &str),
        need: Amount,
        decision: &Decision,
    ) {
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
        let model = context.catalog().model(model_name);
        let hour = context.calendar().hour_start(context.now());
        let unknown = &mut self.seen.of(hour).unknown_models;
        let model_id = match model {
            Some(entry) => &*entry.model().id,
            None if takes(unknown, model_name, UNKNOWN_MODELS_MAX) => model_name,
            None => "",
        };
        for limit in limits {
            let (model_id, user_id) = (model_id.to_owned(), user_id.to_owned());
            self.add(RefusalKey { hour, limit, model_id, user_id }, &counts);
        }
    }

    /// Moves the counts of one user to another.
    pub fn rename_user(&mut self, from: &str, to: &str) {
        let renamed = self.counts.extract_if(.., |key, _| key.user_id == from);
        let renamed: Vec<(RefusalKey, RefusalCounts)> = renamed.collect();
        for (key, counts) in renamed {
            self.add(RefusalKey { user_id: to.to_owned(), ..key }, &counts);
        }
    }

    fn add(&mut self, mut key: RefusalKey, counts: &RefusalCounts) {
        // What was counted in an earlier hour moves at most.
        if key.hour >= self.seen.hour {
            let seen = self.seen.of(key.hour);
            if !seen.takes_key(&key, KEYS_MAX) {
                key.user_id.clear();
                if !seen.takes_key(&key, KEYS_MAX + KEYS_WITHOUT_USER_MAX) {
                    key.model_id.clear();
                }
            }
        }
        self.counts.entry(key).or_default().add(counts);
    }
}

/// The limit or rule that a verdict is counted under.
pub fn limit_key(verdict: &Verdict) -> Option<LimitKey> {
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

/// Name of a reason as it is stored: it never changes.
fn rule_name(reason: Reason) -> &'static str {
    match reason {
        Reason::Exhausted => "EXHAUSTED",
        Reason::Frozen => "FROZEN",
        Reason::WorkspaceArchived => "WORKSPACE_ARCHIVED",
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
        Reason::AttributionMissing => "ATTRIBUTION_MISSING",
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
        let many = KEYS_MAX + KEYS_WITHOUT_USER_MAX + 500;
        for number in 0..many {
            refusals.add(key(&format!("m-{number}"), &format!("u-{number}")), &one());
        }
        // Keys that exist are still counted apart.
        refusals.add(key("m-0", "u-0"), &one());
        assert_eq!(refusals.counts.len(), KEYS_MAX + KEYS_WITHOUT_USER_MAX + 1);
        assert_eq!(refusals.counts[&key("m-0", "u-0")].blocked_count, 2);
        assert_eq!(refusals.counts[&key(&format!("m-{KEYS_MAX}"), "")].blocked_count, 1);
        assert_eq!(refusals.counts[&key("", "")].blocked_count, 500);
        let counted: i64 = refusals.counts.values().map(|counts| counts.blocked_count).sum();
        assert_eq!(counted, many as i64 + 1);
    }

    #[test]
    fn keys_that_were_taken_are_still_counted_in_their_hour() {
        let mut refusals = Refusals::default();
        for number in 0..KEYS_MAX {
            refusals.add(key(&format!("m-{number}"), "u"), &one());
        }
        assert_eq!(refusals.take(usize::MAX).len(), KEYS_MAX);
        refusals.add(key("m-0", "u"), &one());
        refusals.add(key("another", "u"), &one());
        let next = Time::from_micros(3_600_000_000);
        refusals.add(RefusalKey { hour: next, ..key("another", "u") }, &one());
        let keys: Vec<RefusalKey> =
            refusals.take(usize::MAX).into_iter().map(|(key, _)| key).collect();
        let another = RefusalKey { hour: next, ..key("another", "u") };
        assert_eq!(keys, [key("another", ""), key("m-0", "u"), another]);
    }

    #[test]
    fn sums_stop_at_their_bound() {
        let mut refusals = Refusals::default();
        let large = RefusalCounts { saved: -REFUSED_MAX, blocked: REFUSED_MAX, ..one() };
        for _ in 0..200 {
            refusals.add(key("m", "u"), &large);
        }
        let counts = refusals.counts[&key("m", "u")];
        assert_eq!((counts.blocked, counts.saved), (REFUSED_MAX, -REFUSED_MAX));
        assert_eq!(counts.blocked_count, 200);
    }

    #[test]
    fn counts_of_a_renamed_user_are_added_to_those_of_the_other() {
        let mut refusals = Refusals::default();
        for (model, user) in [("a", "x"), ("a", "y"), ("b", "x"), ("b", "z")] {
            refusals.add(key(model, user), &one());
        }
        refusals.rename_user("x", "y");
        assert_eq!(refusals.counts.len(), 3);
        assert_eq!(refusals.counts[&key("a", "y")].blocked_count, 2);
        assert_eq!(refusals.counts[&key("b", "y")].blocked_count, 1);
    }
}
