//! HTTP clients for addresses that others have chosen: webhooks, and keys of identity providers.
//!
//! They follow no redirect, take no proxy from the environment, and connect to no address that the
//! rules do not allow, whatever a name resolves to.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::engine::alerts::address::AddressRules;

const USER_AGENT: &str = concat!("tollgate/", env!("CARGO_PKG_VERSION"));

/// A client for one scheme. Making it reads the certificates of the system.
///
/// # Errors
/// If TLS cannot be set up.
pub fn client(
    rules: AddressRules,
    is_https: bool,
    timeout: Duration,
) -> Result<reqwest::Client, reqwest::Error> {
    // Another part of the process may have chosen before.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .dns_resolver(Guarded { rules, is_https })
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .https_only(is_https)
        .timeout(timeout)
        // Each request connects again, and so is checked again.
        .pool_max_idle_per_host(0)
        .build()
}

/// What failed, without the URL: it may hold a secret.
pub fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let is_itself = Error::source(error).is_none();
    match (error.is_connect(), is_itself) {
        (_, true) => "the request could not be made".to_owned(),
        (true, false) => format!("no connection: {cause}"),
        (false, false) => format!("no answer: {cause}"),
    }
}

/// Resolves names to addresses that the rules allow.
struct Guarded {
    rules: AddressRules,
    is_https: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (rules, is_https) = (self.rules, self.is_https);
        Box::pin(async move {
            let mut addresses: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            addresses.retain(|address| rules.permits(address.ip(), is_https));
            if addresses.is_empty() {
                return Err("the name leads to no address that is allowed".into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that no rule knows by its text, as a rebound one would be.
    #[tokio::test]
    async fn names_are_judged_by_what_they_resolve_to() {
        for (allow_loopback, is_allowed) in [(false, false), (true, true)] {
            let rules = AddressRules { allow_loopback, allow_private: true };
            let guarded = Guarded { rules, is_https: true };
            let resolved = guarded.resolve("localhost".parse().unwrap()).await;
            let error = resolved.err().map(|error| error.to_string()).unwrap_or_default();
            assert_eq!(error.contains("no address that is allowed"), !is_allowed, "{error}");
        }
    }
}
