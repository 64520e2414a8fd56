//! Tags as subjects. Buckets have one for each tag; a record has all of them in one text, and the
//! databases have different functions for JSON: what they find is counted by tag here.

use std::collections::BTreeMap;

use crate::domain::attribution::{tag_of_subject, tag_subject_id};
use crate::domain::backfill::RateBucket;
use crate::domain::quota::Consumption;
use crate::storage::Result;
use crate::storage::rollup::{TAG_SEPARATOR, tag_value};
use crate::storage::sql::row::{from_json, to_json};
use crate::storage::sql::statement::as_pattern;

/// One tag, or all that are subjects.
pub struct TagSubjects<'a> {
    named: Option<Tag<'a>>,
}

struct Tag<'a> {
    id: &'a str,
    key: &'a str,
    value: &'a str,
}

impl<'a> TagSubjects<'a> {
    /// None where there can be none.
    pub fn of(subject_id: Option<&'a str>) -> Option<TagSubjects<'a>> {
        let named = match subject_id {
            None => None,
            Some(id) => Some(tag_of_subject(id).map(|(key, value)| Tag { id, key, value })?),
        };
        Some(TagSubjects { named })
    }

    /// The value of its buckets.
    pub fn bucket(&self) -> Option<String> {
        self.named.as_ref().map(|tag| tag_value(tag.key, tag.value))
    }

    /// A pattern with `ESCAPE '!'` of the tags of its records. It may find others, too: a key may
    /// end with this one, and SQLite ignores case there.
    pub fn pattern(&self) -> String {
        let Some(tag) = &self.named else { return "_%".to_owned() };
        let object = to_json(&BTreeMap::from([(tag.key, tag.value)]));
        let pair = object.trim_start_matches('{').trim_end_matches('}');
        format!("%{}%", as_pattern(pair))
    }

    /// Sums by subject, of sums by the value of a bucket or the tags of records.
    ///
    /// # Errors
    /// If the tags of a record cannot be read.
    pub fn used(&self, found: Vec<(String, Consumption)>) -> Result<Vec<(String, Consumption)>> {
        let mut by_subject: BTreeMap<String, Consumption> = BTreeMap::new();
        for (text, used) in found {
            self.each_subject(&text, |id| by_subject.entry(id).or_default().add(&used))?;
        }
        Ok(by_subject.into_iter().collect())
    }

    /// The same of what was sent, by subject and bucket of time.
    ///
    /// # Errors
    /// If the tags of a record cannot be read.
    pub fn sent(&self, found: Vec<RateBucket>) -> Result<Vec<RateBucket>> {
        let mut by_subject: BTreeMap<(String, i64), RateBucket> = BTreeMap::new();
        for row in found {
            self.each_subject(&row.subject_id, |id| {
                let sum = by_subject.entry((id.clone(), row.bucket)).or_insert(RateBucket {
                    subject_id: id,
                    bucket: row.bucket,
                    requests: 0,
                    tokens: 0,
                    cache_reads: 0,
                });
                sum.requests += row.requests;
                sum.tokens += row.tokens;
                sum.cache_reads += row.cache_reads;
            })?;
        }
        Ok(by_subject.into_values().collect())
    }

    /// Calls `visit` with each of the subjects that a text stands for: the value of a bucket, or
    /// the tags of a record, which as JSON have no control character.
    fn each_subject(&self, text: &str, mut visit: impl FnMut(String)) -> Result<()> {
        let mut visit_tag = |key: &str, value: &str| {
            let id = tag_subject_id(key, value);
            let is_meant = |id: &String| self.named.as_ref().is_none_or(|named| *named.id == **id);
            if let Some(id) = id.filter(is_meant) {
                visit(id);
            }
        };
        match text.split_once(TAG_SEPARATOR) {
            Some((key, value)) => visit_tag(key, value),
            None => {
                let tags: BTreeMap<String, String> = from_json(text)?;
                tags.iter().for_each(|(key, value)| visit_tag(key, value));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Amount;

    fn used(nanos: i64) -> Consumption {
        Consumption { money: Amount::from_nanos(nanos), ..Consumption::default() }
    }

    #[test]
    fn sums_of_buckets_and_of_records_meet_at_their_tag() {
        let found = || {
            vec![
                (tag_value("team", "search"), used(1)),
                (tag_value("team", ""), used(2)),
                (tag_value("a=b", "c"), used(4)),
                (r#"{"env":"x","team":"search"}"#.to_owned(), used(8)),
                (r#"{"a":"b=c","team":""}"#.to_owned(), used(16)),
                (r#"{"x\"team":"search"}"#.to_owned(), used(32)),
            ]
        };
        let of = |id| TagSubjects::of(id).unwrap().used(found()).unwrap();
        assert_eq!(of(Some("team=search")), [("team=search".to_owned(), used(9))]);
        assert_eq!(of(Some("a=b=c")), [("a=b=c".to_owned(), used(16))]);
        let ids: Vec<String> = of(None).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, ["a=b=c", "env=x", "team=search", "x\"team=search"]);
        assert!(TagSubjects::of(Some("team")).is_none());
        assert!(TagSubjects::of(None).unwrap().used(vec![("[".to_owned(), used(1))]).is_err());
    }

    #[test]
    fn a_pattern_is_that_of_the_json() {
        let pattern = |id| TagSubjects::of(Some(id)).unwrap().pattern();
        assert_eq!(pattern("team=search"), r#"%"team":"search"%"#);
        assert_eq!(pattern("a_b=100%!"), r#"%"a!_b":"100!%!!"%"#);
        assert_eq!(pattern("{=\"}"), r#"%"{":"\"}"%"#);
    }
}
