// "My usage": what the holder of a key or a user may see: its own spend, and its limits.

import { useQuery } from "@connectrpc/connect-query";
import { create } from "@bufbuild/protobuf";
import { Trans, useLingui } from "@lingui/react/macro";

import type { WhoAmIResponse } from "@stubs/access_service_pb.js";
import {
  AnalyticsService,
  ReportPreset,
  TimeGranularity,
  UsageDimension,
  UsageMetric,
} from "@stubs/analytics_service_pb.js";
import { SubjectType } from "@stubs/common_pb.js";
import { QuotaService } from "@stubs/quota_service_pb.js";
import { WorkspaceSchema } from "@stubs/workspace_service_pb.js";

import { Preferences } from "../../app/preferences";
import { signOut } from "../../app/session";
import { WorkspaceContext } from "../../app/workspace";
import { Button, Card, Loaded, MoneyText } from "../../ui/base";
import { callOf } from "../../ui/grpcurl";
import { PageHead } from "../../ui/page";
import { TokensByDay, UsageByModel } from "../keys/usage";
import { UsageTable } from "../keys/utilisation";

export default function MyUsagePage({ caller }: { caller: WhoAmIResponse }) {
  const workspaceId = caller.workspaceIds[0] ?? "";
  const { subject } = caller;
  const isUser = subject?.type === SubjectType.USER;
  const dimension = isUser ? UsageDimension.USER : UsageDimension.API_KEY;
  const own = {
    workspaceId,
    range: { preset: ReportPreset.THIS_MONTH },
    filters: [{ dimension, values: [subject?.id ?? ""] }],
    metrics: [UsageMetric.COST, UsageMetric.REQUESTS, UsageMetric.TOKENS],
  };
  const days = useQuery(AnalyticsService.method.queryUsage, {
    ...own,
    granularity: TimeGranularity.DAY,
  });
  const timeZone = days.data?.period?.timeZone ?? "UTC";
  return (
    <WorkspaceContext value={create(WorkspaceSchema, { workspaceId, timeZone })}>
      <main className="mine">
        <Shown caller={caller} own={own} days={days} />
      </main>
    </WorkspaceContext>
  );
}

type Days = ReturnType<
  typeof useQuery<
    typeof AnalyticsService.method.queryUsage.input,
    typeof AnalyticsService.method.queryUsage.output
  >
>;

interface Own {
  workspaceId: string;
  range: { preset: ReportPreset };
  filters: { dimension: UsageDimension; values: string[] }[];
  metrics: UsageMetric[];
}

function Shown({ caller, own, days }: { caller: WhoAmIResponse; own: Own; days: Days }) {
  const { t } = useLingui();
  const { subject } = caller;
  const { workspaceId } = own;
  const models = useQuery(AnalyticsService.method.queryUsage, {
    ...own,
    groupBy: [{ dimension: UsageDimension.MODEL }],
  });
  const asked = { workspaceId, ...(subject && { subject }) };
  const quotas = useQuery(QuotaService.method.listQuotaUsage, asked);
  const calls = [
    callOf(AnalyticsService.method.queryUsage, own),
    callOf(QuotaService.method.listQuotaUsage, asked),
  ];
  return (
    <>
      <PageHead title={t`My usage`} calls={calls}>
        <Preferences />
        <Button onClick={signOut}>
          <Trans>Sign out</Trans>
        </Button>
      </PageHead>
      <p className="hint">
        {subject?.id} · {workspaceId}
      </p>
      <Card title={<Trans>My limits</Trans>}>
        <Loaded query={quotas} lines={3} height={140}>
          {({ usages }) => <UsageTable usages={usages} />}
        </Loaded>
      </Card>
      <Card
        title={<Trans>This month</Trans>}
        aside={<MoneyText money={days.data?.total?.values?.cost} />}
      >
        <Loaded query={days} height={220}>
          {({ total }) => <TokensByDay total={total} />}
        </Loaded>
      </Card>
      <Card title={<Trans>By model</Trans>}>
        <Loaded query={models} height={140}>
          {({ groups }) => <UsageByModel groups={groups} />}
        </Loaded>
      </Card>
    </>
  );
}
