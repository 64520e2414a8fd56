// What a key used, over time and by model, and which quotas bind it.

import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { UsageGroup } from "@stubs/analytics_service_pb.js";
import {
  AnalyticsService,
  TimeGranularity,
  UsageDimension,
  UsageMetric,
} from "@stubs/analytics_service_pb.js";
import type { ApiKey } from "@stubs/api_key_service_pb.js";
import { SubjectType } from "@stubs/common_pb.js";
import { QuotaService } from "@stubs/quota_service_pb.js";

import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { Compact, Count, Loaded, MoneyText } from "../../ui/base";
import { LineChart } from "../../ui/charts";
import { Dialog } from "../../ui/dialog";
import { Table } from "../../ui/table";
import { localDate } from "../../ui/zone";
import { UsageTable } from "./utilisation";

export function KeyUsageDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const { workspaceId, timeZone } = useThisWorkspace();
  const { t } = useLingui();
  const format = useFormat();
  const { apiKeyId } = apiKey;
  const filters = [{ dimension: UsageDimension.API_KEY, values: [apiKeyId] }];
  const metrics = [UsageMetric.TOKENS, UsageMetric.REQUESTS, UsageMetric.COST];
  const days = useQuery(AnalyticsService.method.queryUsage, {
    workspaceId,
    filters,
    metrics,
    granularity: TimeGranularity.DAY,
  });
  const models = useQuery(AnalyticsService.method.queryUsage, {
    workspaceId,
    filters,
    metrics,
    groupBy: [{ dimension: UsageDimension.MODEL }],
  });
  const subject = { type: SubjectType.API_KEY, id: apiKeyId };
  const group = { type: SubjectType.KEY_GROUP, id: apiKey.keyGroupId };
  const own = useQuery(QuotaService.method.listQuotaUsage, { workspaceId, subject });
  const shared = useQuery(
    QuotaService.method.listQuotaUsage,
    { workspaceId, subject: group },
    { enabled: group.id !== "" },
  );
  const today = localDate(new Date(), timeZone);
  return (
    <Dialog wide title={apiKey.displayName || apiKeyId} onClose={onClose}>
      <div className="dialog-form">
        <h3>
          <Trans>Tokens, last 30 days</Trans>
        </h3>
        <Loaded query={days} height={220}>
          {({ total }) => (
            <LineChart
              label={t`Tokens by day`}
              format={(value) => format.compact(value)}
              points={(total?.points ?? []).map((point) => ({
                label: format.shortDate(point.startTime),
                value: Number(point.values?.tokenCount ?? 0n),
                open: point.firstDate >= today,
              }))}
            />
          )}
        </Loaded>
        <h3>
          <Trans>By model</Trans>
        </h3>
        <Loaded query={models} height={120}>
          {({ groups }) => (
            <Table<UsageGroup>
              label={t`Usage by model`}
              rows={groups}
              keyOf={({ keys, others }) => (others ? "others" : (keys[0]?.value ?? ""))}
              empty={<Trans>No usage in this range</Trans>}
              columns={[
                {
                  title: t`Model`,
                  cell: ({ keys, others }) => (others ? t`Others` : keys[0]?.value),
                },
                {
                  title: t`Tokens`,
                  number: true,
                  cell: ({ values }) => <Compact value={values?.tokenCount ?? 0n} />,
                },
                {
                  title: t`Requests`,
                  number: true,
                  cell: ({ values }) => <Count value={values?.requestCount ?? 0n} />,
                },
                {
                  title: t`Cost`,
                  number: true,
                  cell: ({ values }) => <MoneyText money={values?.cost} />,
                },
              ]}
            />
          )}
        </Loaded>
        <h3>
          <Trans>Quotas that bind this key</Trans>
        </h3>
        <UsageTable usages={[...(own.data?.usages ?? []), ...(shared.data?.usages ?? [])]} />
      </div>
    </Dialog>
  );
}
