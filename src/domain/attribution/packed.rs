//! An attribution in one small piece of memory, for holds: there are many of them, and most are
//! touched only when they begin and when they end.

use smallvec::SmallVec;

use super::{Attribution, AttributionField};

/// Fields that are always packed; those that were added later, only where they say something.
const BASE_FIELDS: usize = 9;
/// Begins the key of a later field. Keys of tags have no control characters, so it is none.
const LATER_FIELD: char = '\u{1f}';

/// Texts one after another, each behind its length in two bytes, little endian: the first nine
/// fields in the order of [`AttributionField`]; key and value of each later field that is not
/// empty; keys and values of the tags.
///
/// Fingerprints in the log are made of these bytes: what was packed once is packed the same for
/// ever, so that a repeat after an upgrade is still a repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedAttribution(Box<[u8]>);

impl PackedAttribution {
    /// None for an attribution that says nothing.
    pub fn new(attribution: &Attribution) -> Option<PackedAttribution> {
        let fields = AttributionField::ALL.map(|field| attribution.get(field));
        let tags = attribution.tags.iter();
        PackedAttribution::pack(fields, tags.map(|(key, value)| (key.as_str(), value.as_str())))
    }

    /// The same of its parts: the fields in the order of [`AttributionField`], and the tags sorted
    /// by their keys.
    ///
    /// # Panics
    /// If a text is longer than 65,535 bytes; those of attributions are bounded far below.
    pub fn pack<'a>(
        fields: [&'a str; AttributionField::COUNT],
        tags: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Option<PackedAttribution> {
        let tags: SmallVec<[&str; 8]> = tags.flat_map(|(key, value)| [key, value]).collect();
        if tags.is_empty() && fields.iter().all(|text| text.is_empty()) {
            return None;
        }
        let (base, later) = fields.split_at(BASE_FIELDS);
        let length = fields.iter().chain(&tags).map(|text| 2 + text.len()).sum();
        let mut bytes = Vec::with_capacity(length);
        for text in base {
            push(&mut bytes, text);
        }
        for (field, text) in AttributionField::ALL[BASE_FIELDS..].iter().zip(later) {
            if !text.is_empty() {
                push(&mut bytes, &format!("{LATER_FIELD}{}", field.name()));
                push(&mut bytes, text);
            }
        }
        for text in tags {
            push(&mut bytes, text);
        }
        Some(PackedAttribution(bytes.into_boxed_slice()))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// All fields, in the order of [`AttributionField`].
    pub fn fields(&self) -> [&str; AttributionField::COUNT] {
        self.split().0
    }

    /// Keys and values of the tags, sorted by their keys.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        unpack_tags(self.split().1)
    }

    /// All fields, and the bytes of the tags behind them.
    fn split(&self) -> ([&str; AttributionField::COUNT], &[u8]) {
        let mut rest = &*self.0;
        let mut fields = [""; AttributionField::COUNT];
        for field in &mut fields[..BASE_FIELDS] {
            *field = next_text(&mut rest).expect("all of these are packed");
        }
        for (number, field) in AttributionField::ALL.iter().enumerate().skip(BASE_FIELDS) {
            let mut after_key = rest;
            let key = next_text(&mut after_key).and_then(|key| key.strip_prefix(LATER_FIELD));
            if key == Some(field.name()) {
                fields[number] = next_text(&mut after_key).expect("a field has a value");
                rest = after_key;
            }
        }
        (fields, rest)
    }

    /// One of the fields.
    pub fn get(&self, field: AttributionField) -> &str {
        if field as usize >= BASE_FIELDS {
            return self.fields()[field as usize];
        }
        let mut rest = &*self.0;
        for _ in 0..field as usize {
            let (length, after) = rest.split_first_chunk::<2>().expect("all of these are packed");
            rest = &after[usize::from(u16::from_le_bytes(*length))..];
        }
        next_text(&mut rest).expect("all of these are packed")
    }

    /// The same with another text in one field; none if nothing is left.
    pub fn with(&self, field: AttributionField, text: &str) -> Option<PackedAttribution> {
        let (mut fields, tags) = self.split();
        fields[field as usize] = text;
        PackedAttribution::pack(fields, unpack_tags(tags))
    }

    pub fn unpack(&self) -> Attribution {
        let (fields, tags) = self.split();
        let mut attribution = Attribution::of_fields(fields);
        for (key, value) in unpack_tags(tags) {
            attribution.tags.insert(key.to_owned(), value.to_owned());
        }
        attribution
    }
}

/// Keys and values of the tags, without fields that this version does not have.
fn unpack_tags(mut rest: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let pair = move || Some((next_text(&mut rest)?, next_text(&mut rest)?));
    std::iter::from_fn(pair).filter(|(key, _)| !key.starts_with(LATER_FIELD))
}

fn push(bytes: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("texts of attributions are bounded");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// Takes the next text off; nothing at the end.
fn next_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let (length, after) = rest.split_first_chunk::<2>()?;
    let (text, after) = after.split_at(usize::from(u16::from_le_bytes(*length)));
    *rest = after;
    Some(str::from_utf8(text).expect("packed from text"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn unpacks_to_what_was_packed(
            texts in proptest::collection::vec(".{0,20}", AttributionField::COUNT),
            tags in proptest::collection::btree_map("[^\u{0}-\u{1f}]{1,8}", ".{0,8}", 0..5),
            number in 0..AttributionField::COUNT,
            other in ".{0,20}",
        ) {
            let mut attribution = Attribution { tags, ..Attribution::default() };
            for (field, text) in AttributionField::ALL.into_iter().zip(&texts) {
                text.clone_into(attribution.get_mut(field));
            }
            let packed = PackedAttribution::new(&attribution);
            prop_assert_eq!(packed.is_none(), attribution.is_empty());
            let unpacked = packed.as_ref().map_or_else(Attribution::default, |it| it.unpack());
            prop_assert_eq!(&unpacked, &attribution);

            let field = AttributionField::ALL[number];
            if let Some(packed) = packed {
                prop_assert_eq!(packed.get(field), attribution.get(field));
                other.clone_into(attribution.get_mut(field));
                prop_assert_eq!(packed.with(field, &other), PackedAttribution::new(&attribution));
            }
        }
    }

    /// A change of these bytes would make every repeat after an upgrade look like other content.
    #[test]
    fn bytes_stay_what_they_are() {
        let mut attribution = Attribution::default();
        "u".clone_into(&mut attribution.user_id);
        "s".clone_into(&mut attribution.session_id);
        attribution.tags.insert("k".to_owned(), "v".to_owned());
        let packed = PackedAttribution::new(&attribution).unwrap();
        let expected = b"\x01\0u\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0s\x01\0k\x01\0v";
        assert_eq!(packed.as_bytes(), expected);
    }
}
