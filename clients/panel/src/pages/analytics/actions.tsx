// "Quick actions": to the users, and the page as a file.

import { useState } from "react";
import { createClient } from "@connectrpc/connect";
import { Trans, useLingui } from "@lingui/react/macro";

import { AnalyticsService, ExportFormat, ReportKind } from "@stubs/analytics_service_pb.js";

import { transport } from "../../app/api";
import { navigate, pathOf } from "../../app/route";
import { useThisWorkspace } from "../../app/workspace";
import { Button, Card, Outcome } from "../../ui/base";
import { save } from "../../ui/download";
import { useFilters } from "./filters";
import type { Range } from "./range";
import { useRange } from "./range";
import { RecordsExport } from "./records";

/** The reports of the page, in its order. */
const REPORTS = [
  ReportKind.OVERVIEW,
  ReportKind.ACTIVE_USERS,
  ReportKind.TOKEN_USAGE_BY_TEAM,
  ReportKind.TOP_WORKFLOWS,
  ReportKind.TIME_TO_FIRST_VALUE,
  ReportKind.TOP_ASSISTANTS,
];

type Filters = ReturnType<typeof useFilters>;

/** All reports of the page in one file, one below the other. */
async function usageReport(workspaceId: string, range: Range, filters: Filters): Promise<Blob> {
  const client = createClient(AnalyticsService, transport);
  const parts: BlobPart[] = [];
  for (const kind of REPORTS) {
    if (parts.length > 0) parts.push("\r\n");
    parts.push(`${ReportKind[kind].toLowerCase()}\r\n`);
    // Filters do not apply to the way to first value.
    const applied = kind === ReportKind.TIME_TO_FIRST_VALUE ? [] : filters;
    const report = { kind, range, filters: applied };
    const request = {
      workspaceId,
      format: ExportFormat.CSV,
      content: { case: "report" as const, value: report },
    };
    for await (const { data } of client.exportUsage(request)) parts.push(new Uint8Array(data));
  }
  return new Blob(parts, { type: "text/csv" });
}

export function QuickActions() {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const range = useRange();
  const filters = useFilters();
  const [state, setState] = useState<{ busy: boolean; error?: unknown; done?: boolean }>({
    busy: false,
  });
  const download = async () => {
    setState({ busy: true });
    try {
      const report = await usageReport(workspaceId, range, filters);
      save(report, `usage-report-${workspaceId}.csv`);
      setState({ busy: false, done: true });
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  return (
    <Card title={<Trans>Quick actions</Trans>}>
      <div className="actions">
        <a
          className="button"
          href={pathOf(workspaceId, "users")}
          onClick={(event) => {
            event.preventDefault();
            navigate(pathOf(workspaceId, "users"));
          }}
        >
          <Trans>Manage users</Trans>
        </a>
        <Button busy={state.busy} onClick={() => void download()}>
          <Trans>Analytics export</Trans>
        </Button>
        <RecordsExport />
      </div>
      <Outcome error={state.error} done={state.done === true ? t`Downloaded as CSV` : undefined} />
    </Card>
  );
}
