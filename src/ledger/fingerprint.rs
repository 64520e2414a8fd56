//! Hash of what a caller sent, to tell a repeat from another request under the same id.
//!
//! Kept in the log, so its input and algorithm (XXH3, 64 bits, numbers of 8 bytes, little
//! endian, texts prefixed with their length) must never change.

use super::packed::PackedAttribution;

pub struct Fingerprint {
    bytes: Vec<u8>,
}

impl Default for Fingerprint {
    fn default() -> Fingerprint {
        // As much as is usual.
        Fingerprint { bytes: Vec::with_capacity(256) }
    }
}

impl Fingerprint {
    pub fn int(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.int(text.len() as i64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// An absent attribution counts as an empty one.
    pub fn attribution(&mut self, attribution: Option<&PackedAttribution>) {
        match attribution {
            None => self.int(-1),
            Some(packed) => {
                self.int(packed.as_bytes().len() as i64);
                self.bytes.extend_from_slice(packed.as_bytes());
            }
        }
    }

    pub fn finish(self) -> i64 {
        xxhash_rust::xxh3::xxh3_64(&self.bytes).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change of these values would make every repeat after an upgrade look like other content.
    #[test]
    fn never_changes() {
        let mut print = Fingerprint::default();
        print.text("gpt-4o");
        print.int(-7);
        print.attribution(None);
        assert_eq!(print.finish(), NEVER_CHANGES);
    }

    const NEVER_CHANGES: i64 = -7_902_438_400_023_155_366;

    #[test]
    fn boundaries_between_texts_count() {
        let of = |texts: &[&str]| {
            let mut print = Fingerprint::default();
            for text in texts {
                print.text(text);
            }
            print.finish()
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
    }
}
