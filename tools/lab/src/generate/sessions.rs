//! Sessions of a user with an assistant: their attribution, and the requests of each.

use std::sync::Arc;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_distr::{Distribution, Exp, LogNormal, Zipf};

use super::event::{Attribution, Event, Outcome, Refusal, Tokens};
use super::personas::Personas;
use super::{Micros, SECOND, Spec, log_normal};

/// Requests of an ordinary session.
const SESSION_EVENTS: f64 = 100.0;
/// Least that it becomes where there are few records for many users.
const SESSION_EVENTS_MIN: f64 = 2.0;
/// Most requests of one session.
const SESSION_LENGTH_MAX: usize = 1_000;
/// Seconds between two requests of a session, on average.
const PAUSE_SECONDS: f64 = 25.0;

/// Tokens of a request: medians, and deviations of the logarithms. Fitted to the conversations of
/// the Azure LLM inference trace 2023 (Microsoft, CC-BY-4.0): 19,366 requests.
const INPUT_TOKENS: (f64, f64) = (760.0, 0.985);
const OUTPUT_TOKENS: (f64, f64) = (151.0, 0.859);
const INPUT_TOKENS_MAX: f64 = 100_000.0;
const OUTPUT_TOKENS_MAX: f64 = 8_000.0;
/// Seconds until the first token, and for each token of output.
const FIRST_TOKEN_SECONDS: (f64, f64) = (0.4, 0.5);
const TOKEN_SECONDS: (f64, f64) = (0.012, 0.3);

const CACHED_PROBABILITY: f64 = 0.3;
const REASONING_PROBABILITY: f64 = 0.1;
const ERROR_PROBABILITY: f64 = 0.02;
const CANCELLED_PROBABILITY: f64 = 0.01;
/// For each request that ran, so many similar ones were blocked, or ran on a cheaper model.
const BLOCKED_PROBABILITY: f64 = 0.006;
const ROUTED_PROBABILITY: f64 = 0.012;

/// Customers that requests are tagged with.
const CUSTOMERS: usize = 50;
/// Sessions of the workspace during which an investigation lasts; a third of them belong to it.
const INVESTIGATION_SESSIONS: usize = 16;

/// Draws sessions.
pub struct Sessions {
    /// Sessions so far.
    count: usize,
    assistants: Zipf<f64>,
    workflows: Zipf<f64>,
    models: Zipf<f64>,
    /// Models, the most popular first.
    models_by_rank: Vec<usize>,
    length: LogNormal<f64>,
    pause: Exp<f64>,
    input: LogNormal<f64>,
    output: LogNormal<f64>,
    first_token: LogNormal<f64>,
    each_token: LogNormal<f64>,
}

/// What the requests of a session have in common.
pub struct Session {
    attribution: Arc<Attribution>,
    model: usize,
    start: Micros,
    /// Whether it is the first one of its user.
    is_first: bool,
}

impl Sessions {
    pub fn new(spec: &Spec, rng: &mut StdRng) -> Sessions {
        let mut models_by_rank: Vec<usize> = (0..spec.models).collect();
        models_by_rank.shuffle(rng);
        let for_each_user = spec.records as f64 / spec.users as f64 / 3.0;
        let length = for_each_user.clamp(SESSION_EVENTS_MIN, SESSION_EVENTS);
        Sessions {
            count: 0,
            assistants: zipf(spec.assistants, 0.9),
            workflows: zipf(spec.workflows, 0.9),
            models: zipf(spec.models, 0.8),
            models_by_rank,
            length: log_normal(length * 0.75, 0.75),
            pause: Exp::new(1.0 / PAUSE_SECONDS).expect("the rate is a positive constant"),
            input: log_normal(INPUT_TOKENS.0, INPUT_TOKENS.1),
            output: log_normal(OUTPUT_TOKENS.0, OUTPUT_TOKENS.1),
            first_token: log_normal(FIRST_TOKEN_SECONDS.0, FIRST_TOKEN_SECONDS.1),
            each_token: log_normal(TOKEN_SECONDS.0, TOKEN_SECONDS.1),
        }
    }

    /// A session of a user that starts at a time.
    pub fn start(
        &mut self,
        personas: &Personas,
        user: usize,
        start: Micros,
        rng: &mut StdRng,
    ) -> Session {
        self.count += 1;
        let user = &personas.users[user];
        let assistant = rank(&self.assistants, rng);
        let department_id = personas.department_of(user, start).to_owned();
        let api_key_id = match department_id.as_str() {
            "" => "key-default".to_owned(),
            department => format!("key-{department}"),
        };
        let mut attribution = Attribution {
            user_id: user.member.id.clone(),
            department_id,
            api_key_id,
            session_id: format!("session-{:07}", self.count),
            ..Attribution::default()
        };
        if rng.random_bool(0.9) {
            attribution.assistant_id.clone_from(&personas.assistants[assistant].id);
        }
        if rng.random_bool(0.6) {
            let workflow = rank(&self.workflows, rng);
            attribution.workflow_id.clone_from(&personas.workflows[workflow].id);
        }
        if let Some(feature) = personas.features.choose(rng).filter(|_| rng.random_bool(0.8)) {
            attribution.feature_id.clone_from(&feature.id);
        }
        if let Some(project) = personas.projects.choose(rng).filter(|_| rng.random_bool(0.5)) {
            attribution.project_id.clone_from(&project.id);
        }
        if rng.random_bool(0.3) {
            let number = self.count / INVESTIGATION_SESSIONS;
            attribution.investigation_id = format!("investigation-{number:06}");
        }
        if rng.random_bool(0.3) {
            let environment = if rng.random_bool(0.8) { "production" } else { "staging" };
            attribution.tags.push(("environment", environment.to_owned()));
        }
        if rng.random_bool(0.1) {
            let customer = rng.random_range(1..=CUSTOMERS);
            attribution.tags.push(("customer", format!("customer-{customer:02}")));
        }
        // Each assistant has a model of its own, which half of its sessions use.
        let usual = assistant % self.models_by_rank.len();
        let model = if rng.random_bool(0.5) { usual } else { rank(&self.models, rng) };
        Session {
            attribution: attribution.into(),
            model: self.models_by_rank[model],
            start,
            is_first: user.active_from == Some(start),
        }
    }

    /// The requests of a session: at most `room`, all of which begin before `end`.
    pub fn events(
        &mut self,
        session: Session,
        room: usize,
        end: Micros,
        rng: &mut StdRng,
    ) -> Vec<Event> {
        let length = (self.length.sample(rng) as usize).clamp(1, SESSION_LENGTH_MAX).min(room);
        let mut events = Vec::with_capacity(length);
        let mut time = session.start;
        while events.len() < length && time < end {
            let mut outcome = outcome(rng);
            if session.is_first && events.is_empty() {
                outcome = Outcome::Success;
            }
            let event = self.event(&session, time, outcome, end, rng);
            time += event.latency + (self.pause.sample(rng) * SECOND as f64) as Micros;
            if outcome == Outcome::Error && events.len() + 1 < length {
                let retry = self.event(&session, event.start_time, Outcome::Success, end, rng);
                events.push(Event { request_id: event.request_id, attempt: 1, ..retry });
            }
            events.push(event);
        }
        events
    }

    fn event(
        &self,
        session: &Session,
        time: Micros,
        outcome: Outcome,
        end: Micros,
        rng: &mut StdRng,
    ) -> Event {
        let tokens = self.tokens(outcome, rng);
        let output = (tokens.output + tokens.reasoning) as f64;
        let seconds = self.first_token.sample(rng) + output * self.each_token.sample(rng);
        let latency = (seconds * SECOND as f64) as Micros;
        let milliseconds = u64::try_from(time / 1_000).unwrap_or(0);
        let request_id = uuid::Builder::from_unix_timestamp_millis(milliseconds, &rng.random());
        Event {
            request_id: request_id.into_uuid(),
            attempt: 0,
            start_time: time,
            latency,
            report_time: (time + latency).min(end),
            model: session.model,
            tokens,
            outcome,
            attribution: session.attribution.clone(),
            fingerprint: rng.random(),
            refusal: refusal(rng),
        }
    }

    fn tokens(&self, outcome: Outcome, rng: &mut StdRng) -> Tokens {
        let input = self.input.sample(rng).clamp(1.0, INPUT_TOKENS_MAX) as i64;
        let mut output = self.output.sample(rng).clamp(1.0, OUTPUT_TOKENS_MAX) as i64;
        match outcome {
            Outcome::Success => {}
            Outcome::Error => output = 0,
            Outcome::Cancelled => output /= 3,
        }
        let cache_read = if rng.random_bool(CACHED_PROBABILITY) { input * 3 / 5 } else { 0 };
        let reasoning = if rng.random_bool(REASONING_PROBABILITY) { output * 2 } else { 0 };
        Tokens { input: input - cache_read, cache_read, output, reasoning }
    }
}

/// Zipf's distribution: the n-th of `count` in proportion to 1/n^`exponent`.
fn zipf(count: usize, exponent: f64) -> Zipf<f64> {
    Zipf::new(count as f64, exponent).expect("counts are at least 1")
}

/// A rank from 0.
fn rank(zipf: &Zipf<f64>, rng: &mut StdRng) -> usize {
    zipf.sample(rng) as usize - 1
}

fn outcome(rng: &mut StdRng) -> Outcome {
    match rng.random::<f64>() {
        drawn if drawn < ERROR_PROBABILITY => Outcome::Error,
        drawn if drawn < ERROR_PROBABILITY + CANCELLED_PROBABILITY => Outcome::Cancelled,
        _ => Outcome::Success,
    }
}

fn refusal(rng: &mut StdRng) -> Option<Refusal> {
    let drawn = rng.random::<f64>();
    if drawn >= BLOCKED_PROBABILITY + ROUTED_PROBABILITY {
        return None;
    }
    if drawn >= BLOCKED_PROBABILITY {
        return Some(Refusal::Routed);
    }
    Some(match rng.random::<f64>() {
        drawn if drawn < 0.6 => Refusal::BlockedByQuota,
        drawn if drawn < 0.9 => Refusal::BlockedByRateLimit,
        _ => Refusal::BlockedByRule,
    })
}
