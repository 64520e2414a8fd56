//! One row of the table, and its cells in the columns of FOCUS.

use chrono::NaiveDate;

use super::charge::{Part, Prices, pricing_nanos};
use crate::domain::attribution::Attribution;
use crate::domain::calendar::Window;
use crate::domain::catalog::price::PerMillion;
use crate::domain::record::{Record, RecordKind};
use crate::domain::usage::{ServiceTier, TokenClass};
use crate::export::error::Result;
use crate::export::log_pages::LogScope;
use crate::export::row_writer::RowWriter;
use crate::export::sink::{AMOUNT, Column, Kind};

/// Millions of tokens, exact to one token.
const MILLIONS: Kind = Kind::Decimal(6);
/// Tokens; a decimal in FOCUS.
const WHOLE: Kind = Kind::Decimal(0);

const ACCOUNT_TYPE: &str = "Workspace";
const SUB_ACCOUNT_TYPE: &str = "Department";
const RESOURCE_TYPE: &str = "Model";
const SERVICE_CATEGORY: &str = "AI and Machine Learning";
const SERVICE_SUBCATEGORY: &str = "Generative AI";
const SERVICE_NAME: &str = "Model API";
const UNKNOWN: &str = "Unknown";

/// The columns of FOCUS by name.
pub const FOCUS_COLUMNS: [Column; 45] = [
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
];

/// The charge of one or several records for one token class.
pub struct Row<'a> {
    pub billing_period: Window,
    pub charge_period: Window,
    /// First day of the charge period.
    pub date: NaiveDate,
    pub kind: RecordKind,
    /// Whether it is a correction of a closed billing period.
    pub corrects_past: bool,
    /// As metered.
    pub model_id: &'a str,
    /// Provider and display name of the model; empty if the catalogue has none.
    pub provider: &'a str,
    pub model_name: &'a str,
    pub tier: ServiceTier,
    pub prices: Option<&'a Prices>,
    pub part: Part,
    pub record_count: i64,
    /// Of several records, only the fields that they are grouped by.
    pub attribution: &'a Attribution,
    /// The record, if it is one.
    pub record: Option<&'a Record>,
}

impl Row<'_> {
    /// Writes the columns of FOCUS.
    ///
    /// # Errors
    /// If a cost overflows an amount.
    pub fn write_focus(&self, scope: &LogScope, out: &mut RowWriter) -> Result<()> {
        self.write_charge(scope, out);
        self.write_cost(out)?;
        self.write_service(out);
        self.write_sku(out);
        self.write_account(out);
        Ok(())
    }

    fn write_charge(&self, scope: &LogScope, out: &mut RowWriter) {
        let workspace = &scope.workspace;
        out.amount(self.part.cost);
        out.text(&workspace.id);
        out.optional_text(&workspace.display_name);
        out.text(ACCOUNT_TYPE);
        out.text(workspace.currency.as_str());
        out.time(self.billing_period.end);
        out.time(self.billing_period.start);
        let is_usage = self.part.class.is_some();
        out.text(if is_usage || self.corrects_past { "Usage" } else { "Adjustment" });
        out.optional_text(if self.corrects_past { "Correction" } else { "" });
        out.text(&self.description());
        out.text(if is_usage { "Usage-Based" } else { "One-Time" });
        out.time(self.charge_period.end);
        out.time(self.charge_period.start);
        out.optional_decimal(is_usage.then_some(self.part.tokens));
        out.optional_text(if is_usage { "Tokens" } else { "" });
    }

    fn description(&self) -> String {
        let (model, tier) = (self.model_id, self.tier.as_str());
        match (self.part.class, self.kind) {
            (Some(class), _) => format!("{} of {model}, {tier} tier", meter(class)),
            (None, RecordKind::Correction) => format!("Correction of the cost of {model}"),
            (None, RecordKind::ExpiryCharge) => format!("Estimate of an expired hold on {model}"),
            (None, RecordKind::Usage) => format!("Usage of {model}"),
        }
    }

    fn write_cost(&self, out: &mut RowWriter) -> Result<()> {
        let Part { cost, list_cost, .. } = self.part;
        let provider = or(self.provider, UNKNOWN);
        out.amount(cost);
        out.optional_decimal(self.unit_price(|prices| &prices.billed));
        out.amount(cost);
        out.absent();
        out.text(provider);
        out.amount(list_cost);
        out.optional_decimal(self.unit_price(|prices| &prices.list));
        let is_usage = self.part.class.is_some();
        out.optional_text(if is_usage { "Standard" } else { "" });
        match self.prices.zip(self.part.class) {
            Some((prices, class)) => {
                out.text(prices.currency.as_str());
                out.decimal(prices.billed[class as usize]);
                out.decimal(pricing_nanos(self.part.pricing_cost)?);
                out.decimal(prices.list[class as usize]);
            }
            None => {
                for _ in 0..4 {
                    out.absent();
                }
            }
        }
        out.optional_decimal(is_usage.then_some(self.part.tokens));
        out.optional_text(if is_usage { "1000000 Tokens" } else { "" });
        out.text(provider);
        out.text(provider);
        Ok(())
    }

    /// In the currency of the workspace. Unpriced usage was billed at zero.
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

    fn write_service(&self, out: &mut RowWriter) {
        out.text(self.model_id);
        out.text(or(self.model_name, self.model_id));
        out.text(RESOURCE_TYPE);
        out.text(SERVICE_CATEGORY);
        out.text(SERVICE_NAME);
        out.text(SERVICE_SUBCATEGORY);
    }

    fn write_sku(&self, out: &mut RowWriter) {
        let Some(class) = self.part.class else {
            for _ in 0..4 {
                out.absent();
            }
            return;
        };
        let (tier, class_name) = (self.tier.as_str(), class.as_str());
        let sku = format!("{}/{tier}/{class_name}", self.model_id);
        out.text(&sku);
        out.text(meter(class));
        let Some(prices) = self.prices else {
            out.absent();
            out.text(&sku);
            return;
        };
        let from = prices.from_input_tokens;
        out.text(&format!(
            r#"{{"FromInputTokens": {from}, "Tier": "{tier}", "TokenClass": "{class_name}"}}"#
        ));
        out.text(&format!("{}/{tier}/{class_name}/{from}", prices.id));
    }

    fn write_account(&self, out: &mut RowWriter) {
        let department_id = &self.attribution.department_id;
        out.optional_text(department_id);
        out.optional_text(department_id);
        out.optional_text(if department_id.is_empty() { "" } else { SUB_ACCOUNT_TYPE });
        out.tags(&self.attribution.tags);
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

/// Display name of a meter.
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
