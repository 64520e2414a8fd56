//! Catalog, workspaces and stored holds.

use chrono::NaiveDate;
use tollgate::domain::alert::AlertPolicy;
use tollgate::domain::attribution::SubjectKind;
use tollgate::domain::catalog::bill::{Factor, Multiplier};
use tollgate::domain::catalog::price::{Price, Rate, Rates, Source, Variant};
use tollgate::domain::catalog::withdrawal::{Withdrawal, WithdrawnKind, id_of_rate};
use tollgate::domain::catalog::{Confirmation, ExchangeRate, Model};
use tollgate::domain::time::calendar::DayOfWeek;
use tollgate::domain::usage::ServiceTier;
use tollgate::domain::workspace::freeze::{Freeze, FrozenSubject};
use tollgate::domain::workspace::{
    HoldDurability, HoldExpiryPolicy, ModelAlias, OutagePolicy, Plan, ReportedCostPolicy,
    UnknownKeyPolicy, UnpricedModelPolicy, Workspace, WorkspaceModel,
};
use tollgate::domain::{Amount, Currency, Time};
use tollgate::storage::settings::Change;
use tollgate::storage::shutdown::StoredHold;

use crate::fixtures::{START, full_attribution, hold, put, put_in, workspace};
use crate::world::World;

pub async fn an_empty_store_has_nothing(world: &World) {
    let store = world.store().await;
    store.ping().await.unwrap();
    let catalog = store.catalog().await.unwrap();
    assert!(catalog.models.is_empty());
    assert!(catalog.prices.is_empty());
    assert!(catalog.confirmations.is_empty());
    assert!(catalog.exchange_rates.is_empty());
    assert_eq!(store.workspace("w").await.unwrap(), None);
    assert_eq!(store.workspaces("", 10).await.unwrap(), []);
    assert_eq!(store.workspace_models("w").await.unwrap(), []);
    assert_eq!(store.last_seq().await.unwrap(), 0);
    assert_eq!(store.fold_cursor().await.unwrap().seq, 0);
    assert_eq!(store.request_records("w", "r").await.unwrap(), []);
    assert_eq!(store.records_after(0, 10).await.unwrap(), []);
    assert_eq!(store.recent_outputs("w", Time::LATEST, 10).await.unwrap(), []);
    assert_eq!(store.recent_attempts("w", 10).await.unwrap(), []);
    assert_eq!(store.holds("w").await.unwrap(), []);
    assert!(store.snapshot_workspaces().await.unwrap().is_empty());
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    store.rebuild_rollups().await.unwrap();
    store.delete_snapshot("w", false).await.unwrap();
    put(&*store, Change::PutPrices(vec![])).await;
    assert_eq!(store.append(&[]).await.unwrap(), []);
}

fn model(id: &str) -> Model {
    Model {
        id: id.into(),
        provider: "provider".to_owned(),
        display_name: "Model".to_owned(),
        context_window: Some(200_000),
        max_input: Some(180_000),
        max_output: None,
        capabilities: vec!["tools".to_owned(), "vision".to_owned()],
        aliases: vec!["other \"name\"".to_owned()],
        source: Source::Builtin,
        update_time: START,
    }
}

fn price(id: &str, create_time: Time) -> Price {
    let mut base = Rates::default();
    base[0] = Some(3_000_000_000);
    base[4] = Some(15_000_000_001);
    base[1] = Some(0);
    let mut rates = Rates::default();
    rates[0] = Some(6_000_000_000);
    Price {
        id: id.into(),
        model_id: "model".into(),
        workspace_id: None,
        currency: Currency::USD,
        effective_time: START,
        create_time,
        source: Source::Import,
        base,
        variants: vec![Variant {
            tier: ServiceTier::Batch,
            above_input_tokens: 200_000,
            inclusive: true,
            rates,
            unit_rates: [None, Some(0), None, None, Some(i64::MAX), None, None, None, None],
        }],
        unit_rates: [Some(10_000_000_000), None, None, None, None, None, None, Some(1), None],
        factors: vec![Factor {
            name: "us".into(),
            multiplier: Multiplier::from_nanos(1_100_000_000).unwrap(),
            of_units: true,
        }],
    }
}

fn rate(nanos: i64, create_time: Time) -> ExchangeRate {
    ExchangeRate {
        from: Currency::USD,
        to: Currency::EUR,
        effective_time: START,
        rate: Rate::from_nanos(nanos),
        create_time,
    }
}

pub async fn the_catalog_comes_back_as_it_was_put(world: &World) {
    let store = world.store().await;
    let first = model("model");
    let other =
        Model { max_output: Some(1), context_window: None, max_input: None, ..model("other") };
    let own = Price { workspace_id: Some("w".into()), variants: vec![], ..price("own", START) };
    let prices = [price("price", START), own];
    for _again in 0..2 {
        put(&*store, Change::PutModel(first.clone())).await;
        put(&*store, Change::PutModel(other.clone())).await;
        put(&*store, Change::PutPrices(prices.to_vec())).await;
        put(&*store, Change::PutExchangeRate(rate(913_000_000, START))).await;
    }
    let catalog = store.catalog().await.unwrap();
    assert_eq!(catalog.models, [first.clone(), other.clone()]);
    assert_eq!(catalog.prices, [prices[1].clone(), prices[0].clone()]);
    assert_eq!(catalog.exchange_rates, [rate(913_000_000, START)]);

    let changed = Model {
        provider: "another".to_owned(),
        display_name: String::new(),
        context_window: None,
        max_input: None,
        max_output: Some(8_192),
        capabilities: vec![],
        aliases: vec![],
        source: Source::Operator,
        update_time: START + 1,
        ..first
    };
    put(&*store, Change::PutModel(changed.clone())).await;
    assert_eq!(store.catalog().await.unwrap().models, [changed, other]);
}

pub async fn withdrawals_stay_beside_what_they_withdraw(world: &World) {
    let store = world.store().await;
    let rate = rate(1, START);
    let withdrawal = |kind, id: &str, reason: &str| Withdrawal {
        kind,
        id: id.into(),
        reason: reason.to_owned(),
        actor: "eve".to_owned(),
        withdraw_time: START,
    };
    let of_price = withdrawal(WithdrawnKind::Price, "price", "typed wrongly");
    let of_rate = withdrawal(WithdrawnKind::ExchangeRate, &id_of_rate(&rate), "also");
    put(&*store, Change::PutPrices(vec![price("price", START)])).await;
    put(&*store, Change::PutExchangeRate(rate)).await;
    put(&*store, Change::PutWithdrawal(of_rate.clone())).await;
    put(&*store, Change::PutWithdrawal(withdrawal(WithdrawnKind::Price, "price", "x"))).await;
    put(&*store, Change::PutWithdrawal(of_price.clone())).await;
    let catalog = store.catalog().await.unwrap();
    assert_eq!(catalog.withdrawals, [of_price.clone(), of_rate]);
    assert_eq!((catalog.prices.len(), catalog.exchange_rates.len()), (1, 1));
    put(&*store, Change::RestoreExchangeRate(rate)).await;
    assert_eq!(store.catalog().await.unwrap().withdrawals, [of_price]);
}

pub async fn freezes_are_loaded_with_the_limits(world: &World) {
    let store = world.store().await;
    let subject = |kind, id: &str| FrozenSubject { kind, id: id.into() };
    let freeze = |kind, id: &str, end_time: Option<Time>| Freeze {
        subject: subject(kind, id),
        reason: "because".to_owned(),
        end_time,
        actor: "eve".to_owned(),
        create_time: START,
        update_time: START + 1,
    };
    let whole = freeze(SubjectKind::Workspace, "", None);
    let user = freeze(SubjectKind::User, "ada", Some(START + 5));
    put_in(&*store, "w", Change::PutFreeze(freeze(SubjectKind::User, "ada", None))).await;
    put_in(&*store, "w", Change::PutFreeze(user.clone())).await;
    put_in(&*store, "w", Change::PutFreeze(whole.clone())).await;
    put_in(&*store, "v", Change::PutFreeze(freeze(SubjectKind::ApiKey, "k", None))).await;
    let freezes = store.limit_config("w", START).await.unwrap().freezes;
    assert_eq!(freezes, [whole.clone(), user]);
    put_in(&*store, "w", Change::DeleteFreeze(subject(SubjectKind::User, "ada"))).await;
    put_in(&*store, "w", Change::DeleteFreeze(subject(SubjectKind::User, "bob"))).await;
    assert_eq!(store.limit_config("w", START).await.unwrap().freezes, [whole]);
    assert_eq!(store.limit_config("v", START).await.unwrap().freezes.len(), 1);
}

pub async fn prices_and_rates_come_in_the_order_of_their_create_time(world: &World) {
    let store = world.store().await;
    let later = price("a", START + 1);
    let earlier = price("b", START);
    put(&*store, Change::PutPrices(vec![later.clone(), earlier.clone()])).await;
    assert_eq!(store.catalog().await.unwrap().prices, [earlier, later]);

    let later = ExchangeRate { effective_time: START - 5, ..rate(2, START + 1) };
    let earlier = rate(1, START);
    put(&*store, Change::PutExchangeRate(later)).await;
    put(&*store, Change::PutExchangeRate(earlier)).await;
    assert_eq!(store.catalog().await.unwrap().exchange_rates, [earlier, later]);
}

pub async fn a_price_never_changes(world: &World) {
    let store = world.store().await;
    let before = price("price", START);
    put(&*store, Change::PutPrices(vec![before.clone()])).await;
    let mut after = price("price", START + 1);
    after.base[0] = Some(1);
    let new = price("new", START + 2);
    put(&*store, Change::PutPrices(vec![after, new.clone()])).await;
    assert_eq!(store.catalog().await.unwrap().prices, [before, new]);
}

pub async fn the_last_confirmation_of_a_price_counts(world: &World) {
    let store = world.store().await;
    let confirmed = |id: &str, confirm_time| Confirmation { price_id: id.into(), confirm_time };
    let (built_in, own) = (confirmed("built in", START), confirmed("a", START));
    put(&*store, Change::ConfirmPrices(vec![built_in.clone(), own])).await;
    let later = confirmed("a", START + 1);
    for _again in 0..2 {
        put(&*store, Change::ConfirmPrices(vec![later.clone()])).await;
        put(&*store, Change::ConfirmPrices(vec![])).await;
    }
    assert_eq!(store.catalog().await.unwrap().confirmations, [later, built_in]);
    let many = |time| (0..5_000).map(move |number| confirmed(&format!("{number:04}"), time));
    for time in [START, START + 1] {
        put(&*store, Change::ConfirmPrices(many(time).collect())).await;
    }
    let stored = store.catalog().await.unwrap().confirmations;
    assert_eq!(stored[..5_000], many(START + 1).collect::<Vec<_>>());
}

pub async fn an_exchange_rate_is_replaced(world: &World) {
    let store = world.store().await;
    put(&*store, Change::PutExchangeRate(rate(1, START))).await;
    put(&*store, Change::PutExchangeRate(rate(2, START + 1))).await;
    let next = ExchangeRate { effective_time: START + 1, ..rate(3, START + 2) };
    put(&*store, Change::PutExchangeRate(next)).await;
    let back = ExchangeRate { from: Currency::EUR, to: Currency::USD, ..rate(4, START + 3) };
    put(&*store, Change::PutExchangeRate(back)).await;
    let rates = store.catalog().await.unwrap().exchange_rates;
    assert_eq!(rates, [rate(2, START + 1), next, back]);
}

pub async fn workspaces_come_back_as_they_were_put(world: &World) {
    let store = world.store().await;
    let plain = workspace("plain");
    let full = Workspace {
        display_name: "\"Büro\" 'x'; DROP TABLE workspaces".to_owned(),
        currency: "JPY".parse().unwrap(),
        time_zone: chrono_tz::Asia::Kathmandu,
        automatic_fallback: false,
        unpriced_models: UnpricedModelPolicy::Allow,
        hold_expiry: HoldExpiryPolicy::ChargeEstimate,
        hold_durability: HoldDurability::Committed,
        outage: OutagePolicy { duration: 5, held_limit: Some(Amount::from_nanos(7)) },
        unknown_keys: UnknownKeyPolicy::Deny,
        required_fields: Vec::new(),
        week_start: DayOfWeek::Monday,
        reported_cost: ReportedCostPolicy {
            charged_providers: vec!["openrouter".to_owned(), "xai".to_owned()],
            alert_percent: 20,
        },
        alerts: AlertPolicy {
            envelope: vec![],
            model_limits: vec![1, 1_000],
            large_record_cost: Some(Amount::from_nanos(1)),
        },
        may_have_expiry_charges: true,
        usage_retention_days: Some(400),
        price_max_age_days: Some(30),
        archive_time: None,
        plan: Some(Plan {
            budget: Amount::LIMIT_MAX,
            overage: Amount::ZERO,
            start_date: NaiveDate::from_ymd_opt(2026, 1, 31).unwrap(),
        }),
        create_time: START,
        update_time: START + 1,
        ..workspace("full")
    };
    for _again in 0..2 {
        put(&*store, Change::PutWorkspace(plain.clone())).await;
        put(&*store, Change::PutWorkspace(full.clone())).await;
    }
    assert_eq!(store.workspace("plain").await.unwrap(), Some(plain.clone()));
    assert_eq!(store.workspace("full").await.unwrap(), Some(full.clone()));
    assert_eq!(store.workspace("ful").await.unwrap(), None);

    // Replaced in every part, the plan taken away too.
    let replaced = Workspace { id: "full".into(), ..plain };
    put(&*store, Change::PutWorkspace(replaced.clone())).await;
    assert_eq!(store.workspace("full").await.unwrap(), Some(replaced));
}

pub async fn workspaces_are_listed_by_id_in_pages(world: &World) {
    let store = world.store().await;
    for id in ["c", "a", "e", "b", "d"] {
        put(&*store, Change::PutWorkspace(workspace(id))).await;
    }
    let page = async |after: &str, limit| {
        let workspaces = store.workspaces(after, limit).await.unwrap();
        workspaces.iter().map(|workspace| workspace.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(page("", 2).await, ["a", "b"]);
    assert_eq!(page("b", 2).await, ["c", "d"]);
    assert_eq!(page("d", 2).await, ["e"]);
    assert_eq!(page("e", 2).await, [""; 0]);
    assert_eq!(page("", 0).await, [""; 0]);
    assert_eq!(page("", usize::MAX).await.len(), 5);
}

pub async fn models_of_a_workspace_are_its_own(world: &World) {
    let store = world.store().await;
    let plain = WorkspaceModel {
        model_id: "b".into(),
        enabled: true,
        limit: None,
        limit_enabled: false,
        fallback_model_ids: vec![],
    };
    let capped = WorkspaceModel {
        model_id: "a".into(),
        enabled: false,
        limit: Some(Amount::ZERO),
        limit_enabled: true,
        fallback_model_ids: vec!["x\"y".into(), "b".into()],
    };
    for _again in 0..2 {
        put_in(&*store, "w", Change::PutWorkspaceModel(plain.clone())).await;
        put_in(&*store, "w", Change::PutWorkspaceModel(capped.clone())).await;
        put_in(&*store, "v", Change::PutWorkspaceModel(plain.clone())).await;
    }
    let expected = [capped.clone(), plain.clone()];
    assert_eq!(store.workspace_models("w").await.unwrap(), expected);
    let own = std::slice::from_ref(&plain);
    assert_eq!(store.workspace_models("v").await.unwrap(), own);

    let replaced = WorkspaceModel { model_id: "a".into(), ..plain.clone() };
    put_in(&*store, "w", Change::PutWorkspaceModel(replaced.clone())).await;
    assert_eq!(store.workspace_models("w").await.unwrap(), [replaced, plain]);
}

pub async fn aliases_are_of_one_workspace_and_replace_by_name(world: &World) {
    let store = world.store().await;
    let alias = |id: &str, model: &str| ModelAlias {
        id: id.into(),
        model_id: model.into(),
        update_time: START,
    };
    for _again in 0..2 {
        put_in(&*store, "w", Change::PutModelAlias(alias("b \"x\"", "m"))).await;
        put_in(&*store, "w", Change::PutModelAlias(alias("a", "m"))).await;
        put_in(&*store, "v", Change::PutModelAlias(alias("a", "n"))).await;
    }
    let expected = [alias("a", "m"), alias("b \"x\"", "m")];
    assert_eq!(store.model_aliases("w").await.unwrap(), expected);
    put_in(&*store, "w", Change::PutModelAlias(alias("a", "o"))).await;
    for _again in 0..2 {
        put_in(&*store, "w", Change::DeleteModelAlias("b \"x\"".into())).await;
    }
    assert_eq!(store.model_aliases("w").await.unwrap(), [alias("a", "o")]);
    assert_eq!(store.model_aliases("v").await.unwrap(), [alias("a", "n")]);
    assert_eq!(store.model_aliases("x").await.unwrap(), []);
}

pub async fn holds_come_back_until_they_are_deleted(world: &World) {
    let store = world.store().await;
    let late = StoredHold { check_time: START + 1, ..hold("a") };
    let full =
        StoredHold { routed: true, attribution: full_attribution(), price_id: None, ..hold("c") };
    let foreign = StoredHold { workspace_id: "v".into(), ..hold("b") };
    let all = [late.clone(), hold("b"), full.clone(), foreign.clone()];
    for _again in 0..2 {
        store.save_snapshot(&all, &[], &[]).await.unwrap();
    }
    assert_eq!(store.holds("w").await.unwrap(), [hold("b"), full.clone(), late.clone()]);
    assert_eq!(store.snapshot_workspaces().await.unwrap(), ["v", "w"]);

    let replaced = StoredHold { held: Amount::ZERO, tier: ServiceTier::Standard, ..hold("b") };
    store.save_snapshot(std::slice::from_ref(&replaced), &[], &[]).await.unwrap();
    assert_eq!(store.holds("w").await.unwrap(), [replaced, full, late]);

    for _again in 0..2 {
        store.delete_snapshot("w", false).await.unwrap();
    }
    assert_eq!(store.holds("w").await.unwrap(), []);
    assert_eq!(store.holds("v").await.unwrap(), [foreign]);
    assert_eq!(store.snapshot_workspaces().await.unwrap(), ["v"]);
}

pub async fn many_holds_and_prices_at_once(world: &World) {
    let store = world.store().await;
    let holds: Vec<StoredHold> = (0..1_003).map(|n| hold(&format!("{n:04}"))).collect();
    store.save_snapshot(&holds, &[], &[]).await.unwrap();
    assert_eq!(store.holds("w").await.unwrap(), holds);
    let prices: Vec<Price> = (0..301).map(|n| price(&format!("{n:04}"), START)).collect();
    put(&*store, Change::PutPrices(prices.clone())).await;
    assert_eq!(store.catalog().await.unwrap().prices, prices);
    let models: Vec<Model> = (0..301).map(|n| model(&format!("{n:04}"))).collect();
    for _again in 0..2 {
        put(&*store, Change::PutModels(models.clone())).await;
    }
    assert_eq!(store.catalog().await.unwrap().models, models);
}
