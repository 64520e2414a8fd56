//! What can be measured, and the rules of each metric.

use crate::storage::rollup::Dimension;

/// What is measured.
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

/// Whose different values are counted.
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

    /// Whether usage that names none is left out of the cost that is divided.
    pub fn leaves_out_unnamed(self) -> bool {
        self != Counted::Users
    }
}

impl Metric {
    /// Whether it comes from checks that were refused, not from usage.
    pub fn is_of_refusals(self) -> bool {
        matches!(self, Metric::Blocked | Metric::Routed)
    }

    /// What must be counted for it.
    pub fn counted(self) -> Option<Counted> {
        match self {
            Metric::ActiveUsers | Metric::CostPerUser => Some(Counted::Users),
            Metric::CostPerInvestigation => Some(Counted::Investigations),
            Metric::CostPerSession => Some(Counted::Sessions),
            _ => None,
        }
    }

    /// Whether a group has a share of the total in it.
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
