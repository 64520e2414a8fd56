//! Which fields an update is to change.

use prost_types::FieldMask;

use super::Violations;

/// Longest part of an unknown path that is told.
const PATH_CHARS_TOLD_MAX: usize = 64;

/// The paths that a caller named; none stands for those that are given.
pub struct Mask {
    paths: Vec<String>,
}

impl Mask {
    /// `known` are the fields that may be changed; another one is refused.
    pub fn read(mask: Option<FieldMask>, known: &[&str], violations: &mut Violations) -> Mask {
        let paths = mask.unwrap_or_default().paths;
        let is_known = |path: &str| path == "*" || known.contains(&path);
        if let Some(unknown) = paths.iter().find(|path| !is_known(path)) {
            let told: String = unknown.chars().take(PATH_CHARS_TOLD_MAX).collect();
            let known = known.join(", ");
            violations.add("update_mask", format!("expected paths of {known}; not {told:?}"));
        }
        Mask { paths }
    }

    /// Whether a field is to be changed, which holds something or not.
    pub fn asks(&self, field: &str, is_given: bool) -> bool {
        match self.paths.as_slice() {
            [] => is_given,
            paths => paths.iter().any(|path| path == "*" || path == field),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(paths: &[&str]) -> Result<Mask, Violations> {
        let paths = paths.iter().map(ToString::to_string).collect();
        let mut violations = Violations::default();
        let mask = Mask::read(Some(FieldMask { paths }), &["a", "b"], &mut violations);
        violations.accept(mask)
    }

    #[test]
    fn a_mask_asks_for_what_it_names() {
        for (paths, given, absent) in [
            (&[][..], true, false),
            (&["a"], true, true),
            (&["b"], false, false),
            (&["*"], true, true),
        ] {
            let mask = read(paths).unwrap();
            assert_eq!((mask.asks("a", true), mask.asks("a", false)), (given, absent), "{paths:?}");
        }
        for paths in [&["c"][..], &["a", ""], &["a.b"]] {
            assert!(read(paths).is_err(), "{paths:?}");
        }
    }
}
