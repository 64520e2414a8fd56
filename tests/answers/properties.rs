//! What is true of every reading of a provider answer, whoever made the answer up.

use tollgate::answers::{Flag, KEPT_BYTES_MAX, Reading, read, reduce};
use tollgate::domain::usage::TOKENS_MAX;

/// Its figures keep their bounds, and what is kept gives it again.
pub fn check(reading: &Reading, hint: &str) {
    let all = reading.others.iter().map(|other| &other.usage).chain([&reading.usage]);
    let counts: Vec<i64> = all.flat_map(|usage| usage.tokens).collect();
    assert!(counts.iter().all(|count| *count >= 0), "{reading:?}");
    assert!(counts.iter().sum::<i64>() <= TOKENS_MAX, "{reading:?}");
    assert!(reading.units.iter().all(|units| units.count > 0), "{reading:?}");
    assert!(reading.kept.len() <= KEPT_BYTES_MAX, "{}", reading.kept.len());
    if reading.flags.contains(&Flag::KeptCut) {
        return;
    }
    assert_eq!(reduce(&[&reading.kept]).as_ref(), Ok(&reading.kept));
    // An id that an event without usage has is not kept.
    let again = read(&[&reading.kept], hint).map(|again| {
        let id = again.id.or_else(|| reading.id.clone());
        Reading { id, ..again }
    });
    assert_eq!(again.as_ref(), Ok(reading), "{}", reading.kept);
}
