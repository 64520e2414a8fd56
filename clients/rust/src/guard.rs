//! The guard around one LLM call: a check on the way in, a record on the way out.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use serde_json::Value;
use tokio::task::AbortHandle;
use tonic::Status;

use crate::answer::{AnswerError, Parts, ProviderAnswer, is_whole};
use crate::delivery::Item;
use crate::errors::{Blocked, GuardError, Verdict, is_unauthorized, is_unreached};
use crate::inner::Inner;
use crate::money::Money;
use crate::names::OpenEnum;
use crate::recorded::Recorded;
use crate::reduce::{events_of, has_figures};
use crate::report::check_counts;
use crate::request::{Policy, Request};
use crate::resume::keep_hold;
use crate::v1::{self, Decision, Outcome, ServiceTier, Usage};

/// A guarded call, as the block around an LLM call sees it. Clones are handles of the same call.
#[derive(Clone)]
pub struct Call(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) client: Arc<Inner>,
    pub(crate) check: v1::CheckAndRouteRequest,
    pub(crate) model: String,
    pub(crate) attempt: i32,
    /// Whether it goes on with a call that was begun elsewhere.
    pub(crate) is_resumed: bool,
    pub(crate) held: Option<Money>,
    pub(crate) expire_time: Option<SystemTime>,
    /// The answer of the check; absent if Tollgate was not reached, or was not asked.
    pub(crate) answer: Option<Answer>,
    // Never held across an await.
    pub(crate) progress: Mutex<Progress>,
}

pub(crate) struct Answer {
    decision: Decision,
    reason: OpenEnum<v1::Reason>,
    verdicts: Vec<Verdict>,
    budget_state: OpenEnum<v1::BudgetState>,
}

#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) began: Option<(SystemTime, Instant)>,
    pub(crate) left: bool,
    /// What the provider has answered.
    pub(crate) parts: Parts,
    /// Whether these are the parts of a [`ProviderAnswer`].
    is_made: bool,
    pub(crate) provider: String,
    /// Goes before the parts.
    pub(crate) given: Option<Usage>,
    pub(crate) factors: Option<Vec<String>>,
    pub(crate) model: String,
    pub(crate) service_tier: Option<ServiceTier>,
    pub(crate) output_text: String,
    recorded: Option<Recorded>,
    /// Keeps the hold of an answer that is awaited.
    pub(crate) keeping: Option<AbortHandle>,
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

    /// Number of the attempt that it is recorded under: above 0 where the request was recorded
    /// before and is checked again.
    #[must_use]
    pub fn attempt(&self) -> i32 {
        self.0.attempt
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
        self.0.answer.is_none() && !self.0.is_resumed
    }

    /// Why it was routed; unspecified if it was not.
    #[must_use]
    pub fn reason(&self) -> OpenEnum<v1::Reason> {
        self.0.answer.as_ref().map(|answer| answer.reason).unwrap_or_default()
    }

    /// Limits that warned, would have blocked, or led to another model.
    #[must_use]
    pub fn verdicts(&self) -> &[Verdict] {
        self.0.answer.as_ref().map_or(&[], |answer| &answer.verdicts)
    }

    /// What is set aside; nothing if Tollgate was not reached.
    #[must_use]
    pub fn held(&self) -> Option<&Money> {
        self.0.held.as_ref()
    }

    /// When the hold ends by itself.
    #[must_use]
    pub fn expire_time(&self) -> Option<SystemTime> {
        self.0.expire_time
    }

    /// Where the workspace stood; unspecified if Tollgate was not reached.
    #[must_use]
    pub fn budget_state(&self) -> OpenEnum<v1::BudgetState> {
        self.0.answer.as_ref().map(|answer| answer.budget_state).unwrap_or_default()
    }

    /// Keeps what the provider answered, of whatever type, or JSON of it.
    ///
    /// Every event of a stream may be handed in: a stream is kept in bounded memory. Content never
    /// leaves the process: only numbers are sent, and a few names such as that of the model. The
    /// server reads usage, model and tier in it. Of several answers the last one counts.
    pub fn record<A: Serialize + ?Sized>(&self, answer: &A) {
        self.record_from("", answer);
    }

    /// Keeps what this provider answered, such as `openai` or `bedrock`.
    pub fn record_from<A: Serialize + ?Sized>(&self, provider: &str, answer: &A) {
        let events = match serde_json::to_value(answer) {
            Ok(Value::Null) => return,
            Ok(answer) => events_of(&answer),
            Err(_) => Err(AnswerError::NotJson),
        };
        let events = events.unwrap_or_else(|error| {
            // It was an answer all the same.
            let id = self.request_id();
            tracing::warn!(%error, "tollgate: the answer of {id} has no usage that can be read");
            Vec::new()
        });
        let mut progress = self.progress();
        if !provider.is_empty() {
            progress.provider = provider.to_lowercase();
        }
        if std::mem::take(&mut progress.is_made) {
            progress.parts = Parts::default();
        }
        if events.iter().any(is_whole) {
            if progress.parts.has_figures() {
                let id = self.request_id();
                tracing::warn!("tollgate: of several answers to {id} the last counts");
            }
            progress.parts = Parts::default();
        }
        if events.iter().any(has_figures) {
            progress.given = None;
        }
        progress.parts.add(events);
        self.keep_hold_if_unfinished(&mut progress);
    }

    /// Keeps what the provider answered, in the place of all that was recorded before.
    pub fn record_answer(&self, answer: ProviderAnswer) {
        let mut progress = self.progress();
        if !answer.provider.is_empty() {
            progress.provider = answer.provider;
        }
        progress.parts = answer.parts;
        progress.is_made = true;
        progress.given = None;
        self.keep_hold_if_unfinished(&mut progress);
    }

    /// Keeps what was used, counted by yourself.
    pub fn record_usage(&self, usage: Usage) {
        self.progress().given = Some(usage);
    }

    /// Names the factors of the price that applied, such as `us` or `fast`, beside the usage that
    /// you counted.
    pub fn set_factors<F: Into<String>>(&self, factors: impl IntoIterator<Item = F>) {
        self.progress().factors = Some(factors.into_iter().map(Into::into).collect());
    }

    /// Names the model that answered, if it is not [`model`](Self::model) and no answer says it.
    pub fn set_model(&self, model: impl Into<String>) {
        self.progress().model = model.into();
    }

    /// Says which tier served, if it is not the one asked for and no answer says it.
    pub fn set_service_tier(&self, tier: ServiceTier) {
        self.progress().service_tier = Some(tier);
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
        self.0.extend(hold).await
    }

    /// What the server said, with the cost: there once a guard with `wait` is left.
    #[must_use]
    pub fn recorded(&self) -> Option<Recorded> {
        self.progress().recorded.clone()
    }

    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what is to be sent, the first time; fails for counts that can be none.
    fn leave(&self, outcome: Outcome) -> Result<Option<Item>, Status> {
        let mut progress = self.progress();
        if std::mem::replace(&mut progress.left, true) {
            return Ok(None);
        }
        if let Some(task) = progress.keeping.take() {
            task.abort();
        }
        if let Some(Err(why)) = progress.given.as_ref().map(check_counts) {
            let id = self.request_id();
            tracing::error!("tollgate: the usage record {id} is refused: {why}");
            self.0.client.delivery.count_refused();
            return Err(Status::invalid_argument(why));
        }
        Ok(self.report(&progress, outcome))
    }

    fn keep_hold_if_unfinished(&self, progress: &mut Progress) {
        if progress.parts.is_unfinished() && !progress.left && !self.unchecked() {
            progress.keeping.get_or_insert_with(|| keep_hold(&self.0));
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
/// model was never read. A call whose answer is not finished is not recorded, and keeps its hold.
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
        let mut usage = client.usage.clone();
        let answer = client.breaker.call(usage.check_and_route(check.clone())).await;
        given_up.item = None;
        let mut model = check.model_id.clone();
        let (mut attempt, mut held, mut expire_time) = (0, None, None);
        let answer = match answer.map(tonic::Response::into_inner) {
            Ok(answer) if answer.decision() == Decision::Blocked => {
                return Err(GuardError::Blocked(Box::new(Blocked::new(answer))));
            }
            Ok(answer) => {
                if !answer.model_id.is_empty() {
                    model.clone_from(&answer.model_id);
                }
                attempt = answer.attempt;
                held = answer.held.as_ref().and_then(|held| held.try_into().ok());
                expire_time = answer.expire_time.and_then(|time| time.try_into().ok());
                Some(Answer::from(answer))
            }
            Err(status) if !is_unreached(status.code()) => return Err(GuardError::Rpc(status)),
            Err(status) if policy == Policy::Closed => return Err(GuardError::Unavailable(status)),
            Err(status) => {
                client.breaker.warn(&status);
                None
            }
        };
        let shared = Shared {
            client: Arc::clone(client),
            check,
            model,
            attempt,
            is_resumed: false,
            held,
            expire_time,
            answer,
            progress: Mutex::default(),
        };
        Ok(Self::of(shared, wait))
    }

    pub(crate) fn of(shared: Shared, wait: bool) -> Self {
        Self { call: Call(Arc::new(shared)), wait, in_block: false }
    }

    /// The call, to run it with.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Records how the call ended. Fails only with `wait`: if none answers, the record is queued
    /// and this is [`GuardError::Unavailable`]; if it is refused, or queued because the server does
    /// not accept the token, [`GuardError::Rpc`].
    pub async fn finish(self, outcome: Outcome) -> Result<(), GuardError> {
        let client = &self.call.0.client;
        let item = match self.call.leave(outcome) {
            Ok(Some(item)) => item,
            Err(status) if self.wait => return Err(GuardError::Rpc(status)),
            Ok(None) | Err(_) => return Ok(()),
        };
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
        let mut usage = client.usage.clone();
        match client.breaker.call(usage.record_usage(record)).await {
            Ok(recorded) => {
                unsent.item = None;
                client.delivery.count_delivered();
                self.call.progress().recorded = Some(recorded.into_inner().into());
                Ok(())
            }
            // It stays unsent and so comes into the queue.
            Err(status) if is_unreached(status.code()) => Err(GuardError::Unavailable(status)),
            Err(status) => {
                if !is_unauthorized(status.code()) {
                    unsent.item = None;
                    client.delivery.count_refused();
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
        if let Ok(Some(item)) = self.call.leave(outcome) {
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
        Self {
            decision: answer.decision(),
            reason: OpenEnum::new(answer.reason),
            budget_state: OpenEnum::new(answer.budget_state),
            verdicts: answer.verdicts.into_iter().map(Verdict::from).collect(),
        }
    }
}

pub(crate) fn release_of(check: &v1::CheckAndRouteRequest) -> Item {
    Item::Release(v1::ReleaseHoldRequest {
        workspace_id: check.workspace_id.clone(),
        request_id: check.request_id.clone(),
    })
}
