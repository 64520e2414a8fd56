//! Secrets of webhooks: as deliveries are signed with them, and as they are stored.
//!
//! Encrypts and decrypts nothing: `engine/alerts/keyring.rs` does.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::domain::Time;

/// What a sealed secret begins with; another way to encrypt gets another number. Base64 has no
/// colon, so a plain secret never begins so.
const SEALED_PREFIX: &str = "v1:";

/// What deliveries are signed with. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Vec<u8>);

impl SigningSecret {
    pub fn new(bytes: impl Into<Vec<u8>>) -> SigningSecret {
        SigningSecret(bytes.into())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret")
    }
}

/// The secrets that the deliveries of a webhook are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningSecrets {
    pub current: SigningSecret,
    /// The secret before, and until when deliveries are signed with it as well.
    pub old: Option<(SigningSecret, Time)>,
}

/// Tells keys apart without giving them away: the first bytes of a hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub [u8; 4]);

impl KeyId {
    fn parse(hex: &str) -> Option<KeyId> {
        let is_hex = hex.len() == 8 && hex.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u32::from_str_radix(hex, 16).ok().filter(|_| is_hex)?;
        Some(KeyId(number.to_be_bytes()))
    }
}

/// In lower-case hexadecimal.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An encrypted secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// The key that it is encrypted with.
    pub key_id: KeyId,
    /// Nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
}

/// A secret as it is stored: encrypted where the server has a key.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredSecret {
    Plain(SigningSecret),
    Sealed(SealedSecret),
}

impl StoredSecret {
    pub fn is_plain(&self) -> bool {
        matches!(self, StoredSecret::Plain(_))
    }

    pub fn key_id(&self) -> Option<KeyId> {
        match self {
            StoredSecret::Plain(_) => None,
            StoredSecret::Sealed(sealed) => Some(sealed.key_id),
        }
    }

    /// Plain: base64. Sealed: `v1:`, the id of the key, a colon, and base64.
    pub fn to_text(&self) -> String {
        match self {
            StoredSecret::Plain(secret) => BASE64.encode(secret.bytes()),
            StoredSecret::Sealed(sealed) => {
                format!("{SEALED_PREFIX}{}:{}", sealed.key_id, BASE64.encode(&sealed.bytes))
            }
        }
    }

    /// # Errors
    /// What is wrong with it, without the text: it may be most of a secret.
    pub fn from_text(text: &str) -> Result<StoredSecret, &'static str> {
        if let Some(sealed) = text.strip_prefix(SEALED_PREFIX) {
            let (key_id, bytes) = sealed.split_once(':').ok_or("an encrypted secret is cut off")?;
            let key_id = KeyId::parse(key_id).ok_or("the id of a key is not in hexadecimal")?;
            let bytes = BASE64.decode(bytes).map_err(|_| "an encrypted secret is not in base64")?;
            return Ok(StoredSecret::Sealed(SealedSecret { key_id, bytes }));
        }
        if text.contains(':') {
            return Err("a secret is encrypted in a way that this program does not know");
        }
        let bytes = BASE64.decode(text).map_err(|_| "a secret is not in base64")?;
        Ok(StoredSecret::Plain(SigningSecret(bytes)))
    }
}

/// How it is stored, and nothing of the secret.
impl fmt::Debug for StoredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoredSecret::Plain(_) => f.write_str("Plain"),
            StoredSecret::Sealed(sealed) => write!(f, "Sealed({})", sealed.key_id),
        }
    }
}

/// The stored secrets of one webhook, with whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSecrets {
    pub workspace_id: Arc<str>,
    pub webhook_id: Arc<str>,
    pub secret: StoredSecret,
    /// The secret before.
    pub old_secret: Option<StoredSecret>,
}

impl WebhookSecrets {
    pub fn each(&self) -> impl Iterator<Item = &StoredSecret> {
        [&self.secret].into_iter().chain(&self.old_secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> StoredSecret {
        let key_id = KeyId([0x0a, 0x1b, 0, 0xff]);
        StoredSecret::Sealed(SealedSecret { key_id, bytes: b"hidden bytes".to_vec() })
    }

    #[test]
    fn stored_secrets_have_a_text() {
        let plain = StoredSecret::Plain(SigningSecret::new("hidden"));
        for (secret, text) in [(plain, "aGlkZGVu"), (sealed(), "v1:0a1b00ff:aGlkZGVuIGJ5dGVz")] {
            assert_eq!(secret.to_text(), text);
            assert_eq!(StoredSecret::from_text(text), Ok(secret));
        }
    }

    #[test]
    fn other_texts_are_refused_without_being_quoted() {
        for (text, expected) in [
            ("hidden!", "a secret is not in base64"),
            ("v1:hidden", "an encrypted secret is cut off"),
            ("v1:0a1b00fg:aGlkZGVu", "the id of a key is not in hexadecimal"),
            ("v1:+a1b00ff:aGlkZGVu", "the id of a key is not in hexadecimal"),
            ("v1:0a1b:aGlkZGVu", "the id of a key is not in hexadecimal"),
            ("v1:0a1b00ff:hidden", "an encrypted secret is not in base64"),
            ("v2:0a1b00ff:aGlkZGVu", "a secret is encrypted in a way that this program does"),
        ] {
            let error = StoredSecret::from_text(text).unwrap_err();
            assert!(error.starts_with(expected) && !error.contains("hidden"), "{text}: {error}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let secret = SigningSecret::new("hidden");
        let secrets =
            SigningSecrets { current: secret.clone(), old: Some((secret.clone(), Time::EARLIEST)) };
        let plain = StoredSecret::Plain(secret);
        let of_webhook = WebhookSecrets {
            workspace_id: "w".into(),
            webhook_id: "h".into(),
            secret: plain.clone(),
            old_secret: Some(sealed()),
        };
        let debug = format!("{secrets:?} {plain:?} {of_webhook:?}");
        assert!(debug.contains("Plain") && debug.contains("Sealed(0a1b00ff)"), "{debug}");
        for hidden in ["hidden", "aGlkZGVu", "104, 105"] {
            assert!(!debug.contains(hidden), "{debug}");
        }
    }
}
