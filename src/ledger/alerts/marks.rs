//! What was raised before, and of what only so much is raised in a day.

use smallvec::SmallVec;

use crate::domain::alert::AlertType;

/// An alert about a model that is raised once a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DailyAlert {
    UnpricedModel,
    CostDiffers,
    AnswerUnread,
}

impl DailyAlert {
    pub const ALL: [DailyAlert; 3] =
        [DailyAlert::UnpricedModel, DailyAlert::CostDiffers, DailyAlert::AnswerUnread];

    pub fn of(alert_type: AlertType) -> Option<DailyAlert> {
        DailyAlert::ALL.into_iter().find(|alert| alert.alert_type() == alert_type)
    }

    pub fn alert_type(self) -> AlertType {
        match self {
            DailyAlert::UnpricedModel => AlertType::UnpricedModel,
            DailyAlert::CostDiffers => AlertType::CostDiffers,
            DailyAlert::AnswerUnread => AlertType::AnswerUnread,
        }
    }
}

/// The highest threshold that was raised in a window, in percent, for each value that its limit
/// had. Of alerts without a threshold it is [`RAISED`].
#[derive(Clone, Default)]
pub struct Marks(SmallVec<[(i64, u16); 1]>);

/// Stands for the threshold of alerts that have none.
pub const RAISED: u16 = 1;
/// Of how many values of a limit it is kept what was raised, the latest ones. Storage keeps all.
const LIMIT_VALUES_MAX: usize = 64;

impl Marks {
    /// Zero if none was raised.
    pub fn highest(&self, base_limit: i64) -> u16 {
        let mark = self.0.iter().find(|(value, _)| *value == base_limit);
        mark.map_or(0, |(_, threshold)| *threshold)
    }

    pub fn raise(&mut self, base_limit: i64, threshold: u16) {
        if threshold == 0 {
            return;
        }
        if let Some((_, highest)) = self.0.iter_mut().find(|(value, _)| *value == base_limit) {
            *highest = threshold.max(*highest);
            return;
        }
        if self.0.len() == LIMIT_VALUES_MAX {
            self.0.remove(0);
        }
        self.0.push((base_limit, threshold));
    }
}
