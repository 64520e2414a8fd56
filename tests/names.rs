//! Names of the real world against the built-in catalog: each is resolved to the one entry that is
//! meant, or to none.

#[path = "support/data.rs"]
mod data;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;
use tollgate::domain::catalog::Model;
use tollgate::domain::catalog::names::Hint;
use tollgate::domain::catalog::names::providers::{family_of, name_of};
use tollgate::prices::builtin;

/// The id that a name resolves to; "-" for none.
fn resolved(name: &str, provider: &str) -> String {
    let found = builtin::catalog().model_of(name, Hint::Named(provider));
    found.map_or("-".to_owned(), |entry| entry.model().id.to_string())
}

/// Name, provider as the caller knows it, and the id that is meant, in lines.
const NAMES: &str = include_str!("names.txt");

#[test]
fn names_of_the_real_world() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in NAMES.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut cells = line.split('|').map(str::trim);
        let (name, provider) = (cells.next().unwrap(), cells.next().unwrap());
        let (expected, found) = (cells.next().unwrap(), resolved(name, provider));
        if found != expected {
            wrong.push(format!("{name} of {provider:?}: {found}, not {expected}"));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 100);
}

fn family(model: &Model) -> String {
    family_of(&model.provider.to_ascii_lowercase()).to_owned()
}

#[test]
fn every_model_of_the_catalog_is_found_by_its_names() {
    let catalog = builtin::catalog();
    assert!(catalog.models().len() > 4_000, "{}", catalog.models().len());
    let mut wrong = Vec::new();
    for entry in catalog.models() {
        let model = entry.model();
        let (id, provider, name) = (&model.id, &model.provider, model.name());
        assert_eq!(name_of(id, provider), name);
        for (name, hint) in [
            (id.to_string(), ""),
            (id.to_uppercase(), ""),
            (id.to_string(), provider.as_str()),
            (format!("{provider}/{name}"), ""),
            (format!("{}/{}", provider.to_uppercase(), name.to_uppercase()), ""),
            (name.to_owned(), provider),
        ] {
            match catalog.model_of(&name, Hint::Named(hint)) {
                Some(found) if found.model().id == *id => {}
                // It is the id of another one.
                Some(found) if found.model().id.eq_ignore_ascii_case(&name) => {}
                // Entries that only differ in how they are spelt, at the same price.
                Some(found)
                    if family(found.model()) == family(model) && same_price(id, found.model()) => {}
                found => {
                    let found = found.map(|found| &found.model().id);
                    wrong.push(format!("{name} of {hint:?}: {found:?}, not {id}"));
                }
            }
        }
        let found = catalog.by_id_or_alias(id).map(|found| &found.model().id);
        assert_eq!(found, Some(id));
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// At the same rates of tokens: the list gives only one of two spellings a rate of searches.
fn same_price(id: &str, other: &Model) -> bool {
    let catalog = builtin::catalog();
    let newest = |id: &str| catalog.prices_of(id, None).first().map(|card| card.price().clone());
    newest(id)
        .zip(newest(&other.id))
        .is_some_and(|(a, b)| (a.base, a.currency) == (b.base, b.currency))
}

#[test]
fn names_that_recorded_answers_have() {
    let Some(answers) = data::read("provider_usages.jsonl") else { return };
    let priced = names_with_a_price();
    let mut counts: BTreeMap<(String, &str), (usize, bool)> = BTreeMap::new();
    for line in answers.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let body = &line["body"];
        let Some(name) = body["model"].as_str().or(body["modelVersion"].as_str()) else { continue };
        let oracle = line["oracle"].as_array().into_iter().flatten();
        let prices = oracle.flat_map(|read| read["prices"].as_array().into_iter().flatten());
        let is_priced = prices.clone().any(|price| !price["input_price"].is_null())
            || priced.contains(&name.to_lowercase());
        let entry = counts.entry((name.to_owned(), provider_of(body))).or_default();
        entry.0 += 1;
        entry.1 |= is_priced;
    }
    let (mut found, mut all) = (0, 0);
    let mut wrong = Vec::new();
    for ((name, provider), (count, is_priced)) in counts {
        let id = resolved(&name, provider);
        eprintln!("{count:4} {name} ({provider}) is {id}");
        if is_priced {
            all += count;
            found += if id == "-" { 0 } else { count };
        }
        if !is_meant(&name, &id) {
            wrong.push(format!("{name} of {provider:?} is {id}"));
        }
    }
    eprintln!("{found} of {all} answers whose name has a price");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found * 100 >= all * 97, "{found} of {all}");
    assert!(all > 700);
}

/// Names and parts of names of every list, in lower case.
fn names_with_a_price() -> HashSet<String> {
    let files = ["litellm_model_prices_1.110.2.json", "models_dev_prices.json"];
    let mut names = HashSet::new();
    for text in files.into_iter().filter_map(data::read) {
        let list: HashMap<String, Value> = serde_json::from_str(&text).unwrap();
        for key in list.keys().map(|key| key.to_lowercase()) {
            let ends = key.match_indices('/').map(|(index, _)| key[index + 1..].to_owned());
            names.extend(ends.collect::<Vec<_>>());
            names.insert(key);
        }
    }
    names
}

/// Who answered, where the answer shows it.
fn provider_of(body: &Value) -> &'static str {
    let usage = &body["usage"];
    if !body["modelVersion"].is_null() {
        "google"
    } else if !usage["queue_time"].is_null() {
        "groq"
    } else if !usage["cost_details"].is_null() {
        "openrouter"
    } else {
        ""
    }
}

/// Whether an entry is the model of that name: the words and numbers of its id are those of the
/// name, apart from dates and the like, and who serves it.
fn is_meant(name: &str, id: &str) -> bool {
    let words = |text: &str| {
        let text = text.to_lowercase();
        let last = text.rsplit('/').next().unwrap_or_default().to_owned();
        let parts = last.split(['-', '.', ':', '@', '_']).filter(|part| !part.is_empty());
        let mut words: Vec<String> = parts.map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    let is_date = |word: &String| word.len() >= 2 && word.bytes().all(|byte| byte.is_ascii_digit());
    let (name, id) = (words(name), if id == "-" { return true } else { words(id) });
    let left: Vec<&String> = name.iter().filter(|word| !id.contains(word)).collect();
    let added: Vec<&String> = id.iter().filter(|word| !name.contains(word)).collect();
    left.into_iter().all(is_date) && added.into_iter().all(is_date)
}

#[test]
fn the_catalog_is_read_quickly() {
    let start = std::time::Instant::now();
    assert!(builtin::catalog().models().len() > 4_000);
    eprintln!("the built-in catalog was read in {:?}", start.elapsed());
}
