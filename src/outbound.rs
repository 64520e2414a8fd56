//! HTTP clients for addresses that others have chosen: webhooks, and keys of identity providers.
//!
//! They follow no redirect, take no proxy from the environment, and connect to no address that the
//! rules do not allow, whatever a name resolves to.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::CertificateError;

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
    if let Some(failure) = tls_failure(error) {
        return format!("no connection: {failure}");
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

/// Why a TLS handshake failed, if that is what happened. Not with the text of the error: it names
/// what the certificate of whatever answered is for, and an address may have been chosen to learn
/// that.
pub fn tls_failure(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(tls) = cause.downcast_ref() {
            return Some(describe_tls(tls));
        }
        // An I/O error leaves out what it wraps when it is asked for its source.
        let wrapped = cause.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
        next = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| cause.source());
    }
    None
}

fn describe_tls(error: &rustls::Error) -> &'static str {
    let rustls::Error::InvalidCertificate(fault) = error else {
        return "the TLS handshake failed";
    };
    match fault {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another name"
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            "the certificate has expired or is not valid yet"
        }
        CertificateError::UnknownIssuer => "the certificate is of an authority that is not trusted",
        CertificateError::Revoked => "the certificate is revoked",
        _ => "the certificate is not valid",
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

    #[test]
    fn a_failed_handshake_tells_nothing_of_the_certificate() {
        let names = rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            expected: "alerts.example.com".try_into().unwrap(),
            presented: vec!["DnsName(\"vault.internal\")".to_owned()],
        });
        assert!(names.to_string().contains("vault.internal"), "{names}");
        let plain = tls_failure(&names);
        let wrapped = io::Error::other(names.clone());
        assert_eq!(plain, Some("the certificate is for another name"));
        assert_eq!(tls_failure(&wrapped), plain);
        assert_eq!(tls_failure(&io::Error::other(wrapped)), plain);
        assert_eq!(tls_failure(&io::Error::other("refused")), None);
    }

    #[tokio::test]
    async fn whoever_answers_is_not_described() {
        let pair = rcgen::generate_simple_self_signed(["vault.internal".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(pair.signing_key.serialize_der());
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![pair.cert.der().clone()], key.into())
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
        let answering = async { acceptor.accept(listener.accept().await.unwrap().0).await };
        let rules = AddressRules { allow_loopback: true, allow_private: false };
        let client = client(rules, true, Duration::from_secs(30)).unwrap();
        let (sent, answered) = tokio::join!(client.post(url).send(), answering);
        assert!(answered.is_err());
        let error = describe(&sent.unwrap_err());
        assert!(error.starts_with("no connection: the certificate is "), "{error}");
        assert!(!error.contains("vault"), "{error}");
    }
}
