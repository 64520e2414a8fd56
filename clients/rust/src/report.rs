//! What is said of a call when it is left.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::answer::Parts;
use crate::delivery::Item;
use crate::estimate::tokens_of;
use crate::guard::{Call, Progress, release_of};
use crate::request::duration_of;
use crate::resume::HOLD_UNFINISHED;
use crate::v1::{self, Outcome, RecordUsageRequest, ServiceTier, Usage, UsageSource};

/// The longest that a record can say.
const LATENCY_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The largest count: above it numbers of JSON, and of JavaScript, are not exact.
const COUNT_MAX: i64 = 1 << 53;

impl Call {
    /// Says what is to be sent, if anything.
    pub(crate) fn report(&self, progress: &Progress, outcome: Outcome) -> Option<Item> {
        let (check, parts) = (&self.0.check, &progress.parts);
        let is_given = progress.given.is_some();
        // A poll that fails says nothing of the answer: the job may still finish.
        let is_failed_poll =
            self.0.is_resumed && outcome != Outcome::Success && !parts.has_figures();
        if !is_given && (parts.is_unfinished() || is_failed_poll) {
            let id = self.request_id();
            tracing::info!("tollgate: the answer of {id} is not finished, its hold is kept");
            let extend = self.0.extend_request(HOLD_UNFINISHED);
            return if self.unchecked() { None } else { Some(Item::Extend(extend)) };
        }
        if !is_given && !parts.is_given && (self.0.is_resumed || progress.began.is_none()) {
            let is_held = !self.0.is_resumed && !self.unchecked();
            return is_held.then(|| release_of(check));
        }
        let said = if is_given { None } else { parts.outcome() };
        let mut record = RecordUsageRequest {
            workspace_id: check.workspace_id.clone(),
            request_id: check.request_id.clone(),
            attempt: self.0.attempt,
            // The server finds the model in an answer that it can read, and needs one for others.
            model_id: [&progress.model, &parts.model(), &self.0.model]
                .into_iter()
                .find(|model| !model.is_empty())
                .cloned()
                .unwrap_or_default(),
            service_tier: self.tier(progress),
            outcome: said.unwrap_or(outcome).into(),
            // Sent again: after a restart the server does not have the check.
            attribution: check.attribution.clone(),
            // What was declared is taken as what applied.
            factors: progress.factors.as_ref().unwrap_or(&check.factors).clone(),
            ..RecordUsageRequest::default()
        };
        // A call that is resumed twice is recorded once: all that is said of it is its answer.
        if !self.0.is_resumed {
            let now = || (SystemTime::now(), Instant::now());
            let (start, began) = progress.began.unwrap_or_else(now);
            record.start_time = Some(start.into());
            record.latency = Some(duration_of(began.elapsed().min(LATENCY_MAX)));
        }
        self.fill(&mut record, progress);
        Some(Item::from(record))
    }

    /// Puts in what was used, as far as it is known, and where that comes from.
    fn fill(&self, record: &mut RecordUsageRequest, progress: &Progress) {
        let parts = &progress.parts;
        if let Some(usage) = &progress.given {
            record.usage = Some(usage.clone());
            record.usage_source = UsageSource::Provider.into();
            return;
        }
        let is_success = record.outcome() == Outcome::Success;
        if parts.has_figures() || (parts.is_given && is_success) {
            return self.fill_answer(record, progress);
        }
        let output = if parts.outcome().is_some() { 0 } else { self.output(progress) };
        if parts.outcome().is_some() || (!is_success && output == 0) {
            return;
        }
        if is_success {
            let id = self.request_id();
            tracing::warn!("tollgate: no usage was recorded of {id}, it is estimated");
        }
        let check = &self.0.check;
        record.usage_source = UsageSource::Estimated.into();
        record.usage = Some(Usage {
            input_token_count: check.input_token_count,
            cache_read_token_count: check.cache_read_token_count,
            cache_write_5m_token_count: check.cache_write_5m_token_count,
            cache_write_1h_token_count: check.cache_write_1h_token_count,
            output_token_count: output,
            ..Usage::default()
        });
    }

    /// Estimates the output that has come.
    fn output(&self, progress: &Progress) -> i64 {
        let text = Value::from(progress.output_text.as_str());
        let tokenizer = self.0.client.tokenizer.as_deref();
        // Leaving must not fail, least of all while a panic is on its way.
        catch_unwind(AssertUnwindSafe(|| tokens_of(&text, tokenizer)))
            .unwrap_or_else(|_| tokens_of(&text, None))
    }

    fn fill_answer(&self, record: &mut RecordUsageRequest, progress: &Progress) {
        let parts = &progress.parts;
        // A stream that broke off has told its input, and its output only to begin with.
        let begun = parts.begun_output().map(|begun| (begun, self.output(progress)));
        let (events, source) = match begun {
            Some((begun, output)) if output > begun => {
                (parts.with_output(output), UsageSource::Estimated)
            }
            _ => (parts.events(), UsageSource::Provider),
        };
        let json = Parts::to_json(events).unwrap_or_else(|error| {
            let id = self.request_id();
            tracing::warn!(%error, "tollgate: the answer of {id} has no usage that can be read");
            vec!["{}".to_owned()]
        });
        record.usage_source = source.into();
        record.accept_unread = true;
        record.factors = progress.factors.clone().unwrap_or_default();
        let provider = progress.provider.clone();
        record.provider_answer = Some(v1::ProviderAnswer { provider, json });
        record.context_id.clone_from(&self.0.check.context_id);
    }

    /// The tier that served as far as the caller knows; that of an answer is read by the server.
    fn tier(&self, progress: &Progress) -> i32 {
        match progress.service_tier {
            Some(tier) => tier.into(),
            None if progress.given.is_none() && progress.parts.names_tier() => {
                ServiceTier::Unspecified.into()
            }
            None => self.0.check.service_tier,
        }
    }
}

/// Refuses counts that can be none, as the server would.
pub(crate) fn check_counts(usage: &Usage) -> Result<(), String> {
    let counts = [
        ("input_tokens", usage.input_token_count),
        ("cache_read_tokens", usage.cache_read_token_count),
        ("cache_write_5m_tokens", usage.cache_write_5m_token_count),
        ("cache_write_1h_tokens", usage.cache_write_1h_token_count),
        ("output_tokens", usage.output_token_count),
        ("reasoning_tokens", usage.reasoning_token_count),
        ("audio_input_tokens", usage.audio_input_token_count),
        ("audio_output_tokens", usage.audio_output_token_count),
        ("image_input_tokens", usage.image_input_token_count),
        ("image_output_tokens", usage.image_output_token_count),
    ];
    let units = usage.units.iter().map(|unit| ("units", unit.count));
    match counts.into_iter().chain(units).find(|(_, count)| !(0..=COUNT_MAX).contains(count)) {
        Some((name, count)) => {
            Err(format!("{name} is {count}; expected a whole number from 0 to 2^53"))
        }
        None => Ok(()),
    }
}
