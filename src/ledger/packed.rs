//! An attribution in one small piece of memory, for holds: there are many of them, and most are
//! touched only when they begin and when they end.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::usage::Attribution;

/// Texts one after another, each behind its length in two bytes, little endian: the nine fields in
/// the order of [`Attribution`], then keys and values of the tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedAttribution(Box<[u8]>);

impl PackedAttribution {
    /// None for an attribution that says nothing.
    pub fn new(attribution: &Attribution) -> Option<PackedAttribution> {
        let fields = [
            attribution.user_id.as_str(),
            &attribution.department_id,
            &attribution.api_key_id,
            &attribution.assistant_id,
            &attribution.workflow_id,
            &attribution.feature_id,
            &attribution.project_id,
            &attribution.investigation_id,
            &attribution.session_id,
        ];
        let tags = attribution.tags.iter();
        PackedAttribution::pack(fields, tags.map(|(key, value)| (key.as_str(), value.as_str())))
    }

    /// The same of its parts: the fields in the order of [`Attribution`], and the tags sorted by
    /// their keys.
    ///
    /// # Panics
    /// If a text is longer than 65,535 bytes; those of attributions are bounded far below.
    pub fn pack<'a>(
        fields: [&'a str; 9],
        tags: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Option<PackedAttribution> {
        let tags: SmallVec<[&str; 8]> = tags.flat_map(|(key, value)| [key, value]).collect();
        if tags.is_empty() && fields.iter().all(|text| text.is_empty()) {
            return None;
        }
        let texts = || fields.iter().chain(&tags);
        let mut bytes = Vec::with_capacity(texts().map(|text| 2 + text.len()).sum());
        for text in texts() {
            let length = u16::try_from(text.len()).expect("texts of attributions are bounded");
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        Some(PackedAttribution(bytes.into_boxed_slice()))
    }

    /// The packed form. It never changes: fingerprints in the log are made of it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The first seven fields in the order of [`Attribution`]: those that limits go by.
    pub fn first_fields(&self) -> [&str; 7] {
        let mut rest = &*self.0;
        std::array::from_fn(|_| next_text(&mut rest).expect("all fields are packed"))
    }

    /// One of the nine fields, by its place in [`Attribution`].
    pub fn field(&self, place: usize) -> &str {
        let mut rest = &*self.0;
        for _ in 0..place {
            let (length, after) = rest.split_first_chunk::<2>().expect("all fields are packed");
            rest = &after[usize::from(u16::from_le_bytes(*length))..];
        }
        next_text(&mut rest).expect("all fields are packed")
    }

    /// The same with another text in one of the nine fields.
    pub fn with_field(&self, place: usize, text: &str) -> PackedAttribution {
        let mut rest = &*self.0;
        for _ in 0..place {
            next_text(&mut rest).expect("all fields are packed");
        }
        let before = &self.0[..self.0.len() - rest.len()];
        next_text(&mut rest).expect("all fields are packed");
        let length = u16::try_from(text.len()).expect("texts of attributions are bounded");
        let mut bytes = Vec::with_capacity(before.len() + 2 + text.len() + rest.len());
        bytes.extend_from_slice(before);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend_from_slice(rest);
        PackedAttribution(bytes.into_boxed_slice())
    }

    pub fn unpack(&self) -> Attribution {
        let mut rest = &*self.0;
        let mut next = || next_text(&mut rest).map(str::to_owned);
        let mut field = || next().expect("all fields are packed");
        let mut attribution = Attribution {
            user_id: field(),
            department_id: field(),
            api_key_id: field(),
            assistant_id: field(),
            workflow_id: field(),
            feature_id: field(),
            project_id: field(),
            investigation_id: field(),
            session_id: field(),
            tags: BTreeMap::new(),
        };
        while let Some(key) = next() {
            attribution.tags.insert(key, next().expect("a key has a value"));
        }
        attribution
    }
}

/// Takes the next text off; nothing at the end.
fn next_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let (length, after) = rest.split_first_chunk::<2>()?;
    let (text, after) = after.split_at(usize::from(u16::from_le_bytes(*length)));
    *rest = after;
    Some(str::from_utf8(text).expect("packed from text"))
}

/// Place of `user_id` in [`Attribution`].
pub const USER_PLACE: usize = 0;
/// Place of `department_id`.
pub const DEPARTMENT_PLACE: usize = 1;
/// Place of `api_key_id`.
pub const API_KEY_PLACE: usize = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn unpacks_to_what_was_packed(
            texts in proptest::collection::vec(".{0,20}", 9),
            tags in proptest::collection::btree_map(".{1,8}", ".{0,8}", 0..5),
        ) {
            let [user, department, key, assistant, workflow, feature, project, case, session] =
                <[String; 9]>::try_from(texts).unwrap();
            let attribution = Attribution {
                user_id: user,
                department_id: department,
                api_key_id: key,
                assistant_id: assistant,
                workflow_id: workflow,
                feature_id: feature,
                project_id: project,
                investigation_id: case,
                session_id: session,
                tags,
            };
            let packed = PackedAttribution::new(&attribution);
            for (place, text) in [(USER_PLACE, "erased"), (DEPARTMENT_PLACE, "")] {
                let changed = packed.as_ref().map(|packed| packed.with_field(place, text));
                let mut expected = attribution.clone();
                let field = match place {
                    USER_PLACE => &mut expected.user_id,
                    _ => &mut expected.department_id,
                };
                *field = text.to_owned();
                let unpacked = changed.map(|packed| packed.unpack());
                prop_assert_eq!(unpacked.unwrap_or_else(|| expected.clone()), expected);
            }
            prop_assert_eq!(packed.is_none(), attribution.is_empty());
            let unpacked = packed.map_or_else(Attribution::default, |packed| packed.unpack());
            prop_assert_eq!(unpacked, attribution);
        }
    }
}
