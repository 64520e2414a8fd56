//! An administrator who changes quotas, rate limits, keys, groups, boosts and alerts under load.
//! After every kill everything is as it was acknowledged; of the one change that was not answered
//! the audit log says whether it was made, and it was made as a whole or not at all.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use tollgate::proto::v1;
use tonic::{Code, Status};

use crate::alerts::Watcher;
use crate::client::{Client, by, subject, usd};
use crate::limits::{GENERATIONS, NOMAD, SHADOW, group, in_hours, user};
use crate::rates::of_requests;
use v1::SubjectType as Type;

/// How long the administrator rests between two changes.
const REST: Duration = Duration::from_millis(5);
const ACTOR: &str = "administrator-";
/// What a call answers that was understood and refused.
const REFUSED: [Code; 4] =
    [Code::AlreadyExists, Code::NotFound, Code::FailedPrecondition, Code::ResourceExhausted];

/// Something that is kept, as it is listed.
#[derive(Clone, Debug, PartialEq)]
enum Resource {
    Quota(v1::Quota),
    RateLimit(v1::RateLimit),
    Key(v1::ApiKey),
    Group(v1::KeyGroup),
    Boost(v1::Boost),
    /// An alert, by whom it was acknowledged.
    Alert(String),
}

/// Type, as the audit log names it, and id.
type Name = (&'static str, String);

/// One call; what is created or changed is given whole.
#[derive(Clone, Debug)]
enum Change {
    Create(Resource),
    Update(Resource),
    Delete(Name),
    /// Of a boost of the quota, or of the envelope.
    Cancel(Name, bool),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Made,
    Refused,
}

pub struct Administrator {
    client: Client,
    rng: StdRng,
    watcher: Watcher,
    state: BTreeMap<Name, Resource>,
    /// Actors, each of one change, and what became of it.
    changes: Vec<(String, Name, Outcome)>,
    in_doubt: Option<(String, Change)>,
}

impl Administrator {
    pub async fn new(client: Client, rng: StdRng, watcher: Watcher) -> Administrator {
        let state = read(&client).await;
        Administrator { client, rng, watcher, state, changes: Vec::new(), in_doubt: None }
    }

    /// Changes something again and again until the server is gone.
    pub async fn work(mut self, client: Client, generation: usize) -> Administrator {
        self.client = client;
        loop {
            let number = self.changes.len();
            let actor = format!("{ACTOR}{number}");
            let Some(change) = self.draw(number, generation) else { continue };
            match make(&self.client, &actor, &change).await {
                Ok(after) => {
                    let expected = self.expected(&actor, &change);
                    assert_eq!(after.as_ref().map(timeless), expected, "{change:?}");
                    self.keep(actor, &change, after);
                }
                Err(status) if REFUSED.contains(&status.code()) => {
                    self.changes.push((actor, name_of(&change), Outcome::Refused));
                }
                Err(status) => {
                    assert_ne!(status.code(), Code::InvalidArgument, "{status} of {change:?}");
                    self.in_doubt = Some((actor, change));
                    return self;
                }
            }
            tokio::time::sleep(REST).await;
        }
    }

    fn keep(&mut self, actor: String, change: &Change, after: Option<Resource>) {
        let name = name_of(change);
        self.changes.push((actor, name.clone(), Outcome::Made));
        match after {
            Some(after) => drop(self.state.insert(name, counted(after))),
            None => drop(self.state.remove(&name)),
        }
    }

    /// After a restart: everything is there as it was acknowledged.
    pub async fn judge(&mut self, client: &Client) {
        let found = read(client).await;
        if let Some((actor, change)) = self.in_doubt.take() {
            let name = name_of(&change);
            let events = client.audit_events(&actor).await;
            assert!(events.len() <= 1, "{events:?}");
            if events.is_empty() {
                self.changes.push((actor, name, Outcome::Refused));
            } else {
                let there = found.get(&name).cloned();
                let expected = self.expected(&actor, &change);
                assert_eq!(there.as_ref().map(timeless), expected, "{change:?} was made");
                self.keep(actor, &change, there);
            }
        }
        for (name, resource) in &self.state {
            assert_eq!(found.get(name), Some(resource), "{name:?} is as it was acknowledged");
        }
        for name in found.keys() {
            assert!(self.state.contains_key(name), "{name:?} is not known");
        }
    }

    /// In the end: one entry for every change that was made, none for any other; and each entry
    /// begins where the one before it ended.
    pub async fn judge_log(&self, client: &Client) -> usize {
        let mut by_actor: HashMap<String, Vec<v1::AuditEvent>> = HashMap::new();
        let mut ends: HashMap<(String, String), String> = HashMap::new();
        for event in client.audit_events("").await {
            let resource = (event.resource_type.clone(), event.resource_id.clone());
            if let Some(before) = ends.insert(resource, event.after_json.clone()) {
                assert_eq!(event.before_json, before, "{event:?}");
            }
            by_actor.entry(event.actor.clone()).or_default().push(event);
        }
        for (actor, name, outcome) in &self.changes {
            let events = by_actor.remove(actor).unwrap_or_default();
            assert_eq!(events.len(), usize::from(*outcome == Outcome::Made), "{actor} {name:?}");
            for event in events {
                assert_eq!((event.resource_type.as_str(), &event.resource_id), (name.0, &name.1));
            }
        }
        by_actor.retain(|actor, _| actor.starts_with(ACTOR));
        assert!(by_actor.is_empty(), "nobody made {by_actor:?}");
        self.changes.iter().filter(|(_, _, outcome)| *outcome == Outcome::Made).count()
    }

    /// What is to be there after a change, without times.
    fn expected(&self, actor: &str, change: &Change) -> Option<Resource> {
        match change {
            Change::Create(Resource::Boost(boost)) => {
                let create_actor = actor.to_owned();
                Some(Resource::Boost(v1::Boost { create_actor, ..boost.clone() }))
            }
            Change::Create(resource) => Some(resource.clone()),
            Change::Update(Resource::Alert(_)) => Some(Resource::Alert(actor.to_owned())),
            Change::Update(resource) => Some(timeless(resource)),
            Change::Delete(_) => None,
            Change::Cancel(name, _) => match timeless(&self.state[name]) {
                Resource::Boost(boost) => {
                    Some(Resource::Boost(v1::Boost { active: false, ..boost }))
                }
                other => panic!("{other:?} is no boost"),
            },
        }
    }

    /// None if there is nothing of the kind that was drawn.
    fn draw(&mut self, number: usize, generation: usize) -> Option<Change> {
        let display_name = format!("change {number}");
        let group = group(self.rng.random_range(0..GENERATIONS));
        Some(match self.rng.random_range(0..16) {
            0..=2 => match self.state[&("api_key", NOMAD.to_owned())].clone() {
                Resource::Key(key) => Change::Update(Resource::Key(v1::ApiKey {
                    key_group_id: group,
                    display_name,
                    ..key
                })),
                other => panic!("{other:?} is no key"),
            },
            3 => match self.state[&("quota", SHADOW.to_owned())].clone() {
                Resource::Quota(quota) => Change::Update(Resource::Quota(v1::Quota {
                    limit_count: Some(self.rng.random_range(1_000_000..20_000_000)),
                    display_name,
                    ..quota
                })),
                other => panic!("{other:?} is no quota"),
            },
            4 | 5 => Change::Create(Resource::Quota(self.quota(number, generation))),
            6 => Change::Create(Resource::RateLimit(v1::RateLimit {
                rate_limit_id: format!("made-{number}"),
                subject: subject(Type::Department, &format!("made-{number}")),
                bounds: vec![
                    of_requests(v1::LimitPeriod::SlidingMinute, 5),
                    of_requests(v1::LimitPeriod::SlidingDay, 500),
                ],
                enforcement: v1::Enforcement::Hard.into(),
                display_name,
                ..Default::default()
            })),
            7 => Change::Create(Resource::Key(v1::ApiKey {
                api_key_id: format!("made-{number}"),
                key_group_id: group,
                display_name,
                ..Default::default()
            })),
            8 => Change::Create(Resource::Group(v1::KeyGroup {
                key_group_id: format!("made-{number}"),
                display_name,
                ..Default::default()
            })),
            9 | 10 => Change::Create(Resource::Boost(self.boost(number))),
            11 => {
                let boosts = self.made(|name| name.0 == "boost");
                let Resource::Boost(boost) = boosts? else { return None };
                let of_quota = !boost.quota_id.is_empty();
                // Of one that is cancelled already nothing changes.
                if boost.cancel_time.is_some() {
                    return None;
                }
                Change::Cancel(("boost", boost.boost_id), of_quota)
            }
            12 | 13 => self.renamed(display_name)?,
            14 => {
                let deletable = ["quota", "rate_limit", "api_key", "key_group"];
                let name = name(&self.made(|name| deletable.contains(&name.0))?);
                Change::Delete(name)
            }
            _ => {
                let seen = self.watcher.seen();
                let alert = seen.choose(&mut self.rng)?;
                if self.state.contains_key(&("alert", alert.alert_id.to_string())) {
                    return None;
                }
                Change::Update(Resource::Alert(alert.alert_id.to_string()))
            }
        })
    }

    /// A quota of somebody whose requests run meanwhile; it says what it would do.
    fn quota(&mut self, number: usize, generation: usize) -> v1::Quota {
        let periods = [v1::LimitPeriod::Week, v1::LimitPeriod::Month, v1::LimitPeriod::Cycle];
        let units = [(v1::LimitUnit::Tokens, 600_000), (v1::LimitUnit::Requests, 6)];
        let (unit, limit) = *units.choose(&mut self.rng).expect("there are two");
        v1::Quota {
            quota_id: format!("made-{number}"),
            subject: subject(Type::User, &user(&mut self.rng, generation)),
            unit: unit.into(),
            limit_count: Some(limit),
            period: (*periods.choose(&mut self.rng).expect("there are three")).into(),
            enforcement: v1::Enforcement::Shadow.into(),
            alert_threshold_percents: vec![50, 80, 100],
            display_name: format!("change {number}"),
            ..Default::default()
        }
    }

    /// A boost of the quota for all from now on, or of the envelope some day.
    fn boost(&mut self, number: usize) -> v1::Boost {
        let boost = v1::Boost {
            boost_id: format!("made-{number}"),
            reason: format!("change {number}"),
            start_time: Some(in_hours(-1)),
            end_time: Some(in_hours(48)),
            active: true,
            ..Default::default()
        };
        if self.rng.random_bool(0.7) {
            return v1::Boost { quota_id: SHADOW.into(), count: 1_000, ..boost };
        }
        v1::Boost { amount: usd("0.25"), start_time: Some(in_hours(24)), active: false, ..boost }
    }

    /// Another name for something that was made here.
    fn renamed(&mut self, display_name: String) -> Option<Change> {
        let resource = match self.made(|name| !matches!(name.0, "boost" | "alert"))? {
            Resource::Quota(quota) => Resource::Quota(v1::Quota { display_name, ..quota }),
            Resource::RateLimit(limit) => {
                Resource::RateLimit(v1::RateLimit { display_name, ..limit })
            }
            Resource::Key(key) => {
                Resource::Key(v1::ApiKey { display_name, disabled: !key.disabled, ..key })
            }
            Resource::Group(group) => Resource::Group(v1::KeyGroup { display_name, ..group }),
            Resource::Boost(_) | Resource::Alert(_) => return None,
        };
        Some(Change::Update(resource))
    }

    fn made(&mut self, is_wanted: impl Fn(&Name) -> bool) -> Option<Resource> {
        let made = self.state.iter();
        let made = made.filter(|(name, _)| name.1.starts_with("made-") && is_wanted(name));
        made.choose(&mut self.rng).map(|(_, resource)| resource.clone())
    }
}

/// Makes a change; what is there then.
async fn make(client: &Client, actor: &str, change: &Change) -> Result<Option<Resource>, Status> {
    Ok(match change {
        Change::Create(resource) => Some(create(client, actor, resource.clone()).await?),
        Change::Update(resource) => Some(update(client, actor, resource.clone()).await?),
        Change::Delete(name) => {
            delete(client, actor, name).await?;
            None
        }
        Change::Cancel((_, id), of_quota) => {
            let (workspace_id, boost_id) = (client.id(), id.clone());
            let boost = if *of_quota {
                let cancel = v1::CancelQuotaBoostRequest { workspace_id, boost_id };
                client.quota().cancel_quota_boost(by(actor, cancel)).await?.into_inner().boost
            } else {
                let cancel = v1::CancelBudgetBoostRequest { workspace_id, boost_id };
                client.budget().cancel_budget_boost(by(actor, cancel)).await?.into_inner().boost
            };
            boost.map(Resource::Boost)
        }
    })
}

async fn create(client: &Client, actor: &str, resource: Resource) -> Result<Resource, Status> {
    let workspace_id = client.id();
    let (mut quotas, mut keys) = (client.quota(), client.api_key());
    Ok(match resource {
        Resource::Quota(quota) => {
            let create = v1::CreateQuotaRequest { workspace_id, quota: Some(quota) };
            let made = quotas.create_quota(by(actor, create)).await?.into_inner();
            Resource::Quota(made.quota.unwrap())
        }
        Resource::RateLimit(limit) => {
            let create = v1::CreateRateLimitRequest { workspace_id, rate_limit: Some(limit) };
            let made = quotas.create_rate_limit(by(actor, create)).await?.into_inner();
            Resource::RateLimit(made.rate_limit.unwrap())
        }
        Resource::Key(key) => {
            let register = v1::RegisterApiKeyRequest { workspace_id, api_key: Some(key) };
            let made = keys.register_api_key(by(actor, register)).await?.into_inner();
            Resource::Key(made.api_key.unwrap())
        }
        Resource::Group(group) => {
            let create = v1::CreateKeyGroupRequest { workspace_id, key_group: Some(group) };
            let made = keys.create_key_group(by(actor, create)).await?.into_inner();
            Resource::Group(made.key_group.unwrap())
        }
        Resource::Boost(boost) if boost.quota_id.is_empty() => {
            let create = v1::CreateBudgetBoostRequest {
                workspace_id,
                amount: boost.amount,
                start_time: boost.start_time,
                end_time: boost.end_time,
                reason: boost.reason,
                boost_id: boost.boost_id,
            };
            let made = client.budget().create_budget_boost(by(actor, create)).await?;
            Resource::Boost(made.into_inner().boost.unwrap())
        }
        Resource::Boost(boost) => {
            let create = v1::CreateQuotaBoostRequest {
                workspace_id,
                quota_id: boost.quota_id,
                subject_id: boost.subject_id,
                amount: boost.amount,
                count: boost.count,
                start_time: boost.start_time,
                end_time: boost.end_time,
                reason: boost.reason,
                boost_id: boost.boost_id,
            };
            let made = quotas.create_quota_boost(by(actor, create)).await?.into_inner();
            Resource::Boost(made.boost.unwrap())
        }
        Resource::Alert(_) => panic!("nobody makes alerts"),
    })
}

async fn update(client: &Client, actor: &str, resource: Resource) -> Result<Resource, Status> {
    let workspace_id = client.id();
    let (mut quotas, mut keys) = (client.quota(), client.api_key());
    let update_mask = Some(prost_types::FieldMask { paths: vec!["*".into()] });
    Ok(match resource {
        Resource::Quota(quota) => {
            let update = v1::UpdateQuotaRequest { workspace_id, quota: Some(quota), update_mask };
            let now = quotas.update_quota(by(actor, update)).await?.into_inner();
            Resource::Quota(now.quota.unwrap())
        }
        Resource::RateLimit(limit) => {
            let update =
                v1::UpdateRateLimitRequest { workspace_id, rate_limit: Some(limit), update_mask };
            let now = quotas.update_rate_limit(by(actor, update)).await?.into_inner();
            Resource::RateLimit(now.rate_limit.unwrap())
        }
        Resource::Key(key) => {
            let update = v1::UpdateApiKeyRequest { workspace_id, api_key: Some(key), update_mask };
            let now = keys.update_api_key(by(actor, update)).await?.into_inner();
            Resource::Key(now.api_key.unwrap())
        }
        Resource::Group(group) => {
            let update =
                v1::UpdateKeyGroupRequest { workspace_id, key_group: Some(group), update_mask };
            let now = keys.update_key_group(by(actor, update)).await?.into_inner();
            Resource::Group(now.key_group.unwrap())
        }
        Resource::Alert(id) => {
            let alert_id = id.parse().unwrap();
            let acknowledge = v1::AcknowledgeAlertRequest { workspace_id, alert_id };
            let now = client.alert().acknowledge_alert(by(actor, acknowledge)).await?;
            Resource::Alert(now.into_inner().alert.unwrap().acknowledge_actor)
        }
        Resource::Boost(_) => panic!("a boost does not change"),
    })
}

async fn delete(client: &Client, actor: &str, (kind, id): &Name) -> Result<(), Status> {
    let (workspace_id, id) = (client.id(), id.clone());
    let (mut quotas, mut keys) = (client.quota(), client.api_key());
    match *kind {
        "quota" => {
            let delete = v1::DeleteQuotaRequest { workspace_id, quota_id: id };
            quotas.delete_quota(by(actor, delete)).await?;
        }
        "rate_limit" => {
            let delete = v1::DeleteRateLimitRequest { workspace_id, rate_limit_id: id };
            quotas.delete_rate_limit(by(actor, delete)).await?;
        }
        "api_key" => {
            let delete = v1::DeleteApiKeyRequest { workspace_id, api_key_id: id };
            keys.delete_api_key(by(actor, delete)).await?;
        }
        "key_group" => {
            let delete = v1::DeleteKeyGroupRequest { workspace_id, key_group_id: id };
            keys.delete_key_group(by(actor, delete)).await?;
        }
        other => panic!("{other} is not deleted"),
    }
    Ok(())
}

/// Everything that is there.
async fn read(client: &Client) -> BTreeMap<Name, Resource> {
    let mut all = Vec::new();
    all.extend(client.quotas().await.into_iter().map(Resource::Quota));
    all.extend(client.rate_limits().await.into_iter().map(Resource::RateLimit));
    all.extend(client.api_keys().await.into_iter().map(Resource::Key));
    all.extend(client.key_groups().await.into_iter().map(Resource::Group));
    all.extend(client.boosts().await.into_iter().map(Resource::Boost));
    let mut found = BTreeMap::new();
    for resource in all {
        let resource = counted(resource);
        assert!(found.insert(name(&resource), resource).is_none(), "nothing is there twice");
    }
    for alert in client.alerts().await {
        if alert.acknowledge_time.is_some() {
            let name = ("alert", alert.alert_id.to_string());
            found.insert(name, Resource::Alert(alert.acknowledge_actor));
        }
    }
    found
}

fn name_of(change: &Change) -> Name {
    match change {
        Change::Update(Resource::Alert(id)) => ("alert", id.clone()),
        Change::Create(resource) | Change::Update(resource) => name(resource),
        Change::Delete(name) | Change::Cancel(name, _) => name.clone(),
    }
}

fn name(resource: &Resource) -> Name {
    match resource {
        Resource::Quota(quota) => ("quota", quota.quota_id.clone()),
        Resource::RateLimit(limit) => ("rate_limit", limit.rate_limit_id.clone()),
        Resource::Key(key) => ("api_key", key.api_key_id.clone()),
        Resource::Group(group) => ("key_group", group.key_group_id.clone()),
        Resource::Boost(boost) => ("boost", boost.boost_id.clone()),
        Resource::Alert(_) => panic!("alerts are named by their change"),
    }
}

/// Without how many keys are in a group: that changes with the keys.
fn counted(resource: Resource) -> Resource {
    match resource {
        Resource::Group(group) => Resource::Group(v1::KeyGroup { key_count: 0, ..group }),
        other => other,
    }
}

/// Without what the server says of it.
fn timeless(resource: &Resource) -> Resource {
    let (create_time, update_time) = (None, None);
    match resource.clone() {
        Resource::Quota(quota) => Resource::Quota(v1::Quota { create_time, update_time, ..quota }),
        Resource::RateLimit(limit) => {
            Resource::RateLimit(v1::RateLimit { create_time, update_time, ..limit })
        }
        Resource::Key(key) => Resource::Key(v1::ApiKey { create_time, update_time, ..key }),
        Resource::Group(group) => {
            Resource::Group(v1::KeyGroup { create_time, update_time, key_count: 0, ..group })
        }
        Resource::Boost(boost) => {
            Resource::Boost(v1::Boost { create_time, cancel_time: None, ..boost })
        }
        Resource::Alert(actor) => Resource::Alert(actor),
    }
}
