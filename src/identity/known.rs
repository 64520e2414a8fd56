//! Credentials that were accepted, by their fingerprints, until they end.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::domain::Time;
use crate::engine::Grant;

/// Most credentials that are remembered. Beyond it the one that expires first ends early: its next
/// call is verified again, and its streams end.
const KNOWN_MAX: usize = 10_000;

/// SHA-256 of a certificate, of a token, or of a key.
pub type Fingerprint = [u8; 32];

/// What credentials were accepted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Certificate,
    /// A key of an identity provider.
    Key(Fingerprint),
}

#[derive(Default)]
pub struct Known {
    entries: RwLock<HashMap<Fingerprint, Entry>>,
}

struct Entry {
    origin: Origin,
    grant: Grant,
}

impl Known {
    pub fn get(&self, fingerprint: &Fingerprint, now: Time) -> Option<Grant> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let grant = &entries.get(fingerprint)?.grant;
        grant.is_valid(now).then(|| grant.clone())
    }

    pub fn insert(&self, fingerprint: Fingerprint, origin: Origin, grant: Grant) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= KNOWN_MAX {
            // Those that never expire go last.
            let end = |entry: &Entry| entry.grant.identity().expire_time;
            let first = entries.iter().min_by_key(|(_, entry)| (end(entry).is_none(), end(entry)));
            if let Some(first) = first.map(|(fingerprint, _)| *fingerprint)
                && let Some(entry) = entries.remove(&first)
            {
                entry.grant.end();
            }
        }
        if let Some(before) = entries.insert(fingerprint, Entry { origin, grant }) {
            before.grant.end();
        }
    }

    pub fn end_expired(&self, now: Time) {
        self.end(|entry| !entry.grant.is_valid(now));
    }

    pub fn end_all(&self) {
        self.end(|_| true);
    }

    /// Ends what was signed with these keys.
    pub fn end_keys(&self, keys: &[Fingerprint]) {
        self.end(|entry| matches!(&entry.origin, Origin::Key(key) if keys.contains(key)));
    }

    fn end(&self, is_over: impl Fn(&Entry) -> bool) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| {
            let is_over = is_over(entry);
            if is_over {
                entry.grant.end();
            }
            !is_over
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::Identity;

    const NOW: Time = Time::EARLIEST;

    fn grant(end: Option<i64>) -> Grant {
        let expire_time = end.map(|after| NOW + after);
        Grant::of(Identity { expire_time, ..Identity::anonymous() })
    }

    fn fingerprint(number: usize) -> Fingerprint {
        let mut fingerprint = [0; 32];
        fingerprint[..8].copy_from_slice(&number.to_be_bytes());
        fingerprint
    }

    #[test]
    fn what_ends_is_cancelled() {
        let known = Known::default();
        let key = |number| Origin::Key(fingerprint(number));
        let grants = [grant(Some(5)), grant(None), grant(Some(9)), grant(None)];
        let origins = [Origin::Certificate, key(1), key(1), key(2)];
        for (number, (grant, origin)) in grants.iter().zip(origins).enumerate() {
            known.insert(fingerprint(number), origin, grant.clone());
        }
        let ended = || grants.each_ref().map(|grant| grant.ended().is_cancelled());
        known.end_expired(NOW + 4);
        assert_eq!(ended(), [false; 4]);
        assert!(known.get(&fingerprint(0), NOW + 4).is_some());
        assert!(known.get(&fingerprint(0), NOW + 5).is_none(), "also before it is looked for");
        known.end_expired(NOW + 5);
        assert_eq!(ended(), [true, false, false, false]);
        known.end_keys(&[fingerprint(1)]);
        assert_eq!(ended(), [true, true, true, false]);
        known.end_all();
        assert_eq!(ended(), [true; 4]);
    }

    #[test]
    fn the_number_is_bounded() {
        let known = Known::default();
        let first = grant(Some(1));
        known.insert(fingerprint(KNOWN_MAX), Origin::Certificate, first.clone());
        for number in 0..KNOWN_MAX {
            known.insert(fingerprint(number), Origin::Certificate, grant(None));
        }
        assert_eq!(known.entries.read().unwrap().len(), KNOWN_MAX);
        assert!(first.ended().is_cancelled());
    }
}
