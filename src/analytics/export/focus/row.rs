//! One row of FOCUS: which columns there are, in which order, and what stands in each.

use chrono::NaiveDate;

use super::super::log::{class_name, kind_name, outcome_name, tags_json, tier_name};
use super::super::table::{AMOUNT, Column, File, Kind};
use super::super::{LogScope, Result};
use super::charge::{Part, Prices, pricing_nanos};
use crate::domain::calendar::Window;
use crate::domain::catalog::price::PerMillion;
use crate::domain::record::{Record, RecordKind};
use crate::domain::usage::{ServiceTier, TokenClass};

/// Of millions of tokens: down to the single one.
const MILLIONS: Kind = Kind::Decimal(6);
/// Of tokens, which FOCUS wants as a decimal.
const WHOLE: Kind = Kind::Decimal(0);

const ACCOUNT_TYPE: &str = "Workspace";
const SUB_ACCOUNT_TYPE: &str = "Department";
const RESOURCE_TYPE: &str = "Model";
const SERVICE_CATEGORY: &str = "AI and Machine Learning";
const SERVICE_SUBCATEGORY: &str = "Generative AI";
const SERVICE_NAME: &str = "Model API";
const UNKNOWN: &str = "Unknown";

/// Those of FOCUS by name, then our own by name.
pub const COLUMNS: [Column; 67] = [
    Column::new("BilledCost", AMOUNT),
    Column::new("BillingAccountId", Kind::Text),
    Column::optional("BillingAccountName", Kind::Text),
    Column::new("BillingAccountType", Kind::Text),
    Column::new("BillingCurrency", Kind::Text),
    Column::new("BillingPeriodEnd", Kind::Second),
    Column::new("BillingPeriodStart", Kind::Second),
    Column::new("ChargeCategory", Kind::Text),
    Column::optional("ChargeClass", Kind::Text),
    Column::new("ChargeDescription", Kind::Text),
    Column::new("ChargeFrequency", Kind::Text),
    Column::new("ChargePeriodEnd", Kind::Second),
    Column::new("ChargePeriodStart", Kind::Second),
    Column::optional("ConsumedQuantity", WHOLE),
    Column::optional("ConsumedUnit", Kind::Text),
    Column::new("ContractedCost", AMOUNT),
    Column::optional("ContractedUnitPrice", AMOUNT),
    Column::new("EffectiveCost", AMOUNT),
    Column::optional("InvoiceId", Kind::Text),
    Column::new("InvoiceIssuerName", Kind::Text),
    Column::new("ListCost", AMOUNT),
    Column::optional("ListUnitPrice", AMOUNT),
    Column::optional("PricingCategory", Kind::Text),
    Column::optional("PricingCurrency", Kind::Text),
    Column::optional("PricingCurrencyContractedUnitPrice", AMOUNT),
    Column::optional("PricingCurrencyEffectiveCost", AMOUNT),
    Column::optional("PricingCurrencyListUnitPrice", AMOUNT),
    Column::optional("PricingQuantity", MILLIONS),
    Column::optional("PricingUnit", Kind::Text),
    Column::new("ProviderName", Kind::Text),
    Column::new("PublisherName", Kind::Text),
    Column::new("ResourceId", Kind::Text),
    Column::new("ResourceName", Kind::Text),
    Column::new("ResourceType", Kind::Text),
    Column::new("ServiceCategory", Kind::Text),
    Column::new("ServiceName", Kind::Text),
    Column::new("ServiceSubcategory", Kind::Text),
    Column::optional("SkuId", Kind::Text),
    Column::optional("SkuMeter", Kind::Text),
    Column::optional("SkuPriceDetails", Kind::Text),
    Column::optional("SkuPriceId", Kind::Text),
    Column::optional("SubAccountId", Kind::Text),
    Column::optional("SubAccountName", Kind::Text),
    Column::optional("SubAccountType", Kind::Text),
    Column::optional("Tags", Kind::Text),
    Column::optional("x_ApiKeyId", Kind::Text),
    Column::optional("x_AssistantId", Kind::Text),
    Column::optional("x_Attempt", Kind::Integer),
    Column::optional("x_ChargeTime", Kind::Time),
    Column::new("x_EntryCount", Kind::Integer),
    Column::new("x_EntryKind", Kind::Text),
    Column::optional("x_ExchangeRate", AMOUNT),
    Column::optional("x_FeatureId", Kind::Text),
    Column::optional("x_InvestigationId", Kind::Text),
    Column::optional("x_KeyGroupId", Kind::Text),
    Column::new("x_LocalDate", Kind::Date),
    Column::optional("x_ModelId", Kind::Text),
    Column::optional("x_Outcome", Kind::Text),
    Column::optional("x_PriceId", Kind::Text),
    Column::optional("x_ProjectId", Kind::Text),
    Column::optional("x_RequestId", Kind::Text),
    Column::optional("x_Sequence", Kind::Integer),
    Column::new("x_ServiceTier", Kind::Text),
    Column::optional("x_SessionId", Kind::Text),
    Column::optional("x_TokenClass", Kind::Text),
    Column::optional("x_UserId", Kind::Text),
    Column::optional("x_WorkflowId", Kind::Text),
];

/// What one or several entries charge for one token class.
pub struct Row<'a> {
    pub billing_period: Window,
    pub charge_period: Window,
    /// First day of the charge period.
    pub date: NaiveDate,
    pub kind: RecordKind,
    /// A correction that was made when its billing period was over.
    pub corrects_past: bool,
    /// As metered.
    pub model_id: &'a str,
    /// Provider and name of the model; empty where the catalogue has none.
    pub provider: &'a str,
    pub model_name: &'a str,
    pub tier: ServiceTier,
    pub prices: Option<&'a Prices>,
    pub part: Part,
    pub entry_count: i64,
    pub department_id: &'a str,
    /// Empty where the department has no name.
    pub department_name: &'a str,
    pub project_id: &'a str,
    pub api_key_id: &'a str,
    pub user_id: &'a str,
    /// The entry, if it is one.
    pub entry: Option<&'a Record>,
}

impl Row<'_> {
    /// # Errors
    /// If a cost is more than an amount can say.
    pub fn write(&self, scope: &LogScope, file: &mut File) -> Result<()> {
        self.write_charge(scope, file);
        self.write_cost(file)?;
        self.write_service(file);
        self.write_sku(file);
        self.write_account(file);
        self.write_custom(file);
        file.end_row();
        Ok(())
    }

    fn write_charge(&self, scope: &LogScope, file: &mut File) {
        let workspace = &scope.workspace;
        file.amount(self.part.cost);
        file.text(&workspace.id);
        file.text_if_any(&workspace.display_name);
        file.text(ACCOUNT_TYPE);
        file.text(workspace.currency.as_str());
        file.time(self.billing_period.end);
        file.time(self.billing_period.start);
        let is_usage = self.part.class.is_some();
        file.text(if is_usage || self.corrects_past { "Usage" } else { "Adjustment" });
        file.text_if_any(if self.corrects_past { "Correction" } else { "" });
        file.text(&self.description());
        file.text(if is_usage { "Usage-Based" } else { "One-Time" });
        file.time(self.charge_period.end);
        file.time(self.charge_period.start);
        if is_usage {
            file.decimal(self.part.tokens);
            file.text("Tokens");
        } else {
            file.absent();
            file.absent();
        }
    }

    fn description(&self) -> String {
        let (model, tier) = (self.model_id, tier_name(self.tier));
        match (self.part.class, self.kind) {
            (Some(class), _) => format!("{} of {model}, {tier} tier", meter(class)),
            (None, RecordKind::Correction) => format!("Correction of the cost of {model}"),
            (None, RecordKind::ExpiryCharge) => format!("Estimate of an expired hold on {model}"),
            (None, RecordKind::Usage) => format!("Usage of {model}"),
        }
    }

    fn write_cost(&self, file: &mut File) -> Result<()> {
        let Part { cost, list_cost, .. } = self.part;
        let provider = or(self.provider, UNKNOWN);
        file.amount(cost);
        file.decimal_if_any(self.unit_price(|prices| &prices.billed));
        file.amount(cost);
        file.absent();
        file.text(provider);
        file.amount(list_cost);
        file.decimal_if_any(self.unit_price(|prices| &prices.list));
        file.text_if_any(if self.part.class.is_some() { "Standard" } else { "" });
        match self.prices.zip(self.part.class) {
            Some((prices, class)) => {
                file.text(prices.currency.as_str());
                file.decimal(prices.billed[class as usize]);
                file.decimal(pricing_nanos(self.part.pricing_cost)?);
                file.decimal(prices.list[class as usize]);
            }
            None => {
                for _ in 0..4 {
                    file.absent();
                }
            }
        }
        if self.part.class.is_some() {
            file.decimal(self.part.tokens);
            file.text("1000000 Tokens");
        } else {
            file.absent();
            file.absent();
        }
        file.text(provider);
        file.text(provider);
        Ok(())
    }

    /// In the currency of the workspace. What has no price was billed at nothing.
    fn unit_price(
        &self,
        rates: impl Fn(&Prices) -> &[PerMillion; TokenClass::COUNT],
    ) -> Option<PerMillion> {
        let class = self.part.class?;
        match self.prices {
            Some(prices) => Some(prices.rate.convert(rates(prices)[class as usize])),
            None => self.part.cost.is_zero().then_some(0),
        }
    }

    fn write_service(&self, file: &mut File) {
        file.text(self.model_id);
        file.text(or(self.model_name, self.model_id));
        file.text(RESOURCE_TYPE);
        file.text(SERVICE_CATEGORY);
        file.text(SERVICE_NAME);
        file.text(SERVICE_SUBCATEGORY);
    }

    fn write_sku(&self, file: &mut File) {
        let Some(class) = self.part.class else {
            for _ in 0..4 {
                file.absent();
            }
            return;
        };
        let (tier, class_name) = (tier_name(self.tier), class_name(class));
        let sku = format!("{}/{tier}/{class_name}", self.model_id);
        file.text(&sku);
        file.text(meter(class));
        let Some(prices) = self.prices else {
            file.absent();
            file.text(&sku);
            return;
        };
        let from = prices.from_input_tokens;
        file.text(&format!(
            r#"{{"FromInputTokens": {from}, "Tier": "{tier}", "TokenClass": "{class_name}"}}"#
        ));
        file.text(&format!("{}/{tier}/{class_name}/{from}", prices.id));
    }

    fn write_account(&self, file: &mut File) {
        file.text_if_any(self.department_id);
        file.text_if_any(or(self.department_name, self.department_id));
        file.text_if_any(if self.department_id.is_empty() { "" } else { SUB_ACCOUNT_TYPE });
        match self.entry.and_then(tags_json) {
            Some(tags) => file.text(&tags),
            None => file.absent(),
        }
    }

    fn write_custom(&self, file: &mut File) {
        let of = self.entry.map(|entry| &entry.attribution);
        file.text_if_any(self.api_key_id);
        file.text_if_any(of.map_or("", |of| &of.assistant_id));
        match self.entry {
            Some(entry) => {
                file.integer(entry.attempt.into());
                file.time(entry.charge_time);
            }
            None => {
                file.absent();
                file.absent();
            }
        }
        file.integer(self.entry_count);
        file.text(kind_name(self.kind));
        file.decimal_if_any(self.prices.map(|prices| prices.rate.nanos()));
        file.text_if_any(of.map_or("", |of| &of.feature_id));
        file.text_if_any(of.map_or("", |of| &of.investigation_id));
        file.text_if_any(self.entry.map_or("", |entry| &entry.key_group_id));
        file.date(self.date);
        file.text_if_any(self.entry.map_or("", |entry| &entry.model_id));
        file.text_if_any(self.entry.map_or("", |entry| outcome_name(entry.outcome)));
        file.text_if_any(self.prices.map_or("", |prices| &prices.id));
        file.text_if_any(self.project_id);
        match self.entry {
            Some(entry) => {
                file.text(&entry.request_id);
                file.integer(entry.seq);
            }
            None => {
                file.absent();
                file.absent();
            }
        }
        file.text(tier_name(self.tier));
        file.text_if_any(of.map_or("", |of| &of.session_id));
        file.text_if_any(self.part.class.map_or("", class_name));
        file.text_if_any(self.user_id);
        file.text_if_any(of.map_or("", |of| &of.workflow_id));
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

/// What is metered, for people.
fn meter(class: TokenClass) -> &'static str {
    match class {
        TokenClass::Input => "Input Tokens",
        TokenClass::CacheRead => "Cache Read Tokens",
        TokenClass::CacheWrite5m => "Cache Write Tokens (5 Minutes)",
        TokenClass::CacheWrite1h => "Cache Write Tokens (1 Hour)",
        TokenClass::Output => "Output Tokens",
        TokenClass::Reasoning => "Reasoning Tokens",
        TokenClass::AudioInput => "Audio Input Tokens",
        TokenClass::AudioOutput => "Audio Output Tokens",
        TokenClass::ImageInput => "Image Input Tokens",
        TokenClass::ImageOutput => "Image Output Tokens",
    }
}
