//! Requests of `ExportUsage`.

use super::convert::{
    RANKING_TOP_MAX, TOP_DEFAULT, read_filters, read_range, read_top, refuse_limits,
    user_granularity,
};
use super::query;
use crate::analytics::range::Granularity;
use crate::export::Format;
use crate::export::content::{Content, ReportContent, ReportKind};
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::proto_enum;
use crate::proto::v1;
use crate::proto::v1::export_usage_request::Content as ProtoContent;

proto_enum!(Format as ExportFormat { Csv, Parquet } "expected an ExportFormat that is known");
proto_enum!(ReportKind as ReportKind {
    Overview, ActiveUsers, TokenUsageByTeam, TopWorkflows, TopAssistants, TimeToFirstValue,
    NeverActiveUsers,
} "expected a ReportKind that is known");

/// What to export, from which workspace.
pub struct ExportCall {
    pub workspace_id: String,
    pub format: Format,
    pub content: Content,
}

pub fn export(request: v1::ExportUsageRequest) -> Decoded<ExportCall> {
    let v1::ExportUsageRequest { workspace_id, format, content } = request;
    decode(|at| {
        at.workspace_id(&workspace_id);
        let format = at.field("format").optional_enum(format).unwrap_or(Format::Csv);
        let expected = "expected records, focus, query or report: one of them is required";
        at.field("content").ensure(content.is_some(), expected);
        let content = match content? {
            ProtoContent::Records(records) => {
                Content::Records(read_range(at.field("records"), records.range.as_ref()))
            }
            ProtoContent::Focus(focus) => read_focus(at.field("focus"), focus),
            ProtoContent::Query(query) => read_query(at.field("query"), &workspace_id, query),
            ProtoContent::Report(report) => {
                Content::Report(read_report(at.field("report"), report)?)
            }
        };
        Some(ExportCall { workspace_id, format, content })
    })
}

fn read_focus(at: Decoder<'_>, focus: v1::FocusExport) -> Content {
    let range = read_range(at, focus.range.as_ref());
    let at = at.field("granularity");
    let granularity: Option<Granularity> = at.optional_enum(focus.granularity);
    let is_daily = granularity == Some(Granularity::Day);
    at.ensure(granularity.is_none() || is_daily, "expected none, or TIME_GRANULARITY_DAY");
    Content::Focus { range, daily: is_daily }
}

fn read_query(at: Decoder<'_>, workspace_id: &str, mut request: v1::QueryUsageRequest) -> Content {
    // It need not be repeated.
    if request.workspace_id.is_empty() {
        workspace_id.clone_into(&mut request.workspace_id);
    }
    let (own, query) = query::read(at, request);
    let expected = "expected none, or that of the export";
    at.field("workspace_id").ensure(own == workspace_id, expected);
    Content::Query(query)
}

fn read_report(at: Decoder<'_>, report: v1::ReportExport) -> Option<ReportContent> {
    let kind = at.field("kind").required_enum(report.kind);
    let range = read_range(at, report.range.as_ref());
    let restrictions = read_filters(at, report.filters);
    refuse_limits(at, &restrictions);
    let kind = kind?;
    let is_ranked = matches!(kind, ReportKind::TopWorkflows | ReportKind::TopAssistants);
    let granularity = if kind == ReportKind::ActiveUsers {
        user_granularity(at, report.granularity)
    } else {
        let expected = "expected none: only active users are told by buckets of time";
        at.field("granularity").ensure(report.granularity == 0, expected);
        Granularity::Day
    };
    let top = if is_ranked {
        read_top(at, report.top, RANKING_TOP_MAX)
    } else {
        let expected = "expected none: only rankings have places";
        at.field("top").ensure(report.top == 0, expected);
        TOP_DEFAULT
    };
    Some(ReportContent { kind, range, restrictions, granularity, top })
}
