//! Holds and usage records as protos.

use crate::domain::catalog::Catalog;
use crate::domain::record::{KeptAnswer, Record, RecordKind};
use crate::domain::usage::ReportedCost;
use crate::domain::{Amount, Currency};
use crate::engine::HoldView;
use crate::grpc::shared::enums::{ProtoEnum, proto_enum};
use crate::grpc::shared::time::{to_duration, to_timestamp};
use crate::grpc::shared::tokens::{factors_to_proto, units_to_proto, usage_to_proto};
use crate::grpc::shared::{attribution, money};
use crate::proto::v1;

proto_enum!(RecordKind as RecordKind { Usage, Correction, ExpiryCharge, Credit, Void }
    "expected a RecordKind that is known");

fn answer_to_proto(answer: &KeptAnswer) -> v1::KeptAnswer {
    v1::KeptAnswer {
        provider: answer.provider.clone(),
        json: answer.json.clone(),
        flags: answer.flags.clone(),
        unread: answer.is_unread,
    }
}

pub fn hold_to_proto(currency: Currency, view: HoldView) -> v1::Hold {
    let state = if view.live { v1::HoldState::Live } else { v1::HoldState::Expired };
    let hold = view.hold;
    v1::Hold {
        request_id: hold.request_id.to_string(),
        model_id: view.model_id.to_string(),
        held: Some(money::to_proto(currency, hold.held)),
        state: state.into(),
        create_time: Some(to_timestamp(hold.check_time)),
        expire_time: Some(to_timestamp(hold.expire_time)),
        attribution: hold.attribution().and_then(attribution::to_proto),
        attempt: hold.attempt,
    }
}

fn reported_to_proto(currency: Currency, reported: &ReportedCost) -> v1::ReportedCost {
    v1::ReportedCost {
        reported: Some(money::to_proto(reported.currency, reported.amount)),
        converted: reported.converted.map(|cost| money::to_proto(currency, cost)),
        computed: Some(money::to_proto(currency, reported.computed)),
        charged: reported.is_charged,
    }
}

pub fn record_to_proto(currency: Currency, catalog: &Catalog, record: Record) -> v1::UsageRecord {
    let rate = Amount::from_nanos(record.exchange_rate.nanos());
    let priced = record.price_id.as_deref().map(|id| {
        let card = catalog.price_by_id(id);
        let model_id = card.map_or(&record.metered_model_id, |card| &card.price().model_id);
        (id.to_owned(), model_id.to_string(), rate.to_text())
    });
    let (price_id, priced_model_id, exchange_rate) = priced.unwrap_or_default();
    let extras = record.extras.as_deref();
    let note = extras.and_then(|extras| extras.note.as_ref());
    v1::UsageRecord {
        request_id: record.request_id.to_string(),
        attempt: record.attempt,
        kind: record.kind.number(),
        model_id: record.model_id.to_string(),
        priced_model_id,
        service_tier: record.tier.number(),
        usage: Some(v1::Usage { units: units_to_proto(extras), ..usage_to_proto(&record.usage) }),
        outcome: record.outcome.number(),
        usage_source: record.source.number(),
        cost: Some(money::to_proto(currency, record.cost)),
        unpriced: record.unpriced,
        price_id,
        exchange_rate,
        charge_time: Some(to_timestamp(record.charge_time)),
        start_time: Some(to_timestamp(record.start_time)),
        record_time: Some(to_timestamp(record.record_time)),
        latency: Some(to_duration(record.latency)),
        attribution: attribution::to_proto(record.attribution),
        sequence: record.seq,
        key_group_id: record.key_group_id.to_string(),
        factors: factors_to_proto(extras),
        provider_answer: record.answer.as_deref().map(answer_to_proto),
        reported_cost: extras
            .and_then(|extras| extras.reported.as_ref())
            .map(|reported| reported_to_proto(currency, reported)),
        start_time_adjusted: record.start_time_adjusted,
        large: record.large_above.is_some(),
        reason: note.map_or_else(String::new, |note| note.reason.clone()),
        reference: note.map_or_else(String::new, |note| note.reference.clone()),
        actor: note.map_or_else(String::new, |note| note.actor.clone()),
    }
}
