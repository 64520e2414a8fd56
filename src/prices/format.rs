//! Formats of price lists: reading one of them, and telling which one a text seems to be.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

use super::import::{Import, Moment};
use super::{genai_prices, litellm, models_dev};
use crate::domain::catalog::Catalog;

/// A format of price lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `model_prices_and_context_window.json` of the LiteLLM project.
    LiteLlm,
    /// `api.json` of models.dev, or its models by `provider/model`.
    ModelsDev,
    /// `data.json` of pydantic/genai-prices.
    GenaiPrices,
}

/// A text that is not a list in the format that was named.
#[derive(Debug, thiserror::Error)]
pub struct InvalidList {
    pub format: Format,
    /// What it seems to be instead.
    pub seems: Option<Format>,
    cause: serde_json::Error,
}

/// Why it is not read further; the format is added where it is known.
pub(super) type Cause = serde_json::Error;

impl Format {
    pub const ALL: [Format; 3] = [Format::LiteLlm, Format::ModelsDev, Format::GenaiPrices];

    /// As the API and the command line name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::LiteLlm => "litellm",
            Format::ModelsDev => "models_dev",
            Format::GenaiPrices => "genai_prices",
        }
    }

    pub fn from_name(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// What people call the project.
    fn project(self) -> &'static str {
        match self {
            Format::LiteLlm => "LiteLLM",
            Format::ModelsDev => "models.dev",
            Format::GenaiPrices => "genai-prices",
        }
    }

    /// Reads a list. Entries that cannot be taken are skipped and counted. Models that the catalog
    /// knows by another name keep their id.
    ///
    /// # Errors
    /// If the text is not such a list, or seems to be one of another format.
    pub fn read(
        self,
        text: &str,
        moment: Moment,
        catalog: &Catalog,
    ) -> Result<Import, InvalidList> {
        let seems = Format::detect(text).filter(|seems| *seems != self);
        let read = match self {
            _ if seems.is_some() => Err(serde::de::Error::custom("its entries have other keys")),
            Format::LiteLlm => litellm::read_list(text, moment),
            Format::ModelsDev => models_dev::read(text, moment, catalog),
            Format::GenaiPrices => genai_prices::read(text, moment, catalog),
        };
        read.map_err(|cause| InvalidList { format: self, seems, cause })
    }

    /// The format that a text seems to have, by the keys of its first entries; none if it has those
    /// of none.
    pub fn detect(text: &str) -> Option<Format> {
        /// Entries that are looked at; samples and notes come first in some lists.
        const ENTRIES: usize = 8;
        type Entry<'a> = BTreeMap<&'a str, &'a RawValue>;
        if let Ok(providers) = serde_json::from_str::<Vec<&RawValue>>(text) {
            let first: Entry = serde_json::from_str(providers.first()?.get()).ok()?;
            return (first.contains_key("id") && first.contains_key("models"))
                .then_some(Format::GenaiPrices);
        }
        let list: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
        if list.contains_key("providers") {
            return Some(Format::GenaiPrices);
        }
        list.values().take(ENTRIES).find_map(|raw| {
            let entry: Entry = serde_json::from_str(raw.get()).ok()?;
            let has = |key: &str| entry.contains_key(key);
            if has("models") || has("cost") && has("limit") {
                return Some(Format::ModelsDev);
            }
            let has_costs = entry.keys().any(|key| key.contains("cost_per_"));
            (has_costs || has("litellm_provider")).then_some(Format::LiteLlm)
        })
    }
}

impl fmt::Display for InvalidList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a price list in the {} format", self.format.project())?;
        match self.seems {
            Some(seems) => {
                write!(f, ": it seems to be one of {} ({})", seems.project(), seems.as_str())
            }
            None => write!(f, ": {}", self.cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Time;

    #[test]
    fn a_list_in_another_format_is_told() {
        let litellm = r#"{"sample_spec": {}, "m": {"input_cost_per_token": 1e-6}}"#;
        let models_dev = r#"{"openai": {"id": "openai", "models": {}}}"#;
        let flat = r#"{"openai/m": {"cost": {"input": 1}, "limit": null}}"#;
        let genai = r#"[{"id": "openai", "models": []}]"#;
        let check = |text: &str, expected: Option<Format>| {
            assert_eq!(Format::detect(text), expected, "{text}");
        };
        check(litellm, Some(Format::LiteLlm));
        check(models_dev, Some(Format::ModelsDev));
        check(flat, Some(Format::ModelsDev));
        check(genai, Some(Format::GenaiPrices));
        for text in ["", "[]", "{}", "[1]", "{\"m\": 1}", "model,price", "{\"a\": {\"b\": 1}}"] {
            check(text, None);
        }
        let moment = Moment { effective_time: Time::EARLIEST, now: Time::EARLIEST };
        let error = |format: Format, text: &str| {
            format.read(text, moment, &Catalog::default()).unwrap_err().to_string()
        };
        let message = error(Format::LiteLlm, models_dev);
        assert!(message.ends_with("it seems to be one of models.dev (models_dev)"), "{message}");
        let message = error(Format::ModelsDev, genai);
        assert!(message.ends_with("it seems to be one of genai-prices (genai_prices)"));
        let message = error(Format::GenaiPrices, litellm);
        assert!(message.ends_with("it seems to be one of LiteLLM (litellm)"), "{message}");
        assert!(error(Format::LiteLlm, "model,price").contains("expected value at line 1"));
    }

    #[test]
    fn formats_have_names() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.as_str()), Some(format));
        }
        assert_eq!(Format::from_name("LiteLLM"), None);
    }
}
