//! What the model of storage knows of the directory, and how it forgets a user.

use std::collections::HashMap;

use async_trait::async_trait;
use tollgate::domain::alert::AlertSubject;
use tollgate::domain::attribution::directory::Entry;
use tollgate::domain::attribution::{Dimension, EntryKind, SubjectKind};
use tollgate::domain::boost::BoostTarget;
use tollgate::domain::quota::Scope;
use tollgate::storage::Result;
use tollgate::storage::audit::AuditEvent;
use tollgate::storage::directory::{
    DirectoryStore, EntryFilter, Erasure, Listed, Seen, UserTraces,
};
use tollgate::storage::log::RecordPosition;
use tollgate::storage::search::{COUNT_MAX, Counted};

use super::{Disk, SimStore};

impl Disk {
    pub fn put_entries(&mut self, workspace_id: &str, entries: Vec<Entry>) {
        for entry in entries {
            let key = (workspace_id.to_owned(), entry.kind.dimension(), entry.id.clone());
            self.entries.insert(key, entry);
        }
    }

    fn listed(&self, workspace_id: &str, kind: EntryKind, id: &str) -> Listed {
        let key = (workspace_id.to_owned(), kind.dimension(), id.to_owned());
        let entry = self.entries.get(&key).cloned();
        Listed { id: id.to_owned(), entry, seen: self.seen.get(&key).copied() }
    }

    fn count_of(&self, workspace_id: &str, user_id: &str, is_meant: impl Fn(i64) -> bool) -> i64 {
        let of_user = self.log.iter().filter(|record| {
            *record.workspace_id == *workspace_id
                && record.attribution.user_id == user_id
                && is_meant(record.seq)
        });
        of_user.count() as i64
    }

    fn names(&self, workspace_id: &str, user_id: &str) -> bool {
        let key = (workspace_id.to_owned(), Dimension::User, user_id.to_owned());
        let is_user = |kind: SubjectKind, subject_id: Option<&str>| {
            kind == SubjectKind::User && subject_id == Some(user_id)
        };
        let of_scope = |scope: &Scope| is_user(scope.kind, scope.subject_id.as_deref());
        self.entries.contains_key(&key)
            || self.seen.contains_key(&key)
            || super::settings::of(&self.quotas, workspace_id).any(|quota| of_scope(&quota.scope))
            || super::settings::of(&self.rate_limits, workspace_id)
                .any(|limit| of_scope(&limit.scope))
            || super::settings::of(&self.boosts, workspace_id).any(|boost| boost.actor == user_id)
            || super::settings::of(&self.holds, workspace_id)
                .any(|hold| hold.attribution.user_id == user_id)
            || self
                .audit_events
                .values()
                .filter(|event| event.workspace_id == workspace_id)
                .any(|event| event.actor == user_id || event.on_behalf_of == user_id)
    }

    pub fn erase_user(&mut self, workspace_id: &str, erasure: Erasure) {
        let Erasure { user_id, pseudonym, .. } = &erasure;
        let user = Erased { workspace_id, user_id, pseudonym };
        self.delete_limits_of(&user);
        let key = (workspace_id.to_owned(), Dimension::User, user_id.clone());
        self.entries.remove(&key);
        self.rename_in_settings(&user);
        self.rename_in_alerts(&user);
        self.rename_in_rate_counts(&user);
        // All of it at once: no entry is left to be renamed in a part.
        self.rename_in_log(&user);
        self.erasures.retain(|(id, it)| id != workspace_id || it.user_id != erasure.user_id);
        self.erasures.push((workspace_id.to_owned(), erasure));
    }

    pub fn put_events(&mut self, events: Vec<AuditEvent>) {
        for event in events {
            self.audit_events.insert(event.id.clone(), event);
        }
    }

    pub fn end_erasure(&mut self, workspace_id: &str, pseudonym: &str) {
        self.erasures.retain(|(id, it)| id != workspace_id || it.pseudonym != pseudonym);
    }

    fn delete_limits_of(&mut self, user: &Erased<'_>) {
        let of_user = |scope: &Scope| {
            scope.kind == SubjectKind::User && scope.subject_id.as_deref() == Some(user.user_id)
        };
        let quotas = &self.quotas;
        let quota_of = |id: &str| quotas.get(&(user.workspace_id.to_owned(), id.to_owned()));
        self.boosts.retain(|(id, _), boost| match &boost.target {
            BoostTarget::Quota { quota_id, subject_id } if user.is_in(id) => quota_of(quota_id)
                .is_none_or(|quota| {
                    let is_for = quota.scope.kind == SubjectKind::User
                        && subject_id.as_deref() == Some(user.user_id);
                    !is_for && !of_user(&quota.scope)
                }),
            _ => true,
        });
        self.quotas.retain(|(id, _), quota| !(user.is_in(id) && of_user(&quota.scope)));
        self.rate_limits.retain(|(id, _), limit| !(user.is_in(id) && of_user(&limit.scope)));
        self.freezes.retain(|(id, _), freeze| {
            let subject = &freeze.subject;
            !(user.is_in(id) && subject.kind == SubjectKind::User && *subject.id == *user.user_id)
        });
    }

    fn rename_in_settings(&mut self, user: &Erased<'_>) {
        for ((id, _), hold) in &mut self.holds {
            if user.is_in(id) {
                user.rename(&mut hold.attribution.user_id);
            }
        }
        for ((id, _), freeze) in &mut self.freezes {
            if user.is_in(id) {
                user.rename(&mut freeze.actor);
            }
        }
        for ((id, _), anomaly) in &mut self.anomalies {
            if user.is_in(id) {
                if let Some((_, _, actor)) = &mut anomaly.feedback {
                    user.rename(actor);
                }
                for contributor in &mut anomaly.contributors {
                    if contributor.member.dimension == Dimension::User
                        && *contributor.member.id == *user.user_id
                    {
                        contributor.member.id = user.pseudonym.into();
                    }
                }
            }
        }
        for ((id, _), recommendation) in &mut self.recommendations {
            if let Some(change) = recommendation.change.as_mut().filter(|_| user.is_in(id)) {
                user.rename(&mut change.actor);
            }
        }
        for ((id, _), boost) in &mut self.boosts {
            if user.is_in(id) {
                user.rename(&mut boost.actor);
            }
        }
    }

    fn rename_in_alerts(&mut self, user: &Erased<'_>) {
        for alert in self.alerts.values_mut().filter(|alert| user.is_in(&alert.workspace_id)) {
            if let AlertSubject::Quota { kind: SubjectKind::User, subject_id, .. } =
                &mut alert.alert.key.subject
                && **subject_id == *user.user_id
            {
                *subject_id = user.pseudonym.into();
            }
            if let Some(record) = &mut alert.alert.record
                && *record.user_id == *user.user_id
            {
                record.user_id = user.pseudonym.into();
            }
            if let Some((_, actor)) = &mut alert.acknowledged {
                user.rename(actor);
            }
        }
    }

    /// Counts of a rate limit that is deleted are deleted with it.
    fn rename_in_rate_counts(&mut self, user: &Erased<'_>) {
        let limits = &self.rate_limits;
        let is_of_users = |id: &str| {
            let limit = limits.get(&(user.workspace_id.to_owned(), id.to_owned()));
            limit.map(|limit| limit.scope.kind == SubjectKind::User)
        };
        let rates = std::mem::take(&mut self.rates).into_values();
        self.rates = rates
            .filter_map(|mut rate| {
                if user.is_in(&rate.workspace_id) {
                    let is_of_users = is_of_users(&rate.counts.rate_limit_id)?;
                    if is_of_users && *rate.counts.subject_id == *user.user_id {
                        rate.counts.subject_id = user.pseudonym.into();
                    }
                }
                Some((super::shutdown::rate_key(&rate), rate))
            })
            .collect();
    }

    /// In the log, and in what is derived from it.
    fn rename_in_log(&mut self, user: &Erased<'_>) {
        for record in self.log.iter_mut().filter(|record| user.is_in(&record.workspace_id)) {
            user.rename(&mut record.attribution.user_id);
        }
        let key = (user.workspace_id.to_owned(), Dimension::User, user.user_id.to_owned());
        if let Some(seen) = self.seen.remove(&key) {
            self.seen.insert((key.0, key.1, user.pseudonym.to_owned()), seen);
        }
        let refusals = std::mem::take(&mut self.refusals);
        for ((id, mut key), counts) in refusals {
            if user.is_in(&id) {
                user.rename(&mut key.user_id);
            }
            self.refusals.entry((id, key)).or_default().add(&counts);
        }
        let rollups = std::mem::take(&mut self.rollups);
        self.rollups = rollups
            .into_iter()
            .map(|(mut key, sums)| {
                if user.is_in(&key.0) && key.2 == Dimension::User {
                    user.rename(&mut key.3);
                }
                (key, sums)
            })
            .collect();
    }
}

/// A user that is erased, and what takes the place of its id.
struct Erased<'a> {
    workspace_id: &'a str,
    user_id: &'a str,
    pseudonym: &'a str,
}

impl Erased<'_> {
    fn is_in(&self, workspace_id: &str) -> bool {
        workspace_id == self.workspace_id
    }

    fn rename(&self, id: &mut String) {
        if *id == self.user_id {
            self.pseudonym.clone_into(id);
        }
    }
}

#[async_trait]
impl DirectoryStore for SimStore {
    async fn entries(
        &self,
        workspace_id: &str,
        kind: EntryKind,
        ids: &[String],
    ) -> Result<Vec<Listed>> {
        self.read(|disk| ids.iter().map(|id| disk.listed(workspace_id, kind, id)).collect()).await
    }

    async fn seen(
        &self,
        workspace_id: &str,
        dimension: Dimension,
        values: &[String],
    ) -> Result<HashMap<String, Seen>> {
        self.read(|disk| {
            let seen = |value: &String| {
                let key = (workspace_id.to_owned(), dimension, value.clone());
                Some((value.clone(), *disk.seen.get(&key)?))
            };
            values.iter().filter_map(seen).collect()
        })
        .await
    }

    async fn list_entries(
        &self,
        workspace_id: &str,
        filter: &EntryFilter,
        after_id: &str,
        limit: usize,
    ) -> Result<Counted<Listed>> {
        self.read(|disk| {
            let keys = disk.entries.keys().chain(disk.seen.keys());
            let keys = keys.filter(|(id, dimension, _)| {
                id == workspace_id && *dimension == filter.kind.dimension()
            });
            let ids: std::collections::BTreeSet<&String> = keys.map(|key| &key.2).collect();
            let listed = ids.into_iter().map(|id| disk.listed(workspace_id, filter.kind, id));
            let is_meant = |listed: &Listed| {
                let entry = listed.entry.as_ref();
                let name = entry.map_or("", |entry| &entry.display_name);
                let external_id = entry.map_or("", |entry| &entry.external_id);
                let is_found = filter.search.matches([&*listed.id, name, external_id]);
                is_found && filter.is_listed(listed)
            };
            let mut entries: Vec<Listed> = listed.filter(is_meant).collect();
            let total_count = entries.len().min(COUNT_MAX);
            entries.retain(|listed| listed.id.as_str() > after_id);
            entries.truncate(limit);
            Counted { entries, total_count }
        })
        .await
    }

    async fn user_traces(
        &self,
        workspace_id: &str,
        user_id: &str,
        upto: i64,
    ) -> Result<UserTraces> {
        self.read(|disk| {
            let record_count = disk.count_of(workspace_id, user_id, |seq| seq <= upto);
            let is_known = record_count > 0 || disk.names(workspace_id, user_id);
            UserTraces { is_known, record_count }
        })
        .await
    }

    async fn user_entries_after(
        &self,
        workspace_id: &str,
        user_id: &str,
        after: i64,
    ) -> Result<i64> {
        self.read(|disk| disk.count_of(workspace_id, user_id, |seq| seq > after)).await
    }

    async fn erasures(&self) -> Result<Vec<(String, Erasure)>> {
        self.read(|disk| disk.erasures.clone()).await
    }

    async fn entries_to_erase(
        &self,
        _workspace_id: &str,
        _erasure: &Erasure,
        _after: Option<RecordPosition>,
        _limit: usize,
    ) -> Result<Vec<RecordPosition>> {
        Ok(Vec::new())
    }

    async fn departments(&self, workspace_id: &str) -> Result<Vec<(String, String)>> {
        self.read(|disk| {
            let of_users = disk.entries.iter().filter(|((id, dimension, _), entry)| {
                id == workspace_id
                    && *dimension == Dimension::User
                    && !entry.department_id.is_empty()
            });
            of_users.map(|(key, entry)| (key.2.clone(), entry.department_id.clone())).collect()
        })
        .await
    }
}
