//! What was read in a provider answer.

use rust_decimal::{Decimal, RoundingStrategy};
use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::domain::catalog::bill::COST_MAX;
use crate::domain::usage::{self, Extras, ServiceTier, UnitKind, Usage};
use crate::domain::{Amount, Currency, coded_enum};

/// What was read in a provider answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Name of the shape that matched, such as `openai.chat`.
    pub shape: &'static str,
    /// The hint, or who alone answers like this; none if many do.
    pub provider: Option<SmolStr>,
    /// As the provider names it, without a leading `models/`.
    pub model: Option<SmolStr>,
    /// Of the answer, as the provider names it.
    pub id: Option<SmolStr>,
    /// None if the answer names none, or one that is not known.
    pub service_tier: Option<ServiceTier>,
    /// Tokens of [`Reading::model`]; classes are disjoint.
    pub usage: Usage,
    /// Tokens of other models that were used for the same answer, such as an advisor: each is
    /// billed at its own model's price, and is not part of [`Reading::usage`].
    pub others: Vec<OtherModel>,
    /// Each kind once, none with a count of 0.
    pub units: SmallVec<[Units; 2]>,
    /// What raises or lowers the price.
    pub factors: SmallVec<[Factor; 2]>,
    /// What the provider says that it bills.
    pub reported_cost: Option<ReportedCost>,
    /// In the order of their codes, each once.
    pub flags: SmallVec<[Flag; 4]>,
    /// The answer without content, at most [`super::KEPT_BYTES_MAX`]. Read again, it gives this
    /// reading again, unless it is flagged [`Flag::KeptCut`].
    pub kept: String,
}

/// Factors of a reading that are named by their value, as prices name them: a speed, or the region
/// that the answer was computed in.
const NAMED_BY_VALUE: [&str; 2] = ["speed", "inference_geo"];
/// Values that are no factor: what everybody gets.
const USUAL: [&str; 5] = ["standard", "default", "normal", "global", "not_available"];

impl Reading {
    /// Units, and names of factors of the price.
    pub fn to_extras(&self) -> Option<Box<Extras>> {
        let mut extras = Extras::default();
        for units in &self.units {
            extras = extras.with(units.kind, units.count);
        }
        let named = self.factors.iter().filter(|factor| NAMED_BY_VALUE.contains(&factor.name));
        let unusual = named.filter(|factor| !USUAL.contains(&factor.value.as_str()));
        extras.reported = self.reported_cost.and_then(ReportedCost::to_domain);
        extras.with_factors(unusual.map(|factor| factor.value.replace('-', "_"))).boxed()
    }

    /// Tokens of other models.
    pub fn to_others(&self) -> Vec<(String, Usage)> {
        self.others.iter().map(|other| (other.model.to_string(), other.usage)).collect()
    }

    /// Units of a kind; 0 if there are none.
    pub fn unit(&self, kind: UnitKind) -> i64 {
        self.units.iter().find(|units| units.kind == kind).map_or(0, |units| units.count)
    }

    /// What a factor says, if the answer names it.
    pub fn factor(&self, name: &str) -> Option<&str> {
        self.factors.iter().find(|factor| factor.name == name).map(|factor| factor.value.as_str())
    }
}

/// Tokens of another model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherModel {
    pub model: SmolStr,
    pub usage: Usage,
}

/// What is billed by the piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Units {
    pub kind: UnitKind,
    /// Above 0.
    pub count: i64,
}

/// A named factor of the price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// `speed`, `inference_geo`, `service_tier`, `latency`, `search_context_size`, `quality`,
    /// `size`.
    pub name: &'static str,
    /// In lower case.
    pub value: SmolStr,
}

/// A cost as the provider reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportedCost {
    /// Not negative.
    pub amount: Decimal,
    pub currency: Currency,
}

impl ReportedCost {
    /// Whether a record can be charged it, and it is more than nothing.
    pub(super) fn is_chargeable(self) -> bool {
        self.to_domain().is_some_and(|cost| cost.amount > Amount::ZERO)
    }

    /// In nano-units, rounded half to even; none if a record may not cost so much.
    fn to_domain(self) -> Option<usage::ReportedCost> {
        let rounded = self.amount.round_dp_with_strategy(9, RoundingStrategy::MidpointNearestEven);
        let amount = Amount::from_decimal(rounded).ok().filter(|amount| *amount <= COST_MAX)?;
        Some(usage::ReportedCost::new(amount, self.currency))
    }
}

coded_enum! {
    /// What should be known of a reading beside its figures.
    pub enum Flag {
        /// The total is not what the parts add up to, in any arrangement.
        TotalContradicts = 0,
        /// Parts are more than the whole they are said to be in.
        PartsExceed = 1,
        /// One figure is given twice with different numbers; the surer one was taken.
        NamesDisagree = 2,
        /// The total exceeds its parts; the rest was counted, as the side that is missing or as
        /// reasoning.
        RestCounted = 3,
        /// The beginning of a stream, or an answer that is not finished: output is missing.
        Partial = 4,
        /// Another model was used, too: see [`Reading::others`].
        OtherModel = 5,
        /// A service tier is named that is not known.
        TierUnknown = 6,
        /// A reported cost could not be read.
        CostUnread = 7,
        /// Lists beside content were left out of what is kept, because it was too large.
        KeptCut = 8,
        /// There is a reported cost and no usage: nothing is counted.
        CostOnly = 9,
    }
}
