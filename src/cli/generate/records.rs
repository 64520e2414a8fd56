//! Usage records of generated events: adds prices, the local calendar and the position in the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use tollgate::domain::catalog::price::Rate;
use tollgate::domain::check::{LimitKey, RefusalCounts, RefusalKey};
use tollgate::domain::record::{Record, RecordKind};
use tollgate::domain::time::calendar::Calendar;
use tollgate::domain::usage::{ServiceTier, TokenClass, Usage, UsageSource};
use tollgate::domain::{Amount, Time, attribution, usage};
use tollgate_lab::generate::event::{Attribution, Event, Outcome, Refusal, Tokens};

use super::models::Priced;

/// Limits that refusals name.
const QUOTA: &str = "user-month";
const RATE_LIMIT: &str = "key-minute";
const RULE: &str = "MODEL_NOT_ALLOWED";
/// A hold exceeds what the request costs in the end.
const HOLD_FACTOR: i64 = 3;

/// What was reported on one day.
#[derive(Default)]
pub struct Day {
    pub records: Vec<Record>,
    pub refusals: BTreeMap<RefusalKey, RefusalCounts>,
}

pub struct Recorder {
    workspace_id: Arc<str>,
    models: Vec<Priced>,
    calendar: Calendar,
    seq: i64,
    /// What is reported later is left out.
    end: Option<Time>,
}

impl Recorder {
    /// Numbers records from the one after `last_seq`.
    pub fn new(
        workspace_id: &str,
        models: Vec<Priced>,
        calendar: Calendar,
        last_seq: i64,
    ) -> Recorder {
        Recorder { workspace_id: workspace_id.into(), models, calendar, seq: last_seq, end: None }
    }

    /// Leaves out what is reported after a time.
    pub fn until(self, end: Time) -> Recorder {
        Recorder { end: Some(end), ..self }
    }

    pub fn day(&mut self, events: &[Event]) -> Day {
        let mut day = Day::default();
        let end = self.end.map_or(i64::MAX, Time::micros);
        for event in events.iter().take_while(|event| event.report_time <= end) {
            let record = self.record(event);
            if let Some(refusal) = event.refusal {
                count(refusal, &record, &mut day.refusals);
            }
            day.records.push(record);
        }
        day
    }

    fn record(&mut self, event: &Event) -> Record {
        self.seq += 1;
        let model = &self.models[event.model];
        let usage = usage(event.tokens);
        let time = Time::from_micros(event.start_time);
        Record {
            seq: self.seq,
            workspace_id: self.workspace_id.clone(),
            request_id: event.request_id.to_string().into(),
            attempt: event.attempt,
            revision: 0,
            kind: RecordKind::Usage,
            model_id: model.id.clone(),
            metered_model_id: model.id.clone(),
            tier: ServiceTier::Standard,
            usage,
            outcome: match event.outcome {
                Outcome::Success => usage::Outcome::Success,
                Outcome::Error => usage::Outcome::Error,
                Outcome::Cancelled => usage::Outcome::Cancelled,
            },
            source: UsageSource::Provider,
            cost: model.card.cost(&usage, ServiceTier::Standard, Rate::ONE),
            unpriced: false,
            price_id: Some(model.card.price().id.clone()),
            exchange_rate: Rate::ONE,
            charge_time: time,
            hour: self.calendar.hour_start(time),
            day: self.calendar.day(time).start,
            start_time: time,
            start_time_adjusted: false,
            large_above: None,
            record_time: Time::from_micros(event.report_time),
            latency: event.latency,
            attribution: attribution(&event.attribution),
            key_group_id: "".into(),
            fingerprint: event.fingerprint,
            extras: None,
            answer: None,
        }
    }
}

fn usage(tokens: Tokens) -> Usage {
    Usage::default()
        .with(TokenClass::Input, tokens.input)
        .with(TokenClass::CacheRead, tokens.cache_read)
        .with(TokenClass::Output, tokens.output)
        .with(TokenClass::Reasoning, tokens.reasoning)
}

fn attribution(of: &Attribution) -> attribution::Attribution {
    let tags = of.tags.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
    attribution::Attribution {
        user_id: of.user_id.clone(),
        department_id: of.department_id.clone(),
        api_key_id: of.api_key_id.clone(),
        assistant_id: of.assistant_id.clone(),
        workflow_id: of.workflow_id.clone(),
        feature_id: of.feature_id.clone(),
        project_id: of.project_id.clone(),
        investigation_id: of.investigation_id.clone(),
        session_id: of.session_id.clone(),
        tags: tags.collect(),
    }
}

/// Counts the refusal of a check that resembles a record.
fn count(refusal: Refusal, record: &Record, refusals: &mut BTreeMap<RefusalKey, RefusalCounts>) {
    let held = Amount::from_nanos(record.cost.nanos().saturating_mul(HOLD_FACTOR));
    let counts = match refusal {
        Refusal::Routed => RefusalCounts { routed_count: 1, saved: held, ..Default::default() },
        _ => RefusalCounts { blocked_count: 1, blocked: held, ..Default::default() },
    };
    let limit = match refusal {
        Refusal::Routed => LimitKey::ModelLimit(record.model_id.to_string()),
        Refusal::BlockedByQuota => LimitKey::Quota(QUOTA.to_owned()),
        Refusal::BlockedByRateLimit => LimitKey::RateLimit(RATE_LIMIT.to_owned()),
        Refusal::BlockedByRule => LimitKey::Rule(RULE.to_owned()),
    };
    for limit in [LimitKey::Request, limit] {
        let key = RefusalKey {
            hour: record.hour,
            limit,
            model_id: record.model_id.to_string(),
            user_id: record.attribution.user_id.clone(),
        };
        refusals.entry(key).or_default().add(&counts);
    }
}
