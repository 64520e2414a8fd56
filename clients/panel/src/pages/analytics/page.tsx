// "Analytics": who uses models, for what, and whether it catches on. Changes nothing.

import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { GetDashboardResponse } from "@stubs/analytics_service_pb.js";
import { AnalyticsService, UsageMetric } from "@stubs/analytics_service_pb.js";

import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { Button, ErrorBox, Skeleton } from "../../ui/base";
import { callOf } from "../../ui/grpcurl";
import { PageHead } from "../../ui/page";
import { QuickActions } from "./actions";
import { ActiveUsers, FirstValue, Teams, Workflows } from "./charts";
import { Explorer } from "./explorer";
import { FilterChips, useFilters } from "./filters";
import { BusyHours } from "./heat";
import { KeyFigures } from "./kpis";
import { Records } from "./log";
import { RangeControls, useRange } from "./range";
import { Assistants } from "./ranking";

export default function AnalyticsPage() {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const range = useRange();
  const filters = useFilters();
  // The most run workflows; assistants by their tokens.
  const input = { workspaceId, range, filters, workflowOrderBy: UsageMetric.REQUESTS };
  const dashboard = useQuery(AnalyticsService.method.getDashboard, input);
  const { data } = dashboard;
  return (
    <>
      <PageHead title={t`Analytics`} calls={[callOf(AnalyticsService.method.getDashboard, input)]}>
        <RangeControls />
        <Button
          busy={dashboard.isFetching && data !== undefined}
          onClick={() => void dashboard.refetch()}
        >
          <Trans>Refresh</Trans>
        </Button>
      </PageHead>
      <div className="range">
        {data ? <Covered dashboard={data} /> : <span className="as-of">&nbsp;</span>}
        <FilterChips />
      </div>
      {dashboard.error && (
        <ErrorBox error={dashboard.error} onRetry={() => void dashboard.refetch()} />
      )}
      {data ? (
        <Reports dashboard={data} />
      ) : (
        !dashboard.error && <Skeleton lines={12} height={900} />
      )}
      <BusyHours period={data?.period} />
      <Explorer />
      <Records period={data?.period} />
      <QuickActions />
    </>
  );
}

/** The days, their zone, and up to when they are complete. */
function Covered({ dashboard }: { dashboard: GetDashboardResponse }) {
  const format = useFormat();
  const { period } = dashboard;
  if (!period) return null;
  const [first, last] = [format.localDate(period.firstDate), format.localDate(period.lastDate)];
  const [zone, until] = [period.timeZone, format.time(dashboard.asOfTime)];
  return (
    <span className="as-of">
      {first === last ? first : `${first} – ${last}`} ({zone}) ·{" "}
      <Trans>complete up to {until}</Trans>
    </span>
  );
}

function Reports({ dashboard }: { dashboard: GetDashboardResponse }) {
  return (
    <>
      <KeyFigures overview={dashboard.overview} />
      <div className="grid-2">
        <ActiveUsers dashboard={dashboard} />
        <Teams teams={dashboard.teams} />
        <Workflows workflows={dashboard.topWorkflows} />
        <FirstValue figures={dashboard.timeToFirstValue} />
      </div>
      <Assistants assistants={dashboard.topAssistants} />
    </>
  );
}
