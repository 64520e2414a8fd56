//! Field masks: which fields an update is to change.

use prost_types::FieldMask;

use super::decode::Decoder;

/// Longest part of an unknown path that is reported.
const PATH_CHARS_SHOWN_MAX: usize = 64;

/// The paths of an `update_mask`; none stands for the fields that are set.
pub struct Mask {
    paths: Vec<String>,
}

impl Decoder<'_> {
    /// The field `update_mask`. `known` are the fields that may be changed; another one is refused.
    pub fn mask(self, mask: Option<FieldMask>, known: &[&str]) -> Mask {
        let paths = mask.unwrap_or_default().paths;
        let is_known = |path: &str| path == "*" || known.contains(&path);
        if let Some(unknown) = paths.iter().find(|path| !is_known(path)) {
            let shown: String = unknown.chars().take(PATH_CHARS_SHOWN_MAX).collect();
            let expected = format!("expected paths of {}; not {shown:?}", known.join(", "));
            self.field("update_mask").refuse(expected);
        }
        Mask { paths }
    }
}

impl Mask {
    /// Whether a field is to be changed, which is set or not.
    pub fn has(&self, field: &str, is_set: bool) -> bool {
        match self.paths.as_slice() {
            [] => is_set,
            paths => paths.iter().any(|path| path == "*" || path == field),
        }
    }

    /// What `read` makes of a field that is to be changed.
    pub fn change<T>(
        &self,
        field: &'static str,
        is_set: bool,
        read: impl FnOnce() -> T,
    ) -> Option<T> {
        self.has(field, is_set).then(read)
    }

    /// The new name of a resource, which `at` decodes, if it is to be changed.
    pub fn display_name(&self, at: Decoder<'_>, name: &str) -> Option<String> {
        self.change("display_name", !name.is_empty(), || {
            at.display_name(name);
            name.to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::{Decoded, decode};
    use super::*;

    fn read(paths: &[&str]) -> Decoded<Mask> {
        let paths = paths.iter().map(ToString::to_string).collect();
        decode(|at| Some(at.mask(Some(FieldMask { paths }), &["a", "b"])))
    }

    #[test]
    fn a_mask_has_the_fields_that_it_names() {
        for (paths, set, unset) in [
            (&[][..], true, false),
            (&["a"], true, true),
            (&["b"], false, false),
            (&["*"], true, true),
        ] {
            let mask = read(paths).unwrap();
            assert_eq!((mask.has("a", true), mask.has("a", false)), (set, unset), "{paths:?}");
            assert_eq!(mask.change("a", true, || 1), set.then_some(1), "{paths:?}");
        }
        for paths in [&["c"][..], &["a", ""], &["a.b"]] {
            assert!(read(paths).is_err(), "{paths:?}");
        }
    }
}
