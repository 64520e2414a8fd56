//! The index of names: what each canonical key may stand for. Kept up to date when a model
//! changes, so that a lookup never walks over the models.

use std::sync::{Arc, OnceLock};

use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

use super::providers::{
    Maker, family_of, is_bedrock_name, maker_of, name_of, normal, order_of, without_bedrock_region,
    without_bedrock_vendor,
};
use super::spelling::{bedrock_version, canonical};
use crate::domain::catalog::model::Model;

/// Most characters from which two names must begin alike to be near.
const NEAR_CHARS_MIN: usize = 4;

/// How a key names its entry; the smaller one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// It is the id, or an alias.
    Id,
    /// The id without its provider.
    Name,
    /// The same without the version of Bedrock.
    Version,
    /// Without its maker: `gpt-oss-120b` of `openai/gpt-oss-120b`.
    Maker,
}

/// One thing that a key may stand for.
#[derive(Clone, Debug)]
pub struct NameRef {
    pub id: Arc<str>,
    pub rank: Rank,
    provider: Arc<Provider>,
    /// Where the name begins in the id.
    name_start: usize,
}

/// A provider of models of the catalog.
#[derive(Debug)]
struct Provider {
    family: Arc<str>,
    /// As [`normal`] spells it.
    name: Arc<str>,
    /// Its place in the family.
    order: usize,
}

pub type NameRefs = SmallVec<[NameRef; 1]>;

/// Names of models by canonical key.
#[derive(Clone, Debug, Default)]
pub struct NameIndex {
    refs: HashMap<Arc<str>, NameRefs>,
    ids: HashSet<Arc<str>>,
    /// By their name, with the number of models.
    providers: HashMap<Arc<str>, (Arc<Provider>, usize)>,
    /// Names and ids in order, to find what is near to an unknown one. Made when it is needed.
    sorted: OnceLock<Vec<(Arc<str>, Arc<str>)>>,
}

impl NameRef {
    /// Of refs of one family the smallest counts: one that leaves nothing out; then the provider
    /// that was named; then by rank, and in the order of the family; then an id that is spelt as
    /// the name, one with its provider, the shortest.
    pub fn preference<'a>(&'a self, name: &str, provider: &str) -> impl Ord + use<'a> {
        (
            self.rank.max(Rank::Name),
            *self.provider.name != *provider,
            self.rank,
            self.provider.order,
            !self.is_spelt(name),
            self.name_start == 0,
            self.id.contains('@'),
            self.id.len(),
            &*self.id,
        )
    }

    /// Whether only case tells it from the id, or from the id without its provider.
    fn is_spelt(&self, name: &str) -> bool {
        let own = &self.id[self.name_start..];
        self.id.eq_ignore_ascii_case(name) || own.eq_ignore_ascii_case(name)
    }

    /// Whether two refs of one key are entries of the same model. A key that leaves nothing out
    /// says so by itself.
    pub fn is_same_model(&self, other: &NameRef) -> bool {
        if self.rank <= Rank::Name {
            return true;
        }
        let (a, b) = (self.canonical_name(), other.canonical_name());
        match (bedrock_version(&a), bedrock_version(&b)) {
            (Some(rest), None) => rest == b,
            (None, Some(rest)) => a == rest,
            _ => a == b,
        }
    }

    pub fn family(&self) -> &str {
        &self.provider.family
    }

    /// As [`normal`] spells it.
    pub fn provider(&self) -> &str {
        &self.provider.name
    }

    fn canonical_name(&self) -> String {
        canonical(&self.id[self.name_start..])
    }
}

impl NameIndex {
    pub fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    pub fn get(&self, key: &str) -> &[NameRef] {
        self.refs.get(key).map_or(&[], |refs| refs)
    }

    /// The family of a provider of the models, by its name in the spelling of [`normal`].
    pub fn family(&self, normal: &str) -> Option<&str> {
        self.providers.get(normal).map(|(provider, _)| &*provider.family)
    }

    pub fn insert(&mut self, model: &Model) {
        let lower = model.provider.to_ascii_lowercase();
        let provider = self.provider(&lower);
        let name_start = model.id.len() - name_of(&model.id, &lower).len();
        for (key, rank) in keys(model, name_start, &provider) {
            let (id, provider) = (model.id.clone(), provider.clone());
            let found = NameRef { id, rank, provider, name_start };
            let refs = self.refs.entry(Arc::from(key)).or_default();
            if !refs.iter().any(|other| other.id == model.id && other.rank <= rank) {
                refs.push(found);
            }
        }
        self.ids.insert(model.id.clone());
        self.sorted = OnceLock::new();
    }

    pub fn remove(&mut self, model: &Model) {
        if !self.ids.remove(&model.id) {
            return;
        }
        let lower = model.provider.to_ascii_lowercase();
        let provider = self.provider(&lower);
        let name_start = model.id.len() - name_of(&model.id, &lower).len();
        for (key, _) in keys(model, name_start, &provider) {
            let Some(refs) = self.refs.get_mut(&*key) else { continue };
            refs.retain(|found| found.id != model.id);
            if refs.is_empty() {
                self.refs.remove(&*key);
            }
        }
        if let Some((_, count)) = self.providers.get_mut(&provider.name) {
            // One for the model, and one for looking it up.
            *count -= 2;
            if *count == 0 {
                self.providers.remove(&provider.name);
            }
        }
        self.sorted = OnceLock::new();
    }

    /// The provider of one model more.
    fn provider(&mut self, lower: &str) -> Arc<Provider> {
        let name: Arc<str> = Arc::from(normal(lower));
        let (provider, count) = self.providers.entry(name.clone()).or_insert_with(|| {
            let family = Arc::from(family_of(lower));
            (Arc::new(Provider { family, name, order: order_of(lower) }), 0)
        });
        *count += 1;
        provider.clone()
    }

    /// Ids whose names begin like `key`, the more alike first in either direction.
    pub fn near<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Arc<str>> {
        let enough = (key.chars().count() / 2).max(NEAR_CHARS_MIN);
        let is_near = move |(name, _): &&(Arc<str>, Arc<str>)| {
            let alike = name.chars().zip(key.chars()).take_while(|(a, b)| a == b);
            alike.count() >= enough
        };
        let sorted = self.sorted.get_or_init(|| self.names_in_order());
        let from = sorted.partition_point(|(name, _)| **name < *key);
        let (before, after) = sorted.split_at(from);
        let (after, before) = (after.iter(), before.iter().rev());
        after.take_while(is_near).chain(before.take_while(is_near)).map(|(_, id)| id)
    }

    /// Names with and without their maker.
    fn names_in_order(&self) -> Vec<(Arc<str>, Arc<str>)> {
        let mut names = Vec::with_capacity(self.ids.len());
        for (key, refs) in &self.refs {
            for found in refs.iter().filter(|found| found.rank <= Rank::Name) {
                let last = key.rsplit_once('/').map_or(key.clone(), |(_, last)| Arc::from(last));
                names.push((last, found.id.clone()));
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The keys of a model, with what they are.
fn keys(model: &Model, name_start: usize, provider: &Provider) -> Vec<(String, Rank)> {
    let id = canonical(&model.id);
    let name = if name_start > 0 { canonical(&model.id[name_start..]) } else { id.clone() };
    let mut keys = Vec::with_capacity(4 + model.aliases.len());
    let version = bedrock_version(&name).map(|rest| (rest.to_owned(), Rank::Version));
    let maker = without_maker(&name, &provider.family).map(|rest| (rest.to_owned(), Rank::Maker));
    keys.push((id, Rank::Id));
    for alias in &model.aliases {
        let name = name_of(alias, &provider.family);
        keys.push((canonical(alias), Rank::Id));
        if name.len() < alias.len() {
            keys.push((canonical(name), Rank::Name));
        }
    }
    if name_start > 0 {
        keys.push((name, Rank::Name));
    }
    keys.extend(version);
    keys.extend(maker);
    keys
}

/// A canonical name without its maker, where a provider has models of several makers.
fn without_maker<'a>(name: &'a str, family: &str) -> Option<&'a str> {
    match family {
        // Not of inference profiles: their price may be that of the region.
        "bedrock" if without_bedrock_region(name).is_none() && is_bedrock_name(name) => {
            without_bedrock_vendor(bedrock_version(name).unwrap_or(name))
        }
        // What stands before a slash there is a region, a size or a quality.
        "bedrock" | "azure" | "openai" | "xai" => None,
        _ => {
            let (maker, rest) = name.split_once('/')?;
            let is_maker = !maker.is_empty() && !rest.is_empty() && !rest.contains('/');
            is_maker.then_some(rest)
        }
    }
}

/// Which of the families that have a name is meant, where neither the caller nor the name says:
/// that of the maker; of models that anyone may serve none; else the only one.
pub fn by_maker<'a>(key: &str, refs: impl Iterator<Item = &'a NameRef>) -> Option<&'a str> {
    let mut families: SmallVec<[&str; 4]> = SmallVec::new();
    for found in refs {
        if !families.contains(&found.family()) {
            families.push(found.family());
        }
    }
    let of_catalog =
        |maker: &&'static str| families.iter().find(|family| *family == maker).copied();
    match maker_of(key) {
        Maker::Sells(makers) => makers.iter().find_map(of_catalog),
        Maker::Open => None,
        Maker::Unknown => match families[..] {
            [only] => Some(only),
            _ => None,
        },
    }
}
