//! Each kind with usage in which it must be found, its saving computed by hand, and with usage in
//! which it must not.

use std::sync::Arc;

use super::idle::{LimitUse, Registered};
use super::usage::Usages;
use super::{Prices, idle, model, price};
use crate::domain::attribution::{Attribution, SubjectKind};
use crate::domain::catalog::bill::UnitRates;
use crate::domain::catalog::price::{Price, Rate, Rates, Source, Variant};
use crate::domain::catalog::{Catalog, Model};
use crate::domain::record::{Record, RecordKind};
use crate::domain::time::calendar::Window;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR};
use crate::domain::usage::{Outcome, ServiceTier, TokenClass, Usage, UsageSource};
use crate::domain::workspace::recommendation::{
    Advice, RecommendationEvidence, RecommendationReason, RecommendationTopic, Saving,
};
use crate::domain::{Amount, Currency, Time};

const DAYS: i64 = 28;
const START: Time = Time::EARLIEST;
const WORKSPACE: &str = "acme";

fn nanos(nanos: i64) -> Amount {
    Amount::from_nanos(nanos)
}

/// Micro-units of EUR.
fn micros(micros: i64) -> Amount {
    nanos(micros * 1_000)
}

fn model(id: &str) -> Model {
    Model {
        id: id.into(),
        provider: "p".to_owned(),
        display_name: String::new(),
        context_window: Some(100_000),
        max_input: Some(100_000),
        max_output: None,
        capabilities: vec!["tools".to_owned()],
        aliases: Vec::new(),
        source: Source::Operator,
        update_time: START,
    }
}

fn rates(classes: &[(TokenClass, i64)]) -> Rates {
    let mut rates = Rates::default();
    for (class, euros) in classes {
        rates[*class as usize] = Some(euros * 1_000_000_000);
    }
    rates
}

/// So many EUR for a million tokens of input and output.
fn priced(model_id: &str, workspace_id: Option<&str>, input: i64, output: i64) -> Price {
    Price {
        id: format!("{model_id} of {workspace_id:?}").into(),
        model_id: model_id.into(),
        workspace_id: workspace_id.map(Arc::from),
        currency: Currency::EUR,
        effective_time: START,
        create_time: START,
        source: Source::Operator,
        base: rates(&[(TokenClass::Input, input), (TokenClass::Output, output)]),
        unit_rates: UnitRates::default(),
        variants: Vec::new(),
        factors: Vec::new(),
    }
}

fn variant(tier: ServiceTier, rates: Rates) -> Variant {
    let unit_rates = UnitRates::default();
    Variant { tier, above_input_tokens: 0, inclusive: false, rates, unit_rates }
}

/// Big costs 10 and 20, small 1 and 2.
fn catalog() -> Catalog {
    let prices = vec![priced("big", None, 10, 20), priced("small", None, 1, 2)];
    Catalog::new(vec![model("big"), model("small")], prices, Vec::new())
}

fn prices(catalog: &Catalog) -> Prices<'_> {
    let now = START + DAYS * MICROS_PER_DAY;
    Prices { catalog, workspace_id: WORKSPACE, currency: Currency::EUR, now }
}

/// A request of a feature, in the middle of the first day; its cost is that of the catalog.
fn record(feature: &str, model_id: &str, input: i64, output: i64) -> Record {
    let usage = Usage::default().with(TokenClass::Input, input).with(TokenClass::Output, output);
    let catalog = catalog();
    let cost = catalog
        .price_at(model_id, "", START)
        .map(|card| card.cost(&usage, ServiceTier::Standard, Rate::ONE));
    let time = START + 12 * MICROS_PER_HOUR;
    Record {
        seq: 1,
        workspace_id: WORKSPACE.into(),
        request_id: "r".into(),
        attempt: 0,
        revision: 0,
        kind: RecordKind::Usage,
        model_id: model_id.into(),
        metered_model_id: model_id.into(),
        tier: ServiceTier::Standard,
        usage,
        extras: None,
        answer: None,
        outcome: Outcome::Success,
        source: UsageSource::Provider,
        cost: cost.unwrap_or_default(),
        unpriced: cost.is_none(),
        large_above: None,
        price_id: None,
        exchange_rate: Rate::ONE,
        charge_time: time,
        hour: time,
        day: START,
        start_time: time,
        start_time_adjusted: false,
        record_time: time,
        latency: 0,
        attribution: Attribution { feature_id: feature.to_owned(), ..Attribution::default() },
        key_group_id: "".into(),
        fingerprint: 0,
    }
}

fn usages(records: &[(i64, Record)]) -> Usages {
    let mut usages = Usages::new(Window { start: START, end: START + DAYS * MICROS_PER_DAY });
    for (count, record) in records {
        (0..*count).for_each(|_| usages.add(record));
    }
    usages
}

fn ids(list: &[&str]) -> Vec<Arc<str>> {
    list.iter().map(|id| Arc::from(*id)).collect()
}

fn topics(found: &[Advice]) -> Vec<(RecommendationReason, &str, &str, &str)> {
    let topic = |it: &Advice| it.topic.clone();
    assert!(found.iter().all(|it| topic(it).id() == it.topic.id()));
    let parts = |it: &'_ Advice| it.topic.reason;
    found
        .iter()
        .map(|it| (parts(it), &*it.topic.subject_id, &*it.topic.model_id, &*it.topic.target))
        .collect()
}

/// A feature with 20 short requests on big, and a feature with longer ones on small.
fn short_and_long() -> Vec<(i64, Record)> {
    vec![(20, record("search", "big", 1_001, 500)), (20, record("chat", "small", 2_000, 500))]
}

#[test]
fn a_cheaper_model_is_found_for_short_requests() {
    let catalog = catalog();
    let used = usages(&short_and_long());
    let found = model::find(&used, &prices(&catalog), &ids(&["big", "small"]));
    let reason = RecommendationReason::CheaperModel;
    assert_eq!(topics(&found), [(reason, "search", "big", "small")]);
    // On big 20 x (1,001 x 10 + 500 x 20) = 400,200 millionths; on small a tenth of it: 360,180
    // less, a month 385,907.142857. With 24,024 and 12,000 tokens on small 48,024, so 352,176 less;
    // with 16,016 and 8,000 tokens 32,016, so 368,184 less.
    let expected =
        Saving { low: nanos(377_331_429), expected: nanos(385_907_143), high: nanos(394_482_857) };
    assert_eq!(found[0].saving, Some(expected));
    assert_eq!(found[0].evidence.requests, 20);
    assert_eq!(found[0].evidence.tokens, 20 * 1_501);
    assert_eq!(found[0].evidence.cost, micros(400_200));
    assert_eq!(found[0].baseline.cost, micros(400_200));
}

#[test]
fn what_is_on_the_cheaper_model_already_is_part_of_the_baseline() {
    let catalog = catalog();
    let mut records = short_and_long();
    records.push((2, record("search", "small", 2_000, 500)));
    let found = model::find(&usages(&records), &prices(&catalog), &ids(&["big", "small"]));
    assert_eq!(found[0].baseline.requests, 22);
    assert_eq!(found[0].baseline.cost, micros(400_200 + 2 * 3_000));
}

#[test]
fn no_cheaper_model_is_found_where_it_may_not_do() {
    let all = ids(&["big", "small"]);
    let find = |catalog: &Catalog, records: &[(i64, Record)], enabled: &[Arc<str>]| {
        model::find(&usages(records), &prices(catalog), enabled).len()
    };
    assert_eq!(find(&catalog(), &short_and_long(), &all), 1);
    // Not enabled.
    assert_eq!(find(&catalog(), &short_and_long(), &ids(&["big"])), 0);
    // It lacks a capability, or a size that is known of the other one, or the size is smaller.
    let cases: [fn(&mut Model); 4] = [
        |small| small.capabilities.clear(),
        |small| small.context_window = None,
        |small| small.max_input = Some(99_999),
        |small| small.max_output = Some(1),
    ];
    for (index, change) in cases.into_iter().enumerate() {
        let mut small = model("small");
        change(&mut small);
        let prices = vec![priced("big", None, 10, 20), priced("small", None, 1, 2)];
        let catalog = Catalog::new(vec![model("big"), small], prices, Vec::new());
        // Its output is not known of big: it does not count.
        assert_eq!(find(&catalog, &short_and_long(), &all), usize::from(index == 3));
    }
    // One request in ten is longer than the median of small.
    let mut long = short_and_long();
    long.push((3, record("search", "big", 2_001, 500)));
    assert_eq!(find(&catalog(), &long, &all), 0);
    let mut long = short_and_long();
    long.push((1, record("search", "big", 2_001, 500)));
    assert_eq!(find(&catalog(), &long, &all), 1);
    // Too few requests of the feature, or on small.
    for index in 0..2 {
        let mut few = short_and_long();
        few[index].0 = 19;
        assert_eq!(find(&catalog(), &few, &all), 0);
    }
    // Less than a hundredth of the cost.
    let mut light = short_and_long();
    light.push((1, record("", "big", 4_000_000, 0)));
    assert_eq!(find(&catalog(), &light, &all), 0);
    // Not cheaper.
    let prices = vec![priced("big", None, 10, 20), priced("small", None, 10, 20)];
    let same = Catalog::new(vec![model("big"), model("small")], prices, Vec::new());
    assert_eq!(find(&same, &short_and_long(), &all), 0);
}

#[test]
fn a_price_above_the_list_is_found() {
    let own = |input| {
        let mut catalog = catalog();
        catalog = catalog.with_price(priced("big", Some(WORKSPACE), input, 20)).unwrap();
        catalog
    };
    let used = usages(&[(7, record("search", "big", 1_000, 10)), (1, record("", "small", 1, 1))]);
    let found = price::find(&used, &prices(&own(11)));
    let target = format!("big of {:?}", Some(WORKSPACE));
    let reason = RecommendationReason::PriceAboveList;
    assert_eq!(topics(&found), [(reason, "", "big", target.as_str())]);
    assert_eq!(found[0].topic.subject_kind, SubjectKind::Workspace);
    // 7,000 tokens at 1 EUR more a million: 7,000 millionths in 28 days, 7,500 in 30.
    let saving = micros(7_500);
    assert_eq!(found[0].saving, Some(Saving { low: saving, expected: saving, high: saving }));
    assert_eq!(price::find(&used, &prices(&own(10))), []);
    assert_eq!(price::find(&used, &prices(&own(9))), []);
    assert_eq!(price::find(&used, &prices(&catalog())), []);
}

#[test]
fn usage_without_a_price_is_found() {
    let records = [(3, record("search", "unknown", 1_000, 10)), (4, record("", "small", 1, 1))];
    let found = price::find(&usages(&records), &prices(&catalog()));
    assert_eq!(topics(&found), [(RecommendationReason::Unpriced, "", "unknown", "")]);
    assert_eq!((found[0].saving, found[0].evidence.requests), (None, 3));
    assert_eq!(found[0].evidence.tokens, 3_030);
    assert_eq!(price::find(&usages(&records[1..]), &prices(&catalog())), []);
}

fn topic(reason: RecommendationReason) -> RecommendationTopic {
    RecommendationTopic {
        reason,
        subject_kind: SubjectKind::ApiKey,
        subject_id: "web".into(),
        model_id: "".into(),
        target: "".into(),
    }
}

#[test]
fn a_limit_that_was_never_near_is_found() {
    let evidence = RecommendationEvidence {
        start_time: START,
        end_time: START,
        requests: 1,
        tokens: 2,
        cost: micros(3),
    };
    let found = |limit, most| {
        let topic = topic(RecommendationReason::LimitUnused);
        let found = idle::limits(vec![LimitUse { topic, limit, most, evidence }]);
        assert!(found.iter().all(|it| it.saving.is_none() && it.evidence == evidence));
        found.len()
    };
    assert_eq!(found(1_000, 50), 1);
    assert_eq!(found(1_000, 51), 0);
    assert_eq!(found(i64::MAX, i64::MAX), 0);
    assert_eq!(found(i64::MAX, 0), 1);
}

#[test]
fn what_nobody_uses_is_found() {
    let now = START + 100 * MICROS_PER_DAY;
    let before = |days: i64| now - days * MICROS_PER_DAY;
    let found = |create_time, last_use| {
        let topic = topic(RecommendationReason::KeyUnused);
        idle::unused(vec![Registered { topic, create_time, last_use }], now).len()
    };
    assert_eq!(found(before(30), None), 1);
    assert_eq!(found(before(30) + 1, None), 0);
    assert_eq!(found(before(90), Some(before(30) - 1)), 1);
    assert_eq!(found(before(90), Some(before(30))), 0);
}
