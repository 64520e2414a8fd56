//! Calls whose provider answers later: their hold is kept, and they are resumed.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::task::AbortHandle;
use tonic::Status;

use crate::errors::{GuardError, is_unreached};
use crate::guard::{OpenCall, Shared};
use crate::inner::Inner;
use crate::request::duration_of;
use crate::v1;

/// How long a hold lives where the request does not say it.
const HOLD_DEFAULT: Duration = Duration::from_secs(10 * 60);
/// Lifetime of the hold of an unfinished call: the longest that the server allows, since it may be
/// resumed at any time.
pub(crate) const HOLD_UNFINISHED: Duration = Duration::from_secs(24 * 60 * 60);
/// The largest page of holds that there is.
const HOLDS_PAGE: i32 = 1000;

/// Says which call is resumed. See [`Client::resume`](crate::Client::resume).
#[derive(Clone, Debug)]
#[must_use]
pub struct Resume {
    workspace: String,
    request_id: String,
    attempt: i32,
    model: String,
    hold: Option<Duration>,
    wait: bool,
}

impl Resume {
    /// Names the call by its workspace, and by the request id of the guard that began it.
    pub fn of(workspace: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self {
            workspace: workspace.into(),
            request_id: request_id.into(),
            attempt: 0,
            model: String::new(),
            hold: None,
            wait: false,
        }
    }

    /// The attempt of the guard that began it; that of the hold if it is not said.
    pub fn attempt(mut self, attempt: i32) -> Self {
        self.attempt = attempt;
        self
    }

    /// The model that it runs on; that of the hold if it is not said.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = model.into();
        self
    }

    /// Lifetime of the hold from each extension; default 10 minutes.
    pub fn hold(mut self, span: Duration) -> Self {
        self.hold = Some(span);
        self
    }

    /// Whether leaving waits until the record is durable, and fails if it is not; it does not
    /// wait if this is not said.
    pub fn wait(mut self, wait: bool) -> Self {
        self.wait = wait;
        self
    }
}

impl OpenCall {
    /// Finds what the check has said, and keeps the hold alive from here on.
    pub(crate) async fn resume(client: &Arc<Inner>, resume: Resume) -> Result<Self, GuardError> {
        let hold = match find_hold(client, &resume).await {
            Ok(hold) => hold.unwrap_or_default(),
            // The answer can be recorded all the same.
            Err(status) if is_unreached(status.code()) => v1::Hold::default(),
            Err(status) => return Err(GuardError::Rpc(status)),
        };
        let check = v1::CheckAndRouteRequest {
            workspace_id: resume.workspace,
            request_id: resume.request_id,
            hold_duration: resume.hold.map(duration_of),
            ..Default::default()
        };
        let open = Self::of(
            Shared {
                client: Arc::clone(client),
                check,
                model: if resume.model.is_empty() { hold.model_id } else { resume.model },
                attempt: if resume.attempt == 0 { hold.attempt } else { resume.attempt },
                is_resumed: true,
                held: hold.held.as_ref().and_then(|held| held.try_into().ok()),
                expire_time: hold.expire_time.and_then(|time| SystemTime::try_from(time).ok()),
                answer: None,
                progress: Mutex::default(),
            },
            resume.wait,
        );
        let shared = &open.call().0;
        open.call().progress().keeping = Some(keep_hold(shared));
        Ok(open)
    }
}

/// Finds what the check has said of a request, unless its hold is gone.
async fn find_hold(client: &Inner, resume: &Resume) -> Result<Option<v1::Hold>, Status> {
    let mut page_token = String::new();
    loop {
        let page = v1::ListHoldsRequest {
            workspace_id: resume.workspace.clone(),
            page_size: HOLDS_PAGE,
            page_token,
            ..Default::default()
        };
        let answer = client.usage.clone().list_holds(page).await?.into_inner();
        let found = answer.holds.into_iter().find(|hold| hold.request_id == resume.request_id);
        page_token = answer.next_page_token;
        if found.is_some() || page_token.is_empty() {
            return Ok(found);
        }
    }
}

/// Extends a hold, now and before it ends, until the task is aborted.
pub(crate) fn keep_hold(shared: &Arc<Shared>) -> AbortHandle {
    let hold = shared.check.hold_duration.and_then(|span| Duration::try_from(span).ok());
    let hold = hold.unwrap_or(HOLD_DEFAULT);
    let call = Arc::downgrade(shared);
    let task = shared.client.delivery.runtime().spawn(async move {
        while let Some(shared) = call.upgrade() {
            if let Err(status) = shared.extend(hold).await {
                let id = &shared.check.request_id;
                tracing::warn!("tollgate: the hold {id} is not extended: {}", status.message());
            }
            drop(shared);
            tokio::time::sleep(hold / 3).await;
        }
    });
    task.abort_handle()
}

impl Shared {
    pub(crate) async fn extend(&self, hold: Duration) -> Result<(), Status> {
        let request = self.extend_request(hold);
        self.client.usage.clone().extend_hold(request).await?;
        Ok(())
    }

    pub(crate) fn extend_request(&self, hold: Duration) -> v1::ExtendHoldRequest {
        v1::ExtendHoldRequest {
            workspace_id: self.check.workspace_id.clone(),
            request_id: self.check.request_id.clone(),
            hold_duration: Some(duration_of(hold)),
        }
    }
}
