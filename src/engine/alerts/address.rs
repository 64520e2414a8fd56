//! Address rules of webhooks: prevents server-side request forgery into the server's own network.
//!
//! Checks addresses and resolves none: the HTTP client checks each resolved address again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Longest URL, in characters.
pub const URL_CHARS_MAX: usize = 2_048;

/// What is allowed beyond https to public addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressRules {
    /// Loopback addresses, and http to them.
    pub allow_loopback: bool,
    /// Addresses of private networks, over https.
    pub allow_private: bool,
}

/// The network of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    Public,
    Loopback,
    Private,
    /// Never allowed: link-local and others where clouds serve credentials, and what no webhook can
    /// have.
    Forbidden,
}

impl AddressRules {
    /// Whether a connection to this address may be made, over https or http.
    pub fn permits(self, address: IpAddr, is_https: bool) -> bool {
        match network(address) {
            Network::Public => is_https,
            Network::Loopback => self.allow_loopback,
            Network::Private => is_https && self.allow_private,
            Network::Forbidden => false,
        }
    }

    /// The URL, if a webhook may have it, as far as is known without resolving its name.
    ///
    /// # Errors
    /// With what was expected of it.
    pub fn check(self, text: &str) -> Result<Url, String> {
        let expected = "expected an absolute URL, for example https://alerts.example.com/tollgate";
        // Counted early: it may be as long as a message. The parser would drop some of the others.
        let is_long = text.chars().nth(URL_CHARS_MAX).is_some();
        if is_long || text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(format!("{expected}, of at most {URL_CHARS_MAX} characters, no spaces"));
        }
        let url = Url::parse(text).map_err(|_| expected.to_owned())?;
        let is_https = match url.scheme() {
            "https" => true,
            "http" if self.allow_loopback => false,
            "http" => return Err("expected https".to_owned()),
            _ => return Err(expected.to_owned()),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("expected a URL without user and password".to_owned());
        }
        let is_loopback_name = |name: &str| {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        };
        let permitted = match url.host() {
            None => return Err(expected.to_owned()),
            Some(Host::Ipv4(address)) => self.permits(address.into(), is_https),
            Some(Host::Ipv6(address)) => self.permits(address.into(), is_https),
            Some(Host::Domain(name)) if is_loopback_name(name) => self.allow_loopback,
            Some(Host::Domain(_)) => is_https,
        };
        match (permitted, is_https) {
            (true, _) => Ok(url),
            (false, true) => {
                Err("expected a public address: the configuration of the server does \
                                  not allow this one"
                    .to_owned())
            }
            (false, false) => Err("expected https: http is for loopback addresses".to_owned()),
        }
    }
}

fn network(address: IpAddr) -> Network {
    match address {
        IpAddr::V4(address) => network_v4(address),
        IpAddr::V6(address) => network_v6(address),
    }
}

fn network_v4(address: Ipv4Addr) -> Network {
    match address.octets() {
        [127, ..] => Network::Loopback,
        // The host of a virtual machine in Azure, which looks public, and the metadata of Alibaba
        // Cloud, which looks private. Those of Oracle Cloud Classic (192.0.0.192) and of all others
        // known are in networks that are forbidden as a whole.
        // https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
        // https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
        [168, 63, 129, 16] | [100, 100, 100, 200] => Network::Forbidden,
        // RFC 1918, and what carriers share (RFC 6598).
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Network::Private,
        // "This" network, link-local, protocol assignments, documentation, relays, benchmarks.
        [0, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Network::Forbidden,
        // Multicast, reserved, broadcast.
        [224..=255, ..] => Network::Forbidden,
        _ => Network::Public,
    }
}

fn network_v6(address: Ipv6Addr) -> Network {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        network_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Network::Loopback,
        // Forms that lead to an IPv4 address are judged by it: mapped, translated, 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        // Unique-local addresses that clouds give to metadata and other services of their own: AWS
        // (also names and time), Google Cloud, Oracle Cloud, Scaleway.
        // https://docs.aws.amazon.com/whitepapers/latest/ipv6-on-aws (supporting VPC services)
        // https://cloud.google.com/compute/docs/metadata/querying-metadata
        // https://docs.oracle.com/iaas/Content/Compute/Tasks/gettingmetadata.htm
        // https://www.scaleway.com/en/docs/instances/how-to/use-cloud-init/
        [0xfd00, 0xec2, ..]
        | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]
        | [0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe]
        | [0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42] => Network::Forbidden,
        // Unique-local, and the site-local addresses before them.
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Network::Private,
        // Protocol assignments (Teredo among them), documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => {
            Network::Forbidden
        }
        [0x2000..=0x3fff, ..] => Network::Public,
        // Unspecified, link-local, multicast, and what is not assigned.
        _ => Network::Forbidden,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: AddressRules = AddressRules { allow_loopback: false, allow_private: false };
    const LOOPBACK: AddressRules = AddressRules { allow_loopback: true, allow_private: false };
    const PRIVATE: AddressRules = AddressRules { allow_loopback: false, allow_private: true };

    #[test]
    fn addresses_have_their_place() {
        for (text, expected) in [
            ("1.1.1.1", Network::Public),
            ("172.15.0.1", Network::Public),
            ("172.32.0.1", Network::Public),
            ("100.128.0.1", Network::Public),
            ("223.255.255.255", Network::Public),
            ("2606:4700::1111", Network::Public),
            ("2001:200::1", Network::Public),
            ("127.0.0.1", Network::Loopback),
            ("127.255.0.9", Network::Loopback),
            ("::1", Network::Loopback),
            ("::ffff:127.0.0.1", Network::Loopback),
            ("64:ff9b::7f00:1", Network::Loopback),
            ("10.1.2.3", Network::Private),
            ("172.16.0.1", Network::Private),
            ("172.31.255.255", Network::Private),
            ("192.168.1.1", Network::Private),
            ("100.64.0.1", Network::Private),
            ("::ffff:10.0.0.1", Network::Private),
            ("2002:c0a8:0101::1", Network::Private),
            ("fc00::1", Network::Private),
            ("fdff::1", Network::Private),
            ("fec0::1", Network::Private),
            ("168.63.129.15", Network::Public),
            ("168.63.129.17", Network::Public),
            ("100.100.100.199", Network::Private),
            ("fd00:ec3::1", Network::Private),
            ("fd20:ce::253", Network::Private),
            ("168.63.129.16", Network::Forbidden),
            ("::ffff:168.63.129.16", Network::Forbidden),
            ("64:ff9b::a83f:8110", Network::Forbidden),
            ("100.100.100.200", Network::Forbidden),
            ("192.0.0.192", Network::Forbidden),
            ("fd00:ec2::254", Network::Forbidden),
            ("fd00:ec2::23", Network::Forbidden),
            ("fd20:ce::254", Network::Forbidden),
            ("fd00:c1::a9fe:a9fe", Network::Forbidden),
            ("fd00:42::42", Network::Forbidden),
            ("0.0.0.0", Network::Forbidden),
            ("169.254.169.254", Network::Forbidden),
            ("::ffff:169.254.169.254", Network::Forbidden),
            ("192.0.0.8", Network::Forbidden),
            ("192.0.2.1", Network::Forbidden),
            ("192.88.99.1", Network::Forbidden),
            ("198.19.0.1", Network::Forbidden),
            ("198.51.100.7", Network::Forbidden),
            ("203.0.113.7", Network::Forbidden),
            ("224.0.0.1", Network::Forbidden),
            ("240.0.0.1", Network::Forbidden),
            ("255.255.255.255", Network::Forbidden),
            ("::", Network::Forbidden),
            ("::7f00:1", Network::Forbidden),
            ("fe80::1", Network::Forbidden),
            ("ff02::1", Network::Forbidden),
            ("2001:db8::1", Network::Forbidden),
            ("2001::1", Network::Forbidden),
            ("3fff::1", Network::Forbidden),
            ("100::1", Network::Forbidden),
            ("64:ff9b:1::1", Network::Forbidden),
        ] {
            assert_eq!(network(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn a_url_is_public_https_unless_more_is_allowed() {
        for (text, [by_nothing, by_loopback, by_private]) in [
            ("https://example.com/hook?token=x", [true, true, true]),
            ("https://example.com:8443", [true, true, true]),
            ("https://1.1.1.1/", [true, true, true]),
            ("http://example.com/", [false, false, false]),
            ("http://1.1.1.1/", [false, false, false]),
            ("https://localhost/", [false, true, false]),
            ("http://localhost:8080/", [false, true, false]),
            ("http://a.localhost./", [false, true, false]),
            ("http://127.0.0.1:8080/", [false, true, false]),
            ("http://2130706433/", [false, true, false]),
            ("http://0x7f.1/", [false, true, false]),
            ("http://[::1]/", [false, true, false]),
            ("https://[::ffff:127.0.0.1]/", [false, true, false]),
            ("https://10.0.0.1/", [false, false, true]),
            ("http://10.0.0.1/", [false, false, false]),
            ("https://[fd00::1]/", [false, false, true]),
            ("https://169.254.169.254/latest", [false, false, false]),
            ("https://0.0.0.0/", [false, false, false]),
            ("https://user@example.com/", [false, false, false]),
            ("https://user:pass@example.com/", [false, false, false]),
            ("ftp://example.com/", [false, false, false]),
            ("file:///etc/passwd", [false, false, false]),
            ("example.com/hook", [false, false, false]),
            ("/hook", [false, false, false]),
            ("https://", [false, false, false]),
            ("https://exa mple.com/", [false, false, false]),
            ("https://example.com/\thook", [false, false, false]),
            ("", [false, false, false]),
        ] {
            for (rules, expected) in
                [(NOTHING, by_nothing), (LOOPBACK, by_loopback), (PRIVATE, by_private)]
            {
                assert_eq!(rules.check(text).is_ok(), expected, "{text} {rules:?}");
            }
        }
        let long = |count: usize| format!("https://example.com/{}", "a".repeat(count - 20));
        assert!(NOTHING.check(&long(URL_CHARS_MAX)).is_ok());
        assert!(NOTHING.check(&long(URL_CHARS_MAX + 1)).is_err());
    }

    #[test]
    fn what_a_name_resolves_to_is_judged_again() {
        let public = "1.1.1.1".parse().unwrap();
        let loopback = "127.0.0.1".parse().unwrap();
        assert!(NOTHING.permits(public, true));
        // Over http nothing but loopback, also where the name says so.
        assert!(!LOOPBACK.permits(public, false));
        assert!(LOOPBACK.permits(loopback, false));
        assert!(!PRIVATE.permits(loopback, true));
    }
}
