//! Tags as subjects of limits: a key with one value, as "key=value".

/// Between key and value in the id of a subject. A key may have it, too: such a tag is no subject,
/// so that every id says one key and one value.
pub const TAG_SIGN: char = '=';

/// The id of the subject that a tag is. None of a tag that is none: an empty value counts as no
/// tag, as in reports, and a key with the sign could be read as another.
pub fn tag_subject_id(key: &str, value: &str) -> Option<String> {
    let is_subject = !key.is_empty() && !key.contains(TAG_SIGN) && !value.is_empty();
    is_subject.then(|| format!("{key}{TAG_SIGN}{value}"))
}

/// Key and value of the tag that a subject is; none of an id that [`tag_subject_id`] never makes.
pub fn tag_of_subject(id: &str) -> Option<(&str, &str)> {
    id.split_once(TAG_SIGN).filter(|(key, value)| !key.is_empty() && !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_one_key_and_one_value() {
        for (key, value) in [("team", "search"), ("a", "b=c"), ("k", "="), (" ", "\u{e4}")] {
            let id = tag_subject_id(key, value).unwrap();
            assert_eq!(tag_of_subject(&id), Some((key, value)));
        }
        for (key, value) in [("a=b", "c"), ("team", ""), ("", "search"), ("=", "x")] {
            assert_eq!(tag_subject_id(key, value), None, "{key:?} {value:?}");
        }
        for id in ["", "team", "team=", "=search", "="] {
            assert_eq!(tag_of_subject(id), None, "{id:?}");
        }
    }
}
