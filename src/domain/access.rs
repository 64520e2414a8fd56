//! Who may call: roles, access tokens and identities.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::domain::Time;
use crate::domain::attribution::SubjectKind;

coded_enum! {
    /// What a caller may do. An operator may do everything, in all workspaces.
    pub enum Role {
        Operator = 0,
        Admin = 1,
        Service = 2,
        Viewer = 3,
        /// One user or API key, for its own usage and limits.
        Holder = 4,
    }
}

/// Most workspaces of a token, or of another identity.
pub const WORKSPACES_MAX: usize = 100;

impl Role {
    /// What is expected of the number of workspaces of an identity with this role, if it is not
    /// that.
    pub fn fault_of_workspaces(self, count: usize) -> Option<&'static str> {
        match (self, count) {
            (Role::Operator, 0) | (Role::Holder, 1) => None,
            (Role::Operator, _) => Some("expected none: an operator has all"),
            (Role::Holder, _) => Some("expected one: that of the user or API key"),
            (_, 1..=WORKSPACES_MAX) => None,
            (_, _) => Some("expected one to 100"),
        }
    }

    /// What is expected of the subject of an identity with this role, if it is not that.
    pub fn fault_of_subject(self, kind: Option<SubjectKind>) -> Option<&'static str> {
        match (self, kind) {
            (Role::Holder, Some(SubjectKind::User | SubjectKind::ApiKey)) => None,
            (Role::Holder, _) => Some("expected a user or an API key: the role is for one"),
            (_, None) => None,
            (_, Some(_)) => Some("expected none: only the role holder is for one"),
        }
    }
}

/// The user or API key of the role holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holder {
    pub kind: SubjectKind,
    pub id: Arc<str>,
}

/// What secrets begin with, so that scanners of source code know them.
pub const SECRET_PREFIX: &str = "tg_";
/// Digits of base 62 for 256 bits, and for the checksum of 32.
const RANDOM_DIGITS: usize = 43;
const CHECKSUM_DIGITS: usize = 6;
const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The secret of an access token: the prefix, random bits in base 62, and a checksum of both.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn from_random(random: [u8; 32]) -> Secret {
        let mut text = SECRET_PREFIX.to_owned();
        text.push_str(&base_62(random, RANDOM_DIGITS));
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Secret(text)
    }

    /// The secret that a text is; none if it has not the form of one.
    pub fn parse(text: &str) -> Option<Secret> {
        Secret::is_well_formed(text).then(|| Secret(text.to_owned()))
    }

    /// Whether a text has the form and the checksum of a secret.
    pub fn is_well_formed(text: &str) -> bool {
        text.len() == SECRET_PREFIX.len() + RANDOM_DIGITS + CHECKSUM_DIGITS
            && text.is_ascii()
            && text.starts_with(SECRET_PREFIX)
            && text
                .split_at_checked(text.len() - CHECKSUM_DIGITS)
                .is_some_and(|(before, digits)| checksum(before) == digits)
    }

    /// The plain text: shown once to the caller, never logged.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The CRC-32 of a text.
fn checksum(text: &str) -> String {
    let crc = crc32fast::hash(text.as_bytes()).to_be_bytes();
    base_62(crc, CHECKSUM_DIGITS)
}

/// A number, the highest byte first, in so many digits of base 62, the highest first.
fn base_62<const N: usize>(mut number: [u8; N], digits: usize) -> String {
    let mut text = vec![b'0'; digits];
    for digit in text.iter_mut().rev() {
        let mut rest = 0;
        for byte in &mut number {
            let value = rest << 8 | usize::from(*byte);
            *byte = (value / BASE_62.len()) as u8;
            rest = value % BASE_62.len();
        }
        *digit = BASE_62[rest];
    }
    text.into_iter().map(char::from).collect()
}

/// SHA-256 of a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    pub fn of(secret: &str) -> SecretHash {
        SecretHash(Sha256::digest(secret.as_bytes()).into())
    }

    /// In lower case.
    pub fn to_hex(self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    pub fn from_hex(hex: &str) -> Option<SecretHash> {
        let digits = hex.as_bytes();
        let mut hash = [0; 32];
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(SecretHash(hash))
    }
}

/// Shown as nothing: with a weak secret a hash would give it away.
impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

/// An access token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessToken {
    pub id: Arc<str>,
    pub display_name: String,
    pub role: Role,
    /// Empty for all workspaces.
    pub workspace_ids: Vec<Arc<str>>,
    /// With the role holder alone.
    #[serde(rename = "subject")]
    pub holder: Option<Holder>,
    #[serde(skip)]
    pub secret_hash: SecretHash,
    /// Since when that is its secret.
    pub secret_time: Time,
    /// The secret before, and until when it is valid.
    #[serde(rename = "old_secret_until", serialize_with = "until")]
    pub old_secret: Option<(SecretHash, Time)>,
    pub expire_time: Option<Time>,
    #[serde(skip)]
    pub create_time: Time,
    pub revoke_time: Option<Time>,
    #[serde(skip)]
    pub last_use_time: Option<Time>,
}

fn until<S: serde::Serializer>(
    old_secret: &Option<(SecretHash, Time)>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    old_secret.as_ref().map(|(_, until)| *until).serialize(serializer)
}

/// Who calls, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// As in the audit log.
    pub name: Arc<str>,
    pub role: Role,
    /// Empty for all workspaces.
    pub workspace_ids: Vec<Arc<str>>,
    /// With the role holder alone.
    pub holder: Option<Holder>,
    pub expire_time: Option<Time>,
}

impl Identity {
    /// Everybody, where authentication is not required.
    pub fn anonymous() -> Identity {
        Identity {
            name: Arc::from("anonymous"),
            role: Role::Operator,
            workspace_ids: Vec::new(),
            holder: None,
            expire_time: None,
        }
    }

    pub fn may_act_in(&self, workspace_id: &str) -> bool {
        self.workspace_ids.is_empty() || self.workspace_ids.iter().any(|id| **id == *workspace_id)
    }
}

impl AccessToken {
    /// Its identity, by the secret of this hash.
    ///
    /// None if it is revoked or expired at `now`, or the secret is none of its own any more.
    pub fn identity(&self, hash: &SecretHash, now: Time) -> Option<Identity> {
        let old_end = match &self.old_secret {
            _ if *hash == self.secret_hash => None,
            Some((old, end)) if hash == old => Some(*end),
            _ => return None,
        };
        let end = [self.expire_time, old_end].into_iter().flatten().min();
        if self.revoke_time.is_some() || end.is_some_and(|end| end <= now) {
            return None;
        }
        Some(Identity {
            name: format!("token:{}", self.id).into(),
            role: self.role,
            workspace_ids: self.workspace_ids.clone(),
            holder: self.holder.clone(),
            expire_time: end,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::EARLIEST;

    fn token() -> AccessToken {
        AccessToken {
            id: "ci".into(),
            display_name: String::new(),
            role: Role::Service,
            workspace_ids: vec!["acme".into()],
            holder: None,
            secret_hash: SecretHash([1; 32]),
            secret_time: NOW,
            old_secret: Some((SecretHash([2; 32]), NOW + 5)),
            expire_time: Some(NOW + 10),
            create_time: NOW,
            revoke_time: None,
            last_use_time: None,
        }
    }

    #[test]
    fn a_token_is_valid_until_it_ends() {
        let token = token();
        let valid = |hash: u8, after: i64| {
            token.identity(&SecretHash([hash; 32]), NOW + after).and_then(|found| found.expire_time)
        };
        assert_eq!(
            [valid(1, 0), valid(1, 9), valid(1, 10)],
            [Some(NOW + 10), Some(NOW + 10), None]
        );
        assert_eq!([valid(2, 4), valid(2, 5)], [Some(NOW + 5), None]);
        assert_eq!(valid(3, 0), None);
        let revoked = AccessToken { revoke_time: Some(NOW), ..token.clone() };
        assert_eq!(revoked.identity(&token.secret_hash, NOW), None);
    }

    #[test]
    fn only_a_holder_is_one_user_or_key() {
        use SubjectKind::{ApiKey, Department, User};
        for role in Role::ALL {
            let is_holder = role == Role::Holder;
            assert_eq!(role.fault_of_subject(None).is_some(), is_holder, "{role:?}");
            for kind in [User, ApiKey] {
                assert_eq!(role.fault_of_subject(Some(kind)).is_none(), is_holder, "{role:?}");
            }
            assert!(role.fault_of_subject(Some(Department)).is_some(), "{role:?}");
            let counts = [0, 1, 2, WORKSPACES_MAX, WORKSPACES_MAX + 1];
            let valid = counts.map(|count| role.fault_of_workspaces(count).is_none());
            let expected = match role {
                Role::Operator => [true, false, false, false, false],
                Role::Holder => [false, true, false, false, false],
                _ => [false, true, true, true, false],
            };
            assert_eq!(valid, expected, "{role:?}");
        }
    }

    #[test]
    fn an_identity_acts_in_its_workspaces() {
        let token = token();
        let identity = token.identity(&token.secret_hash, NOW).unwrap();
        assert!(identity.may_act_in("acme"));
        assert!(!identity.may_act_in("acm") && !identity.may_act_in(""));
        assert!(Identity::anonymous().may_act_in("acme"));
    }

    #[test]
    fn a_secret_is_known_by_its_form() {
        let secret = Secret::from_random([0xff; 32]);
        // From an independent implementation.
        assert_eq!(secret.expose(), "tg_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp10Xwm86");
        assert_eq!(format!("{secret:?}"), "Secret");
        assert_eq!(Secret::from_random([0; 32]).expose().len(), secret.expose().len());
        let text = secret.expose();
        assert_eq!(Secret::parse(text).as_ref(), Some(&secret));
        let others = [
            text[1..].to_owned(),
            text.to_lowercase(),
            format!("{text}{text}"),
            format!("{text} "),
            text.replace("tg_", "tk_"),
            text.replacen('y', "z", 1),
            format!("{}ß", &text[..text.len() - 2]),
            String::new(),
        ];
        for other in others {
            assert_eq!(Secret::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn a_hash_is_written_in_hex() {
        let hash = SecretHash::of("abc");
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.to_hex(), hex);
        assert_eq!(SecretHash::from_hex(hex), Some(hash));
        let wide = format!("ß{}", &hex[2..]);
        for other in ["", &hex[1..], &hex.replace('b', "g"), &wide] {
            assert_eq!(SecretHash::from_hex(other), None, "{other}");
        }
    }

    /// Readers of the audit log know these names.
    #[test]
    fn a_token_is_audited_without_its_secrets() {
        let state = serde_json::to_value(token()).unwrap();
        let expected = serde_json::json!({
            "id": "ci",
            "display_name": "",
            "role": "service",
            "workspace_ids": ["acme"],
            "subject": null,
            "secret_time": "2000-01-01T00:00:00Z",
            "old_secret_until": "2000-01-01T00:00:00.000005Z",
            "expire_time": "2000-01-01T00:00:00.000010Z",
            "revoke_time": null,
        });
        assert_eq!(state, expected);
        assert!(!format!("{:?}", token()).contains("1, 1"));
    }
}
