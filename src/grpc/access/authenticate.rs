//! Authentication: lets a request through to the services with its caller, or refuses it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use governor::clock::DefaultClock;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::transport::server::TcpConnectInfo;
use tower::Service;
use tracing::warn;

use super::admit::Caller;
use super::table::{CALLS, Call};
use crate::domain::access::Secret;
use crate::engine::Engine;
use crate::grpc::shared::status::Failure;

/// What answers without credentials.
const OPEN: [&str; 2] = ["/grpc.health.v1.", "/grpc.reflection."];
const SCHEME: &str = "bearer";
/// Failed attempts of one address: so many at once, and one more each second.
const FAILED_ATTEMPTS: Quota = Quota::per_second(NonZeroU32::MIN).allow_burst(AT_ONCE);
const AT_ONCE: NonZeroU32 = NonZeroU32::new(20).expect("it is not 0");
/// Most addresses whose failed attempts are counted; more share one count.
const ADDRESSES_MAX: usize = 10_000;

type Attempts = RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>;

/// Who is let in.
pub struct Gatekeeper {
    engine: Engine,
    is_required: bool,
    anonymous: Caller,
    calls: HashMap<&'static str, &'static Call>,
    failed: Attempts,
}

impl Gatekeeper {
    pub fn new(engine: Engine, is_required: bool) -> Gatekeeper {
        Gatekeeper {
            engine,
            is_required,
            anonymous: Caller::anonymous(),
            calls: CALLS.iter().map(|call| (call.path, call)).collect(),
            failed: RateLimiter::hashmap(FAILED_ATTEMPTS),
        }
    }

    /// The caller of a request; none if it needs none, or there is no such call.
    fn let_in(&self, request: &Request<Body>) -> Result<Option<Caller>, Failure> {
        if !self.is_required {
            return Ok(Some(self.anonymous.clone()));
        }
        let path = request.uri().path();
        if OPEN.iter().any(|prefix| path.starts_with(prefix)) {
            return Ok(None);
        }
        let secret = bearer(request.headers()).filter(|secret| Secret::is_well_formed(secret));
        let Some(grant) = secret.and_then(|secret| self.engine.authenticate(secret)) else {
            return Err(self.failure_of(request));
        };
        let Some(call) = self.calls.get(path) else { return Ok(None) };
        let caller = Caller::new(grant);
        caller.require_role(call)?;
        Ok(Some(caller))
    }

    /// Counts a failed attempt. Valid credentials are never held up.
    fn failure_of(&self, request: &Request<Body>) -> Failure {
        let address = request.extensions().get::<TcpConnectInfo>();
        let address = address.and_then(TcpConnectInfo::remote_addr).map(|address| address.ip());
        let address = address.unwrap_or(IpAddr::from([0; 4])).to_canonical();
        if self.failed.len() > ADDRESSES_MAX {
            self.failed.retain_recent();
        }
        let is_full = self.failed.len() > ADDRESSES_MAX;
        let counted = if is_full { IpAddr::from([0; 4]) } else { address };
        if self.failed.check_key(&counted).is_err() {
            return Failure::TooManyAttempts;
        }
        warn!(%address, "a call without valid credentials was refused");
        Failure::Unauthenticated
    }
}

/// The one token of a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(SCHEME).then_some(token.trim_start_matches(' '))
}

/// A service behind a [`Gatekeeper`].
#[derive(Clone)]
pub struct Authenticated<S> {
    inner: S,
    gatekeeper: Arc<Gatekeeper>,
}

impl<S> Authenticated<S> {
    pub fn new(inner: S, gatekeeper: Arc<Gatekeeper>) -> Authenticated<S> {
        Authenticated { inner, gatekeeper }
    }
}

impl<S> Service<Request<Body>> for Authenticated<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match self.gatekeeper.let_in(&request) {
            Ok(caller) => {
                if let Some(caller) = caller {
                    request.extensions_mut().insert(caller);
                }
                Either::Left(self.inner.call(request))
            }
            Err(failure) => Either::Right(ready(Ok(Status::from(failure).into_http()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn credentials_are_one_bearer_token() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            bearer(&headers).map(ToOwned::to_owned)
        };
        assert_eq!(read(&["Bearer tg_x"]).as_deref(), Some("tg_x"));
        assert_eq!(read(&["bearer  tg_x"]).as_deref(), Some("tg_x"));
        for values in [
            &[] as &[&str],
            &["tg_x"],
            &["Basic tg_x"],
            &["Bearertg_x"],
            &["Bearer tg_x", "Bearer tg_x"],
            &["Bearer"],
        ] {
            assert_eq!(read(values), None, "{values:?}");
        }
    }
}
