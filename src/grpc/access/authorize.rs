//! Authorization in the handlers: [`authorize`] takes the message of a request only for a caller of
//! its workspace.

use std::sync::LazyLock;

use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

use super::table::{Method, MethodRequest, Place, Scope};
use crate::domain::access::Role;
use crate::engine::{Actor, Grant};
use crate::grpc::shared::actor::{ANONYMOUS, actor};
use crate::grpc::shared::status::{Failure, stopping};

const FOREIGN_WORKSPACE: &str = "workspace_id: not a workspace of this caller";
const NOT_OWN: &str = "subject, filters: expected the user or API key of this caller alone";

/// Who makes a call. Every request that reaches a service has one among its extensions.
#[derive(Clone)]
pub enum Caller {
    Authenticated(Grant),
    /// Everybody, where authentication is not required.
    Anonymous,
}

impl Caller {
    pub fn grant(&self) -> &Grant {
        static EVERYBODY: LazyLock<Grant> = LazyLock::new(Grant::anonymous);
        match self {
            Caller::Authenticated(grant) => grant,
            Caller::Anonymous => &EVERYBODY,
        }
    }

    /// # Errors
    /// If its role may not make the call.
    pub fn require_role(&self, call: &Method) -> Result<(), Failure> {
        let role = self.grant().identity().role;
        if role == Role::Operator || call.roles.contains(&role) {
            return Ok(());
        }
        Err(Failure::Denied(format!("the role {} may not call {}", role.as_str(), call.method)))
    }

    /// # Errors
    /// If it may not act where the request does. Whether there is such a workspace is not said.
    pub fn require_scope<M: MethodRequest>(&self, request: &M) -> Result<(), Failure> {
        match request.scope() {
            Scope::Workspace(id) if !self.may_act_in(id) => {
                return Err(Failure::Denied(FOREIGN_WORKSPACE.to_owned()));
            }
            _ => {}
        }
        match &self.grant().identity().holder {
            Some(holder) if M::METHOD.place == Place::Own && !request.is_about(holder) => {
                Err(Failure::Denied(NOT_OWN.to_owned()))
            }
            _ => Ok(()),
        }
    }

    pub fn may_act_in(&self, workspace_id: &str) -> bool {
        self.grant().identity().may_act_in(workspace_id)
    }
}

/// The caller of a request.
///
/// # Errors
/// If it was not authenticated.
pub fn caller<M>(request: &Request<M>) -> Result<&Caller, Failure> {
    request.extensions().get::<Caller>().ok_or(Failure::Unauthenticated)
}

/// The message of a request.
///
/// # Errors
/// If its caller may not make this call, or not in this workspace.
pub fn authorize<M: MethodRequest>(request: Request<M>) -> Result<M, Failure> {
    let caller = caller(&request)?;
    caller.require_role(&M::METHOD)?;
    caller.require_scope(request.get_ref())?;
    Ok(request.into_inner())
}

/// The actor of a change: the identity of the caller, with on whose behalf it says that it acts.
/// Where authentication is not required, who it says that it is.
///
/// # Errors
/// If the metadata is no actor.
pub fn by<M: MethodRequest>(request: &Request<M>) -> Result<Actor, Failure> {
    let caller = caller(request)?;
    let said = actor(request.metadata())?;
    let action = M::METHOD.method;
    let Caller::Authenticated(grant) = caller else {
        return Ok(Actor::new(said.unwrap_or_else(|| ANONYMOUS.to_owned()), action));
    };
    let actor = Actor::new(&*grant.identity().name, action);
    Ok(Actor { on_behalf_of: said.unwrap_or_default(), ..actor })
}

/// When a stream ends before its reader does.
#[derive(Clone)]
pub struct Stop {
    stopping: CancellationToken,
    ended: CancellationToken,
}

impl Stop {
    /// With the server, or once the caller's credentials are valid no longer.
    ///
    /// # Errors
    /// If the caller was not authenticated.
    pub fn of<M>(stopping: &CancellationToken, request: &Request<M>) -> Result<Stop, Failure> {
        let ended = caller(request)?.grant().ended().clone();
        // A token of its own: asking it does not contend with other streams.
        Ok(Stop { stopping: stopping.child_token(), ended })
    }

    pub fn is_now(&self) -> bool {
        self.stopping.is_cancelled() || self.ended.is_cancelled()
    }

    /// The result of a future; none if it is time to stop.
    pub async fn run_until<F: Future>(&self, future: F) -> Option<F::Output> {
        let until_stop = self.stopping.run_until_cancelled(future);
        self.ended.run_until_cancelled(until_stop).await.flatten()
    }

    pub fn status(&self) -> Status {
        if self.stopping.is_cancelled() { stopping() } else { Failure::Unauthenticated.into() }
    }
}
