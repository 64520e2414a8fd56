//! Who calls, as the call's metadata says, for the audit log. Verifies nobody.

use tonic::metadata::MetadataMap;

use super::convert::{Path, Violations, text};
use crate::engine::By;

/// Name of the metadata.
pub const ACTOR: &str = "tollgate-actor";
pub const ACTOR_CHARS_MAX: usize = 128;
/// Who does not say.
pub const ANONYMOUS: &str = "anonymous";

/// Who makes a change by the call `action`.
///
/// # Errors
/// If the metadata is no actor.
pub fn by(metadata: &MetadataMap, action: &'static str) -> Result<By, Violations> {
    Ok(By::new(actor(metadata)?, action))
}

/// Who calls.
///
/// # Errors
/// If it is said more than once, or is not a text within its bounds.
pub fn actor(metadata: &MetadataMap) -> Result<String, Violations> {
    let mut violations = Violations::default();
    let mut values = metadata.get_all(ACTOR).iter();
    let actor = match (values.next(), values.next()) {
        (None, _) => ANONYMOUS.to_owned(),
        (Some(value), None) => match std::str::from_utf8(value.as_bytes()) {
            Ok("") => ANONYMOUS.to_owned(),
            Ok(actor) => actor.to_owned(),
            // No text has this character.
            Err(_) => "\u{0}".to_owned(),
        },
        (Some(_), Some(_)) => {
            violations.add(ACTOR, "expected one value");
            String::new()
        }
    };
    let path = Path::Request.field(ACTOR);
    text::check(&actor, 0..=ACTOR_CHARS_MAX, path, &mut violations);
    violations.accept(actor)
}

#[cfg(test)]
mod tests {
    use tonic::metadata::MetadataValue;

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
