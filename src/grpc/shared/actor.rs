//! Who a caller says that it acts for, from the metadata of the call. Not authenticated.

use tonic::metadata::MetadataMap;

use super::decode::{Decoded, decode};

/// Name of the metadata.
pub const ACTOR: &str = "tollgate-actor";
pub const ACTOR_CHARS_MAX: usize = 128;
/// The actor of a call without the metadata.
pub const ANONYMOUS: &str = "anonymous";

/// Who a caller says that it acts for; none if it says nothing.
///
/// # Errors
/// If the metadata is no actor.
pub fn actor(metadata: &MetadataMap) -> Decoded<Option<String>> {
    decode(|at| {
        let at = at.field(ACTOR);
        let mut values = metadata.get_all(ACTOR).iter();
        let Some(value) = values.next() else { return Some(None) };
        if values.next().is_some() {
            at.refuse("expected one value");
            return None;
        }
        let actor = match std::str::from_utf8(value.as_bytes()) {
            Ok("") => return Some(None),
            Ok(actor) => actor,
            // No text has this character.
            Err(_) => "\u{0}",
        };
        at.text(actor, 0..=ACTOR_CHARS_MAX);
        Some(Some(actor.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use tonic::metadata::MetadataValue;

    use super::super::decode::Violations;
    use super::*;

    fn read(values: &[&[u8]]) -> Result<Option<String>, Vec<String>> {
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
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&[b""]).unwrap(), None);
        assert_eq!(read(&[b"ada@example.com"]).unwrap().unwrap(), "ada@example.com");
        assert_eq!(read(&["Åsa".as_bytes()]).unwrap().unwrap(), "Åsa");
        let longest = "é".repeat(ACTOR_CHARS_MAX);
        assert_eq!(read(&[longest.as_bytes()]).unwrap().unwrap(), longest);
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
