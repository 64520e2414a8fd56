//! Dimensions of usage: what reports group by and filter on, and the axes of storage behind them.
//!
//! Attribution fields become dimensions in the table of `domain/attribution/`; nothing here changes
//! for a new one.

use std::fmt;

use crate::domain::attribution::Dimension;
use crate::domain::check::LimitKey;
use crate::storage::reports::Axis;

/// A dimension of reports.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UsageDimension {
    /// Any but [`Dimension::Workspace`] and [`Dimension::Tag`].
    Of(Dimension),
    /// Provider of the model in the current catalog; empty for unknown models.
    Provider,
    /// The value of the tag with this key.
    Tag(String),
    /// The limit that blocked or routed a request; of refusals alone.
    Limit,
}

/// A filter: only usage with one of these values counts. The empty value stands for usage that has
/// none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    pub dimension: UsageDimension,
    pub values: Vec<String>,
}

impl UsageDimension {
    /// The dimensions that are values of [`Dimension`].
    pub fn plain() -> impl Iterator<Item = Dimension> {
        let is_plain = |it: &Dimension| !matches!(it, Dimension::Workspace | Dimension::Tag);
        Dimension::ALL.into_iter().filter(is_plain)
    }

    /// The dimension of a name, as in columns of exports: "provider", "tag:team", "user".
    pub fn from_name(name: &str) -> Option<UsageDimension> {
        if let Some(key) = name.strip_prefix(TAG_PREFIX) {
            return (!key.is_empty()).then(|| UsageDimension::Tag(key.to_owned()));
        }
        match name {
            PROVIDER => Some(UsageDimension::Provider),
            LIMIT => Some(UsageDimension::Limit),
            _ => UsageDimension::plain().find(|it| it.as_str() == name).map(UsageDimension::Of),
        }
    }

    /// The axis of storage that has its values; none of [`UsageDimension::Limit`].
    pub fn axis(&self) -> Option<Axis> {
        match self {
            UsageDimension::Of(dimension) => Some(Axis::Of(*dimension)),
            UsageDimension::Provider => Some(model_axis()),
            UsageDimension::Tag(key) => Some(Axis::Tag(key.clone())),
            UsageDimension::Limit => None,
        }
    }

    /// Whether refusals are counted by it.
    pub fn is_of_refusals(&self) -> bool {
        matches!(
            self,
            UsageDimension::Of(Dimension::Model | Dimension::User) | UsageDimension::Limit
        )
    }
}

/// The name that [`UsageDimension::from_name`] reads.
impl fmt::Display for UsageDimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsageDimension::Of(dimension) => f.write_str(dimension.as_str()),
            UsageDimension::Provider => f.write_str(PROVIDER),
            UsageDimension::Tag(key) => write!(f, "{TAG_PREFIX}{key}"),
            UsageDimension::Limit => f.write_str(LIMIT),
        }
    }
}

const PROVIDER: &str = "provider";
const LIMIT: &str = "limit";
const TAG_PREFIX: &str = "tag:";

pub fn model_axis() -> Axis {
    Axis::Of(Dimension::Model)
}

/// A value of [`UsageDimension::Limit`]: "quota:team-month".
pub fn limit_to_text(limit: &LimitKey) -> String {
    match limit {
        LimitKey::Request => String::new(),
        LimitKey::Envelope => ENVELOPE.to_owned(),
        LimitKey::ModelLimit(model_id) => format!("{MODEL_LIMIT}{model_id}"),
        LimitKey::Quota(id) => format!("{QUOTA}{id}"),
        LimitKey::RateLimit(id) => format!("{RATE_LIMIT}{id}"),
        LimitKey::Rule(reason) => format!("{RULE}{reason}"),
    }
}

/// Parses a value of [`UsageDimension::Limit`].
pub fn limit_of_text(text: &str) -> Option<LimitKey> {
    if text == ENVELOPE {
        return Some(LimitKey::Envelope);
    }
    let after = |prefix| text.strip_prefix(prefix).filter(|id| !id.is_empty()).map(str::to_owned);
    after(MODEL_LIMIT)
        .map(LimitKey::ModelLimit)
        .or_else(|| after(QUOTA).map(LimitKey::Quota))
        .or_else(|| after(RATE_LIMIT).map(LimitKey::RateLimit))
        .or_else(|| after(RULE).map(LimitKey::Rule))
}

const ENVELOPE: &str = "envelope";
const MODEL_LIMIT: &str = "model_limit:";
const QUOTA: &str = "quota:";
const RATE_LIMIT: &str = "rate_limit:";
const RULE: &str = "rule:";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attribution::AttributionField;

    #[test]
    fn every_attribution_field_that_is_a_dimension_has_a_name_and_an_axis() {
        let fields = AttributionField::ALL.into_iter().filter_map(AttributionField::dimension);
        let others = [Dimension::KeyGroup, Dimension::Model, Dimension::Outcome];
        let mut expected: Vec<Dimension> = fields.chain(others).collect();
        expected.sort_unstable();
        assert_eq!(UsageDimension::plain().collect::<Vec<_>>(), expected);
        let special = ["provider", "limit", "tag:team"].map(UsageDimension::from_name);
        let plain = expected.into_iter().map(UsageDimension::Of);
        for dimension in plain.chain(special.into_iter().flatten()) {
            assert_eq!(UsageDimension::from_name(&dimension.to_string()), Some(dimension.clone()));
            assert_eq!(dimension.axis().is_none(), dimension == UsageDimension::Limit);
        }
        for name in ["", "workspace", "tag", "tag:", "users"] {
            assert_eq!(UsageDimension::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn limits_are_read_back_as_they_were_written() {
        for limit in [
            LimitKey::Envelope,
            LimitKey::ModelLimit("vendor/model:1".to_owned()),
            LimitKey::Quota("team-month".to_owned()),
            LimitKey::RateLimit("r".to_owned()),
            LimitKey::Rule("MODEL_DISABLED".to_owned()),
        ] {
            assert_eq!(limit_of_text(&limit_to_text(&limit)), Some(limit));
        }
        for text in ["", "envelope:", "quota:", "other:x", "quota"] {
            assert_eq!(limit_of_text(text), None, "{text}");
        }
    }
}
