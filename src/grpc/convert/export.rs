//! What `ExportUsage` is asked.

use super::analytics::{RANKING_TOP_MAX, TOP_DEFAULT};
use super::analytics::{filters, granularity, range, refuse_limits, top, user_granularity};
use super::{Path, Violations, analytics_query, text};
use crate::analytics::range::Granularity;
use crate::export::Format;
use crate::export::content::{Content, ReportContent, ReportKind};
use crate::proto::v1;
use crate::proto::v1::export_usage_request::Content as Asked;

/// What to export, from which workspace.
pub struct ExportCall {
    pub workspace_id: String,
    pub format: Format,
    pub content: Content,
}

/// # Errors
/// If a field is out of its range.
pub fn export(request: v1::ExportUsageRequest) -> Result<ExportCall, Violations> {
    let mut violations = Violations::default();
    let v1::ExportUsageRequest { workspace_id, format: asked_format, content } = request;
    text::check_workspace_id(&workspace_id, &mut violations);
    let format = format(asked_format, &mut violations);
    let content = match content {
        Some(content) => read(&workspace_id, content, &mut violations),
        None => {
            let expected = "expected records, focus, query or report: one of them is required";
            violations.add("content", expected);
            None
        }
    };
    let content = violations.accept(content)?.expect("a request without content is refused");
    Ok(ExportCall { workspace_id, format, content })
}

fn format(asked: i32, violations: &mut Violations) -> Format {
    match v1::ExportFormat::try_from(asked) {
        Ok(v1::ExportFormat::Unspecified | v1::ExportFormat::Csv) => Format::Csv,
        Ok(v1::ExportFormat::Parquet) => Format::Parquet,
        Err(_) => {
            violations.add("format", "expected an ExportFormat that is known");
            Format::Csv
        }
    }
}

fn read(workspace_id: &str, asked: Asked, violations: &mut Violations) -> Option<Content> {
    let path = Path::Request;
    Some(match asked {
        Asked::Records(v1::RecordsExport { range: asked }) => {
            let path = path.field("records");
            Content::Records(range(asked.as_ref(), path.field("range"), violations))
        }
        Asked::Focus(v1::FocusExport { range: asked, granularity: by }) => {
            let path = path.field("focus");
            let range = range(asked.as_ref(), path.field("range"), violations);
            let path = path.field("granularity");
            let daily = match granularity(by, path, violations) {
                None => false,
                Some(Granularity::Day) => true,
                Some(_) => {
                    violations.add(path, "expected none, or TIME_GRANULARITY_DAY");
                    false
                }
            };
            Content::Focus { range, daily }
        }
        Asked::Query(mut query) => {
            let path = path.field("query");
            // It need not be said twice.
            if query.workspace_id.is_empty() {
                workspace_id.clone_into(&mut query.workspace_id);
            }
            let (own, query) = analytics_query::query(query, path, violations);
            if own != workspace_id {
                violations.add(path.field("workspace_id"), "expected none, or that of the export");
            }
            Content::Query(query)
        }
        Asked::Report(report) => Content::Report(read_report(report, violations)?),
    })
}

fn read_report(asked: v1::ReportExport, violations: &mut Violations) -> Option<ReportContent> {
    let request = Path::Request;
    let path = request.field("report");
    let kind = kind(asked.kind, path.field("kind"), violations);
    let range = range(asked.range.as_ref(), path.field("range"), violations);
    let restrictions = filters(asked.filters, path.field("filters"), violations);
    refuse_limits(&restrictions, path.field("filters"), violations);
    let kind = kind?;
    let buckets = kind == ReportKind::ActiveUsers;
    if !buckets && asked.granularity != 0 {
        let expected = "expected none: only active users are told by buckets of time";
        violations.add(path.field("granularity"), expected);
    }
    let ranked = matches!(kind, ReportKind::TopWorkflows | ReportKind::TopAssistants);
    if !ranked && asked.top != 0 {
        violations.add(path.field("top"), "expected none: only rankings have places");
    }
    let granularity = if buckets {
        user_granularity(asked.granularity, path, violations)
    } else {
        Granularity::Day
    };
    let top = if ranked {
        top(asked.top, RANKING_TOP_MAX, path.field("top"), violations)
    } else {
        TOP_DEFAULT
    };
    Some(ReportContent { kind, range, restrictions, granularity, top })
}

fn kind(asked: i32, path: Path<'_>, violations: &mut Violations) -> Option<ReportKind> {
    Some(match v1::ReportKind::try_from(asked) {
        Ok(v1::ReportKind::Overview) => ReportKind::Overview,
        Ok(v1::ReportKind::ActiveUsers) => ReportKind::ActiveUsers,
        Ok(v1::ReportKind::TokenUsageByTeam) => ReportKind::TokenUsageByTeam,
        Ok(v1::ReportKind::TopWorkflows) => ReportKind::TopWorkflows,
        Ok(v1::ReportKind::TopAssistants) => ReportKind::TopAssistants,
        Ok(v1::ReportKind::TimeToFirstValue) => ReportKind::TimeToFirstValue,
        Ok(v1::ReportKind::NeverActiveUsers) => ReportKind::NeverActiveUsers,
        Ok(v1::ReportKind::Unspecified) | Err(_) => {
            violations.add(path, "expected a ReportKind that is known");
            return None;
        }
    })
}
