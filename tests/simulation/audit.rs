//! What must agree exactly when nothing is open: at quiet points, after restarts, at the end.

use std::collections::{BTreeMap, BTreeSet};

use tollgate::domain::attribution::Dimension;
use tollgate::domain::catalog::price::RateCard;
use tollgate::domain::check::LimitKey;
use tollgate::domain::record::{EXPIRY_ATTEMPT, Record, RecordKind};
use tollgate::domain::{Amount, Time};
use tollgate::engine::{Engine, HoldFilter};
use tollgate::storage::rollup::{Grain, Sums};

use super::auditor::{Auditor, is_near_an_edge};
use super::credits::assert_void;
use super::store::{Disk, RollupKey};
use crate::oracle::facts;

impl Auditor {
    /// The server that ran has ended: what it counted is on the disk, or may be.
    pub fn end_refused(&mut self, is_crash: bool) {
        for refused in self.refused.values_mut() {
            let running = std::mem::take(&mut refused.running);
            if is_crash { refused.lost += running } else { refused.kept += running }
        }
    }

    /// Counts of refusals add up to the answers that were given: none is lost but by a crash, and
    /// none counts twice. Of the server that runs some may not be folded.
    pub fn assert_refusals(&self) {
        let disk = self.store.disk();
        let mut found: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for ((workspace, key), counts) in &disk.refusals {
            let (requests, limits) = found.entry(workspace).or_default();
            match key.limit {
                LimitKey::Request => *requests += counts.blocked_count,
                _ => *limits += counts.blocked_count,
            }
        }
        for (workspace, refused) in &self.refused {
            let (requests, limits) = found.get(workspace.as_str()).copied().unwrap_or_default();
            let most = refused.kept + refused.lost + refused.running;
            assert!(
                (refused.kept..=most).contains(&requests),
                "{workspace}: {requests} refusals were kept of {refused:?}"
            );
            assert!(limits >= requests, "{workspace}: something is in the way of each request");
        }
    }

    /// Nothing is open any more: what the log says, the server has counted.
    pub fn settle_up(&mut self, now: Time) {
        self.latest = self.latest.max(now);
        let latest = self.latest;
        self.open.clear();
        self.open_policies = 0;
        let disk = self.store.disk();
        self.settled = disk.log.iter().map(|record| record.seq).collect();
        self.holds.retain(|request, hold| {
            let has_record = disk.log.iter().any(|record| {
                *record.workspace_id == *request.0
                    && *record.request_id == *request.1
                    && record.kind == RecordKind::Usage
                    && record.attempt >= hold.attempt
                    && record.seq > hold.granted_after
            });
            // The clock may have stepped back, and the server may not have seen it before.
            hold.is_unsure |= hold.expire_time <= latest;
            hold.expire_time > now && !has_record
        });
    }

    /// What the server shows is what the log and the books say (I4, I7, I9). Holds that were up at
    /// `expired_at` have been charged or released.
    pub async fn assert_agreement(&mut self, engine: &Engine, workspace: &str, expired_at: Time) {
        let view = engine.budget(workspace).await.expect("it is loaded").value;
        let (filter, all) = (HoldFilter::default(), usize::MAX);
        let (live, _) = engine.holds(workspace, &filter, all).await.expect("it is loaded").value;
        let now = view.as_of_time.max(self.latest);
        let settings = engine.get_workspace(workspace).await.expect("it is loaded");
        let disk = self.store.disk();
        assert_eq!(settings, disk.workspaces[workspace], "settings are those that are durable");

        let cycle = facts::cycle(&settings, view.as_of_time);
        if !is_near_an_edge(cycle, view.as_of_time) {
            assert_eq!(view.cycle, cycle, "the running cycle");
            let mut by_model: BTreeMap<String, Amount> = BTreeMap::new();
            for record in disk.log.iter().filter(|record| *record.workspace_id == *workspace) {
                if cycle.contains(record.charge_time) {
                    *by_model.entry(record.metered_model_id.to_string()).or_default() +=
                        record.cost;
                }
            }
            let spent: Amount = by_model.values().copied().sum();
            assert_eq!(view.spent, spent, "I4: spent is the sum of the log");
            by_model.retain(|_, amount| !amount.is_zero());
            let shown = view.spend_by_model.into_iter();
            let shown: BTreeMap<String, Amount> =
                shown.map(|(model, amount)| (model.to_string(), amount)).collect();
            assert_eq!(shown, by_model, "I4: spent by model is the sum of the log");
        }

        let mut found = BTreeMap::new();
        let mut live_ids = BTreeSet::new();
        for view in live.entries.into_iter().filter(|view| view.live) {
            let id = view.hold.request_id.to_string();
            live_ids.insert(id.clone());
            found.insert(id, (view.model_id.to_string(), view.hold.held, view.hold.expire_time));
        }
        let books: BTreeMap<_, _> =
            self.holds.iter().filter(|(request, _)| request.0 == workspace).collect();
        for (request, hold) in &books {
            let shown = found.remove(&request.1);
            if hold.is_unsure && shown.is_none() {
                continue;
            }
            let known = (hold.model.to_string(), hold.held, hold.expire_time);
            assert_eq!(shown, Some(known), "I7: the hold of {} lives", request.1);
        }
        found.retain(|request, (_, _, expire_time)| {
            let is_revived = self.revived.contains(&(workspace.to_owned(), request.clone()));
            !is_revived && (*expire_time <= expired_at || *expire_time > now)
        });
        assert_eq!(found, BTreeMap::new(), "I7: holds that should have ended");
        drop(disk);
        // What was unsure is known now.
        let unsure: Vec<_> = self.holds.keys().filter(|key| key.0 == workspace).cloned().collect();
        for request in unsure {
            if live_ids.contains(&request.1) {
                self.holds.get_mut(&request).expect("it is known").is_unsure = false;
            } else {
                self.holds.remove(&request);
            }
        }
    }

    /// The log says what clients sent and what follows from it, and nothing else.
    pub fn assert_log(&self) {
        let disk = self.store.disk();
        let mut keys = BTreeSet::new();
        for record in &disk.log {
            let key = (
                record.workspace_id.clone(),
                record.request_id.clone(),
                record.attempt,
                record.revision,
            );
            assert!(keys.insert(key), "I5: a key is in the log once: {record:?}");
            match record.kind {
                RecordKind::Usage => self.assert_usage(&disk, record),
                RecordKind::ExpiryCharge => self.assert_charge(&disk, record),
                RecordKind::Correction => assert_take_back(&disk, record),
                RecordKind::Credit => self.assert_credit(record),
                RecordKind::Void => assert_void(&disk, record),
            }
        }
        for ((request, attempt), cost) in &self.acknowledged {
            let entry = disk.log.iter().find(|record| {
                *record.workspace_id == *request.0
                    && *record.request_id == *request.1
                    && (record.attempt, record.revision) == (*attempt, 0)
            });
            let entry = entry.expect("I13: an acknowledged record is never lost");
            assert_eq!(entry.cost, *cost, "nothing in the log changes");
        }
        self.assert_made_by_hand(&disk);
    }

    fn assert_usage(&self, disk: &Disk, record: &Record) {
        let request = (record.workspace_id.to_string(), record.request_id.to_string());
        let contents = self.sent.get(&request);
        let is_sent = contents.is_some_and(|contents| contents.contains(&record.fingerprint));
        assert!(is_sent, "nothing is invented: {record:?}");
        let cost = match &record.price_id {
            None => Amount::ZERO,
            Some(id) => {
                let price = disk.catalog.prices.iter().find(|price| price.id == *id);
                let price = price.expect("the price of a record is durable");
                let card = RateCard::new(price.clone().into());
                let (extras, rate) = (record.extras.as_deref(), record.exchange_rate);
                card.bill(&record.usage, extras, record.tier, rate).expect("within the bound")
            }
        };
        assert_eq!(record.cost, cost, "billed at the price that it names");
    }

    /// A charge is the estimate of a hold that was granted and is up; a record of the request that
    /// came later has taken it back.
    fn assert_charge(&self, disk: &Disk, record: &Record) {
        let request = (record.workspace_id.to_string(), record.request_id.to_string());
        assert!(
            self.granted.contains(&(request.clone(), record.cost)),
            "a charge is what was held: {record:?}"
        );
        let same = |entry: &&Record| {
            entry.workspace_id == record.workspace_id
                && entry.request_id == record.request_id
                && entry.seq > record.seq
        };
        let mut later = disk.log.iter().filter(same);
        let has_usage = later.clone().any(|entry| entry.kind == RecordKind::Usage);
        let is_back = later
            .any(|entry| entry.attempt == EXPIRY_ATTEMPT && entry.kind == RecordKind::Correction);
        if !record.cost.is_zero() {
            assert_eq!(is_back, has_usage, "a charge is taken back by a record: {record:?}");
        }
    }

    /// What is derived is what the log says, up to its end.
    pub fn assert_rollups(&self) {
        let disk = self.store.disk();
        let mut sums: BTreeMap<RollupKey, Sums> = BTreeMap::new();
        let mut days: BTreeMap<(String, Time), (Time, Time)> = BTreeMap::new();
        let mut seen: BTreeMap<String, (Time, Time)> = BTreeMap::new();
        for record in &disk.log {
            let (workspace, time) = (record.workspace_id.to_string(), record.charge_time);
            let user = record.attribution.user_id.clone();
            let metered = record.metered_model_id.to_string();
            for (grain, dimension, value, start, model) in [
                (Grain::Hour, Dimension::Workspace, "", record.hour, ""),
                (Grain::Hour, Dimension::Model, &metered, record.hour, ""),
                (Grain::Day, Dimension::User, &user, record.day, ""),
                (Grain::DayByModel, Dimension::User, &user, record.day, &metered),
            ] {
                let (value, model) = (value.to_owned(), model.to_owned());
                let key = (workspace.clone(), grain, dimension, value, start, model);
                sums.entry(key).or_default().add(record);
            }
            let day = days.entry((workspace.clone(), record.day)).or_insert((time, time));
            *day = (day.0.min(time), day.1.max(time));
            if record.kind == RecordKind::Usage && !user.is_empty() {
                let seen = seen.entry(user).or_insert((time, time));
                *seen = (seen.0.min(time), seen.1.max(time));
            }
        }
        for (key, sums) in sums {
            let found = disk.rollups.get(&key).map(|(sums, _)| *sums).unwrap_or_default();
            assert_eq!(found, sums, "rollup of {key:?}");
        }
        assert_eq!(disk.days, days);
        let users = disk.seen.iter().filter(|((_, dimension, _), _)| *dimension == Dimension::User);
        let mut found: BTreeMap<String, (Time, Time)> = BTreeMap::new();
        for ((_, _, user), times) in users {
            let (first, last) = (times.first_time, times.last_time);
            let seen = found.entry(user.clone()).or_insert((first, last));
            *seen = (seen.0.min(first), seen.1.max(last));
        }
        assert_eq!(found, seen);
    }
}

/// The only corrections of a simulation: charges that are taken back, whole.
fn assert_take_back(disk: &Disk, record: &Record) {
    let charge = disk.log.iter().find(|entry| {
        entry.workspace_id == record.workspace_id
            && entry.request_id == record.request_id
            && entry.kind == RecordKind::ExpiryCharge
            && entry.revision + 1 == record.revision
    });
    let charge = charge.expect("a correction is of the charge before it");
    assert_eq!(record.attempt, EXPIRY_ATTEMPT, "only charges are taken back");
    assert_eq!(record.cost, -charge.cost, "all of a charge is taken back");
    assert_eq!(record.charge_time, charge.charge_time, "in the window that it was taken from");
}
