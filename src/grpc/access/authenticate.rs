//! Authentication: lets a request through to the services with its caller, or refuses it.

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
use hashbrown::HashMap;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::Service;
use tracing::warn;

use super::authorize::Caller;
use super::table::{METHODS, Method};
use crate::domain::access::Secret;
use crate::engine::{Engine, Grant};
use crate::grpc::shared::status::Failure;
use crate::grpc::{Admission, ServiceContext};
use crate::identity::Identities;
use crate::transport::Peer;

/// What answers without credentials.
const OPEN: [&str; 2] = ["/grpc.health.v1.", "/grpc.reflection."];
/// With the space after it.
const SCHEME: &[u8] = b"bearer ";
const FOREIGN_HOST: &str = "host: expected localhost or a loopback address, because this server \
                            requires no credentials";
const FOREIGN_ORIGIN: &str =
    "origin: expected localhost, a loopback address, or one of cors_allowed_origins";
/// Failed attempts of one address: so many at once, and one more each second.
const FAILED_ATTEMPTS: Quota = Quota::per_second(NonZeroU32::MIN).allow_burst(AT_ONCE);
const AT_ONCE: NonZeroU32 = NonZeroU32::new(20).expect("it is not 0");
/// Most addresses whose failed attempts are counted; more share one count.
const ADDRESSES_MAX: usize = 10_000;

type Attempts = RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>;

/// Who is let in.
pub struct Authenticator {
    engine: Engine,
    admission: Admission,
    identities: Option<Arc<Identities>>,
    methods: HashMap<&'static str, &'static Method>,
    failed: Attempts,
}

impl Authenticator {
    pub fn new(context: &ServiceContext) -> Authenticator {
        Authenticator {
            engine: context.engine.clone(),
            admission: context.admission.clone(),
            identities: context.identities.clone(),
            methods: METHODS.iter().map(|call| (call.path, call)).collect(),
            failed: RateLimiter::hashmap(FAILED_ATTEMPTS),
        }
    }

    /// Lets a request for a page through: the page needs no credentials, its calls may. The host is
    /// the one that calls need.
    ///
    /// # Errors
    /// Why not.
    pub fn admit_page<B>(&self, request: &Request<B>) -> Result<(), String> {
        match &self.admission {
            Admission::Local { origins } => check_local(request, origins).map_err(str::to_owned),
            Admission::Authenticated | Admission::Anyone => Ok(()),
        }
    }

    /// Notes the caller of a request with it.
    ///
    /// # Errors
    /// If it is not let in.
    fn let_in(&self, request: &mut Request<Body>) -> Result<(), Failure> {
        let caller = self.authenticate(request)?;
        caller.map(|caller| request.extensions_mut().insert(caller));
        Ok(())
    }

    /// The caller of a request; none if it needs none, or there is no such call.
    fn authenticate(&self, request: &Request<Body>) -> Result<Option<Caller>, Failure> {
        match &self.admission {
            Admission::Authenticated => {}
            Admission::Local { origins } => {
                let checked = check_local(request, origins);
                checked.map_err(|reason| Failure::Denied(reason.to_owned()))?;
                return Ok(Some(Caller::Anonymous));
            }
            Admission::Anyone => return Ok(Some(Caller::Anonymous)),
        }
        let path = request.uri().path();
        if OPEN.iter().any(|prefix| path.starts_with(prefix)) {
            return Ok(None);
        }
        let grant = self.grant(request).map_err(|reason| self.failure_of(request, &reason))?;
        let Some(call) = self.methods.get(path) else { return Ok(None) };
        let caller = Caller::Authenticated(grant);
        caller.require_role(call)?;
        Ok(Some(caller))
    }

    /// What the credentials of a request stand for: its bearer token or, where it has none, the
    /// certificate of its connection.
    ///
    /// # Errors
    /// Why there is none, for the log.
    fn grant(&self, request: &Request<Body>) -> Result<Grant, String> {
        let identities = self.identities.as_ref();
        if let Some(token) = bearer(request.headers())? {
            if let Some(grant) = self.engine.authenticate(token) {
                return Ok(grant);
            }
            let token = str::from_utf8(token).map_err(|_| "the bearer token is no text")?;
            if Secret::is_well_formed(token) {
                return Err("the access token is not valid".to_owned());
            }
            let identities = identities.ok_or("the bearer token is no access token")?;
            return identities.of_jwt(token, self.engine.now());
        }
        let peer = request.extensions().get::<Peer>();
        let certificate = peer.and_then(|peer| peer.certificate.as_ref());
        let (Some(certificate), Some(identities)) = (certificate, identities) else {
            return Err("there are none".to_owned());
        };
        let (der, fingerprint) = (&certificate.der, certificate.fingerprint);
        identities.of_certificate(der, fingerprint, self.engine.now())
    }

    /// Counts a failed attempt. Valid credentials are never held up.
    fn failure_of(&self, request: &Request<Body>, reason: &str) -> Failure {
        let peer = request.extensions().get::<Peer>();
        let address = peer.map_or(IpAddr::from([0; 4]), |peer| peer.address.ip()).to_canonical();
        if self.failed.len() > ADDRESSES_MAX {
            self.failed.retain_recent();
        }
        let is_full = self.failed.len() > ADDRESSES_MAX;
        let counted = if is_full { IpAddr::from([0; 4]) } else { address };
        if self.failed.check_key(&counted).is_err() {
            return Failure::TooManyAttempts;
        }
        warn!(%address, reason, "a call without valid credentials was refused");
        Failure::Unauthenticated
    }
}

/// A name that an attacker points at this machine lets pages reach it: then the host is that name.
///
/// # Errors
/// What was expected.
fn check_local<B>(request: &Request<B>, origins: &[String]) -> Result<(), &'static str> {
    let headers = request.headers();
    let is_this_machine = match request.uri().authority() {
        Some(authority) => is_loopback(authority.host()),
        None => headers.get(HOST).is_some_and(|host| host.to_str().is_ok_and(is_of_loopback)),
    };
    if !is_this_machine {
        return Err(FOREIGN_HOST);
    }
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let is_listed = origins.iter().any(|listed| listed == "*" || listed == origin);
    let is_local = origin.split_once("://").is_some_and(|(_, host)| is_of_loopback(host));
    if is_listed || is_local {
        return Ok(());
    }
    Err(FOREIGN_ORIGIN)
}

/// Whether a host, with or without a port, is this machine.
fn is_of_loopback(host: &str) -> bool {
    host.parse::<Authority>().is_ok_and(|authority| is_loopback(authority.host()))
}

/// Whether a host without a port is this machine.
fn is_loopback(host: &str) -> bool {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let is_address = name.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
    is_address || name.eq_ignore_ascii_case("localhost")
}

/// The bearer token of a request; none where nothing is said of authorization.
///
/// # Errors
/// If there is something else, or more than one.
fn bearer(headers: &HeaderMap) -> Result<Option<&[u8]>, &'static str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bearer = value.as_bytes().split_at_checked(SCHEME.len());
    let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME));
    match (bearer, values.next()) {
        (Some((_, token)), None) => Ok(Some(token.trim_ascii_start())),
        _ => Err("expected one bearer token"),
    }
}

/// A service behind a [`Authenticator`].
#[derive(Clone)]
pub struct Authenticated<S> {
    inner: S,
    authenticator: Arc<Authenticator>,
}

impl<S> Authenticated<S> {
    pub fn new(inner: S, authenticator: Arc<Authenticator>) -> Authenticated<S> {
        Authenticated { inner, authenticator }
    }

    /// Answers by a service of its own; counts no reference to the [`Authenticator`].
    pub fn answer(&self, mut request: Request<Body>) -> Answering<S::Future>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
    {
        match self.authenticator.let_in(&mut request) {
            Ok(()) => Either::Left(self.inner.clone().call(request)),
            Err(failure) => Either::Right(ready(Ok(Status::from(failure).into_http()))),
        }
    }
}

/// A call of an [`Authenticated`] service.
type Answering<F> = Either<F, Ready<Result<Response<Body>, Infallible>>>;

impl<S> Service<Request<Body>> for Authenticated<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match self.authenticator.let_in(&mut request) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(failure) => Either::Right(ready(Ok(Status::from(failure).into_http()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn this_machine_is_known_by_its_host() {
        for host in ["localhost", "LOCALHOST:50051", "127.0.0.1:1", "127.9.9.9", "[::1]:50051"] {
            assert!(is_of_loopback(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "10.0.0.1",
            "0.0.0.0",
            "[::]:1",
            "a b",
        ] {
            assert!(!is_of_loopback(host), "{host}");
        }
    }

    #[test]
    fn credentials_are_one_bearer_token() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            bearer(&headers).map(|token| token.map(<[u8]>::to_vec))
        };
        assert_eq!(read(&[]), Ok(None));
        for value in ["Bearer tg_x", "bearer  tg_x"] {
            assert_eq!(read(&[value]), Ok(Some(b"tg_x".to_vec())), "{value}");
        }
        for values in [
            &["tg_x"] as &[&str],
            &["Basic tg_x"],
            &["Bearertg_x"],
            &["Bearer tg_x", "Bearer tg_x"],
            &["Bearer"],
        ] {
            assert_eq!(read(values), Err("expected one bearer token"), "{values:?}");
        }
    }
}
