//! Lists by id that are searched and counted: read from storage page by page, and looked through
//! here. Long lists of users have an index instead, see [`crate::storage::directory`].

use std::future::Future;

use crate::domain::api_key::{ApiKey, KeyGroup};
use crate::domain::quota::{Quota, Scope};
use crate::domain::rate_limit::RateLimit;
use crate::domain::workspace::Workspace;
use crate::storage::Result;
use crate::storage::search::{COUNT_MAX, Counted, Listing, Search};

/// Entries read at once.
const READ_AT_ONCE: usize = 1_000;

/// What is listed by id.
pub trait Entry {
    fn id(&self) -> &str;

    /// What it is found by, beside its id: its name, and what else it names.
    fn texts(&self) -> [&str; 2];

    fn is_found(&self, search: &Search) -> bool {
        let [name, named] = self.texts();
        search.matches([self.id(), name, named])
    }
}

macro_rules! entries {
    ($($kind:ident, $named:expr;)+) => {$(
        impl Entry for $kind {
            fn id(&self) -> &str {
                &self.id
            }

            fn texts(&self) -> [&str; 2] {
                let named: fn(&$kind) -> &str = $named;
                [&self.display_name, named(self)]
            }
        }
    )+};
}

entries! {
    ApiKey, |_| "";
    KeyGroup, |_| "";
    Workspace, |_| "";
    Quota, |quota| subject_of(&quota.scope);
    RateLimit, |limit| subject_of(&limit.scope);
}

/// The subject that a limit names.
fn subject_of(scope: &Scope) -> &str {
    scope.subject_id.as_deref().unwrap_or_default()
}

/// The part of a list that is asked for. `read` returns at most so many entries whose id is greater
/// than the one given, by id.
pub async fn list<T: Entry, F>(
    listing: Listing<'_>,
    read: impl Fn(String, usize) -> F,
) -> Result<Counted<T>>
where
    F: Future<Output = Result<Vec<T>>>,
{
    let Listing { search, after_id, limit } = listing;
    // Without a search the page is the next entries; the first read is no larger than it must be.
    let at_once = if search.is_empty() { limit } else { READ_AT_ONCE.max(limit) };
    let (mut entries, mut is_all) = (Vec::new(), false);
    let mut after = after_id.to_owned();
    while entries.len() < limit && !is_all {
        let mut page = read(after, at_once).await?;
        is_all = page.len() < at_once;
        after = page.last().map_or_else(String::new, |last| last.id().to_owned());
        page.retain(|entry| entry.is_found(search));
        entries.append(&mut page);
    }
    if is_all && after_id.is_empty() {
        let total_count = entries.len().min(COUNT_MAX);
        entries.truncate(limit);
        return Ok(Counted { entries, total_count });
    }
    entries.truncate(limit);
    let (mut total_count, mut after, mut is_all) = (0, String::new(), false);
    while total_count < COUNT_MAX && !is_all {
        let page = read(after, READ_AT_ONCE).await?;
        is_all = page.len() < READ_AT_ONCE;
        after = page.last().map_or_else(String::new, |last| last.id().to_owned());
        total_count += page.iter().filter(|entry| entry.is_found(search)).count();
    }
    Ok(Counted { entries, total_count: total_count.min(COUNT_MAX) })
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Entry for String {
        fn id(&self) -> &str {
            self
        }

        fn texts(&self) -> [&str; 2] {
            ["", ""]
        }
    }

    async fn found(count: usize, search: &str, after_id: &str) -> (Vec<String>, usize) {
        let all: Vec<String> =
            (0..count).map(|number| format!("{number:06} odd{}", number % 2)).collect();
        let read = |after: String, limit: usize| {
            let page =
                all.iter().filter(|id| **id > after).take(limit).cloned().collect::<Vec<_>>();
            std::future::ready(Ok(page))
        };
        let search = Search::new(search);
        let listing = Listing { search: &search, after_id, limit: 3 };
        let listed = list(listing, read).await.unwrap();
        (listed.entries, listed.total_count)
    }

    #[tokio::test]
    async fn pages_and_counts_are_of_what_matches() {
        for (count, search, after, first, total) in [
            (0, "", "", None, 0),
            (3, "", "", Some("000000 odd0"), 3),
            (2_500, "", "", Some("000000 odd0"), 2_500),
            (2_500, "", "001999 odd1", Some("002000 odd0"), 2_500),
            (2_500, "odd1", "", Some("000001 odd1"), 1_250),
            (2_500, "odd1", "002498 odd0", Some("002499 odd1"), 1_250),
            (2_500, "0024", "", Some("002400 odd0"), 100),
            (2_500, "nobody", "", None, 0),
            (12_000, "odd", "", Some("000000 odd0"), COUNT_MAX),
        ] {
            let (entries, total_count) = found(count, search, after).await;
            assert_eq!(entries.first().map(String::as_str), first, "{count} {search} {after}");
            assert_eq!(total_count, total, "{count} {search} {after}");
            assert!(entries.len() <= 3);
        }
        assert_eq!(found(2_500, "odd1", "002498 odd0").await.0.len(), 1);
    }
}
