//! Metrics of reports, and the rules of each.

use crate::domain::attribution::Dimension;

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    Cost,
    Requests,
    Tokens,
    Errors,
    Latency,
    Blocked,
    Routed,
    CostPerRequest,
    CostPerUser,
    CostPerInvestigation,
    CostPerSession,
    ActiveUsers,
}

/// Dimensions whose distinct values are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counted {
    Users,
    Investigations,
    Sessions,
}

impl Counted {
    pub const COUNT: usize = 3;
    pub const ALL: [Counted; Counted::COUNT] =
        [Counted::Users, Counted::Investigations, Counted::Sessions];

    pub fn dimension(self) -> Dimension {
        match self {
            Counted::Users => Dimension::User,
            Counted::Investigations => Dimension::Investigation,
            Counted::Sessions => Dimension::Session,
        }
    }

    /// Whether the cost that is divided leaves out usage without a value.
    pub fn leaves_out_unnamed(self) -> bool {
        self != Counted::Users
    }
}

impl Metric {
    /// Whether it is about refused checks, not about usage.
    pub fn is_of_refusals(self) -> bool {
        matches!(self, Metric::Blocked | Metric::Routed)
    }

    /// The distinct values that it needs counted.
    pub fn counted(self) -> Option<Counted> {
        match self {
            Metric::ActiveUsers | Metric::CostPerUser => Some(Counted::Users),
            Metric::CostPerInvestigation => Some(Counted::Investigations),
            Metric::CostPerSession => Some(Counted::Sessions),
            _ => None,
        }
    }

    /// Whether it is additive, so that groups have shares of the total.
    pub fn has_share(self) -> bool {
        !matches!(
            self,
            Metric::Latency
                | Metric::CostPerRequest
                | Metric::CostPerUser
                | Metric::CostPerInvestigation
                | Metric::CostPerSession
        )
    }
}
