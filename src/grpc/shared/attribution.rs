//! Attributions: their fields are those of the table in `domain/attribution/`.

use std::collections::BTreeMap;

use super::decode::Decoder;
use super::text::{ATTRIBUTION_CHARS_MAX, TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX};
use crate::domain::attribution::{Attribution, PackedAttribution, with_attribution_fields};
use crate::proto::v1;

/// Most tags of one attribution.
pub const TAGS_MAX: usize = 16;

macro_rules! convert_fields {
    ($($field:ident),+ $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($field)),+];

        fn texts_of(attribution: &v1::Attribution) -> [&str; NAMES.len()] {
            [$(&attribution.$field),+]
        }

        fn from_proto(attribution: v1::Attribution) -> Attribution {
            let tags = attribution.tags.into_iter().collect();
            Attribution { $($field: attribution.$field,)+ tags }
        }

        /// Nothing for an attribution that is empty.
        pub fn to_proto(attribution: Attribution) -> Option<v1::Attribution> {
            if attribution.is_empty() {
                return None;
            }
            let tags = attribution.tags.into_iter().collect();
            Some(v1::Attribution { $($field: attribution.$field,)+ tags })
        }
    };
}

with_attribution_fields!(convert_fields);

impl Decoder<'_> {
    /// The field `attribution`; nothing if it is empty.
    pub fn attribution(self, attribution: Option<v1::Attribution>) -> Option<Box<Attribution>> {
        let attribution = attribution?;
        self.check_attribution(&attribution);
        let attribution = from_proto(attribution);
        (!attribution.is_empty()).then(|| Box::new(attribution))
    }

    /// The same of a request that begins, as a hold keeps it: its ids show what they are.
    pub fn packed_attribution(
        self,
        attribution: Option<&v1::Attribution>,
    ) -> Option<PackedAttribution> {
        let attribution = attribution?;
        if !self.check_attribution(attribution) {
            return None;
        }
        let at = self.field("attribution");
        for (text, name) in texts_of(attribution).into_iter().zip(NAMES) {
            at.field(name).visible(text);
        }
        let tags: BTreeMap<&str, &str> = if attribution.tags.is_empty() {
            BTreeMap::new()
        } else {
            attribution.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
        };
        PackedAttribution::pack(texts_of(attribution), tags.into_iter())
    }

    /// Whether every text is within its bounds.
    fn check_attribution(self, attribution: &v1::Attribution) -> bool {
        let at = self.field("attribution");
        let mut is_valid = true;
        for (text, name) in texts_of(attribution).into_iter().zip(NAMES) {
            is_valid &= at.field(name).text(text, 0..=ATTRIBUTION_CHARS_MAX);
        }
        let at = at.field("tags");
        if attribution.tags.len() > TAGS_MAX {
            at.refuse(format!("expected at most {TAGS_MAX}"));
            return false;
        }
        for (key, value) in &attribution.tags {
            is_valid &= at.field("key").text(key, 1..=TAG_KEY_CHARS_MAX);
            is_valid &= at.field("value").text(value, 0..=TAG_VALUE_CHARS_MAX);
        }
        is_valid
    }
}
