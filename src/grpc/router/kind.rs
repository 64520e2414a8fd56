//! What a call is, by its path: how large its request may be, and what room its answer needs.

use std::time::Duration;

use crate::limits::{
    LARGE_REQUEST_BYTES_MAX, LARGE_REQUEST_WAIT, Limits, PAGE_BYTES_MAX, REQUEST_BYTES_MAX,
};

/// Room for what is around the entries of a page.
const AROUND_PAGE_BYTES: usize = 64 * 1024;
/// Room for the answer of a batch: a result for each of its records.
const BATCH_BYTES: usize = 1024 * 1024;
/// Room for a report. Few are larger; these need more room once they are made.
const REPORT_BYTES: usize = 256 * 1024;

/// Bounds of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Small, both ways; nearly all are.
    Small,
    /// The caller goes on sending.
    Stream,
    List,
    Report,
    Batch,
    Import,
}

impl Kind {
    pub fn of(path: &str) -> Kind {
        let (service, method) = path.rsplit_once('/').unwrap_or(("", path));
        match method {
            "RecordUsageBatch" => Kind::Batch,
            "ImportPrices" => Kind::Import,
            "CheckAndRouteStream" | "ServerReflectionInfo" => Kind::Stream,
            _ if method.starts_with("List") => Kind::List,
            _ if method.starts_with("Watch") || method.starts_with("Export") => Kind::Small,
            _ if service.ends_with(".AnalyticsService") => Kind::Report,
            _ => Kind::Small,
        }
    }

    /// Most bytes of its request's message.
    pub fn request_bytes_max(self) -> usize {
        if self.is_large() { LARGE_REQUEST_BYTES_MAX } else { REQUEST_BYTES_MAX }
    }

    pub fn is_large(self) -> bool {
        matches!(self, Kind::Batch | Kind::Import)
    }

    /// How long its request may take.
    pub fn request_wait(self, limits: &Limits) -> Option<Duration> {
        match self {
            Kind::Stream => None,
            Kind::Small | Kind::List | Kind::Report => Some(limits.request_wait),
            Kind::Batch | Kind::Import => Some(LARGE_REQUEST_WAIT),
        }
    }

    /// What its answer may need in memory, in bytes, where that is much.
    pub fn answer_bytes(self) -> Option<usize> {
        match self {
            Kind::List => Some(PAGE_BYTES_MAX + AROUND_PAGE_BYTES),
            Kind::Report => Some(REPORT_BYTES),
            Kind::Batch => Some(BATCH_BYTES),
            Kind::Small | Kind::Stream | Kind::Import => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_known_by_their_paths() {
        for (path, kind) in [
            ("/tollgate.v1.UsageService/CheckAndRoute", Kind::Small),
            ("/tollgate.v1.UsageService/CheckAndRouteStream", Kind::Stream),
            ("/tollgate.v1.UsageService/RecordUsageBatch", Kind::Batch),
            ("/tollgate.v1.UsageService/ListUsageRecords", Kind::List),
            ("/tollgate.v1.CatalogService/ImportPrices", Kind::Import),
            ("/tollgate.v1.AnalyticsService/QueryUsage", Kind::Report),
            ("/tollgate.v1.AnalyticsService/WatchLiveMetrics", Kind::Small),
            ("/tollgate.v1.AnalyticsService/ExportUsage", Kind::Small),
            ("/tollgate.v1.BudgetService/GetBudget", Kind::Small),
            ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Kind::Stream),
            ("", Kind::Small),
        ] {
            assert_eq!(Kind::of(path), kind, "{path}");
        }
    }
}
