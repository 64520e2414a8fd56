//! Where a client connects: one grammar, the same in every language.

const PORT: u16 = 50_051;
const EXPECTED: &str = "expected host, host:port, [IPv6]:port, http://host:port, \
                        https://host:port, dns:host:port or unix:/path";

/// What is dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// `host:port`, or `unix:/path`.
    pub(crate) target: String,
    pub(crate) is_tls: bool,
    host: String,
}

impl Address {
    /// Reads an address; `tls` says whether TLS is asked for beside it. The port is 50051 where none
    /// is said, with http 80 and with https 443. What is no address is not shown in the error, as
    /// there may be a password in it.
    pub(crate) fn parse(address: &str, tls: bool) -> Result<Self, String> {
        let (scheme, rest) = scheme_of(address);
        if rest.contains('@') {
            return no_address("it has user information: give the token as token");
        }
        if tls && (scheme == "http" || scheme == "unix") {
            return no_address(&format!("{scheme} is plaintext, and tls is set"));
        }
        let (rest, port) = match scheme {
            "unix" if rest.starts_with('/') => {
                let target = format!("unix:{rest}");
                return Ok(Self { target, is_tls: false, host: "localhost".to_owned() });
            }
            "unix" => return no_address("a socket is named by its whole path"),
            "http" => (rest.strip_suffix('/').unwrap_or(rest), 80),
            "https" => (rest.strip_suffix('/').unwrap_or(rest), 443),
            _ => (rest, PORT),
        };
        let (host, digits) = split(rest);
        if !is_host(host) {
            return no_address("it is not a host and a port");
        }
        let port = match digits {
            None => Some(port),
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port > 0)
            }
            Some(_) => None,
        };
        let Some(port) = port else {
            return no_address("its port is not one from 1 to 65535");
        };
        let target = format!("{host}:{port}");
        Ok(Self { target, is_tls: tls || scheme == "https", host: host.to_owned() })
    }

    /// Whether what is sent there stays on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let octets: Vec<_> = self.host.split('.').collect();
        let is_number = |octet: &&str| {
            (1..=3).contains(&octet.len()) && octet.bytes().all(|digit| digit.is_ascii_digit())
        };
        self.host == "localhost"
            || self.host == "[::1]"
            || (octets.len() == 4 && octets[0] == "127" && octets.iter().all(is_number))
    }
}

/// Takes the scheme off, in small letters; it is empty where there is none.
fn scheme_of(address: &str) -> (&'static str, &str) {
    for (scheme, prefixes) in [
        ("http", &["http://"][..]),
        ("https", &["https://"]),
        ("dns", &["dns:///", "dns:"]),
        ("unix", &["unix://", "unix:"]),
    ] {
        for prefix in prefixes {
            let head = address.get(..prefix.len());
            if head.is_some_and(|head| head.eq_ignore_ascii_case(prefix)) {
                return (scheme, &address[prefix.len()..]);
            }
        }
    }
    ("", address)
}

/// Splits a port off, if there is one.
fn split(address: &str) -> (&str, Option<&str>) {
    let end = address.find(']').map_or(0, |end| end + 1);
    match address[end..].find(':') {
        Some(colon) => (&address[..end + colon], Some(&address[end + colon + 1..])),
        None => (address, None),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let is_digit = |one: u8| one.is_ascii_hexdigit() || b":.".contains(&one);
        return inner.contains(':') && inner.bytes().all(is_digit);
    }
    let is_name = |one: u8| one.is_ascii_alphanumeric() || b".-".contains(&one);
    !host.is_empty() && host.bytes().all(is_name)
}

fn no_address<T>(why: &str) -> Result<T, String> {
    Err(format!("{why}; {EXPECTED}"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Those of all clients.
    fn file() -> Value {
        serde_json::from_str(include_str!("../../conformance/address.json")).unwrap()
    }

    #[test]
    fn an_address_leads_to_one_place() {
        for dialled in file()["dialled"].as_array().unwrap() {
            let text = dialled["address"].as_str().unwrap();
            let address = Address::parse(text, false).unwrap();
            assert_eq!(address.target, dialled["target"].as_str().unwrap(), "{text}");
            assert_eq!(address.is_tls, dialled["tls"].as_bool().unwrap(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_dialled_is_refused() {
        for refused in file()["refused"].as_array().unwrap() {
            let text = refused.as_str().unwrap();
            let error = Address::parse(text, false).expect_err(text);
            assert!(error.contains("expected host") && !error.contains("secret"), "{error}");
        }
        for text in ["http://127.0.0.1:1", "unix:/run/a"] {
            assert!(Address::parse(text, true).unwrap_err().contains("plaintext"), "{text}");
        }
        assert!(Address::parse("dns:localhost", true).unwrap().is_tls);
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let is_loopback = |text| Address::parse(text, false).unwrap().is_loopback();
        for here in ["127.0.0.1:50051", "127.1.2.3:1", "localhost", "[::1]", "unix:/a"] {
            assert!(is_loopback(here), "{here}");
        }
        for there in ["localhost.example:443", "127.example", "10.0.0.1", "[::2]:1", "x"] {
            assert!(!is_loopback(there), "{there}");
        }
        assert!(!is_loopback("127.0.0.1.example:1"));
    }
}
