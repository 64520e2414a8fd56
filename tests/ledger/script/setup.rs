//! Where every case of the unit tables begins.

use tollgate::domain::alert::AlertPolicy;
use tollgate::domain::catalog::price::{Price, Source};
use tollgate::domain::catalog::{Catalog, ExchangeRate, Model};
use tollgate::domain::time::calendar::DayOfWeek;
use tollgate::domain::workspace::{
    HoldDurability, HoldExpiryPolicy, ReportedCostPolicy, UnknownKeyPolicy, UnpricedModelPolicy,
    Workspace,
};
use tollgate::domain::{Currency, Time};

/// What the catalog was told.
#[derive(Default)]
pub struct Facts {
    pub models: Vec<Model>,
    pub prices: Vec<Price>,
    pub rates: Vec<ExchangeRate>,
}

impl Facts {
    pub fn catalog(&self) -> Catalog {
        Catalog::new(self.models.clone(), self.prices.clone(), self.rates.clone())
    }
}

pub fn workspace() -> Workspace {
    Workspace {
        id: "acme".into(),
        display_name: String::new(),
        currency: Currency::EUR,
        time_zone: chrono_tz::UTC,
        automatic_fallback: true,
        unpriced_models: UnpricedModelPolicy::Deny,
        hold_expiry: HoldExpiryPolicy::Release,
        hold_durability: HoldDurability::Memory,
        outage: Default::default(),
        unknown_keys: UnknownKeyPolicy::Accept,
        required_fields: Vec::new(),
        week_start: DayOfWeek::Monday,
        reported_cost: ReportedCostPolicy::default(),
        alerts: AlertPolicy::default(),
        may_have_expiry_charges: true,
        usage_retention_days: None,
        price_max_age_days: None,
        plan: None,
        archive_time: None,
        create_time: Time::EARLIEST,
        update_time: Time::EARLIEST,
    }
}

pub fn model(id: &str) -> Model {
    Model {
        id: id.into(),
        provider: "test".to_owned(),
        display_name: id.to_owned(),
        context_window: None,
        max_input: None,
        max_output: None,
        capabilities: Vec::new(),
        aliases: Vec::new(),
        source: Source::Operator,
        update_time: Time::EARLIEST,
    }
}
