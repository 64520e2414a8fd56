//! The actor of a call for the audit log, from its metadata. Not authenticated.

use tonic::metadata::MetadataMap;

use super::decode::{Decoded, decode};
use crate::engine::Actor;

/// Name of the metadata.
pub const ACTOR: &str = "tollgate-actor";
pub const ACTOR_CHARS_MAX: usize = 128;
/// The actor of a call without the metadata.
pub const ANONYMOUS: &str = "anonymous";

/// The actor of a change by the call `action`.
///
/// # Errors
/// If the metadata is no actor.
pub fn by(metadata: &MetadataMap, action: &'static str) -> Decoded<Actor> {
    Ok(Actor::new(actor(metadata)?, action))
}

fn actor(metadata: &MetadataMap) -> Decoded<String> {
    decode(|at| {
        let at = at.field(ACTOR);
        let mut values = metadata.get_all(ACTOR).iter();
        let Some(value) = values.next() else { return Some(ANONYMOUS.to_owned()) };
        if values.next().is_some() {
            at.refuse("expected one value");
            return None;
        }
        let actor = match std::str::from_utf8(value.as_bytes()) {
            Ok("") => ANONYMOUS,
            Ok(actor) => actor,
            // No text has this character.
            Err(_) => "\u{0}",
        };
        at.text(actor, 0..=ACTOR_CHARS_MAX);
        Some(actor.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use tonic::metadata::MetadataValue;

    use super::super::decode::Violations;
    use super::*;

    fn read(values: &[&[u8]]) -> Result<String, Vec<String>> {
        let mut metadata = MetadataMap::new();
        for value in values {
            let value = MetadataValue::try_from(*value).unwrap();
            metadata.append(ACTOR, value);
        }
        let told = |violations: Violations| {
            violations.into_list().into_iter().map(|violation| violation.field).collect()
        };
        actor(&metadata).map_err(told)
    }

    #[test]
    fn an_actor_is_one_bounded_text() {
        assert_eq!(read(&[]).unwrap(), ANONYMOUS);
        assert_eq!(read(&[b""]).unwrap(), ANONYMOUS);
        assert_eq!(read(&[b"ada@example.com"]).unwrap(), "ada@example.com");
        assert_eq!(read(&["Åsa".as_bytes()]).unwrap(), "Åsa");
        let longest = "é".repeat(ACTOR_CHARS_MAX);
        assert_eq!(read(&[longest.as_bytes()]).unwrap(), longest);
        let too_long = "a".repeat(ACTOR_CHARS_MAX + 1);
        for values in [
            &[too_long.as_bytes()] as &[&[u8]],
            &[b"a\tb"],
            &["a\u{85}".as_bytes()],
            &[b"\xff\xfe"],
            &[b"ada", b"bob"],
        ] {
            assert_eq!(read(values).unwrap_err(), [ACTOR], "{values:?}");
        }
    }
}
