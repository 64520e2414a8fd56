//! What can be said of a guarded call.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::estimate::{Tokenizer, tokens_of};
use crate::v1::{self, ServiceTier, UnitKind, UsageUnit};

/// What happens to a call when Tollgate cannot be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// It runs on the model that was asked for, and is recorded later.
    #[default]
    Open,
    /// It does not run: [`GuardError::Unavailable`](crate::GuardError::Unavailable).
    Closed,
}

/// A call to a model, before it is said how large its input is.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequestTo {
    workspace: String,
    model: String,
}

impl RequestTo {
    /// Says how many input tokens are neither read from nor written to a cache.
    pub fn input_tokens(self, count: i64) -> Request {
        self.with(Input::Tokens(count))
    }

    /// Lets the input tokens be estimated from a text.
    pub fn prompt(self, text: &str) -> Request {
        self.with(Input::Content(text.into()))
    }

    /// Lets the input tokens be estimated from messages of whatever type: those of an SDK, a
    /// [`Value`], or several of them in a tuple; best all parameters of the call, so that system
    /// instructions and tools count, too. See [`estimate_tokens`](crate::estimate_tokens).
    pub fn messages<M: Serialize + ?Sized>(self, messages: &M) -> Request {
        // What cannot be written as JSON cannot be sent to a provider either.
        self.with(Input::Content(serde_json::to_value(messages).unwrap_or(Value::Null)))
    }

    fn with(self, input: Input) -> Request {
        let check = v1::CheckAndRouteRequest {
            workspace_id: self.workspace,
            model_id: self.model,
            attribution: Some(v1::Attribution::default()),
            ..Default::default()
        };
        Request { input, check, wait: false, on_unavailable: None }
    }
}

/// A call to a model, and who and what it is for.
#[derive(Clone, Debug)]
#[must_use]
pub struct Request {
    input: Input,
    check: v1::CheckAndRouteRequest,
    pub(crate) wait: bool,
    pub(crate) on_unavailable: Option<Policy>,
}

#[derive(Clone, Debug)]
enum Input {
    Tokens(i64),
    Content(Value),
}

/// Setters that say who and what a request is for.
macro_rules! attribution {
    ($($(#[$doc:meta])* $name:ident => $field:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(mut self, id: impl Into<String>) -> Self {
                self.attribution_mut().$field = id.into();
                self
            }
        )*
    };
}

impl Request {
    /// Begins a request to a model, which a workspace pays for. The model is the one that is liked
    /// best; another may be decided.
    pub fn to(workspace: impl Into<String>, model: impl Into<String>) -> RequestTo {
        RequestTo { workspace: workspace.into(), model: model.into() }
    }

    attribution! {
        /// User on whose behalf the request runs.
        user => user_id;
        /// Department of the user.
        department => department_id;
        /// Id of the key that your caller presented, never its secret.
        api_key => api_key_id;
        /// Assistant that makes the request.
        assistant => assistant_id;
        /// Workflow or application.
        workflow => workflow_id;
        /// Feature of the product.
        feature => feature_id;
        /// Project that is to be charged.
        project => project_id;
        /// Investigation, case or ticket.
        investigation => investigation_id;
        /// Session or conversation.
        session => session_id;
    }

    /// Adds a free tag; at most 16.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.attribution_mut().tags.insert(key.into(), value.into());
        self
    }

    /// Most output tokens, reasoning included; estimated by the server if it is not said.
    pub fn max_output_tokens(mut self, count: i64) -> Self {
        self.check.max_output_token_count = Some(count);
        self
    }

    /// Input tokens that will be read from the provider's cache.
    pub fn cache_read_tokens(mut self, count: i64) -> Self {
        self.check.cache_read_token_count = count;
        self
    }

    /// Input tokens that will be written to a five-minute cache.
    pub fn cache_write_5m_tokens(mut self, count: i64) -> Self {
        self.check.cache_write_5m_token_count = count;
        self
    }

    /// Input tokens that will be written to a one-hour cache.
    pub fn cache_write_1h_tokens(mut self, count: i64) -> Self {
        self.check.cache_write_1h_token_count = count;
        self
    }

    /// Adds the most that the call may use beside tokens, of one kind.
    pub fn units(mut self, kind: UnitKind, count: i64) -> Self {
        self.check.units.push(UsageUnit { kind: kind.into(), count });
        self
    }

    /// Adds a factor of the price that may apply, such as `us` or `fast`.
    pub fn factor(mut self, name: impl Into<String>) -> Self {
        self.check.factors.push(name.into());
        self
    }

    /// Names what the provider adds to the input: an earlier response (`previous_response_id`), a
    /// conversation, cached content. What was last recorded for it counts as input.
    pub fn context(mut self, id: impl Into<String>) -> Self {
        self.check.context_id = id.into();
        self
    }

    /// Names the request. A UUIDv7 is made if it is not said; the same id is the same request.
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.check.request_id = id.into();
        self
    }

    /// Tier that the request will be served at; the provider's ordinary one if it is not said.
    pub fn service_tier(mut self, tier: ServiceTier) -> Self {
        self.check.service_tier = tier.into();
        self
    }

    /// Adds what a model must be able to do to take this one's place, for example `vision`.
    pub fn required_capability(mut self, capability: impl Into<String>) -> Self {
        self.check.required_capabilities.push(capability.into());
        self
    }

    /// How long the amount is set aside, 1 second to 24 hours; 10 minutes if it is not said. See
    /// [`Call::extend`](crate::Call::extend) for long runs.
    pub fn hold(mut self, span: Duration) -> Self {
        self.check.hold_duration = Some(duration_of(span));
        self
    }

    /// Whether leaving waits until the record is durable, and fails if it is not; it does not
    /// wait if this is not said.
    pub fn wait(mut self, wait: bool) -> Self {
        self.wait = wait;
        self
    }

    /// Overrides the client's policy.
    pub fn on_unavailable(mut self, policy: Policy) -> Self {
        self.on_unavailable = Some(policy);
        self
    }

    /// Makes what is sent to the server.
    pub(crate) fn into_check(self, tokenizer: Option<&Tokenizer>) -> v1::CheckAndRouteRequest {
        let mut check = self.check;
        check.input_token_count = match self.input {
            Input::Tokens(count) => count,
            Input::Content(content) => tokens_of(&content, tokenizer),
        };
        if check.request_id.is_empty() {
            check.request_id = make_request_id();
        }
        check
    }

    fn attribution_mut(&mut self) -> &mut v1::Attribution {
        self.check.attribution.get_or_insert_default()
    }
}

/// Makes a UUIDv7, as the client does where no request id is given: ordered by time, which is
/// stored fastest.
#[must_use]
pub fn make_request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Makes a span of the API, of at most as many seconds as it can say.
pub(crate) fn duration_of(span: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(span.subsec_nanos()).unwrap_or_default(),
    }
}
