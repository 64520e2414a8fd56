//! The models of a workspace, and the fixed-window meters of money: one of the whole workspace and
//! one of each model.

mod meter;
mod output;

use std::collections::HashMap as StdHashMap;
use std::sync::Arc;

use hashbrown::HashMap;
use smol_str::SmolStr;

use crate::domain::Amount;
use crate::domain::Time;
use crate::domain::attribution::provider_subject_id;
use crate::domain::catalog::{Catalog, ModelEntry};
use crate::domain::check::Reason;
use crate::domain::time::calendar::Window;
use crate::domain::workspace::{ModelAlias, WorkspaceModel};

pub use meter::{Meter, Totals};
pub use output::OutputHistory;

/// Position of a model. Positions never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModelIndex(u32);

/// One model as the workspace sees it.
pub struct Model {
    id: Arc<str>,
    /// Absent if nothing was set for it.
    settings: Option<WorkspaceModel>,
    /// Absent if the catalog does not know it.
    entry: Option<Arc<ModelEntry>>,
    /// Its provider as the subject of limits; empty if the catalog does not know it.
    provider_id: SmolStr,
    meter: Meter,
    outputs: OutputHistory,
}

/// Every model that is configured, was requested or has spend.
#[derive(Default)]
pub struct Models {
    total: Meter,
    models: Vec<Model>,
    by_id: HashMap<Arc<str>, ModelIndex>,
    /// Names that the workspace gives models.
    aliases: HashMap<Arc<str>, Arc<ModelAlias>>,
}

/// What was spent in a window, from the usage log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowSpend {
    pub window: Window,
    pub by_model: StdHashMap<String, Amount>,
}

impl ModelIndex {
    pub fn get(self) -> usize {
        self.0 as usize
    }

    fn new(position: usize) -> ModelIndex {
        let number = u32::try_from(position);
        ModelIndex(number.expect("models of a workspace are bounded by what was recorded"))
    }
}

impl Model {
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    pub fn settings(&self) -> Option<&WorkspaceModel> {
        self.settings.as_ref()
    }

    pub fn entry(&self) -> Option<&Arc<ModelEntry>> {
        self.entry.as_ref()
    }

    /// Its provider as the subject of limits; empty if the catalog does not know it.
    pub fn provider_id(&self) -> &str {
        &self.provider_id
    }

    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    pub fn outputs(&self) -> &OutputHistory {
        &self.outputs
    }

    /// The cap in force.
    pub fn cap(&self) -> Option<Amount> {
        self.settings.as_ref().filter(|settings| settings.limit_enabled)?.limit
    }

    /// Whether the workspace allows it and the catalog knows it.
    pub fn is_usable(&self) -> bool {
        self.entry.is_some() && self.is_enabled()
    }

    fn is_enabled(&self) -> bool {
        self.settings.as_ref().is_some_and(|settings| settings.enabled)
    }
}

impl Models {
    pub fn get(&self, index: ModelIndex) -> &Model {
        &self.models[index.get()]
    }

    pub fn iter(&self) -> impl Iterator<Item = (ModelIndex, &Model)> {
        self.models.iter().enumerate().map(|(position, model)| (ModelIndex::new(position), model))
    }

    pub fn find(&self, id: &str) -> Option<ModelIndex> {
        self.by_id.get(id).copied()
    }

    /// Finds a model by its exact id, or adds it. Names are resolved when a record is made, never
    /// after: a record counts for the model that the log has (I4).
    pub fn find_or_add(&mut self, id: &str, catalog: &Catalog) -> ModelIndex {
        if let Some(index) = self.by_id.get(id) {
            return *index;
        }
        let id: Arc<str> = id.into();
        let index = ModelIndex::new(self.models.len());
        self.by_id.insert(id.clone(), index);
        let entry = entry_of(&id, catalog);
        self.models.push(Model {
            provider_id: provider_id_of(entry.as_deref()),
            entry,
            id,
            settings: None,
            meter: Meter::default(),
            outputs: OutputHistory::default(),
        });
        index
    }

    /// What a name stands for in this workspace: the id of an alias of it; else the name.
    pub fn unaliased<'a>(&'a self, name: &'a str) -> &'a str {
        // Most workspaces have none.
        if self.aliases.is_empty() {
            return name;
        }
        self.aliases.get(name).map_or(name, |alias| &alias.model_id)
    }

    pub fn alias(&self, id: &str) -> Option<&Arc<ModelAlias>> {
        self.aliases.get(id)
    }

    pub fn aliases(&self) -> impl ExactSizeIterator<Item = &Arc<ModelAlias>> {
        self.aliases.values()
    }

    pub fn put_alias(&mut self, alias: ModelAlias) {
        self.aliases.insert(alias.id.clone(), Arc::new(alias));
    }

    pub fn remove_alias(&mut self, id: &str) {
        self.aliases.remove(id);
    }

    /// A model that the workspace may use, by its id or any other name of it.
    pub fn find_usable(&self, name: &str, catalog: &Catalog) -> Result<ModelIndex, Reason> {
        let name = self.unaliased(name);
        let by_id = self.find(name).filter(|index| self.get(*index).entry.is_some());
        let index = match by_id {
            Some(index) => index,
            None => {
                let entry = catalog.model(name).ok_or(Reason::ModelUnknown)?;
                self.find(&entry.model().id).ok_or(Reason::ModelDisabled)?
            }
        };
        if self.get(index).is_enabled() { Ok(index) } else { Err(Reason::ModelDisabled) }
    }

    pub fn set_settings(&mut self, index: ModelIndex, settings: WorkspaceModel) {
        self.models[index.get()].settings = Some(settings);
    }

    pub fn set_catalog(&mut self, catalog: &Catalog) {
        for model in &mut self.models {
            model.entry = entry_of(&model.id, catalog);
            model.provider_id = provider_id_of(model.entry.as_deref());
        }
    }

    /// Adds the output of a successful request to the history of a model.
    pub fn add_output(&mut self, index: ModelIndex, tokens: i64) {
        self.models[index.get()].outputs.add(tokens);
    }

    /// Spent and held of the whole workspace.
    pub fn totals(&self, window: Window) -> Totals {
        self.total.totals(window)
    }

    /// Meter of the whole workspace.
    pub fn total(&self) -> &Meter {
        &self.total
    }

    pub fn hold(&mut self, index: ModelIndex, window_start: Time, amount: Amount) {
        self.total.hold(window_start, amount);
        self.models[index.get()].meter.hold(window_start, amount);
    }

    /// Reverses [`Models::hold`], in the same window (I7).
    pub fn release(&mut self, index: ModelIndex, window_start: Time, amount: Amount) {
        self.total.release(window_start, amount);
        self.models[index.get()].meter.release(window_start, amount);
    }

    pub fn charge(&mut self, index: ModelIndex, window_start: Time, amount: Amount) {
        self.total.charge(window_start, amount);
        self.models[index.get()].meter.charge(window_start, amount);
    }

    /// Drops cycles before the running one that hold nothing.
    pub fn forget_before(&mut self, cycle_start: Time) {
        self.total.forget_before(cycle_start);
        for model in &mut self.models {
            model.meter.forget_before(cycle_start);
        }
    }

    /// Sets what is spent from the log. Nothing is held then.
    pub fn replace_spend(&mut self, spend: Vec<WindowSpend>, catalog: &Catalog) {
        let mut total = Vec::new();
        let mut by_model: HashMap<ModelIndex, Vec<(Time, Totals)>> = HashMap::new();
        for WindowSpend { window, by_model: amounts } in spend {
            let spent: Amount = amounts.values().copied().sum();
            total.push((window.start, Totals { spent, held: Amount::ZERO }));
            for (model_id, spent) in amounts {
                let index = self.find_or_add(&model_id, catalog);
                let totals = Totals { spent, held: Amount::ZERO };
                by_model.entry(index).or_default().push((window.start, totals));
            }
        }
        self.total.replace(total);
        for (position, model) in self.models.iter_mut().enumerate() {
            let windows = by_model.remove(&ModelIndex::new(position));
            model.meter.replace(windows.unwrap_or_default());
        }
    }
}

/// Entry of the catalog with exactly this id.
fn entry_of(id: &Arc<str>, catalog: &Catalog) -> Option<Arc<ModelEntry>> {
    catalog.by_id(id).cloned()
}

/// The provider of an entry as the subject of limits.
pub fn provider_id_of(entry: Option<&ModelEntry>) -> SmolStr {
    entry.map_or(SmolStr::default(), |entry| provider_subject_id(&entry.model().provider).into())
}
