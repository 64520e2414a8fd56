//! The keys that secrets of webhooks are encrypted with, from a file.
//!
//! A secret is sealed with ChaCha20-Poly1305 and bound to its webhook, so that a copy of the
//! database shows none, and none can be moved to another row. Sealed again is never the same text.
//! Nonces are random: with 96 bits they are safe for some billions of secrets under one key.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest, Sha256};

use crate::domain::alert::secret::{KeyId, SealedSecret, SigningSecret, StoredSecret};

/// Length of a key.
pub const KEY_BYTES: usize = 32;
/// Most keys of a file.
pub const KEYS_MAX: usize = 16;
/// Longest file of keys, in bytes.
pub const KEY_FILE_BYTES_MAX: u64 = 4_096;

/// With or without padding, as tools write it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// So that the id of a key is no other hash of it.
const KEY_ID_LABEL: &[u8] = b"tollgate key id\0";
/// So that nothing else that is ever sealed with the same key is taken for a secret.
const PURPOSE: &str = "tollgate webhook secret v1";

/// Why a file of keys cannot be used. Never quotes it.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("{}: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error("{}: expected at most {KEYS_MAX} keys, in {KEY_FILE_BYTES_MAX} bytes", path.display())]
    TooMany { path: PathBuf },
    #[error("{}: expected a key in each line, and found none: {HOW}", path.display())]
    NoKey { path: PathBuf },
    #[error("{}, line {line}: expected a key: {HOW}", path.display())]
    BadKey { path: PathBuf, line: usize },
    #[error("{}, line {line}: expected another key than in line {first}", path.display())]
    Repeated { path: PathBuf, line: usize, first: usize },
}

const HOW: &str = "32 random bytes in base64 or hexadecimal; `openssl rand -base64 32` makes one";

/// That no key opens a secret, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    #[error("encrypted with the key {0}, which is not there")]
    NoSuchKey(KeyId),
    #[error("encrypted with the key {0}, and changed or moved since")]
    Changed(KeyId),
}

/// The first key seals, all of them open. Without a key secrets stay plain.
#[derive(Default)]
pub struct Keyring {
    keys: Vec<Key>,
}

struct Key {
    id: KeyId,
    key: LessSafeKey,
}

impl Keyring {
    /// The keys of a file, one in each line; lines without anything are passed over.
    ///
    /// # Errors
    /// If it cannot be used.
    pub fn load(path: &Path) -> Result<Keyring, KeyFileError> {
        let path = || path.to_owned();
        let unreadable = |cause| KeyFileError::Unreadable { path: path(), cause };
        let mut content = Vec::new();
        let file = File::open(path()).map_err(unreadable)?;
        file.take(KEY_FILE_BYTES_MAX + 1).read_to_end(&mut content).map_err(unreadable)?;
        if content.len() as u64 > KEY_FILE_BYTES_MAX {
            return Err(KeyFileError::TooMany { path: path() });
        }
        let mut keys: Vec<Key> = Vec::new();
        let mut lines = Vec::new();
        for (line, text) in (1..).zip(content.split(|byte| *byte == b'\n')) {
            let text = text.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let bytes = key_bytes(text);
            let key = bytes.ok_or_else(|| KeyFileError::BadKey { path: path(), line })?;
            let key = Key::new(&key);
            if let Some(first) = keys.iter().position(|other| other.id == key.id) {
                return Err(KeyFileError::Repeated { path: path(), line, first: lines[first] });
            }
            keys.push(key);
            lines.push(line);
        }
        match keys.len() {
            0 => Err(KeyFileError::NoKey { path: path() }),
            1..=KEYS_MAX => Ok(Keyring { keys }),
            _ => Err(KeyFileError::TooMany { path: path() }),
        }
    }

    /// The key that seals; none if secrets stay plain.
    pub fn sealing_key(&self) -> Option<KeyId> {
        self.keys.first().map(|key| key.id)
    }

    /// The ids of all keys, for people.
    pub fn names(&self) -> String {
        let ids: Vec<String> = self.keys.iter().map(|key| key.id.to_string()).collect();
        ids.join(", ")
    }

    /// A secret of a webhook, as it is to be stored.
    pub fn seal(&self, webhook: (&str, &str), secret: &SigningSecret) -> StoredSecret {
        let Some(Key { id, key }) = self.keys.first() else {
            return StoredSecret::Plain(secret.clone());
        };
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut boxed = secret.bytes().to_vec();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            associated(webhook),
            &mut boxed,
        )
        .expect("a secret is shorter than what can be sealed");
        let bytes = [&nonce[..], &boxed].concat();
        StoredSecret::Sealed(SealedSecret { key_id: *id, bytes })
    }

    /// A stored secret of a webhook, given by its workspace and its id.
    ///
    /// # Errors
    /// If no key opens it.
    pub fn open(
        &self,
        webhook: (&str, &str),
        stored: &StoredSecret,
    ) -> Result<SigningSecret, Unopened> {
        let sealed = match stored {
            StoredSecret::Plain(secret) => return Ok(secret.clone()),
            StoredSecret::Sealed(sealed) => sealed,
        };
        let key = self.keys.iter().find(|key| key.id == sealed.key_id);
        let key = key.ok_or(Unopened::NoSuchKey(sealed.key_id))?;
        key.open(webhook, &sealed.bytes).ok_or(Unopened::Changed(sealed.key_id))
    }
}

/// The ids of its keys.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({})", self.names())
    }
}

impl Key {
    fn new(bytes: &[u8; KEY_BYTES]) -> Key {
        let hash = Sha256::new().chain_update(KEY_ID_LABEL).chain_update(bytes).finalize();
        let unbound = UnboundKey::new(&CHACHA20_POLY1305, bytes);
        let key = LessSafeKey::new(unbound.expect("it has the length of a key"));
        Key { id: KeyId([hash[0], hash[1], hash[2], hash[3]]), key }
    }

    fn open(&self, webhook: (&str, &str), bytes: &[u8]) -> Option<SigningSecret> {
        let (nonce, boxed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut boxed = boxed.to_vec();
        let opened = self.key.open_in_place(nonce, associated(webhook), &mut boxed).ok()?;
        Some(SigningSecret::new(&*opened))
    }
}

/// What a secret is bound to. Not to whether it is the present one or the one before: a rotation
/// moves it from one to the other.
fn associated((workspace_id, webhook_id): (&str, &str)) -> Aad<Vec<u8>> {
    // No id has a U+0000 in it.
    Aad::from(format!("{PURPOSE}\0{workspace_id}\0{webhook_id}").into_bytes())
}

fn key_bytes(text: &[u8]) -> Option<[u8; KEY_BYTES]> {
    if text.len() == 2 * KEY_BYTES && text.iter().all(u8::is_ascii_hexdigit) {
        let mut key = [0; KEY_BYTES];
        for (byte, pair) in key.iter_mut().zip(text.chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        return Some(key);
    }
    BASE64.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOOK: (&str, &str) = ("acme", "hook");

    fn file(content: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        std::fs::write(&path, content).unwrap();
        (folder, path)
    }

    fn keyring(keys: &[[u8; KEY_BYTES]]) -> Keyring {
        let lines: Vec<String> = keys.iter().map(|key| BASE64.encode(key)).collect();
        let (_folder, path) = file(lines.join("\n"));
        Keyring::load(&path).unwrap()
    }

    fn secret() -> SigningSecret {
        SigningSecret::new("hidden secret")
    }

    fn bytes(stored: &StoredSecret) -> Vec<u8> {
        let StoredSecret::Sealed(sealed) = stored else { panic!("it is plain") };
        sealed.bytes.clone()
    }

    #[test]
    fn what_is_sealed_is_opened_and_not_seen() {
        let keys = keyring(&[[1; 32]]);
        let sealed = keys.seal(HOOK, &secret());
        assert_eq!(keys.open(HOOK, &sealed), Ok(secret()));
        assert_eq!(sealed.key_id(), keys.sealing_key());
        assert!(!bytes(&sealed).windows(6).any(|window| window == b"hidden"));
        // Nonce and tag beside the secret itself.
        assert_eq!(bytes(&sealed).len(), 12 + secret().bytes().len() + 16);
        assert_ne!(keys.seal(HOOK, &secret()), sealed, "a nonce is used once");
        let text = sealed.to_text();
        assert_eq!(StoredSecret::from_text(&text), Ok(sealed));
    }

    #[test]
    fn without_a_key_secrets_are_plain() {
        let keys = Keyring::default();
        assert_eq!(keys.seal(HOOK, &secret()), StoredSecret::Plain(secret()));
        assert_eq!(keys.open(HOOK, &StoredSecret::Plain(secret())), Ok(secret()));
        let sealed = keyring(&[[1; 32]]).seal(HOOK, &secret());
        assert!(matches!(keys.open(HOOK, &sealed), Err(Unopened::NoSuchKey(_))));
        // And with one they are still read, until they are sealed.
        assert_eq!(keyring(&[[1; 32]]).open(HOOK, &StoredSecret::Plain(secret())), Ok(secret()));
    }

    #[test]
    fn a_change_of_any_byte_is_noticed() {
        let keys = keyring(&[[1; 32]]);
        let sealed = keys.seal(HOOK, &secret());
        let key_id = sealed.key_id().unwrap();
        let open = |bytes| keys.open(HOOK, &StoredSecret::Sealed(SealedSecret { key_id, bytes }));
        let bytes = bytes(&sealed);
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            assert_eq!(open(changed), Err(Unopened::Changed(key_id)), "{index}");
            assert_eq!(open(bytes[..index].to_vec()), Err(Unopened::Changed(key_id)), "{index}");
        }
        assert_eq!(open([bytes, vec![0]].concat()), Err(Unopened::Changed(key_id)));
    }

    #[test]
    fn a_secret_is_of_one_webhook() {
        let keys = keyring(&[[1; 32]]);
        let sealed = keys.seal(HOOK, &secret());
        for other in [("acme", "hooks"), ("acm", "ehook"), ("acmehook", ""), ("hook", "acme")] {
            assert!(matches!(keys.open(other, &sealed), Err(Unopened::Changed(_))), "{other:?}");
        }
    }

    #[test]
    fn a_key_is_rotated_by_a_new_one_before_it() {
        let old = keyring(&[[1; 32]]);
        let sealed = old.seal(HOOK, &secret());
        let both = keyring(&[[2; 32], [1; 32]]);
        assert_eq!(both.open(HOOK, &sealed), Ok(secret()));
        let resealed = both.seal(HOOK, &secret());
        let new = keyring(&[[2; 32]]);
        assert_eq!(new.open(HOOK, &resealed), Ok(secret()));
        let old_id = old.sealing_key().unwrap();
        assert_eq!(new.open(HOOK, &sealed), Err(Unopened::NoSuchKey(old_id)));
        // The id that another key has does not help.
        let StoredSecret::Sealed(sealed) = sealed else { panic!("it is plain") };
        let key_id = new.sealing_key().unwrap();
        let claimed = StoredSecret::Sealed(SealedSecret { key_id, ..sealed });
        assert_eq!(new.open(HOOK, &claimed), Err(Unopened::Changed(key_id)));
    }

    /// Both against an independent implementation (Python's `cryptography` and `hashlib`): what is
    /// stored today must open for ever.
    #[test]
    fn the_stored_form_stays() {
        let keys = keyring(&[[7; 32]]);
        let stored = "v1:4f59f799:AQIDBAUGBwgJCgsMpHo4yHnSW00eqrDaRqtX0ToifiweOeOcHtVxrxI=";
        let stored = StoredSecret::from_text(stored).unwrap();
        assert_eq!(keys.open(HOOK, &stored), Ok(secret()));
    }

    #[test]
    fn keys_are_taken_in_the_forms_that_tools_write() {
        let key: [u8; 32] = std::array::from_fn(|index| index as u8 * 7);
        let base64 = BASE64.encode(key);
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        for content in [
            base64.clone(),
            format!("{base64}\n"),
            format!("\n  {base64}\r\n\n"),
            base64.trim_end_matches('=').to_owned(),
            hex.clone(),
            hex.to_uppercase(),
        ] {
            let (_folder, path) = file(content);
            assert_eq!(Keyring::load(&path).unwrap().names(), keyring(&[key]).names());
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_its_line_and_not_quoted() {
        let key = |byte| BASE64.encode([byte; 32]);
        let many: Vec<String> = (0..=KEYS_MAX as u8).map(key).collect();
        for (content, expected) in [
            (String::new(), "keys: expected a key in each line, and found none: 32 random bytes"),
            ("\n \n".to_owned(), "keys: expected a key in each line, and found none"),
            (format!("{}\n\nhidden\n", key(1)), "keys, line 3: expected a key: 32 random bytes"),
            (BASE64.encode(b"hidden"), "keys, line 1: expected a key: 32"),
            (format!("{} hidden", key(1)), "keys, line 1: expected a key: 32"),
            (
                format!("{}\n{}\n{}", key(1), key(2), key(1)),
                "line 3: expected another key than in \
              line 1",
            ),
            (many.join("\n"), "keys: expected at most 16 keys"),
            ("hidden".repeat(1_000), "keys: expected at most 16 keys, in 4096 bytes"),
        ] {
            let (_folder, path) = file(&content);
            let error = Keyring::load(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("hidden") && !error.contains(&key(1)), "{error}");
        }
        let (_folder, path) = file([0xff; 32]);
        assert!(matches!(Keyring::load(&path), Err(KeyFileError::BadKey { line: 1, .. })));
        let error = Keyring::load(&path.with_file_name("none")).unwrap_err();
        assert!(matches!(error, KeyFileError::Unreadable { .. }));
    }

    #[test]
    fn keys_do_not_print() {
        let keys = keyring(&[[1; 32], [2; 32]]);
        let ids = keys.names();
        assert_eq!(ids.len(), "01234567, 89abcdef".len());
        assert_eq!(format!("{keys:?}"), format!("Keyring({ids})"));
    }
}
