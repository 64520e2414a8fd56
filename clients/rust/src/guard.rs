//! The guard around one LLM call: a check on the way in, a record on the way out.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use tonic::Status;

use crate::delivery::Item;
use crate::errors::{
    Blocked, GuardError, Verdict, enum_name, is_unauthorized, is_unreached, reason_name,
};
use crate::estimate::tokens_of;
use crate::inner::Inner;
use crate::money::Money;
use crate::request::{Policy, Request, duration_of};
use crate::usage::UsageReader;
use crate::v1::{self, Decision, Outcome, ServiceTier, Usage, UsageSource};

/// The longest that a record can say.
const LATENCY_MAX: Duration = Duration::from_hours(24);

/// A guarded call, as the block around an LLM call sees it. Clones are handles of the same call.
#[derive(Clone)]
pub struct Call(Arc<Shared>);

struct Shared {
    client: Arc<Inner>,
    check: v1::CheckAndRouteRequest,
    model: String,
    /// The answer of the check; absent if Tollgate was not reached.
    answer: Option<Answer>,
    // Never held across an await.
    progress: Mutex<Progress>,
}

struct Answer {
    decision: Decision,
    reason: Cow<'static, str>,
    verdicts: Vec<Verdict>,
    held: Option<Money>,
    expire_time: Option<SystemTime>,
    budget_state: Cow<'static, str>,
}

#[derive(Default)]
struct Progress {
    began: Option<(SystemTime, Instant)>,
    left: bool,
    reader: UsageReader,
    given: Option<Usage>,
    output_text: String,
    recorded: Option<v1::RecordUsageResponse>,
}

impl Call {
    /// The model to run on. Reading it says that the LLM call is about to start.
    #[must_use]
    pub fn model(&self) -> &str {
        let mut progress = self.progress();
        if !progress.left && progress.began.is_none() {
            progress.began = Some((SystemTime::now(), Instant::now()));
        }
        &self.0.model
    }

    /// Names the request, in the usage log too.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.0.check.request_id
    }

    /// `Allowed` or `Routed`; nothing if Tollgate was not reached.
    #[must_use]
    pub fn decision(&self) -> Option<Decision> {
        self.0.answer.as_ref().map(|answer| answer.decision)
    }

    /// Whether [`model`](Self::model) is another one than was asked for.
    #[must_use]
    pub fn routed(&self) -> bool {
        self.decision() == Some(Decision::Routed)
    }

    /// Whether the call runs although Tollgate was not reached.
    #[must_use]
    pub fn unchecked(&self) -> bool {
        self.0.answer.is_none()
    }

    /// Why it was routed: a name of [`v1::Reason`] without its prefix; empty if it was not.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.0.answer.as_ref().map_or("", |answer| &answer.reason)
    }

    /// Limits that warned, would have blocked, or led to another model.
    #[must_use]
    pub fn verdicts(&self) -> &[Verdict] {
        self.0.answer.as_ref().map_or(&[], |answer| &answer.verdicts)
    }

    /// What is set aside; nothing if Tollgate was not reached.
    #[must_use]
    pub fn held(&self) -> Option<&Money> {
        self.0.answer.as_ref()?.held.as_ref()
    }

    /// When the hold ends by itself.
    #[must_use]
    pub fn expire_time(&self) -> Option<SystemTime> {
        self.0.answer.as_ref()?.expire_time
    }

    /// Where the workspace stood: a name of [`v1::BudgetState`] without its prefix.
    #[must_use]
    pub fn budget_state(&self) -> &str {
        self.0.answer.as_ref().map_or("", |answer| &answer.budget_state)
    }

    /// Keeps what was used: a provider's answer or event, of whatever type, or JSON of it.
    ///
    /// Later figures replace earlier ones, so every event of a stream may be handed in; those
    /// without usage are passed over. The provider's names of the model and the tier are kept too.
    pub fn record<A: Serialize + ?Sized>(&self, answer: &A) {
        let mut progress = self.progress();
        if progress.reader.feed(answer) {
            progress.given = None;
        }
    }

    /// Keeps what was used, counted by yourself.
    pub fn record_usage(&self, usage: Usage) {
        self.progress().given = Some(usage);
    }

    /// Names the model that answered, if it is not [`model`](Self::model) and no answer says it.
    pub fn set_model(&self, model: impl Into<String>) {
        self.progress().reader.model = model.into();
    }

    /// Says which tier served, if it is not the one asked for and no answer says it.
    pub fn set_service_tier(&self, tier: ServiceTier) {
        self.progress().reader.service_tier = Some(tier);
    }

    /// Keeps a piece of the output that has come: estimated where no usage is recorded.
    pub fn push_output_text(&self, text: &str) {
        self.progress().output_text.push_str(text);
    }

    /// The output that was kept so far.
    #[must_use]
    pub fn output_text(&self) -> String {
        self.progress().output_text.clone()
    }

    /// Lets the hold live so long from now, 1 second to 24 hours. Does nothing if Tollgate was not
    /// reached; fails with the status of the server.
    pub async fn extend(&self, hold: Duration) -> Result<(), Status> {
        if self.unchecked() {
            return Ok(());
        }
        let request = v1::ExtendHoldRequest {
            workspace_id: self.0.check.workspace_id.clone(),
            request_id: self.0.check.request_id.clone(),
            hold_duration: Some(duration_of(hold)),
        };
        self.0.client.usage.clone().extend_hold(request).await?;
        Ok(())
    }

    /// What it cost: there once a guard with `wait` is left.
    #[must_use]
    pub fn recorded(&self) -> Option<v1::RecordUsageResponse> {
        self.progress().recorded.clone()
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what is to be sent, the first time.
    fn leave(&self, outcome: Outcome) -> Option<Item> {
        let mut progress = self.progress();
        if std::mem::replace(&mut progress.left, true) {
            return None;
        }
        let check = &self.0.check;
        let known = progress.given.clone().or_else(|| progress.reader.usage());
        if progress.began.is_none() && known.is_none() {
            return if self.unchecked() { None } else { Some(release_of(check)) };
        }
        let (usage, source) = self.used(&progress, known, outcome);
        if source == UsageSource::Estimated && outcome == Outcome::Success {
            let id = self.request_id();
            tracing::warn!("tollgate: no usage was recorded of {id}, it is estimated");
        }
        let (start, began) = progress.began.unwrap_or_else(|| (SystemTime::now(), Instant::now()));
        let model = &progress.reader.model;
        let tier = progress.reader.service_tier;
        let record = v1::RecordUsageRequest {
            workspace_id: check.workspace_id.clone(),
            request_id: check.request_id.clone(),
            attempt: 0,
            model_id: if model.is_empty() { self.0.model.clone() } else { model.clone() },
            service_tier: tier.map_or(check.service_tier, i32::from),
            usage,
            outcome: outcome.into(),
            usage_source: source.into(),
            start_time: Some(start.into()),
            latency: Some(duration_of(began.elapsed().min(LATENCY_MAX))),
            // Sent again, because a server that was started anew knows nothing of the check.
            attribution: check.attribution.clone(),
            // What was declared is taken as what applied.
            factors: check.factors.clone(),
        };
        Some(Item::from(record))
    }

    /// Gives what was used as far as it is known, and where that comes from.
    fn used(
        &self,
        progress: &Progress,
        known: Option<Usage>,
        outcome: Outcome,
    ) -> (Option<Usage>, UsageSource) {
        if known.is_some() && (progress.given.is_some() || !progress.reader.partial) {
            return (known, UsageSource::Provider);
        }
        let check = &self.0.check;
        let tokenizer = self.0.client.tokenizer.as_deref();
        let text = &progress.output_text;
        // Leaving must not fail, least of all while a panic is on its way.
        let written = catch_unwind(AssertUnwindSafe(|| tokens_of(&[text], tokenizer)))
            .unwrap_or_else(|_| tokens_of(&[text], None));
        match known {
            None if outcome == Outcome::Success || written > 0 => {
                let declared = Usage {
                    input_token_count: check.input_token_count,
                    cache_read_token_count: check.cache_read_token_count,
                    cache_write_5m_token_count: check.cache_write_5m_token_count,
                    cache_write_1h_token_count: check.cache_write_1h_token_count,
                    output_token_count: written,
                    ..Usage::default()
                };
                (Some(declared), UsageSource::Estimated)
            }
            None => (None, UsageSource::Unspecified),
            // A stream that broke off has told its input, and its output only to begin with.
            Some(usage) if written > usage.output_token_count => {
                (Some(Usage { output_token_count: written, ..usage }), UsageSource::Estimated)
            }
            known => (known, UsageSource::Provider),
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The model is not named by its getter, which would start the call.
        formatter
            .debug_struct("Call")
            .field("request_id", &self.request_id())
            .field("model", &self.0.model)
            .field("decision", &self.decision())
            .finish_non_exhaustive()
    }
}

/// A guard that is held open by hand, for what does not fit into one block: a stream that is handed
/// on to somebody else. See [`Client::open`](crate::Client::open).
///
/// Dropping it records the call as cancelled, with what is known; or gives the hold back if the
/// model was never read.
#[derive(Debug)]
#[must_use = "dropping it records the call as cancelled"]
pub struct OpenCall {
    call: Call,
    wait: bool,
    /// Whether the block is running at this moment: if this is dropped now, it panics.
    in_block: bool,
}

impl OpenCall {
    /// Asks whether the call may run, and on which model.
    pub(crate) async fn enter(client: &Arc<Inner>, request: Request) -> Result<Self, GuardError> {
        let (wait, policy) = (request.wait, request.on_unavailable.unwrap_or(client.policy));
        let check = request.into_check(client.tokenizer.as_deref());
        // If the caller gives up here, there may be a hold all the same.
        let mut given_up = Unsent { client, item: Some(release_of(&check)) };
        let answer = client.usage.clone().check_and_route(check.clone()).await;
        given_up.item = None;
        let mut model = check.model_id.clone();
        let answer = match answer.map(tonic::Response::into_inner) {
            Ok(answer) if answer.decision() == Decision::Blocked => {
                return Err(GuardError::Blocked(Box::new(Blocked::new(answer))));
            }
            Ok(answer) => {
                if !answer.model_id.is_empty() {
                    model.clone_from(&answer.model_id);
                }
                Some(Answer::from(answer))
            }
            Err(status) if !is_unreached(status.code()) => return Err(GuardError::Rpc(status)),
            Err(status) if policy == Policy::Closed => return Err(GuardError::Unavailable(status)),
            Err(status) => {
                let why = status.message();
                tracing::warn!("tollgate does not answer, running unchecked: {why}");
                None
            }
        };
        let progress = Mutex::default();
        let shared = Shared { client: Arc::clone(client), check, model, answer, progress };
        Ok(Self { call: Call(Arc::new(shared)), wait, in_block: false })
    }

    /// The call, to run it with.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Records how the call ended. Fails only with `wait`: if nobody answers, the record is queued
    /// and this is [`GuardError::Unavailable`]; if it is refused, or queued because the server does
    /// not accept the token, [`GuardError::Rpc`].
    pub async fn finish(self, outcome: Outcome) -> Result<(), GuardError> {
        let client = &self.call.0.client;
        let Some(item) = self.call.leave(outcome) else { return Ok(()) };
        // Who was cancelled is to end, not to wait.
        let waits = self.wait && outcome != Outcome::Cancelled;
        let record = match &item {
            Item::Record(record) if waits => record.as_ref().clone(),
            _ => {
                client.delivery.put(item);
                return Ok(());
            }
        };
        let mut unsent = Unsent { client, item: Some(item) };
        match client.usage.clone().record_usage(record).await {
            Ok(recorded) => {
                unsent.item = None;
                self.call.progress().recorded = Some(recorded.into_inner());
                Ok(())
            }
            // It stays unsent and so comes into the queue.
            Err(status) if is_unreached(status.code()) => Err(GuardError::Unavailable(status)),
            Err(status) => {
                if !is_unauthorized(status.code()) {
                    unsent.item = None;
                }
                Err(GuardError::Rpc(status))
            }
        }
    }

    /// Runs a block and records how it ended.
    pub(crate) async fn run<T, E, F, B>(mut self, block: F) -> Result<T, GuardError<E>>
    where
        F: FnOnce(Call) -> B,
        B: Future<Output = Result<T, E>>,
    {
        self.in_block = true;
        let mut running = pin!(block(self.call.clone()));
        let result = std::future::poll_fn(|context| {
            self.in_block = true;
            let polled = running.as_mut().poll(context);
            self.in_block = false;
            polled
        })
        .await;
        match result {
            Ok(value) => match self.finish(Outcome::Success).await {
                Ok(()) => Ok(value),
                Err(error) => Err(error.widen()),
            },
            Err(error) => {
                let call = self.call.clone();
                if let Err(failure) = self.finish(Outcome::Error).await {
                    let id = call.request_id();
                    tracing::error!("tollgate: the usage record {id} is not taken: {failure}");
                }
                Err(GuardError::Block(error))
            }
        }
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let outcome = if self.in_block { Outcome::Error } else { Outcome::Cancelled };
        if let Some(item) = self.call.leave(outcome) {
            self.call.0.client.delivery.put(item);
        }
    }
}

/// What is to be queued if the future that holds this ends before it has taken it out again.
struct Unsent<'a> {
    client: &'a Arc<Inner>,
    item: Option<Item>,
}

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        if let Some(item) = self.item.take() {
            self.client.delivery.put(item);
        }
    }
}

impl From<v1::CheckAndRouteResponse> for Answer {
    fn from(answer: v1::CheckAndRouteResponse) -> Self {
        let state = v1::BudgetState::try_from(answer.budget_state).map(|state| state.as_str_name());
        Self {
            decision: answer.decision(),
            reason: reason_name(answer.reason),
            held: answer.held.as_ref().and_then(|held| held.try_into().ok()),
            expire_time: answer.expire_time.and_then(|time| time.try_into().ok()),
            budget_state: enum_name(state, "BUDGET_STATE_", answer.budget_state),
            verdicts: answer.verdicts.into_iter().map(Verdict::from).collect(),
        }
    }
}

fn release_of(check: &v1::CheckAndRouteRequest) -> Item {
    Item::Release(v1::ReleaseHoldRequest {
        workspace_id: check.workspace_id.clone(),
        request_id: check.request_id.clone(),
    })
}
