//! A model of the catalog, and the prices that it has.

use std::cmp::Reverse;
use std::sync::Arc;

use hashbrown::HashMap;
use serde::Serialize;

use crate::domain::Time;
use crate::domain::catalog::names::providers::name_of;
use crate::domain::catalog::price::{Price, RateCard, Source};

/// An LLM as the catalog knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Model {
    pub id: Arc<str>,
    pub provider: String,
    pub display_name: String,
    /// Most tokens, input and output together; absent where it is not known.
    pub context_window: Option<i64>,
    /// Most input tokens; absent where it is not known.
    pub max_input: Option<i64>,
    /// Most output tokens; absent where it is not known.
    pub max_output: Option<i64>,
    /// Sorted, without repeats.
    pub capabilities: Vec<String>,
    /// Other names that providers answer with.
    pub aliases: Vec<String>,
    pub source: Source,
    #[serde(skip)]
    pub update_time: Time,
}

/// A model with its prices.
#[derive(Clone, Debug)]
pub struct ModelEntry {
    model: Model,
    /// The catalog's own prices, the one to prefer first (see `preference`).
    prices: Vec<Arc<RateCard>>,
    /// Prices of single workspaces, in the same order.
    prices_of_workspaces: HashMap<Arc<str>, Vec<Arc<RateCard>>>,
}

impl Model {
    /// The id without the provider: `gpt-4o` of `azure/gpt-4o`.
    pub fn name(&self) -> &str {
        name_of(&self.id, &self.provider)
    }

    /// Whether a request fits: its input into the largest, and input and output into the window.
    pub fn fits(&self, input: i64, output: i64) -> bool {
        self.max_input.is_none_or(|max| input <= max)
            && self.context_window.is_none_or(|window| input + output <= window)
    }

    /// Takes over what is known of the same model and a list does not say. Many lists give the
    /// largest input alone, which then is no news about the window.
    pub fn complete_from(&mut self, known: &Model) {
        for alias in &known.aliases {
            if !self.aliases.contains(alias) {
                self.aliases.push(alias.clone());
            }
        }
        if self.display_name.is_empty() {
            self.display_name.clone_from(&known.display_name);
        }
        self.max_input = self.max_input.or(known.max_input);
        self.max_output = self.max_output.or(known.max_output);
        if self.context_window.is_none() || self.context_window == self.max_input {
            self.context_window = self.context_window.max(known.context_window);
        }
    }
}

impl ModelEntry {
    pub(super) fn new(model: Model) -> ModelEntry {
        ModelEntry { model, prices: Vec::new(), prices_of_workspaces: HashMap::new() }
    }

    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Replaces the model and keeps the prices.
    pub(super) fn set_model(&mut self, model: Model) {
        self.model = model;
    }

    /// The price that a workspace pays at a time: its own if one is valid, else the catalog's.
    /// The latest effective time counts; of the same, the one that was made last.
    pub fn price_at(&self, workspace_id: &str, time: Time) -> Option<&Arc<RateCard>> {
        if !self.prices_of_workspaces.is_empty()
            && let Some(prices) = self.prices_of_workspaces.get(workspace_id)
            && let Some(price) = valid_at(prices, time)
        {
            return Some(price);
        }
        valid_at(&self.prices, time)
    }

    /// The catalog's prices and those of the workspace that is named, latest effective time
    /// first.
    pub fn prices(&self, workspace_id: Option<&str>) -> Vec<Arc<RateCard>> {
        let mut prices = self.prices.clone();
        let own = workspace_id.and_then(|id| self.prices_of_workspaces.get(id));
        if let Some(own) = own {
            prices.extend(own.iter().cloned());
            sort(&mut prices);
        }
        prices
    }

    /// Operators and lists take precedence over what is built in: once a price of theirs counts, no
    /// built-in one does, also if it is of a later date.
    pub(super) fn insert_price(&mut self, card: Arc<RateCard>) {
        let price = card.price();
        let key = preference(price);
        let list = match &price.workspace_id {
            Some(id) => self.prices_of_workspaces.entry(Arc::clone(id)).or_default(),
            None => &mut self.prices,
        };
        if price.source != Source::Builtin {
            let from = price.effective_time;
            list.retain(|other| !is_builtin_from(other.price(), from));
        } else if list.iter().any(|other| takes_precedence(other.price(), price)) {
            return;
        }
        let index = list.partition_point(|other| preference(other.price()) < key);
        list.insert(index, card);
    }
}

/// Latest effective time first.
pub(super) fn sort(prices: &mut [Arc<RateCard>]) {
    prices.sort_by_cached_key(|card| preference(card.price()));
}

/// Which of two prices counts where both are valid: the smaller key. The id only decides where
/// both were made in the same microsecond, so that every replica prefers the same.
fn preference(price: &Price) -> (Reverse<Time>, Reverse<Time>, Reverse<Arc<str>>) {
    (Reverse(price.effective_time), Reverse(price.create_time), Reverse(Arc::clone(&price.id)))
}

fn is_builtin_from(price: &Price, from: Time) -> bool {
    price.source == Source::Builtin && price.effective_time >= from
}

fn takes_precedence(other: &Price, builtin: &Price) -> bool {
    other.source != Source::Builtin && other.effective_time <= builtin.effective_time
}

/// `prices` are in the order of `preference`.
fn valid_at(prices: &[Arc<RateCard>], time: Time) -> Option<&Arc<RateCard>> {
    prices.iter().find(|card| card.price().effective_time <= time)
}
