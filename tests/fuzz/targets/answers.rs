//! Provider answers: the usage in any JSON, whole or in the events of a stream.
//!
//! The first byte chooses the hint; the parts of the answer follow, apart by zero bytes.

use tollgate::answers::{BYTES_MAX, COUNT_MAX, read, reduce};
use tollgate::domain::Amount;
use tollgate::domain::catalog::bill::COST_MAX;

use super::{first, texts};
use crate::answer_properties::check;

const HINTS: [&str; 8] =
    ["", "gemini", "perplexity", "bedrock", "openai", "anthropic", "openrouter", " X-Other "];
/// An error goes to the caller in a header.
const ERROR_BYTES_MAX: usize = 2_000;

pub fn run(bytes: &[u8]) {
    let (hint, rest) = first(bytes);
    let hint = HINTS[hint % HINTS.len()];
    let parts = texts(rest);
    match read(&parts, hint) {
        Ok(reading) => {
            check(&reading, hint);
            assert!(reading.units.iter().all(|units| units.count <= COUNT_MAX), "{reading:?}");
            let reported = reading.to_extras().and_then(|extras| extras.reported);
            let cost = reported.map_or(Amount::ZERO, |reported| reported.amount);
            assert!((Amount::ZERO..=COST_MAX).contains(&cost), "{reading:?}");
            assert!(reduce(&parts).is_ok(), "what is read can be reduced");
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() <= ERROR_BYTES_MAX, "{} bytes: {text}", text.len());
        }
    }
    if let Ok(reduced) = reduce(&parts) {
        assert!(reduced.len() <= BYTES_MAX, "{} bytes", reduced.len());
        assert_eq!(reduce(&[&reduced]).as_ref(), Ok(&reduced), "nothing more is left out");
    }
}
