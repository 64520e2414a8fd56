//! Names for people beside ids: of models, from the catalog, and of subjects, as the engine has
//! looked them up.

use std::sync::Arc;

use crate::domain::attribution::SubjectKind;
use crate::domain::catalog::{Catalog, Model};
use crate::engine::{Engine, QuotaUsage, Result, SubjectNames};

/// Names of models.
pub struct ModelNames {
    catalog: Arc<Catalog>,
}

/// Names of models and of some subjects.
pub struct Names {
    pub models: ModelNames,
    subjects: SubjectNames,
}

impl ModelNames {
    pub fn of(engine: &Engine) -> ModelNames {
        ModelNames { catalog: engine.catalog() }
    }

    /// The id where there is no name.
    pub fn display_name(&self, model_id: &str) -> String {
        let name = self.model(model_id).map(|model| &model.display_name);
        name.filter(|name| !name.is_empty()).map_or_else(|| model_id.to_owned(), Clone::clone)
    }

    /// Empty where the catalog does not have the model.
    pub fn provider(&self, model_id: &str) -> String {
        self.model(model_id).map_or_else(String::new, |model| model.provider.clone())
    }

    /// What a model is found by: id, name and provider.
    pub fn searched<'a>(&'a self, model_id: &'a str) -> [&'a str; 3] {
        let model = self.model(model_id);
        let [name, provider] = model.map_or(["", ""], |it| [&it.display_name, &it.provider]);
        [model_id, name, provider]
    }

    fn model(&self, id: &str) -> Option<&Model> {
        self.catalog.by_id(id).map(|entry| entry.model())
    }
}

impl Names {
    /// With the names of these subjects.
    pub async fn of(
        engine: &Engine,
        workspace_id: &str,
        subjects: impl IntoIterator<Item = (SubjectKind, Arc<str>)>,
    ) -> Result<Names> {
        let subjects = engine.subject_names(workspace_id, subjects).await?;
        Ok(Names { models: ModelNames::of(engine), subjects })
    }

    /// With the names of the subjects of quotas.
    pub async fn of_usages(
        engine: &Engine,
        workspace_id: &str,
        usages: &[QuotaUsage],
    ) -> Result<Names> {
        let subject = |usage: &QuotaUsage| (usage.quota.scope.kind, usage.subject_id.clone());
        Names::of(engine, workspace_id, usages.iter().map(subject)).await
    }

    /// The id where there is no name.
    pub fn subject(&self, kind: SubjectKind, id: &Arc<str>) -> String {
        self.subjects.get(&(kind, id.clone())).cloned().unwrap_or_else(|| id.to_string())
    }
}
