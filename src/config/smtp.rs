//! The server that mail is handed to, as `smtp_url` and `smtp_from` say it. Never shows its
//! password.

use std::fmt;

use lettre::message::Mailbox;
use url::{Host, Url};

/// Ports where the URL names none: plain, with STARTTLS, with TLS from the beginning.
const PORT_PLAIN: u16 = 25;
const PORT_STARTTLS: u16 = 587;
const PORT_TLS: u16 = 465;

/// A server for mail, and whom mail is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    pub server: Server,
    pub from: Mailbox,
}

/// A server for mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    /// User and password, if the server asks for them.
    pub credentials: Option<(String, String)>,
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    None,
    /// Begun on a plain connection; fails if the server does not.
    StartTls,
    /// From the first byte.
    Implicit,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("credentials", &self.credentials.as_ref().map(|_| "***"))
            .finish()
    }
}

/// What is expected of a URL.
pub const EXPECTED_URL: &str = "smtps://USER:PASSWORD@HOST:PORT, or smtp:// with ?tls=required \
     for STARTTLS, or with ?tls=none for a plain connection, which needs no word on a loopback \
     address; user and password percent-encoded";

/// What is expected of a sender.
pub const EXPECTED_FROM: &str =
    "an e-mail address, for example tollgate@example.com or Tollgate <tollgate@example.com>";

impl Server {
    /// The server that a URL names.
    pub fn read(text: &str) -> Option<Server> {
        let url = Url::parse(text).ok()?;
        let host = url.host_str().filter(|host| !host.is_empty())?;
        // An IPv6 address is written without its brackets where it is connected to.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let wish = match url.query() {
            None => None,
            Some(query) => Some(query.strip_prefix("tls=")?),
        };
        let (tls, default_port) = match (url.scheme(), wish) {
            ("smtps", None) => (SmtpTls::Implicit, PORT_TLS),
            ("smtp", Some("required")) => (SmtpTls::StartTls, PORT_STARTTLS),
            ("smtp", Some("none")) => (SmtpTls::None, PORT_PLAIN),
            ("smtp", None) if is_loopback(&host) => (SmtpTls::None, PORT_PLAIN),
            _ => return None,
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return None;
        }
        let credentials = match (decoded(url.username())?, url.password()) {
            (user, Some(password)) if !user.is_empty() => Some((user, decoded(password)?)),
            (user, None) if user.is_empty() => None,
            _ => return None,
        };
        let port = url.port().unwrap_or(default_port);
        Some(Server { host, port, tls, credentials })
    }

    /// The same, with the sender of its mail.
    pub fn with_sender(self, from: Mailbox) -> Smtp {
        Smtp { server: self, from }
    }
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Ok(Host::Domain(name)) => name == "localhost",
        // Without its brackets.
        Err(_) => host == "::1",
    }
}

/// With percent signs resolved.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_host_port_protection_and_user() {
        for (url, host, port, tls) in [
            ("smtps://mail.example.com", "mail.example.com", 465, SmtpTls::Implicit),
            ("smtps://mail.example.com:2465/", "mail.example.com", 2465, SmtpTls::Implicit),
            ("smtp://mail.example.com?tls=required", "mail.example.com", 587, SmtpTls::StartTls),
            ("smtp://mail.example.com:26?tls=none", "mail.example.com", 26, SmtpTls::None),
            ("smtp://127.0.0.1:2525", "127.0.0.1", 2525, SmtpTls::None),
            ("smtp://localhost", "localhost", 25, SmtpTls::None),
            ("smtp://[::1]:2525", "::1", 2525, SmtpTls::None),
        ] {
            let smtp = Server::read(url).expect(url);
            assert_eq!((smtp.host.as_str(), smtp.port, smtp.tls), (host, port, tls), "{url}");
            assert_eq!(smtp.credentials, None);
        }
        let smtp = Server::read("smtps://me%40example.com:p%3Ass@mail.example.com").unwrap();
        assert_eq!(smtp.credentials, Some(("me@example.com".to_owned(), "p:ss".to_owned())));
        let shown = format!("{smtp:?}");
        assert!(!shown.contains("p:ss") && !shown.contains("me@"), "{shown}");
    }

    #[test]
    fn what_is_unclear_or_open_to_others_is_refused() {
        for url in [
            "",
            "mail.example.com",
            "http://mail.example.com",
            "smtp://mail.example.com",
            "smtp://10.0.0.1:25",
            "smtp://mail.example.com?tls=opportunistic",
            "smtps://mail.example.com?tls=none",
            "smtps://mail.example.com/path",
            "smtps://user@mail.example.com",
            "smtps://:password@mail.example.com",
            "smtps://user:%zz@mail.example.com",
            "smtps://",
        ] {
            assert_eq!(Server::read(url), None, "{url}");
        }
    }
}
