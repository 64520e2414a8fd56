//! Snapshot: what lives in memory is saved at a shutdown, and restored at the next start with the
//! holds that storage keeps.

use std::sync::Arc;

use super::Ledger;
use crate::domain::attribution::{Attribution, PackedAttribution, SubjectIds, SubjectKind};
use crate::domain::backfill::RateSnapshot;
use crate::domain::catalog::price::Quote;
use crate::domain::check::Reason;
use crate::domain::usage::ServiceTier;
use crate::domain::{Amount, Time};
use crate::ledger::holds::Hold;
use crate::ledger::limits::penalty_end;

/// A hold that storage has.
#[derive(Clone, Debug)]
pub struct RestoredHold {
    pub request_id: Arc<str>,
    pub attempt: i32,
    pub fingerprint: i64,
    pub held: Amount,
    pub held_tokens: i64,
    pub held_cache_reads: i64,
    pub check_time: Time,
    pub expire_time: Time,
    pub tier: ServiceTier,
    pub routed: bool,
    pub attribution: Option<Box<Attribution>>,
    /// Group that its API key was in; empty if in none.
    pub key_group_id: Arc<str>,
}

impl Ledger {
    /// Restores a hold that storage has. False if it has expired or was recorded meanwhile, or
    /// exists already.
    pub fn restore_hold(
        &mut self,
        now: Time,
        model_id: &str,
        quote: Option<Quote>,
        hold: RestoredHold,
    ) -> bool {
        let now = self.advance(now);
        match self.holds.get_or_attempt(&hold.request_id) {
            Ok(_) => return false,
            // Its record came while it was not in memory any more.
            Err(next) if next > hold.attempt => {
                self.holds.note_stale(&hold.request_id);
                return false;
            }
            Err(_) => {}
        }
        let model = self.models.find_or_add(model_id, self.context.catalog());
        let attribution = hold.attribution.as_deref().and_then(PackedAttribution::new);
        let group = self.keys.find_or_add_group(&hold.key_group_id);
        let group_id = self.keys.group_id(group);
        let mut subject_ids = SubjectIds::packed(attribution.as_ref(), group_id);
        subject_ids[SubjectKind::Provider] = self.models.get(model).provider_id();
        let request_id = hold.request_id.clone();
        let hold = Hold {
            request_id: hold.request_id,
            attempt: hold.attempt,
            fingerprint: hold.fingerprint,
            model,
            held: hold.held,
            held_tokens: hold.held_tokens,
            held_cache_reads: hold.held_cache_reads,
            slots: self.limits.find_or_add_slots(&subject_ids),
            group,
            check_time: hold.check_time,
            expire_time: hold.expire_time,
            quote,
            tier: hold.tier,
            routed: hold.routed.then_some(Reason::ModelLimit),
            state: self.budget_status().state,
            verdicts: None,
            attribution,
            expiring: false,
        };
        // Rate limits are restored by their own counts.
        self.hold(&hold);
        self.holds.insert(hold);
        self.holds.note_written(&request_id);
        self.advance(now);
        self.holds.get(&request_id).is_some()
    }

    /// What rate limits count now, and the crash whose penalty lasts.
    pub fn rate_snapshot(&mut self, now: Time) -> RateSnapshot {
        self.advance(now);
        self.limits.rate_snapshot(&self.context)
    }

    /// Restores a snapshot: it replaces the backfill from the log.
    pub fn restore_rates(&mut self, now: Time, snapshot: RateSnapshot) {
        self.advance(now);
        self.limits.restore_rates(&self.context, snapshot);
    }

    /// After a crash: every rate limit of a minute that existed at `crash_time` counts as used up
    /// until [`Ledger::crash_penalty_end`].
    pub fn apply_crash_penalty(&mut self, now: Time, crash_time: Time) {
        self.advance(now);
        self.limits.apply_crash_penalty(crash_time);
    }

    /// When the penalty for a crash ends.
    pub fn crash_penalty_end(crash_time: Time) -> Time {
        penalty_end(crash_time)
    }
}
