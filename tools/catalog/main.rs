//! Makes `src/prices/list.jsonl.gz` from price lists; `tools/catalog/run` runs it by hand.
//!
//! What was released stays: a price of the file, or of `src/prices/catalog.toml`, is kept as it is,
//! and one that has changed is added from the date that is given. A model that the lists have no
//! more stays as well. The first price of a model counts from [`FIRST_DATE`], because the lists do
//! not say since when theirs do.

#[allow(dead_code, unused_imports, unused_macros)]
mod domain;
#[allow(dead_code, unused_imports)]
mod prices;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::sync::Arc;

use domain::catalog::price::{Price, Source};
use domain::catalog::Catalog;
use prices::list::{self, Header, Listed, midnight, price_id};
use prices::{Format, Import, Moment, builtin};

const FILE: &str = "src/prices/list.jsonl.gz";

/// From when on the first price of a model counts.
const FIRST_DATE: &str = "2026-01-01";

/// Where the facts come from, in the order of preference.
const SOURCES: [&str; 3] = ["LiteLLM", "LiteLLM, an older list", "models.dev"];

/// A list that is being made.
struct Made {
    date: String,
    models: BTreeMap<Arc<str>, Listed>,
    added: usize,
    changed: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [date, litellm, older, models_dev] = &arguments[..] else {
        return Err("give DATE LITELLM OLDER_LITELLM MODELS_DEV".into());
    };
    let time = midnight(date)?;
    let moment = Moment { effective_time: time, now: time };
    let by_hand = builtin::by_hand();
    let released = released(&by_hand);
    let mut made = Made { date: date.clone(), models: BTreeMap::new(), added: 0, changed: 0 };
    for (source, path) in [litellm, older].into_iter().enumerate() {
        let list = Format::LiteLlm.read(&fs::read_to_string(path)?, moment, &Catalog::default())?;
        println!("{path}\n{}", list.report);
        made.add(list, source, &by_hand, &released)?;
    }
    // Models of other lists get the ids that these have.
    let catalog = made.catalog(&by_hand);
    let list = Format::ModelsDev.read(&fs::read_to_string(models_dev)?, moment, &catalog)?;
    println!("{models_dev}\n{}", list.report);
    made.take_windows(&list, &catalog);
    made.take_windows(&by_hand, &catalog);
    made.add(list, 2, &by_hand, &released)?;
    made.keep(released);
    made.write()
}

/// What is in the file now, if it is there, with the prices that are kept by hand.
fn released(by_hand: &Import) -> BTreeMap<Arc<str>, Vec<Price>> {
    let mut released: BTreeMap<Arc<str>, Vec<Price>> = BTreeMap::new();
    let listed = builtin::list().1.into_iter().flat_map(|listed| listed.prices);
    for price in by_hand.prices.iter().cloned().chain(listed) {
        released.entry(price.model_id.clone()).or_default().push(price);
    }
    for prices in released.values_mut() {
        prices.sort_by_key(|price| price.effective_time);
    }
    released
}

impl Made {
    /// Adds the models of a list that no list before has.
    fn add(
        &mut self,
        list: Import,
        source: usize,
        by_hand: &Import,
        released: &BTreeMap<Arc<str>, Vec<Price>>,
    ) -> Result<(), Box<dyn Error>> {
        let names: BTreeSet<&str> =
            by_hand.models.iter().flat_map(|model| &model.aliases).map(String::as_str).collect();
        let mut prices: BTreeMap<Arc<str>, Price> =
            list.prices.into_iter().map(|price| (price.model_id.clone(), price)).collect();
        for mut model in list.models {
            let Some(price) = prices.remove(&model.id) else { continue };
            if self.models.contains_key(&model.id) || names.contains(&*model.id) {
                continue;
            }
            let ids = |alias: &String| !names.contains(alias.as_str());
            model.aliases.retain(ids);
            model.source = Source::Builtin;
            model.display_name = String::new();
            let own = by_hand.prices.iter().filter(|own| own.model_id == model.id);
            let by_hand: BTreeSet<&Arc<str>> = own.map(|own| &own.id).collect();
            let before = released.get(&model.id).map_or(&[][..], Vec::as_slice);
            let mut history = before.to_vec();
            match history.last() {
                Some(last) if last.bills_as(&price) => {}
                last => {
                    let date = if last.is_none() { FIRST_DATE } else { &*self.date };
                    *(if last.is_none() { &mut self.added } else { &mut self.changed }) += 1;
                    history.push(dated(price, date)?);
                }
            }
            history.retain(|price| !by_hand.contains(&price.id));
            self.models.insert(model.id.clone(), Listed { model, prices: history, source });
        }
        Ok(())
    }

    fn catalog(&self, by_hand: &Import) -> Catalog {
        let listed = self.models.values().map(|listed| listed.model.clone());
        Catalog::new(by_hand.models.iter().cloned().chain(listed).collect(), Vec::new(), Vec::new())
    }

    /// Context windows, which the first lists do not have. Another provider of a model of the same
    /// name that gives the same largest input has the same window, too.
    fn take_windows(&mut self, list: &Import, catalog: &Catalog) {
        let mut known: BTreeMap<(String, i64), i64> = BTreeMap::new();
        for model in &list.models {
            let Some(window) = model.context_window else { continue };
            let entry = catalog.by_id(&model.id).map(|entry| entry.model());
            let listed = self.models.get(&model.id).and_then(|listed| listed.model.max_input);
            let inputs = [entry.and_then(|entry| entry.max_input), listed, model.max_input];
            for input in inputs.into_iter().flatten().filter(|input| *input < window) {
                known.insert((last_part(model.name()), input), window);
            }
            if let Some(Listed { model: own, .. }) = self.models.get_mut(&model.id) {
                own.context_window = Some(window);
                let input = model.max_input.or(own.max_input);
                own.max_input = input.map(|input| input.min(window));
                own.max_output = model.max_output.or(own.max_output);
            }
        }
        for Listed { model, .. } in self.models.values_mut() {
            let Some(input) = model.max_input else { continue };
            if let Some(window) = known.get(&(last_part(model.name()), input)) {
                model.context_window = model.context_window.max(Some(*window));
            }
        }
    }

    /// Keeps models that the lists have no more.
    fn keep(&mut self, released: BTreeMap<Arc<str>, Vec<Price>>) {
        for listed in builtin::list().1 {
            assert!(released.contains_key(&listed.model.id), "it has a price");
            self.models.entry(listed.model.id.clone()).or_insert(listed);
        }
    }

    fn write(self) -> Result<(), Box<dyn Error>> {
        let models: Vec<Listed> = self.models.into_values().collect();
        let all = models.iter().flat_map(|listed| &listed.model.capabilities);
        let capabilities: BTreeSet<&String> = all.collect();
        let header = Header {
            note: "generated by tools/catalog: do not edit".to_owned(),
            date: self.date,
            sources: SOURCES.iter().map(ToString::to_string).collect(),
            capabilities: capabilities.into_iter().cloned().collect(),
        };
        let bytes = list::write(&header, &models)?;
        println!(
            "{} models, {} new prices, {} changed ones, {} bytes",
            models.len(),
            self.added,
            self.changed,
            bytes.len()
        );
        Ok(fs::write(FILE, bytes)?)
    }
}

/// The price as a built-in one that counts from a date on.
fn dated(price: Price, date: &str) -> Result<Price, String> {
    Ok(Price {
        id: price_id(&price.model_id, date),
        effective_time: midnight(date)?,
        source: Source::Builtin,
        ..price
    })
}

fn last_part(name: &str) -> String {
    name.rsplit_once('/').map_or(name, |(_, last)| last).to_lowercase()
}
