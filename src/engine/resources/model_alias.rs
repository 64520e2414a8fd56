//! Names that a workspace gives models, such as those of its deployments.

use std::future::Future;
use std::sync::Arc;

use super::{
    Delete, Deletion, Edit, Find, Kind, Resource, Source, bounded, no_backfill, plain_state,
};
use crate::domain::Time;
use crate::domain::workspace::ModelAlias;
use crate::engine::Engine;
use crate::engine::audit::Actor;
use crate::engine::error::{Error, Result};
use crate::ledger::Ledger;
use crate::storage::settings::Change;

impl Resource for ModelAlias {
    const KIND: Kind<ModelAlias> = Kind {
        name: "model_alias",
        id: |alias| &alias.id,
        set_update_time: |alias, now| alias.update_time = now,
        audit_state: plain_state,
        put: Change::PutModelAlias,
        backfill: no_backfill,
        install: Some(|ledger, now, alias, _| ledger.put_model_alias(now, alias)),
    };
}

impl Find for ModelAlias {
    const SOURCE: Source<ModelAlias> = Source::Ledger(|ledger, id| ledger.model_alias(id));

    type View = ModelAlias;

    fn view(alias: Arc<ModelAlias>, _: &Ledger, _: Time) -> Result<ModelAlias> {
        Ok(Arc::unwrap_or_clone(alias))
    }
}

impl Delete for ModelAlias {
    const DELETION: Deletion<ModelAlias> = Deletion {
        delete: Change::DeleteModelAlias,
        uninstall: |edit, alias| {
            edit.install(|ledger, now| ledger.remove_model_alias(now, &alias.id));
        },
    };

    fn check_unused(&self, _: &Edit) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }
}

impl Engine {
    /// Lets an alias stand for a model of the catalog, whatever it stood for before.
    pub async fn set_model_alias(
        &self,
        actor: Actor,
        workspace_id: &str,
        alias: String,
        model_id: String,
    ) -> Result<ModelAlias> {
        let set = |edit: Edit| async move {
            let catalog = edit.shared.catalog.load_full();
            let named = catalog.named(&model_id).map(|entry| entry.model().id.clone());
            let model_id = named.ok_or_else(|| Error::model_not_found(&catalog, &model_id))?;
            let before = edit.ledger().model_alias(&alias);
            if before.is_none() {
                bounded(edit.ledger().room_for_model_alias())?;
            }
            let update_time = before.as_ref().map_or(edit.now, |before| before.update_time);
            let after = ModelAlias { id: alias.into(), model_id, update_time };
            Ok(Arc::unwrap_or_clone(edit.put(before, after).await?))
        };
        self.edit(actor, workspace_id, set).await
    }

    /// The aliases of a workspace, in their order.
    pub async fn model_aliases(&self, workspace_id: &str) -> Result<Vec<Arc<ModelAlias>>> {
        Ok(self.workspace(workspace_id).await?.lock().model_aliases())
    }
}
